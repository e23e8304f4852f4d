// References written as type and key, and references accepted unverified: own registries, another node, bad answers, what dangles.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { parseFoundKeys } from "../../src/resolution/reference-lookup-client.ts";
import { caughtCode } from "../caught-code.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

let anchor: TestNode;
let local: TestNode;
let rural: TestNode;
let stranger: TestNode;
let blocks: RecordCalls;
let districts: RecordCalls;
let district: JsonObject;
let closed: string;

const reference = (type: string, more: JsonObject = {}): JsonObject => ({
  type: "string",
  "x-reference": { type, ...more },
});

beforeAll(async () => {
  anchor = await startTestNode();
  const types = ["districts", "villages", "houses", "blocks"];
  const member = { superiors: [anchor.entity], anchors: [anchor.pin(types)] };
  local = await startTestNode({ ...member, path: "/lgd" });
  rural = await startTestNode(member);
  stranger = await startTestNode();
  await stranger.publish(definition("districts"));
  await (await createRecordCalls(stranger, "districts")).create({ code: "1", name: "Believe me" });
  for (const { entity } of [local, rural])
    await anchor.node.federation.acceptSubordinate({ entity, registryTypes: types });
  const at = (registry: string) => `${local.entity}/registries/${registry}`;
  const identifier = "D-{seq:4}";
  const district_ = definition("districts", { properties: { lgd: { type: "integer", "x-unique": true } } });
  const compound = {
    properties: { state: { type: "string" }, no: { type: "integer" } },
    members: { identifier },
  };
  const villages = definition("villages", compound);
  (villages.schema as JsonObject)["x-unique"] = [["state", "no"]];
  for (const one of [district_, villages, definition("houses", { access: "consent" })])
    expect((await local.publish(one)).status).toBe(201);
  const properties = {
    district: reference("districts", { registry: at("districts") }),
    more: { type: "array", items: { type: "string" }, "x-reference": { type: "districts", registry: at("districts") } },
    village: reference("villages", { registry: at("villages") }),
    house: reference("houses", { registry: at("houses") }),
    parent: reference("blocks"),
    later: reference("districts", { onWrite: "accept", registry: at("districts") }),
    secret: { ...reference("districts", { onWrite: "accept" }), "x-personal": true },
    nowhere: reference("districts", { registry: `${stranger.entity}/registries/districts` }),
    absent: reference("unheard"),
  };
  expect((await rural.publish(definition("blocks", { properties }))).status, "blocks").toBe(201);
  districts = await createRecordCalls(local, "districts");
  blocks = await createRecordCalls(rural, "blocks");
  district = await districts.create({ code: "603", name: "Nicobars", lgd: 603 });
  await (await createRecordCalls(local, "villages")).create({ code: "v1", name: "V", state: "AN", no: 7 });
  closed = String((await (await createRecordCalls(local, "houses")).create({ code: "h1", name: "H" })).href);
});

afterAll(async () => {
  for (const node of [stranger, rural, local, anchor]) await node?.close();
});

let codes = 0;
const block = (members: JsonObject): JsonObject => ({ code: `b${codes++}`, name: "Block", ...members });
const dataOf = (view: JsonObject) => view.data as JsonObject;
const faultsOf = (answer: Answer) =>
  (answer.body.errors as { field: string; message: string }[]).map(({ field, message }) => `${field} ${message}`);

describe("a reference written as type and key", () => {
  it("is stored as the URL: a code, a number, a number spelled, the fields of a key, an identifier", async () => {
    // The only field that is unique alone is not the only one here, so a simple key says too little.
    const asField = (key: Json) => block({ district: { type: "districts", key } });
    for (const key of [{ code: "603" }, { lgd: 603 }, { lgd: "603" }] as Json[])
      expect(dataOf(await blocks.create(asField(key))).district).toBe(district.href);
    const village = (key: Json) => block({ village: { type: "villages", key } });
    const byCompound = dataOf(await blocks.create(village({ no: 7, state: "AN" }))).village;
    expect(byCompound).toMatch(/\/lgd\/registries\/villages\/records\//);
    expect(dataOf(await blocks.create(village("D-0001"))).village).toBe(byCompound);
    expect(dataOf(await blocks.create(village("v1"))).village).toBe(byCompound);
  });

  it("works in lists, in amendments, and for the node's own registries", async () => {
    const one = await blocks.create(block({ more: [{ type: "districts", key: { code: "603" } }] }));
    expect(dataOf(one).more).toEqual([district.href]);
    const two = await blocks.create(block({ parent: { type: "blocks", key: String(dataOf(one).code) } }));
    expect(dataOf(two).parent).toBe(one.href);
    const change = { data: { district: { type: "districts", key: { lgd: 603 } } } };
    expect(dataOf(await blocks.amend(two.rid, "1.0", change)).district).toBe(district.href);
  });

  it("is the same record on a retry with the same Idempotency-Key", async () => {
    const body = { data: block({ district: { type: "districts", key: { code: "603" } } }) };
    const first = await blocks.post(body, { "idempotency-key": "retry-1" });
    const second = await blocks.post(body, { "idempotency-key": "retry-1" });
    expect([first.status, second.body.rid]).toEqual([201, first.body.rid]);
  });

  it.each<[string, JsonObject, RegExp]>([
    ["no such key", { district: { type: "districts", key: { code: "999" } } }, /^\/district is the key of no record/],
    ["another type", { district: { type: "states", key: "603" } }, /^\/district must be of type "districts"/],
    ["what is no key", { district: { type: "districts", key: { name: "N" } } }, /^\/district is by nothing/],
    ["a list", { more: [{ type: "districts", key: ["603"] }] }, /^\/more\/0 must have a key that is a simple value/],
    ["a closed registry", { house: { type: "houses", key: "h1" } }, /^\/house is of a registry that is not open/],
    ["a type that nobody has", { absent: { type: "unheard", key: "1" } }, /^\/absent there is no registry of type/],
    ["a node outside the federation", { nowhere: { type: "districts", key: "1" } }, /^\/nowhere cannot be looked up/],
  ])("is refused, and the field named, where it is %s", async (_name, members, message) => {
    const answer = await blocks.post({ data: block(members) });
    expect([answer.status, answer.body.code]).toEqual([422, "reference_unresolved"]);
    expect(faultsOf(answer)[0]).toMatch(message);
  });

  it("names each field that fails, and no other", async () => {
    const keys = ["603", "998", "603", "999"].map((code) => ({ type: "districts", key: { code } }));
    const answer = await blocks.post({ data: block({ more: keys }) });
    expect(faultsOf(answer).map((fault) => fault.split(" ")[0])).toEqual(["/more/1", "/more/3"]);
  });

  it("of a revoked record leads nowhere, and to its key's next holder once there is one", async () => {
    const old = await districts.create({ code: "700", name: "Old" });
    const byKey = () => blocks.post({ data: block({ district: { type: "districts", key: { code: "700" } } }) });
    await districts.revoke(old.rid);
    expect(refusal(await byKey())).toBe("422 reference_unresolved");
    const next = await districts.create({ code: "700", name: "New" });
    expect(dataOf((await byKey()).body).district).toBe(next.href);
  });

  it("of an ended record is refused by its state, whether it is verified or accepted", async () => {
    const over = await districts.create({ code: "701", name: "Over" });
    const token = await local.token("registrar");
    const ended = await local.request("POST", `${districts.path(over.rid)}/end`, { token, json: {} });
    expect(ended.status, ended.text).toBe(200);
    for (const field of ["district", "later"]) {
      const answer = await blocks.post({ data: block({ [field]: { type: "districts", key: { code: "701" } } }) });
      expect(refusal(answer)).toBe("422 reference_unresolved");
      expect(faultsOf(answer)[0]).toMatch(new RegExp(`^/${field} .*ended`));
    }
  });

  it("in the rows of an import: one request to the home node, and each row its own outcome", async () => {
    for (let i = 0; i < 20; i++) await districts.create({ code: `8${i}`, name: "n" });
    const rows = Array.from({ length: 40 }, (_, i) => {
      const code = i === 7 ? "none" : `8${i % 20}`;
      return JSON.stringify({ data: block({ district: { type: "districts", key: { code } } }) });
    });
    const answer = await rural.request("POST", "/registries/blocks/records:import", {
      token: await rural.token("registrar"),
      body: rows.join("\n"),
      headers: { "content-type": "application/x-ndjson" },
    });
    const outcomes = answer.text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
    expect(outcomes.filter(({ outcome }) => outcome === "created")).toHaveLength(39);
    expect(outcomes[7]).toMatchObject({ outcome: "refused", code: "reference_unresolved" });
    expect(JSON.stringify(outcomes[7])).toContain("/district");
  });
});

describe("records:find", () => {
  const find = (lookups: Json, token?: string) => local.request("POST", "/records:find", { json: { lookups }, token });

  it("answers anyone for public registries, and staff for their own, in the order asked", async () => {
    const lookups = [
      { registry: "districts", key: { code: "603" } },
      { type: "districts", key: { lgd: 603 } },
      { registry: "districts", key: "603" },
      { registry: "houses", key: "h1" },
      { registry: "none", key: "1" },
      { type: "villages", key: "v0" },
    ];
    const outcomes = async (token?: string) =>
      ((await find(lookups, token)).body.results as JsonObject[]).map(({ outcome, href }) => href ?? outcome);
    const { href } = district;
    const others = ["registry_unknown", "record_unknown"];
    expect(await outcomes()).toEqual([href, href, "query_invalid", "permission_denied", ...others]);
    expect(await outcomes(await local.token("reader"))).toEqual([href, href, "query_invalid", closed, ...others]);
  });

  it.each<[string, Json, string]>([
    ["no lookups", null, "400 request_invalid"],
    ["both registry and type", [{ registry: "a", type: "a", key: "1" }], "400 request_invalid"],
    ["neither", [{ key: "1" }], "400 request_invalid"],
    ["a key that is a list", [{ type: "a", key: ["1"] }], "400 request_invalid"],
    ["a key of objects", [{ type: "a", key: { a: {} } }], "400 request_invalid"],
    ["too many", Array.from({ length: 1_001 }, () => ({ type: "a", key: "1" })), "413 too_many_items"],
  ])("refuses %s", async (_name, lookups, expected) => {
    expect(refusal(await find(lookups))).toBe(expected);
  });
});

describe("another node's answer about keys", () => {
  const entity = "https://home.example";
  const href = `${entity}/registries/districts/records/4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60`;
  const asked = { entity, keys: [{ registry: "districts", key: "1" }] };

  it.each<[string, Json]>([
    ["no results", {}],
    ["fewer results than keys", { results: [] }],
    [
      "a record of a third node",
      { results: [{ outcome: "found", href: href.replace("home", "evil"), state: "active" }] },
    ],
    [
      "a record of another registry",
      { results: [{ outcome: "found", href: href.replace("districts", "x"), state: "active" }] },
    ],
    ["what is no record", { results: [{ outcome: "found", href: "http://169.254.169.254/", state: "active" }] }],
    ["no state", { results: [{ outcome: "found", href }] }],
    ["an outcome of its own", { results: [{ outcome: "<b>trust me</b>" }] }],
  ])("is refused with %s", (_name, answer) => {
    expect(caughtCode(() => parseFoundKeys(answer, asked))).toBe("peer_response_invalid");
  });

  it("is believed as far as its form goes, and its words never become ours", () => {
    expect(parseFoundKeys({ results: [{ outcome: "found", href, state: "active" }] }, asked)).toEqual([
      { outcome: "found", href, state: "active" },
    ]);
    const refused = parseFoundKeys({ results: [{ outcome: "record_unknown", message: "call 555" }] }, asked);
    expect(JSON.stringify(refused)).not.toContain("555");
  });
});

describe("references that were accepted unverified", () => {
  const { sql } = { sql: () => rural.database.database.sql };
  const checkNow = async () => {
    await sql()`update reference_watch set next_check_at = 0`;
    return rural.node.referenceWatch.checkDue();
  };
  const list = async (state = "dangling", token?: string) =>
    rural.request("GET", `/registries/blocks/references?state=${state}`, {
      token: token ?? (await rural.token("reader")),
    });
  const hrefsOf = (answer: Answer) => (answer.body.references as JsonObject[]).map(({ href }) => href);

  it("are verified later; what dangles is listed with its field until it is mended", async () => {
    const nobody = String(district.href).replace(/[0-9a-f-]{36}$/, "00000000-0000-8000-8000-000000000000");
    const good = await blocks.create(block({ later: district.href! }));
    const bad = await blocks.create(block({ later: nobody }));
    const secret = await blocks.create(block({ secret: nobody }));
    expect(hrefsOf(await list("pending"))).toEqual(expect.arrayContaining([good.href, bad.href, secret.href]));
    await checkNow();
    const dangling = await list();
    expect(hrefsOf(dangling).sort()).toEqual([bad.href, secret.href].sort());
    expect(dangling.text).toContain('"field":"/later"');
    expect(dangling.text).toContain("record_unknown");
    expect(hrefsOf(await list("verified"))).toContain(good.href);
    // What stands in the table is read by whoever has the database: nothing of a personal reference.
    const rows = await sql()<
      { text: string }[]
    >`select w::text as text from reference_watch w where rid = ${String(secret.rid)}`;
    expect(rows[0]!.text).not.toContain("00000000-0000-8000");
    expect(rows[0]!.text).not.toContain("record_unknown");
    await blocks.amend(bad.rid, "1.0", { data: { later: district.href! } });
    await blocks.amend(secret.rid, "1.0", { data: { secret: null } });
    await checkNow();
    expect(hrefsOf(await list())).toEqual([]);
    expect((await rural.request("GET", "/registries/blocks")).body.references).toEqual({ verified: 2 });
    expect((await local.request("GET", "/registries/districts")).body.references).toBeUndefined();
  });

  it("dangle when the record they name is revoked, and are let go when their own record is", async () => {
    const target = await districts.create({ code: "750", name: "T" });
    const holder = await blocks.create(block({ later: target.href! }));
    await checkNow();
    await districts.revoke(target.rid);
    await sql()`select 1`;
    // Being verified is remembered for as long as a status list may be.
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    await checkNow();
    expect(hrefsOf(await list())).toEqual([holder.href]);
    await blocks.revoke(holder.rid);
    await checkNow();
    expect(hrefsOf(await list())).toEqual([]);
  }, 30_000);

  it("are asked for again at growing intervals, and called unreachable while the home node is away", async () => {
    const server: Server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const away = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const href = String(district.href).replace(local.entity, away);
    const holder = await blocks.create(block({ later: href }));
    const waits: number[] = [];
    for (let round = 0; round < 3; round++) {
      await checkNow();
      const [row] = await sql()<{ state: string; wait: number }[]>`
        select state, (next_check_at - checked_at)::int as wait from reference_watch where rid = ${String(holder.rid)}`;
      expect(["unreachable", "dangling"]).toContain(row!.state);
      waits.push(row!.wait);
    }
    expect(waits).toEqual([120, 240, 480]);
    server.close();
  }, 60_000);

  it("are shown to staff of the registry alone, by pages", async () => {
    expect(refusal(await rural.request("GET", "/registries/blocks/references"))).toBe("401 authentication_required");
    expect(refusal(await list("dangling", await rural.token("operator")))).toBe("403 permission_denied");
    expect(refusal(await list("lost"))).toBe("400 query_invalid");
    for (let i = 0; i < 3; i++) await blocks.create(block({ later: district.href! }));
    const token = await rural.token("reader");
    const seen: unknown[] = [];
    let cursor: unknown = "";
    while (cursor !== undefined) {
      const at = `/registries/blocks/references?state=pending&limit=2${cursor === "" ? "" : `&cursor=${String(cursor)}`}`;
      const page = await rural.request("GET", at, { token });
      seen.push(...hrefsOf(page));
      cursor = page.body.next;
    }
    expect(new Set(seen).size).toBe(3);
    expect(seen).toHaveLength(3);
  });
});
