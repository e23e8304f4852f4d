// Staff write records in a real browser, by keyboard alone, on a desktop and a phone: the form of the example with every kind of field, from the first key to its second version.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { RECORD_FORM_SCRIPT_BYTES_MAX } from "../../src/limits.ts";
import { type DeskWorld, startDeskWorld } from "../desk-world.ts";
import { ensureFormBundled } from "../page-bundle.ts";
import { createRecordCalls } from "../record-calls.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { collectComplaints } from "./page-checks.ts";
import { checkLook, openPage } from "./staff-browser.ts";

const pictures = process.env.ATTESTRY_PICTURES;
const PDF = { name: "licence.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.4 a licence") };

let world: DeskWorld;
let browser: Browser;
let base: string;

beforeAll(async () => {
  await ensureFormBundled();
  if (chromiumPath === undefined) return;
  [world, browser] = await Promise.all([startDeskWorld(), launchChromium()]);
  base = `${world.health.entity}/console`;
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await world?.close();
});

/** Goes on by Tab, or back by Shift+Tab, until the focus is on what the selector names and holds the text. */
async function tabTo(page: Page, selector: string, text = "", key = "Tab"): Promise<void> {
  for (let turn = 0; turn < 90; turn++) {
    const isThere = await page.evaluate(
      ([wanted, words]) => {
        const focused = document.activeElement;
        return focused?.matches(wanted!) === true && (focused.textContent ?? "").includes(words!);
      },
      [selector, text],
    );
    if (isThere) return;
    await page.keyboard.press(key);
  }
  throw new Error(`no ${key} leads to ${selector} ${text}`);
}

async function pressOn(page: Page, selector: string, text = ""): Promise<void> {
  await tabTo(page, selector, text);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

/** Types into the input of a field, by its pointer, and leaves it. */
async function type(page: Page, pointer: string, text: string): Promise<void> {
  await tabTo(page, `[name="${pointer}"]`);
  await page.keyboard.type(text);
}

async function signIn(page: Page, path: string): Promise<void> {
  await page.goto(`${base}${path}`);
  await pressOn(page, "button, a", "Sign in with Department account");
  await pressOn(page, "button", "Rita Das");
  await page.waitForURL(`${base}${path}`);
}

const faultOf = (page: Page, id: string) => page.locator(`#${id}-fault`).innerText();

async function readRecord(page: Page): Promise<JsonObject> {
  const path = new URL(page.url()).pathname.replace("/health/console", "");
  const token = await world.health.token("reader");
  return (await world.health.request("GET", path, { token })).body;
}

async function fillIn(page: Page, licence: string, told: string): Promise<void> {
  await page.waitForSelector("#record-form[data-ready]");
  // Sent with nothing in it: told what is missing, and led to the first.
  // Enter sends the form, and presses no button of a list.
  await tabTo(page, '[name="/data/name"]');
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("field-data-name");
  expect(await page.locator("#form-status").innerText()).toBe("Not saved yet: 7 things are to be mended.");
  expect(await faultOf(page, "field-data-name")).toBe("Fill this in.");
  await checkLook(page, `${told}-faults`);
  await page.keyboard.type(`Hospital of ${told}`);
  expect(await faultOf(page, "field-data-name")).toBe("");
  // Wrong once it is left, right as soon as it is mended.
  await type(page, "/data/licence", licence.slice(0, 4));
  await page.keyboard.press("Tab");
  expect(await faultOf(page, "field-data-licence")).toContain("not in the form that the registry asks for");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("End");
  await page.keyboard.type(licence.slice(4));
  expect(await faultOf(page, "field-data-licence")).toBe("");
  await tabTo(page, '[name="/data/kind"]');
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await type(page, "/data/address/street", "Mall Road 1");
  // The district is kept by another department.
  await tabTo(page, "#field-data-address-district-search");
  await page.keyboard.type("Lud");
  await page.waitForSelector('[role="option"]');
  expect(await page.locator('[role="option"]').allInnerTexts()).toEqual([
    expect.stringContaining("Ludhiana (PB-15)"),
    expect.stringContaining("Ludwigpur (PB-16)"),
  ]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await checkLook(page, `${told}-picker`);
  await page.keyboard.press("Enter");
  expect(await page.locator(".picker .chosen").innerText()).toContain("Ludwigpur (PB-16)");
  expect(await faultOf(page, "field-data-address-district")).toBe("");
  await tabTo(page, '[name="/data/opened"]');
  await page.keyboard.type("04012020");
  await type(page, "/data/beds", "1o");
  await page.keyboard.press("Tab");
  expect(await faultOf(page, "field-data-beds")).toContain("Write a number");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("End");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("20");
  expect(await faultOf(page, "field-data-beds")).toBe("");
  await tabTo(page, '[name="/data/is_emergency"]');
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await tabTo(page, "#field-data-licence-deed");
  await page.locator("#field-data-licence-deed").setInputFiles(PDF);
  await page.locator(".upload .state", { hasText: "The file is there" }).waitFor();
  await type(page, "/data/remarks", "Two lines\nof text");
  // A department with a day, and another that is taken away again.
  await tabTo(page, '[value="add:/data/departments"]');
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("/data/departments/0/name");
  await page.keyboard.type("Surgery");
  await tabTo(page, '[value="add:/data/departments/0/days"]');
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("/data/departments/0/days/0");
  await page.keyboard.type("Mon");
  await tabTo(page, '[value="add:/data/departments"]');
  await page.keyboard.press("Enter");
  await page.keyboard.type("Mistake");
  await tabTo(page, '[value="remove:/data/departments/1"]');
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement?.getAttribute("value"))).toBe("remove:/data/departments/0");
  await tabTo(page, '[value="add:/data/languages"]');
  await page.keyboard.press("Enter");
  await page.keyboard.type("Punjabi");
  await tabTo(page, '[name="/act/reason"]');
  await page.keyboard.type("found");
  await checkLook(page, `${told}-filled`);
  await pressOn(page, "form.record .buttons button");
}

describe("the forms for records", () => {
  test("load a small program", async () => {
    const [first, ...more] = await ensureFormBundled();
    expect(more).toEqual([]);
    expect(first!.brotliBytes).toBeLessThanOrEqual(RECORD_FORM_SCRIPT_BYTES_MAX);
  });
});

describe.skipIf(chromiumPath === undefined)("staff at work", () => {
  test.each([
    ["desktop", 1280, "light", "PB-2001"],
    ["phone", 360, "dark", "PB-2002"],
  ] as const)(
    "on a %s, by keyboard alone: a record is made, amended, compared, suspended; axe finds nothing",
    async (told, width, colorScheme, licence) => {
      const { page, complaints } = await openPage(browser, { viewport: { width, height: 740 }, colorScheme });
      await signIn(page, "/registries");
      await checkLook(page, `${told}-registries`);
      await pressOn(page, "a", "New record in Health facilities");
      await fillIn(page, licence, told);
      expect(await page.locator('[role="status"]').first().innerText()).toContain("Recorded");
      await checkLook(page, `${told}-record`);
      const { data } = await readRecord(page);
      expect(data).toEqual({
        name: `Hospital of ${told}`,
        licence,
        kind: "hospital",
        address: { street: "Mall Road 1", district: world.districts["PB-16"].href },
        opened: "2020-04-01",
        beds: 120,
        is_emergency: true,
        licence_deed: expect.objectContaining({ mediaType: "application/pdf", bytes: PDF.buffer.length }),
        remarks: "Two lines\nof text",
        departments: [{ name: "Surgery", days: ["mon"] }],
        languages: ["Punjabi"],
      });
      await pressOn(page, "a", "Amend");
      await page.waitForSelector("#record-form[data-ready]");
      // What it refers to is named, though another department keeps it.
      expect(await page.locator("#field-data-address-district-search").inputValue()).toContain("Record in districts");
      await tabTo(page, '[name="/data/beds"]');
      await page.keyboard.type("130");
      await tabTo(page, '[name="/act/reason"]');
      await page.keyboard.type("corr");
      await pressOn(page, "form.record .buttons button");
      expect(((await readRecord(page)).data as JsonObject).beds).toBe(130);
      await pressOn(page, "form.versions button");
      expect(await page.locator("tr.changed th").allInnerTexts()).toEqual([expect.stringMatching(/Beds\s+changed/)]);
      await checkLook(page, `${told}-compare`);
      await pressOn(page, "a", "Erase");
      await checkLook(page, `${told}-erase`);
      await pressOn(page, "a", "Back without changing");
      await pressOn(page, "a", "Suspend");
      await tabTo(page, '[name="/act/reason"]');
      await page.keyboard.type("found");
      await checkLook(page, `${told}-suspend`);
      await pressOn(page, "form.record .buttons button");
      expect((await readRecord(page)).state).toBe("suspended");
      await page.goto(`${base}/registries/health-facilities`);
      await checkLook(page, `${told}-find`);
      expect(complaints).toEqual([]);
      await page.context().close();
    },
    90_000,
  );

  test("a form that comes back says first why: another looks alike, somebody else was faster", async () => {
    const { page, complaints } = await openPage(browser, { viewport: { width: 360, height: 740 } });
    const calls = await createRecordCalls(world.health, "health-facilities");
    const data = {
      name: "Twin Clinic",
      licence: "PB-3001",
      kind: "clinic",
      address: { street: "Mall Road 1", district: String(world.districts["PB-15"].href) },
      opened: "2020-04-01",
    };
    const { rid } = await calls.create(data, { act: { reason: "inspection" } });
    await signIn(page, `/registries/health-facilities/records/${rid}/amend`);
    await page.waitForSelector("#record-form[data-ready]");
    await calls.amend(rid, "1.0", { data: { beds: 7 }, act: { reason: "inspection" } });
    await tabTo(page, '[name="/data/beds"]');
    await page.keyboard.type("9");
    await tabTo(page, '[name="/act/reason"]');
    await page.keyboard.type("corr");
    await pressOn(page, "form.record .buttons button");
    // What is said stands where the reader is.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("faults");
    expect(await page.locator("#faults").innerText()).toMatch(/somebody else changed this record[\s\S]*Beds[\s\S]*7/);
    await checkLook(page, "conflict");
    await page.goto(`${base}/registries/health-facilities/new`);
    await page.waitForSelector("#record-form[data-ready]");
    await type(page, "/data/name", "twin clinic");
    await type(page, "/data/licence", "PB-3002");
    await tabTo(page, '[name="/data/kind"]');
    await page.keyboard.press("Space");
    await type(page, "/data/address/street", "Mall Road 1");
    await tabTo(page, "#field-data-address-district-search");
    await page.keyboard.type("Ludh");
    await page.waitForSelector('[role="option"]');
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await tabTo(page, '[name="/data/opened"]');
    await page.keyboard.type("04012020");
    await tabTo(page, '[name="/act/reason"]');
    await page.keyboard.type("found");
    await pressOn(page, "form.record .buttons button");
    expect(await page.locator("#faults a").allInnerTexts()).toEqual(["Twin Clinic"]);
    // The name of what was chosen is still there.
    await page.waitForSelector("#record-form[data-ready]");
    expect(await page.locator("#field-data-address-district-search").inputValue()).toContain("Ludhiana");
    await checkLook(page, "duplicate");
    await type(page, "/act/distinct", "Another owner");
    await pressOn(page, "form.record .buttons button");
    expect(((await readRecord(page)).data as JsonObject).name).toBe("twin clinic");
    // The browser itself notes that a page was a refusal.
    expect(complaints.filter((one) => !one.includes("409"))).toEqual([]);
  }, 60_000);

  test("under the page's own policy the program runs, and without any program the form works, too", async () => {
    const strict = await browser.newPage();
    const complaints = collectComplaints(strict);
    await signIn(strict, "/registries/health-facilities/new");
    await strict.waitForSelector("#record-form[data-ready]");
    await tabTo(strict, '[value="add:/data/languages"]');
    await strict.keyboard.press("Enter");
    expect(await strict.locator('[name="/data/languages/0"]').count()).toBe(1);
    expect(complaints).toEqual([]);
    const page = await browser.newPage({
      javaScriptEnabled: false,
      storageState: await strict.context().storageState(),
      viewport: { width: 360, height: 740 },
    });
    await page.goto(`${base}/registries/health-facilities/new`);
    await page.locator('[name="/data/name"]').fill("Without a program");
    await page.locator('[value="add:/data/departments"]').click();
    await page.locator('[name="/data/departments/0/name"]').fill("Surgery");
    expect(await page.locator('[name="/data/name"]').inputValue()).toBe("Without a program");
    // The browser itself says what is missing; sent past it, the server does.
    const twin = page.locator("form.record");
    await twin.evaluate((form: HTMLFormElement) => form.submit());
    await page.waitForURL(/new$/);
    await page.locator("#faults").waitFor();
    expect(await page.locator("#faults a").count()).toBeGreaterThan(3);
    expect(await page.locator('[name="/data/departments/0/name"]').inputValue()).toBe("Surgery");
    if (pictures) await page.screenshot({ fullPage: true, path: `${pictures}/no-program.png` });
  }, 60_000);
});
