// Pages of registries and searches on a real node: what they say to browsers and to programs, and how they work in a real browser.
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { collectComplaints, findFaintTexts, findUnnamed } from "./page-checks.ts";
import { LONG_NAME, MANY, type RegistryWorld, startRegistryWorld } from "./registry-world.ts";

/** What a browser sends when somebody follows a link. */
const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

let world: RegistryWorld;
let districts: string;

beforeAll(async () => {
  world = await startRegistryWorld();
  districts = `${world.node.entity}/registries/districts`;
});

afterAll(() => world?.node.close());

async function fetchPage(url: string, headers: Record<string, string> = {}): Promise<{ status: number; html: string }> {
  const response = await fetch(url, { headers: { ...BROWSER, ...headers } });
  return { status: response.status, html: await response.text() };
}

function searchAddress(query: Record<string, string>): string {
  return `${districts}/records?${new URLSearchParams(query)}`;
}

/** The names in the first column of the table. */
function listNames(html: string): string[] {
  return [...html.matchAll(/<th role="rowheader"[^>]*><a[^>]*>([^<]*)<\/a>/g)].map((match) => match[1]!);
}

describe("an address that has a page and JSON", () => {
  test("answers browsers with the page, and programs and staff with JSON as before", async () => {
    const token = await world.node.token("reader");
    for (const path of ["/registries", "/registries/districts", "/registries/districts/records"]) {
      const url = `${world.node.entity}${path}`;
      const kinds = await Promise.all(
        [
          BROWSER,
          {},
          { accept: "*/*" },
          { accept: "application/json" },
          { ...BROWSER, authorization: `Bearer ${token}` },
        ].map(async (headers) => {
          const response = await fetch(url, { headers: headers as Record<string, string> });
          expect(response.headers.get("vary"), path).toContain("accept");
          return response.headers.get("content-type")?.split(";")[0];
        }),
      );
      const json = "application/json";
      expect(kinds, path).toEqual(["text/html", json, json, json, json]);
    }
  });

  test("has a page that runs nothing, sends forms nowhere else and may not be framed", async () => {
    const response = await fetch(districts, { headers: BROWSER });
    const policy = response.headers.get("content-security-policy") ?? "";
    for (const part of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(part);
    expect(policy).not.toMatch(/unsafe|script-src/);
    expect(await response.text()).not.toMatch(/<script|\sstyle="|\son\w+="/);
  });
});

describe("the list of registries", () => {
  test("says of each what it is, how much it holds, who may read it and what it is searched by", async () => {
    const { html } = await fetchPage(`${world.node.entity}/registries`);
    expect(html).toContain("The districts of each state &lt;and&gt; what is known of them.");
    expect(html).toMatch(/href="\/lgd\/registries\/births"/);
    expect(html).toContain("Personal: read only with the consent of the person concerned");
    expect(html).toMatch(/Searched by [^<]*Population/);
    expect(html).toContain("Retired: takes no new records.");
  });

  test("is in the reader's language where the definition is", async () => {
    const { html } = await fetchPage(`${world.node.entity}/registries`, { "accept-language": "hi-IN" });
    expect(html).toContain('lang="hi">ज़िले</span>');
    expect(html).toMatch(/Searched by [^<]*जनसंख्या/);
  });
});

describe("the page of a registry", () => {
  test("explains each field and offers each open way of searching", async () => {
    const { html } = await fetchPage(districts);
    expect(html).toContain("At the last census.");
    expect(html).toContain("personal: not shown to the public");
    for (const name of [
      "code",
      "name[prefix]",
      "population[gte]",
      "population[lte]",
      "kind",
      "state",
      "established[gte]",
    ])
      expect(html).toContain(`name="${name}"`);
    expect(html).toContain('<option value="urban" lang="en">Mostly urban</option>');
    // A reference to a registry of this node is chosen by name, not typed as a URL.
    expect(html).toMatch(/<option value="http[^"]*\/registries\/states\/records\/[^"]*">Punjab<\/option>/);
    expect(html).not.toContain('name="office.head"');
  });

  test("of personal records shows who may ask, and neither form nor record", async () => {
    const { status, html } = await fetchPage(`${world.node.entity}/registries/births`);
    expect(status).toBe(200);
    expect(html).toContain("If a record is about you, ask this department");
    expect(html).toContain("Name of the child");
    expect(html).not.toContain("<form");
    const records = await fetchPage(`${world.node.entity}/registries/births/records`);
    expect(records.status).toBe(401);
    expect(records.html).toContain("If a record is about you, ask this department");
  });

  test("that is retired says so, with its successor", async () => {
    const { html } = await fetchPage(`${world.node.entity}/registries/talukas`);
    expect(html).toContain("Talukas are called blocks since 2020.");
    expect(html).toContain('href="https://example.org/registries/blocks"');
  });

  test("that is not there helps on", async () => {
    const { status, html } = await fetchPage(`${world.node.entity}/registries/rivers`);
    expect(status).toBe(404);
    expect(html).toContain("There is no such registry here");
    expect(html).toContain('href="/lgd/registries"');
  });
});

describe("a search", () => {
  test("finds by the beginning of a name, by a range and by a choice, all of them together", async () => {
    const { status, html } = await fetchPage(
      searchAddress({ "name[prefix]": "block", "population[gte]": "117000", kind: "rural", sort: "-population" }),
    );
    expect(status).toBe(200);
    expect(listNames(html)).toEqual([119, 118, 117].map((number) => `Block district ${number}`));
    expect(html).toContain("begins with");
  });

  test("has an address without what was left empty", async () => {
    const response = await fetch(searchAddress({ "name[prefix]": "block", "population[gte]": " ", kind: "" }), {
      headers: BROWSER,
      redirect: "manual",
    });
    expect(response.status).toBe(303);
    expect(response.headers.get("location")).toBe("/lgd/registries/districts/records?name%5Bprefix%5D=block");
  });

  test("shows every record once over its pages, by links alone", async () => {
    const names: string[] = [];
    let address: string | undefined = searchAddress({ "name[prefix]": "block" });
    for (let page = 0; address !== undefined && page < 20; page++) {
      const { html } = await fetchPage(address);
      names.push(...listNames(html));
      const next: string | undefined = /<a rel="next" href="([^"]+)"/.exec(html)?.[1]?.replaceAll("&amp;", "&");
      address = next === undefined ? undefined : new URL(next, districts).href;
    }
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBe(MANY);
  });

  test("that finds nothing says how to go on", async () => {
    const { status, html } = await fetchPage(searchAddress({ "name[prefix]": "zzz" }));
    expect(status).toBe(200);
    expect(html).toContain("No record was found.");
    expect(html).toContain("Show all records");
    expect(html).toContain('value="zzz"');
  });

  test("that cannot be asked is answered beside the field, with what was typed", async () => {
    const { status, html } = await fetchPage(searchAddress({ "population[gte]": "many" }));
    expect(status).toBe(400);
    expect(html).toMatch(
      /name="population\[gte\]"[^>]*aria-describedby="([^"]+)"[^>]*aria-invalid="true"[^>]*value="many"/,
    );
    expect(html).toMatch(/<p class="fault" id="search-population-gte-fault">/);
    const day = await fetchPage(searchAddress({ validAt: "yesterday" }));
    expect(day.status).toBe(400);
    expect(day.html).toContain('id="search-validAt-fault"');
  });

  test("of another day says so and leads back to today", async () => {
    const { html } = await fetchPage(searchAddress({ code: "PB-15", validAt: "2015-01-01" }));
    expect(listNames(html)).toEqual(["Ludiana"]);
    expect(html).toMatch(/As in effect on <time lang="en" datetime="2015-01-01">January 1, 2015<\/time>/);
    expect(html).toContain('href="/lgd/registries/districts/records?code=PB-15">See today</a>');
    expect(html).toMatch(/\/records\/[0-9a-f-]{36}\?validAt=2015-01-01"/);
  });

  test("shows no personal value, and what was recorded as text, never as markup", async () => {
    const { html } = await fetchPage(searchAddress({ code: "PB-15" }));
    expect(listNames(html)).toEqual(["Ludhiana"]);
    expect(html).not.toContain("Asha Devi");
    expect(html).not.toContain("<script");
  });
});

describe("signed answers", () => {
  test("that a definition offers are told of by the fields' names, in the reader's language", async () => {
    const { html } = await fetchPage(districts);
    const section = /<section aria-labelledby="answers".*?<\/section>/s.exec(html)?.[0].replaceAll(/<[^>]+>/g, "");
    expect(section).toMatch(/Is there such a record, and is it in force\?.*Does it say this: Name, Population\?/s);
    const states = await fetchPage(districts.replace("/districts", "/states"));
    expect(states.html).not.toContain('id="answers"');
  });
});

describe("a statistic", () => {
  test("is a table of counts in the reader's words, without the small ones, and linked from the registry", async () => {
    const registry = await fetchPage(districts);
    expect(registry.html).toContain('href="/lgd/registries/districts/statistics/by-kind">By kind</a>');
    const { status, html } = await fetchPage(`${districts}/statistics/by-kind`);
    expect(status).toBe(200);
    expect(html).toMatch(/>Punjab<\/a>.*Mostly rural.*<div class="number">120<\/div>/s);
    // One district alone is mostly urban.
    expect(html).not.toContain("Mostly urban");
    expect(html).toContain("Counts below 5 are not shown");
    const json = await fetch(`${districts}/statistics/no-such`, { headers: BROWSER });
    expect(json.status).toBe(404);
  });
});

describe.skipIf(chromiumPath === undefined)("registries in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  test("fit a phone and a desktop without scrolling sideways, are readable, labelled and silent, light and dark", async () => {
    const base = `${world.node.entity}/registries`;
    const addresses = [
      base,
      districts,
      `${districts}/records`,
      searchAddress({ "name[prefix]": "thiru" }),
      searchAddress({ "name[prefix]": "zzz" }),
      `${base}/surveys`,
      `${base}/surveys/records`,
      `${base}/births`,
      `${districts}/statistics/by-kind`,
      `${base}/talukas`,
    ];
    for (const [width, colorScheme, locale] of [
      [360, "light", "hi-IN"],
      [360, "dark", "en-GB"],
      [1280, "light", "ur-PK"],
      [1280, "dark", "en-GB"],
    ] as const) {
      const context = await browser.newContext({ viewport: { width, height: 740 }, colorScheme, locale });
      const page = await context.newPage();
      const complaints = collectComplaints(page);
      for (const address of addresses) {
        await page.goto(address);
        const told = `${address} at ${width}, ${colorScheme}`;
        expect(await page.evaluate(() => document.documentElement.scrollWidth), told).toBe(width);
        expect(await page.evaluate(findFaintTexts), told).toEqual([]);
        expect(await page.evaluate(findUnnamed), told).toEqual([]);
        expect(await page.getByRole("heading", { level: 1 }).count(), told).toBe(1);
        for (const role of ["banner", "main", "contentinfo"] as const)
          expect(await page.getByRole(role).count()).toBe(1);
      }
      expect(complaints).toEqual([]);
      await context.close();
    }
  }, 180_000);

  test("show records as a table on a desktop and as cards on a phone, a table to a screen reader both times", async () => {
    for (const width of [360, 1280]) {
      const page = await browser.newPage({ viewport: { width, height: 740 } });
      await page.goto(searchAddress({ code: "KL-14" }));
      await expect.poll(() => page.getByRole("row").count()).toBe(2);
      expect(await page.getByRole("rowheader", { name: LONG_NAME }).count()).toBe(1);
      const isCard = await page.locator("tbody tr").evaluate((row) => getComputedStyle(row).display === "block");
      expect(isCard).toBe(width === 360);
      await page.close();
    }
  });

  async function pressUntil(page: Page, isThere: () => Promise<boolean>): Promise<void> {
    for (let presses = 0; presses < 60; presses++) {
      if (await isThere()) return;
      await page.keyboard.press("Tab");
    }
    throw new Error("the keyboard does not lead there");
  }

  test("lead from search to record to evidence by keyboard alone, without script", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, acceptDownloads: true });
    const page = await context.newPage();
    const isFocused = (locator: ReturnType<Page["locator"]>) => async () =>
      (await locator.count()) > 0 && (await locator.first().evaluate((element) => element === document.activeElement));
    await page.goto(`${world.node.entity}/registries`);
    await pressUntil(page, isFocused(page.getByRole("link", { name: "Districts", exact: true })));
    await page.keyboard.press("Enter");
    await page.waitForURL(districts);
    await pressUntil(page, isFocused(page.getByLabel("Name", { exact: false }).first()));
    await page.keyboard.type("ludh");
    await page.keyboard.press("Enter");
    await page.waitForURL(/records\?name%5Bprefix%5D=ludh$/);
    await pressUntil(page, isFocused(page.getByRole("link", { name: "Ludhiana" })));
    await page.keyboard.press("Enter");
    await page.waitForURL(String(world.records.ludhiana.href));
    const link = page.getByRole("link", { name: "Download the evidence" });
    await pressUntil(page, isFocused(link));
    const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
    expect(download.suggestedFilename()).toBe("districts-PB-15-v2-evidence.json");
    const text = readFileSync(await download.path(), "utf8");
    expect(Object.keys(JSON.parse(text) as object)).toContain("receipts");
    await context.close();
  });
});
