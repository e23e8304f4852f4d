// Staff hold a record, are refused its erasure, lift the hold and erase one wrong version: in a real browser, by keyboard alone, on a desktop and a phone.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { type DeskWorld, startDeskWorld } from "../desk-world.ts";
import { definition } from "../node-fixture.ts";
import { ensureFormBundled } from "../page-bundle.ts";
import { createRecordCalls } from "../record-calls.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, signInTo, tabTo } from "./staff-browser.ts";

let world: DeskWorld;
let browser: Browser;

beforeAll(async () => {
  await ensureFormBundled();
  if (chromiumPath === undefined) return;
  [world, browser] = await Promise.all([startDeskWorld(), launchChromium()]);
  const owner = { type: "string", "x-personal": true } as const;
  const springs = definition("springs", { access: "members", properties: { owner, depth: { type: "number" } } });
  expect((await world.health.publish(springs)).status).toBe(201);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await world?.close();
});

async function type(page: Page, pointer: string, text: string): Promise<void> {
  await tabTo(page, { id: `field${pointer.replaceAll("/", "-")}` });
  await page.keyboard.type(text);
}

describe.skipIf(chromiumPath === undefined)("a hold at the desk", () => {
  test.each([
    ["desktop", 1280, "light"],
    ["phone", 360, "dark"],
  ] as const)(
    "on a %s: is placed, keeps the record, is lifted; then one version is erased, and the page says what backups hold",
    async (told, width, colorScheme) => {
      const { entity } = world.health;
      const calls = await createRecordCalls(world.health, "springs");
      const { rid } = await calls.create({ code: `H-${told}`, name: `Well of ${told}`, owner: "Asha" });
      await calls.amend(rid, "1.0", { data: { owner: "Other", depth: 9 } });
      await calls.amend(rid, "2.0", { data: { owner: "Asha" } });
      const token = await world.health.token("reader");
      const read = async (): Promise<JsonObject> => (await calls.get(rid, "", token)).body;
      const path = `/console/registries/springs/records/${String(rid)}`;
      const options = { viewport: { width, height: 740 }, colorScheme };
      const { page, complaints } = await openPage(browser, options);
      await signInTo(page, entity, { name: "Rita Das", path });
      await pressOn(page, "Hold");
      await checkLook(page, `${told}-hold-form`);
      await type(page, "/case", "CR 12/2026");
      await pressOn(page, { button: "Hold this record" });
      expect(await page.locator("#faults").innerText()).toContain("asks for the ground");
      expect(await page.locator('[name="/case"]').inputValue()).toBe("CR 12/2026");
      await checkLook(page, `${told}-hold-faults`);
      await type(page, "/until", "12312099");
      await type(page, "/act/instrument", "Order 9 of the District Court");
      await tabTo(page, { button: "Hold this record" });
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      expect(await page.locator('[role="status"]').first().innerText()).toContain("Held");
      expect(await page.locator("main").innerText()).toMatch(/CR 12\/2026: until December 31, 2099, Order 9/);
      await checkLook(page, `${told}-held`);
      expect((await read()).holds).toMatchObject([{ in_force: true, until: "2099-12-31", case: "CR 12/2026" }]);
      await pressOn(page, "Erase");
      await type(page, "/act/reason", "asked for");
      await type(page, "/act/instrument", "Order 10");
      await pressOn(page, { button: "Erase this record" });
      expect(await page.locator("#faults").innerText()).toContain("must be kept until 2099-12-31: a hold stands");
      await checkLook(page, `${told}-hold-refused`);
      // A registrar is offered no way to lift it; an approver is.
      await page.goto(`${entity}${path}`);
      expect(await page.getByText("Lift this hold").count()).toBe(0);
      const other = await openPage(browser, options);
      await signInTo(other.page, entity, { name: "Abha Jain", path });
      await pressOn(other.page, "Lift this hold");
      await checkLook(other.page, `${told}-hold-lift`);
      await type(other.page, "/act/instrument", "Case closed");
      await pressOn(other.page, { button: "Lift this hold" });
      expect(await other.page.locator('[role="status"]').first().innerText()).toContain("Lifted");
      expect((await read()).holds).toMatchObject([{ in_force: false, released: { instrument: "Case closed" } }]);
      await page.goto(`${entity}${path}?version=2`);
      await pressOn(page, "Erase this version");
      await checkLook(page, `${told}-version-erase`);
      await type(page, "/act/reason", "of another person");
      await type(page, "/act/instrument", "Order 11");
      await pressOn(page, { button: "Erase version 2" });
      expect(await page.locator('[role="status"]').first().innerText()).toContain("The version is erased");
      expect(await page.locator("main").innerText()).toContain("For how long backups still hold it is not stated");
      expect(await page.locator("main").innerText()).toContain("Version 2 was wrong and was destroyed");
      await checkLook(page, `${told}-version-erased`);
      expect((await calls.get(rid, "?version=2", token)).status).toBe(410);
      await page.goto(`${entity}${path}?version=2`);
      expect(await page.locator("h1").innerText()).toContain("This version was erased");
      // The browser itself notes that pages were refusals.
      expect(complaints.filter((one) => !/40[39]|410|422/.test(one))).toEqual([]);
      expect(other.complaints).toEqual([]);
      for (const one of [page, other.page]) await one.context().close();
    },
    90_000,
  );
});
