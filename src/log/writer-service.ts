// The writer of one log: gathers what is ready into batches, and gives every caller its own answer. Knows no SQL.
import { setImmediate } from "node:timers/promises";
import { AttestryError, isAttestryError } from "../errors.ts";
import {
  LOG_BATCH_ENTRIES_MAX,
  LOG_BATCH_RETRIES_MAX,
  LOG_QUEUE_ENTRIES_MAX,
  LOG_UNIT_ENTRIES_MAX,
} from "../limits.ts";
import type { Logger } from "../logger.ts";
import { explainBatchError, explainItemError, findFault } from "./batch-fault.ts";
import {
  type BatchDeps,
  type BatchItem,
  type BatchOutcome,
  createBatchWriter,
  type DraftedEntries,
  encodeEntry,
  entryCount,
  type WriteKind,
} from "./batch-service.ts";
import type { LogEntry } from "./entry.ts";
import type { LogIdentity } from "./log-state-service.ts";

export type { BatchOutcome, WriteKind } from "./batch-service.ts";

/** The entry of a write, or its entries, at most LOG_UNIT_ENTRIES_MAX: they get adjacent indices, and all are written or none. */
export type LogEntries = LogEntry | readonly LogEntry[] | DraftedEntries;

export interface LogWriter {
  /**
   * Resolves, with the index of the first entry, when the entries, what its kind stores, and the signed checkpoint are committed. Throws the verdict of the kind's
   * `check`, `log_entry_invalid`, `log_tag_duplicate`, `log_overloaded`, `log_inconsistent`, `database_unavailable` (nothing was
   * written), `log_outcome_unknown` (look the entry up before trying again), `value_not_unique` or `request_invalid` where the
   * database refused the data, `log_write_failed` for a bug.
   */
  append<Input>(kind: WriteKind<Input>, input: Input, entry: LogEntries): Promise<{ logIndex: number }>;
  /**
   * Many at once, one outcome each in the same order; they may be committed in several batches. Throws only `log_overloaded`,
   * having written nothing.
   */
  appendAll<Input>(
    kind: WriteKind<Input>,
    items: readonly { readonly input: Input; readonly entry: LogEntries }[],
  ): Promise<BatchOutcome[]>;
  /** Takes nothing more; resolves when everything taken is answered. */
  close(): Promise<void>;
}

interface WaitingItem extends BatchItem {
  settle(outcome: BatchOutcome): void;
}

interface Attempt {
  readonly findDuplicates: boolean;
  readonly retries: number;
}

const FIRST_ATTEMPT: Attempt = { findDuplicates: false, retries: 0 };

/**
 * `clock` gives Unix seconds. The log must exist (`initializeLog`). Several writers, in one process or in many, may serve one
 * log: the lock of its row orders them.
 */
export function createLogWriter(deps: LogIdentity & BatchDeps & { readonly logger: Pick<Logger, "error"> }): LogWriter {
  const { logName, logger } = deps;
  const batches = createBatchWriter(deps);
  let queue: WaitingItem[] = [];
  let running: Promise<void> | undefined;
  let closing = false;

  // One batch at a time: while it commits, the next one gathers.
  async function run(): Promise<void> {
    while (queue.length > 0) {
      // What arrives in the same turn of the event loop goes together. Waiting 1 or 2 ms for more was measured to cost
      // throughput with 1, 8 and 64 callers alike: while a batch commits, enough gathers by itself.
      await setImmediate();
      const count = countBatchItems(queue);
      const batch = queue.slice(0, count);
      queue = queue.slice(count);
      await writeAll(batch, FIRST_ATTEMPT);
    }
    running = undefined;
  }

  async function writeAll(items: readonly WaitingItem[], attempt: Attempt): Promise<void> {
    let outcomes: BatchOutcome[];
    try {
      outcomes = await batches.write(items, attempt);
    } catch (error) {
      return writeAfterFault(items, attempt, error);
    }
    items.forEach((item, i) => {
      item.settle(outcomes[i]!);
    });
  }

  async function writeAfterFault(items: readonly WaitingItem[], attempt: Attempt, error: unknown): Promise<void> {
    const fault = findFault(error);
    if (fault === "duplicate" && !attempt.findDuplicates) return writeAll(items, { ...attempt, findDuplicates: true });
    if (fault === "conflict" && attempt.retries < LOG_BATCH_RETRIES_MAX) {
      return writeAll(items, { ...attempt, retries: attempt.retries + 1 });
    }
    if (fault === "batch" || fault === "conflict") {
      const explained = explainBatchError(error);
      logger.error({ err: explained, log: logName, items: items.length }, "a batch of the log failed");
      return settleAll(items, explained);
    }
    // The fault of an item, then: halving finds it in a few transactions, and its neighbours are written.
    if (items.length > 1) {
      const middle = Math.ceil(items.length / 2);
      await writeAll(items.slice(0, middle), attempt);
      return writeAll(items.slice(middle), attempt);
    }
    const explained = explainItemError(error);
    if (explained.code === "log_write_failed") logger.error({ err: error, log: logName }, "an item of the log failed");
    return settleAll(items, explained);
  }

  function enqueue(items: readonly WaitingItem[]): void {
    if (closing) throw new AttestryError("log_overloaded", `log "${logName}" is closing and takes nothing more`);
    const waiting = countEntries(queue);
    const more = countEntries(items);
    if (waiting + more > LOG_QUEUE_ENTRIES_MAX) {
      throw new AttestryError(
        "log_overloaded",
        `${waiting} entries wait for log "${logName}", ${more} more would pass the maximum of ${LOG_QUEUE_ENTRIES_MAX}`,
      );
    }
    for (const item of items) queue.push(item);
    running ??= run();
  }

  async function appendAll<Input>(
    kind: WriteKind<Input>,
    items: readonly { readonly input: Input; readonly entry: LogEntries }[],
  ): Promise<BatchOutcome[]> {
    const written = items.map(({ entry }) => encodeEntries(entry));
    const outcomes = new Array<BatchOutcome>(items.length);
    await new Promise<void>((resolve) => {
      let unsettled = items.length;
      const settle = (position: number, outcome: BatchOutcome): void => {
        outcomes[position] = outcome;
        unsettled -= 1;
        if (unsettled === 0) resolve();
      };
      const waiting: WaitingItem[] = [];
      for (const [position, entries] of written.entries()) {
        const { input } = items[position]!;
        if (entries instanceof AttestryError) settle(position, entries);
        else waiting.push({ entries, kind, input, settle: (outcome) => settle(position, outcome) });
      }
      if (items.length === 0) resolve();
      if (waiting.length > 0) enqueue(waiting);
    });
    return outcomes;
  }

  return {
    appendAll,
    async append(kind, input, entry) {
      const [outcome] = await appendAll(kind, [{ input, entry }]);
      if (outcome instanceof AttestryError) throw outcome;
      return outcome!;
    },
    async close() {
      closing = true;
      await running;
    },
  };
}

function settleAll(items: readonly WaitingItem[], outcome: BatchOutcome): void {
  for (const item of items) item.settle(outcome);
}

function countEntries(items: readonly BatchItem[]): number {
  return items.reduce((count, item) => count + entryCount(item), 0);
}

/** How many items from the front make a batch: units are not cut, one is always taken, and what is written alone is. */
function countBatchItems(items: readonly BatchItem[]): number {
  let entries = 0;
  const end = items.findIndex((item, at) => {
    entries += entryCount(item);
    const isParted = at > 0 && (item.kind.isAlone === true || items[0]!.kind.isAlone === true);
    return isParted || entries > LOG_BATCH_ENTRIES_MAX;
  });
  return end === -1 ? items.length : Math.max(end, 1);
}

/** The entries' bytes and what is indexed of them, made before any lock is held; or why they are no entries. */
function encodeEntries(given: LogEntries): BatchItem["entries"] | AttestryError {
  const entries = "drafted" in given || Array.isArray(given) ? given : [given as LogEntry];
  const count = entryCount({ entries: entries as BatchItem["entries"] });
  if (!(count > 0 && count <= LOG_UNIT_ENTRIES_MAX)) {
    const message = `a unit of ${count} entries; 1 to ${LOG_UNIT_ENTRIES_MAX} are written together`;
    return new AttestryError("log_entry_invalid", message);
  }
  if ("drafted" in entries) return entries;
  try {
    return (entries as readonly LogEntry[]).map(encodeEntry);
  } catch (error) {
    if (isAttestryError(error)) return error;
    throw error;
  }
}
