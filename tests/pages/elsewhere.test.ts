// A citizen's own browser asks two departments from the page of one of them: in a real browser, by the keyboard alone, on a desktop and a phone, in two languages; and what each server was told of it.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdirSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowserJar } from "../browser-jar.ts";
import { freePort } from "../free-port.ts";
import { MEERA, RAVI } from "../me-world.ts";
import { ensureElsewhereBundled } from "../page-bundle.ts";
import { type PortalWorld, startPortalWorld } from "../portal-world.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, tabTo } from "./staff-browser.ts";

const PHONE = { viewport: { width: 360, height: 740 } };
const DESKTOP = { viewport: { width: 1280, height: 900 } };

/** What a server of this process was asked by a browser. */
interface Asked {
  readonly port: number;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

let world: PortalWorld;
let asked: Asked[] = [];

const note = (message: unknown): void => {
  const { request } = message as { request: IncomingMessage };
  const { method = "", url = "", headers, socket } = request;
  if (/Chrome/.test(headers["user-agent"] ?? "")) asked.push({ port: socket.localPort!, method, url, headers });
};

beforeAll(async () => {
  if (process.env.ATTESTRY_PICTURES) mkdirSync(process.env.ATTESTRY_PICTURES, { recursive: true });
  await ensureElsewhereBundled();
  world = await startPortalWorld();
  subscribe("http.server.request.start", note);
}, 120_000);

afterAll(async () => {
  unsubscribe("http.server.request.start", note);
  await world?.close();
});

const portOf = (url: string) => Number(new URL(url).port);
const askedOf = (url: string) => asked.filter(({ port }) => port === portOf(url));

describe("the page without its program", () => {
  test("is the same for whoever asks, sets nothing, and leads to each department's own page", async () => {
    const page = await createBrowserJar().request("GET", world.page);
    expect([page.status, page.headers.getSetCookie(), page.headers.get("cache-control")]).toEqual([
      200,
      [],
      "private, no-store",
    ]);
    expect(page.text).toMatch(/<noscript>.*JavaScript must be switched on/s);
    expect(page.text).toContain(`href="${world.portal}/me"`);
    const policy = page.headers.get("content-security-policy")!.split("; ");
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "connect-src 'self' https: http://127.0.0.1:* http://localhost:*",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ]),
    );
  });

  test("says where it is not offered, and has no program there", async () => {
    const page = await createBrowserJar().request("GET", `${world.civil.entity}/me/elsewhere`);
    expect(page.text).toContain("From this department you cannot look into others.");
    expect(page.text).toContain(`href="${world.civil.entity}/me"`);
    expect(page.text).not.toContain("<script");
  });
});

describe.skipIf(chromiumPath === undefined)("a citizen's browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  const says = async (page: Page, text: string) =>
    expect((await page.innerText("main")).replaceAll(/[\u2068\u2069]/g, "")).toContain(text);
  const cardOf = async (page: Page, name: string) =>
    (
      await page.locator("section.record", { has: page.locator("h3", { hasText: name }) }).innerText({ timeout: 3_000 })
    ).replaceAll(/[\u2068\u2069]/g, "");
  const isAsked = (page: Page, text: string) =>
    page.waitForFunction((wanted) => document.getElementById("progress")?.textContent === wanted, text);
  const keptBy = (page: Page) =>
    page.evaluate(() => [Object.entries({ ...localStorage }), Object.entries({ ...sessionStorage })]);

  test("asks two departments, each by a token of its own and without cookies, and neither hears of the other", async () => {
    await world.ask(MEERA, { case: "HA-7" });
    const clerk = await world.civil.token("reader");
    await world.civil.request("GET", `/registries/persons/records/${world.meera.persons}`, { token: clerk });
    const { page, complaints } = await openPage(browser, DESKTOP);
    // Somebody who is signed in at both, so that there are cookies that could go along.
    for (const base of [world.civil.entity, world.portal]) {
      await page.goto(`${base}/me`);
      await pressOn(page, "Sign in with My Identity");
      if (base === world.civil.entity) await pressOn(page, "Meera Rao");
      await page.waitForURL(`${base}/me`);
    }
    await pressOn(page, "Other departments");
    await page.waitForSelector("#elsewhere:not([hidden])");
    await checkLook(page, "choose-1280");
    await tabTo(page, { id: "department-0" });
    await page.keyboard.press("Space");
    await tabTo(page, { id: "other" });
    await page.keyboard.type("land example");
    await page.keyboard.press("Enter");
    await says(page, "That is no address of a department.");
    await page.keyboard.press("Control+A");
    await page.keyboard.type(`${world.civil.entity}/`);
    await page.keyboard.press("Enter");
    const choice = JSON.stringify([world.portal, world.civil.entity]);
    expect(await keptBy(page)).toEqual([[["attestry-elsewhere", choice]], []]);
    asked = [];
    await pressOn(page, "Sign in with \u2068My Identity\u2069 and look");
    await isAsked(page, "2 departments were asked.");
    const civil = await cardOf(page, "Civil Registry Office");
    for (const told of [
      "Meera Rao",
      "National number\n7310-4482-0916",
      "Date of birth\nMarch 7, 1988",
      "DL-2044",
      "Stands on the front of the card.",
      "Department of Social Welfare asks",
      "Deciding on a benefit",
      "a member of staff of this department looked at your",
    ])
      expect([told, civil.includes(told)], civil).toEqual([told, true]);
    // Of two pensions that match nobody can tell which is hers.
    for (const hidden of [RAVI, "P-1", "P-2"]) expect([hidden, civil.includes(hidden)]).toEqual([hidden, false]);
    expect(await cardOf(page, "Department of Social Welfare")).toContain("Benefit number\nB-77");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("What they hold about you");
    await checkLook(page, "answers-1280");
    await tabTo(page, { text: "Look and decide there" });
    const href = await page.evaluate(() => (document.activeElement as HTMLAnchorElement).href);
    expect(href.startsWith(`${world.civil.entity}/me/consents/`)).toBe(true);

    // What the servers were told.
    const [atPortal, atCivil] = [askedOf(world.portal), askedOf(world.civil.entity)];
    const pathsOf = (some: Asked[]) => some.map(({ method, url }) => `${method} ${url.split("?")[0]}`);
    expect(pathsOf(atCivil).toSorted()).toEqual([
      "GET /me/api/consents",
      "GET /me/api/records",
      "GET /me/api/usage",
      "GET /registries/licences/schema/1",
      "GET /registries/persons/schema/1",
      "OPTIONS /me/api/consents",
      "OPTIONS /me/api/records",
      "OPTIONS /me/api/usage",
    ]);
    const told = JSON.stringify(atPortal.map(({ url, headers }) => [url, headers]));
    expect([told.includes(String(portOf(world.civil.entity))), told.includes("code=")]).toEqual([false, false]);
    expect(atPortal.filter(({ method }) => method !== "GET")).toEqual([]);
    const named = JSON.stringify(atCivil);
    expect(named.split(world.portal).length).toBeGreaterThan(1);
    for (const { url, headers } of [...atCivil, ...atPortal.filter((one) => one.url.startsWith("/me/api/"))])
      expect([url, headers.cookie, headers.referer]).toEqual([url, undefined, undefined]);
    const claimsOf = (some: Asked[]) =>
      some
        .flatMap(({ headers }) => headers.authorization ?? [])
        .map((one) => JSON.parse(Buffer.from(one.split(".")[1]!, "base64url").toString()) as Record<string, unknown>);
    const [own] = claimsOf(atPortal);
    const [theirs] = claimsOf(atCivil);
    expect([own!.aud, theirs!.aud, theirs!.scope]).toEqual([world.portal, world.civil.entity, "attestry.me"]);
    expect(own!.sub).not.toBe(theirs!.sub);
    // What was given by the provider is nowhere but in memory, and the answers are gone with the page.
    expect([await keptBy(page), new URL(page.url()).hash]).toEqual([[[["attestry-elsewhere", choice]], []], ""]);
    await page.reload();
    await page.waitForSelector("#elsewhere:not([hidden])");
    expect(await page.innerText("main")).not.toContain("7310");
    expect(await page.isChecked("#department-1")).toBe(true);
    await tabTo(page, { button: "Forget my choice" });
    await page.keyboard.press("Enter");
    await says(page, "Your choice is forgotten in this browser.");
    expect(await keptBy(page)).toEqual([[], []]);
    expect(complaints).toEqual([]);
    await page.context().close();
  }, 120_000);

  test("on a phone, in Hindi: says of each department by itself why it shows nothing", async () => {
    const { page, complaints } = await openPage(browser, { ...PHONE, locale: "hi-IN" });
    const away = `http://127.0.0.1:${await freePort()}`;
    const liar = createServer((request, response) => {
      const origin = request.headers.origin ?? "";
      response.writeHead(200, {
        "access-control-allow-origin": origin,
        "access-control-allow-headers": "authorization",
        "content-type": "application/json",
      });
      response.end('{"organization":{"html":"<b>x</b>"},"contacts":[],"definitions":{},"records":"all"}');
    });
    await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
    const strange = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    await page.goto(world.page);
    for (const department of [world.civil.entity, world.tax.entity, away, strange]) {
      await page.fill("#other", department);
      await tabTo(page, { id: "add" });
      await page.keyboard.press("Enter");
    }
    await tabTo(page, { id: "department-0" });
    await page.keyboard.press("Space");
    await checkLook(page, "choose-360-hi");
    await pressOn(page, "साइन इन करके देखें");
    await pressOn(page, "Ravi Iyer");
    await isAsked(page, "5 विभागों से पूछा गया।");
    expect(await cardOf(page, "Civil Registry Office")).toContain("Ravi Iyer");
    const welfare = await cardOf(page, "Department of Social Welfare");
    expect(welfare).toContain("उसके पास ऐसा कोई अभिलेख नहीं");
    expect(welfare).toContain("help@welfare.example");
    for (const silent of [world.tax.entity, away])
      expect(await cardOf(page, silent.replace("http://", ""))).toContain("वह उत्तर नहीं देता");
    expect(await cardOf(page, strange.replace("http://", ""))).toContain("जिसे यह पृष्ठ पढ़ नहीं सकता");
    liar.closeAllConnections();
    liar.close();
    await checkLook(page, "answers-360-hi");
    // The browser's own words about those two.
    expect(complaints.filter((one) => !/CORS|ERR_FAILED|ERR_CONNECTION|127\.0\.0\.1/.test(one))).toEqual([]);
    await page.context().close();
  }, 120_000);

  test("takes no answer of a sign-in that it did not begin, shows none that was refused, and no markup of a department", async () => {
    const { page } = await openPage(browser, DESKTOP);
    await page.goto(`${world.page}?code=seen&state=x`);
    await page.waitForSelector("#elsewhere:not([hidden])");
    await says(page, "The sign-in did not work. Start again.");
    expect(page.url()).toBe(world.page);
    await page.goto("about:blank");
    await page.goto(`${world.page}#code=stolen&state=of-somebody-else`);
    await page.waitForSelector("#elsewhere:not([hidden])");
    await says(page, "The sign-in took too long, or began in another window. Start again.");
    expect(new URL(page.url()).hash).toBe("");
    // One that this browser began, answered by what somebody else began.
    await page.evaluate((department) => {
      const attempt = { issuer: "x", state: "own", verifier: "x", departments: [department], beganAt: Date.now() };
      sessionStorage.setItem("attestry-elsewhere-sign-in", JSON.stringify(attempt));
    }, world.portal);
    await page.goto("about:blank");
    await page.goto(`${world.page}#code=stolen&state=of-somebody-else`);
    await page.waitForSelector("#elsewhere:not([hidden])");
    await says(page, "The sign-in took too long, or began in another window. Start again.");
    expect(await keptBy(page)).toEqual([[], []]);
    const { body } = await world.welfare.request("POST", "/registries/benefits/records", {
      token: await world.welfare.token("registrar"),
      json: { data: { number: '<img src=x onerror="document.title=1">', holder: RAVI } },
    });
    expect(body.rid).toBeTruthy();
    await page.check("#department-0");
    await pressOn(page, "and look");
    await pressOn(page, "Ravi Iyer");
    await isAsked(page, "One department was asked.");
    await says(page, '<img src=x onerror="document.title=1">');
    expect(await page.locator("main img").count()).toBe(0);
    // Nobody is known by a sign-in that says not who it is.
    const stranger = await openPage(browser, DESKTOP);
    await stranger.page.goto(world.page);
    await stranger.page.check("#department-0");
    await pressOn(stranger.page, "and look");
    await pressOn(stranger.page, "Sam Doe");
    await isAsked(stranger.page, "One department was asked.");
    await says(stranger.page, "Your sign-in does not say clearly enough for it who you are.");
    await Promise.all([page, stranger.page].map((one) => one.context().close()));
  }, 120_000);
});
