// Random operations by concurrent clients against a plain model of a record's life: states, versions, history, search and counts agree after each round.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { lockLogState } from "../../src/log/log-store.ts";
import { createRecordSealer } from "../../src/records/record-sealer.ts";
import { createIndexRebuildService } from "../../src/records/search/index-rebuild-service.ts";
import { OPEN_VERSION } from "../../src/records/search/index-write-store.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { expectSoundLog } from "../record-proofs.ts";
import { createModel, KINDS, type LifeModel, type ModelRecord, type Operation } from "./record-life-model.ts";
import { createRandom, type Random } from "./seeded-random.ts";

const SEED = Number(process.env.ATTESTRY_TEST_SEED ?? 20261123);
const ROUNDS = 20;
const CLIENTS = 16;
const REGISTRY = "stations";
const START = Math.floor(Date.UTC(2026, 0, 1) / 1_000);

let node: TestNode;
let registrar: string;
let now = START;
let model: LifeModel;

beforeAll(async () => {
  node = await startTestNode({ clock: () => now });
  const published = await node.publish(
    definition(REGISTRY, {
      properties: {
        name: { type: "string", "x-search": "prefix" },
        kind: { enum: [...KINDS], type: "string", "x-search": "exact" },
        size: { type: "integer", "x-search": "range" },
        keeper: { type: "string", "x-personal": true, "x-search": "exact" },
      },
      required: ["kind", "size"],
      members: {
        identifier: "ST-{seq}",
        statistics: [{ name: "by-kind", fields: ["kind"], smallest: 1 }],
      },
    }),
  );
  expect(published.status).toBe(201);
  registrar = await node.token("registrar", { seconds: 40 * 366 * 86_400 });
  model = createModel();
}, 60_000);

afterAll(() => node?.close());

interface Attempt {
  readonly operation: Operation;
  readonly rids: readonly string[];
  readonly status: number;
  readonly body: JsonObject;
}

/** Sends one operation of a client, written against what the client last saw of its record. */
async function send(operation: Operation): Promise<Attempt> {
  const path = `/registries/${REGISTRY}/records`;
  const { kind } = operation;
  if (kind === "create") {
    const answer = await node.request("POST", path, { token: registrar, json: operation.body as Json });
    return { operation, rids: [], status: answer.status, body: answer.body };
  }
  const { rid, version, stateNumber } = operation.target;
  const headers = { "if-match": `"${version}.${stateNumber}"` };
  const answer =
    kind === "amend"
      ? await node.request("PATCH", `${path}/${rid}`, {
          token: registrar,
          body: JSON.stringify(operation.body),
          headers: { ...headers, "content-type": "application/merge-patch+json" },
        })
      : await node.request("POST", `${path}/${rid}/${kind}`, {
          token: registrar,
          json: operation.body as Json,
          headers,
        });
  return { operation, rids: operation.touched, status: answer.status, body: answer.body };
}

/** What a round's answers must be, given that every client wrote against the state before the round. */
function checkAnswers(attempts: readonly Attempt[]): void {
  const byRecord = new Map<string, Attempt[]>();
  for (const attempt of attempts)
    for (const rid of attempt.rids) byRecord.set(rid, [...(byRecord.get(rid) ?? []), attempt]);
  for (const [rid, ofRecord] of byRecord) {
    const done = ofRecord.filter(({ status }) => status < 300);
    expect(done.length, `operations done on ${rid} against one state of it`).toBeLessThanOrEqual(1);
    for (const { operation, status, body } of done)
      expect(model.isAllowed(operation), `${operation.kind} answered ${status} ${JSON.stringify(body)}`).toBe(true);
  }
  for (const attempt of attempts) {
    const { operation, rids, status, body } = attempt;
    const isAlone = rids.every((rid) => byRecord.get(rid)!.length === 1);
    const collides = checkCodes(attempt, attempts);
    if (operation.kind === "create") {
      if (!collides) expect(status, JSON.stringify(body)).toBe(201);
      continue;
    }
    const wanted = model.isAllowed(operation);
    const label = `${operation.kind} of a record that is ${operation.target.state}: ${JSON.stringify(body)}`;
    if (isAlone && wanted && !collides) expect(status, label).toBeLessThan(300);
    if (wanted) continue;
    expect([409, 410, 412], label).toContain(status);
    const refusal = operation.target.state === "erased" ? "record_erased" : "state_conflict";
    if (isAlone && rids.length === 1) expect(body.code, label).toBe(refusal);
  }
}

/** Whether an operation may be refused for a unique value; fails if it was done although another record kept it throughout. */
function checkCodes(attempt: Attempt, attempts: readonly Attempt[]): boolean {
  const { operation, rids, status, body } = attempt;
  const codes = model.codesOf(operation);
  const holders = codes
    .flatMap((code) => model.holderOf(code) ?? [])
    .filter(({ rid }) => !rids.includes(rid) || operation.kind === "replace");
  const isWantedTwice = codes.some(
    (code, at) =>
      codes.indexOf(code) < at ||
      attempts.some((other) => other !== attempt && model.codesOf(other.operation).includes(code)),
  );
  const kept = holders.filter(({ rid }) => !attempts.some((other) => other !== attempt && other.rids.includes(rid)));
  if (kept.length > 0)
    expect(status, `a unique value given twice: ${JSON.stringify(body)}`).toBeGreaterThanOrEqual(400);
  const collides = holders.length > 0 || isWantedTwice;
  if (body.code === "value_not_unique")
    expect(collides, `${operation.kind} refused: ${JSON.stringify(body)}`).toBe(true);
  return collides;
}

/** Nobody shares a unique value with anybody; each finds whoever holds it, and nobody else. */
async function compareCodes(random: Random): Promise<void> {
  const holding = model.records().filter((one) => !["revoked", "erased"].includes(one.state));
  const held = holding.map(({ versions }) => versions.at(-1)!.data.code);
  expect(held.filter((code, at) => held.indexOf(code) < at)).toEqual([]);
  for (let i = 0; i < 4; i++) {
    const code = model.someCode(random);
    expect(ridsOf(await list(`&code=${code}`)), `code ${code}`).toEqual(ridsOf([model.holderOf(code) ?? []].flat()));
  }
  const keeper = `Keeper ${random.below(5)}`;
  const answer = await node.request("POST", `/registries/${REGISTRY}/records:search`, {
    token: registrar,
    json: { fields: { keeper }, limit: 500 },
  });
  expect(answer.status, answer.text).toBe(200);
  const kept = model.records().filter((one) => one.state !== "erased" && one.versions.at(-1)!.data.keeper === keeper);
  expect(new Set(ridsOf(answer.body.records as JsonObject[]))).toEqual(new Set(ridsOf(kept)));
}

async function list(query: string): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  let cursor: string | undefined;
  do {
    const suffix = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await node.request("GET", `/registries/${REGISTRY}/records?limit=7${query}${suffix}`, {
      token: registrar,
    });
    expect(answer.status, `${query}: ${answer.text}`).toBe(200);
    found.push(...(answer.body.records as JsonObject[]));
    cursor = answer.body.next as string | undefined;
  } while (cursor !== undefined);
  return found;
}

const ridsOf = (records: readonly { rid?: unknown }[]): unknown[] => records.map(({ rid }) => rid);

async function compareRecord(record: ModelRecord): Promise<void> {
  const path = `/registries/${REGISTRY}/records/${record.rid}`;
  const answer = await node.request("GET", path, { token: registrar });
  if (record.state === "erased") {
    expect(answer.status).toBe(410);
    expect(answer.body.code).toBe("record_erased");
  } else {
    const { version, state, data } = answer.body;
    expect({ version, state, data }).toEqual({
      version: record.versions.length,
      state: record.state,
      data: record.versions.at(-1)!.data,
    });
  }
  const history = await node.request("GET", `${path}/history?limit=500`, { token: registrar });
  expect(history.status).toBe(200);
  const operations = (history.body.entries as JsonObject[]).map(({ operation }) => operation);
  expect(operations.reverse(), `history of ${record.rid}`).toEqual(record.operations);
}

async function compareSearches(random: Random): Promise<void> {
  const kind = random.pick(KINDS);
  const current = model.records().filter(({ state }) => state !== "erased");
  const values = (record: ModelRecord) => record.versions.at(-1)!.data;

  const exact = await list(`&kind=${kind}`);
  expect(new Set(ridsOf(exact))).toEqual(new Set(ridsOf(current.filter((one) => values(one).kind === kind))));

  const prefix = random.pick(["a", "ab", "b", "c", "ca"]);
  const prefixed = await list(`&name[prefix]=${prefix}`);
  expect(new Set(ridsOf(prefixed))).toEqual(
    new Set(ridsOf(current.filter((one) => String(values(one).name).startsWith(prefix)))),
  );

  const [low, high] = [random.below(60), 40 + random.below(60)];
  const ranged = await list(`&size[gte]=${low}&size[lt]=${high}&sort=-size`);
  const inRange = current.filter((one) => (values(one).size as number) >= low && (values(one).size as number) < high);
  expect(ranged.map(({ data }) => (data as JsonObject).size)).toEqual(
    inRange.map((one) => values(one).size as number).sort((a, b) => b - a),
  );
  expect(new Set(ridsOf(ranged))).toEqual(new Set(ridsOf(inRange)));

  const active = await list(`&kind=${kind}&recordState=active`);
  const counted = await node.request(
    "GET",
    `/registries/${REGISTRY}/records?kind=${kind}&recordState=active&count=true&limit=1`,
    { token: registrar },
  );
  const wanted = current.filter((one) => one.state === "active" && values(one).kind === kind);
  expect(new Set(ridsOf(active))).toEqual(new Set(ridsOf(wanted)));
  expect((counted.body.count as JsonObject).value).toBe(wanted.length);
}

async function compareStatistic(): Promise<void> {
  const answer = await node.request("GET", `/registries/${REGISTRY}/statistics/by-kind`, { token: registrar });
  expect(answer.status).toBe(200);
  const counts = new Map<string, number>();
  for (const record of model.records()) {
    if (record.state !== "active") continue;
    const { kind } = record.versions.at(-1)!.data;
    counts.set(String(kind), (counts.get(String(kind)) ?? 0) + 1);
  }
  const cells = (answer.body.counts as JsonObject[]).map(({ values, count }) => [(values as JsonObject).kind, count]);
  expect(Object.fromEntries(cells)).toEqual(Object.fromEntries(counts));
}

async function compareTimes(random: Random): Promise<void> {
  const asOf = START + random.below(now - START + 1);
  const validAt = Math.floor(Date.UTC(2005 + random.below(21), random.below(12), 1 + random.below(28)) / 1_000);
  const inEffect = model.inEffect({ asOf, validAt });
  const short = ({ rid, version, state }: JsonObject) => `${rid} ${version} ${state}`;
  const compare = async (condition: string, isMet: (data: JsonObject) => boolean) => {
    const query = `${condition}&asOf=${isoTime(asOf)}&validAt=${isoTime(validAt)}`;
    const wanted = inEffect.filter(({ data }) => isMet(data));
    expect((await list(query)).map(short).sort(), query).toEqual(wanted.map(short).sort());
  };
  await compare("", () => true);
  const kind = random.pick(KINDS);
  await compare(`&kind=${kind}`, (data) => data.kind === kind);
  await compare("&name[prefix]=b&sort=-size", (data) => String(data.name).startsWith("b"));
  const some = inEffect.length > 0 && random.chance(0.7) ? random.pick(inEffect).data.code : model.someCode(random);
  await compare(`&code=${String(some)}`, (data) => data.code === some);
}

/** What is left at the end proves itself: the log, each current token with its status, the index against one made from nothing. */
async function checkProofs(): Promise<void> {
  const { database } = node.database;
  await expectSoundLog(node);
  const verifier = createVerifier({ anchors: [node.pin([REGISTRY])], statusMaxAgeSeconds: 60 });
  const outcomes: Record<string, string[]> = {
    active: ["passed"],
    suspended: ["status_suspended"],
    revoked: ["status_revoked"],
    ended: ["status_superseded"],
    replaced: ["status_superseded"],
  };
  for (const { rid, state, versions } of model.records()) {
    if (state === "erased") continue;
    const path = `/registries/${REGISTRY}/records/${rid}/evidence`;
    const evidence = await node.request("GET", path, { headers: { accept: "application/json" } });
    expect(evidence.status, evidence.text).toBe(200);
    const report = await verifier.verify(evidence.body, { now });
    const codes = report.checks.filter(({ check }) => check === "status").map(({ code }) => code);
    expect(codes, `status of a record that is ${state}`).toEqual(outcomes[state]);
    const failed = report.checks.filter(
      ({ check, result }) => result === "fail" && check !== "status" && check !== "validity",
    );
    expect(failed, `record ${rid} of ${versions.length} versions`).toEqual([]);
  }
  const identifiers = await database.sql<
    { identifier: string }[]
  >`select identifier from record where state <> 'erased'`;
  expect(new Set(identifiers.map(({ identifier }) => identifier)).size).toBe(identifiers.length);
  // Of cells only that a row is open says anything: since when, and what a record counted in before, is not asked for.
  const readIndex = () => database.sql`
    select field, value, case when field like '~cell/%' then 0 else since end as since, until, first_index from record_search
    where field <> '~key' and (field not like '~cell/%' or until = ${OPEN_VERSION}) order by field, value, first_index, since`;
  const readCounts = () =>
    database.sql`select name, cell, count from record_statistic where count <> 0 order by name, cell`;
  const before = [await readIndex(), await readCounts()];
  await database.sql`delete from record_search where field <> '~key'`;
  await database.sql`delete from record_statistic where name <> ''`;
  await database.sql`insert into record_index (registry, definition_version, done_index, done, total, complete) values (${REGISTRY}, 1, -1, 0, 0, false)`;
  const sealer = createRecordSealer({ entity: node.entity, nodeKey: node.secrets.wrappingKey });
  const rebuild = createIndexRebuildService({
    database,
    registries: node.node.registries,
    sealer,
    searchKey: node.secrets.searchKey,
    lockRecords: async (tx) => void (await lockLogState(tx, "records")),
  });
  await rebuild.run(() => false);
  expect([await readIndex(), await readCounts()]).toEqual(before);
}

const isoTime = (seconds: number): string => new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");

describe(`the life of records under concurrent clients (seed ${SEED})`, () => {
  it("agrees with a plain model after each round", { timeout: 240_000 }, async () => {
    const random = createRandom(SEED);
    let done = 0;
    for (let round = 0; round < ROUNDS; round++) {
      now += 30 + random.below(86_400 * 20);
      const operations = Array.from({ length: CLIENTS }, () => model.propose(random, now));
      const attempts = await Promise.all(operations.map(send));
      checkAnswers(attempts);
      for (const { operation, status, body } of attempts) {
        if (status >= 300) continue;
        done += 1;
        model.apply(operation, { body, now });
      }
      for (const record of model.records()) await compareRecord(record);
      await compareSearches(random);
      await compareCodes(random);
      await compareStatistic();
      for (let i = 0; i < 4; i++) await compareTimes(random);
    }
    await checkProofs();
    // A run in which hardly anything is allowed would prove nothing.
    expect(done).toBeGreaterThan((ROUNDS * CLIENTS) / 3);
    const operations = new Set(model.records().flatMap((record) => record.operations));
    expect([...operations].sort()).toEqual([
      "amend",
      "create",
      "end",
      "erase",
      "reinstate",
      "replace",
      "revoke",
      "suspend",
    ]);
  });
});
