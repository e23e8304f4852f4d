// The page `/federation` of a real node, in a real browser: a federation of real nodes, one of each state, and a crowd of ten thousand.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PAGE_DIRECTORY_BELOW, PAGE_DIRECTORY_MEMBERS } from "../../src/limits.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { chromiumPath, launchChromium } from "./chromium.ts";
import { collectComplaints, findFaintTexts, findUnnamed } from "./page-checks.ts";

const TYPES = ["districts", "parcels"];
const pictures = process.env.ATTESTRY_PICTURES;

let anchor: TestNode;
let state: TestNode;
let [land, water, gone]: TestNode[] = [];
let office: TestNode;
let crowd: TestNode;
let empty: TestNode;

async function startMember(superior: TestNode, types: readonly string[]): Promise<TestNode> {
  const member = await startTestNode({ superiors: [superior.entity], anchors: [anchor.pin(TYPES)] });
  for (const type of types) expect((await member.publish(definition(type))).status).toBeLessThan(300);
  await superior.node.federation.acceptSubordinate({ entity: member.entity, registryTypes: types });
  return member;
}

/** A directory of so many departments below so many superiors, as a refresh would have left it. */
async function fill(node: TestNode, { superiors, departments }: { superiors: number; departments: number }) {
  const { sql } = node.database.database;
  const now = Math.floor(Date.now() / 1_000);
  const insert = (count: number, name: string, superior: string, types: string[], isSuperior: boolean) => sql`
    insert into directory_entry (entity, path, superior, organization_name, registry_types, is_superior, state, state_since, valid_until,
      checked_at, next_try_at, failures, configuration_until)
    select 'https://' || ${name} || n || '.example', case when ${superior} = '' then '{}'::text[]
        else array['https://anchor1.example', ${superior} || (n % ${superiors} + 1) || '.example'] end,
      case when ${superior} = '' then null when ${isSuperior} then 'https://anchor1.example'
        else ${superior} || (n % ${superiors} + 1) || '.example' end,
      'Office ' || n, ${types}, ${isSuperior}, 'valid', ${now}, ${now + 3_000}, ${now}, 0, 0, 0
    from generate_series(1, ${count}) as n`;
  await insert(1, "anchor", "", [], true);
  await insert(superiors, "s", "https://s", [], true);
  await insert(departments, "d", "https://s", ["districts"], false);
}

beforeAll(async () => {
  anchor = await startTestNode();
  state = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(TYPES)] });
  await anchor.node.federation.acceptSubordinate({ entity: state.entity, registryTypes: TYPES });
  [land, water, gone] = [
    await startMember(state, ["districts", "parcels"]),
    await startMember(state, ["districts"]),
    await startMember(anchor, ["parcels"]),
  ];
  office = await startTestNode({ path: "/office", anchors: [anchor.pin(TYPES)] });
  await office.node.directory.refresh();
  await state.node.federation.suspendSubordinate({ entity: water!.entity, reason: "An audit" });
  await anchor.node.federation.removeSubordinate(gone!.entity);
  await office.node.directory.refresh();
  empty = await startTestNode();
  // A node with superiors keeps no directory by itself, so what it is filled with stays.
  crowd = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(TYPES)] });
  await fill(crowd, { superiors: 86, departments: 10_000 });
});

afterAll(async () => {
  for (const node of [office, crowd, empty, land, water, gone, state, anchor]) await node?.close();
});

describe("GET /federation/directory", () => {
  test("tells every member with its path, its types and its state", async () => {
    const { status, body } = await office.request("GET", "/federation/directory");
    expect(status).toBe(200);
    const members = body.members as unknown as { entity: string; state: string; registry_types: string[] }[];
    const told = new Map(members.map(({ entity, state, registry_types }) => [entity, [state, registry_types]]));
    expect(told).toEqual(
      new Map([
        [anchor.entity, ["valid", []]],
        [state.entity, ["valid", []]],
        [land!.entity, ["valid", ["districts", "parcels"]]],
        [water!.entity, ["suspended", []]],
        [gone!.entity, ["removed", []]],
      ]),
    );
  });

  test("is narrowed by type and state, and goes on page by page through ten thousand", async () => {
    const names: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await crowd.request("GET", `/federation/directory?type=districts&limit=500${cursor}`);
      names.push(...(body.members as unknown as { entity: string }[]).map(({ entity }) => entity));
      if (body.next === undefined) break;
      cursor = `&cursor=${encodeURIComponent(body.next as string)}`;
    }
    expect(new Set(names).size).toBe(10_000);
    expect(names).toHaveLength(10_000);
    const { body } = await office.request("GET", "/federation/directory?state=suspended");
    expect((body.members as unknown as { entity: string }[]).map(({ entity }) => entity)).toEqual([water!.entity]);
  });

  test.each(["?state=nothing", "?limit=0", "?limit=501", "?cursor=%00", "?other=1", "?type="])(
    "refuses %s",
    async (query) => {
      expect((await office.request("GET", `/federation/directory${query}`)).status).toBe(400);
    },
  );
});

describe("GET /federation", () => {
  test("takes what the address brings as text, whatever it is", async () => {
    for (const query of [
      "?type=%00%3Cscript%3E",
      "?below=%00",
      "?cursor=%27",
      "?state=x",
      "?below=https://x.example",
    ]) {
      const { status, text } = await office.request("GET", `/federation${query}`);
      expect(status).toBe(200);
      expect(text).not.toContain("<script");
    }
  });

  test("answers for ten thousand members with a page of bounded size", async () => {
    const { text } = await crowd.request("GET", "/federation");
    expect(text.split('class="member"').length - 1).toBeLessThanOrEqual(
      1 + PAGE_DIRECTORY_MEMBERS + PAGE_DIRECTORY_BELOW,
    );
    expect(text.length).toBeLessThan(500_000);
  });
});

describe.skipIf(chromiumPath === undefined)("the page of the federation in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  async function withPage(url: string, options: BrowserContextOptions, use: (page: Page) => Promise<void>) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints = collectComplaints(page);
    await page.goto(url);
    page.setDefaultTimeout(10_000);
    await use(page);
    expect(complaints).toEqual([]);
    await context.close();
  }

  test("draws who stands below whom, and says of each how it is", async () => {
    await withPage(`${office.entity}/federation`, {}, async (page) => {
      const nameOf = (node: TestNode): string => `Department at ${new URL(node.entity).port}`;
      const top = page.locator("main ul.tree").first().locator("> li");
      expect(await top.count()).toBe(1);
      expect(await top.locator("> .member strong").textContent()).toBe(nameOf(anchor));
      const below = top.locator("> details > ul.tree > li > .member strong");
      expect((await below.allTextContents()).sort()).toEqual([nameOf(state), nameOf(gone!)].sort());
      const deepest = top.locator("ul.tree ul.tree > li > .member");
      const texts = await deepest.allTextContents();
      expect(texts.find((text) => text.includes(nameOf(land!)))).toMatch(
        /Valid.*May sign districts, parcels.*Valid until/s,
      );
      expect(texts.find((text) => text.includes(nameOf(water!)))).toMatch(
        /Suspended.*Its superior has suspended it since/s,
      );
      expect(await page.getByText("Nobody vouches for it since").count()).toBe(1);
    });
  });

  test("is used with the keyboard: a branch is folded, a filter is sent, the way back is a link", async () => {
    await withPage(`${office.entity}/federation`, {}, async (page) => {
      await page.locator("main ul.tree summary").first().focus();
      await page.keyboard.press("Enter");
      expect(await page.locator("main ul.tree ul.tree").first().isVisible()).toBe(false);
      await page.getByText("Find by registry type or state").focus();
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.type("parcels");
      await page.keyboard.press("Enter");
      await page.waitForURL(/type=parcels/);
      expect(await page.locator(".member").count()).toBe(1);
      await page.getByRole("link", { name: "The federation", exact: true }).click();
      expect(new URL(page.url()).pathname).toBe("/office/federation");
    });
  });

  test("leads from ten thousand to one branch, page by page", async () => {
    await withPage(`${crowd.entity}/federation`, {}, async (page) => {
      await page.getByRole("link", { name: "Show the 116 below it (Office 1)", exact: true }).click();
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Below Office 1");
      expect(await page.locator(".member").count()).toBe(PAGE_DIRECTORY_MEMBERS);
      await page.getByRole("link", { name: "Next page" }).click();
      expect(await page.locator(".member").count()).toBe(116 - PAGE_DIRECTORY_MEMBERS);
    });
  });

  test("says what to do where nobody is known", async () => {
    await withPage(`${empty.entity}/federation`, {}, async (page) => {
      expect(await page.getByText("An empty directory.").count()).toBe(1);
      expect(await page.getByText("attestry federation tree --refresh").count()).toBe(1);
    });
  });

  test("fits a phone and a desk, light and dark, with every control named", async () => {
    for (const colorScheme of ["light", "dark"] as const)
      for (const width of [360, 1_280])
        for (const [name, url] of [
          ["tree", `${office.entity}/federation`],
          ["list", `${office.entity}/federation?state=suspended`],
          ["crowd", `${crowd.entity}/federation`],
          ["empty", `${empty.entity}/federation`],
        ] as const)
          await withPage(url, { viewport: { width, height: 800 }, colorScheme }, async (page) => {
            expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
            expect(await page.evaluate(findFaintTexts)).toEqual([]);
            expect(await page.evaluate(findUnnamed)).toEqual([]);
            if (pictures)
              await page.screenshot({
                fullPage: name === "tree",
                path: `${pictures}/${name}-${width}-${colorScheme}.png`,
              });
          });
  }, 120_000);
});
