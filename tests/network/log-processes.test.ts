// Several processes that write one log: no fork, no gap, nothing lost that was acknowledged, also when one is killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { type Checkpoint, verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { parseEntry } from "../../src/log/entry.ts";
import { verifyConsistency } from "../../src/log/merkle.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { acceptAll, makeEntry, ORIGIN, startLog, type TestLog } from "../log-fixture.ts";

const program = fileURLToPath(new URL("log-process.ts", import.meta.url));
const seed = generateSeed();

let test: TestDatabase;
let log: TestLog;
beforeEach(async () => {
  test = await createTestDatabase();
  log = await startLog(test.database, createSigner(seed));
});
afterEach(() => test.drop());

interface Appender {
  readonly child: ChildProcess;
  /** Index and tag of every acknowledged entry. */
  readonly acknowledged: Map<number, string>;
  readonly ended: Promise<unknown>;
}

function startAppender(options: { callers: number; appends: number }): Appender {
  const child = spawn(process.execPath, ["--import", "tsx", program], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      LOG_TEST_URL: test.url,
      LOG_TEST_SEED: Buffer.from(seed).toString("hex"),
      LOG_TEST_CALLERS: String(options.callers),
      LOG_TEST_APPENDS: String(options.appends),
    },
  });
  const acknowledged = new Map<number, string>();
  const lines = createInterface({ input: child.stdout! });
  lines.on("line", (line) => {
    const [index, tag] = line.split(" ");
    acknowledged.set(Number(index), tag!);
  });
  return { child, acknowledged, ended: Promise.all([once(child, "exit"), once(lines, "close")]) };
}

/** Reads checkpoints as a client would until `until` settles: each distinct one, verified. */
async function watchCheckpoints(until: Promise<unknown>): Promise<Checkpoint[]> {
  const seen = new Map<number, Checkpoint>();
  let over = false;
  void until.finally(() => {
    over = true;
  });
  while (!over) {
    const note = await log.reader.checkpoint();
    const checkpoint = verifyCheckpoint(note, { origin: ORIGIN, verifiers: [log.verifier] });
    const earlier = seen.get(checkpoint.size);
    if (earlier) expect(Buffer.from(checkpoint.root).equals(earlier.root)).toBe(true);
    seen.set(checkpoint.size, checkpoint);
    await new Promise((resolve) => setTimeout(resolve, 5)); // leave the processors to the writers
  }
  return [...seen.values()].filter(({ size }) => size > 0);
}

async function verifyEverything(
  seen: readonly Checkpoint[],
  acknowledged: ReadonlyMap<number, string>,
): Promise<number> {
  const report = await log.audit();
  expect(report.problems).toEqual([]);
  const last = verifyCheckpoint(report.checkpoint, { origin: ORIGIN, verifiers: [log.verifier] });
  for (const { size, root } of seen) {
    const proof = await log.reader.consistency(size, last.size);
    verifyConsistency({ size1: size, root1: root, size2: last.size, root2: last.root, proof });
  }
  const receipts = await log.reader.receipts([...acknowledged.keys()]);
  for (const receipt of receipts) {
    log.verifyReceipt(receipt);
    expect(parseEntry(receipt.entry).r).toBe(acknowledged.get(receipt.index));
  }
  return last.size;
}

it("two processes with 25 callers each give contiguous indices, and every checkpoint ever seen is consistent with the last", async () => {
  const appenders = [startAppender({ callers: 25, appends: 12 }), startAppender({ callers: 25, appends: 12 })];
  const seen = await watchCheckpoints(Promise.all(appenders.map((appender) => appender.ended)));
  expect(appenders.map(({ child }) => child.exitCode)).toEqual([0, 0]);
  const acknowledged = new Map(appenders.flatMap((appender) => [...appender.acknowledged]));
  expect([...acknowledged.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, i) => i));
  expect(seen.length).toBeGreaterThan(2);
  expect(await verifyEverything(seen, acknowledged)).toBe(600);
}, 120_000);

it("kill -9 among 50 writers loses nothing that was acknowledged, and another process goes on", async () => {
  for (let round = 0; round < 3; round++) {
    const victim = startAppender({ callers: 50, appends: 1_000_000 });
    const survivor = startAppender({ callers: 5, appends: 40 });
    const killed = (async () => {
      while (victim.acknowledged.size < 200) await new Promise((resolve) => setTimeout(resolve, 5));
      victim.child.kill("SIGKILL");
    })();
    const seen = await watchCheckpoints(Promise.all([killed, victim.ended, survivor.ended]));
    expect(survivor.child.exitCode).toBe(0);
    await verifyEverything(seen, new Map([...victim.acknowledged, ...survivor.acknowledged]));
  }
  const { logIndex } = await log.openWriter().append(acceptAll, undefined, makeEntry());
  expect(await log.audit()).toMatchObject({ ok: true, tree: { size: logIndex + 1 } });
}, 120_000);
