// The sealing keys are replaced while the node works: nothing is lost from sight, no unique value is taken twice, and in the end nothing goes by the old ones.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { checkSealingKeys } from "../../src/records/sealing/sealing-guard-service.ts";
import {
  addSealingGeneration,
  dropFormerSealing,
  generateSecrets,
  parseSecrets,
  restoreFormerSealing,
} from "../../src/secrets.ts";
import { connectDatabase } from "../../src/storage/database.ts";
import { caughtCode } from "../caught-code.ts";
import { type Answer, startTestNode, type TestNode } from "../node-fixture.ts";
import { refusal } from "../record-calls.ts";
import { BIRTHS, type BirthCalls, createBirthCalls, DEEDS, listKeyedTexts, rotationOf } from "../sealing-world.ts";

const DAY = 86_400;
const START = 1_790_000_000;
const FIRST_DAY = new Date((START + 10) * 1_000).toISOString();
let now = START;
const clock = () => now;
let node: TestNode;
let births: BirthCalls;
let first: JsonObject;
let second: JsonObject;
const rids: Record<string, unknown> = {};
let before: string[] = [];
let paper: JsonObject;
let once: Answer;
const ONCE = { code: "once", name: "Once", district: "west", mother: "M-once", mail: "once@example.org" };

/** What the steps of the rotation change (sealing-steps-service.ts). */
const MADE_ANEW = [
  "record.sealed_key",
  "record_state.sealed",
  "record_key.digest",
  "record_search.value",
  "record_statistic.cell",
  "record_statistic.label",
  "attachment.key",
  "attachment.sealed",
  "attachment.sealed_key",
  "attachment.sealed_name",
  "attachment_hold.key",
  "proposal.sealed_key",
  "access_subject.digest",
  "access_subject.sealed_key",
  "consent.subject_digest",
  "consent.sealed_key",
];
/** What is found by either generation until its day is over. */
const PASSING = [
  "answer_budget.digest",
  "idempotency.digest",
  "idempotency.request",
  "proposal.digest",
  "proposal.request",
];
/** Data keys, hashes that no key is in, what stands open. */
const OF_OTHER_KEYS = [
  "record_hold.released",
  "record_hold.sealed",
  "access_event.request",
  "access_event.sealed",
  "access_subject.delayed_last_digest",
  "access_subject.last_digest",
  "access_subject.sealed",
  "asked_consent.requested_at",
  "asked_consent.requested_fields",
  "citizen_session.sealed",
  "citizen_session.secret_hash",
  "consent.request",
  "consent.requested_at",
  "consent.sealed",
  "notification_choice.sealed",
  "share.sealed",
  "question.answer",
  "question.sealed",
  "attestry_migrations.hash",
  "chain_archive.digest",
  "enrolment_code.digest",
  "key_event.digest",
  "log_entry.entry",
  "log_entry.leaf_hash",
  "log_entry.tag",
  "log_state.root",
  "log_tile.hashes",
  "log_tile.root",
  "proposal.sealed",
  "record_version.sealed",
  "session.secret_hash",
  "staff_token.secret_hash",
  "status_value.value",
  "trust_mark.digest",
];

const sealing = (unlocked: JsonObject) => parseSecrets(unlocked).sealing;
const check = (unlocked: JsonObject) => checkSealingKeys(node.database.database, sealing(unlocked));

beforeAll(async () => {
  node = await startTestNode({ clock });
  for (const one of [BIRTHS, DEEDS]) {
    const published = await node.publish(one);
    expect(published.status, published.text).toBe(201);
  }
  births = await createBirthCalls(node);
  paper = await births.upload("certificate of b1");
  for (let at = 1; at <= 9; at++) {
    const district = at % 2 === 0 ? "north" : "south";
    const data = { code: `b${at}`, name: `Child ${at}`, district, mother: `M${at}`, mail: `m${at}@example.org` };
    rids[data.code] = (await births.made(at === 1 ? { ...data, paper } : data)).rid;
  }
  now += 1_000;
  expect((await births.amend(rids.b2, "1.0", { data: { mother: "M2-new", district: "south" } })).status).toBe(200);
  expect((await births.change(rids.b3, "suspend", { act: { reason: "doubt" } })).status).toBe(200);
  expect((await births.change(rids.b4, "revoke", { act: { reason: "wrong" } })).status).toBe(200);
  const erased = await births.change(rids.b5, "erase", { act: { reason: "request", instrument: "order 7" } });
  expect(erased.status, erased.text).toBe(200);
  const deed = { token: await node.token("registrar"), json: { data: { code: "d1", name: "Deed", owner: "Olga" } } };
  expect((await node.request("POST", "/registries/deeds/records", deed)).status).toBe(202);
  once = await births.create(ONCE, {}, { "idempotency-key": "asked-before" });
  expect(once.status).toBe(201);
  before = await listKeyedTexts(node);
});

afterAll(() => node?.close());

/** What staff find, however far the rotation is; told by the test, not by the node. */
async function expectAllFound(): Promise<void> {
  expect(await births.find({ mother: "M1" })).toEqual(["b1"]);
  expect(await births.find({ mother: "M2-new" })).toEqual(["b2"]);
  expect(await births.find({ mother: "M2" })).toEqual([]);
  expect(await births.find({ mail: "m7@example.org" })).toEqual(["b7"]);
  expect(await births.find({ identifier: "B-6" })).toEqual(["b6"]);
  expect(await births.find({ mother: "M2" }, { asOf: FIRST_DAY })).toEqual(["b2"]);
}

describe("while the next sealing keys take over", () => {
  it("an old key file is the first generation, and the next one is made beside it", async () => {
    await node.restart((unlocked) => {
      first = unlocked;
      second = addSealingGeneration(unlocked);
      return second;
    });
    expect(sealing(first)).toEqual({ current: { number: 1, fingerprint: expect.any(String) }, former: undefined });
    expect(sealing(second).former).toEqual(sealing(first).current);
    const [was, is] = [parseSecrets(first), parseSecrets(second)];
    expect(is.statusKey).toEqual(was.statusKey);
    expect(is.pseudonymKey).toEqual(was.pseudonymKey);
    expect(is.searchKey.former).toEqual(was.searchKey.current);
    expect(is.searchKey.current).not.toEqual(was.searchKey.current);
    expect(caughtCode(() => addSealingGeneration(second))).toBe("request_invalid");
  });

  it("everything of before is found, counted, opened, and held unique, before a single step", async () => {
    await expectAllFound();
    expect(await births.find({ district: "south" }, { sort: "recorded" })).toEqual(["b1", "b2", "b3", "b7", "b9"]);
    expect(await births.counts()).toEqual([
      { values: { district: "north" }, count: 2 },
      { values: { district: "south" }, count: 4 },
      { values: { district: "west" }, count: 1 },
    ]);
    const clerk = await node.token("registrar", { claims: { district: ["north"] } });
    const bound = await node.request("POST", "/registries/births/records:search", {
      token: clerk,
      json: { fields: {} },
    });
    expect((bound.body.records as JsonObject[]).map(({ data }) => (data as JsonObject).code)).toEqual([
      "b4",
      "b6",
      "b8",
    ]);
    const data = { code: "c1", name: "Other", district: "north", mother: "M7", mail: "new@example.org" };
    expect(refusal(await births.create(data))).toBe("409 value_not_unique");
    expect(refusal(await births.create({ ...data, mother: "M99", mail: "m8@example.org" }))).toBe(
      "409 possible_duplicate",
    );
    expect(refusal(await births.create({ ...data, code: "b9", mother: "M99" }))).toBe("409 value_not_unique");
  });

  it("a request that is sent again is known again, and another one under its key is refused", async () => {
    const again = await births.create(ONCE, {}, { "idempotency-key": "asked-before" });
    expect([again.status, again.body.rid]).toEqual([once.status, once.body.rid]);
    const other = await births.create({ ...ONCE, name: "Twice" }, {}, { "idempotency-key": "asked-before" });
    expect(refusal(other)).toBe("422 idempotency_key_reused");
  });

  it("what is written goes by the next keys, and lets go of what it held by the former", async () => {
    now += 1_000;
    const amended = await births.amend(rids.b6, "1.0", { data: { mother: "M6-new", district: "south" } });
    expect(amended.status, amended.text).toBe(200);
    expect(await births.find({ mother: "M6" })).toEqual([]);
    // The value is free again, and the former holder is still found by it as of then.
    await births.made({ code: "n1", name: "New", district: "east", mother: "M6", mail: "n1@example.org", paper });
    expect(await births.find({ mother: "M6" })).toEqual(["n1"]);
    expect(await births.find({ mother: "M6" }, { asOf: FIRST_DAY })).toEqual(["b6"]);
    expect((await births.change(rids.b3, "reinstate", { act: { reason: "no doubt" } })).status).toBe(200);
    expect((await births.change(rids.b7, "suspend", { act: { reason: "doubt" } })).status).toBe(200);
    expect(await births.counts()).toEqual([
      { values: { district: "east" }, count: 1 },
      { values: { district: "north" }, count: 1 },
      { values: { district: "south" }, count: 5 },
      { values: { district: "west" }, count: 1 },
    ]);
    const { sql } = node.database.database;
    expect(await births.upload("certificate of b1")).toEqual(paper);
    expect((await sql`select count(*)::int as count from attachment`)[0]).toEqual({ count: 1 });
    expect((await sql`select count(*)::int as count from attachment_hold`)[0]).toEqual({ count: 2 });
  });

  it("a process that was not restarted writes nothing, and a file of before is refused at the next start", async () => {
    await node.restart(() => first);
    const data = { code: "old", name: "Old", mother: "M6" };
    expect(refusal(await births.create(data))).toBe("503 keys_outdated");
    await expect(check(first)).rejects.toMatchObject({ code: "keys_outdated" });
    await expect(check(addSealingGeneration(first))).rejects.toMatchObject({ code: "keys_outdated" });
    await expect(check(dropFormerSealing(second))).rejects.toMatchObject({ code: "keys_outdated" });
    await expect(check(second)).resolves.toBeUndefined();
    await node.restart(() => second);
  });
});

it("knows every column that may hang on the sealing keys: a new one is made anew by it, or named here as one that does not", async () => {
  const rows = await node.database.database.sql<{ column: string }[]>`
    select table_name || '.' || column_name as column from information_schema.columns
    where table_schema = 'public' and (data_type = 'bytea' or column_name ~ '(digest|sealed|hash|cell|label|request|^key$|^value$)')`;
  const known = [...MADE_ANEW, ...PASSING, ...OF_OTHER_KEYS];
  expect(rows.map(({ column }) => column).filter((column) => !known.includes(column))).toEqual([]);
  expect(known.filter((column) => !rows.some((row) => row.column === column))).toEqual([]);
});

describe("the rotation", () => {
  it("does not end while something goes by the former keys", async () => {
    const rotation = rotationOf(node, { clock });
    await expect(rotation.finish()).rejects.toMatchObject({ code: "keys_in_use" });
    // Two steps, of two records each; the others are left.
    let asked = 0;
    await rotation.run(() => asked++ >= 7);
    expect(await rotation.readProgress()).toMatchObject({ generation: 2, complete: false });
    await expect(rotation.finish()).rejects.toMatchObject({ code: "keys_in_use" });
    // As if all were done: what is there is looked at all the same.
    await node.database.database.sql`update sealing_progress set complete = true`;
    await expect(rotation.finish()).rejects.toMatchObject({
      code: "keys_in_use",
      message: expect.stringMatching(/^generation 1 .*: \d records of "births"/),
    });
  });

  it("goes on where it was when the connection dies in any of its steps, while a value is wanted by many at once", async () => {
    const { sql } = node.database.database;
    await sql`create sequence deaths`;
    // A sequence counts on when a transaction is undone: of every step the first try dies as it is about to commit.
    await sql.unsafe(`
      create function die() returns trigger language plpgsql as $$ begin
        if current_setting('application_name') = 'mortal' and nextval('deaths') % 2 = 1 then perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(60); end if;
        return new;
      end $$;
      create trigger die before update on sealing_progress for each row execute function die()`);
    const mortal = connectDatabase({ url: `${node.database.url}?application_name=mortal`, poolMax: 1 });
    const wanted = { name: "Wanted", district: "west", mother: "M-wanted" };
    const asked: ReturnType<BirthCalls["create"]>[] = [];
    const runs: string[] = [];
    for (let round = 0; runs.at(-1) !== "done"; round++) {
      // One new value, wanted again and again, and one that an old record has.
      asked.push(births.create({ code: `w${round}`, ...wanted }));
      asked.push(births.create({ code: `x${round}`, ...wanted, mother: "M8" }));
      // Two processes at once, of which one dies again and again.
      const dying = rotationOf(node, { clock, recordsPerStep: 1, database: mortal }).run(() => false);
      let steps = 0;
      const other = rotationOf(node, { clock, recordsPerStep: 1 }).run(() => steps++ > 0);
      const [run] = await Promise.allSettled([dying, other]);
      runs.push(run.status === "fulfilled" ? "done" : "died");
      await expectAllFound();
    }
    await mortal.close();
    await sql`drop trigger die on sealing_progress`;
    expect(runs.filter((run) => run === "died").length).toBeGreaterThan(5);
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect([...new Set(answers.filter(({ status }) => status !== 201).map(refusal))]).toEqual(["409 value_not_unique"]);
    expect(await births.find({ mother: "M-wanted" })).toHaveLength(1);
    const progress = await rotationOf(node, { clock }).readProgress();
    expect(progress).toMatchObject({
      generation: 2,
      complete: true,
      passing: { count: 1, until: START + 1_000 + DAY },
    });
    // Of people there are as many as were read about meanwhile.
    expect(progress?.parts.filter(({ part }) => part !== "records" && part !== "people")).toEqual([
      { part: "attachments", done: 1, total: 1, complete: true },
      { part: "consents", done: 0, total: 0, complete: true },
      { part: "proposals", done: 1, total: 1, complete: true },
    ]);
  });

  it("leaves nothing in the database that goes by the former keys", async () => {
    const after = new Set(await listKeyedTexts(node));
    // Open fields stand as they are, in the index too.
    const open = new Set(["once", "b1", "b2", "b3", "b4", "b6", "b7", "b8", "b9"]);
    expect(before.length).toBeGreaterThan(50);
    expect(before.filter((text) => after.has(text) && !open.has(text))).toEqual([]);
  });

  it("ends when requests of before are forgotten, and then the former generation is not needed", async () => {
    const rotation = rotationOf(node, { clock });
    await expect(rotation.finish()).rejects.toMatchObject({
      code: "keys_in_use",
      message: expect.stringContaining("1 requests from before"),
    });
    now += DAY;
    await rotation.finish();
    await expect(check(dropFormerSealing(second))).resolves.toBeUndefined();
    await node.restart(dropFormerSealing);
    expect(node.secrets.searchKey.former).toBeUndefined();
    await expect(rotationOf(node).finish()).rejects.toMatchObject({ code: "request_invalid" });
    await expectAllFound();
    expect(await births.find({ district: "south" })).toHaveLength(6);
    expect(await births.find({ mother: "M6" }, { asOf: FIRST_DAY })).toEqual(["b6"]);
    expect(await births.upload("certificate of b1")).toEqual(paper);
    const audited = await node.request("GET", `/registries/births/records/${String(rids.b5)}`, {
      token: await node.token("registrar", { claims: { district: ["*"] } }),
    });
    expect(audited.status).toBe(410);
    await expect(check(first)).rejects.toMatchObject({ code: "keys_outdated" });
    await expect(check(second)).resolves.toBeUndefined();
    const third = addSealingGeneration(dropFormerSealing(second));
    await expect(check(third)).resolves.toBeUndefined();
    await expect(check(dropFormerSealing(third))).rejects.toMatchObject({ code: "keys_outdated" });
    expect(sealing(third).current.number).toBe(3);
  });

  it("takes over a database that was restored from before, once the generation of then is put beside today's", async () => {
    const today = addSealingGeneration(dropFormerSealing(second));
    const restored = await startTestNode({ clock });
    const { database } = restored.database;
    const at = (unlocked: JsonObject) => checkSealingKeys(database, sealing(unlocked));
    // A database without a row is of the first generation; the node's keys are of the third.
    await expect(at(dropFormerSealing(today))).rejects.toMatchObject({
      code: "keys_outdated",
      message: expect.stringContaining("attestry keys rotate sealing --former FILE"),
    });
    const both = restoreFormerSealing(dropFormerSealing(today), first);
    expect([sealing(both).former?.number, sealing(both).current.number]).toEqual([1, 3]);
    await expect(at(both)).resolves.toBeUndefined();
    const number = (one: JsonObject, older: JsonObject) => sealing(restoreFormerSealing(one, older)).former?.number;
    expect(number(dropFormerSealing(today), second)).toBe(2);
    expect(caughtCode(() => restoreFormerSealing(today, first))).toBe("request_invalid");
    expect(caughtCode(() => restoreFormerSealing(first, dropFormerSealing(today)))).toBe("request_invalid");
    expect(caughtCode(() => restoreFormerSealing(dropFormerSealing(today), generateSecrets()))).toBe("request_invalid");
    // It was backed up in the middle of a rotation: it needs the generation before the one that it goes by, too.
    const { fingerprint } = sealing(second).current;
    await database.sql`insert into sealing_generation (generation, fingerprint, began_at) values (2, ${fingerprint}, 0)`;
    await expect(at(today)).rejects.toMatchObject({ message: expect.stringContaining("the whole keys.json") });
    await database.sql`update sealing_generation set completed_at = 1`;
    await expect(at(today)).resolves.toBeUndefined();
    await expect(at(addSealingGeneration(first))).rejects.toMatchObject({
      message: expect.stringContaining("another one"),
    });
    await restored.close();
  });
});
