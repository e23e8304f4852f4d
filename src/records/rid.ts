// Derives a record's opaque identifier from its secret key K. Pure and portable; draws no randomness and stores nothing.
import { sha256 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";

const RID_DOMAIN = "attestry/rid/v1\n";
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const RID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The `rid` of the record whose key is `k` (32 bytes): the first 122 bits of SHA-256("attestry/rid/v1\n" || K) as a
 * UUIDv8, in lower case. Throws `key_invalid` for another length.
 */
export function ridFromKey(k: Uint8Array): string {
  if (k.length !== 32) throw new AttestryError("key_invalid", `a record key has 32 bytes, not ${k.length}`);
  const digest = sha256(RID_DOMAIN, k);
  const uuid = new Uint8Array(16);
  // RFC 9562 §5.8: custom_a is the first 48 bits, then version 8 and custom_b, the next 12.
  uuid.set(digest.subarray(0, 6));
  uuid[6] = 0x80 | (digest[6]! >> 4);
  uuid[7] = ((digest[6]! << 4) | (digest[7]! >> 4)) & 0xff;
  // Variant 10 takes the place of two bits, so custom_c, the 62 bits from bit 60 on, starts two bits into its bytes.
  for (let i = 0; i < 8; i++) uuid[8 + i] = ((digest[7 + i]! << 2) | (digest[8 + i]! >> 6)) & 0xff;
  uuid[8] = 0x80 | (uuid[8]! & 0x3f);
  let text = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += HEX[uuid[i]!];
  }
  return text;
}

/** Whether the text has the form of a `rid`: a UUIDv8 in lower case. */
export function isRid(text: string): boolean {
  return RID_PATTERN.test(text);
}
