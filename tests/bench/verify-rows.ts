// Rows of the bench for verification: one record against one signature check of OpenSSL, and a batch on all cores against one.
import { verify as verifyByOpenssl } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { BatchPool } from "../../src/cli/verify/batch-pool.ts";
import type { BatchWorkerData } from "../../src/cli/verify/batch-worker.ts";
import type { TextInput } from "../../src/cli/verify/input-check.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { type BenchRow, interleave, summarize } from "./measure.ts";
import { createVerifyWorld, NOW } from "./verify-world.ts";

const ROUNDS = 9;
const RECORDS = 2_000;
const BATCH_ROUNDS = 5;
const CHUNK = 32;
const POLICY_SECONDS = 300;
// As operators run it: the built program's threads.
const POOL = new URL("../../dist/cli/verify/batch-pool.js", import.meta.url).href;

async function perSecond(count: number, run: () => Promise<void> | void): Promise<number> {
  const startedAt = performance.now();
  await run();
  return count / ((performance.now() - startedAt) / 1_000);
}

/** Both sides have one thread, so processor time tells what the clock tells on an idle machine, and tells it on a busy one, too. */
async function perProcessorSecond(count: number, run: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return count / ((user + system) / 1_000_000);
}

/** Every check of one record, with its issuer's chain, checkpoint, status list and definition known, against the one signature in it. */
export async function benchVerify(): Promise<BenchRow> {
  const world = await createVerifyWorld(RECORDS);
  const evidence: unknown[] = world.files.map((text) => JSON.parse(text));
  const verifier = createVerifier({ anchors: world.anchors, statusMaxAgeSeconds: POLICY_SECONDS });
  const rounds = await interleave(ROUNDS, {
    ours: () =>
      perProcessorSecond(RECORDS, async () => {
        for (const one of evidence)
          if (!(await verifier.verify(one, { now: NOW })).valid) throw new Error("a record was not verified");
      }),
    twin: () =>
      perProcessorSecond(RECORDS, () => {
        for (const { message, signature } of world.signatures)
          if (!verifyByOpenssl(null, message, world.key, signature)) throw new Error("a signature was not verified");
      }),
  });
  const bytes = Math.round(world.files[0]!.length / 1_024);
  const note = `evidence of ${bytes} KB, parsed before; a log of 131,072 entries`;
  return summarize({ row: "verify", goal: ">= 0.7 x", unit: "records per processor second", rounds, note });
}

/** Files read, parsed and verified by all cores, against one. */
export async function benchVerifyBatch(): Promise<BenchRow> {
  const world = await createVerifyWorld(RECORDS);
  const directory = mkdtempSync(join(tmpdir(), "attestry-bench-"));
  const items: TextInput[] = world.files.map((text, at) => {
    const path = join(directory, `${at}.json`);
    writeFileSync(path, text);
    return { name: `${at}.json`, path };
  });
  const { createBatchPool } = (await import(POOL)) as {
    createBatchPool: (data: BatchWorkerData, size: number) => BatchPool;
  };
  const policy = { anchors: world.anchors, statusMaxAgeSeconds: POLICY_SECONDS };
  const cores = availableParallelism();
  const pools = [cores, 1].map((size) => createBatchPool({ policy, at: NOW, reach: undefined }, size));
  const runOn = (pool: BatchPool) => () =>
    perSecond(RECORDS, async () => {
      const chunks = Array.from({ length: Math.ceil(RECORDS / CHUNK) }, (_, at) =>
        pool.run(items.slice(at * CHUNK, (at + 1) * CHUNK)),
      );
      const found = (await Promise.all(chunks)).flat();
      if (!found.every(({ verdict }) => verdict === "valid")) throw new Error("a file was not verified");
    });
  try {
    const rounds = await interleave(BATCH_ROUNDS, { ours: runOn(pools[0]!), twin: runOn(pools[1]!) });
    const goal = `>= ${(cores * 0.75).toPrecision(2)} x`;
    const note = `${RECORDS} files on ${cores} cores against one, from the disk to the report`;
    return summarize({ row: "verify-batch", goal, unit: "files/s", rounds, note });
  } finally {
    for (const pool of pools) await pool.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
