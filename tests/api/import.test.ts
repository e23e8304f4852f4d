// The bulk route on one node: what becomes of each row, and that one bad row holds up no other.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

let node: TestNode;
let registrar: string;

async function importRows(
  rows: readonly unknown[],
  query = "",
  { key, token = registrar, registry = "wells" }: { key?: string; token?: string; registry?: string } = {},
): Promise<JsonObject[]> {
  const answer = await node.request("POST", `/registries/${registry}/records:import${query}`, {
    token,
    headers: { "content-type": "application/x-ndjson", ...(key && { "idempotency-key": key }) },
    body: rows.map((row) => `${typeof row === "string" ? row : JSON.stringify(row)}\n`).join(""),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);
}

const row = (code: string, name = "Well") => ({ data: { code, name } });
const told = (outcomes: JsonObject[]) => outcomes.map(({ outcome, code }) => (code === undefined ? outcome : code));

beforeAll(async () => {
  node = await startTestNode();
  registrar = await node.token("registrar");
  expect((await node.publish(definition("wells"))).status).toBe(201);
});

afterAll(async () => node?.close());

describe("an import", () => {
  it("answers each row for itself, in order", async () => {
    const outcomes = await importRows([row("1"), "{broken", { data: { code: "2" } }, row("1", "again"), row("3")]);
    expect(told(outcomes)).toEqual(["created", "json_invalid", "record_invalid", "value_not_unique", "created"]);
  });

  it("changes nothing the second time, and amends only where it is told to", async () => {
    await importRows([row("10")]);
    expect(told(await importRows([row("10"), row("10", "Spring")]))).toEqual(["unchanged", "value_not_unique"]);
    expect(told(await importRows([row("10", "Spring")]))).toEqual(["value_not_unique"]);
    expect(told(await importRows([row("10", "Spring")], "?mode=upsert"))).toEqual(["amended"]);
  });

  it("leaves what the rows do not fill as it is, and takes away what they fill with nothing", async () => {
    const registry = "springs";
    const address = {
      type: "object",
      additionalProperties: false,
      properties: { city: { type: "string" }, street: { type: "string" } },
    };
    const properties = { address, note: { type: "string" }, depth: { type: "integer" } };
    const published = await node.publish(definition(registry, { properties }));
    expect(published.status, published.text).toBe(201);
    const whole = {
      data: { code: "1", name: "Old", note: "kept", depth: 7, address: { city: "Jaipur", street: "kept" } },
      valid_from: "2020-01-01",
    };
    const [{ rid }] = (await importRows([whole], "", { registry })) as [JsonObject];
    const fills = "fills=data.code,data.name,data.depth,data.address.city";
    const part = { data: { code: "1", name: "New", address: { city: "Kota" } } };
    const told = async (query: string) => (await importRows([part], query, { registry }))[0]!;
    expect(await told(`?mode=upsert&${fills}&dryRun=true`)).toMatchObject({ outcome: "amended", rid });
    expect(await told(`?mode=upsert&${fills}`)).toMatchObject({ outcome: "amended", rid });
    const read = await node.request("GET", `/registries/${registry}/records/${String(rid)}`, { token: registrar });
    expect(read.body).toMatchObject({ valid_from: "2020-01-01", version: 2 });
    expect(read.body.data).toEqual({
      code: "1",
      name: "New",
      note: "kept",
      address: { city: "Kota", street: "kept" },
    });
    // The same file again changes nothing, in the mode create neither.
    expect(await told(`?mode=upsert&${fills}`)).toMatchObject({ outcome: "unchanged" });
    expect(await told(`?${fills}`)).toMatchObject({ outcome: "unchanged" });
    expect(await told("")).toMatchObject({ code: "value_not_unique" });
  });

  it("refuses by name a row that with the fields that are kept no longer follows the definition", async () => {
    const registry = "gauges";
    const kind = { type: "string", enum: ["deep", "flat"] };
    const base = definition(registry, { properties: { kind, depth: { type: "integer" } } });
    const dependent = { not: { properties: { kind: { const: "flat" } }, required: ["kind", "depth"] } };
    await node.publish({ ...base, schema: { ...(base.schema as JsonObject), ...dependent } });
    await importRows([{ data: { code: "1", name: "G", kind: "deep", depth: 9 } }], "", { registry });
    const flat = { data: { code: "1", name: "G", kind: "flat" } };
    const [outcome] = await importRows([flat], "?mode=upsert&fills=data.code,data.name,data.kind", { registry });
    expect(outcome).toMatchObject({ outcome: "refused", code: "record_invalid" });
  });

  it.each(["", "name", "data", "data..x", "data.x,data.x", "act", "valid_from,"])(
    "refuses to fill %j",
    async (fills) => {
      const answer = await node.request("POST", `/registries/wells/records:import?fills=${fills}`, {
        token: registrar,
        headers: { "content-type": "application/x-ndjson" },
        body: '{"data":{"code":"9","name":"x"}}\n',
      });
      expect(answer.body).toMatchObject({ status: 400, code: "query_invalid" });
    },
  );

  it("only foretells in a dry run", async () => {
    expect(told(await importRows([row("20")], "?dryRun=true"))).toEqual(["created"]);
    expect(told(await importRows([row("20")]))).toEqual(["created"]);
  });

  it("makes a new record of a row whose record was revoked, and none of one whose record is over", async () => {
    const registrarCalls = (rid: unknown, operation: string) =>
      node.request("POST", `/registries/wells/records/${String(rid)}/${operation}`, { token: registrar, json: {} });
    const [wrong, over] = await importRows([row("30"), row("31")]);
    expect((await registrarCalls(wrong!.rid, "revoke")).status).toBe(200);
    expect((await registrarCalls(over!.rid, "end")).status).toBe(200);
    const again = await importRows([row("30"), row("31")]);
    expect(told(again)).toEqual(["created", "state_conflict"]);
    expect(again[0]!.rid).not.toBe(wrong!.rid);
    expect(told(await importRows([row("30"), row("31")], "?mode=upsert"))).toEqual(["unchanged", "state_conflict"]);
  });
});

describe("an import that is named", () => {
  const kept = async () => {
    const rows = await node.database.database.sql<{ count: number }[]>`select count(*)::int as count from idempotency`;
    return rows[0]!.count;
  };
  const bare = (name: string) => ({ data: { name } });

  beforeAll(async () => {
    const notes = definition("notes");
    const { properties } = notes.schema as { properties: JsonObject };
    properties.code = { type: "string" };
    (notes.schema as JsonObject).required = ["name"];
    expect((await node.publish(notes)).status).toBe(201);
  });

  it("writes a row once, in whatever batch it comes again and with whichever token of the same name", async () => {
    const registry = "notes";
    const rows = ["a", "b", "c"].map((name, at) => ({ ...bare(name), row: at + 2 }));
    const first = await importRows(rows, "", { key: "one", registry });
    const again = await importRows([rows[2], { ...bare("d"), row: 9 }, rows[0]], "", {
      key: "one",
      registry,
      token: await node.token("registrar"),
    });
    expect(again[0]).toEqual(first[2]);
    expect(again[2]).toEqual(first[0]);
    expect(told(again)).toEqual(["created", "created", "created"]);
    expect(again[1]!.rid).not.toBe(first[1]!.rid);
    const other = await importRows([rows[0]], "", { key: "two", registry });
    expect(other[0]!.rid).not.toBe(first[0]!.rid);
  });

  it("refuses another row under a name that was used, and calls created what it had created", async () => {
    const [created] = await importRows([row("40")], "", { key: "three" });
    expect(await importRows([row("40")], "", { key: "three" })).toEqual([created]);
    expect(told(await importRows([row("41")], "", { key: "three" }))).toEqual(["idempotency_key_reused"]);
    expect(told(await importRows([row("40")], "", { key: "four" }))).toEqual(["unchanged"]);
    const [amended] = await importRows([row("40", "Spring")], "?mode=upsert", { key: "five" });
    expect(amended!.outcome).toBe("amended");
    expect(await importRows([row("40", "Spring")], "?mode=upsert", { key: "five" })).toEqual([amended]);
  });

  it("makes one record of rows that are sent twice at the same time", async () => {
    const rows = Array.from({ length: 40 }, (_, at) => ({ ...bare(`n${at}`), row: at }));
    const send = () => importRows(rows, "", { key: "six", registry: "notes" });
    const [one, two] = await Promise.all([send(), send()]);
    expect(two).toEqual(one);
    expect(told(one)).toEqual(rows.map(() => "created"));
  });

  it("keeps nothing where no name is given, nor in a dry run", async () => {
    const before = await kept();
    await importRows([row("50")]);
    await importRows([row("51")], "?dryRun=true", { key: "seven" });
    expect(await kept()).toBe(before);
    await importRows([row("51")], "", { key: "seven" });
    expect(await kept()).toBe(before + 1);
  });

  it("takes what an export tells of an active record, and refuses one of another state", async () => {
    const exported = (code: string, state: string) => ({ ...row(code), record: { href: "https://elsewhere", state } });
    expect(told(await importRows([exported("60", "active"), exported("61", "ended")]))).toEqual([
      "created",
      "record_invalid",
    ]);
  });
});
