// Random bytes for salts and initialisation vectors, many small ones at a time. Private keys and seeds are drawn elsewhere, without a pool.
import { randomFillSync } from "node:crypto";

// One call to the system generator costs several microseconds, whatever its length.
const POOL_BYTES = 8_192;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** `length` bytes of the operating system's generator, in memory of their own. */
export function randomBytes(length: number): Uint8Array {
  if (length > POOL_BYTES / 8) return randomFillSync(new Uint8Array(length));
  if (used + length > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  // What was handed out must not be found here by who can read this memory later.
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}
