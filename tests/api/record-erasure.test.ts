// Erasing a record: everything personal is gone from every table, what is left proves that it was there and that it was erased.
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { createRecordSealer } from "../../src/records/record-sealer.ts";
import { createErasureLedger } from "../../src/records/writing/erasure-ledger-service.ts";
import { deriveLedgerKey } from "../../src/records/writing/ledger-line.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";
import { expectSoundLog, statusesOf } from "../record-proofs.ts";

let node: TestNode;
let persons: RecordCalls;
let plots: RecordCalls;
let reader: string;

const ACT = { reason: "court order", instrument: "Order 7 of 2026" };
const text = { type: "string" } as const;

beforeAll(async () => {
  node = await startTestNode();
  const registry = definition("persons", {
    access: "consent",
    properties: {
      nationalId: { ...text, "x-unique": true },
      name: { ...text, "x-search": { match: "exact", normal: "name" } },
      village: { ...text, "x-personal": false, "x-search": "prefix" },
      born: { ...text, format: "date" },
      spouse: { ...text, "x-reference": { type: "persons", onWrite: "accept" } },
    },
    members: {
      identifier: "PN-{seq:6}",
      duplicates: [{ name: "same-person", fields: ["name", "born"] }],
      statistics: [{ name: "by-village", fields: ["village"] }],
    },
  });
  for (const one of [registry, definition("plots")]) expect((await node.publish(one)).status).toBe(201);
  persons = await createRecordCalls(node, "persons");
  plots = await createRecordCalls(node, "plots");
  reader = await node.token("reader");
});

afterAll(() => node?.close());

let codes = 0;

/** A person whose every value is found nowhere else, with versions, states, retries and a correction behind it. */
async function createLife() {
  const mark = `Q${Date.now().toString(36)}x${codes++}`;
  const values = { code: `${mark}-code`, nationalId: `${mark}-id`, name: `${mark} Asha`, village: `${mark} Palli` };
  const spouse = `https://${mark.toLowerCase()}.example/registries/persons/records/0cb11923-a505-895a-8c5c-1d5a4e2e57e9`;
  const created = await persons.post(
    { data: { ...values, born: "1961-07-19", spouse }, valid_from: "2001-01-01", act: { note: `${mark} said so` } },
    { "idempotency-key": `${mark}-create` },
  );
  expect(created.status, created.text).toBe(201);
  const { rid } = created.body;
  const second = await persons.amend(rid, "1.0", {
    data: { name: `${mark} Usha` },
    act: { reason: `${mark} married` },
  });
  const third = await persons.amend(rid, "2.0", {
    data: { name: `${mark} Maiden` },
    valid_from: null,
    valid_until: "2000-12-31",
  });
  await persons.change(
    rid,
    "suspend",
    { act: { instrument: `${mark} paper` } },
    { "idempotency-key": `${mark}-suspend` },
  );
  await persons.change(rid, "reinstate");
  const jwts = [created.body, second, third].map(({ token }) => String(token).split("~")[0]!);
  return {
    mark,
    rid: String(rid),
    identifier: String(created.body.identifier),
    jwts,
    data: { ...values, born: "1961-07-19" },
  };
}

/** Every cell of every table, as text; bytes as the text that they may hold, too. */
async function dumpDatabase(): Promise<{ table: string; text: string }[]> {
  const { sql } = node.database.database;
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`;
  const dumps = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql.unsafe(`select * from ${name}`);
      const cells = rows.flatMap((row) => Object.values(row as Record<string, unknown>));
      const texts = cells.map((cell) =>
        cell instanceof Uint8Array
          ? Buffer.from(cell).toString("latin1")
          : typeof cell === "object"
            ? JSON.stringify(cell)
            : String(cell),
      );
      return { table: name, text: texts.join("\n") };
    }),
  );
  expect(dumps.length).toBeGreaterThan(10);
  return dumps;
}

async function tablesWith(needle: string): Promise<string[]> {
  return (await dumpDatabase()).filter((dump) => dump.text.includes(needle)).map(({ table }) => table);
}

/** Rows of these tables that still point to the record. */
async function rowsOf(rid: string): Promise<Record<string, number>> {
  const { sql } = node.database.database;
  const [row] = await sql<Record<string, number>[]>`
    select (select count(*) from record_key where rid = ${rid})::int as keys,
      (select count(*) from record_search s join record r on r.first_index = s.first_index where r.rid = ${rid})::int as search,
      (select count(*) from idempotency where rid = ${rid} and request <> '')::int as answers,
      (select count(*) from reference_watch where rid = ${rid})::int as watched,
      (select count(*) from record_version where rid = ${rid})::int as versions,
      (select count(*) from record_version where rid = ${rid} and (jwt is not null or sealed is not null or valid_from is not null or valid_until is not null))::int as contents,
      (select count(*) from record_state where rid = ${rid} and operation <> 'erase' and sealed is not null)::int as disclosures,
      (select count(*) from record where rid = ${rid} and (sealed_key is not null or identifier is not null))::int as secrets`;
  return row!;
}

describe("erasing", () => {
  it("destroys every value, key, token and answer of the record in every table, and its log still audits", async () => {
    const life = await createLife();
    expect(await rowsOf(life.rid)).toMatchObject({
      versions: 4,
      contents: 4,
      disclosures: 2,
      secrets: 1,
      answers: 2,
      watched: 1,
    });
    // What stands open is to be seen before, or this test would look for nothing.
    expect(await tablesWith(life.identifier)).toContain("public.record");
    expect(await tablesWith(life.jwts[0]!)).toContain("public.record_version");
    const size = await expectSoundLog(node);
    const answer = await persons.change(life.rid, "erase", { act: ACT });
    expect(answer.body).toEqual({
      rid: life.rid,
      href: `${node.entity}/registries/persons/records/${life.rid}`,
      registry: "persons",
      state: "erased",
      log_index: size,
      recorded_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
      // Nobody said for how long backups are kept.
      backups: {
        stated: false,
        readable_with: expect.stringContaining("keys.json"),
        mend: expect.stringContaining("keep_days"),
      },
    });
    expect(await rowsOf(life.rid)).toEqual({
      keys: 0,
      search: 0,
      answers: 0,
      watched: 0,
      versions: 4,
      contents: 0,
      disclosures: 0,
      secrets: 0,
    });
    const kept = [life.identifier, ...life.jwts, ...life.jwts.map((jwt) => jwt.split(".")[1]!)];
    for (const needle of [life.mark, life.mark.toLowerCase(), ...kept])
      expect([needle, await tablesWith(needle)]).toEqual([needle, []]);
    expect(await statusesOf(node, life.rid)).toEqual([1, 1, 1, 1]);
    expect(await expectSoundLog(node)).toBe(size + 1);
  });

  it("leaves the record's rid, and no way to read it: 410 to everybody who asks", async () => {
    const { rid } = await createLife();
    await persons.change(rid, "erase", { act: ACT });
    for (const below of ["", "?version=1", "/evidence", "/receipt"]) {
      const answer = await persons.get(rid, below, reader);
      expect([below, refusal(answer)]).toEqual([below, "410 record_erased"]);
    }
    const plot = await plots.create({ code: `E${codes++}`, name: "Plot" });
    await plots.change(plot.rid, "erase", { act: ACT });
    for (const below of ["", "/evidence", "/receipt"])
      expect(refusal(await plots.get(plot.rid, below))).toBe("410 record_erased");
  });

  it("is not undone by a request that is sent once more", async () => {
    const token = await node.token("registrar");
    const headers = { "idempotency-key": "sent-twice" };
    const send = (data: JsonObject) =>
      node.request("POST", "/registries/persons/records", { token, json: { data, act: ACT }, headers });
    const data = { code: "twice", name: "Sent Twice" };
    const created = await send(data);
    expect(created.status, created.text).toBe(201);
    expect((await persons.change(created.body.rid, "erase", { act: ACT })).status).toBe(200);
    expect(refusal(await send(data))).toBe("410 record_erased");
    const { sql } = node.database.database;
    const rows =
      await sql`select 1 from record where registry = 'persons' and rid <> ${String(created.body.rid)} and first_index > ${Number(created.body.log_index)}`;
    expect(rows).toHaveLength(0);
  });

  it("takes the record out of lists, searches and counts", async () => {
    const life = await createLife();
    await persons.change(life.rid, "erase", { act: ACT });
    const listed = await node.request("GET", "/registries/persons/records?limit=500", { token: reader });
    expect(listed.text).not.toContain(life.rid);
    const [counts] = await node.database.database.sql<{ active: number; counted: number }[]>`
      select (select count(*) from record where registry = 'persons' and state = 'active')::int as active,
        (select count from record_statistic where registry = 'persons' and name = '' and cell = 'active')::int as counted`;
    expect(counts!.counted).toBe(counts!.active);
  });

  it("frees what was unique, so that the person can be entered anew", async () => {
    const life = await createLife();
    await persons.change(life.rid, "erase", { act: ACT });
    const again = await persons.post({ data: life.data });
    expect([again.status, again.text]).toEqual([201, expect.any(String)]);
    expect(again.body.rid).not.toBe(life.rid);
  });

  it("keeps who did it and by which right, sealed by the node's own key", async () => {
    const { rid } = await createLife();
    await persons.change(rid, "erase", { act: ACT });
    const [row] = await node.database.database.sql<{ number: number; sealed: Uint8Array }[]>`
      select number, sealed from record_state where rid = ${rid} and operation = 'erase'`;
    const sealer = createRecordSealer({ entity: node.entity, nodeKey: node.secrets.wrappingKey });
    const { disclosures } = sealer.openErasure({ rid, ...row! });
    const said = disclosures.map((one) => JSON.parse(Buffer.from(one, "base64url").toString()) as string[]);
    expect(said.map(([, name]) => name).sort()).toEqual(["by", "instrument", "reason"]);
    expect(said.flat()).toContain(ACT.instrument);
  });

  it("is done once by one of several, and nothing that is under way brings content back", async () => {
    for (let round = 0; round < 5; round++) {
      const life = await createLife();
      const etag = { "if-match": '"4.2"' };
      const answers = await Promise.all([
        persons.change(life.rid, "erase", { act: ACT }),
        persons.patch(life.rid, { data: { name: `${life.mark} Late` } }, etag),
        persons.change(life.rid, "end", {}),
        persons.change(life.rid, "erase", { act: ACT }),
      ]);
      const states = await node.database.database.sql<
        { state: string }[]
      >`select state from record where rid = ${life.rid}`;
      if (states[0]!.state !== "erased") await persons.change(life.rid, "erase", { act: ACT });
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
      expect(await rowsOf(life.rid)).toMatchObject({
        keys: 0,
        search: 0,
        answers: 0,
        contents: 0,
        disclosures: 0,
        secrets: 0,
      });
    }
    await expectSoundLog(node);
  });
});

describe("the erasure ledger", () => {
  const ledgerPath = () => join(node.node.config.directory, "erasures.ndjson");
  const readLedger = () =>
    readFileSync(ledgerPath(), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as JsonObject);
  const ledgerKey = () => deriveLedgerKey(node.secrets.pseudonymKey);
  const open = (path: string) =>
    createErasureLedger({
      path,
      key: ledgerKey(),
      database: node.database.database,
      logger: { error: () => undefined },
    });

  it("has a line per erasure, with nothing personal in it, before the erasure is answered", async () => {
    const { rid, mark } = await createLife();
    const { body } = await persons.change(rid, "erase", { act: ACT });
    expect(readLedger().at(-1)).toEqual({
      rid,
      registry: "persons",
      at: String(body.recorded_at),
      log_index: body.log_index,
      mac: expect.any(String),
    });
    expect(readFileSync(ledgerPath(), "utf8")).not.toContain(mark);
  });

  it("is made complete at start: from nothing, after a lost line and after one that a crash cut short", async () => {
    const all = readLedger();
    expect(all.length).toBeGreaterThan(5);
    const path = join(node.node.config.directory, "again.ndjson");
    const linesOf = () =>
      readFileSync(path, "utf8")
        .split("\n")
        .flatMap((line) => (line.endsWith("}") ? [(JSON.parse(line) as JsonObject).log_index as number] : []))
        .sort((a, b) => a - b);
    const expected = all.map((line) => line.log_index as number).sort((a, b) => a - b);
    expect(existsSync(path)).toBe(false);
    expect(await open(path).reconcile()).toBe(all.length);
    expect(linesOf()).toEqual(expected);
    expect(await open(path).reconcile()).toBe(0);
    writeFileSync(
      path,
      all
        .filter((_, at) => at !== 2)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(""),
    );
    appendFileSync(path, '{"rid":"cut sho');
    expect(await open(path).reconcile()).toBe(1);
    expect(linesOf()).toEqual(expected);
    // Lines of before they had a code: what the database knows is added with one.
    writeFileSync(path, all.map(({ mac: _mac, ...line }) => `${JSON.stringify(line)}\n`).join(""));
    expect(await open(path).reconcile()).toBe(all.length);
    expect(await open(path).reconcile()).toBe(0);
  });

  it("that cannot be written fails no erasure: what is missing is added once it can be", async () => {
    const faults: unknown[] = [];
    const directory = join(node.node.config.directory, "not-yet-there");
    const path = join(directory, "erasures.ndjson");
    const ledger = createErasureLedger({
      path,
      key: ledgerKey(),
      database: node.database.database,
      logger: { error: (...what: unknown[]) => void faults.push(what) },
    });
    await ledger.add({ rid: "x", registry: "persons", at: 0, logIndex: 1 });
    expect(faults).toHaveLength(1);
    await expect(ledger.reconcile()).rejects.toThrow();
    mkdirSync(directory);
    expect(await ledger.reconcile()).toBe(readLedger().length);
    expect(await ledger.reconcile()).toBe(0);
    // An erasure of another process, which died before it could add it.
    const { rid } = await createLife();
    await persons.change(rid, "erase", { act: ACT });
    expect(await ledger.reconcile()).toBe(1);
    expect(JSON.parse(readFileSync(path, "utf8").trim().split("\n").at(-1)!)).toMatchObject({ rid });
  });
});
