// Signing in, acting in a role and signing out in a real browser, by keyboard alone, on a phone and a desktop.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, signInTo } from "./staff-browser.ts";

let world: SignInWorld;
let browser: Browser;
let base: string;

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  world = await startSignInWorld({
    config: { notifications: [{ url: "https://messages.example.gov/attestry", events: ["reading"] }] },
  });
  base = world.node.entity;
  await world.node.token("operator");
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const open = (options: BrowserContextOptions = {}) => openPage(browser, options);
const signIn = (page: Page, name: string, path = "/console") => signInTo(page, base, { name, path });

describe.skipIf(chromiumPath === undefined)("staff pages", () => {
  test("are reached by the keyboard alone: signing in, changing the role, signing out at the node and at the provider", async () => {
    const { page, complaints } = await open();
    await signIn(page, "Asha Rao");
    expect(await page.locator("header").innerText()).toMatch(/Signed in as Asha Rao, acting as registrar/);
    await pressOn(page, "Act as reader");
    expect(await page.locator("header").innerText()).toContain("acting as reader");
    await pressOn(page, "Sign out");
    expect(await page.locator("h1").innerText()).toBe("You are signed out here");
    await pressOn(page, "sign out there, too");
    expect(page.url()).toContain(world.provider.issuer);
    await pressOn(page, "Yes");
    expect(page.url()).toMatch(new RegExp(`^${base}/sign-in`));
    // Back in the history there is nothing to see: the page was kept by nobody.
    await page.goto(`${base}/console`);
    expect(page.url()).toContain("/sign-in?return_to=");
    expect(complaints).toEqual([]);
  }, 60_000);

  test("let an operator revoke a token and end a session, and nobody else see either", async () => {
    const [operator, reader] = [await open(), await open()];
    await signIn(reader.page, "Bina", "/console/sessions");
    expect(await reader.page.locator("h1").innerText()).toBe("Where you are signed in");
    expect(await reader.page.locator("table").count()).toBe(1);
    await signIn(operator.page, "Omar Khan", "/console/sessions");
    const { page } = operator;
    expect(await page.locator("h1").innerText()).toBe("Sessions and tokens");
    await pressOn(page, "Revoke the token of Test operator");
    expect(await page.locator(".badge.over").allInnerTexts()).toEqual(["revoked"]);
    await page.getByRole("button", { name: "End the session of Bina <Sen>" }).click();
    await reader.page.goto(`${base}/console/sessions`);
    expect(reader.page.url()).toContain("/sign-in?return_to=");
    expect([...operator.complaints, ...reader.complaints]).toEqual([]);
  }, 60_000);

  test("tell an operator, and nobody else, whether notifications of people arrive", async () => {
    await world.node.database.database.sql`
      insert into notification_gateway values
        ('https://messages.example.gov/attestry', 1408, 3, 1790000000, 1790000060, 'peer_timeout')`;
    const [operator, reader] = [await open(), await open()];
    await signIn(reader.page, "Bina");
    expect(await reader.page.getByText("Notifications of people").count()).toBe(0);
    expect((await reader.page.goto(`${base}/console/notifications`))!.status()).toBe(403);
    await signIn(operator.page, "Omar Khan");
    await pressOn(operator.page, "Notifications of people");
    const cells = await operator.page.locator("tbody").locator("th, td").allInnerTexts();
    expect(cells.slice(0, 4)).toEqual(["https://messages.example.gov/attestry", "0", "1408", "3"]);
    // date -u -d @1790000000
    expect(cells[4]).toContain("2026");
    expect(cells[5]).toContain("peer_timeout");
    expect(operator.complaints).toEqual([]);
  }, 60_000);

  test("fit a phone and a desktop, light and dark, and axe finds nothing against them", async () => {
    for (const [width, colorScheme] of [
      [360, "light"],
      [1280, "dark"],
    ] as const) {
      const { page, complaints } = await open({ viewport: { width, height: 740 }, colorScheme });
      await page.goto(`${base}/sign-in`);
      await checkLook(page, `sign-in-${width}`);
      await signIn(page, "Asha Rao");
      await checkLook(page, `desk-${width}`);
      await pressOn(page, "Sign out");
      await checkLook(page, `signed-out-${width}`);
      await page.context().clearCookies();
      await signIn(page, "Omar Khan", "/console/sessions");
      await checkLook(page, `sessions-${width}`);
      await page.goto(`${base}/console/notifications`);
      await checkLook(page, `notifications-${width}`);
      await page.context().clearCookies();
      await page.goto(`${base}/console`);
      await pressOn(page, "Sign in with Department account");
      await pressOn(page, "Nobody Here");
      expect(await page.locator("h1").innerText()).toBe("You have no role at this node");
      await checkLook(page, `no-role-${width}`);
      // The browser itself notes that the last page was a refusal.
      expect(complaints.filter((one) => !one.includes("403"))).toEqual([]);
    }
  }, 90_000);
});
