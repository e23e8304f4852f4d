// Checking on a page and the reports that are kept of it, at a node that keeps no registries: who may, what is refused, what is found again, and for how long.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KEPT_REPORT_DAYS_DEFAULT } from "../../src/limits.ts";
import { currentSeconds } from "../../src/node.ts";
import { type BrowserJar, createBrowserJar, hiddenField, type Visit } from "../browser-jar.ts";
import { freePort } from "../free-port.ts";
import { definition } from "../node-fixture.ts";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";

const DAY_SECONDS = 86_400;

let world: SignInWorld;
let base: string;
let away: string;
let ahead = 0;
const browsers = new Map<string, BrowserJar>();

/** The browser of somebody who is signed in. */
async function browserOf(account: string): Promise<BrowserJar> {
  const known = browsers.get(account);
  if (known) return known;
  const browser = createBrowserJar();
  await world.signIn(browser, account);
  browsers.set(account, browser);
  return browser;
}

async function visit(account: string, path: string): Promise<Visit> {
  return (await browserOf(account)).request("GET", `${base}${path}`);
}

async function check(account: string, fields: Record<string, string>, token?: string): Promise<Visit> {
  const browser = await browserOf(account);
  const form_token = token ?? hiddenField((await browser.request("GET", `${base}/console`)).text, "form_token")!;
  return browser.request("POST", `${base}/console/check`, { form: { form_token, ...fields } });
}

const link = (end: string): string => `${away}/registries/wells/records/00000000-0000-8000-8000-0000000000${end}`;
const reportLinks = ({ text }: Visit): string[] => [
  ...new Set([...text.matchAll(/\/console\/reports\/([0-9a-f]{16}-\d{3})"/g)].map(([, id]) => id!)),
];

beforeAll(async () => {
  away = `http://127.0.0.1:${await freePort()}/gone`;
  world = await startSignInWorld({ clock: () => currentSeconds() + ahead, config: { consumer: true } });
  base = world.node.entity;
}, 60_000);

afterAll(() => world?.close());

describe("a node that keeps no registries", () => {
  it("refuses definitions and records by name, and says so in its document", async () => {
    const refused = await world.node.publish(definition("wells"));
    expect([refused.status, refused.body.code], refused.text).toEqual([409, "node_is_consumer"]);
    const token = await world.node.token("operator");
    const path = "/registries/wells?dryRun=true";
    const preview = await world.node.request("PUT", path, { token, json: definition("wells") });
    expect([preview.status, preview.body.code], preview.text).toEqual([409, "node_is_consumer"]);
    const written = await world.node.request("POST", "/registries/wells/records", {
      token: await world.node.token("registrar"),
      json: { data: { code: "1", name: "One" } },
    });
    expect([written.status, written.body.code], written.text).toEqual([409, "node_is_consumer"]);
    // Who may not write learns that first.
    const reader = await world.node.request("POST", "/registries/wells/records", {
      token: await world.node.token("reader"),
      json: { data: { code: "1", name: "One" } },
    });
    expect(reader.body.code).toBe("permission_denied");
    const read = await world.node.request("GET", "/registries/wells", { token });
    expect(read.body.code).toBe("registry_unknown");
    expect((await world.node.request("GET", "/registries")).body).toMatchObject({ registries: [] });
  });

  it("says what it is in place of an empty list", async () => {
    const page = await createBrowserJar().request("GET", base);
    expect(page.text).toContain("Consumer node");
    expect(page.text).not.toMatch(/No registries yet|attestry registry publish/);
    const home = await world.node.request("GET", "", { headers: { accept: "application/json" } });
    expect(home.body).toMatchObject({ consumer: true, registries: [] });
  });
});

describe("who checks, and who reads reports", () => {
  it.each([
    // account, checks, reads reports
    ["bina", true, true], // reader
    ["arun", true, true], // approver
    ["hema", true, true], // registrar of every registry
    ["uma", false, true], // auditor
    ["omar", false, false], // operator
  ])("%s: checks %s, reads reports %s", async (account, checks, reads) => {
    expect((await visit(account, "/console/check")).status).toBe(checks ? 200 : 403);
    expect((await check(account, { references: link("01"), caseNumber: "every role" })).status).toBe(
      checks ? 200 : 403,
    );
    expect((await visit(account, "/console/reports")).status).toBe(reads ? 200 : 403);
    const desk = (await visit(account, "/console")).text;
    expect([desk.includes("/console/check"), desk.includes("/console/reports")]).toEqual([checks, reads]);
  });

  it("is nobody of a role in some registries only: other nodes show members what no token of one registry is for", async () => {
    // Asha is a registrar of the wells, and a reader of all.
    expect((await visit("asha", "/console/check")).status).toBe(403);
    const browser = await browserOf("asha");
    const form_token = hiddenField((await browser.request("GET", `${base}/console`)).text, "form_token")!;
    await browser.visit(`${base}/console/role`, { form: { form_token, role: "reader" } });
    expect((await visit("asha", "/console/check")).status).toBe(200);
  });

  it("is nobody who is not signed in, whatever bearer token comes along", async () => {
    const authorization = `Bearer ${await world.node.token("reader")}`;
    for (const path of ["/console/check", "/console/reports", "/console/reports/0123456789abcdef-001/file"]) {
      const answer = await createBrowserJar().request("GET", `${base}${path}`, { headers: { authorization } });
      expect([path, answer.status]).toEqual([path, 303]);
    }
  });

  it("checks nothing by a form of another site or session, nor by an address", async () => {
    const fields = { references: link("77"), caseNumber: "forged" };
    const browser = await browserOf("bina");
    const form_token = hiddenField((await browser.request("GET", `${base}/console`)).text, "form_token")!;
    const foreign = await browser.request("POST", `${base}/console/check`, {
      form: { form_token, ...fields },
      headers: { "sec-fetch-site": "cross-site" },
    });
    expect(foreign.status).toBe(403);
    expect((await check("bina", fields, "guessed")).status).toBe(403);
    const another = hiddenField((await visit("arun", "/console")).text, "form_token")!;
    expect((await check("bina", fields, another)).status).toBe(403);
    const prefilled = await visit("bina", `/console/check?of=${encodeURIComponent(link("77"))}`);
    expect(prefilled.text).toContain(link("77"));
    expect(reportLinks(await visit("uma", "/console/reports?case=forged"))).toEqual([]);
  });
});

describe("the form", () => {
  it.each([
    ["no link", { references: " ", caseNumber: "1" }, /Paste the link of a record/],
    ["a text that is none", { references: "A-1", caseNumber: "1" }, /“A-1” is not the link of a record/],
    ["a link cut short", { references: link("01").slice(0, -3), caseNumber: "1" }, /copy all of it/],
    ["neither case nor purpose", { references: link("01") }, /Give a case number, or say/],
    ["fields that are no names", { references: link("01"), caseNumber: "1", follow: "owner > 7 x" }, /names of fields/],
    ["a path that is too long", { references: link("01"), caseNumber: "1", follow: "a>a>a>a>a>a>a" }, /at most 6/],
    ["a purpose of a page", { references: link("01"), purpose: "x".repeat(301) }, /At most 300 characters/],
    [
      "too many links",
      { references: Array.from({ length: 21 }, (_, at) => link(String(at + 10))).join("\n"), caseNumber: "1" },
      /at most 20 are checked at once/,
    ],
  ])("says how to mend %s, keeps what was typed and checks nothing", async (_, fields, told) => {
    const before = reportLinks(await visit("bina", "/console/reports")).length;
    const answer = await check("bina", fields as Record<string, string>);
    expect(answer.status).toBe(422);
    expect(answer.text).toMatch(told);
    expect(answer.text).toContain(fields.references.trim().split("\n")[0]!);
    expect(reportLinks(await visit("bina", "/console/reports")).length).toBe(before);
  });

  it("takes the links of certificates, of versions and of the page that verifies, and each record once", async () => {
    const references = [
      `${link("31")}/certificate`,
      `${link("31")}?version=3`,
      `https://elsewhere.example/verify?of=${encodeURIComponent(link("32"))}`,
      link("32"),
    ].join(" ");
    const answer = await check("bina", { references, caseNumber: "links" });
    expect(answer.status, answer.text).toBe(200);
    expect(reportLinks(answer)).toHaveLength(3);
    const [, asked] = reportLinks(answer);
    expect((await visit("bina", `/console/reports/${asked}`)).text).toContain("version 3, as asked");
  });

  it("shows what was typed as text, never as markup", async () => {
    const purpose = `<script>alert("x")</script>`;
    const answer = await check("bina", { references: link("41"), purpose });
    const [id] = reportLinks(answer);
    const page = await visit("bina", `/console/reports/${id}`);
    for (const { text } of [answer, page]) {
      expect(text).not.toContain(purpose);
      expect(text).toContain("&lt;script&gt;");
    }
  });
});

describe("kept reports", () => {
  it("are shown to who had them kept and to auditors, and to others not even as being there", async () => {
    const [id] = reportLinks(await check("bina", { references: link("51"), caseNumber: "W-51" }));
    for (const path of [`/console/reports/${id}`, `/console/reports/${id}/file`]) {
      expect([path, (await visit("bina", path)).status]).toEqual([path, 200]);
      expect([path, (await visit("uma", path)).status]).toEqual([path, 200]);
      expect([path, (await visit("arun", path)).status]).toEqual([path, 404]);
      expect([path, (await visit("omar", path)).status]).toEqual([path, 403]);
      const headers = (await visit("bina", path)).headers;
      expect(headers.get("cache-control")).toContain("no-store");
    }
    expect((await visit("bina", "/console/reports/0123456789abcdef-001")).status).toBe(404);
    expect((await visit("bina", "/console/reports/..%2F..%00")).status).toBe(404);
    expect(reportLinks(await visit("arun", "/console/reports?case=W-51"))).toEqual([]);
    const audited = await visit("uma", "/console/reports?case=W-51");
    expect(reportLinks(audited)).toEqual([id]);
    expect(audited.text).toContain("Bina &lt;Sen&gt;");
  });

  it("are found by case, record, outcome and day, page by page", async () => {
    const references = Array.from({ length: 18 }, (_, at) => link(String(at + 60))).join("\n");
    for (const _ of [1, 2]) expect((await check("arun", { references, caseNumber: "W 60" })).status).toBe(200);
    const first = await visit("arun", "/console/reports?case=W+60");
    const next = /href="([^"]*cursor=[^"]*)"/.exec(first.text)![1]!.replaceAll("&amp;", "&");
    const second = await (await browserOf("arun")).request("GET", new URL(next, base).href);
    expect([reportLinks(first).length, reportLinks(second).length]).toEqual([30, 6]);
    expect(new Set([...reportLinks(first), ...reportLinks(second)]).size).toBe(36);
    const find = async (query: Record<string, string>) =>
      reportLinks(await visit("arun", `/console/reports?${new URLSearchParams({ case: "W 60", ...query })}`)).length;
    expect(await find({ record: link("61") })).toBe(2);
    expect(await find({ record: "something" })).toBe(0);
    expect([await find({ verdict: "valid" }), await find({ verdict: "undecided", record: link("61") })]).toEqual([
      0, 2,
    ]);
    const day = (days: number) =>
      new Date((currentSeconds() + ahead + days * DAY_SECONDS) * 1_000).toISOString().slice(0, 10);
    expect(await find({ from: day(-1), until: day(1), record: link("61") })).toBe(2);
    expect([await find({ from: day(1) }), await find({ until: day(-1) })]).toEqual([0, 0]);
    for (const query of ["from=yesterday", "cursor=1.x"])
      expect([query, (await visit("arun", `/console/reports?${query}`)).status]).toEqual([query, 400]);
  });

  it("are forgotten when they were kept for as long as they are to be, and not before", async () => {
    const { node } = world.node;
    const count = async () =>
      (await world.node.database.database.sql`select count(*)::int as n from kept_report`)[0]!.n;
    const before = await count();
    expect(before).toBeGreaterThan(0);
    ahead = (KEPT_REPORT_DAYS_DEFAULT - 1) * DAY_SECONDS;
    await node.keptReports.purge();
    expect(await count()).toBe(before);
    ahead = KEPT_REPORT_DAYS_DEFAULT * DAY_SECONDS + 600;
    await node.keptReports.purge();
    expect(await count()).toBe(0);
  });
});
