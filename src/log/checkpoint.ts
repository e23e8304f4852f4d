// Checkpoints (C2SP tlog-checkpoint): a log's origin, size and root as the text of a signed note. Knows no proofs.
import { encodeBase64 } from "../crypto/base64.ts";
import { equalBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { decodeDecimalLine, decodeHashLine } from "./lines.ts";
import { EMPTY_ROOT, HASH_BYTES } from "./merkle.ts";
import { type NoteVerifier, verifyNote } from "./note.ts";

export interface Checkpoint {
  /** The log's URL without scheme: what tells this log from every other. */
  readonly origin: string;
  /** Entries in the tree. */
  readonly size: number;
  /** Root hash, 32 bytes. */
  readonly root: Uint8Array;
}

/** The note text of a checkpoint, with its last newline. Throws `log_checkpoint_invalid` for impossible values. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root } = checkpoint;
  if (origin === "" || origin.includes("\n")) throw invalid("origin is empty or has a newline");
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`size ${size} is not a number from 0 to 2^53-1`);
  if (root.length !== HASH_BYTES) throw invalid(`root has ${root.length} bytes, expected ${HASH_BYTES}`);
  return `${origin}\n${size}\n${encodeBase64(root)}\n`;
}

/**
 * Reads a checkpoint's note text (untrusted until its note is verified). Extension lines are allowed and given back.
 * Throws `log_checkpoint_invalid`.
 */
export function parseCheckpoint(text: string): Checkpoint & { readonly extensions: readonly string[] } {
  if (!text.endsWith("\n")) throw invalid("no newline at the end");
  const [origin, sizeLine, rootLine, ...extensions] = text.slice(0, -1).split("\n");
  if (!origin || sizeLine === undefined || rootLine === undefined)
    throw invalid("fewer than three lines, or no origin");
  const size = decodeDecimalLine(sizeLine);
  if (size === undefined) throw invalid("size is not a decimal number from 0 to 2^53-1 without leading zeros");
  const root = decodeHashLine(rootLine);
  if (root === undefined) throw invalid("root is not a hash of 32 bytes in canonical base64");
  if (extensions.includes("")) throw invalid("an extension line is empty");
  return { origin, size, root, extensions };
}

/**
 * The checkpoint in a note (untrusted) signed by one of a log's keys. `verifiers` are all keys that are known for the
 * log: one before a rollover, several after it. Throws `log_note_invalid`, `signature_invalid`, or
 * `log_checkpoint_invalid` for another origin, a malformed text or an empty tree with a root of its own.
 */
export function verifyCheckpoint(
  note: string,
  expected: { readonly origin: string; readonly verifiers: readonly NoteVerifier[] },
): Checkpoint {
  const { text } = verifyNote(note, expected.verifiers);
  const { origin, size, root } = parseCheckpoint(text);
  // One key may sign for several logs: the origin is what keeps their checkpoints apart.
  if (origin !== expected.origin) throw invalid(`origin is ${origin}, expected ${expected.origin}`);
  if (size === 0 && !equalBytes(root, EMPTY_ROOT))
    throw invalid("the empty tree has another root than SHA-256 of nothing");
  return { origin, size, root };
}

function invalid(message: string): AttestryError {
  return new AttestryError("log_checkpoint_invalid", `checkpoint: ${message}`);
}
