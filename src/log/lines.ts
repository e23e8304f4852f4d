// Two kinds of line that checkpoints, receipts and witness requests share. One spelling per value; callers name the error.
import { decodeBase64 } from "../crypto/base64.ts";
import { isAttestryError } from "../errors.ts";
import { HASH_BYTES } from "./merkle.ts";

const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

/** A size or index in decimal without leading zeros, up to 2^53-1; undefined for anything else. */
export function decodeDecimalLine(line: string): number | undefined {
  if (!DECIMAL.test(line)) return undefined;
  const value = Number(line);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Bytes in canonical padded base64; undefined for anything else. */
export function decodeBase64Line(line: string): Uint8Array | undefined {
  try {
    return decodeBase64(line);
  } catch (error) {
    if (isAttestryError(error, "encoding_invalid")) return undefined;
    throw error;
  }
}

/** A hash of 32 bytes in canonical padded base64; undefined for anything else. */
export function decodeHashLine(line: string): Uint8Array | undefined {
  const bytes = decodeBase64Line(line);
  return bytes?.length === HASH_BYTES ? bytes : undefined;
}
