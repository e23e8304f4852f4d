// Sends the records of a batch to a node's import, in requests of bounded size, and gives each outcome. Prepares no record.
import { setTimeout as sleep } from "node:timers/promises";
import { isJsonObject, parseJson } from "../../crypto/json.ts";
import { AttestryError, type ErrorCode } from "../../errors.ts";
import {
  IMPORT_BATCH_BYTES,
  NODE_CALL_ATTEMPTS_MAX,
  NODE_IMPORT_TIMEOUT_MS,
  NODE_RETRY_DELAY_MS,
} from "../../limits.ts";
import type { ImportMode, RowOutcome } from "../../records/bulk/import-service.ts";
import type { NodeClient } from "../node-client.ts";

/** One record ready to be sent, and the lines of the file it was made of. */
export interface OutgoingRecord {
  readonly lines: readonly number[];
  /** One line of NDJSON, without its ending. */
  readonly text: string;
}

export interface BatchSender {
  /** One outcome per record, in their order. */
  send(records: readonly OutgoingRecord[]): Promise<RowOutcome[]>;
}

const OUTCOMES = ["created", "amended", "unchanged", "proposed", "refused"];

// The node is refusing for a moment, whatever the row says.
const NODE_CODES: readonly (ErrorCode | undefined)[] = [
  "log_overloaded",
  "log_outcome_unknown",
  "database_unavailable",
  "version_conflict",
];
// Another node, which the row refers to, is away, perhaps for a moment.
const PEER_CODES: readonly (ErrorCode | undefined)[] = ["peer_unreachable", "peer_timeout"];

export function createBatchSender(options: {
  readonly client: NodeClient;
  readonly registry: string;
  readonly mode: ImportMode;
  readonly isDryRun: boolean;
  /** The fields that a map fills; undefined: rows say all that their records are to say. */
  readonly fills: string | undefined;
  /** Names the import: with it a row that was written already is answered as it was then, so all can be sent again. */
  readonly importId: string;
  readonly signal: AbortSignal;
}): BatchSender {
  const { client, registry, mode, isDryRun, fills, importId, signal } = options;

  async function post(records: readonly OutgoingRecord[]): Promise<RowOutcome[]> {
    const text = await client.send({
      method: "POST",
      path: `/registries/${encodeURIComponent(registry)}/records:import`,
      query: { mode, ...(isDryRun && { dryRun: "true" }), ...(fills !== undefined && { fills }) },
      ...(!isDryRun && { headers: { "idempotency-key": importId } }),
      contentType: "application/x-ndjson",
      body: records.map((record) => `${record.text}\n`).join(""),
      isRepeatable: true,
      timeoutMs: NODE_IMPORT_TIMEOUT_MS,
      signal,
    });
    return parseOutcomes(text, records.length);
  }

  // All of it again, not only what was refused for a moment: the rows then are judged beside the same others.
  async function postUntilSettled(records: readonly OutgoingRecord[]): Promise<RowOutcome[]> {
    for (let count = 1; ; count++) {
      const outcomes = await post(records);
      const busy = outcomes.find(({ code }) => NODE_CODES.includes(code));
      if (!busy && !outcomes.some(({ code }) => PEER_CODES.includes(code))) return outcomes;
      if (count >= NODE_CALL_ATTEMPTS_MAX || signal.aborted) {
        if (!busy) return outcomes;
        // Not a word about the rows: to settle the batch like this would refuse rows with which nothing is wrong.
        throw new AttestryError(busy.code!, busy.message ?? "the node cannot take rows now");
      }
      await sleep(NODE_RETRY_DELAY_MS * 2 ** count, undefined, { signal }).catch(() => undefined);
    }
  }

  return {
    async send(records) {
      const outcomes: RowOutcome[] = [];
      for (const part of splitByBytes(records)) outcomes.push(...(await postUntilSettled(part)));
      return outcomes;
    },
  };
}

function* splitByBytes(records: readonly OutgoingRecord[]): Generator<readonly OutgoingRecord[]> {
  let part: OutgoingRecord[] = [];
  let partBytes = 0;
  for (const record of records) {
    const bytes = Buffer.byteLength(record.text) + 1;
    if (part.length > 0 && partBytes + bytes > IMPORT_BATCH_BYTES) {
      yield part;
      part = [];
      partBytes = 0;
    }
    part.push(record);
    partBytes += bytes;
  }
  if (part.length > 0) yield part;
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
