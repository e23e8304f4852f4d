// The page of a record on a real node: in each state, at other times, gone; and errors as pages.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { collectComplaints, findFaintTexts, findUnnamed } from "./page-checks.ts";
import { type RecordName, type RegistryWorld, startRegistryWorld, WIDE_FIELDS } from "./registry-world.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

let world: RegistryWorld;

beforeAll(async () => {
  world = await startRegistryWorld();
});

afterAll(() => world?.node.close());

function hrefOf(name: RecordName): string {
  return String(world.records[name].href);
}

async function fetchPage(url: string, headers: Record<string, string> = {}): Promise<{ status: number; html: string }> {
  const response = await fetch(url, { headers: { ...BROWSER, ...headers } });
  return { status: response.status, html: await response.text() };
}

/** The texts of a page without its markup, as a reader gets them. */
function textOf(html: string): string {
  return html
    .slice(html.indexOf("<body>"))
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'");
}

describe("the page of a record", () => {
  test("has the record's own address; programs get JSON, the token or the evidence there", async () => {
    const kinds = await Promise.all(
      [BROWSER, {}, { accept: "application/dc+sd-jwt" }, { accept: "application/vnd.attestry.evidence+json" }].map(
        async (headers) =>
          (await fetch(hrefOf("ludhiana"), { headers: headers as Record<string, string> })).headers
            .get("content-type")
            ?.split(";")[0],
      ),
    );
    expect(kinds).toEqual([
      "text/html",
      "application/json",
      "application/dc+sd-jwt",
      "application/vnd.attestry.evidence+json",
    ]);
  });

  test("says what is recorded in the reader's words: labels, choices, names of records, numbers, days", async () => {
    const english = textOf((await fetchPage(hrefOf("ludhiana"))).html);
    for (const said of [
      "Mostly urban (urban)",
      "StatePunjab",
      "3,600,000",
      "January 1, 1849",
      "Year of survey2011",
      "In force",
    ])
      expect(english).toContain(said);
    const hindi = textOf((await fetchPage(hrefOf("ludhiana"), { "accept-language": "hi-IN,hi;q=0.9" })).html);
    for (const said of ["शहरी (urban)", "राज्यपंजाब", "36,00,000", "1 जनवरी 1849", "नई गणना"])
      expect(hindi).toContain(said);
  });

  test("names what is not stated and what is personal, and shows neither the value nor markup", async () => {
    const { html } = await fetchPage(hrefOf("ludhiana"));
    expect(html).not.toContain("Asha Devi");
    expect(textOf(html)).toContain("Personal, and not shown to the public: Head");
    expect(html).toContain("Second line &lt;script&gt;alert(1)&lt;/script&gt;.");
    expect(textOf((await fetchPage(hrefOf("bare"))).html)).toMatch(/Not stated: [^.]*Population/);
  });

  test("says of a record kept elsewhere where that is", async () => {
    const { html } = await fetchPage(hrefOf("bare"));
    expect(textOf(html)).toContain("Record in states kept at elsewhere.example/lgd");
    expect(html).toContain('href="https://elsewhere.example/lgd/registries/states/records/');
  });

  test("tells the history: when, what changed from what to what, why, on which ground", async () => {
    const text = textOf((await fetchPage(hrefOf("ludhiana"))).html);
    const history = text.slice(text.indexOf("History"), text.indexOf("Proof"));
    for (const said of [
      "Amended",
      "In effect from March 1, 2021",
      "Why: Counted anew",
      "NameLudiana became→ Ludhiana",
      "Population3,498,739 became→ 3,600,000",
      "Recorded",
    ])
      expect(history).toContain(said);
    expect(history.indexOf("Amended")).toBeLessThan(history.indexOf("version 1"));
  });

  test("offers the proof of exactly what it shows, and the log index that the API names", async () => {
    for (const [query, version] of [
      ["", 2],
      ["?version=1", 1],
    ] as const) {
      const view = (await (await fetch(`${hrefOf("ludhiana")}${query}`)).json()) as {
        log_index: number;
        token: string;
      };
      const { html } = await fetchPage(`${hrefOf("ludhiana")}${query}`);
      expect(textOf(html)).toContain(`it is entry ${view.log_index} of its log`);
      const evidence = /href="([^"]*\/evidence[^"]*)"/.exec(html)?.[1] ?? "";
      const file = (await (await fetch(new URL(evidence, hrefOf("ludhiana")))).json()) as { token: string };
      expect(file.token).toBe(view.token);
      expect(html).toContain(`download="districts-PB-15-v${version}-token.txt"`);
      expect(html).toContain(`data:application/dc+sd-jwt,${view.token}`);
    }
  });

  test("of an older version, and of another day, says so and leads to today", async () => {
    const older = await fetchPage(`${hrefOf("ludhiana")}?version=1`);
    expect(textOf(older.html)).toContain("Version 1, which is not the current one. See today");
    const then = await fetchPage(`${hrefOf("ludhiana")}?validAt=2015-06-30`);
    expect(textOf(then.html)).toContain("As in effect on June 30, 2015. See today");
    expect(then.html).toMatch(/<h1><span dir="auto">Ludiana<\/span><\/h1>/);
    expect(textOf(then.html)).not.toContain("current word");
    const recorded = await fetchPage(`${hrefOf("ludhiana")}?asOf=2100-01-01`);
    expect(textOf(recorded.html)).toContain("As recorded on January 1, 2100.");
  });

  test("says in words what each state means, since when, and who comes after", async () => {
    const told: [RecordName, string][] = [
      ["revoked", "Revoked The department withdrew this record"],
      ["suspended", "The department asks not to rely on this record for now"],
      ["ended", "Since May 1, 2020. It was right, and what it records is over."],
      ["replaced", "Since January 1, 2022. It was right, and other records have taken its place."],
    ];
    for (const [name, said] of told) {
      const { status, html } = await fetchPage(hrefOf(name));
      expect(status, name).toBe(200);
      expect(textOf(html), name).toContain(said);
    }
    const { html } = await fetchPage(hrefOf("replaced"));
    const heirs = [...html.matchAll(/<a href="([^"]+)" dir="auto">(North|South) district<\/a>/g)];
    expect(new Set(heirs.map((match) => match[2]))).toEqual(new Set(["North", "South"]));
    const heir = await fetchPage(new URL(heirs[0]![1]!, hrefOf("replaced")).href);
    expect(textOf(heir.html)).toContain("Successor ofGreat district");
  });
});

describe("an error in a browser", () => {
  test("of an erased record is a page that says what that means, and nothing of the record", async () => {
    const { status, html } = await fetchPage(hrefOf("erased"));
    expect(status).toBe(410);
    expect(html).toContain("This record was erased");
    expect(html).not.toContain("Forgotten");
    const json = await fetch(hrefOf("erased"));
    expect([json.status, json.headers.get("content-type")]).toEqual([410, "application/problem+json"]);
  });

  test("of what is not there leads on to what is", async () => {
    const unknown = hrefOf("ludhiana").replace(/[0-9a-f]{12}$/, "000000000000");
    const { status, html } = await fetchPage(unknown);
    expect(status).toBe(404);
    expect(html).toContain("There is no such record here");
    expect(html).toContain('href="/lgd/registries/districts/records"');
    const version = await fetchPage(`${hrefOf("ludhiana")}?version=99`);
    expect(version.status).toBe(404);
    expect(version.html).toContain("The record as it is today");
    const nowhere = await fetchPage(`${world.node.entity}/nowhere`);
    expect(nowhere.status).toBe(404);
    expect(nowhere.html).toContain("There is nothing at this address");
  });

  test("of a question that cannot be answered says what to mend", async () => {
    const before = await fetchPage(`${hrefOf("ludhiana")}?asOf=2001-01-01`);
    expect(before.status).toBe(404);
    expect(textOf(before.html)).toContain("not recorded yet");
    const wrong = await fetchPage(`${hrefOf("ludhiana")}?validAt=yesterday`);
    expect(wrong.status).toBe(400);
    expect(textOf(wrong.html)).toMatch(/must be a date/);
    expect(wrong.html).toContain("The record as it is today");
  });
});

describe.skipIf(chromiumPath === undefined)("records in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  test("fit a phone and a desktop without scrolling sideways, are readable, labelled and silent, light and dark", async () => {
    const names: RecordName[] = ["ludhiana", "urdu", "long", "bare", "survey", "replaced", "revoked", "suspended"];
    for (const [width, colorScheme, locale] of [
      [360, "light", "hi-IN"],
      [360, "dark", "en-GB"],
      [1280, "light", "ar-EG"],
      [1280, "dark", "en-GB"],
    ] as const) {
      const context = await browser.newContext({ viewport: { width, height: 740 }, colorScheme, locale });
      const page = await context.newPage();
      const complaints = collectComplaints(page);
      for (const address of [...names.map(hrefOf), `${hrefOf("ludhiana")}?version=1`]) {
        await page.goto(address);
        // What is folded away is looked at too.
        await page.evaluate(() => {
          for (const details of document.querySelectorAll("details")) details.open = true;
        });
        const told = `${address} at ${width}, ${colorScheme}`;
        expect(await page.evaluate(() => document.documentElement.scrollWidth), told).toBe(width);
        expect(await page.evaluate(findFaintTexts), told).toEqual([]);
        expect(await page.evaluate(findUnnamed), told).toEqual([]);
        expect(await page.getByRole("heading", { level: 1 }).count(), told).toBe(1);
      }
      expect(complaints).toEqual([]);
      await context.close();
    }
  }, 180_000);

  test("write a right-to-left name from right to left within a page that is not", async () => {
    const page = await browser.newPage();
    await page.goto(hrefOf("urdu"));
    const name = page.getByRole("heading", { level: 1 }).locator("span");
    expect(await name.evaluate((element) => getComputedStyle(element).direction)).toBe("rtl");
    expect(await page.evaluate(() => getComputedStyle(document.body).direction)).toBe("ltr");
    await page.close();
  });

  test("give the signed record as a file, which a page without script can", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false, acceptDownloads: true });
    const page = await context.newPage();
    await page.goto(hrefOf("ludhiana"));
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Signed record (token)" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("districts-PB-15-v2-token.txt");
    await context.close();
  });

  test("ask for another day by a form, whose empty part leaves no trace in the address", async () => {
    const page = await browser.newPage();
    await page.goto(hrefOf("ludhiana"));
    await page.getByText("See the record at another time").click();
    await page.getByRole("textbox", { name: "As it was in effect on" }).fill("2015-06-30");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(`${hrefOf("ludhiana")}?validAt=2015-06-30`);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Ludiana");
    await page.close();
  });

  test("show fifty fields, and name those that are empty in one sentence", async () => {
    const page = await browser.newPage();
    await page.goto(hrefOf("survey"));
    const missing = await page.getByText("Not stated:").textContent();
    expect(missing?.split(",").length).toBe(WIDE_FIELDS - 2);
    await page.close();
  });
});
