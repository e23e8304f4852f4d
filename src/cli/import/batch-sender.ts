// Sends records to a node's import in bounded batches, a few at a time, and hands on each outcome. Prepares no record.
import { setTimeout as sleep } from "node:timers/promises";
import { isJsonObject, parseJson } from "../../crypto/json.ts";
import { AttestryError, type ErrorCode } from "../../errors.ts";
import {
  IMPORT_BATCH_BYTES,
  IMPORT_BATCH_ROWS,
  IMPORT_BATCHES_IN_FLIGHT_MAX,
  NODE_CALL_ATTEMPTS_MAX,
  NODE_IMPORT_TIMEOUT_MS,
  NODE_RETRY_DELAY_MS,
} from "../../limits.ts";
import type { ImportMode, RowOutcome } from "../../records/import-service.ts";
import type { NodeClient } from "../node-client.ts";

/** One record ready to be sent, and the lines of the file it was made of. */
export interface OutgoingRecord {
  readonly lines: readonly number[];
  /** One line of NDJSON, without its ending. */
  readonly text: string;
}

export interface BatchSender {
  /** Resolves when there is room for more. Throws what an earlier batch failed with. */
  add(record: OutgoingRecord): Promise<void>;
  /** Sends what is left and waits for every answer. */
  finish(): Promise<void>;
  /** Waits for the answers under way and sends no more. Throws nothing. */
  stop(): Promise<void>;
}

const OUTCOMES = ["created", "amended", "unchanged", "refused"];

// Refused for a moment, not for what it says.
const PASSING_CODES: readonly (ErrorCode | undefined)[] = [
  "log_overloaded",
  "log_outcome_unknown",
  "database_unavailable",
  "peer_unreachable",
  "peer_timeout",
];

export function createBatchSender(options: {
  readonly client: NodeClient;
  readonly registry: string;
  readonly mode: ImportMode;
  readonly isDryRun: boolean;
  /** Whether sending a record a second time finds the first; without a unique field it would make another. */
  readonly isRepeatable: boolean;
  readonly signal: AbortSignal;
  readonly onOutcome: (record: OutgoingRecord, outcome: RowOutcome) => void;
}): BatchSender {
  const { client, registry, mode, isDryRun, isRepeatable, signal, onOutcome } = options;
  const inFlight = new Set<Promise<void>>();
  let batch: OutgoingRecord[] = [];
  let batchBytes = 0;
  let failure: { readonly error: unknown } | undefined;

  async function post(records: readonly OutgoingRecord[]): Promise<RowOutcome[]> {
    const text = await client.send({
      method: "POST",
      path: `/registries/${encodeURIComponent(registry)}/records:import`,
      query: { mode, ...(isDryRun && { dryRun: "true" }) },
      contentType: "application/x-ndjson",
      body: records.map((record) => `${record.text}\n`).join(""),
      isRepeatable: isRepeatable || isDryRun,
      timeoutMs: NODE_IMPORT_TIMEOUT_MS,
      signal,
    });
    return parseOutcomes(text, records.length);
  }

  async function sendAll(records: readonly OutgoingRecord[]): Promise<void> {
    let rest = records;
    for (let count = 1; rest.length > 0; count++) {
      const outcomes = await post(rest);
      const mayRepeat = isRepeatable && count < NODE_CALL_ATTEMPTS_MAX && !signal.aborted;
      const again: OutgoingRecord[] = [];
      for (const [at, record] of rest.entries()) {
        const outcome = outcomes[at]!;
        if (mayRepeat && PASSING_CODES.includes(outcome.code)) again.push(record);
        else onOutcome(record, outcome);
      }
      rest = again;
      if (rest.length > 0) await sleep(NODE_RETRY_DELAY_MS * 2 ** count, undefined, { signal }).catch(() => undefined);
    }
  }

  function flush(): void {
    if (batch.length === 0) return;
    const sending = sendAll(batch)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => inFlight.delete(sending));
    inFlight.add(sending);
    batch = [];
    batchBytes = 0;
  }

  function throwFailure(): void {
    if (failure) throw failure.error;
  }

  return {
    async add(record) {
      throwFailure();
      const bytes = Buffer.byteLength(record.text) + 1;
      if (batch.length >= IMPORT_BATCH_ROWS || batchBytes + bytes > IMPORT_BATCH_BYTES) {
        while (inFlight.size >= IMPORT_BATCHES_IN_FLIGHT_MAX) await Promise.race(inFlight);
        throwFailure();
        flush();
      }
      batch.push(record);
      batchBytes += bytes;
    },
    async finish() {
      while (inFlight.size >= IMPORT_BATCHES_IN_FLIGHT_MAX) await Promise.race(inFlight);
      throwFailure();
      flush();
      await Promise.all(inFlight);
      throwFailure();
    },
    async stop() {
      batch = [];
      await Promise.all(inFlight);
    },
  };
}

/** The node's answer: one outcome per record, in order. Throws `peer_response_invalid`. */
function parseOutcomes(text: string, count: number): RowOutcome[] {
  const outcomes = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => parseJson(line));
  const isSound = outcomes.every((outcome) => isJsonObject(outcome) && OUTCOMES.includes(String(outcome.outcome)));
  if (isSound && outcomes.length === count) return outcomes as unknown as RowOutcome[];
  throw new AttestryError(
    "peer_response_invalid",
    `the node answered ${outcomes.length} outcomes for ${count} records, or others than it may`,
  );
}
