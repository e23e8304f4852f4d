// The `inclusion` check: this version has its one place in the issuer's log. Knows no witnesses and no time.

import { createBoundedCache } from "../bounded-cache.ts";
import { equalBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import type { RevokedKey } from "../federation/node-metadata.ts";
import { VERIFIER_CHECKPOINTS_MAX } from "../limits.ts";
import { type Checkpoint, verifyCheckpoint } from "../log/checkpoint.ts";
import { commitment, type LogOperation, parseEntry, versionTag, ZERO_SALT } from "../log/entry.ts";
import { leafHash, verifyInclusion } from "../log/merkle.ts";
import { parseExtra, parseReceipt, type ReceiptExtra } from "../log/receipt.ts";
import { ridFromKey } from "../records/rid.ts";
import type { IssuerTrust } from "./issuer-trust.ts";
import { type CheckOutcome, failed, notChecked, passed, type VerificationCode } from "./report.ts";
import type { RecordClaims } from "./token-claims.ts";

/** The one entry that the receipt has to be for. */
export interface ExpectedEntry {
  readonly operation: LogOperation;
  /** The signed text that the log commits to. */
  readonly object: string;
  readonly rid: string;
  readonly tagOf: (k: Uint8Array) => string;
}

/** DESIGN section 6: inclusion of a version counts for `create` and `amend` only; which of the two follows from its number. */
export function entryOfVersion(jwt: string, { rid, version }: Pick<RecordClaims, "rid" | "version">): ExpectedEntry {
  return {
    operation: version === 1 ? "create" : "amend",
    object: jwt,
    rid,
    tagOf: (k) => versionTag(k, version),
  };
}

export interface InclusionQuestion {
  /** Untrusted tlog-proofs. */
  readonly firstReceipt: string | undefined;
  readonly recentReceipt: string | undefined;
  readonly entry: ExpectedEntry;
  readonly trust: IssuerTrust;
  /** Whether the receipt of this record must hold its key: without it a rival version in the log goes unnoticed. */
  readonly isKeyExpected: boolean;
}

interface Fault {
  readonly code: VerificationCode;
  readonly detail?: string;
}

/** What a strict reader gives, or its refusal as a value; anything else it throws is a bug and goes on. */
function attempt<Value>(read: () => Value): Value | AttestryError {
  try {
    return read();
  } catch (error) {
    if (error instanceof AttestryError) return error;
    throw error;
  }
}

/** The entry inside the receipt must be the one made for exactly this act on exactly this record. */
function findEntryFault({ salt, k, entry: bytes }: ReceiptExtra, question: InclusionQuestion): Fault | undefined {
  const { operation, object, rid, tagOf } = question.entry;
  const entry = attempt(() => parseEntry(bytes));
  if (entry instanceof AttestryError) return { code: "entry_malformed", detail: entry.message };
  if (entry.e !== operation) return { code: "entry_operation_wrong", detail: `${entry.e} instead of ${operation}` };
  if (entry.c !== commitment(operation, salt, object)) return { code: "commitment_mismatch" };
  if (k === undefined) return question.isKeyExpected ? { code: "record_key_missing" } : undefined;
  if (ridFromKey(k) !== rid) return { code: "rid_mismatch" };
  return entry.r === tagOf(k) ? undefined : { code: "tag_mismatch" };
}

export type CheckpointReader = (note: string, trust: IssuerTrust) => Checkpoint | Fault;

function readCheckpoint(note: string, { chain, logVerifiers }: IssuerTrust): Checkpoint | Fault {
  const { origin } = chain.metadata.logs.records;
  if (!note.startsWith(`${origin}\n`)) return { code: "checkpoint_origin_wrong" };
  const checkpoint = attempt(() => verifyCheckpoint(note, { origin, verifiers: logVerifiers }));
  if (!(checkpoint instanceof AttestryError)) return checkpoint;
  const isUnsigned = checkpoint.code === "signature_invalid";
  return { code: isUnsigned ? "checkpoint_signature_invalid" : "checkpoint_malformed", detail: checkpoint.message };
}

export function createCheckpointMemory(): CheckpointReader {
  const cache = createBoundedCache<{ trust: IssuerTrust; checkpoint: Checkpoint }>(VERIFIER_CHECKPOINTS_MAX);
  return (note, trust) => {
    const remembered = cache.get(note);
    if (remembered?.trust === trust) return remembered.checkpoint;
    const checkpoint = readCheckpoint(note, trust);
    if (!("code" in checkpoint)) cache.set(note, { trust, checkpoint });
    return checkpoint;
  };
}

interface ProvenReceipt {
  readonly index: number;
  readonly entry: Uint8Array;
  readonly hasKey: boolean;
  /** The note whose signature by the log was verified. */
  readonly checkpoint: string;
}

function proveReceipt(text: string, question: InclusionQuestion, checkpoints: CheckpointReader): ProvenReceipt | Fault {
  const receipt = attempt(() => parseReceipt(text));
  if (receipt instanceof AttestryError) return { code: "receipt_malformed", detail: receipt.message };
  const { index, proof, extra: bytes } = receipt;
  if (bytes === undefined) return { code: "receipt_malformed", detail: "it lacks the entry (extra)" };
  const extra = attempt(() => parseExtra(bytes));
  if (extra instanceof AttestryError) return { code: "receipt_malformed", detail: extra.message };
  const fault = findEntryFault(extra, question);
  if (fault) return fault;
  const checkpoint = checkpoints(receipt.checkpoint, question.trust);
  if ("code" in checkpoint) return checkpoint;
  const { size, root } = checkpoint;
  const refusal = attempt(() => verifyInclusion({ index, size, leaf: leafHash(extra.entry), proof, root }));
  if (refusal instanceof AttestryError) return { code: "inclusion_failed", detail: refusal.message };
  return { index, entry: extra.entry, hasKey: extra.k !== undefined, checkpoint: receipt.checkpoint };
}

/** `index`: the entry's place in the log, where it is proved; `checkpoint`: the newest note that proves it. */
export interface InclusionAnswer {
  readonly outcome: CheckOutcome;
  readonly index?: number;
  readonly checkpoint?: string;
}

function checkInclusion(question: InclusionQuestion, checkpoints: CheckpointReader): InclusionAnswer {
  const refuse = ({ code, detail }: Fault) => ({ outcome: failed("inclusion", code, detail) });
  if (question.recentReceipt === undefined) return { outcome: notChecked("inclusion", "receipt_missing") };
  const recent = proveReceipt(question.recentReceipt, question, checkpoints);
  if ("code" in recent) return refuse(recent);
  if (question.firstReceipt !== undefined) {
    const first = proveReceipt(question.firstReceipt, question, checkpoints);
    if ("code" in first) return refuse(first);
    if (first.index !== recent.index || !equalBytes(first.entry, recent.entry)) {
      return refuse({ code: "receipts_differ" });
    }
  }
  const { index, hasKey, checkpoint } = recent;
  return {
    outcome: passed("inclusion", hasKey ? "passed" : "passed_without_tag", `entry ${index}`),
    index,
    checkpoint,
  };
}

/** Whether the entry at `index` stands before the theft of the key that signed what it is about (DESIGN section 6: the log decides, no claim does). */
export function isBeforeReport(index: number | undefined, { logSize }: Pick<RevokedKey, "logSize">): boolean {
  return index !== undefined && index < logSize;
}

/**
 * The index of an entry that commits to a public object (an archived chain, a status list), proved by a receipt (untrusted) under the keys
 * of the issuer's log; undefined where it is not proved.
 */
export function findPublicIndex(
  text: string,
  { operation, object }: Pick<ExpectedEntry, "operation" | "object">,
  trust: IssuerTrust,
  readNote: CheckpointReader,
): number | undefined {
  const receipt = attempt(() => parseReceipt(text));
  if (receipt instanceof AttestryError || receipt.extra === undefined) return undefined;
  const { extra: bytes } = receipt;
  const extra = attempt(() => parseExtra(bytes));
  if (extra instanceof AttestryError) return undefined;
  // Nothing of a public object is secret: what stands in the place of its salt and key must not be anything.
  if (extra.k !== undefined || !equalBytes(extra.salt, ZERO_SALT)) return undefined;
  const entry = attempt(() => parseEntry(extra.entry));
  if (entry instanceof AttestryError) return undefined;
  if (entry.e !== operation || entry.c !== commitment(operation, ZERO_SALT, object)) return undefined;
  const checkpoint = readNote(receipt.checkpoint, trust);
  if ("code" in checkpoint) return undefined;
  const { index, proof } = receipt;
  const { size, root } = checkpoint;
  const refusal = attempt(() => verifyInclusion({ index, size, leaf: leafHash(extra.entry), proof, root }));
  return refusal instanceof AttestryError ? undefined : index;
}

/** Creates the check; `checkpoints`: a memory of verified ones that other checks may share. */
export function createInclusionCheck(
  checkpoints: CheckpointReader = createCheckpointMemory(),
): (question: InclusionQuestion) => InclusionAnswer {
  return (question) => checkInclusion(question, checkpoints);
}
