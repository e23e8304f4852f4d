// The rows of `npm run bench`: each against its plain twin, in one run on one machine.
import { randomBytes, randomUUID } from "node:crypto";
import postgres from "postgres";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { commitment, randomTag, ZERO_SALT } from "../../src/log/entry.ts";
import { initializeLog } from "../../src/log/log-state-service.ts";
import { createLogWriter, type WriteKind } from "../../src/log/writer-service.ts";
import { silentLogger } from "../../src/logger.ts";
import { connectDatabase, createDatabaseIfMissing } from "../../src/storage/database.ts";
import { applyMigrations } from "../../src/storage/migrations.ts";
import { benchHistory, benchMemory, benchSearch } from "./crowd-rows.ts";
import { benchDirectory } from "./directory-rows.ts";
import { benchDisclosure } from "./disclosure-rows.ts";
import { runLoad } from "./load.ts";
import { type BenchRow, interleave, median, summarize } from "./measure.ts";
import { benchVerify, benchVerifyBatch } from "./verify-rows.ts";
import type { World } from "./world.ts";

const CONNECTIONS = 64;
const SECONDS = 4;
const ROUNDS = 5;
const IMPORT_BATCH = 500;
const IMPORT_BATCHES = 10;
const IMPORT_PARALLEL = 2;

function registryDefinition(name: string, personal: boolean): object {
  const text = personal ? { type: "string", "x-personal": true } : { type: "string" };
  return {
    name,
    type: name,
    title: name,
    access: "public",
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["code", "name", "born", "street", "city"],
      properties: {
        code: { type: "string", "x-unique": true },
        name: text,
        born: text,
        street: text,
        city: { type: "string" },
      },
    },
  };
}

function rowData(code: string): Record<string, string> {
  return { code, name: "Meera Deshpande", born: "1984-02-29", street: "12 Lake Road, Ward 7", city: "Nagpur" };
}

async function publish(world: World, name: string, personal: boolean): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${world.nodePort}/registries/${name}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${world.operator}`, "content-type": "application/json" },
    body: JSON.stringify(registryDefinition(name, personal)),
  });
  if (!response.ok) throw new Error(await response.text());
}

/** One record per request: signed, logged, durable, against one unsigned INSERT per request. */
export async function benchCreate(world: World): Promise<BenchRow> {
  await publish(world, "places", false);
  const headers = { "content-type": "application/json" };
  const rounds = await interleave(ROUNDS, {
    ours: () =>
      runLoad({
        port: world.nodePort,
        connections: CONNECTIONS,
        seconds: SECONDS,
        expectedStatus: 201,
        next: () => ({
          method: "POST",
          path: "/registries/places/records",
          headers: { ...headers, authorization: `Bearer ${world.registrar}` },
          body: JSON.stringify({ data: rowData(randomUUID()) }),
        }),
      }),
    twin: () =>
      runLoad({
        port: world.twinPort,
        connections: CONNECTIONS,
        seconds: SECONDS,
        expectedStatus: 201,
        next: () => ({
          method: "POST",
          path: "/plain",
          headers,
          body: JSON.stringify({ id: randomUUID(), ...rowData(randomUUID()) }),
        }),
      }),
  });
  return summarize({ row: "create", goal: ">= 1.0 x", unit: "records/s", rounds, note: `${CONNECTIONS} connections` });
}

async function importBatch(world: World): Promise<void> {
  const body = Array.from({ length: IMPORT_BATCH }, () => `${JSON.stringify({ data: rowData(randomUUID()) })}\n`).join(
    "",
  );
  const response = await fetch(`http://127.0.0.1:${world.nodePort}/registries/people/records:import?mode=create`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.registrar}`, "content-type": "application/x-ndjson" },
    body,
  });
  const text = await response.text();
  const created = text.split('"outcome":"created"').length - 1;
  if (created !== IMPORT_BATCH)
    throw new Error(`${created} of ${IMPORT_BATCH} rows were created: ${text.slice(0, 300)}`);
}

async function inParallel(batches: number, workers: number, run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let left = batches;
  await Promise.all(
    Array.from({ length: workers }, async () => {
      while (left-- > 0) await run();
    }),
  );
  return (batches * IMPORT_BATCH) / ((performance.now() - startedAt) / 1_000);
}

/** Bytes that the node stored per imported record: token, sealed parts, log entry and hashes, key. Indexes not counted. */
async function storedBytes(world: World): Promise<number> {
  const sql = postgres(world.cluster.url("attestry_bench"), { onnotice: () => {} });
  try {
    const [row] = await sql<{ bytes: number }[]>`
      select avg(octet_length(v.jwt) + octet_length(v.sealed) + octet_length(r.sealed_key) + octet_length(e.entry)
        + octet_length(e.tag) + octet_length(e.leaf_hash) + 43)::int as bytes
      from record r join record_version v on v.rid = r.rid join log_entry e on e.index = v.log_index where r.registry = 'people'`;
    return row!.bytes;
  } finally {
    await sql.end();
  }
}

/**
 * Bulk import over HTTP, signed, logged, personal fields sealed, against a multi-row INSERT of as many bytes as that stores,
 * straight to the database and nothing else. The note tells the ratio to an INSERT of the unsigned input rows.
 */
export async function benchImport(world: World): Promise<BenchRow> {
  await publish(world, "people", true);
  await importBatch(world);
  const bytes = await storedBytes(world);
  const sql = postgres(world.twinUrl, { onnotice: () => {} });
  try {
    await sql`create table if not exists plain_import (id uuid primary key, body text not null)`;
    const insertBatch = (body: (id: string) => string) => async (): Promise<void> => {
      const rows = Array.from({ length: IMPORT_BATCH }, () => {
        const id = randomUUID();
        return { id, body: body(id) };
      });
      await sql`insert into plain_import ${sql(rows)}`;
    };
    const sameBytes = insertBatch(() => randomBytes(bytes).toString("base64url").slice(0, bytes));
    const inputRows = insertBatch((id) => JSON.stringify({ data: rowData(id) }));
    const rounds = await interleave(ROUNDS, {
      ours: () => inParallel(IMPORT_BATCHES, IMPORT_PARALLEL, () => importBatch(world)),
      twin: () => inParallel(IMPORT_BATCHES * 4, IMPORT_PARALLEL, sameBytes),
    });
    const inputRate = await inParallel(IMPORT_BATCHES * 4, IMPORT_PARALLEL, inputRows);
    const ours = median(rounds.map((round) => round.ours));
    const note = `batches of ${IMPORT_BATCH}, ${IMPORT_PARALLEL} at a time, 3 of 5 fields personal, ${bytes} bytes a row; against the input rows alone ${(ours / inputRate).toPrecision(2)} x`;
    return summarize({ row: "import", goal: ">= 0.25 x", unit: "rows/s", rounds, note });
  } finally {
    await sql.end();
  }
}

/** The evidence of a record by its key, against a bare SELECT by key. */
export async function benchRead(world: World): Promise<BenchRow> {
  await publish(world, "places", false);
  const hrefs = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await fetch(`http://127.0.0.1:${world.nodePort}/registries/places/records`, {
        method: "POST",
        headers: { authorization: `Bearer ${world.registrar}`, "content-type": "application/json" },
        body: JSON.stringify({ data: rowData(randomUUID()) }),
      });
      return (await response.json()) as { rid: string; token: string };
    }),
  );
  const sql = postgres(world.twinUrl, { onnotice: () => {} });
  for (const { rid, token } of hrefs) await sql`insert into plain_record (rid, jwt) values (${rid}, ${token})`;
  await sql.end();
  const pick = (): string => hrefs[Math.floor(Math.random() * hrefs.length)]!.rid;
  const rounds = await interleave(ROUNDS, {
    ours: () =>
      runLoad({
        port: world.nodePort,
        connections: CONNECTIONS,
        seconds: SECONDS,
        expectedStatus: 200,
        next: () => ({ method: "GET", path: `/registries/places/records/${pick()}/evidence` }),
      }),
    twin: () =>
      runLoad({
        port: world.twinPort,
        connections: CONNECTIONS,
        seconds: SECONDS,
        expectedStatus: 200,
        next: () => ({ method: "GET", path: `/plain/${pick()}` }),
      }),
  });
  return summarize({
    row: "read",
    goal: ">= 0.7 x",
    unit: "requests/s",
    rounds,
    note: `evidence file, ${CONNECTIONS} connections`,
  });
}

const plainKind: WriteKind<null> = {
  name: "plain",
  check: async (_tx, inputs) => inputs.map(() => undefined),
  store: async () => {},
};

/** Cost of an append to a log of 10^5 entries, against one of 10^3; lower is better. */
export async function benchAppendGrowth(world: World): Promise<BenchRow> {
  const signer = createSigner(generateSeed());
  const clock = () => Math.floor(Date.now() / 1_000);
  const open = async (size: number) => {
    const url = world.cluster.url(`growth_${size}`);
    await createDatabaseIfMissing({ url });
    const database = connectDatabase({ url, poolMax: 2 });
    await applyMigrations(database);
    const identity = { logName: "records", origin: "bench/log/records", signer };
    await initializeLog({ ...identity, database, clock });
    const writer = createLogWriter({ ...identity, database, clock, logger: silentLogger });
    const append = async (count: number) => {
      const items = Array.from({ length: count }, () => {
        const tag = randomTag(randomBytes(32));
        return {
          input: null,
          entry: { c: commitment("create", ZERO_SALT, tag), e: "create", r: tag, t: clock(), v: 1 } as const,
        };
      });
      await writer.appendAll(plainKind, items);
    };
    for (let left = size; left > 0; left -= 5_000) await append(Math.min(left, 5_000));
    // Batches of one, as a quiet office appends: the cost of the tree itself, not of filling a batch.
    const cost = async () => {
      const startedAt = performance.now();
      for (let i = 0; i < 200; i++) await append(1);
      return ((performance.now() - startedAt) * 1_000) / 200;
    };
    const close = async () => {
      await writer.close();
      await database.close();
    };
    return { cost, close };
  };
  const small = await open(1_000);
  const large = await open(100_000);
  try {
    const rounds = await interleave(ROUNDS, { ours: large.cost, twin: small.cost });
    return summarize({
      row: "append-growth",
      goal: "<= 1.2 x",
      unit: "us per append",
      rounds,
      note: "10^5 entries against 10^3",
    });
  } finally {
    await small.close();
    await large.close();
  }
}

export const ROWS = {
  create: benchCreate,
  import: benchImport,
  read: benchRead,
  "append-growth": benchAppendGrowth,
  search: benchSearch,
  history: benchHistory,
  memory: benchMemory,
  directory: benchDirectory,
  disclosure: benchDisclosure,
  verify: benchVerify,
  "verify-batch": benchVerifyBatch,
} as const;
