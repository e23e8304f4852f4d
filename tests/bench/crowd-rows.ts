// Rows of the bench at many records: how long a search, a look into the past and a duplicate check take, and what the node holds in memory.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Crowd, findCrowd } from "./crowd.ts";
import { type BenchRow, percentile, summarize } from "./measure.ts";
import type { World } from "./world.ts";

const OPEN_VERSION = 2_147_483_647;
const PAGE = 50;
const REQUESTS = 300;
const CROWDED = 4;
const ROUNDS = 3;
const IDLE_MS = 30_000;
const AMENDED = 100;
const AMENDMENTS = 5;

interface Question {
  readonly name: string;
  /** The request that asks it of the node. */
  ask(at: number): { path: string; method?: string; body?: unknown };
  /** The same rows by a plain query on the same tables. */
  query(at: number): PromiseLike<unknown>;
}

/** Milliseconds below which 95 of 100 answers come, with so many questions at a time. */
async function measure(ask: (at: number) => PromiseLike<unknown>, inFlight: number): Promise<number> {
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < REQUESTS) {
        const at = next++;
        const startedAt = performance.now();
        await ask(at);
        times.push(performance.now() - startedAt);
      }
    }),
  );
  return percentile(times, 95);
}

async function call(world: World, request: ReturnType<Question["ask"]>): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${world.nodePort}${request.path}`, {
    method: request.method ?? "GET",
    headers: { authorization: `Bearer ${world.registrar}`, "content-type": "application/json" },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${request.path}: ${text.slice(0, 500)}`);
  return JSON.parse(text);
}

async function compare(world: World, crowd: Crowd, question: Question): Promise<BenchRow> {
  const ours = (at: number) => call(world, question.ask(at));
  const sides = { ours: () => measure(ours, 1), twin: () => measure(question.query, 1) };
  await sides.ours();
  await sides.twin();
  const crowded = { ours: await measure(ours, CROWDED), twin: await measure(question.query, CROWDED) };
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) rounds.push({ twin: await sides.twin(), ours: await sides.ours() });
  return summarize({
    row: question.name,
    goal: "p95 < 50 ms",
    unit: "ms p95",
    rounds,
    note: `${crowd.count} records, over HTTP with views and tokens; twin: the plain SQL on the same tables; ${CROWDED} at a time: ${crowded.ours.toFixed(1)}, twin ${crowded.twin.toFixed(1)}`,
  });
}

/** A plain page: rows of the index by a condition, with their records and tokens. */
function plainPage(crowd: Crowd, field: string, from: string, until: string, order: "value" | "first_index") {
  const { sql, registry } = crowd;
  return sql`
    select r.rid, v.jwt, v.sealed from (
      select value, first_index from record_search
      where registry = ${registry} and field = ${field} and value >= ${from} and value < ${until} and until = ${OPEN_VERSION}
      order by ${order === "value" ? sql`value, first_index` : sql`first_index`} limit ${PAGE}) s
    join record r on r.registry = ${registry} and r.first_index = s.first_index
    join record_version v on v.rid = r.rid and v.version = r.version`;
}

function searchQuestions(crowd: Crowd): Question[] {
  const { sql, registry, dataOf, count } = crowd;
  const base = `/registries/${registry}/records`;
  const some = (at: number) => dataOf((at * 7_919) % count);
  const normal = (name: string) => name.toLowerCase();
  const after = (text: string) => `${text}\u{10ffff}`;
  const encode = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    bytes[0]! ^= 0x80;
    return bytes.toString("hex");
  };
  return [
    {
      name: "search exact",
      ask: (at) => ({ path: `${base}?name=${encodeURIComponent(some(at).name)}` }),
      query: (at) => plainPage(crowd, "name", normal(some(at).name), `${normal(some(at).name)}\u0001`, "first_index"),
    },
    {
      name: "search exact many",
      ask: (at) => ({ path: `${base}?district=${some(at).district}` }),
      query: (at) =>
        plainPage(crowd, "district", normal(some(at).district), `${normal(some(at).district)}\u0001`, "first_index"),
    },
    {
      name: "search prefix",
      ask: (at) => ({ path: `${base}?name[prefix]=${some(at).name.slice(0, 3)}` }),
      query: (at) =>
        plainPage(
          crowd,
          "name",
          normal(some(at).name.slice(0, 3)),
          after(normal(some(at).name.slice(0, 3))),
          "first_index",
        ),
    },
    {
      name: "search prefix sorted",
      ask: (at) => ({ path: `${base}?name[prefix]=${some(at).name.slice(0, 3)}&sort=name` }),
      query: (at) =>
        plainPage(crowd, "name", normal(some(at).name.slice(0, 3)), after(normal(some(at).name.slice(0, 3))), "value"),
    },
    {
      name: "search range",
      ask: (at) => ({ path: `${base}?income[gte]=${some(at).income}&income[lt]=${some(at).income + 500}&sort=income` }),
      query: (at) => plainPage(crowd, "income", encode(some(at).income), encode(some(at).income + 500), "value"),
    },
    {
      name: "search combined",
      ask: (at) => ({ path: `${base}?district=${some(at).district}&born[gte]=1980-01-01&sort=-income` }),
      query: (at) => sql`
        select r.rid, v.jwt, v.sealed from (
          select o.value, o.first_index from record_search d
          join record_search b on b.registry = ${registry} and b.field = 'born' and b.first_index = d.first_index and b.until = ${OPEN_VERSION} and b.value >= '1980-01-01'
          join record_search o on o.registry = ${registry} and o.field = 'income' and o.first_index = d.first_index and o.until = ${OPEN_VERSION}
          where d.registry = ${registry} and d.field = 'district' and d.value = ${normal(some(at).district)} and d.until = ${OPEN_VERSION}
          order by o.value desc, o.first_index desc limit ${PAGE}) s
        join record r on r.registry = ${registry} and r.first_index = s.first_index
        join record_version v on v.rid = r.rid and v.version = r.version`,
    },
    {
      name: "search personal",
      ask: (at) => ({ path: `${base}:search`, method: "POST", body: { fields: { phone: some(at).phone } } }),
      query: (
        at,
      ) => sql`select r.rid, v.jwt, v.sealed from record r join record_version v on v.rid = r.rid and v.version = r.version
        where r.registry = ${registry} and r.first_index = ${(at * 7_919) % count}`,
    },
    {
      name: "duplicates",
      ask: (at) => ({ path: `${base}:duplicates`, method: "POST", body: { data: some(at) } }),
      query: (at) => sql`
        select r.rid, v.jwt, v.sealed from record_search n
        join record_search b on b.registry = ${registry} and b.field = 'born' and b.value = ${some(at).born} and b.until = ${OPEN_VERSION} and b.first_index = n.first_index
        join record_search d on d.registry = ${registry} and d.field = 'district' and d.value = ${normal(some(at).district)} and d.until = ${OPEN_VERSION} and d.first_index = n.first_index
        join record r on r.registry = ${registry} and r.first_index = n.first_index
        join record_version v on v.rid = r.rid and v.version = r.version
        where n.registry = ${registry} and n.field = 'name' and n.value = ${normal(some(at).name)} and n.until = ${OPEN_VERSION}`,
    },
  ];
}

/** Search of all kinds over HTTP, against plain SQL of the same tables. */
export async function benchSearch(world: World): Promise<BenchRow[]> {
  const crowd = await findCrowd(world);
  const rows: BenchRow[] = [];
  for (const question of searchQuestions(crowd)) rows.push(await compare(world, crowd, question));
  return rows;
}

/** Reads into the past and the timeline of records with several versions. */
export async function benchHistory(world: World): Promise<BenchRow[]> {
  const crowd = await findCrowd(world);
  const { sql, registry, dataOf, count } = crowd;
  const base = `/registries/${registry}/records`;
  const rids: string[] = [];
  for (let at = 0; at < AMENDED; at++) {
    const found = (await call(world, { path: `${base}?code=${dataOf((at * 104_729) % count).code}` })) as {
      records: { rid: string; version: number }[];
    };
    const { rid, version } = found.records[0]!;
    for (let change = version; change < version + AMENDMENTS; change++) {
      const response = await fetch(`http://127.0.0.1:${world.nodePort}${base}/${rid}`, {
        method: "PATCH",
        headers: {
          authorization: `Bearer ${world.registrar}`,
          "content-type": "application/json",
          "if-match": `"${change}.0"`,
        },
        body: JSON.stringify({ data: { income: change }, act: { distinct: "bench" } }),
      });
      if (!response.ok) throw new Error(await response.text());
    }
    rids.push(rid);
  }
  const asOf = new Date(Date.now() - 1_000).toISOString();
  const seconds = Math.floor(Date.parse(asOf) / 1_000);
  const pick = (at: number) => rids[at % rids.length]!;
  const questions: Question[] = [
    {
      name: "history asOf",
      ask: (at) => ({ path: `${base}/${pick(at)}?asOf=${asOf}` }),
      query: (at) =>
        sql`select jwt, sealed from record_version where rid = ${pick(at)} and recorded_at <= ${seconds} order by version desc limit 1`,
    },
    {
      name: "history timeline",
      ask: (at) => ({ path: `${base}/${pick(at)}/history` }),
      query: (at) => sql`select jwt, sealed from record_version where rid = ${pick(at)} order by version desc`,
    },
    {
      name: "history search",
      ask: (at) => ({
        path: `${base}?name[prefix]=${dataOf((at * 7_919) % count).name.slice(0, 5)}&asOf=${asOf}&sort=name`,
      }),
      query: (at) => {
        const prefix = dataOf((at * 7_919) % count)
          .name.slice(0, 5)
          .toLowerCase();
        return plainPage(crowd, "name", prefix, `${prefix}\u{10ffff}`, "value");
      },
    },
  ];
  const rows: BenchRow[] = [];
  for (const question of questions) rows.push(await compare(world, crowd, question));
  return rows;
}

function residentMegabytes(pid: number, line: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${line}:\\s+(\\d+) kB`).exec(status)![1]) / 1_024;
}

/** What the node's process holds after the import of the crowd, against what it held before anything was asked of it. */
export async function benchMemory(world: World): Promise<BenchRow> {
  const crowd = await findCrowd(world);
  if (crowd.rowsPerSecond === undefined) throw new Error("memory is measured after an import: leave out --data");
  const before = residentMegabytes(world.nodePid, "VmRSS");
  // What is garbage by then is collected once a process has little to do.
  await sleep(IDLE_MS);
  const ours = residentMegabytes(world.nodePid, "VmRSS");
  const peak = residentMegabytes(world.nodePid, "VmHWM");
  return summarize({
    row: "memory",
    goal: "<= 300 MB",
    unit: "MB resident",
    rounds: [{ ours, twin: world.nodeMegabytesAtStart }],
    note: `after importing ${crowd.count} records at ${Math.round(crowd.rowsPerSecond)} rows/s; ${Math.round(before)} MB right after it, at most ${Math.round(peak)} MB, told after ${IDLE_MS / 1_000} s; twin: the same process before`,
  });
}
