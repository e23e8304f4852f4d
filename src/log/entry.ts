// Log entries (DESIGN §6): a salted commitment and a tag, nothing that tells whose record it is. Knows no tree.
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8, encodeUtf8, hmacSha256, sha256 } from "../crypto/hash.ts";
import { AttestryError, isAttestryError } from "../errors.ts";

/** What a node logs of its records, and of the readings of them (`read`, `consent`, `received`: the access log). */
export const LOG_OPERATIONS = [
  "create",
  "amend",
  "suspend",
  "reinstate",
  "revoke",
  "end",
  "replace",
  "erase",
  "key",
  "define",
  "chain",
  "status",
  "read",
  "consent",
  "received",
] as const;

export type LogOperation = (typeof LOG_OPERATIONS)[number];

export interface LogEntry {
  /** Commitment to the logged object: `commitment`. */
  readonly c: string;
  /** The operation. */
  readonly e: LogOperation;
  /** Tag, unique in the log: `versionTag`, `stateTag` or `randomTag`. */
  readonly r: string;
  /** Unix seconds: the operator's own word, which decides nothing. */
  readonly t: number;
  readonly v: 1;
}

/** Bytes of a salt, of a record's key K, of a commitment and of a tag. */
export const ENTRY_SECRET_BYTES = 32;

/** The salt of objects that are public anyway: key sets, definitions, trust chains, status tokens. */
export const ZERO_SALT = new Uint8Array(ENTRY_SECRET_BYTES);

// RFC 8785 leaves exactly one text for five members in this order, whose strings need no escapes: the pattern is that text.
const ENTRY = /^\{"c":"([\w-]{43})","e":"([a-z]+)","r":"([\w-]{43})","t":(0|[1-9][0-9]{0,15}),"v":1\}$/;

/** The bytes of an entry: canonical JSON. Throws `log_entry_invalid` for an entry that `parseEntry` would refuse. */
export function formatEntry(entry: LogEntry): Uint8Array {
  const text = `{"c":"${entry.c}","e":"${entry.e}","r":"${entry.r}","t":${entry.t},"v":${entry.v}}`;
  parseEntryText(text);
  return encodeUtf8(text);
}

/** Reads an entry (untrusted): nothing but the canonical bytes of a known operation. Throws `log_entry_invalid`. */
export function parseEntry(bytes: Uint8Array): LogEntry {
  let text: string;
  try {
    text = decodeUtf8(bytes);
  } catch (cause) {
    throw new AttestryError("log_entry_invalid", "log entry: not well-formed UTF-8", { cause });
  }
  return parseEntryText(text);
}

/**
 * Commitment to a logged object: base64url SHA-256("attestry/" + operation + "/v1\n" || salt || object) (DESIGN §6).
 * `salt` has 32 bytes; `object` is the text as signed or served (issuer JWT, state statement, definition, …).
 * Throws `log_entry_invalid` for a salt of another length, which would let two objects share a commitment.
 */
export function commitment(operation: LogOperation, salt: Uint8Array, object: string): string {
  assertSecret("salt", salt);
  return encodeBase64url(sha256(`attestry/${operation}/v1\n`, salt, object));
}

/** Tag of version `rver` (from 1) of the record whose key is `k`, 32 bytes. Throws `log_entry_invalid`. */
export function versionTag(k: Uint8Array, rver: number): string {
  return keyedTag(k, "version", rver);
}

/** Tag of the state change with that running number (from 1) of the record whose key is `k`. Throws `log_entry_invalid`. */
export function stateTag(k: Uint8Array, number: number): string {
  return keyedTag(k, "state", number);
}

/** Tag of an entry that belongs to no record: 32 random bytes that the caller drew. Throws `log_entry_invalid`. */
export function randomTag(bytes: Uint8Array): string {
  assertSecret("tag", bytes);
  return encodeBase64url(bytes);
}

function keyedTag(k: Uint8Array, kind: "version" | "state", number: number): string {
  assertSecret("record key", k);
  if (!Number.isSafeInteger(number) || number < 1) throw invalid(`${kind} ${number} is not a number from 1 to 2^53-1`);
  return encodeBase64url(hmacSha256(k, `attestry/tag/v1\n${kind}\n${number}`));
}

function parseEntryText(text: string): LogEntry {
  const match = ENTRY.exec(text);
  if (!match) throw invalid("not the canonical JSON of the members c, e, r, t, v");
  const [, c, e, r] = match as unknown as [string, string, string, string];
  const t = Number(match[4]);
  if (!isLogOperation(e)) throw invalid("unknown operation");
  if (!Number.isSafeInteger(t)) throw invalid("time is beyond 2^53-1");
  if (!isCanonicalBase64url(c) || !isCanonicalBase64url(r))
    throw invalid("commitment or tag is not canonical base64url");
  return { c, e, r, t, v: 1 };
}

function isLogOperation(text: string): text is LogOperation {
  return (LOG_OPERATIONS as readonly string[]).includes(text);
}

function isCanonicalBase64url(text: string): boolean {
  try {
    decodeBase64url(text);
    return true;
  } catch (error) {
    if (isAttestryError(error, "encoding_invalid")) return false;
    throw error;
  }
}

function assertSecret(name: string, bytes: Uint8Array): void {
  if (bytes.length !== ENTRY_SECRET_BYTES) {
    throw invalid(`${name} has ${bytes.length} bytes, expected ${ENTRY_SECRET_BYTES}`);
  }
}

function invalid(message: string): AttestryError {
  return new AttestryError("log_entry_invalid", `log entry: ${message}`);
}
