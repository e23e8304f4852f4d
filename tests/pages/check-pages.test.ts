// Checking a record on a page and the kept report in a real browser, by keyboard alone, on a phone and a desktop.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, signInTo, tabTo } from "./staff-browser.ts";

let land: TestNode;
let world: SignInWorld;
let browser: Browser;
let base: string;
let parcel: string;
let revoked: string;
let gone: string;

async function create(code: string, name: string): Promise<string> {
  const token = await land.token("registrar");
  const answer = await land.request("POST", "/registries/parcels/records", { token, json: { data: { code, name } } });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.href as string;
}

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  const types = ["parcels"];
  const anchor = await startTestNode({ path: "/land", anchors: [] });
  land = anchor;
  // The department is its own anchor: what a page shows does not depend on the length of a chain.
  world = await startSignInWorld({ path: "/agency", anchors: [land.pin(types)], config: { consumer: true } });
  base = world.node.entity;
  const published = await land.publish({ ...definition("parcels"), title: { en: "Land parcels" } });
  expect(published.status, published.text).toBe(201);
  parcel = await create("P-1", "Riverside plot");
  revoked = await create("P-2", "Hilltop plot");
  const path = revoked.slice(land.entity.length);
  const token = await land.token("registrar");
  const { headers } = await land.request("GET", path, { token });
  const done = await land.request("POST", `${path}/revoke`, {
    token,
    json: { act: { reason: "error" } },
    headers: { "if-match": headers.get("etag")! },
  });
  expect(done.status, done.text).toBe(200);
  gone = parcel.replace(/:\d+\//, ":9/");
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await world?.close();
  await land?.close();
});

const open = (options: BrowserContextOptions = {}) => openPage(browser, options);
const signIn = (page: Page, name: string, path: string) => signInTo(page, base, { name, path });

describe.skipIf(chromiumPath === undefined)("checking on a page", () => {
  test.each([
    [360, "light"],
    [1280, "dark"],
  ] as const)(
    "goes from the desk to an answer, the kept report and its file by the keyboard alone at %i px, and axe finds nothing",
    async (width, colorScheme) => {
      const { page, complaints } = await open({ viewport: { width, height: 740 }, colorScheme });
      await page.goto(base);
      await checkLook(page, `consumer-home-${width}`);
      await signIn(page, "Bina", "/console");
      await pressOn(page, "Check a record of any department");
      await checkLook(page, `check-form-${width}`);
      await tabTo(page, { id: "references" });
      await page.keyboard.type(parcel);
      await pressOn(page, { button: "Check" });
      // Neither a case nor a purpose: what was typed is still there.
      expect(await page.locator("#caseNumber").getAttribute("aria-invalid")).toBe("true");
      expect(await page.locator("#references").inputValue()).toBe(parcel);
      await checkLook(page, `check-mend-${width}`);
      await tabTo(page, { id: "caseNumber" });
      await page.keyboard.type(`A-${width}`);
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      expect(await page.title()).toMatch(/^Valid: Riverside plot/);
      expect(await page.locator(".verdict h2").innerText()).toBe("Valid");
      expect(await page.locator("main").innerText()).toContain("Land parcels");
      await checkLook(page, `check-valid-${width}`);

      await tabTo(page, { id: "references" });
      await page.keyboard.type(`${revoked} ${parcel} ${gone}`);
      await pressOn(page, { button: "Check" });
      expect(await page.locator(".verdict h2").allInnerTexts()).toEqual(["Not valid", "Valid", "Could not decide"]);
      expect(await page.locator("#overview").innerText()).toBe("3 records: 1 valid, 1 not valid, 1 not decided");
      // On paper stand all the answers and when they were given, and not the form.
      await page.emulateMedia({ media: "print", colorScheme });
      expect(await page.locator(".verdict:visible").count()).toBe(3);
      expect(await page.locator(".judged").isVisible()).toBe(true);
      expect(await page.locator("form.search").isVisible()).toBe(false);
      await page.emulateMedia({ media: "screen", colorScheme });
      await tabTo(page, { text: "Every check" });
      await page.keyboard.press("Enter");
      await checkLook(page, `check-three-${width}`);

      await pressOn(page, "The report that was kept");
      expect(await page.locator("h1").innerText()).toBe("Report of a check");
      expect(await page.locator(".verdict").innerText()).toContain("Revoked");
      await tabTo(page, { text: "Every check" });
      await page.keyboard.press("Enter");
      await checkLook(page, `report-${width}`);
      await tabTo(page, { text: "Download the signed report" });
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      expect(download.suggestedFilename()).toMatch(/^report-[0-9a-f]{16}-001\.jwt$/);
      await pressOn(page, "Kept reports");
      expect(await page.locator("table.records tbody tr").count()).toBeGreaterThanOrEqual(4);
      await checkLook(page, `reports-${width}`);
      expect(complaints.filter((one) => !one.includes("422") && !one.includes("/file"))).toEqual([]);
    },
    90_000,
  );
});
