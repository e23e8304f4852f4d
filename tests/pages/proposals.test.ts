// The inbox in a real browser, by keyboard alone: what others propose is compared, approved, returned, and like cases are approved together.
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition } from "../node-fixture.ts";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { checkLook, openPage, pressOn, signInTo, tabTo } from "./staff-browser.ts";

let world: SignInWorld;
let browser: Browser;
let base: string;
let clerk: string;
let codes = 0;

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  world = await startSignInWorld();
  base = world.node.entity;
  const wells = definition("wells", {
    properties: { depth: { type: "number", title: "Depth in metres" } },
    members: { title: { en: "Wells" }, approval: ["approver"] },
  });
  expect((await world.node.publish(wells)).status).toBe(201);
  clerk = await world.node.token("registrar", { name: "Night import" });
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await world?.close();
});

const open = (options: BrowserContextOptions = {}) => openPage(browser, options);
const heading = (page: Page) => page.locator("h1").innerText();

async function propose(name: string): Promise<string> {
  const answer = await world.node.request("POST", "/registries/wells/records", {
    token: clerk,
    json: { data: { code: `w${++codes}`, name, depth: 12 }, act: { note: "from the survey" } },
  });
  expect(answer.status, answer.text).toBe(202);
  return String((answer.body.proposal as JsonObject).id);
}

const fetchState = async (id: string) =>
  (await world.node.request("GET", `/proposals/${id}`, { token: clerk })).body.state;

describe.skipIf(chromiumPath === undefined)("the inbox", () => {
  test.each([
    [360, "light"],
    [1280, "dark"],
  ] as const)(
    "leads from the desk to what waits; a person approves, and returns with a reason, at %i px",
    async (width, colorScheme) => {
      const [first, second] = [await propose(`North ${width}`), await propose(`South ${width}`)];
      const { page, complaints } = await open({ viewport: { width, height: 740 }, colorScheme });
      await signInTo(page, base, { name: "Arun Jain" });
      await checkLook(page, `desk-approver-${width}`);
      await pressOn(page, "2 proposals wait for your approval");
      await checkLook(page, `inbox-${width}`);
      await pressOn(page, `New record: North ${width}`);
      expect(await heading(page)).toBe(`New record: North ${width}`);
      const main = await page.locator("main").innerText();
      for (const text of ["Depth in metres", "12", "from the survey", "Night import"]) expect(main).toContain(text);
      await checkLook(page, `proposal-${width}`);
      await tabTo(page, { id: "note" });
      await page.keyboard.type("compared with the map");
      await pressOn(page, { button: "Approve" });
      expect(await page.locator("main").innerText()).toContain("Approved.");
      expect(await fetchState(first)).toBe("done");
      await checkLook(page, `approved-${width}`);

      await page.goto(`${base}/console/proposals/${second}`);
      await tabTo(page, { id: "reason" });
      await page.keyboard.type("the depth is missing a decimal");
      await pressOn(page, { button: "Return with this reason" });
      expect(await fetchState(second)).toBe("returned");
      expect(await page.locator("main").innerText()).toContain("the depth is missing a decimal");
      await page.goto(`${base}/console/proposals`);
      expect(await page.locator("main").innerText()).toContain("Nothing waits for you.");
      await checkLook(page, `inbox-empty-${width}`);
      expect(complaints).toEqual([]);
    },
    120_000,
  );

  test("shows who proposed something what became of it, and lets that person change it from a form", async () => {
    const { page, complaints } = await open({ viewport: { width: 360, height: 740 } });
    await signInTo(page, base, { name: "Hema Das", path: "/console/registries/wells/new" });
    await tabTo(page, {
      id: await page
        .getByLabel("code")
        .first()
        .evaluate((input) => input.id),
    });
    await page.keyboard.type(`w${++codes}`);
    await tabTo(page, {
      id: await page
        .getByLabel("name")
        .first()
        .evaluate((input) => input.id),
    });
    await page.keyboard.type("East");
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    expect(await page.locator("main").innerText()).toContain("nothing changes until others approve it");
    const id = page.url().split("?")[0]!.split("/").at(-1)!;
    expect(await page.getByRole("button", { name: "Approve" }).count()).toBe(0);
    const token = await world.node.token("approver", { name: "Chief" });
    const reason = "which village?";
    await world.node.request("POST", `/proposals/${id}/return`, { token, json: { reason } });
    await page.goto(`${base}/console/proposals?for=mine`);
    expect(await page.locator("main").innerText()).toContain("returned");
    await pressOn(page, "New record: East");
    expect(await page.locator("main").innerText()).toContain(reason);
    await checkLook(page, "returned-360");
    // What was proposed stands in the form again.
    await pressOn(page, "Propose it anew");
    expect(await page.getByLabel("name").first().inputValue()).toBe("East");
    await page.goBack();
    await pressOn(page, { button: "Withdraw it" });
    expect(await fetchState(id)).toBe("withdrawn");
    expect(complaints).toEqual([]);
  }, 120_000);

  test("has like cases approved together, once a sample that the node draws was looked at", async () => {
    const ids: string[] = [];
    for (let at = 1; at <= 12; at++) ids.push(await propose(`Like ${at}`));
    const { page, complaints } = await open({ viewport: { width: 1280, height: 740 } });
    await signInTo(page, base, { name: "Arun Jain", path: "/console/proposals?for=me" });
    const tick = async (box: Locator) => {
      await box.focus();
      await page.keyboard.press("Space");
    };
    for (const box of await page.locator('input[name="id"]').all()) await tick(box);
    await pressOn(page, { button: "Approve the chosen ones together…" });
    const looked = page.locator('input[name="looked"]');
    expect(await looked.count()).toBe(4);
    await checkLook(page, "bulk-1280");
    // The browser asks for every one; so does the node, whatever a browser sends.
    await page
      .locator("form")
      .last()
      .evaluate((form) => form.setAttribute("novalidate", ""));
    await tick(looked.first());
    await pressOn(page, { button: "Approve all 12" });
    expect(await page.locator("main").innerText()).toContain("Nothing was approved yet.");
    expect(await fetchState(ids[0]!)).toBe("waiting");
    for (const box of await looked.all()) await tick(box);
    // Meanwhile one of them is withdrawn: it stands between none of the others.
    await world.node.request("POST", `/proposals/${ids[11]!}/withdraw`, { token: clerk });
    await pressOn(page, { button: "Approve all 12" });
    expect(await page.locator("main").innerText()).toContain("do not wait for you any more");
    await pressOn(page, { button: "Approve the chosen ones together…" });
    for (const box of await looked.all()) await tick(box);
    await pressOn(page, { button: "Approve all 11" });
    expect(await heading(page)).toBe("11 approved");
    await checkLook(page, "bulk-done-1280");
    expect(await fetchState(ids[0]!)).toBe("done");
    // A refusal is noted by the browser itself.
    expect(complaints.filter((one) => !one.includes("422"))).toEqual([]);
  }, 120_000);

  test("shows all rows of an import, and all of a definition, to who approves it", async () => {
    const rows = Array.from({ length: 3 }, (_, at) =>
      JSON.stringify({ data: { code: `i${at}`, name: `Row ${at}`, depth: at } }),
    );
    const imported = await world.node.request("POST", "/registries/wells/records:import", {
      token: clerk,
      body: rows.join("\n"),
      headers: { "content-type": "application/x-ndjson" },
    });
    const [first] = imported.text.split("\n");
    const operator = await world.node.token("operator", { name: "Publisher" });
    const changed = await world.node.request("PUT", "/registries/wells", {
      token: operator,
      json: definition("wells", {
        properties: { depth: { type: "number", title: "Depth in metres" }, lined: { type: "boolean" } },
        members: { title: { en: "Wells" }, approval: ["approver"] },
      }),
    });
    const { page, complaints } = await open({ viewport: { width: 360, height: 740 } });
    const path = `/console/proposals/${String((JSON.parse(first!) as JsonObject).proposal)
      .split("/")
      .at(-1)!}`;
    await signInTo(page, base, { name: "Arun Jain", path });
    const main = await page.locator("main").innerText();
    for (const text of ["3 rows", "Row 0", "Row 2", "Depth in metres"]) expect(main).toContain(text);
    await checkLook(page, "import-360");
    await page.goto(`${base}/console/proposals/${String((changed.body.proposal as JsonObject).id)}`);
    expect(await page.locator("main").innerText()).toContain("/schema/properties/lined");
    await page.locator("summary").click();
    expect(await page.locator("pre").innerText()).toContain('"lined"');
    await checkLook(page, "define-360");
    expect(complaints).toEqual([]);
  }, 60_000);

  test("tells both of two who decide at once what came of it", async () => {
    const id = await propose("Raced");
    const { page } = await open();
    await signInTo(page, base, { name: "Arun Jain", path: `/console/proposals/${id}` });
    const token = await world.node.token("approver", { name: "Chief" });
    await world.node.request("POST", `/proposals/${id}/return`, { token, json: { reason: "not this year" } });
    await tabTo(page, { id: "note" });
    await pressOn(page, { button: "Approve" });
    const main = await page.locator("main").innerText();
    expect(main).toContain("That was not done.");
    expect(main).toContain("was returned meanwhile");
    expect(main).toContain("not this year");
  }, 60_000);
});
