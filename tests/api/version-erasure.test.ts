// Erasing one wrong version: all that it said is gone from every table, and everything about the record's other versions is proved as before.
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { deriveLedgerKey, formatLedgerLine } from "../../src/records/writing/ledger-line.ts";
import { createStateVerifier } from "../../src/verification/state-statement.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";
import { expectSoundLog, lastEntries, statusesOf } from "../record-proofs.ts";

let node: TestNode;
let persons: RecordCalls;
let plots: RecordCalls;
let deeds: RecordCalls;
let reader: string;
let registrar: string;

const ACT = { reason: "of another person", instrument: "Order 7 of 2026" };
const KEEP_DAYS = 30;
const text = { type: "string" } as const;
const now = () => Math.floor(Date.now() / 1_000);

beforeAll(async () => {
  node = await startTestNode({ config: () => ({ backups: { keep_days: KEEP_DAYS } }) });
  const registry = definition("persons", {
    access: "consent",
    properties: {
      nationalId: { ...text, "x-unique": true },
      name: { ...text, "x-search": { match: "exact", normal: "name" } },
      village: { ...text, "x-personal": false, "x-search": "prefix" },
      photo: { type: "object", "x-attachment": true },
      paper: { type: "object", "x-attachment": true },
    },
    members: { identifier: "PN-{seq:6}", statistics: [{ name: "by-village", fields: ["village"] }] },
  });
  const open = definition("plots", { properties: { use: { ...text, "x-search": "exact" } } });
  const approved = definition("deeds", { members: { approval: ["approver"] } });
  for (const one of [registry, open, approved]) expect((await node.publish(one)).status).toBe(201);
  persons = await createRecordCalls(node, "persons");
  plots = await createRecordCalls(node, "plots");
  deeds = await createRecordCalls(node, "deeds");
  reader = await node.token("reader");
  registrar = await node.token("registrar");
});

afterAll(() => node?.close());

let codes = 0;

async function upload(bytes: string, registry = "persons"): Promise<JsonObject> {
  const path = `/registries/${registry}/attachments`;
  const headers = { "content-type": "application/pdf" };
  const answer = await node.request("POST", path, { token: registrar, body: `%PDF-1.7\n${bytes}`, headers });
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
}

const erase = (calls: RecordCalls, rid: unknown, version: number, body: JsonObject = { act: ACT }): Promise<Answer> =>
  calls.change(rid, `versions/${version}/erase`, body);

/** Every cell of every table, bytes too as the text that they may hold, and in hexadecimal. */
async function tablesWith(needle: string): Promise<string[]> {
  const { sql } = node.database.database;
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`;
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql.unsafe(`select * from ${name}`);
      const cells = rows.flatMap((row) => Object.values(row as Record<string, unknown>));
      const isIn = (cell: unknown) =>
        cell instanceof Uint8Array
          ? Buffer.from(cell).toString("latin1").includes(needle) || Buffer.from(cell).toString("hex").includes(needle)
          : (typeof cell === "object" ? JSON.stringify(cell) : String(cell)).includes(needle);
      return cells.some(isIn) ? [name] : [];
    }),
  );
  expect(found.length).toBeGreaterThan(10);
  return found.flat();
}

/** A record whose second version was another person's: the first and third say the same. */
async function createMistake() {
  const mark = `V${Date.now().toString(36)}y${codes++}`;
  const right = { nationalId: `${mark}-right`, name: `${mark} Asha`, village: `${mark} Palli` };
  const wrong = { nationalId: `${mark}-wrong`, name: `${mark} Other`, village: `${mark} Wrongtown` };
  const [paper, photo] = [await upload(`${mark} kept`), await upload(`${mark} foreign`)];
  const first = await persons.create({ code: mark, ...right, paper });
  const { rid } = first;
  const second = await persons.patch(
    rid,
    { data: { ...wrong, photo }, valid_from: "2011-02-03", act: { note: `${mark} mixed up` } },
    { "if-match": '"1.0"', "idempotency-key": `${mark}-second` },
  );
  expect(second.status, second.text).toBe(200);
  const back = { data: { ...right, photo: null }, valid_from: null };
  await persons.amend(rid, "2.0", back);
  const [sealed] = await node.database.database.sql<{ hex: string }[]>`
    select encode(sealed, 'hex') as hex from record_version where rid = ${String(rid)} and version = 2`;
  const [jwt = "", ...disclosures] = String(second.body.token).split("~").filter(Boolean);
  return { mark, rid: String(rid), right, wrong, jwt, disclosures, sealed: sealed!.hex, photo, paper };
}

const searchBy = async (field: string, value: string, asOf?: string) => {
  const path = "/registries/persons/records:search";
  const json = { fields: { [field]: value }, ...(asOf && { asOf }) };
  return node.request("POST", path, { token: reader, json });
};

describe("erasing one version", () => {
  it("destroys what it said in every table, in clear and sealed, and keeps what the others say", async () => {
    const life = await createMistake();
    // Or this test would look for nothing.
    expect(await tablesWith(life.jwt)).toEqual(["public.record_version"]);
    expect(await tablesWith(life.sealed)).toEqual(["public.record_version"]);
    expect((await tablesWith(life.wrong.village)).sort()).toEqual(["public.record_statistic"]);
    const size = await expectSoundLog(node);
    const answer = await erase(persons, life.rid, 2);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        rid: life.rid,
        href: `${node.entity}/registries/persons/records/${life.rid}`,
        registry: "persons",
        version: 2,
        state: "erased",
        log_index: size,
        recorded_at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
        backups: { stated: true, held_until: expect.any(String), readable_with: expect.stringContaining("keys.json") },
      },
    ]);
    const { recorded_at: at, backups } = answer.body as { recorded_at: string; backups: { held_until: string } };
    expect(Date.parse(backups.held_until) - Date.parse(at)).toBe(KEEP_DAYS * 86_400_000);
    const gone = [life.jwt, life.jwt.split(".")[1]!, life.sealed, life.wrong.village, ...life.disclosures];
    for (const needle of gone) expect([needle, await tablesWith(needle)]).toEqual([needle, []]);
    const current = await persons.get(life.rid, "", reader);
    expect(current.body).toMatchObject({ version: 3, state: "active", data: life.right });
    expect((await persons.get(life.rid, "?version=1", reader)).body).toMatchObject({ version: 1, data: life.right });
    expect(await statusesOf(node, life.rid)).toEqual([3, 1, 0]);
    expect(await expectSoundLog(node)).toBe(size + 1);
    const [entry] = await lastEntries(node, 1);
    expect(entry!.e).toBe("erase");
  });

  it("leaves nothing by which the record is found by its values, and its own as they were", async () => {
    const life = await createMistake();
    const found = async (field: "nationalId" | "name", value: string, asOf?: string) =>
      ((await searchBy(field, value, asOf)).body.records as JsonObject[]).map(({ rid }) => rid);
    const rows = async () =>
      node.database.database.sql<{ field: string; since: number; until: number }[]>`
        select s.field, s.since, s.until from record_search s join record r on r.first_index = s.first_index where r.rid = ${life.rid}`;
    expect((await rows()).filter(({ since, until }) => since <= 2 && until > 2).length).toBeGreaterThan(2);
    await erase(persons, life.rid, 2);
    const covering = (await rows()).filter(({ since, until }) => since <= 2 && until > 2);
    // Only keys that it had in common with its neighbours stand with the version in which they ended.
    expect(covering).toEqual([]);
    expect(await found("nationalId", life.right.nationalId)).toEqual([life.rid]);
    expect(await found("name", life.right.name)).toEqual([life.rid]);
    expect(await found("name", life.wrong.name)).toEqual([]);
    // The value is free for the person whose it is.
    const other = await persons.create({ code: `${life.mark}b`, ...life.wrong });
    expect(await found("nationalId", life.wrong.nationalId)).toEqual([other.rid]);
  });

  it("destroys the files that no other version holds, and no others", async () => {
    const life = await createMistake();
    const read = (file: JsonObject) => fetch(String(file.href), { headers: { authorization: `Bearer ${reader}` } });
    expect([(await read(life.photo)).status, (await read(life.paper)).status]).toEqual([200, 200]);
    await erase(persons, life.rid, 2);
    expect([(await read(life.photo)).status, (await read(life.paper)).status]).toEqual([404, 200]);
  });

  it("is answered to everybody who asks for it, by number or by time, and hides no other version behind it", async () => {
    const { rid } = await createMistake();
    const { sql } = node.database.database;
    // Days apart, so that they can be asked for by time.
    for (const version of [1, 2, 3])
      await sql`update record_version set recorded_at = ${1_700_000_000 + version * 86_400} where rid = ${rid} and version = ${version}`;
    const day = (version: number) => new Date((1_700_000_000 + version * 86_400) * 1_000).toISOString();
    await erase(persons, rid, 2);
    const ask = async (below: string) => {
      const answer = await persons.get(rid, below, reader);
      return answer.status === 200 ? String(answer.body.version) : refusal(answer);
    };
    expect(await ask("?version=2")).toBe("410 version_erased");
    expect(await ask("?version=4")).toBe("404 version_unknown");
    expect(await ask(`?asOf=${day(1)}`)).toBe("1");
    expect(await ask(`?asOf=${day(2)}`)).toBe("410 version_erased");
    expect(await ask(`?asOf=${day(3)}`)).toBe("3");
    const listed = async (version: number) => {
      const answer = await node.request("GET", `/registries/persons/records?limit=500&asOf=${day(version)}`, {
        token: reader,
      });
      return (answer.body.records as JsonObject[]).filter((one) => one.rid === rid).map((one) => one.version);
    };
    expect([await listed(1), await listed(2), await listed(3)]).toEqual([[1], [], [3]]);
  });

  it("is told apart from the erasure of the record in histories, exports and the ledger", async () => {
    const { rid } = await createMistake();
    const { body: erased } = await erase(persons, rid, 2);
    const history = (await persons.get(rid, "/history", reader)).body;
    expect(history).toMatchObject({
      state: "active",
      entries: [
        { operation: "erase_version", erased_version: 2, state: "active", state_number: 1 },
        { version: 3, compared_with: 1, changes: [] },
        { version: 2, erased: true, act: {}, links: {} },
        { version: 1 },
      ],
    });
    const versions = (await persons.get(rid, "/versions", reader)).body;
    expect(versions).toMatchObject({
      versions: [{ version: 1 }, { version: 2, state: "erased" }, { version: 3 }],
      states: [{ number: 1, operation: "erase_version", erased_version: 2 }],
    });
    expect((versions.versions as JsonObject[])[1]).not.toHaveProperty("token");
    const path = "/registries/persons/records:export?history=true";
    const exported = (await node.request("GET", path, { token: reader })).text
      .split("\n")
      .filter((one) => one.includes(rid));
    expect(exported.map((line) => (JSON.parse(line) as JsonObject).event)).toEqual([
      "version",
      "version",
      "erase_version",
    ]);
    expect(JSON.parse(exported[2]!)).toMatchObject({ erased_version: 2, version: 3, state: "active" });
    const ledger = readFileSync(join(node.node.config.directory, "erasures.ndjson"), "utf8").trim().split("\n");
    expect(JSON.parse(ledger.at(-1)!)).toEqual({
      ...{ rid, registry: "persons", version: 2 },
      ...{ at: erased.recorded_at, log_index: erased.log_index, mac: expect.any(String) },
    });
  });

  it("is refused for the current version, one that is not there, and twice; each says what to do", async () => {
    const { rid } = await createMistake();
    expect(refusal(await erase(persons, rid, 4))).toBe("404 version_unknown");
    const current = await erase(persons, rid, 3);
    expect(refusal(current)).toBe("409 version_current");
    expect(current.text).toContain("amend the record first");
    expect(refusal(await erase(persons, rid, 1, {}))).toBe("422 act_incomplete");
    expect((await erase(persons, rid, 2)).status).toBe(200);
    expect(refusal(await erase(persons, rid, 2))).toBe("410 version_erased");
    await persons.change(rid, "end", {});
    expect((await erase(persons, rid, 3)).text).toContain("erase the whole record");
    expect(refusal(await persons.change(rid, "erase", { act: ACT }))).toBe("200 undefined");
    expect(refusal(await erase(persons, rid, 1))).toBe("410 record_erased");
  });

  it("is done once, whatever is sent once more: the erasure, and the request that made the version", async () => {
    const { mark, rid, wrong, photo } = await createMistake();
    const headers = { "idempotency-key": `${mark}-erase` };
    const path = `versions/2/erase`;
    const [one, two] = [
      await persons.change(rid, path, { act: ACT }, headers),
      await persons.change(rid, path, { act: ACT }, headers),
    ];
    expect(two.body).toEqual(one.body);
    const again = await persons.patch(
      rid,
      { data: { ...wrong, photo }, valid_from: "2011-02-03", act: { note: `${mark} mixed up` } },
      { "if-match": '"1.0"', "idempotency-key": `${mark}-second` },
    );
    expect(refusal(again)).toBe("410 version_erased");
  });

  it("holds back no later change, and leaves the record's state as it is", async () => {
    const { rid } = await createMistake();
    await persons.change(rid, "suspend", {});
    await erase(persons, rid, 2);
    expect((await persons.get(rid, "", reader)).body).toMatchObject({ state: "suspended", version: 3 });
    expect((await persons.change(rid, "reinstate", {})).body).toMatchObject({ state: "active" });
    await persons.amend(rid, "3.3", { data: { village: "Elsewhere" } });
    expect(await statusesOf(node, rid)).toEqual([3, 1, 3, 0]);
    await expectSoundLog(node);
  });

  it("is no state: a record that was replaced still names its successors, whoever asks", async () => {
    const { rid, href } = await plots.create({ code: `S${codes++}`, name: "One" });
    await plots.amend(rid, "1.0", { data: { name: "Two" } });
    const successor = await plots.create({ code: `S${codes++}`, name: "Three" });
    expect((await plots.change(rid, "replace", { by: [successor.href!], act: ACT })).status).toBe(200);
    expect((await erase(plots, rid, 1)).status).toBe(200);
    const told = { state: "replaced", replaced_by: [successor.href] };
    expect((await plots.get(rid)).body).toMatchObject(told);
    expect((await plots.get(rid, `?asOf=${new Date().toISOString()}`)).body).toMatchObject(told);
    const path = "/registries/plots/records:export?states=replaced";
    const [line] = (await node.request("GET", path)).text.split("\n").filter((one) => one.includes(String(href)));
    expect(JSON.parse(line!)).toMatchObject({ record: told });
    const { body } = await node.request("POST", "/records:read", { json: { references: [{ href: href! }] } });
    expect(body.records).toMatchObject([{ outcome: "record_replaced", state: { operation: "replace", number: 1 } }]);
  });

  it("waits for approval where others approve, and takes what was approved of the version along", async () => {
    const approver = await node.token("approver", { name: "Second Eyes" });
    const approve = async ({ body }: Answer): Promise<JsonObject> => {
      const { href } = body.proposal as { href: string };
      const path = `${href.slice(node.entity.length)}/approve`;
      const answer = await node.request("POST", path, { token: approver, json: {} });
      expect(answer.status, answer.text).toBe(200);
      return answer.body;
    };
    const mark = `D${codes++}`;
    const created = await approve(await deeds.post({ data: { code: mark, name: "Right" } }));
    const { rid } = created.result as { rid: string };
    const etag = (value: string) => ({ "if-match": value });
    const second = await approve(await deeds.patch(rid, { data: { name: `${mark} foreign` } }, etag('"1.0"')));
    await approve(await deeds.patch(rid, { data: { name: "Right" } }, etag('"2.0"')));
    const asked = await erase(deeds, rid, 2);
    expect([asked.status, asked.body]).toMatchObject([202, { proposal: { kind: "erase_version" } }]);
    expect((await deeds.get(rid, "?version=2")).status).toBe(200);
    const done = await approve(asked);
    expect(done).toMatchObject({ state: "done", result: { rid, version: 2, state: "erased" } });
    expect(refusal(await deeds.get(rid, "?version=2"))).toBe("410 version_erased");
    const { sql } = node.database.database;
    const [proposal] = await sql<{ bytes: number }[]>`
      select octet_length(sealed) as bytes from proposal where id = ${String(second.id)}`;
    expect(proposal!.bytes).toBe(0);
  });
});

describe("what is proved afterwards", () => {
  const pin = () => [node.pin(["plots"])];

  async function createPlot() {
    const { rid, href } = await plots.create({ code: `P${codes++}`, name: "One", use: "field" });
    await plots.amend(rid, "1.0", { data: { name: "Wrong", use: "mine" } });
    await plots.amend(rid, "2.0", { data: { name: "One", use: "field" } });
    const [before] = [await plots.get(rid, "/evidence?version=2")];
    expect((await erase(plots, rid, 2)).status).toBe(200);
    return { rid: String(rid), href: String(href), before };
  }

  const verify = (evidence: JsonObject, version: number) => {
    const required = ["signature", "issuer", "authority", "schema", "inclusion"] as const;
    const verifier = createVerifier({ anchors: pin(), statusMaxAgeSeconds: 300, required });
    return verifier.verify(evidence, { now: now(), expected: { version } });
  };

  it("the other versions verify, with their receipts, and the later one still names the erased one's digest", async () => {
    const { rid, before } = await createPlot();
    for (const version of [1, 3]) {
      const { body } = await plots.get(rid, `/evidence?version=${version}`);
      const report = await verify(body, version);
      expect([version, report.valid, report.checks.find(({ check }) => check === "inclusion")?.result]).toEqual([
        version,
        true,
        "pass",
      ]);
    }
    const third = (await plots.get(rid, "/evidence?version=3")).body;
    const jwtOf = (token: unknown) => String(token).split("~")[0]!;
    const { prev } = JSON.parse(Buffer.from(jwtOf(third.token).split(".")[1]!, "base64url").toString()) as JsonObject;
    expect(prev).toBe(createHash("sha256").update(jwtOf(before.body.token)).digest("base64url"));
  });

  it("the erased version, which somebody kept, is invalid by its status list from then on", async () => {
    const { rid, before } = await createPlot();
    const verifier = createVerifier({ anchors: pin(), statusMaxAgeSeconds: 300 });
    const judge = async () => {
      const { status } = (await plots.get(rid, "/evidence?version=3")).body;
      const report = await verifier.verify({ ...before.body, status: status! }, { now: now() });
      return [report.valid, report.checks.find(({ check }) => check === "status")!.code];
    };
    // Lists are signed every few seconds.
    await expect.poll(judge, { timeout: 10_000 }).toEqual([false, "status_revoked"]);
    for (const below of ["/evidence?version=2", "/receipt?version=2"])
      expect(refusal(await plots.get(rid, below))).toBe("410 version_erased");
  });

  it("the statement says which version, and passes neither for the end of the record nor for that of another version", async () => {
    const { rid, href } = await createPlot();
    const read = async (version: number) =>
      (
        (await node.request("POST", "/records:read", { json: { references: [{ href, version }] } })).body
          .records as JsonObject[]
      )[0]!;
    expect(await read(1)).toMatchObject({ outcome: "found" });
    const answered = await read(2);
    expect(answered).toMatchObject({ outcome: "version_erased", state: { operation: "erase_version", number: 1 } });
    const evidence = await plots.get(rid, "/evidence");
    const chain = await verifyTrustChain({
      ...{ statements: evidence.body.chain as string[], anchors: pin(), now: now() },
    });
    const statement = await createStateVerifier()(answered.state as never, { chain, href });
    expect(statement).toMatchObject({ operation: "erase_version", erasedVersion: 2, version: 3 });
    const receipt = (await plots.get(rid, "/receipt?state=1")).text;
    expect(receipt).toContain("c2sp.org/tlog-proof");
    const states = { ...(answered.state as JsonObject), number: 2 };
    await expect(createStateVerifier()(states as never, { chain, href })).rejects.toMatchObject({
      message: expect.stringContaining("tag_mismatch"),
    });
  });
});

describe("a database that was restored from a backup", () => {
  it("holds what the ledger names no longer than until the next start, whoever approves and whatever held it then", async () => {
    const approver = await node.token("approver", { name: "Second Eyes" });
    const approve = async ({ body }: Answer) => {
      const { href } = body.proposal as { href: string };
      const path = `${href.slice(node.entity.length)}/approve`;
      return (await node.request("POST", path, { token: approver, json: {} })).body.result as { rid: string };
    };
    const whole = (await approve(await deeds.post({ data: { code: `R${codes++}`, name: "Returned" } }))).rid;
    const part = await createMistake();
    const untouched = await createMistake();
    const json = { case: "C 1", act: { instrument: "Order 1" } };
    const path = `/registries/deeds/records/${whole}/hold`;
    expect((await node.request("POST", path, { token: approver, json })).status).toBe(200);
    // To the node that is what a restore looks like: the ledger, which is kept apart, names what the database holds.
    const at = Date.parse("2026-01-01T00:00:00.000Z") / 1_000;
    const gone = "4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60";
    const lines = [
      { rid: whole, registry: "deeds", at, logIndex: 900_001 },
      { rid: part.rid, registry: "persons", version: 2, at, logIndex: 900_002 },
      { rid: gone, registry: "persons", at, logIndex: 900_003 },
    ];
    const key = deriveLedgerKey(node.secrets.pseudonymKey);
    // What others than the node wrote: without its code, with that of another line, by another key.
    const other = { rid: untouched.rid, registry: "persons", version: 2, at, logIndex: 900_004 };
    const { mac: _mac, ...bare } = JSON.parse(formatLedgerLine(key, other)) as JsonObject;
    const { mac } = JSON.parse(formatLedgerLine(key, lines[1]!)) as JsonObject;
    const foreign = [
      JSON.stringify(bare),
      JSON.stringify({ ...bare, mac: mac! }),
      formatLedgerLine(new Uint8Array(32), other),
      JSON.stringify({ ...bare, rid: "no record" }),
    ];
    const ledger = join(node.node.config.directory, "erasures.ndjson");
    appendFileSync(ledger, [...lines.map((line) => formatLedgerLine(key, line)), ...foreign].join("\n"));
    await node.restart();
    const outcome = async () => [
      refusal(await deeds.get(whole)),
      refusal(await persons.get(part.rid, "?version=2", reader)),
      (await persons.get(part.rid, "", reader)).status,
      (await persons.get(untouched.rid, "?version=2", reader)).status,
    ];
    const expected = ["410 record_erased", "410 version_erased", 200, 200];
    await expect.poll(outcome, { timeout: 10_000 }).toEqual(expected);
    expect(await tablesWith(part.sealed)).toEqual([]);
    const history = (await persons.get(part.rid, "/history", reader)).body.entries as JsonObject[];
    expect(history[0]).toMatchObject({ operation: "erase_version", act: { reason: "restore", role: "operator" } });
    const size = await expectSoundLog(node);
    // Once, not at every start.
    await node.restart();
    expect(await outcome()).toEqual(expected);
    expect(await expectSoundLog(node)).toBe(size);
  });
});
