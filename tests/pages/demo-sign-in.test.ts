// The demo's own sign-in provider before a real node: its pages by keyboard alone, on a phone and a desktop, and what it refuses.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEMO_NODES, LOCAL_GOVERNMENT } from "../../src/cli/demo/federation-plan.ts";
import { planSignIn } from "../../src/cli/demo/sign-in-plan.ts";
import { type DemoProvider, startDemoProvider } from "../../src/cli/demo/sign-in-provider.ts";
import { type BrowserJar, createBrowserJar, type Visit } from "../browser-jar.ts";
import { freePort } from "../free-port.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { sendRaw } from "../raw-request.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { collectComplaints } from "./page-checks.ts";
import { checkLook } from "./staff-browser.ts";

const SECRET = "of this test alone: nobody else knows it";

let directory: string;
let provider: DemoProvider;
let node: TestNode;
let base: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "attestry-demo-sign-in-"));
  const secretFile = join(directory, "secret");
  writeFileSync(secretFile, SECRET, { mode: 0o600 });
  const [port, providerPort] = [await freePort(), await freePort()];
  const entity = `http://127.0.0.1:${port}`;
  const clients = DEMO_NODES.map((plan) => ({
    plan,
    entity: plan === LOCAL_GOVERNMENT ? entity : `http://127.0.0.1:1/${plan.name}`,
    secret: SECRET,
  }));
  provider = (await startDemoProvider({ port: providerPort, clients }))!;
  const sign_in = planSignIn("local-government", { issuer: provider.issuer, secretFile });
  node = await startTestNode({ port, config: () => ({ sign_in, organization_name: LOCAL_GOVERNMENT.organization }) });
  base = node.entity;
}, 60_000);

afterAll(async () => {
  await node?.close();
  await provider?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The provider's list of people, as a browser that begins at the node gets it. */
function askWho(browser: BrowserJar): Promise<Visit> {
  return browser.visit(`${base}/sign-in/start?${new URLSearchParams({ issuer: provider.issuer })}`);
}

const codeOf = (page: Visit) => /<code>([a-z_]+)<\/code><\/p>/.exec(page.text)?.[1];

describe("the demo's provider", () => {
  test("asks at every sign-in who one is, and lets one be somebody else", async () => {
    const browser = createBrowserJar();
    for (const [account, told] of [
      ["rosa-lind", "Rosa Lind</strong>, acting as <strong>registrar"],
      ["chen-liu", "Chen Liu</strong>, acting as <strong>auditor"],
    ] as const) {
      const asked = await askWho(browser);
      expect([asked.status, asked.url.startsWith(`${provider.issuer}/interaction/`)]).toEqual([200, true]);
      const desk = await browser.visit(asked.url, { form: { account } });
      expect([desk.status, desk.url], desk.text).toEqual([200, `${base}/console`]);
      expect(desk.text.replaceAll(' dir="auto"', "")).toContain(told);
    }
    expect((await askWho(browser)).text).toContain("You were <strong>Chen Liu</strong> before");
  });

  test("gives nobody a role at a department where they do not work, and believes in no other people than its own", async () => {
    const browser = createBrowserJar();
    const asked = await askWho(browser);
    const unknown = await browser.request("POST", asked.url, { form: { account: "mallory" } });
    expect([unknown.status, unknown.text.includes("Who are you?")]).toEqual([400, true]);
    const refused = await browser.visit(asked.url, { form: { account: "ines-varga" } });
    expect([refused.status, codeOf(refused)]).toEqual([403, "role_not_granted"]);
  });

  test("sends no browser to an address that is no node's, and shows its own page instead", async () => {
    const query = new URLSearchParams({
      client_id: "local-government",
      response_type: "code",
      scope: "openid",
      redirect_uri: "https://evil.example/",
    });
    const page = await createBrowserJar().visit(`${provider.issuer}/auth?${query}`);
    expect([page.status, page.url.startsWith(provider.issuer)]).toEqual([400, true]);
    expect(page.text).toContain("That did not work");
  });

  test("answers to no name of its machine but its own", async () => {
    const { port } = new URL(provider.issuer);
    const answer = await sendRaw(Number(port), ["GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"]);
    expect(answer.status).toBe(421);
  });
});

describe.skipIf(chromiumPath === undefined)("its pages in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  /** Goes on by Tab until the focus is on what has this text, and presses Enter. */
  async function pressOn(page: Page, text: string): Promise<void> {
    for (let turn = 0; turn < 40; turn++) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => document.activeElement?.textContent ?? "");
      if (!focused.includes(text)) continue;
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      return;
    }
    throw new Error(`no Tab leads to "${text}"`);
  }

  test("lead by the keyboard alone from the node's first page to the desk, out again, and fit a phone and a desktop", async () => {
    for (const [width, colorScheme] of [
      [360, "light"],
      [1280, "dark"],
    ] as const) {
      const context = await browser.newContext({ viewport: { width, height: 740 }, colorScheme });
      const page = await context.newPage();
      const complaints = collectComplaints(page);
      await page.goto(base);
      await checkLook(page, `home-${width}`);
      await pressOn(page, "Sign in");
      await pressOn(page, "Sign in with the demo's account");
      await checkLook(page, `who-${width}`);
      await pressOn(page, "Bram Visser");
      expect(await page.locator("header").innerText()).toContain("Signed in as Bram Visser, acting as approver");
      await pressOn(page, "Act as reader");
      expect(await page.locator("header").innerText()).toContain("acting as reader");
      await pressOn(page, "Sign out");
      await pressOn(page, "sign out there, too");
      await checkLook(page, `sign-out-${width}`);
      await pressOn(page, "Yes, sign out");
      expect(page.url()).toMatch(new RegExp(`^${base}/sign-in`));
      expect(complaints).toEqual([]);
      await page.goto(`${provider.issuer}/auth`);
      await checkLook(page, `fault-${width}`);
      await context.close();
    }
  }, 60_000);
});
