// Receipts (C2SP tlog-proof): index, inclusion proof and checkpoint in one text, and our `extra` line. Verifies nothing.
import { encodeBase64 } from "../crypto/base64.ts";
import { concatBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { LOG_ENTRY_BYTES_MAX, PROOF_HASHES_MAX, RECEIPT_CHARS_MAX } from "../limits.ts";
import { ENTRY_SECRET_BYTES } from "./entry.ts";
import { decodeBase64Line, decodeDecimalLine, decodeHashLine } from "./lines.ts";
import { HASH_BYTES } from "./merkle.ts";

const HEADER = "c2sp.org/tlog-proof@v1";
const EXTRA = "extra ";
const INDEX = "index ";

export interface Receipt {
  readonly index: number;
  /** Inclusion proof, the leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
  /** Authenticated by nothing in the receipt itself: only rebuilding the leaf proves it (`parseExtra`). */
  readonly extra?: Uint8Array;
  /** The checkpoint's signed note, verbatim. */
  readonly checkpoint: string;
}

/** What rebuilds the leaf: the commitment's salt, the record's key where the holder may have it, the entry's bytes. */
export interface ReceiptExtra {
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** The record's key K, 32 bytes, with which its tags are checked. */
  readonly k?: Uint8Array;
  readonly entry: Uint8Array;
}

/** The text of a receipt (C2SP tlog-proof). Throws `log_proof_invalid` for one that `parseReceipt` would refuse. */
export function formatReceipt(receipt: Receipt): string {
  const { index, proof, extra, checkpoint } = receipt;
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [EXTRA + encodeBase64(extra)]),
    INDEX + index,
    ...proof.map(encodeBase64),
  ];
  const text = `${lines.join("\n")}\n\n${checkpoint}`;
  parseReceipt(text);
  return text;
}

/**
 * Reads a receipt (untrusted). The checkpoint is kept as text: `verifyCheckpoint` judges it, `verifyInclusion` the proof.
 * Throws `log_proof_invalid`.
 */
export function parseReceipt(text: string): Receipt {
  if (text.length > RECEIPT_CHARS_MAX) throw invalid(`more than ${RECEIPT_CHARS_MAX} characters`);
  const separator = text.indexOf("\n\n");
  if (separator < 0) throw invalid("no blank line before the checkpoint");
  const lines = text.slice(0, separator).split("\n");
  const checkpoint = text.slice(separator + 2);
  if (!checkpoint.endsWith("\n")) throw invalid("no newline at the end");
  if (lines.shift() !== HEADER) throw invalid(`first line is not ${HEADER}`);

  const extra = lines[0]?.startsWith(EXTRA) ? decodeBase64Line(lines.shift()!.slice(EXTRA.length)) : null;
  if (extra === undefined || extra?.length === 0) throw invalid("extra is not canonical base64 of at least one byte");

  const indexLine = lines.shift();
  const index = indexLine?.startsWith(INDEX) ? decodeDecimalLine(indexLine.slice(INDEX.length)) : undefined;
  if (index === undefined) throw invalid("index is not a decimal number from 0 to 2^53-1 without leading zeros");

  if (lines.length > PROOF_HASHES_MAX) throw invalid(`${lines.length} hashes, allowed are ${PROOF_HASHES_MAX}`);
  const proof = lines.map((line) => {
    const hash = decodeHashLine(line);
    if (hash === undefined) throw invalid(`a hash is not ${HASH_BYTES} bytes in canonical base64`);
    return hash;
  });
  return { index, proof, checkpoint, ...(extra ? { extra } : {}) };
}

/** The bytes of our `extra` line: salt32 || K32, or zeros in place of K || entry (DESIGN §6). Throws `log_proof_invalid`. */
export function formatExtra(extra: ReceiptExtra): Uint8Array {
  const bytes = concatBytes(extra.salt, extra.k ?? new Uint8Array(ENTRY_SECRET_BYTES), extra.entry);
  if (extra.salt.length !== ENTRY_SECRET_BYTES || (extra.k ?? extra.salt).length !== ENTRY_SECRET_BYTES) {
    throw invalid(`salt and record key must have ${ENTRY_SECRET_BYTES} bytes each`);
  }
  assertEntryLength(extra.entry);
  return bytes;
}

/** Reads an `extra` line's bytes (untrusted); `k` is left out where it is zeros. Throws `log_proof_invalid`. */
export function parseExtra(bytes: Uint8Array): ReceiptExtra {
  const salt = bytes.slice(0, ENTRY_SECRET_BYTES);
  const k = bytes.slice(ENTRY_SECRET_BYTES, 2 * ENTRY_SECRET_BYTES);
  const entry = bytes.slice(2 * ENTRY_SECRET_BYTES);
  assertEntryLength(entry);
  return k.every((byte) => byte === 0) ? { salt, entry } : { salt, k, entry };
}

function assertEntryLength(entry: Uint8Array): void {
  if (entry.length < 1 || entry.length > LOG_ENTRY_BYTES_MAX) {
    throw invalid(`extra holds an entry of ${entry.length} bytes, allowed are 1 to ${LOG_ENTRY_BYTES_MAX}`);
  }
}

function invalid(message: string): AttestryError {
  return new AttestryError("log_proof_invalid", `receipt: ${message}`);
}
