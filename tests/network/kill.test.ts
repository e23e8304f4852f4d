// kill -9 in the middle of fifty writers, again and again: what was acknowledged is there, and the log never took anything back.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeBase64 } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { auditLog } from "../../src/log/audit.ts";
import { type Checkpoint, verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { commitment, parseEntry } from "../../src/log/entry.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "../../src/log/merkle.ts";
import { type NoteVerifier, parseVerifierKey } from "../../src/log/note.ts";
import { parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import { silentLogger } from "../../src/logger.ts";
import { openCluster } from "../../src/storage/cluster.ts";
import { ensureBuilt, startServing } from "../built-program.ts";
import { freePort } from "../free-port.ts";
import { definition } from "../node-fixture.ts";
import { callAttestry } from "../warm-program.ts";

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 10);
const WRITERS = 50;
const RECORDS = "/registries/wells/records";

interface Acknowledged {
  readonly rid: string;
  readonly version: number;
  readonly logIndex: number;
  readonly jwt: string;
}

/** The record whose creation or amendment was not acknowledged. */
interface Unanswered {
  readonly code: string;
  readonly key: string;
}

let directory: string;
let entity: string;
let registrar: string;
let verifier: NoteVerifier;
let serving: ChildProcess | undefined;
const checkpoints = new Map<string, Checkpoint>();

beforeAll(async () => {
  await ensureBuilt();
  directory = mkdtempSync(join(tmpdir(), "attestry-kill-"));
  entity = `http://127.0.0.1:${await freePort()}`;
  const common = ["--data", directory, "--node", "wells"];
  // Held, so that its server does not stop and start with each command.
  const cluster = await openCluster({ directory, logger: silentLogger });
  await callAttestry("init", ...common, "--entity", entity, "--organization", "Wells", "--development");
  const token = (role: string) => callAttestry("token", ...common, "--role", role, "--name", role);
  const operator = await token("operator");
  registrar = await token("registrar");
  serving = await startServing(...common);
  await cluster.release();
  const published = await call("PUT", "/registries/wells", { body: definition("wells"), token: operator });
  expect(published.status).toBe(201);
  const configuration = await (await fetch(`${entity}/.well-known/openid-federation`)).text();
  const claims = JSON.parse(Buffer.from(configuration.split(".")[1]!, "base64url").toString("utf8"));
  verifier = parseVerifierKey(claims.metadata.registry_node.logs.records.vkeys[0]);
}, 180_000);

afterAll(async () => {
  if (serving) await kill(serving);
  // Joins the server that was left behind, as its last user, so that it is stopped.
  if (directory) await (await openCluster({ directory, logger: silentLogger })).release();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, 60_000);

async function call(
  method: string,
  path: string,
  options: { body?: JsonObject; token?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; text: string; body: JsonObject }> {
  const response = await fetch(`${entity}${path}`, {
    method,
    headers: {
      ...(options.token && { authorization: `Bearer ${options.token}` }),
      ...(options.body && { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(options.body && { body: JSON.stringify(options.body) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : {} };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.removeAllListeners("exit");
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function killPostmaster(): void {
  const file = join(directory, "postgres", "data", "postmaster.pid");
  process.kill(Number(readFileSync(file, "utf8").split("\n")[0]), "SIGKILL");
}

function keepCheckpoint(note: string): Checkpoint {
  const checkpoint = verifyCheckpoint(note, { origin: verifier.name, verifiers: [verifier] });
  checkpoints.set(note, checkpoint);
  return checkpoint;
}

function acknowledge(body: JsonObject): Acknowledged {
  const jwt = (body.token as string).split("~")[0]!;
  return { rid: body.rid as string, version: body.version as number, logIndex: body.log_index as number, jwt };
}

/** Creates a record and amends it, over and over, until the node no longer answers. */
async function write(name: string, acknowledged: Acknowledged[]): Promise<Unanswered> {
  for (let i = 0; ; i++) {
    const code = `${name}-${i}`;
    const key = `key-${code}`;
    try {
      const body = { data: { code, name: "first" } };
      const created = await call("POST", RECORDS, { body, token: registrar, headers: { "idempotency-key": key } });
      if (created.status !== 201) {
        expect(created.status, created.text).toBe(503);
        return { code, key };
      }
      acknowledged.push(acknowledge(created.body));
      const path = `${RECORDS}/${String(created.body.rid)}`;
      const amend = { body: { data: { name: "second" } }, token: registrar, headers: { "if-match": '"1.0"' } };
      const amended = await call("PATCH", path, amend);
      if (amended.status !== 200) {
        expect(amended.status, amended.text).toBe(503);
        return { code, key };
      }
      acknowledged.push(acknowledge(amended.body));
    } catch (error) {
      // fetch fails by TypeError when the connection goes; anything else is a fault of the test.
      if (!(error instanceof TypeError)) throw error;
      return { code, key };
    }
  }
}

/** Collects every checkpoint that a reader could have seen, until `over`. */
async function pollCheckpoints(over: () => boolean): Promise<void> {
  while (!over()) {
    await call("GET", "/log/records/checkpoint").then(
      ({ status, text }) => void (status === 200 && keepCheckpoint(text)),
      () => {},
    );
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function checkThere({ rid, version, logIndex, jwt }: Acknowledged): Promise<void> {
  const [read, evidence] = await Promise.all([
    call("GET", `${RECORDS}/${rid}?version=${version}`),
    call("GET", `${RECORDS}/${rid}/receipt?version=${version}`),
  ]);
  expect(read.status, `record ${rid}, version ${version}: ${read.text}`).toBe(200);
  expect([read.body.log_index, (read.body.token as string).split("~")[0]]).toEqual([logIndex, jwt]);
  const receipt = parseReceipt(evidence.text);
  const { size, root } = keepCheckpoint(receipt.checkpoint);
  const { entry, salt } = parseExtra(receipt.extra!);
  verifyInclusion({ index: receipt.index, size, root, proof: [...receipt.proof], leaf: leafHash(entry) });
  expect(receipt.index).toBe(logIndex);
  const operation = version === 1 ? "create" : "amend";
  expect(parseEntry(entry)).toMatchObject({ e: operation, c: commitment(operation, salt, jwt) });
}

/** A retry with the same key gives one record, whether or not the lost answer had been written. */
async function retry({ code, key }: Unanswered): Promise<void> {
  const body = { data: { code, name: "first" } };
  const retried = await call("POST", RECORDS, { body, token: registrar, headers: { "idempotency-key": key } });
  // Where the lost write was the amendment, the creation was answered and is given again.
  expect(retried.status, retried.text).toBe(201);
  const found = await call("GET", `${RECORDS}?code=${code}`);
  expect((found.body.records as JsonObject[]).map(({ rid }) => rid)).toEqual([retried.body.rid]);
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

async function getBytes(path: string): Promise<Uint8Array | undefined> {
  const response = await fetch(`${entity}/log/records/${path}`);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
}

it("loses no acknowledged record and takes back no checkpoint", { timeout: 600_000 }, async () => {
  const all: Acknowledged[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const acknowledged: Acknowledged[] = [];
    let over = false;
    const polling = pollCheckpoints(() => over);
    const writers = Array.from({ length: WRITERS }, (_, i) => write(`${round}-${i}`, acknowledged));
    // Not by the clock alone: on a busy machine the first answers may take longer than the pause.
    await expect.poll(() => acknowledged.length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(2 * WRITERS);
    await new Promise((resolve) => setTimeout(resolve, 13 * round));
    // Every other time it is the database that goes; the node then answers that it cannot write, and is killed later.
    if (round % 2 === 1) killPostmaster();
    else await kill(serving!);
    const unanswered = await Promise.all(writers);
    over = true;
    await polling;
    await kill(serving!);
    serving = await startServing("--data", directory);
    await inGroups(acknowledged, checkThere);
    await inGroups(unanswered, retry);
    all.push(...acknowledged);
  }

  expect(new Set(all.map(({ logIndex }) => logIndex)).size).toBe(all.length);
  const last = keepCheckpoint((await call("GET", "/log/records/checkpoint")).text);
  const sizes = new Map<number, string>();
  for (const { size, root } of checkpoints.values()) {
    const root64 = Buffer.from(root).toString("base64");
    expect(sizes.get(size) ?? root64).toBe(root64);
    sizes.set(size, root64);
  }
  await inGroups([...checkpoints.values()], async ({ size, root }) => {
    if (size === 0) return;
    const { text } = await call("GET", `/log/records/consistency?from=${size}&to=${last.size}`);
    const proof = text.split("\n").filter(Boolean).map(decodeBase64);
    verifyConsistency({ size1: size, root1: root, size2: last.size, root2: last.root, proof });
  });
  const report = await auditLog(
    { checkpoint: async () => (await call("GET", "/log/records/checkpoint")).text, tile: getBytes, bundle: getBytes },
    { origin: verifier.name, verifiers: [verifier] },
  );
  // The audit reads the entries from index 0 on, one after the other, and finds each.
  expect(report).toMatchObject({ ok: true, problems: [], counts: { entries: last.size } });
  console.log(`${all.length} acknowledged writes, ${checkpoints.size} checkpoints, ${last.size} entries`);
});
