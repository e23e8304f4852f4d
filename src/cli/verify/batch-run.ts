// A batch from its directory to its summary: chunks over all cores, answers in the order of the inputs, few of them in memory at a time.
import { once } from "node:events";
import { VERIFY_BATCH_CHUNK_CHARS, VERIFY_BATCH_CHUNK_ITEMS, VERIFY_BATCH_CHUNKS_AHEAD } from "../../limits.ts";
import type { Verdict } from "../../verification/report.ts";
import { createProgress, formatCount, formatDuration } from "../terminal.ts";
import { listBatchItems } from "./batch-items.ts";
import { createBatchPool } from "./batch-pool.ts";
import { describeBriefly, type Paint } from "./check-lines.ts";
import { formatCheck, type InputCheck, type TextInput, worstOf } from "./input-check.ts";
import type { TrustSource } from "./trust-source.ts";

export interface BatchOptions {
  readonly directory: string;
  readonly trust: TrustSource;
  /** Unix seconds; undefined: now, each. */
  readonly at: number | undefined;
  readonly isOffline: boolean;
  readonly json: boolean;
  readonly paint: Paint;
}

async function* inChunks(items: AsyncIterable<TextInput>): AsyncGenerator<TextInput[]> {
  let chunk: TextInput[] = [];
  let chars = 0;
  for await (const item of items) {
    chunk.push(item);
    chars += item.text?.length ?? 0;
    if (chunk.length < VERIFY_BATCH_CHUNK_ITEMS && chars < VERIFY_BATCH_CHUNK_CHARS) continue;
    yield chunk;
    chunk = [];
    chars = 0;
  }
  if (chunk.length > 0) yield chunk;
}

async function write(text: string): Promise<void> {
  if (text !== "" && !process.stdout.write(text)) await once(process.stdout, "drain");
}

/** Writes one line for each input (people: only for those that are not valid), then the summary. Gives the worst verdict. */
export async function runBatch(options: BatchOptions): Promise<Verdict> {
  const { trust, at, json, paint } = options;
  const startedAt = performance.now();
  const { items, total } = await listBatchItems(options.directory);
  const isOffline = options.isOffline || at !== undefined;
  const pool = createBatchPool({
    policy: trust.policy,
    at,
    reach: isOffline ? undefined : trust.reach,
    reader: trust.reader,
  });
  const progress = createProgress({ label: "verifying", unit: "records", stream: process.stderr });
  const counts: Record<Verdict, number> = { valid: 0, invalid: 0, undecided: 0 };
  let done = 0;

  async function report(found: readonly InputCheck[]): Promise<void> {
    const lines: string[] = [];
    for (const one of found) {
      counts[one.verdict]++;
      if (json) lines.push(`${formatCheck(one)}\n`);
      else if (one.verdict !== "valid") lines.push(`${describeBriefly(one, paint)}\n`);
    }
    if (lines.length > 0) {
      progress.end();
      await write(lines.join(""));
    }
    done += found.length;
    progress.update(done, total);
  }

  try {
    const ahead: Promise<readonly InputCheck[]>[] = [];
    for await (const chunk of inChunks(items)) {
      ahead.push(pool.run(chunk));
      if (ahead.length >= pool.size * VERIFY_BATCH_CHUNKS_AHEAD) await report(await ahead.shift()!);
    }
    for (const found of ahead) await report(await found);
  } finally {
    progress.end();
    await pool.close();
  }
  const elapsed = performance.now() - startedAt;
  const rate = formatCount(Math.round((done * 1_000) / elapsed));
  const summary = `${formatCount(done)} records: ${formatCount(counts.valid)} valid, ${formatCount(counts.invalid)} not valid, ${formatCount(counts.undecided)} not decided; ${formatDuration(elapsed)}, ${rate} a second on ${pool.size} cores, by ${trust.description}`;
  (json ? process.stderr : process.stdout).write(`${summary}\n`);
  return worstOf((Object.keys(counts) as Verdict[]).filter((verdict) => counts[verdict] > 0));
}
