// The writer of one log: gathers what is ready into batches, and gives every caller its own answer. Knows no SQL.
import { setImmediate } from "node:timers/promises";
import { decodeBase64url } from "../crypto/base64.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { LOG_BATCH_ENTRIES_MAX, LOG_BATCH_RETRIES_MAX, LOG_QUEUE_ENTRIES_MAX } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { Database } from "../storage/database.ts";
import { explainBatchError, explainItemError, findFault } from "./batch-fault.ts";
import { type BatchItem, type BatchOutcome, createBatchWriter, type WriteKind } from "./batch-service.ts";
import { formatEntry, type LogEntry } from "./entry.ts";
import type { LogIdentity } from "./log-state-service.ts";
import { leafHash } from "./merkle.ts";

export type { BatchOutcome, WriteKind } from "./batch-service.ts";

export interface LogWriter {
  /**
   * Resolves when the entry, what its kind stores, and the signed checkpoint are committed. Throws the verdict of the kind's
   * `check`, `log_entry_invalid`, `log_tag_duplicate`, `log_overloaded`, `log_inconsistent`, `database_unavailable` (nothing was
   * written), `log_outcome_unknown` (look the entry up before trying again), `value_not_unique` or `request_invalid` where the
   * database refused the data, `log_write_failed` for a bug.
   */
  append<Input>(kind: WriteKind<Input>, input: Input, entry: LogEntry): Promise<{ logIndex: number }>;
  /**
   * Many at once, one outcome each in the same order; they may be committed in several batches. Throws only `log_overloaded`,
   * having written nothing.
   */
  appendAll<Input>(
    kind: WriteKind<Input>,
    items: readonly { readonly input: Input; readonly entry: LogEntry }[],
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
export function createLogWriter(
  deps: LogIdentity & {
    readonly database: Database;
    readonly clock: () => number;
    readonly logger: Pick<Logger, "error">;
  },
): LogWriter {
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
      const batch = queue.slice(0, LOG_BATCH_ENTRIES_MAX);
      queue = queue.slice(LOG_BATCH_ENTRIES_MAX);
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
    if (queue.length + items.length > LOG_QUEUE_ENTRIES_MAX) {
      throw new AttestryError(
        "log_overloaded",
        `${queue.length} entries wait for log "${logName}", ${items.length} more would pass the maximum of ${LOG_QUEUE_ENTRIES_MAX}`,
      );
    }
    for (const item of items) queue.push(item);
    running ??= run();
  }

  async function appendAll<Input>(
    kind: WriteKind<Input>,
    items: readonly { readonly input: Input; readonly entry: LogEntry }[],
  ): Promise<BatchOutcome[]> {
    const written = items.map(({ entry }) => encodeEntry(entry));
    const outcomes = new Array<BatchOutcome>(items.length);
    await new Promise<void>((resolve) => {
      let unsettled = items.length;
      const settle = (position: number, outcome: BatchOutcome): void => {
        outcomes[position] = outcome;
        unsettled -= 1;
        if (unsettled === 0) resolve();
      };
      const waiting: WaitingItem[] = [];
      for (const [position, entry] of written.entries()) {
        const { input } = items[position]!;
        if (entry instanceof AttestryError) settle(position, entry);
        else waiting.push({ ...entry, kind, input, settle: (outcome) => settle(position, outcome) });
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

/** The entry's bytes and what is indexed of them, made before any lock is held; or why it is no entry. */
function encodeEntry(entry: LogEntry): Pick<BatchItem, "tag" | "leafHash" | "entry"> | AttestryError {
  try {
    const bytes = formatEntry(entry);
    return { tag: decodeBase64url(entry.r), leafHash: leafHash(bytes), entry: bytes };
  } catch (error) {
    if (isAttestryError(error)) return error;
    throw error;
  }
}
