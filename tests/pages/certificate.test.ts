// The printed certificate of a record on a real node: what it says and leaves out, in each state, for whom, and in a browser.
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { decodeQR } from "qr/decode.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { parseSdJwt } from "../../src/crypto/sd-jwt.ts";
import { processDisclosures } from "../../src/crypto/sd-jwt-disclosures.ts";
import { readOwnPayload } from "../../src/records/record-view.ts";
import { createVerifier } from "../../src/verification/index.ts";
import { decodePrintForm } from "../../src/verification/print-form.ts";
import { startTestNode } from "../node-fixture.ts";
import { ensurePageBundled } from "../page-bundle.ts";
import { createRecordCalls } from "../record-calls.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { collectComplaints, findFaintTexts, findUnnamed } from "./page-checks.ts";
import { addGrain, blur, type GreyPicture, takePicture, toRgba, warp } from "./printed-picture.ts";
import { BIRTHS, type RecordName, type RegistryWorld, startRegistryWorld } from "./registry-world.ts";
import { visitVerify } from "./verify-visit.ts";

const BROWSER = { accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };

const PERMITS: JsonObject = {
  name: "permits",
  type: "permits",
  title: "Permits",
  access: "members",
  display: "{kind}",
  schema: {
    type: "object",
    additionalProperties: false,
    properties: {
      kind: { type: "string" },
      holder: {
        type: "object",
        additionalProperties: false,
        properties: {
          name: { type: "string", "x-personal": true, "x-title": "Name of the holder" },
          phone: { type: "string", "x-personal": true },
        },
      },
    },
  },
};

let world: RegistryWorld;
let permit: JsonObject;
let birth: JsonObject;

beforeAll(async () => {
  world = await startRegistryWorld();
  expect((await world.node.publish(PERMITS)).status).toBe(201);
  permit = await (await createRecordCalls(world.node, "permits")).create({
    kind: "Well",
    holder: { name: "Asha Devi", phone: "99-1234" },
  });
  birth = await (await createRecordCalls(world.node, BIRTHS.name as string)).create({ child: "Ravi" });
});

afterAll(() => world?.node.close());

/** `of`: the name of a record, or its address. */
function addressOf(of: RecordName | { href: string }, query = ""): string {
  return `${String(typeof of === "string" ? world.records[of].href : of.href)}/certificate${query}`;
}

async function fetchSheet(address: string, headers: Record<string, string> = {}) {
  const response = await fetch(address, { headers: { ...BROWSER, ...headers } });
  const html = await response.text();
  const sheet = html.slice(html.indexOf("<article"), html.indexOf("</article>"));
  const text = sheet.replaceAll(/<svg.*?<\/svg>/g, "").replaceAll(/<[^>]*>/g, "");
  return { status: response.status, headers: response.headers, html, text: text.replaceAll("&lt;", "<") };
}

/** What the codes of a page hold, read from their modules: for what is in them, not for whether a scanner reads them. */
function readCodes(html: string): string[] {
  return [...html.matchAll(/<svg[^>]*viewBox="-4 -4 (\d+) \d+".*?<path d="([^"]*)"/g)].map(([, side, path]) => {
    const size = Number(side);
    const scale = 4;
    const pixels = new Float32Array((size * scale) ** 2).fill(255);
    for (const [, x, y, run] of path!.matchAll(/M(\d+) (\d+)h(\d+)/g))
      for (let row = 0; row < scale; row++) {
        const at = ((Number(y) + 4) * scale + row) * size * scale + (Number(x) + 4) * scale;
        pixels.fill(0, at, at + Number(run) * scale);
      }
    return decodeQR(toRgba({ width: size * scale, height: size * scale, pixels }));
  });
}

async function readToken(html: string): Promise<{ token: string; data: JsonObject }> {
  const token = await decodePrintForm(readCodes(html)[0]!);
  const { jwt, disclosures } = parseSdJwt(token);
  return { token, data: processDisclosures(readOwnPayload(jwt), disclosures).claims.data as JsonObject };
}

describe("a certificate", () => {
  test("is offered by the record's page, and says who issued what, where it is kept and how it is checked", async () => {
    const page = await (await fetch(String(world.records.ludhiana.href), { headers: BROWSER })).text();
    const link = /href="([^"]*\/certificate\?version=2)"/.exec(page)?.[1] ?? "";
    const { status, text } = await fetchSheet(new URL(link, world.node.entity).href);
    expect(status).toBe(200);
    const { href, rid } = world.records.ludhiana;
    for (const said of [
      "Entry in the register Districts",
      "Ludhiana",
      "KindMostly urban (urban)",
      "OfficeCityLudhianaPostcode141001",
      `Issued by${/Department at \d+/.exec(text)?.[0]}, ${world.node.entity}`,
      "IdentifierPB-15",
      "Version2, recorded ",
      "In effectFrom March 1, 2021 on, with no end stated",
      "StatusIn force when printed",
      `Address${String(href)}`,
      "This paper does not prove who carries it.",
      `UTC from ${world.node.entity}`,
      "attestry verify -",
    ])
      expect(text).toContain(said);
    expect(text).not.toContain("more fields");
    expect(String(href)).toContain(String(rid));
  });

  test("shows the fields that are asked for, in either way, and says how many it leaves out", async () => {
    for (const query of [
      "?fields=name,office",
      "?fields=name&fields=office.city&fields=office.postcode",
      "?fields=,name, office",
    ]) {
      const { text } = await fetchSheet(addressOf("ludhiana", query));
      expect(text).toContain("NameLudhiana");
      expect(text).toContain("OfficeCityLudhianaPostcode141001");
      expect(text).not.toContain("Population");
      expect(text).not.toContain("3,600,000");
      expect(text).toContain("11 more fields are recorded and not shown here.");
    }
    const nothing = await fetchSheet(addressOf("ludhiana", "?fields="));
    expect(nothing.text).toContain("Nothing was chosen to be shown.");
    expect(nothing.text).not.toContain("141001");
    // Some record of the registry states it: a choice may serve for several records.
    expect((await fetchSheet(addressOf("bare", "?fields=name,population"))).status).toBe(200);
  });

  test("refuses a field that there is not, and names those that there are", async () => {
    const { status, html } = await fetchSheet(addressOf("ludhiana", "?fields=name,mayor"));
    expect(status).toBe(400);
    expect(html).toContain("&quot;mayor&quot;, which is no field of this record; it has code, name, state");
    expect((await fetchSheet(addressOf("ludhiana", "?fields=%3Cb%3E__proto__"))).html).not.toContain("<b>__proto__");
    expect((await fetchSheet(addressOf("ludhiana", "?version=99"))).status).toBe(404);
    expect((await fetchSheet(addressOf("ludhiana", "?version=x"))).status).toBe(400);
    expect((await fetchSheet(addressOf("erased"))).status).toBe(410);
  });

  test("writes labels, numbers and times as the reader does", async () => {
    const { text } = await fetchSheet(addressOf("ludhiana"), { "accept-language": "hi-IN,hi;q=0.9" });
    for (const said of ["प्रकारशहरी (urban)", "राज्यपंजाब", "36,00,000", "1 जनवरी 1849"]) expect(text).toContain(said);
  });

  test("shows what a record holds as text, and loads nothing from elsewhere", async () => {
    const { html, headers } = await fetchSheet(addressOf("ludhiana"));
    expect(html).toContain("Second line &lt;script&gt;alert(1)&lt;/script&gt;.");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(html).not.toMatch(/<script| style="| src="/);
    const assets = [...html.matchAll(/<link[^>]*href="([^"]*)"/g)].map((match) => match[1]!);
    expect(assets).toHaveLength(3);
    for (const path of assets) {
      const asset = await fetch(new URL(path, world.node.entity));
      expect([path.startsWith("/lgd/assets/"), asset.status]).toEqual([true, 200]);
      expect(asset.headers.get("cache-control")).toContain("immutable");
    }
  });

  test("of what is not in force says so in large letters", async () => {
    const told: [RecordName, string, string][] = [
      ["revoked", "", "Revoked"],
      ["suspended", "", "Suspended"],
      ["ended", "", "Ended"],
      ["replaced", "", "Replaced"],
      ["ludhiana", "?version=1", "Older version"],
    ];
    for (const [name, query, word] of told) {
      const { html, text } = await fetchSheet(addressOf(name, query));
      expect(html, name).toContain(`<div class="verdict"><strong>${word}</strong>`);
      expect(text, name).toContain("do not rely on this paper");
      expect(text, name).toContain(`Status${word} when printed`);
    }
    const { html, text } = await fetchSheet(addressOf("ludhiana", "?version=1"));
    expect(text).toContain("NameLudiana");
    expect((await readToken(html)).data.name).toBe("Ludiana");
    expect((await fetchSheet(addressOf("ludhiana"))).html).not.toContain('class="verdict"');
  });

  test("says when its time has not come, or is over", async () => {
    const districts = await createRecordCalls(world.node, "districts");
    const of = async (code: string, effect: JsonObject) => {
      const { href } = await districts.create({ code, name: code, state: world.records.punjab.href! }, effect);
      return (await fetchSheet(addressOf({ href: String(href) }))).html;
    };
    expect(await of("PB-80", { valid_from: "2999-01-01" })).toContain("<strong>Not in effect yet</strong>");
    expect(await of("PB-81", { valid_until: "2001-01-01" })).toContain("<strong>No longer in effect</strong>");
    const today = new Date().toISOString().slice(0, 10);
    expect(await of("PB-82", { valid_from: today, valid_until: today })).not.toContain('class="verdict"');
  });

  test("holds in its codes the token of the version, and a link to check it at this node", async () => {
    for (const version of [1, 2]) {
      const view = (await (
        await fetch(`${String(world.records.ludhiana.href)}?version=${version}`)
      ).json()) as JsonObject;
      const { html } = await fetchSheet(addressOf("ludhiana", `?version=${version}&fields=name`));
      expect((await readToken(html)).token).toBe(view.token);
      const link = new URL(readCodes(html)[1]!);
      expect(link.href.startsWith(`${world.node.entity}/verify?`)).toBe(true);
      expect(Object.fromEntries(link.searchParams)).toEqual({ of: view.href, version: String(version) });
    }
  });

  test("that is too long for a code says so, and still has the link", async () => {
    const districts = await createRecordCalls(world.node, "districts");
    const noise = Array.from({ length: 1_000 }, (_, i) => ((i * 2_654_435_761) % 2 ** 32).toString(36)).join(" ");
    const { href } = await districts.create({
      code: "PB-83",
      name: "Long",
      state: world.records.punjab.href!,
      remarks: noise,
    });
    const { html, text } = await fetchSheet(addressOf({ href: String(href) }, "?fields=name"));
    expect(readCodes(html)).toHaveLength(1);
    expect(readCodes(html)[0]).toContain("/verify?of=");
    expect(text).toContain("is too long for a code that could be read from paper");
    expect(text).not.toContain("read code A");
  });
});

describe("a certificate of records that are not open to everybody", () => {
  const bearer = async (role: "reader" | "operator", registries?: string[]) => ({
    authorization: `Bearer ${await world.node.token(role, registries && { registries })}`,
  });

  test("is printed by those only who may read them", async () => {
    const address = addressOf(permit as { href: string });
    for (const [headers, status] of [
      [{}, 401],
      [{ authorization: "Bearer wrong" }, 401],
      [await bearer("operator"), 403],
      [await bearer("reader", ["districts"]), 403],
      [await bearer("reader"), 200],
    ] as const)
      expect((await fetchSheet(address, headers as Record<string, string>)).status).toBe(status);
    const { text, headers } = await fetchSheet(address, await bearer("reader"));
    expect(text).toContain("scan code B as a member of the federation");
    expect(headers.get("vary")).toContain("authorization");
    expect(headers.get("cache-control")).toBe("private, no-store");
  });

  test("shows personal fields, on paper and in the code, only where they are chosen", async () => {
    const headers = await bearer("reader");
    const open = await fetchSheet(addressOf(permit as { href: string }), headers);
    expect(open.text).not.toContain("Asha Devi");
    expect(open.text).toContain("2 more fields are recorded and not shown here.");
    expect(open.html).toContain("(personal)");
    expect((await readToken(open.html)).data).toEqual({ kind: "Well", holder: {} });
    const chosen = await fetchSheet(addressOf(permit as { href: string }, "?fields=holder.name"), headers);
    expect(chosen.text).toContain("Name of the holderAsha Devi");
    expect(chosen.text).not.toContain("99-1234");
    expect((await readToken(chosen.html)).data).toEqual({ kind: "Well", holder: { name: "Asha Devi" } });
    // Who may not see them cannot choose them.
    const districts = await fetchSheet(addressOf("ludhiana", "?fields=office.head"));
    expect(districts.text).not.toContain("Asha Devi");
    expect(parseSdJwt((await readToken(districts.html)).token).disclosures).toEqual([]);
  });

  test("waits for consent where the registry asks for it", async () => {
    const address = addressOf(birth as { href: string });
    expect((await fetchSheet(address)).status).toBe(401);
    const refused = await fetch(address, { headers: await bearer("reader") });
    expect([refused.status, ((await refused.json()) as JsonObject).code]).toEqual([403, "not_available_yet"]);
  });
});

// The decoder of another author, in another language's module form.
const jsQR = createRequire(import.meta.url)("jsqr") as (
  data: Uint8ClampedArray,
  width: number,
  height: number,
) => { data: string } | null;

type Decode = (picture: ReturnType<typeof toRgba>) => string | undefined;

const decodeByOther: Decode = ({ data, width, height }) => jsQR(data, width, height)?.data;

const decodeByOurs: Decode = (picture) => {
  try {
    return decodeQR(picture);
  } catch {
    return undefined;
  }
};

/** What is read in one of a few pictures, as whoever holds a scanner or a phone takes them: each a little turned, larger or smaller. */
function readPictures(picture: GreyPicture, decode: Decode): string | undefined {
  for (const scale of [1, 2, 1.5, 3])
    for (const turn of [0, 1, -2, 4]) {
      const read = decode(toRgba(warp(picture, { turn, scale })));
      if (read) return read;
    }
  return undefined;
}

describe.skipIf(chromiumPath === undefined)("a certificate in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  /** The page as it is printed, in pixels of a scanner. */
  async function openPrinted(address: string, dpi: number): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 794, height: 1123 }, deviceScaleFactor: dpi / 96 });
    const page = await context.newPage();
    await page.emulateMedia({ media: "print" });
    await page.goto(address);
    return page;
  }

  const CODE = "figure:nth-of-type(1) svg";
  const LINK = "figure:nth-of-type(2) svg";

  test("is read from paper: scanned at 300 and 200 dots an inch, blurred and with grain, turned, from the side", async () => {
    const { token, href, version } = (await (await fetch(String(world.records.punjab.href))).json()) as JsonObject;
    const link = `${world.node.entity}/verify?of=${encodeURIComponent(String(href))}&version=${String(version)}`;
    for (const dpi of [300, 200]) {
      const page = await openPrinted(addressOf("punjab"), dpi);
      const box = (await page.locator(CODE).boundingBox())!;
      const modules = Number((await page.locator(CODE).getAttribute("viewBox"))!.split(" ")[2]);
      expect((box.width / 96) * 25.4 * ((modules - 8) / modules)).toBeCloseTo(30, 0);
      for (const [selector, expected] of [
        [CODE, token],
        [LINK, link],
      ] as const) {
        const flat = await takePicture(page, selector);
        const noisy = addGrain(blur(flat, 1), 10);
        const told = `${selector} at ${dpi}`;
        const decode = async (text: string | undefined) =>
          selector === CODE ? decodePrintForm(text ?? "AA.nothing-was-read") : text;
        for (const picture of [flat, noisy])
          for (const by of [decodeByOther, decodeByOurs])
            expect(await decode(readPictures(picture, by)), told).toBe(expected);
        // As a phone sees it: nearer than a scanner, from the side, turned, not quite sharp.
        if (dpi === 300) {
          const seen = addGrain(blur(warp(flat, { lean: 0.1, turn: 7, scale: 1.8 }), 1.5), 10);
          expect(await decode(readPictures(seen, decodeByOurs)), told).toBe(expected);
        }
      }
      await page.context().close();
    }
  }, 240_000);

  test("gives the token that verifies with the record's evidence", async () => {
    const page = await openPrinted(addressOf("ludhiana"), 300);
    const token = await decodePrintForm(readPictures(await takePicture(page, CODE), decodeByOurs)!);
    const evidence = (await (await fetch(`${String(world.records.ludhiana.href)}/evidence`)).json()) as JsonObject;
    const verifier = createVerifier({ anchors: [world.node.pin(["districts"])], statusMaxAgeSeconds: 300 });
    const now = Math.floor(Date.now() / 1_000);
    expect((await verifier.verify({ ...evidence, token }, { now })).valid).toBe(true);
    const other = String(world.records.punjab.token);
    expect((await verifier.verify({ ...evidence, token: other }, { now })).valid).toBe(false);
    await page.context().close();
  }, 120_000);

  test("is checked from a scan of the whole sheet on another department's page, without the network and with it", async () => {
    await ensurePageBundled();
    const agency = await startTestNode({ path: "/welfare", anchors: [world.node.pin(["districts"])] });
    const page = await openPrinted(addressOf("ludhiana"), 300);
    const scan = await page.screenshot();
    await page.context().close();
    const visit = await visitVerify(browser, `${agency.entity}/verify`);
    await visit.context.setOffline(true);
    await visit.choose("scan.png", scan, "image/png");
    expect(await visit.verdict()).toBe("Could not decide");
    // Of the link alone nothing could be said without the network.
    expect(await visit.answer()).toContain("It would settle: signature");
    await visit.context.setOffline(false);
    await visit.page.getByRole("button", { name: /^Ask 127/ }).click();
    await visit.page.getByRole("heading", { name: "Valid" }).waitFor();
    expect(visit.complaints).toEqual([]);
    await visit.close();
    await agency.close();
  }, 120_000);

  test("is one sheet of A4 or letter paper, black on white, without what is for the screen", async () => {
    const page = await openPrinted(addressOf("ludhiana"), 96);
    const shown = await page.evaluate(() => ({
      height: (document.body.getBoundingClientRect().height / 96) * 25.4,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      form: document.querySelector("form")!.getClientRects().length,
      header: document.querySelector("header")!.getClientRects().length,
      color: getComputedStyle(document.querySelector(".sheet h2")!).color,
    }));
    expect(shown).toMatchObject({ wide: 0, form: 0, header: 0, color: "rgb(0, 0, 0)" });
    expect(shown.height).toBeLessThan(279 - 28); // letter paper without its margins
    for (const format of ["A4", "Letter"]) expect((await page.pdf({ format })).length).toBeGreaterThan(10_000);
    await page.context().close();
  });

  test("fits a phone and a desktop, is readable, labelled and silent, light and dark", async () => {
    for (const [width, colorScheme, locale] of [
      [360, "light", "hi-IN"],
      [360, "dark", "en-GB"],
      [1280, "dark", "ar-EG"],
    ] as const) {
      const context = await browser.newContext({ viewport: { width, height: 740 }, colorScheme, locale });
      const page = await context.newPage();
      const complaints = collectComplaints(page);
      for (const address of [
        ...(["ludhiana", "urdu", "long", "survey", "revoked"] as const).map((name) => addressOf(name)),
        addressOf("ludhiana", "?version=1&fields=name"),
      ]) {
        await page.goto(address);
        const told = `${address} at ${width}, ${colorScheme}`;
        expect(await page.evaluate(() => document.documentElement.scrollWidth), told).toBe(width);
        expect(await page.evaluate(findFaintTexts), told).toEqual([]);
        expect(await page.evaluate(findUnnamed), told).toEqual([]);
        expect(await page.getByRole("heading", { level: 1 }).count(), told).toBe(1);
      }
      expect(complaints).toEqual([]);
      await context.close();
    }
  }, 120_000);

  test("has no fault that axe finds, before and after a choice", async () => {
    // The page lets no script in but what the tester brings.
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    for (const query of ["", "?fields=name&version=1"]) {
      await page.goto(addressOf("ludhiana", query));
      await page.addScriptTag({ path: axe });
      const violations = await page.evaluate(async () => {
        const { axe: tool } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string }[] }> } };
        return (await tool.run()).violations.map(({ id }) => id);
      });
      expect(violations).toEqual([]);
    }
    await context.close();
  }, 60_000);

  test("lets the fields be chosen by keyboard alone, and without a script", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(addressOf("ludhiana", "?version=2"));
    const boxes = page.getByRole("checkbox");
    expect(await boxes.count()).toBe(14);
    await page.getByRole("link", { name: "Ludhiana", exact: true }).focus();
    for (let at = 0; at < 14; at++) {
      await page.keyboard.press("Tab");
      if (at !== 1) await page.keyboard.press("Space");
    }
    await page.keyboard.press("Tab");
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    expect(page.url()).toBe(addressOf("ludhiana", "?version=2&fields=&fields=name"));
    const sheet = page.getByRole("article");
    expect(await sheet.textContent()).toContain("13 more fields are recorded and not shown here.");
    expect(await sheet.textContent()).not.toContain("Population");
    expect(await boxes.nth(1).isChecked()).toBe(true);
    expect(await boxes.nth(2).isChecked()).toBe(false);
    await context.close();
  });

  test("is read there as here: a browser too refuses what follows the compressed data", async () => {
    const page = await browser.newPage();
    const outcomes = await page.evaluate(async () => {
      const inflate = async (bytes: number[]) => {
        const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
        return new Response(stream).text().catch(() => "refused");
      };
      const compressed = new Blob(["text"]).stream().pipeThrough(new CompressionStream("deflate-raw"));
      const bytes = [...new Uint8Array(await new Response(compressed).arrayBuffer())];
      return [await inflate(bytes), await inflate([...bytes, 0]), await inflate(bytes.slice(0, -1))];
    });
    expect(outcomes).toEqual(["text", "refused", "refused"]);
    await page.close();
  });
});
