// The page `/` of real nodes on a real database, in a real browser: one below a path that holds records, one that holds none.
import { type AddressInfo, createServer } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseNodeConfig } from "../../src/config.ts";
import { type Listener, listenAll } from "../../src/http/listener.ts";
import { silentLogger } from "../../src/logger.ts";
import { createNode, initializeNode, type Node } from "../../src/node.ts";
import { generateSecrets, parseSecrets } from "../../src/secrets.ts";
import { createTestDatabase } from "../database.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { collectComplaints, findFaintTexts } from "./page-checks.ts";

/** Few, but more than one digit, in a script with digits of its own: বাংলা writes ১২. */
const RECORDS = 12;
const closers: (() => Promise<void>)[] = [];
let listeners: Listener[] = [];
let office: Node;
let empty: Node;

const WELLS = {
  name: "wells",
  type: "wells",
  title: { en: "Wells", hi: "कुएँ", "pt-BR": "Poços" },
  description: { en: "Public wells <b>and</b> springs." },
  access: "public",
  schema: { type: "object", additionalProperties: false, properties: { name: { type: "string" } } },
};
const PATIENTS = { ...WELLS, name: "patients", type: "patients", title: "Patients", access: "consent" };

async function findFreePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function openNode(entity: string, organization: string): Promise<Node> {
  const { database, drop } = await createTestDatabase();
  const file = {
    entity,
    organization_name: organization,
    listen: { host: "127.0.0.1", port: Number(new URL(entity).port) },
    database: "unused",
    development: true,
  };
  const config = parseNodeConfig({ name: "node", directory: "/nowhere", file });
  const secrets = parseSecrets(generateSecrets());
  await initializeNode({ config, secrets, database, logger: silentLogger });
  const node = createNode({ config, secrets, database, logger: silentLogger });
  closers.push(async () => {
    await node.close();
    await drop();
  });
  return node;
}

async function publishAndFill(node: Node): Promise<void> {
  for (const definition of [WELLS, PATIENTS])
    await node.registries.publish(definition, { name: definition.name, allowBreaking: false });
  const caller = {
    kind: "staff",
    tokenId: "t",
    name: "R. Registrar",
    person: "R. Registrar",
    issuer: undefined,
    role: "registrar",
    registries: undefined,
  } as const;
  const write = (number: number) =>
    node.recordWrites.create({
      caller,
      registry: "wells",
      body: { data: { name: `Well ${number}` } },
      idempotencyKey: undefined,
    });
  await Promise.all(Array.from({ length: RECORDS }, (_, number) => write(number)));
}

beforeAll(async () => {
  const port = await findFreePort();
  office = await openNode(`http://127.0.0.1:${port}/water/office`, "Water & Springs <Office>");
  empty = await openNode(`http://127.0.0.1:${port}/empty`, "New Office");
  await publishAndFill(office);
  listeners = await listenAll([office, empty]);
});

afterAll(async () => {
  for (const listener of listeners) await listener.close();
  for (const close of closers) await close();
});

describe("GET /", () => {
  test("answers a program that asks for JSON with the same facts as the page", async () => {
    const response = await fetch(office.entity, { headers: { accept: "application/json" } });
    expect(response.headers.get("content-type")).toMatch(/^application\/json/);
    expect(response.headers.get("vary")).toContain("accept");
    const home = (await response.json()) as { registries: { name: string; records: number }[]; log: { size: number } };
    expect(home.registries.map(({ name, records }) => [name, records])).toEqual([
      ["patients", undefined],
      ["wells", RECORDS],
    ]);
    // The key set, two definitions, the records.
    expect(home.log.size).toBe(1 + 2 + RECORDS);
  });

  test("answers everybody else with a page that runs nothing and that nobody may frame", async () => {
    const response = await fetch(office.entity);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    const html = await response.text();
    expect(html.toLowerCase()).toMatch(/^<!doctype html><html lang="en">/);
    // What an operator wrote is text, never markup.
    expect(html).toContain("Public wells &lt;b&gt;and&lt;/b&gt; springs.");
    expect(html).not.toMatch(/<script|style="|onclick|https?:\/\/(?!127\.0\.0\.1)/);
  });

  test("offers to sign in only where somebody can", async () => {
    expect(await (await fetch(office.entity)).text()).not.toContain("/sign-in");
  });

  test("sends who typed a closing slash to the node's own address", async () => {
    const response = await fetch(`${office.entity}/`, { redirect: "manual" });
    expect(response.status).toBe(308);
    expect(response.headers.get("location")).toBe("/water/office");
  });

  test("serves its style sheet below the node's path, to be kept for ever", async () => {
    const html = await (await fetch(office.entity)).text();
    const path = /rel="stylesheet" href="([^"]+)"/.exec(html)?.[1] ?? "";
    expect(path).toMatch(/^\/water\/office\/assets\/style-[0-9a-f]{12}\.css$/);
    const style = await fetch(new URL(path, office.entity));
    expect(style.headers.get("content-type")).toMatch(/^text\/css/);
    expect(style.headers.get("cache-control")).toContain("immutable");
  });
});

describe.skipIf(chromiumPath === undefined)("the home page in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  async function withPage(
    url: string,
    options: BrowserContextOptions,
    use: (page: Page, complaints: string[]) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints = collectComplaints(page);
    await page.goto(url);
    await use(page, complaints);
    await context.close();
  }

  test("shows the title in the reader's language and counts as the reader writes numbers", async () => {
    await withPage(office.entity, { locale: "hi-IN" }, async (page, complaints) => {
      const title = page.getByRole("heading", { level: 3, name: "कुएँ" });
      expect(await title.locator("[lang=hi]").count()).toBe(1);
      expect(complaints).toEqual([]);
    });
    await withPage(office.entity, { locale: "pt-BR" }, async (page) => {
      expect(await page.getByRole("heading", { level: 3, name: "Poços" }).count()).toBe(1);
    });
    await withPage(office.entity, { locale: "bn-BD" }, async (page) => {
      expect(await page.getByText("১২ records").count()).toBe(1);
    });
  });

  test("can be read by landmarks and headings, one of each level that there is one of", async () => {
    await withPage(office.entity, {}, async (page) => {
      for (const role of ["banner", "main", "contentinfo"] as const) expect(await page.getByRole(role).count()).toBe(1);
      expect(await page.getByRole("heading", { level: 1 }).allTextContents()).toEqual(["Water & Springs <Office>"]);
      expect(await page.getByRole("region").count()).toBe(await page.getByRole("heading", { level: 2 }).count());
    });
  });

  test("says in plain words who may read what, and links only what everybody may open", async () => {
    await withPage(office.entity, {}, async (page) => {
      const patients = page.getByRole("listitem").filter({ hasText: "Patients" });
      expect(await patients.textContent()).toContain("consent of the person");
      expect(await patients.getByRole("link", { name: "Search the records" }).count()).toBe(0);
      const links = await page.locator("main a").evaluateAll((all) => all.map((link) => link.getAttribute("href")!));
      expect(links.length).toBeGreaterThan(4);
      for (const link of links) {
        expect(link).toMatch(/^\/water\/office\//);
        expect((await fetch(new URL(link, office.entity))).status, link).toBe(200);
      }
    });
  });

  test("takes the keyboard from the skip link to the content", async () => {
    await withPage(office.entity, {}, async (page) => {
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("content");
    });
  });

  test("fits a phone of 360 pixels without scrolling sideways, light and dark", async () => {
    for (const colorScheme of ["light", "dark"] as const) {
      const options = { viewport: { width: 360, height: 740 }, colorScheme };
      await withPage(office.entity, options, async (page) => {
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
        const faint = await page.evaluate(findFaintTexts);
        expect(faint).toEqual([]);
      });
    }
  });

  test("says of a node without registries what comes next", async () => {
    await withPage(empty.entity, {}, async (page) => {
      expect(await page.getByText("No registries yet.").count()).toBe(1);
    });
  });
});
