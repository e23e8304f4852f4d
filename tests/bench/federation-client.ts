// What the rows of the directory measure: one directory and one chain service in a process of its own, told what to do by its parent.

import { randomBytes } from "../../src/crypto/random.ts";
import { createChainService } from "../../src/federation/chain-service.ts";
import { createDirectoryService } from "../../src/federation/directory-service.ts";
import { createHttpClient } from "../../src/federation/http-client.ts";
import type { AnchorPin } from "../../src/federation/trust-chain.ts";
import { connectDatabase } from "../../src/storage/database.ts";
import { applyMigrations } from "../../src/storage/migrations.ts";

export interface Command {
  readonly name: "refresh" | "memory" | "chains" | "fetch" | "list";
  readonly entities?: readonly string[];
  readonly rounds?: number;
}

const AT_ONCE = 32;
const anchors = JSON.parse(process.env.BENCH_ANCHORS!) as AnchorPin[];
const clock = (): number => Math.floor(Date.now() / 1_000);
const database = connectDatabase({ url: process.env.BENCH_DATABASE! });
await applyMigrations(database);
const httpClient = createHttpClient({ development: true, allowedPrivateHosts: [] });
const deps = { httpClient, clock, allowLoopbackHttp: true };
const directory = createDirectoryService({
  ...deps,
  database,
  findAnchors: async () => anchors,
  random: randomBytes,
});
const chains = createChainService({ ...deps, anchors });

async function forEach(items: readonly string[], work: (item: string) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < items.length) await work(items[next++]!);
    }),
  );
}

function megabytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss / 1_048_576;
}

const COMMANDS = {
  refresh: async () => directory.refresh(),
  memory: async () => ({ megabytes: megabytes(), heap: process.memoryUsage().heapUsed / 1_048_576 }),
  /** The same requests, and nothing done with what they answer. */
  fetch: ({ entities = [] }: Command) => forEach(entities, (url) => httpClient.send({ method: "GET", url })),
  chains: ({ entities = [] }: Command) => forEach(entities, (entity) => chains.getChain(entity)),
  list: async () => directory.summarize(),
} as const;

process.on("message", async (command: Command) => {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  let result: unknown;
  for (let j = 0; j < (command.rounds ?? 1); j++) result = await COMMANDS[command.name](command);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  process.send!({ seconds, cpuSeconds: (user + system) / 1_000_000, result });
});
process.once("disconnect", () => process.exit(0));
process.send!("ready");
