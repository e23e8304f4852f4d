// Whatever shows staff something personal has noted it before in the access log of the person: every operation of the document and every page of the console, and where no value is shown, what finding it tells.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { Citizen } from "../../src/identity/caller.ts";
import { type BrowserJar, createBrowserJar, hiddenField } from "../browser-jar.ts";
import { definition, type TestNode } from "../node-fixture.ts";
import { createDocumentCheck } from "../openapi-check.ts";
import { MATRIX, type Subject } from "../permission-cases.ts";
import { type SignInWorld, startSignInWorld } from "../sign-in-world.ts";

// Nowhere else in the world: who sees one was shown that field of this person.
const MARKERS = {
  national_id: "ID-51d0aa",
  name: "Meera Marker-93c1be",
  phone: "555-77e1f0",
  photo: "%PDF-1.7 marker-0a41cc",
} as const;
const PERSON = { claims: { national_id: MARKERS.national_id } };
const MEERA = { national_id: MARKERS.national_id, name: MARKERS.name, phone: MARKERS.phone };

interface Shown {
  readonly status: number;
  readonly text: string;
}

interface ReadingCase {
  /** Of the event that must be there, written by hand. */
  readonly action: string;
  /** Fields that are told without their values. */
  readonly tells?: readonly string[];
  readonly ask: () => Promise<Shown>;
}

let world: SignInWorld;
let node: TestNode;
let browser: BrowserJar;
let approver: BrowserJar;
let registrar: string;
let decider: string;
let proposer: string;
/** Of `people`, and of the child that refers to her. */
let meera: Subject;
let child: string;
const proposals: Record<string, string> = {};

async function post(path: string, json: JsonObject, token = registrar, headers: Record<string, string> = {}) {
  const answer = await node.request("POST", path, { token, json, headers });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body;
}

const properties: JsonObject = {
  national_id: { type: "string", "x-search": "exact" },
  name: { type: "string", "x-search": "exact" },
  phone: { type: "string" },
  photo: { type: "object", "x-attachment": true },
  mother: { type: "string", "x-reference": { type: "people", onWrite: "accept" } },
};
const subject = { field: "national_id", claim: "national_id" };

function registry(name: string, members: JsonObject = {}, changed: JsonObject = {}): JsonObject {
  const made = definition(name, { access: "consent", members: { subject, ...members } });
  return {
    ...made,
    schema: { type: "object", additionalProperties: false, properties: { ...properties, ...changed } },
  };
}

beforeAll(async () => {
  world = await startSignInWorld();
  ({ node } = world);
  [registrar, decider, proposer] = [
    await node.token("registrar"),
    await node.token("approver", { name: "Decider" }),
    await node.token("registrar", { name: "Proposer" }),
  ];
  const definitions = [
    registry(
      "people",
      { duplicates: [{ name: "same-name", fields: ["name"] }] },
      { national_id: { type: "string", "x-unique": true, "x-search": "exact" } },
    ),
    registry("notes"),
    registry("old"),
    registry("cases", { approval: ["approver"] }),
    definition("open", { members: { statistics: [{ name: "by-district", fields: ["code"] }] } }),
  ];
  for (const one of definitions) expect((await node.publish(one)).status).toBe(201);
  const uploaded = await node.request("POST", "/registries/people/attachments", {
    token: registrar,
    body: `${MARKERS.photo}\n%%EOF\n`,
    headers: { "content-type": "application/pdf" },
  });
  const people = await post("/registries/people/records", { data: { ...MEERA, photo: uploaded.body } });
  meera = {
    registry: "people",
    rid: String(people.rid),
    href: String(people.href),
    code: "none",
    name: MARKERS.name,
    file: String(uploaded.body.digest),
    district: "none",
    proposal: "none",
    withdrawn: "none",
  };
  child = String(
    (await post("/registries/people/records", { data: { national_id: "K-1", name: "Kid", mother: meera.href } })).rid,
  );
  await post("/registries/old/records", { data: MEERA });
  const changed = registry("old", {}, { mobile: { type: "string" } });
  const { phone: _, ...left } = (changed.schema as JsonObject).properties as JsonObject;
  const old = { ...changed, schema: { ...(changed.schema as JsonObject), properties: left } };
  const operator = await node.token("operator");
  const put = await node.request("PUT", "/registries/old?allow-breaking=true", { token: operator, json: old });
  expect(put.status, put.text).toBeLessThan(300);
  for (const name of ["seen", "approved", "returned", "withdrawn", "together", "together-too", "on-page"])
    proposals[name] = await propose();
  browser = await signIn("hema");
  approver = await signIn("arun");
}, 60_000);

afterAll(async () => world?.close());

async function signIn(account: string): Promise<BrowserJar> {
  const jar = createBrowserJar();
  await world.signIn(jar, account);
  return jar;
}

async function propose(): Promise<string> {
  const answer = await post("/registries/cases/records", { data: MEERA }, proposer);
  return String((answer.proposal as JsonObject).id);
}

async function createNote(): Promise<string> {
  return String((await post("/registries/notes/records", { data: MEERA })).rid);
}

const countEvents = async () => (await node.node.usage.list(PERSON, { limit: 200 })).entries.length;
const newest = async (count: number) =>
  count === 0 ? [] : (await node.node.usage.list(PERSON, { limit: count })).entries;

/** What a call showed of her that no event of it names. */
async function findUnnoted(ask: () => Promise<Shown>, tells: readonly string[] = []) {
  const before = await countEvents();
  const answer = await ask();
  const events = (await newest((await countEvents()) - before)).filter(({ operation }) => operation === "read");
  const named = new Set(events.flatMap(({ fields }) => fields));
  const shown = Object.entries(MARKERS).flatMap(([field, marker]) => (answer.text.includes(marker) ? [field] : []));
  return {
    answer,
    events,
    shown,
    unnoted: [...shown, ...tells].filter((field) => !named.has(field)),
  };
}

const get = (below: string, headers?: Record<string, string>) => () =>
  node.request("GET", `/registries/people/records${below}`, { token: registrar, ...(headers && { headers }) });
const send = (path: string, json: JsonObject, token?: () => string, headers?: Record<string, string>) => () =>
  node.request("POST", path, { token: token?.() ?? registrar, json, ...(headers && { headers }) });
const toPeople = (below: string, json: JsonObject) => send(`/registries/people/records${below}`, json);
const change =
  (operation: string, json: JsonObject = {}, first?: string): (() => Promise<Shown>) =>
  async () => {
    const rid = await createNote();
    const path = `/registries/notes/records/${rid}`;
    if (first !== undefined) await post(`${path}/${first}`, {}, registrar, { "if-match": '"1.0"' });
    const etag = first === undefined ? '"1.0"' : '"1.1"';
    return node.request("POST", `${path}/${operation}`, { token: registrar, json, headers: { "if-match": etag } });
  };
const ofProposal = (name: string, below: string, json?: JsonObject, token?: () => string) => () =>
  node.request(json === undefined ? "GET" : "POST", `/proposals/${proposals[name]}${below}`, {
    token: token?.() ?? decider,
    ...(json && { json }),
  });

const OPERATIONS: Readonly<Record<string, ReadingCase>> = {
  getRecord: { action: "read", ask: () => get(`/${meera.rid}`)() },
  listRecordVersions: { action: "history", ask: () => get(`/${meera.rid}/versions`)() },
  getRecordHistory: {
    action: "history",
    async ask() {
      const rid = await createNote();
      const patched = await node.request("PATCH", `/registries/notes/records/${rid}`, {
        token: registrar,
        json: { data: { phone: "555-0000" } },
        headers: { "if-match": '"1.0"' },
      });
      expect(patched.status).toBe(200);
      return node.request("GET", `/registries/notes/records/${rid}/history`, { token: registrar });
    },
  },
  listRecords: { action: "search", ask: () => get("")() },
  searchRecords: { action: "search", ask: toPeople(":search", { fields: { name: MARKERS.name } }) },
  exportRecords: { action: "export", ask: () => get(":export")() },
  getAttachment: {
    action: "attachment",
    ask: () => node.request("GET", `/registries/people/attachments/${meera.file}`, { token: registrar }),
  },
  findRecordsByKeys: {
    action: "lookup",
    tells: ["national_id"],
    ask: send("/records:find", { lookups: [{ registry: "people", key: { national_id: MARKERS.national_id } }] }),
  },
  findDuplicates: {
    action: "compare",
    tells: ["name"],
    ask: toPeople(":duplicates", { data: { national_id: "N-2", name: MARKERS.name } }),
  },
  // It is refused, and told whom it is like.
  createRecord: { action: "compare", ask: toPeople("", { data: { national_id: "N-3", name: MARKERS.name } }) },
  amendRecord: {
    action: "write",
    async ask() {
      const path = `/registries/notes/records/${await createNote()}`;
      const headers = { "if-match": '"1.0"' };
      return node.request("PATCH", path, { token: registrar, json: { data: { name: "Meera" } }, headers });
    },
  },
  suspendRecord: { action: "write", ask: change("suspend") },
  reinstateRecord: { action: "write", ask: change("reinstate", {}, "suspend") },
  revokeRecord: { action: "write", ask: change("revoke") },
  endRecord: { action: "write", ask: change("end") },
  replaceRecord: {
    action: "write",
    ask: change("replace", { by: [{ data: { national_id: "other", name: "Other" } }] }),
  },
  listProposals: {
    action: "proposal",
    ask: () => node.request("GET", "/proposals?registry=cases", { token: decider }),
  },
  getProposal: { action: "proposal", ask: ofProposal("seen", "") },
  approveProposal: {
    action: "proposal",
    async ask() {
      const answer = await ofProposal("approved", "/approve", {})();
      // What was carried out is not kept; until then it is shown.
      expect(answer.status).toBe(200);
      return answer.text.includes(MARKERS.name) ? answer : ofProposal("seen", "")();
    },
  },
  returnProposal: { action: "proposal", ask: ofProposal("returned", "/return", { reason: "late" }) },
  importRecords: {
    action: "import",
    tells: ["name", "phone", "national_id"],
    ask: () =>
      node.request("POST", "/registries/people/records:import?mode=upsert&dryRun=true", {
        token: registrar,
        body: `${JSON.stringify({ data: MEERA })}\n`,
        headers: { "content-type": "application/x-ndjson" },
      }),
  },
  migrateRecords: {
    action: "migrate",
    ask: send("/registries/old/records:migrate", {
      plan: { to: 2, steps: [{ step: "rename", from: "phone", to: "mobile" }] },
      dryRun: true,
    }),
  },
};

describe("the API", () => {
  it.each(Object.entries(OPERATIONS))("notes what %s shows or tells", async (_id, { action, tells, ask }) => {
    const { answer, events, shown, unnoted } = await findUnnoted(ask, tells);
    // One that shows nothing proves nothing.
    expect([...shown, ...(tells ?? [])], answer.text.slice(0, 300)).not.toEqual([]);
    expect(unnoted).toEqual([]);
    expect(events.map((event) => event.action)).toContain(action);
    for (const { by } of events) expect(by).toHaveProperty("staff");
  });

  it("has one event an operation and person, however many records it shows", async () => {
    await createNote();
    await createNote();
    const { events } = await findUnnoted(send("/registries/notes/records:search", { fields: { name: MARKERS.name } }));
    expect(events).toHaveLength(1);
    expect(events[0]!.records.length).toBeGreaterThan(1);
  });

  it("shows nothing of her in any other operation of the document", async () => {
    const document = (await node.request("GET", "/openapi.json")).body;
    const ids = createDocumentCheck(document).operations.map(({ operation }) => String(operation.operationId));
    const others = ids.filter((id) => !id.includes("_") && !(id in OPERATIONS));
    expect(Object.keys(OPERATIONS).filter((id) => !ids.includes(id))).toEqual([]);
    expect(others.length).toBeGreaterThan(20);
    const faults: string[] = [];
    for (const id of others) {
      const known = MATRIX[id];
      if (!known) {
        faults.push(`${id} has no case here and none in the table of permissions`);
        continue;
      }
      const { method, path, json, body, headers } = known.ask(meera);
      const { shown, unnoted } = await findUnnoted(() =>
        node.request(method, path, {
          token: registrar,
          ...(json !== undefined && { json }),
          ...(body !== undefined && { body }),
          ...(headers && { headers }),
        }),
      );
      if (shown.length > 0) faults.push(`${id} shows ${shown.join(", ")}; ${unnoted.join(", ") || "all noted"}`);
    }
    expect(faults).toEqual([]);
  });

  it("notes what is opened of what she shared, as hers with whom", async () => {
    const her: Citizen = { kind: "citizen", issuer: "https://id.example", subject: "1", name: "Meera", ...PERSON };
    const { share, code } = await node.node.shares.create(her, {
      id: randomUUID(),
      ...{ registry: "people", rid: meera.rid, fields: ["name"], recipient: "A bank", purpose: "An account" },
      ...{ expiresAt: Math.floor(Date.now() / 1_000) + 3_600, isOneTime: true, language: "en" },
    });
    const opened = () => node.request("POST", "/shares:open", { json: { share: share.id, code } });
    const { answer, events, shown, unnoted } = await findUnnoted(opened);
    expect([answer.status, shown, unnoted]).toEqual([200, ["name"], []]);
    expect(events.map(({ action, by }) => [action, by])).toEqual([["open", { share: share.id }]]);
  });

  it("notes an export of the past, and of few fields no more than these", async () => {
    const past = await findUnnoted(get(":export?history=true"));
    expect(past.shown).toEqual(["national_id", "name", "phone"]);
    expect(past.unnoted).toEqual([]);
    const few = await findUnnoted(get(":export?format=csv&fields=name"));
    expect(few.events.map(({ fields }) => fields)).toEqual([["name"]]);
  });
});

interface PageCase {
  readonly shows: boolean;
  readonly jar?: () => BrowserJar;
  readonly path: () => string;
  /** Sends the form of the page at this path. */
  readonly form?: (page: string) => Record<string, string>;
  readonly headers?: (token: string) => Record<string, string>;
}

const console_ = (below: string) => () => `/console${below}`;
const nothing = (below: string): PageCase => ({ shows: false, path: console_(below) });
const record = (below = "") => ({ shows: true, path: () => `/console/registries/people/records/${meera.rid}${below}` });

// Every page and form of the console, by its address in the code; and those beside it where people see records by their role.
const PAGES: Readonly<Record<string, PageCase>> = {
  // It tells how many wait.
  "GET /console": { shows: false, jar: () => approver, path: console_("") },
  "GET /console/proposals": { shows: true, jar: () => approver, path: console_("/proposals") },
  "GET /console/proposals/:id": {
    shows: true,
    jar: () => approver,
    path: () => `/console/proposals/${proposals.seen}`,
  },
  "POST /console/approve-together": {
    shows: true,
    jar: () => approver,
    path: console_("/approve-together"),
    form: () => ({ id: proposals.together!, "id ": proposals["together-too"]! }),
  },
  "GET /console/registries/:registry": { shows: true, path: console_("/registries/people") },
  "POST /console/registries/:registry/search": {
    shows: true,
    path: console_("/registries/people/search"),
    form: () => ({ name: MARKERS.name }),
  },
  "GET /console/registries/:registry/records/:rid": record(),
  "GET /console/registries/:registry/records/:rid/amend": record("/amend"),
  "GET ADDRESS": record("/suspend"),
  "GET VERSION_ADDRESS": record("/versions/1/erase"),
  "GET HOLD_ADDRESS": record("/hold"),
  "GET /console/registries/:registry/attachments/:digest": {
    shows: true,
    path: () => `/console/registries/people/attachments/${meera.file}`,
  },
  "GET /console/registries/:registry/new": nothing("/registries/people/new"),
  "GET /console/pick": {
    shows: true,
    path: () => `/console/pick?registry=people&field=${encodeURIComponent("/mother")}&q=Meera`,
    headers: (token) => ({ "attestry-form-token": token, "sec-fetch-site": "same-origin", accept: "application/json" }),
  },
  "GET /console/registries": nothing("/registries"),
  "GET /console/sessions": nothing("/sessions"),
  "GET /console/check": nothing("/check"),
  "GET /console/reports": nothing("/reports"),
  // What people wrote to the office themselves, and nothing out of a record.
  "GET /console/questions": nothing("/questions"),
};

// Of reports that were kept, which hold none of this registry; what only leads on to one of the pages above; and what takes in.
const LEFT_OUT = [
  // How many messages wait at which gateway, of nobody.
  "GET /console/notifications",
  "GET /console/reports/:id",
  "GET /console/reports/:id/file",
  "POST /console/check",
  "GET /console/alive",
  "POST /console/role",
  "POST /console/sessions/end",
  "POST /console/tokens/revoke",
  "POST /console/registries/:registry/attachments",
  "POST /console/registries/:registry/new",
  "POST /console/registries/:registry/records/:rid/amend",
  "POST ADDRESS",
  "POST VERSION_ADDRESS",
  "POST HOLD_ADDRESS",
  "POST /console/questions/answer",
  "POST /console/approve-together/done",
  // Of other nodes' records, whose readings are in the logs of those, and in this one as received.
  "GET /console/consents",
  "GET /console/consents/:id",
  "POST /console/consents/ask",
  "POST /console/consents/form",
  "POST /console/consents/offers",
  "POST /console/consents/refresh",
  "POST /console/consents/:id/refresh",
  "POST /console/consents/:id/read",
  `POST /console/proposals/:id/$${"{decision}"}`,
];

function listPages(folder = "../../src/web"): string[] {
  return readdirSync(new URL(folder, import.meta.url), { withFileTypes: true }).flatMap((file) => {
    if (file.isDirectory()) return listPages(`${folder}/${file.name}`);
    const text = readFileSync(new URL(`${folder}/${file.name}`, import.meta.url), "utf8");
    return [...text.matchAll(/pages\.(get|post)\(\s*(?:["`](\/console[^"`]*)["`]|([A-Z_]*ADDRESS))/g)].map(
      ([, method, path, name]) => `${method!.toUpperCase()} ${path ?? name}`,
    );
  });
}

describe("the console", () => {
  it("has no page that these tests do not know", () => {
    expect(listPages().sort()).toEqual([...Object.keys(PAGES), ...LEFT_OUT].sort());
  });

  it.each(Object.entries(PAGES))(
    "notes what %s shows",
    async (_name, { shows, jar = () => browser, path, ...more }) => {
      const base = node.entity;
      const token = hiddenField((await jar().visit(`${base}/console/sessions`)).text, "form_token") ?? "";
      const visit = async () => {
        const url = `${base}${path()}`;
        if (!more.form) return jar().request("GET", url, { headers: more.headers?.(token) ?? {} });
        // A name with a space at its end is the same field once more.
        const fields = Object.entries({ form_token: token, ...more.form("") });
        const body = new URLSearchParams(fields.map(([name, value]) => [name.trim(), value]));
        const held = jar().cookies.get(new URL(base).origin) ?? new Map<string, string>();
        const cookie = [...held].map(([name, value]) => `${name}=${value}`).join("; ");
        const headers = { accept: "text/html", cookie, origin: new URL(base).origin, "sec-fetch-site": "same-origin" };
        const response = await fetch(url, { method: "POST", body, headers });
        return { status: response.status, text: await response.text() };
      };
      const { answer, events, shown, unnoted } = await findUnnoted(visit);
      expect(answer.status, answer.text.slice(0, 300)).toBe(200);
      expect(shown.length > 0, answer.text.slice(0, 2_000)).toBe(shows);
      expect(unnoted).toEqual([]);
      // What shows nothing fills nobody's log.
      if (!shows) expect(events).toEqual([]);
    },
  );

  it("notes that somebody was shown her name beside the record of her child, and in a certificate", async () => {
    for (const path of [
      `/console/registries/people/records/${child}`,
      `/registries/people/records/${meera.rid}/certificate`,
    ]) {
      const { shown, unnoted } = await findUnnoted(() => browser.request("GET", `${node.entity}${path}`));
      expect(unnoted).toEqual([]);
      if (path.includes(child)) expect(shown).toContain("name");
    }
    expect((await newest(1)).map(({ action }) => action)).toEqual(["name"]);
  });
});
