// A log in a fresh database, with kinds of write that do nothing or fail on demand, and its re-verification. Test code only.
import { randomBytes } from "node:crypto";
import { Hono } from "hono";
import { createSigner, generateSeed, type Signer } from "../src/crypto/signer.ts";
import { AttestryError, isAttestryError } from "../src/errors.ts";
import { createLogRoutes } from "../src/http/log-routes.ts";
import { type AuditReport, auditLog } from "../src/log/audit.ts";
import { verifyCheckpoint } from "../src/log/checkpoint.ts";
import { commitment, type LogEntry, randomTag } from "../src/log/entry.ts";
import { initializeLog } from "../src/log/log-state-service.ts";
import { leafHash, verifyInclusion } from "../src/log/merkle.ts";
import { formatVerifierKey, type NoteVerifier, parseVerifierKey } from "../src/log/note.ts";
import { createLogReader, type EntryReceipt, type LogReader } from "../src/log/reader-service.ts";
import { createLogWriter, type LogWriter, type WriteKind } from "../src/log/writer-service.ts";
import { silentLogger } from "../src/logger.ts";
import type { Database } from "../src/storage/database.ts";

export const LOG_NAME = "records";
export const ORIGIN = "registry.example/log/records";

export const acceptAll: WriteKind<unknown> = {
  name: "accept-all",
  check: async (_tx, inputs) => inputs.map(() => undefined),
  store: async () => {},
};

export function makeEntry(parts: Partial<LogEntry> = {}): LogEntry {
  const tag = randomTag(randomBytes(32));
  return { c: commitment("create", randomBytes(32), tag), e: "create", r: tag, t: 1_770_000_000, v: 1, ...parts };
}

export function makeItems(count: number): { input: undefined; entry: LogEntry }[] {
  return Array.from({ length: count }, () => ({ input: undefined, entry: makeEntry() }));
}

/** Items of several entries each. */
export function makeUnits(count: number, entriesEach: number): { input: undefined; entry: LogEntry[] }[] {
  return Array.from({ length: count }, () => ({
    input: undefined,
    entry: Array.from({ length: entriesEach }, () => makeEntry()),
  }));
}

export interface TestLog {
  readonly signer: Signer;
  readonly verifier: NoteVerifier;
  readonly reader: LogReader;
  readonly app: Hono;
  openWriter(database?: Database): LogWriter;
  audit(previous?: string): Promise<AuditReport>;
  /** Throws unless the receipt's proof leads from its entry to its signed checkpoint. */
  verifyReceipt(receipt: EntryReceipt): void;
}

export async function startLog(database: Database, signer: Signer = createSigner(generateSeed())): Promise<TestLog> {
  const identity = { logName: LOG_NAME, origin: ORIGIN, signer };
  const clock = () => 1_770_000_000;
  await initializeLog({ ...identity, database, clock });
  const verifier = parseVerifierKey(formatVerifierKey({ name: ORIGIN, raw: signer.publicKey.raw }));
  const reader = createLogReader({ database, logName: LOG_NAME, origin: ORIGIN });
  const app = new Hono().route("/", createLogRoutes({ readers: new Map([[LOG_NAME, reader]]) }));
  app.onError((error, context) => {
    if (!isAttestryError(error)) throw error;
    return context.json({ code: error.code }, error.code === "not_found" ? 404 : 400);
  });

  async function fetchBytes(path: string): Promise<Uint8Array | undefined> {
    const response = await app.request(`/log/${LOG_NAME}/${path}`);
    return response.status === 200 ? new Uint8Array(await response.arrayBuffer()) : undefined;
  }

  return {
    signer,
    verifier,
    reader,
    app,
    openWriter: (writerDatabase = database) =>
      createLogWriter({ ...identity, database: writerDatabase, clock, logger: silentLogger }),
    audit: (previous) =>
      auditLog(
        { checkpoint: () => reader.checkpoint(), tile: fetchBytes, bundle: fetchBytes },
        { origin: ORIGIN, verifiers: [verifier], ...(previous === undefined ? {} : { previous }) },
      ),
    verifyReceipt(receipt) {
      const { size, root } = verifyCheckpoint(receipt.checkpoint, { origin: ORIGIN, verifiers: [verifier] });
      verifyInclusion({ index: receipt.index, size, leaf: leafHash(receipt.entry), proof: receipt.proof, root });
    },
  };
}

/** What a promise rejects with, as its code; `resolved` if it does not. */
export async function outcomeCode(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "resolved";
  } catch (error) {
    if (error instanceof AttestryError) return error.code;
    throw error;
  }
}
