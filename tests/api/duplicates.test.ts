// Possible duplicates: named when a record is created, amended or imported; overridden by a reason; no oracle for strangers.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let people: RecordCalls;
let registrar: string;
let meera: JsonObject;

const PEOPLE = definition("people", {
  members: {
    duplicates: [
      { name: "same-person", fields: [{ field: "name", normal: "name" }, "born"] },
      { name: "same-phone", fields: [{ field: "phone", normal: "digits" }] },
    ],
  },
  properties: {
    name: { type: "string", "x-personal": true },
    born: { type: "string", format: "date", "x-personal": true },
    phone: { type: "string", "x-personal": true },
  },
});

beforeAll(async () => {
  node = await startTestNode();
  expect((await node.publish(PEOPLE)).status).toBe(201);
  people = await createRecordCalls(node, "people");
  registrar = await node.token("registrar");
  meera = await people.create({ code: "1", name: "Meera K. Deshpandé", born: "1984-02-29", phone: "+91 98-76" });
});

afterAll(() => node?.close());

const duplicatesOf = (data: JsonObject, token?: string) =>
  node.request("POST", "/registries/people/records:duplicates", { token, json: { data } });
async function importRows(
  rows: readonly JsonObject[],
  query = "?mode=create",
  registry = "people",
): Promise<JsonObject[]> {
  const answer = await node.request("POST", `/registries/${registry}/records:import${query}`, {
    token: registrar,
    body: rows.map((row) => JSON.stringify(row)).join("\n"),
    headers: { "content-type": "application/x-ndjson" },
  });
  return answer.text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);
}

describe("a possible duplicate", () => {
  it("is refused on create, by each rule, naming the record to who may see it", async () => {
    const answer = await people.post({
      data: { code: "2", name: "MEERA K DESHPANDE", born: "1984-02-29", phone: "9 1 9 8 7 6" },
    });
    expect(refusal(answer)).toBe("409 possible_duplicate");
    expect(answer.body.errors).toEqual([
      {
        field: "/data",
        message: 'rule "same-person" finds it alike',
        rid: meera.rid,
        href: meera.href,
        display: "Meera K. Deshpandé",
      },
      {
        field: "/data",
        message: 'rule "same-phone" finds it alike',
        rid: meera.rid,
        href: meera.href,
        display: "Meera K. Deshpandé",
      },
    ]);
    expect(answer.body.detail).toMatch(/act\.distinct/);
    expect(answer.body.detail).not.toMatch(/meera/i);
  });

  it("is created all the same where the writer says why it is another, which the record keeps", async () => {
    const twin = await people.create(
      { code: "twin", name: "Meera K Deshpande", born: "1984-02-29" },
      { act: { distinct: "a cousin of the same name" } },
    );
    expect(twin.state).toBe("active");
    await people.revoke(twin.rid, { act: { reason: "test" } });
  });

  it("needs all fields of a rule, and something in them that counts", async () => {
    await people.create({ code: "no-birth", name: "Meera K Deshpande" });
    await people.create({ code: "none", name: "?!", born: "1984-02-29", phone: "none" });
    await people.create({ code: "none2", name: "!?", born: "1984-02-29", phone: "no" });
  });

  it("is looked for when an amendment makes it alike, and not when it was so before", async () => {
    const other = await people.create({ code: "3", name: "Meera Joshi", born: "1984-02-29" });
    const alike = await people.patch(other.rid, { data: { name: "Meera K Deshpande" } }, { "if-match": '"1.0"' });
    expect(refusal(alike)).toBe("409 possible_duplicate");
    await people.amend(other.rid, "1.0", {
      data: { name: "Meera K Deshpande" },
      act: { distinct: "married into the family" },
    });
    await people.amend(other.rid, "2.0", { data: { code: "3b" } });
    await people.revoke(other.rid, { act: { reason: "test" } });
  });

  it("is one that is in force: a revoked record is no duplicate of its successor", async () => {
    const wrong = await people.create({ code: "4", name: "Wrong Name", born: "1990-01-01" });
    await people.revoke(wrong.rid, { act: { reason: "wrong" } });
    await people.create({ code: "4", name: "Wrong Name", born: "1990-01-01" });
  });

  it("is found among requests that come at once: one of them is written", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        people.post({ data: { code: `at-once-${at}`, name: "All At Once", born: "2000-01-01" } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });

  it("is refused row by row in an import, also among the rows themselves", async () => {
    const rows = [
      { data: { code: "i1", name: "Import One", born: "2001-01-01" } },
      { data: { code: "i2", name: "meera k. deshpande", born: "1984-02-29" } },
      { data: { code: "i3", name: "IMPORT ONE", born: "2001-01-01" } },
      { data: { code: "i4", name: "Import One", born: "2001-01-01" }, act: { distinct: "twins" } },
    ];
    const foretold = await importRows(rows, "?mode=create&dryRun=true");
    expect(foretold.map(({ outcome, code }) => code ?? outcome)).toEqual([
      "created",
      "possible_duplicate",
      "possible_duplicate",
      "created",
    ]);
    const outcomes = await importRows(rows);
    expect(outcomes.map(({ outcome, code }) => code ?? outcome)).toEqual([
      "created",
      "possible_duplicate",
      "possible_duplicate",
      "created",
    ]);
    expect(outcomes[1]!.details).toEqual([
      expect.objectContaining({ href: meera.href, display: "Meera K. Deshpandé" }),
    ]);
    expect((outcomes[2]!.details as JsonObject[])[0]!.rid).toBe(outcomes[0]!.rid);
  });
});

describe("a rule that is newer than the records", () => {
  it("refuses no amendment that leaves alone what it compares, in an import neither, and no migration; a dry run foretells each", async () => {
    const towns = (duplicates: JsonObject[]) =>
      definition("towns", {
        members: { duplicates },
        properties: { name: { type: "string" }, state: { type: "string" }, kind: { type: "string" } },
      });
    const operator = await node.token("operator");
    const publish = (json: JsonObject) =>
      node.request("PUT", "/registries/towns?allow-breaking=true", { token: operator, json });
    expect((await publish(towns([]))).status).toBe(201);
    const calls = await createRecordCalls(node, "towns");
    const [first] = await Promise.all(
      ["1", "2", "3", "4"].map((code) =>
        calls.create({ code, name: code === "3" ? "Other" : "Rampur", state: "9", kind: "old" }),
      ),
    );
    expect((await publish(towns([{ name: "same-town", fields: ["name", "state"] }]))).status).toBe(201);

    await calls.amend(first!.rid, "1.0", { data: { kind: "city" } });
    const rows = [
      { data: { code: "2", name: "Rampur", state: "9", kind: "city" } },
      { data: { code: "3", name: "Rampur", state: "9", kind: "city" } },
      { data: { code: "5", name: "Rampur", state: "9", kind: "city" } },
    ];
    const outcomesOf = async (query: string) =>
      (await importRows(rows, query, "towns")).map(({ outcome, code }) => code ?? outcome);
    const expected = ["amended", "possible_duplicate", "possible_duplicate"];
    expect(await outcomesOf("?mode=upsert&dryRun=true")).toEqual(expected);
    expect(await outcomesOf("?mode=upsert")).toEqual(expected);

    const steps = [{ step: "map", field: "name", values: { Other: "Rampur" }, others: "keep" }];
    const migrate = (dryRun: boolean) =>
      node.request("POST", "/registries/towns/records:migrate", {
        token: registrar,
        json: { plan: { steps }, dryRun },
      });
    for (const dryRun of [true, false])
      expect((await migrate(dryRun)).body).toMatchObject({ dry_run: dryRun, migrated: 2, refused: [] });
    expect(refusal(await calls.post({ data: { code: "6", name: "Rampur", state: "9" } }))).toBe(
      "409 possible_duplicate",
    );
  });
});

describe("records:duplicates", () => {
  it("names the candidates with their rules, and writes nothing", async () => {
    const { sql } = node.database.database;
    const before = await sql`select count(*) from log_entry where log = 'records'`;
    const answer = await duplicatesOf(
      { name: "Meera K. Deshpande", born: "1984-02-29", phone: "(9198) 76" },
      registrar,
    );
    expect(answer.body).toEqual({
      candidates: [
        {
          rid: meera.rid,
          href: meera.href,
          display: "Meera K. Deshpandé",
          state: "active",
          rules: ["same-person", "same-phone"],
        },
      ],
    });
    expect(await sql`select count(*) from log_entry where log = 'records'`).toEqual(before);
    const except = await node.request("POST", "/registries/people/records:duplicates", {
      token: registrar,
      json: { data: { phone: "919876" }, except: meera.rid! },
    });
    expect(except.body).toEqual({ candidates: [] });
  });

  it("is for staff: whoever is not learns nothing, though the registry is public", async () => {
    expect(refusal(await duplicatesOf({ phone: "919876" }))).toBe("401 authentication_required");
    expect(refusal(await duplicatesOf({ phone: "1" }, await node.token("auditor")))).toBe("403 permission_denied");
  });

  it("keeps no personal value in its index", async () => {
    const rows = await node.database.database.sql<{ value: string }[]>`select value from record_search`;
    expect(rows.length).toBeGreaterThan(3);
    for (const { value } of rows) expect(value).toMatch(/^[A-Za-z0-9_-]{22,43}$/);
  });
});
