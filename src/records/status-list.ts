// Token Status List of 2-bit values: packing, unpacking, reading a signed list. Portable; signs, stores and fetches nothing.
// Norm: draft-ietf-oauth-status-list-21 (cited below as TSL).
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { deflate, inflate } from "../crypto/deflate.ts";
import type { JsonObject } from "../crypto/json.ts";
import { verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { STATUS_LIST_INFLATED_BYTES_MAX } from "../limits.ts";

/** DESIGN section 5: what a version's two bits say. */
export const STATUS_VALID = 0;
export const STATUS_INVALID = 1;
export const STATUS_SUSPENDED = 2;
export const STATUS_SUPERSEDED = 3;

export type StatusValue = 0 | 1 | 2 | 3;

export const STATUS_TOKEN_TYPE = "statuslist+jwt";

const BITS = 2;
const VALUES_PER_BYTE = 8 / BITS;

export interface StatusList {
  /** The list's URL (`sub`). */
  readonly uri: string;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
  /** How long (seconds) whoever fetched the list may keep using that copy. */
  readonly ttlSeconds: number | undefined;
  /** Inflated: four values per byte. */
  readonly bytes: Uint8Array;
}

function invalid(message: string, cause?: unknown): AttestryError {
  return new AttestryError("status_list_invalid", message, cause === undefined ? {} : { cause });
}

/** Inflates `lst` of a status list claim (TSL §4.1: base64url of ZLIB); throws `status_list_invalid`. */
export async function inflateStatusList(lst: string): Promise<Uint8Array> {
  try {
    return await inflate(decodeBase64url(lst), { format: "deflate", bytesMax: STATUS_LIST_INFLATED_BYTES_MAX });
  } catch (cause) {
    if (!(cause instanceof AttestryError)) throw cause;
    throw invalid(`status list cannot be read: ${cause.message}`, cause);
  }
}

/** The bytes of a list of that many values, all 0. */
export function createStatusBytes(entries: number): Uint8Array {
  return new Uint8Array(Math.ceil(entries / VALUES_PER_BYTE));
}

/** Sets one value, 0 to 3, in packed bytes (TSL §4.1: least significant bits first). */
export function setStatusValue(bytes: Uint8Array, index: number, value: number): void {
  if (value !== 0 && value !== 1 && value !== 2 && value !== 3) throw invalid(`a status is 0, 1, 2 or 3, not ${value}`);
  const at = Math.floor(index / VALUES_PER_BYTE);
  const shift = (index % VALUES_PER_BYTE) * BITS;
  bytes[at] = (bytes[at]! & ~(3 << shift)) | (value << shift);
}

/** The `lst` member of a status list claim (TSL §4.1: ZLIB, base64url). */
export async function deflateStatusBytes(bytes: Uint8Array): Promise<string> {
  // TSL §4.1 recommends the highest compression level.
  return encodeBase64url(await deflate(bytes, "deflate"));
}

/** `lst` of these values, value i being that of index i. Values missing from the last byte read as 0. */
export async function packStatusList(values: ArrayLike<number>): Promise<string> {
  const bytes = createStatusBytes(values.length);
  for (let i = 0; i < values.length; i++) setStatusValue(bytes, i, values[i]!);
  return deflateStatusBytes(bytes);
}

/** The value of so many bits at an index, or undefined outside the list (TSL §8.3: an index out of bounds is refused by the caller). */
export function findStatusValue(bytes: Uint8Array, index: number, bits: 1 | 2 | 4 | 8): number | undefined {
  if (!Number.isSafeInteger(index) || index < 0) return undefined;
  const perByte = 8 / bits;
  const byte = bytes[Math.floor(index / perByte)];
  return byte === undefined ? undefined : (byte >> ((index % perByte) * bits)) & ((1 << bits) - 1);
}

/** As `findStatusValue`, in a list of ours. */
export function findStatus(bytes: Uint8Array, index: number): StatusValue | undefined {
  return findStatusValue(bytes, index, BITS) as StatusValue | undefined;
}

function optionalSeconds(payload: JsonObject, name: string): number | undefined {
  const value = payload[name];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value <= 0) {
    throw invalid(`${name} of a status list token must be a positive whole number of seconds`);
  }
  return value;
}

/** Reads the claims of a status list token whose signature was verified (TSL §5.1); throws `status_list_invalid`. */
export async function parseStatusListClaims(payload: JsonObject): Promise<StatusList> {
  const { sub, status_list: claim } = payload;
  if (typeof sub !== "string") throw invalid("status list token names no list (sub)");
  const issuedAt = optionalSeconds(payload, "iat");
  if (issuedAt === undefined) throw invalid("status list token has no iat");
  if (typeof claim !== "object" || claim === null || Array.isArray(claim)) {
    throw invalid("status list token has no status_list");
  }
  // Bits cannot change during a list's life, and suspension needs two: any other width is not a list of ours.
  if (claim.bits !== BITS) throw invalid(`status lists here have ${BITS} bits`);
  if (typeof claim.lst !== "string") throw invalid("status list token has no lst");
  return {
    uri: sub,
    issuedAt,
    expiresAt: optionalSeconds(payload, "exp"),
    ttlSeconds: optionalSeconds(payload, "ttl"),
    bytes: await inflateStatusList(claim.lst),
  };
}

/** Verifies and reads a `statuslist+jwt`. Throws the errors of `verifyJws`, or `status_list_invalid`. */
export async function verifyStatusListToken(token: string, keys: readonly PublicKey[]): Promise<StatusList> {
  const { payload } = await verifyJws(token, { typ: STATUS_TOKEN_TYPE, keys: [...keys] });
  return parseStatusListClaims(payload);
}
