// A definition that goes through the years: records of every version are read, verified, listed and carried over to the current one.
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { createVerifier } from "../../src/verification/index.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let registrar: string;
let operator: string;

beforeAll(async () => {
  node = await startTestNode();
  registrar = await node.token("registrar");
  operator = await node.token("operator");
});

afterAll(() => node?.close());

const text = { type: "string" } as const;

async function publish(body: JsonObject): Promise<Answer> {
  const answer = await node.request("PUT", `/registries/${String(body.name)}?allow-breaking=true`, {
    token: operator,
    json: body,
  });
  expect(answer.status, answer.text).toBe(201);
  return answer;
}

const migrate = (registry: string, json: Json, token = registrar): Promise<Answer> =>
  node.request("POST", `/registries/${registry}/records:migrate`, { token, json });

async function importRows(registry: string, rows: JsonObject[]): Promise<void> {
  const body = rows.map((data) => JSON.stringify({ data })).join("\n");
  const headers = { "content-type": "application/x-ndjson" };
  const { text: lines } = await node.request("POST", `/registries/${registry}/records:import`, {
    token: registrar,
    body,
    headers,
  });
  const outcomes = lines
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as JsonObject).outcome);
  expect(outcomes).toEqual(rows.map(() => "created"));
}

async function listAll(registry: string): Promise<JsonObject[]> {
  const records: JsonObject[] = [];
  for (let next = `/registries/${registry}/records?limit=500`; next !== ""; ) {
    const page = (await node.request("GET", next, { token: registrar })).body;
    records.push(...(page.records as JsonObject[]));
    const cursor = (page.next ?? null) as string | null;
    next = cursor === null ? "" : `/registries/${registry}/records?limit=500&cursor=${encodeURIComponent(cursor)}`;
  }
  return records;
}

async function verify(registry: string, rid: unknown): Promise<{ valid: boolean; failed: unknown[] }> {
  const evidence = await node.request("GET", `/registries/${registry}/records/${String(rid)}/evidence`);
  const verifier = createVerifier({ anchors: [node.pin([registry])], statusMaxAgeSeconds: 3_600 });
  const report = await verifier.verify(evidence.body, { now: Math.floor(Date.now() / 1_000) });
  return { valid: report.valid, failed: report.checks.filter(({ result }) => result === "fail") };
}

/** One registry in its five forms: a field more, another name, codes for texts, a group, a number for a text. */
function townVersion(version: number): JsonObject {
  const properties: Record<number, JsonObject> = {
    1: { town: text, kind: text, population: text },
    2: { town: text, kind: text, population: text, river: text },
    3: { title: text, kind: text, population: text, river: text },
    4: { title: text, kind: { enum: ["city", "village"] }, population: text, place: object({ river: text }) },
    5: {
      title: text,
      kind: { enum: ["city", "village"] },
      population: { type: "integer" },
      place: object({ river: text }),
    },
  };
  return { ...definition("towns", { properties: properties[version]! }), display: "{name}" };
}

function object(properties: JsonObject): JsonObject {
  return { type: "object", additionalProperties: false, properties };
}

const TOWN_OF: Readonly<Record<number, (code: string) => JsonObject>> = {
  1: (code) => ({ code, name: code, town: `T${code}`, kind: "C", population: "1000" }),
  2: (code) => ({ code, name: code, town: `T${code}`, kind: "V", population: "2000", river: "Indus" }),
  3: (code) => ({ code, name: code, title: `T${code}`, kind: "C", population: "3000", river: "Indus" }),
  4: (code) => ({ code, name: code, title: `T${code}`, kind: "city", population: "4000", place: { river: "Indus" } }),
  5: (code) => ({ code, name: code, title: `T${code}`, kind: "village", population: 5000 }),
};
const PLAN_STEPS: JsonObject[] = [
  { step: "rename", from: "town", to: "title" },
  { step: "map", field: "kind", values: { C: "city", V: "village" }, others: "keep" },
  { step: "rename", from: "river", to: "place.river" },
  { step: "convert", field: "population", to: "integer" },
];
const EXPECTED: Readonly<Record<number, (code: string) => JsonObject>> = {
  1: (code) => ({ code, name: code, title: `T${code}`, kind: "city", population: 1000 }),
  2: (code) => ({ code, name: code, title: `T${code}`, kind: "village", population: 2000, place: { river: "Indus" } }),
  3: (code) => ({ code, name: code, title: `T${code}`, kind: "city", population: 3000, place: { river: "Indus" } }),
  4: (code) => ({ code, name: code, title: `T${code}`, kind: "city", population: 4000, place: { river: "Indus" } }),
  5: TOWN_OF[5]!,
};

describe("a registry whose definition went through five versions", () => {
  const EACH = 30;
  const codesOf = (version: number) => Array.from({ length: EACH }, (_, at) => `${version}-${at}`);

  it("lists, finds and verifies the records of each version side by side", async () => {
    for (const version of [1, 2, 3, 4, 5]) {
      await publish(townVersion(version));
      await importRows(
        "towns",
        codesOf(version).map((code) => TOWN_OF[version]!(code)),
      );
    }
    const records = await listAll("towns");
    expect(records).toHaveLength(5 * EACH);
    for (const version of [1, 2, 3, 4, 5]) {
      const record = records.find(({ data }) => (data as JsonObject).code === `${version}-7`)!;
      expect(record.definition).toBe(`${node.entity}/registries/towns/schema/${version}`);
      expect(record.data).toEqual(TOWN_OF[version]!(`${version}-7`));
      expect(await verify("towns", record.rid)).toEqual({ valid: true, failed: [] });
      const found = (await node.request("GET", `/registries/towns/records?code=${version}-7`)).body;
      expect((found.records as JsonObject[]).map(({ rid }) => rid)).toEqual([record.rid]);
    }
  });

  it("shows in a preview what would become of them, and writes nothing", async () => {
    const answer = await migrate("towns", { plan: { to: 5, steps: PLAN_STEPS }, dryRun: true, limit: 40 });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({
      to: 5,
      dry_run: true,
      migrated: 40,
      refused: [],
      left: 4 * EACH,
      left_as_they_are: 0,
    });
    expect(answer.body.records).toEqual(
      [1, 2, 3, 4, 5].map((version) => ({ version, state: "active", records: EACH })),
    );
    expect((answer.body.examples as JsonObject[])[0]!.changes).toEqual([
      { field: "/data/kind", label: "Kind", before: "C", after: "city" },
      { field: "/data/population", label: "Population", before: "1000", after: 1000 },
      { field: "/data/title", label: "Title", after: "T1-0" },
      { field: "/data/town", label: "Town", before: "T1-0" },
    ]);
    const bare = await migrate("towns", { plan: { steps: [] }, dryRun: true, limit: 500 });
    // Records of version 4 need a number, all before it a title, or other codes.
    expect([bare.body.migrated, (bare.body.refused as Json[]).length]).toEqual([0, 4 * EACH]);
    expect((await listAll("towns")).every(({ version }) => version === 1)).toBe(true);
  });

  it("migrates them in batches, going on where it was interrupted, each with its reason and proof", async () => {
    const plan = { to: 5, steps: PLAN_STEPS, act: { instrument: "Order 7" } };
    const first = (await migrate("towns", { plan, limit: 50 })).body;
    expect(first).toMatchObject({ migrated: 50, refused: [], left: 4 * EACH });
    // As if the client had died: what is done is not met again.
    const again = (await migrate("towns", { plan, limit: 50 })).body;
    expect(again).toMatchObject({ migrated: 50, left: 4 * EACH - 50 });
    const last = (await migrate("towns", { plan, limit: 50, after: again.next! })).body;
    expect([last.migrated, last.next, last.left]).toEqual([20, null, undefined]);
    const records = await listAll("towns");
    for (const version of [1, 2, 3, 4, 5]) {
      for (const code of codesOf(version)) {
        const record = records.find(({ data }) => (data as JsonObject).code === code)!;
        expect(record.data).toEqual(EXPECTED[version]!(code));
        expect(record.version).toBe(version === 5 ? 1 : 2);
      }
      const { rid } = records.find(({ data }) => (data as JsonObject).code === `${version}-7`)!;
      expect(await verify("towns", rid)).toEqual({ valid: true, failed: [] });
      const old = (
        await node.request("GET", `/registries/towns/records/${String(rid)}?version=1`, { token: registrar })
      ).body;
      expect(old.data).toEqual(TOWN_OF[version]!(`${version}-7`));
    }
    const one = records.find(({ data }) => (data as JsonObject).code === "1-7")!;
    const history = (
      await node.request("GET", `/registries/towns/records/${String(one.rid)}/history`, { token: registrar })
    ).text;
    expect(history).toContain('"reason":"migration"');
    expect(history).toContain("Order 7");
    expect(history).toContain("from version 1 to version 5 of the definition");
  });
});

describe("a migration", () => {
  it("names each record that it refuses, by its URL and fields, and migrates the others", async () => {
    await publish(definition("wards", { properties: { seats: text } }));
    await importRows("wards", [
      { code: "1", name: "A", seats: "12" },
      { code: "2", name: "B", seats: "a dozen" },
      { code: "3", name: "C", seats: "-1" },
    ]);
    await publish(definition("wards", { properties: { seats: { type: "integer", minimum: 0 } } }));
    const plan = { steps: [{ step: "convert", field: "seats", to: "integer" }] };
    const [, b, c] = await listAll("wards");
    const expected = [
      { href: b!.href, code: "record_invalid", details: [{ field: "/seats" }] },
      { href: c!.href, code: "record_invalid", details: [{ field: "/seats" }] },
    ];
    const preview = (await migrate("wards", { plan, dryRun: true })).body;
    const done = (await migrate("wards", { plan })).body;
    for (const answer of [preview, done]) {
      expect(answer).toMatchObject({ migrated: 1, refused: expected, next: null });
      expect(JSON.stringify(answer.refused)).not.toContain("dozen");
    }
    expect((await migrate("wards", { plan })).body).toMatchObject({ migrated: 0, left: 2 });
  });

  it("leaves records that are not active as they are, and counts them", async () => {
    await publish(definition("posts"));
    const calls = await createRecordCalls(node, "posts");
    const [, revoked, suspended] = [
      await calls.create({ code: "1", name: "A" }),
      await calls.create({ code: "2", name: "B" }),
      await calls.create({ code: "3", name: "C" }),
    ];
    await calls.revoke(revoked!.rid);
    await node.request("POST", `${calls.path(suspended!.rid)}/suspend`, { token: registrar, json: {} });
    await publish(definition("posts", { properties: { rank: text } }));
    expect((await migrate("posts", { plan: { steps: [] } })).body).toMatchObject({
      migrated: 1,
      refused: [],
      left: 1,
      left_as_they_are: 2,
      records: [
        { version: 1, state: "active", records: 1 },
        { version: 1, state: "revoked", records: 1 },
        { version: 1, state: "suspended", records: 1 },
      ],
    });
  });

  it("keeps personal fields sealed, and unique values unique, under the new version", async () => {
    await publish(definition("clerks", { properties: { phone: { ...text, "x-personal": true } } }));
    await importRows("clerks", [
      { code: "1", name: "A", phone: "98 100" },
      { code: "2", name: "B", phone: "98 200" },
      { code: "3", name: "C", phone: "98 100" },
    ]);
    await publish(definition("clerks", { properties: { mobile: { ...text, "x-personal": true, "x-unique": true } } }));
    const plan = { steps: [{ step: "rename", from: "phone", to: "mobile" }] };
    const [a, , c] = await listAll("clerks");
    const taken = [{ href: c!.href, code: "value_not_unique" }];
    expect((await migrate("clerks", { plan, dryRun: true })).body).toMatchObject({ migrated: 2, refused: taken });
    expect((await migrate("clerks", { plan })).body).toMatchObject({ migrated: 2, refused: taken });
    const open = (await node.request("GET", `/registries/clerks/records/${String(a!.rid)}`)).body;
    expect([open.data, open.withheld]).toEqual([{ code: "1", name: "A" }, true]);
    const calls = await createRecordCalls(node, "clerks");
    expect(refusal(await calls.post({ data: { code: "4", name: "D", mobile: "98 200" } }))).toBe(
      "409 value_not_unique",
    );
  });

  it("goes only from the versions and to the version that its plan is for", async () => {
    for (const field of ["a", "b", "c"]) {
      await publish(definition("lots", { properties: { [field]: text } }));
      await importRows("lots", [{ code: field, name: "N" }]);
    }
    const only = (await migrate("lots", { plan: { from: [2], steps: [] } })).body;
    expect(only).toMatchObject({ migrated: 1, left: 1 });
    expect((await listAll("lots")).map(({ version }) => version)).toEqual([1, 2, 1]);
    expect(refusal(await migrate("lots", { plan: { to: 2, steps: [] } }))).toBe("409 definition_conflict");
  });

  it("loses no change that somebody makes meanwhile, and refuses no record for it", async () => {
    await publish(definition("kiosks", { properties: { rent: text } }));
    await importRows("kiosks", [
      { code: "1", name: "before", rent: "5" },
      { code: "2", name: "before", rent: "5" },
    ]);
    const [first, second] = await listAll("kiosks");
    await publish(definition("kiosks", { properties: { rent: { type: "integer" } } }));
    const calls = await createRecordCalls(node, "kiosks");
    const plan = { to: 2, steps: [{ step: "convert", field: "rent", to: "integer" }] };
    let patching: Promise<Answer> | undefined;
    let migrating: Promise<Answer> | undefined;
    // While the log's row is held, the change waits to be written, and then the migration, which has read the records as they were.
    await node.database.database.sql.begin(async (tx) => {
      await tx`select 1 from log_state where name = 'records' for update`;
      patching = calls.patch(first!.rid, { data: { name: "after", rent: 6 } }, { "if-match": '"1.0"' });
      await setTimeout(300);
      migrating = migrate("kiosks", { plan });
      await setTimeout(300);
    });
    expect((await patching!).status).toBe(200);
    expect((await migrating!).body).toMatchObject({ migrated: 2, refused: [] });
    const after = await listAll("kiosks");
    expect(after.map(({ data, version, definition: under }) => [data, version, String(under).at(-1)])).toEqual([
      [{ code: "1", name: "after", rent: 6 }, 2, "2"],
      [{ code: "2", name: "before", rent: 5 }, 2, "2"],
    ]);
    expect(after.map(({ rid }) => rid)).toEqual([first!.rid, second!.rid]);
  });

  it("is for registrars of the registry, and is refused by name for what it cannot read", async () => {
    const plan = { steps: [] };
    expect(refusal(await migrate("towns", { plan }, await node.token("reader")))).toBe("403 permission_denied");
    expect((await node.request("POST", "/registries/towns/records:migrate", { json: { plan } })).status).toBe(401);
    expect(refusal(await migrate("nowhere", { plan }))).toBe("404 registry_unknown");
    expect(refusal(await migrate("towns", { plan: { steps: [{ step: "drop" }] } }))).toBe("422 migration_plan_invalid");
    for (const body of [
      [],
      { plan, after: -1 },
      { plan, limit: 0 },
      { plan, limit: 501 },
      { plan, dryRun: 1 },
      { plan, x: 1 },
    ])
      expect(refusal(await migrate("towns", body))).toBe("400 request_invalid");
  });
});

describe("a retired registry", () => {
  it("takes no new record and names its successor; what is there is read and amended; publishing without it opens it again", async () => {
    await publish(definition("tolls"));
    const calls = await createRecordCalls(node, "tolls");
    const old = await calls.create({ code: "1", name: "A" });
    const retired = { reason: { en: "merged" }, successor: "https://roads.example/registries/tolls" };
    await publish(definition("tolls", { members: { retired } }));
    const refused = await calls.post({ data: { code: "2", name: "B" } });
    expect(refusal(refused)).toBe("409 registry_retired");
    expect(refused.body.detail).toContain("(merged)");
    expect(refused.body.detail).toContain("https://roads.example/registries/tolls");
    for (const query of ["?mode=upsert", "?mode=upsert&dryRun=true"]) {
      const rows = [{ data: { code: "3", name: "C" } }, { data: { code: "1", name: "A" } }];
      const imported = await node.request("POST", `/registries/tolls/records:import${query}`, {
        token: registrar,
        body: rows.map((row) => JSON.stringify(row)).join("\n"),
        headers: { "content-type": "application/x-ndjson" },
      });
      const outcomes = imported.text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as JsonObject);
      expect(outcomes.map(({ outcome, code }) => code ?? outcome)).toEqual(["registry_retired", "unchanged"]);
    }
    expect(await calls.amend(old.rid, "1.0", { data: { name: "AA" } })).toMatchObject({ version: 2 });
    expect((await calls.revoke(old.rid)).status).toBe(200);
    await publish(definition("tolls"));
    await calls.create({ code: "2", name: "B" });
  });
});
