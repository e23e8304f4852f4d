// A registry of many records, made once per run by import, for the rows that ask how things are when much is there.
import postgres from "postgres";
import type { World } from "./world.ts";

export interface Crowd {
  readonly registry: string;
  readonly count: number;
  /** Undefined: they were there already, in a directory that is kept. */
  readonly rowsPerSecond: number | undefined;
  /** Data of the record number `at`. */
  dataOf(at: number): CrowdData;
  /** Straight to the node's database: the twin. */
  readonly sql: postgres.Sql;
}

export interface CrowdData {
  readonly code: string;
  readonly name: string;
  readonly born: string;
  readonly district: string;
  readonly income: number;
  readonly phone: string;
}

const REGISTRY = "people";
const BATCH = 1_000;
const PARALLEL = 3;
const DISTRICTS = 700;

const DEFINITION = {
  name: REGISTRY,
  type: REGISTRY,
  title: REGISTRY,
  access: "public",
  display: "{name}",
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["code", "name", "born", "district", "income", "phone"],
    properties: {
      code: { type: "string", "x-unique": true },
      name: { type: "string", "x-search": { match: "prefix", normal: "name" } },
      born: { type: "string", format: "date", "x-search": "range" },
      district: { type: "string", "x-search": "exact" },
      income: { type: "integer", "x-search": "range" },
      phone: { type: "string", "x-personal": true, "x-search": { match: "exact", normal: "digits" } },
    },
  },
  duplicates: [{ name: "same-person", fields: [{ field: "name", normal: "name" }, "born", "district"] }],
  statistics: [{ name: "by-district", fields: ["district"] }],
};

const SYLLABLES = ["ra", "mee", "ja", "ku", "ni", "sha", "de", "vi", "pra", "lo", "ti", "ba", "go", "su", "an", "ki"];

/** A number that depends on `at` and looks drawn: the same in every run. */
function drawn(at: number, salt: number, below: number): number {
  let mixed = Math.imul(at + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
}

function dataOf(at: number): CrowdData {
  const part = (salt: number) => SYLLABLES[drawn(at, salt, SYLLABLES.length)]!;
  const [a, b, c, d, e] = [part(1), part(2), part(3), part(4), part(5)];
  const day = (value: number) => String(value).padStart(2, "0");
  return {
    code: `C${at}`,
    name: `${a[0]!.toUpperCase()}${a.slice(1)}${b} ${c[0]!.toUpperCase()}${c.slice(1)}${d}${e}`,
    born: `${1930 + drawn(at, 6, 90)}-${day(1 + drawn(at, 7, 12))}-${day(1 + drawn(at, 8, 28))}`,
    district: `D${drawn(at, 9, DISTRICTS)}`,
    income: drawn(at, 10, 2_000_000),
    phone: `+91 ${drawn(at, 11, 2 ** 31)}`,
  };
}

async function importBatch(world: World, from: number, count: number): Promise<void> {
  // Who looks alike by chance is somebody else here.
  const rows = Array.from({ length: count }, (_, i) =>
    JSON.stringify({ data: dataOf(from + i), act: { distinct: "bench" } }),
  );
  const response = await fetch(`http://127.0.0.1:${world.nodePort}/registries/${REGISTRY}/records:import?mode=create`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.registrar}`, "content-type": "application/x-ndjson" },
    body: rows.join("\n"),
  });
  const text = await response.text();
  const created = text.split('"outcome":"created"').length - 1;
  if (created !== count) throw new Error(`${created} of ${count} rows were created: ${text.slice(0, 500)}`);
}

const crowds = new WeakMap<World, Promise<Crowd>>();

async function countCrowd(sql: postgres.Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from record where registry = ${REGISTRY}`;
  return row!.count;
}

async function importCrowd(world: World, count: number): Promise<number> {
  const startedAt = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      while (next < count) {
        const from = next;
        next += BATCH;
        await importBatch(world, from, Math.min(BATCH, count - from));
        if (from % 50_000 === 0) process.stderr.write(`  ${from} of ${count} records …\n`);
      }
    }),
  );
  return count / ((performance.now() - startedAt) / 1_000);
}

/** The crowd of this run; made when first asked for. */
export function findCrowd(world: World): Promise<Crowd> {
  const known = crowds.get(world) ?? makeCrowd(world);
  crowds.set(world, known);
  return known;
}

async function makeCrowd(world: World): Promise<Crowd> {
  const response = await fetch(`http://127.0.0.1:${world.nodePort}/registries/${REGISTRY}?allow-breaking=true`, {
    method: "PUT",
    headers: { authorization: `Bearer ${world.operator}`, "content-type": "application/json" },
    body: JSON.stringify(DEFINITION),
  });
  if (!response.ok) throw new Error(await response.text());
  const count = world.records;
  const sql = postgres(world.cluster.url("attestry_bench"), { onnotice: () => {}, max: 4 });
  world.onClose(() => sql.end());
  const there = await countCrowd(sql);
  if (there > 0 && there !== count)
    throw new Error(`the directory holds ${there} records: ask with --records ${there}, or name another directory`);
  const rowsPerSecond = there > 0 ? undefined : await importCrowd(world, count);
  // As autovacuum leaves the tables a while later.
  await sql`vacuum analyze`;
  return { registry: REGISTRY, count, rowsPerSecond, dataOf, sql };
}
