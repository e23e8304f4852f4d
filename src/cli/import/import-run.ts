// One import from file to node: reads, builds, sends, counts, reports; goes on where an earlier run of it was cut short.
import { canonicalJson } from "../../crypto/json.ts";
import {
  IMPORT_BATCH_BYTES,
  IMPORT_BATCH_ROWS,
  IMPORT_BATCHES_IN_FLIGHT_MAX,
  IMPORT_LINE_BYTES_MAX,
} from "../../limits.ts";
import { readKeyValues } from "../../records/bulk/import-keys.ts";
import type { Refusal } from "../../records/bulk/import-row.ts";
import type { Progress } from "../terminal.ts";
import { type BatchSender, createBatchSender, type OutgoingRecord } from "./batch-sender.ts";
import { type ImportCounts, noCounts, summarizeBatch } from "./import-counts.ts";
import {
  type BatchResult,
  createVolatileJournal,
  digestFile,
  type ImportBinding,
  type ImportJournal,
  openJournal,
} from "./import-journal.ts";
import { type MissingOptions, type MissingSummary, settleMissing } from "./missing-records.ts";
import { type PreparedImport, prepareImport } from "./prepare-import.ts";
import { createPresence, type Presence } from "./presence.ts";
import type { BuiltGroup } from "./record-builder.ts";
import { createRefusalReport, type RefusalReport } from "./refusal-report.ts";
import { batchGroups, groupRows } from "./row-groups.ts";
import type { ReadPosition, ReadRow, RowReader } from "./row-reader.ts";

/** `sync`: as `upsert`, and records that no row is about are named. */
export const COMMAND_MODES = ["create", "upsert", "sync"] as const;
export type CommandMode = (typeof COMMAND_MODES)[number];

export interface ImportOptions {
  readonly registry: string;
  readonly filePath: string;
  /** Not for rows that are envelopes already. */
  readonly mapPath: string | undefined;
  /** Base URL of the node imported into, and the bearer token for it, which no other node gets. */
  readonly url: string;
  readonly token: string | undefined;
  readonly mode: CommandMode;
  readonly isDryRun: boolean;
  readonly reportPath: string | undefined;
  /** What to do with records that no row is about; only to name them where it is not given. */
  readonly onMissing?: MissingOptions | undefined;
  /** Why the records are no duplicates, for each row that does not say so itself. */
  readonly distinct?: string | undefined;
  /** Base URL by name of a registry that the map refers to. */
  readonly nodes: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly createProgress: (label: string) => Progress;
  readonly warn: (text: string) => void;
  readonly memoryBytesMax?: number;
}

/** What became of the rows of the file, in all runs of this import. Records are counted by created, amended and unchanged, rows by refused and rows. */
export interface ImportSummary extends Readonly<ImportCounts> {
  readonly registry: string;
  readonly mode: CommandMode;
  readonly dry_run: boolean;
  readonly state: "done" | "interrupted" | "failed";
  readonly seconds: number;
  readonly report: string | null;
  /** Of the mode sync: the records that no row is about. */
  readonly missing: MissingSummary | null;
}

export interface ImportResult {
  readonly summary: ImportSummary;
  /** What ended an import of state "failed". */
  readonly error?: unknown;
}

interface Run {
  readonly options: ImportOptions;
  readonly prepared: PreparedImport;
  readonly journal: ImportJournal;
  readonly counts: ImportCounts;
  readonly refusals: RefusalReport;
  /** Of the mode sync. */
  readonly presence: Presence | undefined;
}

/** Runs an import. Throws what is found wrong before anything is sent; later failures come with how far it came. */
export async function runImport(options: ImportOptions): Promise<ImportResult> {
  const startedAt = performance.now();
  const prepared = await prepareImport(options);
  const counts = noCounts();
  let state: ImportSummary["state"] = "done";
  let error: unknown;
  let report: string | undefined;
  let missing: MissingSummary | undefined;
  const presence = options.mode === "sync" ? createPresence() : undefined;
  try {
    const journal = await openImportJournal(options, prepared);
    const isWanted = options.reportPath !== undefined;
    const refusals = createRefusalReport({ path: reportPathOf(options), isWanted });
    try {
      await transfer({ options, prepared, journal, counts, refusals, presence });
      if (presence && !options.signal.aborted) missing = await findMissing({ options, prepared, journal, presence });
      if (options.signal.aborted) state = "interrupted";
    } finally {
      report = refusals.close();
    }
    if (state === "done") journal.remove();
  } catch (cause) {
    state = "failed";
    error = cause;
  } finally {
    presence?.close();
    prepared.reader.close();
  }
  const { registry, mode, isDryRun } = options;
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const ending = { report: report ?? null, missing: missing ?? null };
  const summary = { registry, mode, dry_run: isDryRun, state, ...counts, seconds, ...ending };
  return state === "failed" ? { summary, error } : { summary };
}

function reportPathOf({ reportPath, filePath }: ImportOptions): string {
  return reportPath ?? `${filePath}.refused.ndjson`;
}

/** A dry run writes nothing that could be gone on with. */
async function openImportJournal(options: ImportOptions, prepared: PreparedImport): Promise<ImportJournal> {
  const { registry, mode, filePath, memoryBytesMax, onMissing } = options;
  if (options.isDryRun) return createVolatileJournal();
  const binding: ImportBinding = {
    node: prepared.client.baseUrl,
    registry,
    mode,
    file: await digestFile(filePath),
    map: prepared.mapDigest,
    on_missing: onMissing ? { ...onMissing } : null,
    layout: [IMPORT_BATCH_ROWS, IMPORT_BATCH_BYTES, memoryBytesMax ?? null],
  };
  const journal = await openJournal({
    path: `${filePath}.import-journal`,
    binding,
    isUnique: prepared.isUnique,
    now: Date.now() / 1_000,
    warn: options.warn,
  });
  if (journal.resumedFrom !== undefined) options.warn(`going on with the import that began at ${journal.resumedFrom}`);
  return journal;
}

async function transfer(run: Run): Promise<void> {
  const { options, prepared, journal, counts, refusals, presence } = run;
  const { reader, key, isGrouping, build } = prepared;
  const { registry, mode, isDryRun, signal } = options;
  const progress = options.createProgress(isDryRun ? "checking" : "importing");
  const reading = options.createProgress("reading");
  const count = (result: BatchResult): void => {
    for (const name of ["rows", "created", "amended", "unchanged", "proposed"] as const) counts[name] += result[name];
    counts.refused += result.refusals.length;
    for (const refusal of result.refusals) refusals.add(refusal);
    progress.update(counts.rows, estimateRows(reader.position));
  };
  const onRefusal = (refusal: Refusal): void => {
    // What the reading refuses says nothing about which record the row was of.
    presence?.addUnknown();
    count({ rows: 1, created: 0, amended: 0, unchanged: 0, proposed: 0, refusals: [refusal] });
  };
  const { client, fills } = prepared;
  const nodeMode = mode === "sync" ? "upsert" : mode;
  const sender = createBatchSender({
    client,
    registry,
    mode: nodeMode,
    isDryRun,
    fills,
    importId: journal.id,
    signal,
  });
  const lane = createLane();
  const rows = watchReading({ reader, signal, progress: key ? reading : undefined });
  const { memoryBytesMax } = options;
  const fileBytes = reader.position.bytesTotal;
  const groups = groupRows({ rows, key, isGrouping, fileBytes, ...(memoryBytesMax && { memoryBytesMax }), onRefusal });
  try {
    for await (const batch of batchGroups(groups)) {
      // Also where the reading was cut short: the groups that come then may lack rows.
      if (signal.aborted) break;
      const before = journal.settledBefore(batch.number);
      // Which records are there has to be read from the rows, also of a batch that was settled.
      const built = before && !presence ? [] : await build(batch.groups);
      if (presence) noteBuilt(presence, prepared, built);
      if (before) count(before);
      else {
        await lane.add(async () => {
          const result = await sendBatch(sender, built);
          journal.settle(batch.number, result);
          count(result);
        });
      }
    }
    await lane.finish();
  } finally {
    await lane.stop();
    reading.end();
    progress.end();
  }
}

async function sendBatch(sender: BatchSender, built: readonly BuiltGroup[]): Promise<BatchResult> {
  const refusals = built.flatMap((group) => group.refusals);
  const records: OutgoingRecord[] = [];
  for (const { lines, envelope, refusals: faults } of built) {
    if (faults.length > 0 || envelope === undefined) continue;
    // The first line names the row to the node; it is the row's own, whatever batch the row comes in.
    const text = canonicalJson({ ...envelope, row: lines[0]! });
    if (text.length <= IMPORT_LINE_BYTES_MAX) records.push({ lines, text });
    else {
      const reason = `the record has more than ${IMPORT_LINE_BYTES_MAX} characters`;
      refusals.push(...lines.map((line): Refusal => ({ line, field: "", code: "record_too_large", reason })));
    }
  }
  const outcomes = await sender.send(records);
  return summarizeBatch({ refusals, records, outcomes });
}

/** Whatever becomes of a row: the record that it is about is in the file. */
function noteBuilt(presence: Presence, { rules }: PreparedImport, built: readonly BuiltGroup[]): void {
  for (const { envelope } of built) {
    const keys = envelope ? readKeyValues(rules, envelope) : [];
    if (keys.length === 0) presence.addUnknown();
    for (const { text } of keys) presence.add(text);
  }
}

function findMissing(run: Pick<Run, "options" | "prepared" | "journal"> & { presence: Presence }) {
  const { options, prepared, journal, presence } = run;
  return settleMissing({
    client: prepared.client,
    registry: options.registry,
    rules: prepared.rules,
    presence,
    journal,
    path: `${options.filePath}.missing.ndjson`,
    onMissing: options.onMissing,
    isDryRun: options.isDryRun,
    signal: options.signal,
    createProgress: options.createProgress,
  });
}

/** A few tasks at a time; the first failure is thrown by whatever is called next. */
function createLane() {
  const inFlight = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const check = (): void => {
    if (failure) throw failure.error;
  };
  return {
    async add(task: () => Promise<void>): Promise<void> {
      while (inFlight.size >= IMPORT_BATCHES_IN_FLIGHT_MAX) await Promise.race(inFlight);
      check();
      const running = task()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => inFlight.delete(running));
      inFlight.add(running);
    },
    async finish(): Promise<void> {
      await Promise.all(inFlight);
      check();
    },
    /** Waits for what is under way; throws nothing. */
    async stop(): Promise<void> {
      await Promise.all(inFlight);
    },
  };
}

async function* watchReading(options: {
  readonly reader: RowReader;
  readonly signal: AbortSignal;
  readonly progress: Progress | undefined;
}): AsyncGenerator<ReadRow> {
  const { reader, signal, progress } = options;
  for await (const row of reader.rows) {
    if (signal.aborted) break;
    progress?.update(reader.position.rowsRead, estimateRows(reader.position));
    yield row;
  }
  progress?.end();
}

/** Rows of the whole file, by the bytes of those that were read; unknown while all bytes are read and not all rows. */
function estimateRows({ isAtEnd, rowsRead, bytesRead, bytesTotal }: ReadPosition): number | undefined {
  if (isAtEnd) return rowsRead;
  return bytesRead > 0 && bytesRead < bytesTotal ? Math.round((rowsRead * bytesTotal) / bytesRead) : undefined;
}
