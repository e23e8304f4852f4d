// Signing with Ed25519. A signer is only "sign these bytes", so that an HSM or KMS can take the place of a key in memory; it writes nothing to disk.
import { createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { encodeBase64url } from "./base64.ts";
import { ED25519_KEY_BYTES } from "./ed25519.ts";
import { concatBytes } from "./hash.ts";
import { type PublicKey, parsePublicKey } from "./keys.ts";

export interface Signer {
  readonly publicKey: PublicKey;
  /** The 64-byte Ed25519 signature (RFC 8032 §5.1.6) of exactly these bytes. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

// RFC 8410 §7: PKCS #8 of an Ed25519 private key up to its 32 bytes.
const PKCS8_PREFIX = Uint8Array.from(Buffer.from("302e020100300506032b657004220420", "hex"));

/** A new private key: 32 random bytes. */
export function generateSeed(): Uint8Array {
  // Not from the pool of random.ts: a key's bytes lie in no memory shared with salts.
  return Uint8Array.from(randomBytes(ED25519_KEY_BYTES));
}

/** A signer over a private key in memory. `seed`: the 32 bytes of RFC 8032 §5.1.5; they are copied and cannot be read back from the signer. */
export function createSigner(seed: Uint8Array): Signer {
  if (seed.length !== ED25519_KEY_BYTES)
    throw new TypeError(`a seed has ${ED25519_KEY_BYTES} bytes, not ${seed.length}`);
  const der = Buffer.from(concatBytes(PKCS8_PREFIX, seed));
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  // RFC 8410 §4: the key is what its SPKI ends with. In exporting a JWK, Node 20 was seen to wait for itself for ever.
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  const x = encodeBase64url(spki.subarray(-ED25519_KEY_BYTES));
  return {
    publicKey: parsePublicKey({ kty: "OKP", crv: "Ed25519", x }),
    // In the thread pool: signing is the largest single cost of a record, and other requests go on meanwhile.
    sign: (message) =>
      new Promise((resolve, reject) => {
        sign(null, message, privateKey, (error, signature) => (error ? reject(error) : resolve(signature)));
      }),
  };
}
