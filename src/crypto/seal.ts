// Sealing of fields and keys at rest, and derivation of keys from a secret. Knows no table and keeps no key.
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { AttestryError } from "../errors.ts";
import { concatBytes } from "./hash.ts";
import { randomBytes } from "./random.ts";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
// NIST SP 800-38D §8.2.2 and §8.3: with random 96-bit vectors one key may seal at most 2^32 times.
const IV_BYTES = 12;
const TAG_BYTES = 16;

function checkKey(key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new TypeError(`a sealing key has ${KEY_BYTES} bytes, not ${key.length}`);
}

/**
 * Encrypts and authenticates with AES-256-GCM. `key`: 32 bytes. `aad`: the place this belongs to, so that a sealed value moved
 * to another row or column no longer opens. Gives iv (12 bytes) || ciphertext || tag (16 bytes).
 */
export function seal(options: { key: Uint8Array; aad: string; plaintext: Uint8Array }): Uint8Array {
  checkKey(options.key);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, options.key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(options.aad, "utf8"));
  const body = cipher.update(options.plaintext);
  cipher.final();
  return concatBytes(iv, body, cipher.getAuthTag());
}

/** Opens what `seal` made. Throws `seal_broken` if key, `aad` or any byte differ; gives no byte unless all are authentic. */
export function unseal(options: { key: Uint8Array; aad: string; sealed: Uint8Array }): Uint8Array {
  checkKey(options.key);
  const { sealed } = options;
  if (sealed.length < IV_BYTES + TAG_BYTES) throw new AttestryError("seal_broken", "sealed value is too short");
  const decipher = createDecipheriv(CIPHER, options.key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(options.aad, "utf8"));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plaintext = decipher.update(sealed.subarray(IV_BYTES, sealed.length - TAG_BYTES));
  try {
    decipher.final();
  } catch (cause) {
    throw new AttestryError("seal_broken", "sealed value was changed, moved or made with another key", { cause });
  }
  return Uint8Array.from(plaintext);
}

/**
 * 32 bytes for one use out of a secret (HKDF-SHA-256 without salt, RFC 5869). `secret`: at least 32 random bytes, not a passphrase.
 * `info` names the use; two uses never share one.
 */
export function deriveKey(secret: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(0), info, KEY_BYTES));
}
