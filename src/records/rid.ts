// Derives a record's opaque identifier from its secret key K. Pure and portable; draws no randomness and stores nothing.
import { sha256 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";

const RID_DOMAIN = "attestry/rid/v1\n";
const RID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The `rid` of the record whose key is `k` (32 bytes): the first 122 bits of SHA-256("attestry/rid/v1\n" || K) as a
 * UUIDv8, in lower case. Throws `key_invalid` for another length.
 */
export function ridFromKey(k: Uint8Array): string {
  if (k.length !== 32) throw new AttestryError("key_invalid", `a record key has 32 bytes, not ${k.length}`);
  const digest = sha256(RID_DOMAIN, k);
  let first128 = 0n;
  for (let i = 0; i < 16; i++) first128 = (first128 << 8n) | BigInt(digest[i]!);
  const bits122 = first128 >> 6n;
  // RFC 9562 §5.8: custom_a (48 bits), version 8, custom_b (12 bits), variant 10, custom_c (62 bits).
  const customA = bits122 >> 74n;
  const customB = (bits122 >> 62n) & 0xfffn;
  const customC = bits122 & ((1n << 62n) - 1n);
  const uuid = (customA << 80n) | (8n << 76n) | (customB << 64n) | (2n << 62n) | customC;
  const hex = uuid.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Whether the text has the form of a `rid`: a UUIDv8 in lower case. */
export function isRid(text: string): boolean {
  return RID_PATTERN.test(text);
}
