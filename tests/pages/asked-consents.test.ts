// Asking a person of another department for consent, following it and reading by it, in a real browser by keyboard alone, on a phone and a desktop.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PERSONS } from "../consent-world.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, signInTo, tabTo } from "./staff-browser.ts";

let anchor: TestNode;
let civil: TestNode;
let world: SignInWorld;
let browser: Browser;
const hrefs = new Map<string, string>();

async function addPerson(national_id: string, name: string): Promise<void> {
  const token = await civil.token("registrar");
  const json = { data: { national_id, name, born: "1990-03-04", address: { city: "Northmarch" } } };
  const answer = await civil.request("POST", "/registries/persons/records", { token, json });
  expect(answer.status, answer.text).toBe(201);
  hrefs.set(national_id, String(answer.body.href));
}

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  anchor = await startTestNode({ path: "/root" });
  const member = { superiors: [anchor.entity], anchors: [anchor.pin(["persons"])] };
  [civil, world] = await Promise.all([
    startTestNode({ ...member, path: "/civil" }),
    startSignInWorld({ ...member, path: "/welfare", config: { consumer: true } }),
  ]);
  await anchor.node.federation.acceptSubordinate({ entity: civil.entity, registryTypes: ["persons"] });
  await anchor.node.federation.acceptSubordinate({ entity: world.node.entity, registryTypes: [] });
  const published = await civil.publish(PERSONS);
  expect(published.status, published.text).toBe(201);
  await addPerson("AB-360", "Meera Rao");
  await addPerson("AB-1280", "Ravi Iyer");
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await world?.close();
  await civil?.close();
  await anchor?.close();
});

describe.skipIf(chromiumPath === undefined)("consents on a page", () => {
  test.each([
    [360, "light"],
    [1280, "dark"],
  ] as const)(
    "are asked for, followed, read by and seen withdrawn by the keyboard alone at %i px, and axe finds nothing",
    async (width, colorScheme) => {
      const { page, complaints } = await openPage(browser, { viewport: { width, height: 740 }, colorScheme });
      const base = world.node.entity;
      const id = `AB-${width}`;
      const text = () => page.locator("main").innerText();
      await signInTo(page, base, { name: "Bina", path: "/console" });
      await pressOn(page, "Ask people for consent");
      expect(await page.locator("h1").innerText()).toBe("Consents you asked for");
      if (width === 360) {
        expect(await text()).toContain("Nothing was asked yet.");
        // The directory is empty still: the address is typed, and what is wrong with one is said.
        await checkLook(page, "asked-empty-360");
        await tabTo(page, { id: "home" });
        await page.keyboard.type("http://127.0.0.1:9/gone");
        await pressOn(page, { button: "Show what may be asked" });
        expect(await text()).toContain("peer_unreachable");
        expect(await page.locator("#home").inputValue()).toBe("http://127.0.0.1:9/gone");
        await checkLook(page, "asked-fault-360");
        await world.node.node.directory.refresh();
        await page.goto(`${base}/console/consents`);
      }
      await tabTo(page, { id: "home" });
      await page.keyboard.press("Home");
      for (let turn = 0; turn < 9 && (await page.locator("#home").inputValue()) !== civil.entity; turn++)
        await page.keyboard.press("ArrowDown");
      await checkLook(page, `asked-list-${width}`);
      await pressOn(page, { button: "Show what may be asked" });
      expect(await text()).toContain("The office reads this to decide on your application.");
      await checkLook(page, `asked-offers-${width}`);
      await pressOn(page, "Ask for this: persons, benefit-decision");
      await tabTo(page, { id: "person" });
      await page.keyboard.type(id);
      await tabTo(page, { id: "days" });
      await page.keyboard.press("Control+A");
      await page.keyboard.type("900");
      await tabTo(page, { id: "caseNumber" });
      await page.keyboard.type(`W-${width}`);
      await pressOn(page, { button: "Ask the person" });
      // What was typed stands there still.
      expect(await page.title()).toMatch(/^To mend/);
      expect(await page.locator("#person").inputValue()).toBe(id);
      expect(await page.locator("#days-fault").innerText()).toContain("from 1 to 400");
      expect(await page.locator("#fields-fault").innerText()).toContain("at least one field");
      await checkLook(page, `asked-mend-${width}`);
      for (const name of ["name", "born"]) {
        await tabTo(page, { id: `field-${name}` });
        await page.keyboard.press("Space");
      }
      await tabTo(page, { id: "days" });
      await page.keyboard.press("Control+A");
      await page.keyboard.type("10");
      await pressOn(page, { button: "Ask the person" });
      expect(await page.locator("h1").innerText()).toBe("Consent: not decided yet");
      expect(await text()).toContain("Your request was sent.");
      expect(await text()).not.toContain(id);
      await checkLook(page, `asked-waiting-${width}`);

      const person = { claims: { national_id: id } };
      const [asked] = await civil.node.consents.list(person);
      expect(asked).toMatchObject({ consumer: base, case: `W-${width}`, requestedFields: ["name", "born"] });
      await civil.node.consents.give(person, asked!.id, { language: "en", fields: ["born"] });
      await pressOn(page, { button: "Ask how it stands now" });
      expect(await page.locator("h1").innerText()).toBe("Consent: given");
      await checkLook(page, `asked-given-${width}`);
      await tabTo(page, { id: "references" });
      await page.keyboard.type(hrefs.get(id)!);
      await pressOn(page, { button: "Read now" });
      expect(await page.locator(".verdict h2").innerText()).toBe("Valid");
      expect(await text()).toContain("1990");
      expect(await text()).not.toContain(width === 360 ? "Meera" : "Ravi");
      await checkLook(page, `asked-read-${width}`);
      await civil.node.consents.decide(person, asked!.id, "withdraw");
      await tabTo(page, { id: "references" });
      await page.keyboard.type(hrefs.get(id)!);
      await pressOn(page, { button: "Read now" });
      expect(await page.locator("h1").innerText()).toBe("Consent: withdrawn");
      expect(await text()).toContain("The person withdrew the consent.");
      expect(await text()).not.toContain("1990");
      await checkLook(page, `asked-withdrawn-${width}`);
      await pressOn(page, "Consents");
      expect(await text()).toContain("Withdrawn");
      await checkLook(page, `asked-followed-${width}`);
      // What was kept of the readings holds nothing of what they said.
      const { sql } = world.node.database.database;
      const kept = JSON.stringify([await sql`select * from kept_report`, await sql`select * from asked_consent`]);
      for (const secret of [id, "1990-03-04", "Meera", "Ravi"]) expect(kept).not.toContain(secret);
      expect(complaints.filter((one) => !one.includes("422"))).toEqual([]);
    },
    90_000,
  );
});
