// A citizen shares something by a link and a code, and somebody else opens it: in a real browser, by the keyboard alone, on a desktop and a phone, in two languages; and what the pages refuse.
import { mkdirSync, readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createVerifier } from "../../src/verification/verifier.ts";
import { type BrowserJar, createBrowserJar, hiddenField } from "../browser-jar.ts";
import { MEERA, type MeWorld, startMeWorld } from "../me-world.ts";
import { ensurePageBundled } from "../page-bundle.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, tabTo } from "./staff-browser.ts";

const DAY = 86_400;
const PHONE = { viewport: { width: 360, height: 740 } };
const DESKTOP = { viewport: { width: 1280, height: 900 } };

let world: MeWorld;
let base: string;

beforeAll(async () => {
  if (process.env.ATTESTRY_PICTURES) mkdirSync(process.env.ATTESTRY_PICTURES, { recursive: true });
  [world] = await Promise.all([startMeWorld(), ensurePageBundled()]);
  base = world.entity;
}, 120_000);

afterAll(() => world?.close());

async function signedIn(account: string): Promise<BrowserJar> {
  const browser = createBrowserJar();
  const asked = await browser.visit(
    `${base}/me/sign-in/start?${new URLSearchParams({ issuer: world.provider.issuer })}`,
  );
  const page = await browser.visit(asked.url, { form: { account } });
  expect([page.status, page.url]).toEqual([200, `${base}/me`]);
  return browser;
}

/** A page's text without its markup and the marks that set names apart. */
const textOf = (page: { text: string }) =>
  page.text
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/[\u2068\u2069]/g, "")
    .replaceAll(/\s+/g, " ");

const isoDay = (seconds: number) => new Date(seconds * 1_000).toISOString().slice(0, 10);
const inDays = (days: number) => Math.floor(Date.now() / 1_000) + days * DAY;
const linkOf = (page: { text: string }) => /http[^<]*\/shared\/[0-9a-f-]{36}/.exec(page.text)?.[0] ?? "";
const codeOf = (page: { text: string }) => /(?:\d{3} ){4}\d{3}/.exec(textOf(page))?.[0] ?? "";
const verifier = () => createVerifier({ anchors: [world.anchor.pin(["persons", "births"])], statusMaxAgeSeconds: 300 });

/** The form as it comes, with what is said in it. */
async function fillIn(browser: BrowserJar, changes: Record<string, string> = {}, record?: Record<string, string>) {
  const of = record ?? { registry: "persons", rid: world.meera.persons };
  const page = await browser.request("GET", `${base}/me/share/new?${new URLSearchParams(of)}`);
  const hidden = Object.fromEntries(
    ["form_token", "id"].map((name) => [name, hiddenField(page.text, name) ?? ""] as const),
  );
  const said = { recipient: "Lakeside Bank", purpose: "Opening an account", until: isoDay(inDays(7)), often: "once" };
  const form: Record<string, string> = { ...hidden, ...of, field: "name", ...said, ...changes };
  return { page, form, send: () => browser.request("POST", `${base}/me/share/create`, { form }) };
}

const openAs = (link: string, form: Record<string, string>, below = "") =>
  createBrowserJar().request("POST", `${link}${below}`, { form });

describe("sharing over HTTP", () => {
  test("begins with nothing chosen, says what each field is, and shows the code once", async () => {
    const browser = await signedIn("meera");
    const licence = { registry: "licences", rid: world.meera.licence };
    const { page, send, form } = await fillIn(browser, { field: "valid_to" }, licence);
    const text = textOf(page);
    expect(page.text).not.toMatch(/type="checkbox"[^>]*checked/);
    expect(text).toContain("Valid to May 1, 2031 The last day on which you may drive with it.");
    expect(page.text).toContain(`value="${isoDay(inDays(7))}"`);
    const made = await send();
    expect([made.status, made.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
    const [link, code] = [linkOf(made), codeOf(made)];
    expect(link).toBe(`${base}/shared/${form.id}`);
    expect(code).toMatch(/^[0-9 ]{19}$/);
    // Loaded once more, it is still one, and its code is told no second time.
    const again = await send();
    expect([again.status, again.headers.get("location")]).toEqual([303, "/me/share?done=already"]);
    const list = await browser.request("GET", `${base}/me/share?done=already`);
    expect(textOf(list)).toContain("its code is shown only once");
    expect(textOf(list)).toContain("Can be opened For Lakeside Bank What for Opening an account");
    expect(list.text).not.toContain(code);
  });

  test("takes no form of another site, of another's record, or without what it needs; what was typed stays", async () => {
    const browser = await signedIn("meera");
    const cases: [Record<string, string>, number, string][] = [
      [{ form_token: "A".repeat(43) }, 403, "The form was too old"],
      [{ rid: world.ravi.persons }, 404, "There is nothing of yours"],
      [{ field: "" }, 422, "Tick at least one field"],
      [{ field: "salary" }, 422, "Tick at least one field"],
      [{ recipient: " " }, 422, "Say for whom it is"],
      [{ purpose: "" }, 422, "Say what it is for"],
      [{ entity: "not a node" }, 422, "That is no address of a node"],
      [{ until: isoDay(inDays(-1)) }, 422, "Choose a day from"],
      [{ until: isoDay(inDays(100)) }, 422, "Choose a day from"],
      [{ until: "soon" }, 422, "Choose a day from"],
    ];
    for (const [changes, status, told] of cases) {
      const { send } = await fillIn(browser, changes);
      const page = await send();
      expect([changes, page.status, textOf(page).includes(told)]).toEqual([changes, status, true]);
      if (status === 422 && changes.recipient === undefined) expect(page.text).toContain('value="Lakeside Bank"');
    }
    const { id } = (await fillIn(browser)).form;
    const ravi = await signedIn("ravi");
    const own = await ravi.request("GET", `${base}/me/share`);
    expect(textOf(own)).toContain("You have shared nothing yet.");
    const form = { form_token: hiddenField((await ravi.request("GET", `${base}/me`)).text, "form_token")! };
    expect((await ravi.request("POST", `${base}/me/share/${id}/end`, { form })).status).toBe(404);
    expect((await createBrowserJar().request("GET", `${base}/me/share`)).status).toBe(303);
  });

  test("asks a stranger for the code alike at every address, and keeps nothing anywhere", async () => {
    const { send } = await fillIn(await signedIn("meera"));
    const link = linkOf(await send());
    const strip = (page: { text: string }) =>
      page.text.replaceAll(/[0-9a-f-]{36}/g, "ID").replaceAll(/name="request_id" value="[^"]*"/g, "");
    const pages = await Promise.all(
      [link, link.replace(/[0-9a-f-]{36}$/, "7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60")].map((url) =>
        createBrowserJar().request("GET", url),
      ),
    );
    expect(strip(pages[0]!)).toBe(strip(pages[1]!));
    for (const page of pages) {
      expect([page.status, page.headers.get("cache-control")]).toEqual([200, "private, no-store"]);
      expect(page.headers.get("referrer-policy")).toBe("no-referrer");
      expect(page.headers.get("x-robots-tag")).toContain("noindex");
      expect(page.headers.getSetCookie()).toEqual([]);
    }
  });

  test("shows who has both what was chosen and no more, and gives the file that verifies, in one opening", async () => {
    const browser = await signedIn("meera");
    const { send, form } = await fillIn(browser, { field: "born" });
    const made = await send();
    const [link, code] = [linkOf(made), codeOf(made)];
    const wrong = await openAs(link, { code: "000 000 000 000 000", request_id: "request-1" });
    expect([wrong.status, textOf(wrong).includes("Link and code do not fit.")]).toEqual([403, true]);
    const opened = await openAs(link, { code, request_id: "request-1" });
    expect(opened.status).toBe(200);
    const text = textOf(opened);
    for (const told of ["Date of birth March 7, 1988", "Lakeside Bank", "Opening an account", "Civil Registry Office"])
      expect([told, text.includes(told)]).toEqual([told, true]);
    for (const hidden of ["Meera", MEERA, "Northmarch", "555-0101"])
      expect([hidden, opened.text.includes(hidden)]).toEqual([hidden, false]);
    const file = await openAs(link, { code, request_id: "request-1" }, "/evidence");
    expect(file.headers.get("content-disposition")).toContain("persons-shared-evidence.json");
    const report = await verifier().verify(JSON.parse(file.text), { now: inDays(0) });
    expect([report.verdict, report.record?.data]).toEqual(["valid", { born: "1988-03-07" }]);
    const late = await openAs(link, { code, request_id: "request-2" });
    expect([late.status, textOf(late).includes("It was opened as often as the person allowed.")]).toEqual([403, true]);
    const looks = textOf(await browser.request("GET", `${base}/me/usage`));
    const today = new Intl.DateTimeFormat("en", { dateStyle: "long", timeZone: "UTC" }).format(Date.now());
    for (const sentence of [
      `On ${today}, Lakeside Bank opened what you shared: your date of birth, for opening an account.`,
      `On ${today}, you shared your date of birth with Lakeside Bank, for opening an account.`,
    ])
      expect([sentence, looks.split(sentence).length]).toEqual([sentence, 2]);
    const filtered = textOf(await browser.request("GET", `${base}/me/usage?by=shared`));
    expect(filtered).toContain("opened what you shared");
    expect(filtered).not.toContain("you shared your");
    const download = await browser.request("GET", `${base}/me/download/data`);
    const { shared, records } = JSON.parse(download.text) as {
      shared: { id: string }[];
      records: { evidence: object }[];
    };
    expect(shared.map(({ id }) => id)).toContain(form.id);
    for (const { evidence } of records)
      expect((await verifier().verify(evidence, { now: inDays(0) })).verdict).toBe("valid");
  });
});

describe.skipIf(chromiumPath === undefined)("sharing in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  async function enter(page: Page): Promise<void> {
    await page.goto(`${base}/me`);
    await pressOn(page, "Sign in with My Identity");
    await pressOn(page, "Meera Rao");
    await page.waitForURL(`${base}/me`);
  }

  const says = async (page: Page, text: string) =>
    expect((await page.innerText("body")).replaceAll(/[\u2068\u2069]/g, "")).toContain(text);

  async function type(page: Page, id: string, text: string): Promise<void> {
    await tabTo(page, { id });
    await page.keyboard.type(text);
  }

  test("on a desktop, by the keyboard: chosen, handed on, opened, checked, and ended", async () => {
    const { page, complaints } = await openPage(browser, DESKTOP);
    await enter(page);
    await pressOn(page, "Shared by me");
    await checkLook(page, "share-none-1280");
    await pressOn(page, "Share something");
    await checkLook(page, "share-choose-1280");
    await tabTo(page, { text: "Share something of this – Meera Rao" });
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await says(page, "Nothing is chosen yet.");
    const born = await page.locator('input[name="field"][value="born"]').getAttribute("id");
    await tabTo(page, { id: born! });
    await page.keyboard.press("Space");
    await type(page, "recipient", "Lakeside Bank");
    await checkLook(page, "share-form-1280");
    // Something is left out: the browser itself says so first; without it the page does.
    await page.locator("#purpose").evaluate((element) => element.removeAttribute("required"));
    await pressOn(page, { button: "Make the link and the code" });
    await says(page, "Say what it is for");
    await checkLook(page, "share-fault-1280");
    await type(page, "purpose", "Opening an account");
    await tabTo(page, { id: "once" });
    await page.keyboard.press("ArrowDown");
    await pressOn(page, { button: "Make the link and the code" });
    await says(page, "Tell them the code in another way");
    await checkLook(page, "share-done-1280");
    const link = await page.innerText("pre code");
    const code = await page.innerText("p.spoken");

    const other = await openPage(browser, DESKTOP);
    await other.page.goto(link);
    await checkLook(other.page, "shared-door-1280");
    await type(other.page, "code", "111 111 111 111 111");
    await pressOn(other.page, { button: "Open" });
    await says(other.page, "Link and code do not fit.");
    await checkLook(other.page, "shared-wrong-1280");
    await type(other.page, "code", code);
    await pressOn(other.page, { button: "Open" });
    await says(other.page, "March 7, 1988");
    expect(other.page.url()).toBe(link);
    await checkLook(other.page, "shared-open-1280");
    await tabTo(other.page, { button: "Download the file" });
    const [download] = await Promise.all([other.page.waitForEvent("download"), other.page.keyboard.press("Enter")]);
    const file = readFileSync(await download.path());
    await pressOn(other.page, "Check it");
    await other.page.setInputFiles("#file", { name: "shared.json", mimeType: "application/json", buffer: file });
    await other.page.waitForSelector("#verdict");
    await says(other.page, "Valid");
    await says(other.page, "The person whom it is about shared these fields by a link and a code.");
    await checkLook(other.page, "shared-verified-1280");
    // A browser tells of every page that comes with an error.
    const told = (status: string) => `Failed to load resource: the server responded with a status of ${status}`;
    expect(other.complaints).toEqual([told("403 (Forbidden)")]);
    await other.page.context().close();

    await pressOn(page, "To what I shared");
    await says(page, "Can be opened");
    await tabTo(page, { text: "End it" });
    await page.keyboard.press("Enter");
    await checkLook(page, "share-list-1280");
    await pressOn(page, { button: "Yes, end it now" });
    await says(page, "Nobody can open it any more.");
    await pressOn(page, "Who looked");
    await says(page, "Lakeside Bank opened what you shared: your date of birth, for opening an account.");
    await checkLook(page, "share-usage-1280");
    const after = await openAs(link, { code, request_id: "request-9" });
    expect(textOf(after)).toContain("The person ended it.");
    expect(complaints).toEqual([told("422 (Unprocessable Entity)")]);
    await page.context().close();
  }, 120_000);

  test("on a phone, in Hindi: nothing wider than the screen, in either direction of writing", async () => {
    const { page, complaints } = await openPage(browser, PHONE);
    await enter(page);
    await page.goto(`${base}/me/share/new?${new URLSearchParams({ registry: "persons", rid: world.meera.persons })}`);
    await pressOn(page, "हिन्दी");
    await says(page, "अभी कुछ नहीं चुना गया है।");
    const fits = async (name: string) => {
      await checkLook(page, `${name}-hi-360`);
      await page.evaluate(() => {
        document.documentElement.dir = "rtl";
      });
      expect([name, await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)]).toEqual([
        name,
        0,
      ]);
      await page.evaluate(() => {
        document.documentElement.dir = "ltr";
      });
    };
    await fits("share-form");
    await page.locator('input[name="field"][value="name"]').check();
    await page.locator('input[name="field"][value="address.city"]').check();
    await page.fill("#recipient", "झील किनारा बैंक");
    await page.fill("#purpose", "खाता खोलना");
    await pressOn(page, { button: "कड़ी और कोड बनाएँ" });
    await fits("share-done");
    const link = await page.innerText("pre code");
    const code = await page.innerText("p.spoken");
    await page.goto(link);
    await says(page, "किसी ने आपके साथ कुछ साझा किया है");
    await fits("shared-door");
    // As somebody writes it who types Devanagari.
    await page.fill(
      "#code",
      code.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x966 + Number(digit))),
    );
    await pressOn(page, { button: "खोलें" });
    await says(page, "Northmarch");
    await fits("shared-open");
    await pressOn(page, "English");
    await says(page, "Somebody shared something with you");
    expect(page.url()).toBe(link);
    await page.goto(`${base}/me/language?to=hi&return_to=/me/share`);
    await says(page, "झील किनारा बैंक");
    await fits("share-list");
    await page.goto(`${base}/me/usage`);
    await says(page, "झील किनारा बैंक ने “खाता खोलना” के लिए आपका साझा किया हुआ खोला");
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 120_000);
});
