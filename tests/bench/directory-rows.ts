// Rows of the bench for a federation of ten thousand departments: finding them all, keeping up with what changes, proving their chains.
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { createDatabaseIfMissing } from "../../src/storage/database.ts";
import type { Command } from "./federation-client.ts";
import { type BenchRow, median, summarize } from "./measure.ts";
import type { World } from "./world.ts";

const DEPARTMENTS = Number(process.env.BENCH_DEPARTMENTS ?? 10_000);
const SUPERIORS = 86; // 36 states and 50 ministries
const CHANGED = 10;
const REFRESHES = 3;
const MEMORY_GOAL_MB = 150;
const WARM_GOAL = 20_000;
const WARM_ROUNDS = 20;

interface Outcome<Result = unknown> {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly result: Result;
}

function start(file: string, env: NodeJS.ProcessEnv): Promise<{ child: ChildProcess; message: unknown }> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL(file, import.meta.url).pathname, [], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, ...env },
      execArgv: ["--import", "tsx", "--expose-gc"],
    });
    child.once("message", (message) => resolve({ child, message }));
    child.once("exit", (code) => reject(new Error(`${file} ended with ${code}`)));
  });
}

function ask<Result>(child: ChildProcess, command: Command): Promise<Outcome<Result>> {
  return new Promise((resolve) => {
    child.once("message", (outcome) => resolve(outcome as Outcome<Result>));
    child.send(command);
  });
}

export async function benchDirectory(world: World): Promise<BenchRow[]> {
  const server = await start("./federation-server.ts", {
    BENCH_DEPARTMENTS: String(DEPARTMENTS),
    BENCH_SUPERIORS: String(SUPERIORS),
  });
  const { anchor, departments, base } = server.message as { anchor: unknown; departments: string[]; base: string };
  const url = world.cluster.url("directory");
  await createDatabaseIfMissing({ url });
  const openClient = async () =>
    (await start("./federation-client.ts", { BENCH_DATABASE: url, BENCH_ANCHORS: JSON.stringify([anchor]) })).child;
  const client = await openClient();
  const spent = async () => (await (await fetch(`${base}/spent`)).json()) as { requests: number; bytes: number };
  const kilobytes = (bytes: number): string => `${(bytes / 1_024).toFixed(0)} KB`;
  const stop = (child: ChildProcess): void => {
    child.removeAllListeners("exit");
    child.disconnect();
  };
  try {
    // The twin of the first directory: the same configurations fetched, and nothing done with them.
    const configurations = departments.map((entity) => `${entity}/.well-known/openid-federation`);
    const plain = await ask(client, { name: "fetch", entities: configurations });
    const before = await ask<{ megabytes: number; heap: number }>(client, { name: "memory" });
    await spent();

    const first = await ask<{ valid: number }>(client, { name: "refresh" });
    const firstSpent = await spent();
    if (first.result.valid !== DEPARTMENTS + SUPERIORS + 1) throw new Error(`found ${JSON.stringify(first.result)}`);
    const after = await ask<{ megabytes: number; heap: number }>(client, { name: "memory" });
    const held = after.result.megabytes - before.result.megabytes;

    const refreshes: Outcome<{ checked: number }>[] = [];
    let refreshSpent = { requests: 0, bytes: 0 };
    for (let round = 0; round < REFRESHES; round++) {
      // Times of change have whole seconds.
      await sleep(1_100);
      await fetch(`${base}/change?n=${CHANGED}`);
      await spent();
      refreshes.push(await ask(client, { name: "refresh" }));
      refreshSpent = await spent();
    }

    const chainClient = await openClient();
    const chainBefore = await ask<{ megabytes: number }>(chainClient, { name: "memory" });
    const plainChains = await ask(chainClient, { name: "fetch", entities: configurations.concat(configurations) });
    const cold = await ask(chainClient, { name: "chains", entities: departments });
    await spent();
    const warm = await ask(chainClient, { name: "chains", entities: departments, rounds: WARM_ROUNDS });
    const warmSpent = await spent();
    const chainAfter = await ask<{ megabytes: number }>(chainClient, { name: "memory" });
    stop(chainClient);

    const row = (options: Omit<Parameters<typeof summarize>[0], "rounds"> & { ours: number; twin: number }): BenchRow =>
      summarize({ ...options, rounds: [{ ours: options.ours, twin: options.twin }] });
    return [
      row({
        row: "directory-first",
        goal: "<= 20 x",
        unit: "s",
        ours: first.seconds,
        twin: plain.seconds,
        note: `${DEPARTMENTS} departments below ${SUPERIORS} superiors, all found valid: ${firstSpent.requests} requests, ${kilobytes(firstSpent.bytes)}, ${first.cpuSeconds.toFixed(1)} s of CPU; twin: the same configurations fetched and dropped`,
      }),
      summarize({
        row: "directory-refresh",
        goal: "<= 0.05 x",
        unit: "s",
        rounds: refreshes.map(({ seconds }) => ({ ours: seconds, twin: first.seconds })),
        note: `${CHANGED} changed: ${refreshSpent.requests} requests, ${kilobytes(refreshSpent.bytes)}; twin: the first directory`,
      }),
      row({
        row: "directory-memory",
        goal: "<= 1 x",
        unit: "MB",
        ours: held,
        twin: MEMORY_GOAL_MB,
        note: `resident above ${before.result.megabytes.toFixed(0)} MB before; heap ${before.result.heap.toFixed(0)} to ${after.result.heap.toFixed(0)} MB; twin: the goal`,
      }),
      row({
        row: "chains-cold",
        goal: ">= 0.1 x",
        unit: "chains/s",
        ours: departments.length / cold.seconds,
        twin: departments.length / plainChains.seconds,
        note: `${cold.cpuSeconds.toFixed(1)} s of CPU; ${(chainAfter.result.megabytes - chainBefore.result.megabytes).toFixed(0)} MB held for ${departments.length} chains; twin: two statements fetched for each and dropped`,
      }),
      row({
        row: "chains-warm",
        goal: ">= 1 x",
        unit: "chains/s",
        ours: (departments.length * WARM_ROUNDS) / warm.cpuSeconds,
        twin: WARM_GOAL,
        note: `per second of CPU, ${warmSpent.requests - 1} requests; ${median([warm.seconds]).toFixed(2)} s for ${departments.length * WARM_ROUNDS}; twin: the goal`,
      }),
    ];
  } finally {
    stop(client);
    stop(server.child);
  }
}
