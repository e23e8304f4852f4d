// The page `/docs` of a real node in a real browser: it tells all of the document, without a script, on a desk and on a phone.
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { findFaintTexts, findUnnamed } from "./page-checks.ts";

const EXAMPLES = new URL("../../schemas/examples/", import.meta.url);

let node: TestNode;
let api: JsonObject;

beforeAll(async () => {
  node = await startTestNode({ path: "/lgd" });
  for (const name of ["states", "districts"]) {
    const published = await node.publish(JSON.parse(readFileSync(new URL(`${name}.json`, EXAMPLES), "utf8")));
    expect(published.status, published.text).toBe(201);
  }
  api = (await node.request("GET", "/openapi.json")).body;
});

afterAll(() => node?.close());

/** Operations of the document, those of single registries apart. */
function listOperations(paths: unknown): { path: string; id: string; summary: string }[] {
  return Object.entries(paths as Record<string, Record<string, JsonObject>>).flatMap(([path, methods]) =>
    Object.values(methods).map(({ operationId, summary }) => ({
      path,
      id: String(operationId),
      summary: String(summary),
    })),
  );
}

describe("the page of the API", () => {
  it("tells every operation, every error and every schema that is not of one registry alone", async () => {
    const { status, text, headers } = await node.request("GET", "/docs");
    expect([status, headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
    const general = listOperations(api.paths).filter(({ path }) => !/^\/registries\/(states|districts)/.test(path));
    expect(general.length).toBeGreaterThan(30);
    for (const { id, summary } of general) {
      expect(text).toContain(`id="${id}"`);
      expect(text).toContain(summary.replaceAll("'", "&#39;"));
    }
    for (const code of ["version_conflict", "record_unknown", "json_duplicate_key"])
      expect(text).toContain(`id="error-${code}"`);
    for (const name of ["Record", "Problem", "RecordRequest"]) expect(text).toContain(`id="schema-${name}"`);
    expect(text).not.toContain('id="schema-districts_Record"');
  });

  it("of a registry tells its operations and the fields of its data", async () => {
    const { text } = await node.request("GET", "/docs?registry=districts");
    const { body } = await node.request("GET", "/openapi.json?registry=districts");
    for (const { id } of listOperations(body.paths)) expect(text).toContain(`id="${id}"`);
    expect(text).toContain('id="schema-districts_RecordData"');
    expect(text).not.toContain("states_RecordData");
    expect((await node.request("GET", "/docs?registry=nothing")).body.code).toBe("registry_unknown");
  });

  it("asks for nothing but its own style sheet and icon, and no script may run in it", async () => {
    const { text, headers } = await node.request("GET", "/docs");
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'self'; img-src 'self';/);
    const asked = [...text.matchAll(/(?:src|<link[^>]*href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(asked.length).toBe(2);
    for (const address of asked) expect(address).toMatch(/^\/lgd\/assets\//);
    expect(text).not.toMatch(/<script|<style|\son\w+=|\sstyle=/);
  });

  it("shows commands that work as they stand", async () => {
    const { text } = await node.request("GET", "/docs");
    const [, address] = /curl &#39;(http[^&]+\/registries)&#39;/.exec(text) ?? [];
    expect(address).toBe(`${node.entity}/registries`);
    expect((await fetch(address!)).status).toBe(200);
  });
});

describe.skipIf(chromiumPath === undefined)("the page of the API in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  async function open(width: number, path: string): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    await page.goto(`${node.entity}${path}`);
    return page;
  }

  const openAll = (page: Page) =>
    page.evaluate(() => {
      for (const one of document.querySelectorAll("details")) one.open = true;
    });

  it.each([1280, 360])(
    "is as wide as the window at %i px, with everything open",
    { timeout: 60_000 },
    async (width) => {
      for (const path of ["/docs", "/docs?registry=districts"]) {
        const page = await open(width, path);
        expect(await page.title()).toContain("Department at");
        await openAll(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
        await page.close();
      }
    },
  );

  it("names what it shows and is easily read, with everything open", { timeout: 120_000 }, async () => {
    const page = await open(1280, "/docs?registry=districts");
    await openAll(page);
    expect(await page.evaluate(findUnnamed)).toEqual([]);
    expect(await page.evaluate(findFaintTexts)).toEqual([]);
    await page.close();
  });

  it("has no link that leads nowhere, and a link to an operation opens it", async () => {
    const page = await open(1280, "/docs");
    const lost = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLAnchorElement>('a[href^="#"]')]
        .map(({ hash }) => decodeURIComponent(hash.slice(1)))
        .filter((id) => document.getElementById(id) === null),
    );
    expect(lost).toEqual([]);
    await page.close();
    const linked = await open(1280, "/docs#schema-Record");
    const isOpen = () => linked.evaluate(() => document.getElementById("schema-Record")?.closest("details")?.open);
    await expect.poll(isOpen).toBe(true);
    await linked.close();
  });
});
