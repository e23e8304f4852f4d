// A node killed between the commit of a reading and its answer, and just before that commit: a consent for one reading is used once, by the same reading, and the log has it once.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { lockSecrets } from "../../src/crypto/key-file.ts";
import { silentLogger } from "../../src/logger.ts";
import { createNode, type Node, writeKeyFile } from "../../src/node.ts";
import { connectDatabase, type Database, type Transaction } from "../../src/storage/database.ts";
import { ensureBuilt } from "../built-program.ts";
import { createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";
import { PERSONS, PURPOSE } from "../consent-world.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { signDraft } from "../request-signing.ts";

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;
const PASSPHRASE = "a passphrase of this test alone";
// Any number: the node waits for it in the transaction, just before it commits.
const HOLD = 0x6b69_6c6c;

const now = () => Math.floor(Date.now() / 1_000);
const anchor = createEntity("https://anchor.example");
const welfare = createEntity("https://welfare.example");
const person = { claims: { national_id: "A-1" } };

let node: TestNode;
/** Another process of the node, by which the person decides; it answers no request. */
let deciding: Node;
let directory: string;
let chain: string[];
let href: string;
let serving: ChildProcess | undefined;
/** Connections of the test's own: one that holds, one that blocks, one that looks. */
let database: Database;

beforeAll(async () => {
  await ensureBuilt();
  const pin = pinOf(anchor, ["persons"]);
  node = await startTestNode({ anchors: [pin] });
  let unlocked: JsonObject = {};
  await node.restart((kept) => {
    unlocked = kept;
    return kept;
  });
  chain = await signChain(draftChain([welfare, anchor], ["persons"], now()));
  expect((await node.publish(PERSONS)).status).toBe(201);
  const json = { data: { national_id: "A-1", name: "Meera Rao", born: "1990-01-02" } };
  const token = await node.token("registrar");
  href = (await node.request("POST", "/registries/persons/records", { token, json })).body.href as string;
  // The same node, as the program that operators run.
  directory = mkdtempSync(join(tmpdir(), "attestry-reading-crash-"));
  const own = join(directory, "nodes", "persons");
  mkdirSync(own, { recursive: true, mode: 0o700 });
  writeKeyFile(own, await lockSecrets({ passphrase: PASSPHRASE, secrets: unlocked }));
  writeFileSync(join(own, "unlock"), PASSPHRASE, { mode: 0o600 });
  writeFileSync(join(own, "anchors.json"), JSON.stringify([pin]));
  const { entity, listen } = node.node.config;
  const file = { entity, organization_name: "Persons", listen, database: "unused", development: true };
  writeFileSync(join(own, "config.json"), JSON.stringify({ ...file, anchors: "anchors.json" }));
  const { config } = node.node;
  await node.stop();
  deciding = createNode({ config, secrets: node.secrets, database: node.database.database, logger: silentLogger });
  database = connectDatabase({ url: node.database.url, poolMax: 4 });
}, 120_000);

afterAll(async () => {
  if (serving) await kill(serving);
  await database?.close();
  await deciding?.close();
  await node?.close();
  if (directory) rmSync(directory, { recursive: true, force: true });
});

async function serve(): Promise<void> {
  const child = fork(MAIN, ["serve", "--log-level", "silent", "--data", directory], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env: { ...process.env, DATABASE_URL: node.database.url, ATTESTRY_DATABASE_PORT: undefined },
    execArgv: [],
  });
  serving = child;
  await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`serve ended with ${code as number}`))),
  ]);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function post(path: string, json: JsonObject): Promise<JsonObject> {
  const { method, headers, body } = await signDraft({
    signer: welfare.request,
    sender: welfare.id,
    audience: node.entity,
    method: "POST",
    url: `${node.entity}${path}`,
    json,
    chain,
  });
  const answer = await node.request(method, path, { headers, body: body! });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

async function read(consent: string, requestId: string): Promise<JsonObject> {
  const { records } = await post("/records:read", {
    references: [{ href }],
    access: { purpose: PURPOSE, request_id: requestId, nonce: "nonce-nonce-nonce-1", consents: [consent] },
  });
  const [record] = records as [JsonObject];
  if (record.outcome !== "found") return { outcome: record.outcome! };
  const { event, basis } = decodeJws((record.presentation as JsonObject).token as string).payload;
  return { outcome: "found", event: event!, basis: basis!, data: (record.token as string).split("~").length };
}

const waiting = async (kind: "advisory" | "relation"): Promise<number> => {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*) as count from pg_locks where locktype = ${kind} and not granted
      and database = (select oid from pg_database where datname = current_database())`;
  return row!.count;
};

const listReadings = () =>
  database.sql<{ log_index: number }[]>`select log_index from access_event where operation = 'read' order by log_index`;

/** Lets the node write all of a reading, and holds it before the commit. Gives what lets it go on. */
async function holdBeforeCommit(): Promise<() => Promise<void>> {
  await database.sql.unsafe(`
    create function hold() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(${HOLD}); return new; end $$;
    create trigger hold before update on log_state for each row when (new.name = 'access') execute function hold()`);
  const connection = await database.sql.reserve();
  await connection`select pg_advisory_lock(${HOLD})`;
  return async () => {
    await connection`select pg_advisory_unlock(${HOLD})`;
    connection.release();
  };
}

const letPass = () => database.sql.unsafe("drop trigger hold on log_state; drop function hold()");

/** Kills the node at one point of a reading by a consent for one, whose answer is lost; gives the consent. */
async function killAt(point: "before the commit" | "between commit and answer", requestId: string): Promise<string> {
  const { id } = await post("/consents", {
    request_id: `request-${requestId}`,
    registry: "persons",
    subject: { claim: "national_id", value: "A-1" },
    purpose: PURPOSE,
    fields: ["name"],
    expires_at: now() + 86_400,
    one_time: true,
  });
  const consent = id as string;
  await deciding.consents.give(person, consent, { language: "en" });
  const before = (await listReadings()).length;
  const goOn = await holdBeforeCommit();
  const lost = read(consent, requestId).then(
    () => "answered",
    () => "lost",
  );
  await expect.poll(() => waiting("advisory"), { timeout: 20_000, interval: 5 }).toBe(1);
  if (point === "before the commit") {
    await kill(serving!);
    await goOn();
    await expect.poll(async () => (await listReadings()).length).toBe(before);
  } else {
    // Who reads the log's entries waits from the very commit on: the node cannot make the receipt that its answer needs.
    let blocked: () => void = () => {};
    const blocking = database.sql.begin(async (tx: Transaction) => {
      await tx`lock table log_entry in access exclusive mode`;
      await new Promise<void>((resolve) => {
        blocked = resolve;
      });
    });
    await expect.poll(() => waiting("relation"), { timeout: 20_000, interval: 5 }).toBe(1);
    await goOn();
    // Committed, and held.
    await expect.poll(async () => (await listReadings()).length, { timeout: 20_000, interval: 5 }).toBe(before + 1);
    await expect.poll(() => waiting("relation"), { timeout: 20_000, interval: 5 }).toBe(1);
    await kill(serving!);
    blocked();
    await blocking;
  }
  expect(await lost).toBe("lost");
  await letPass();
  return consent;
}

it("uses a consent for one reading once, by the reading that it was, wherever the node dies", {
  timeout: 240_000,
}, async () => {
  await serve();
  for (const point of ["between commit and answer", "before the commit"] as const) {
    const requestId = `reading-${point.replaceAll(" ", "-")}`;
    const before = await listReadings();
    const consent = await killAt(point, requestId);
    const committed = point === "before the commit" ? [] : (await listReadings()).slice(before.length);
    await serve();
    const again = await read(consent, requestId);
    expect(again, point).toMatchObject({ outcome: "found", basis: { consent } });
    const logged = (await listReadings()).slice(before.length).map(({ log_index }) => log_index);
    expect(logged, point).toEqual([(again.event as JsonObject).index]);
    // What was committed before the node died is what the answer is about.
    if (committed.length > 0) expect(logged).toEqual(committed.map(({ log_index }) => log_index));
    expect(await read(consent, requestId), point).toEqual(again);
    expect(await read(consent, `${requestId}-other`), point).toEqual({ outcome: "consent_used" });
    expect(await listReadings(), point).toHaveLength(before.length + 1);
  }
  expect(await deciding.usage.check(person)).toEqual([]);
  expect((await deciding.localAudit.audit({})).ok).toBe(true);
});
