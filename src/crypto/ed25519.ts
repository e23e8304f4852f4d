// Ed25519 verification that gives the same verdict everywhere, and the check of public keys it rests on. Runs in browsers; signs nothing.
import type { KeyObject } from "node:crypto";
import * as noble from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { IMPORTED_KEYS_MAX } from "../limits.ts";
import { encodeBase64url } from "./base64.ts";

noble.hashes.sha512 = sha512;

// No static import of a Node module: this file is part of attestry/verify, which browsers load.
const nodeCrypto = (
  globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
).process?.getBuiltinModule?.("node:crypto") as typeof import("node:crypto") | undefined;

export const ED25519_KEY_BYTES = 32;
export const ED25519_SIGNATURE_BYTES = 64;

/**
 * Whether 32 bytes are a public key on which all verifiers agree: canonical, not of small order, torsion-free.
 * Other keys let a dishonest signer make signatures that hold in one implementation and not in the next. Costs about 2 ms.
 */
export function isSoundPublicKey(raw: Uint8Array): boolean {
  if (raw.length !== ED25519_KEY_BYTES) return false;
  const point = decodePoint(raw);
  return point !== undefined && !point.isSmallOrder() && point.isTorsionFree();
}

function decodePoint(bytes: Uint8Array): noble.Point | undefined {
  try {
    return noble.Point.fromBytes(bytes, false);
  } catch {
    return undefined;
  }
}

/**
 * Whether the signature's R is the neutral element. WebCrypto in browsers refuses it, OpenSSL does not;
 * no honest signer produces it, so it is refused everywhere. `signature`: 64 bytes.
 */
export function hasNeutralR(signature: Uint8Array): boolean {
  if (signature[0] !== 1) return false;
  for (let i = 1; i < ED25519_KEY_BYTES; i++) if (signature[i] !== 0) return false;
  return true;
}

function isWellSized(raw: Uint8Array, signature: Uint8Array): boolean {
  return raw.length === ED25519_KEY_BYTES && signature.length === ED25519_SIGNATURE_BYTES && !hasNeutralR(signature);
}

// Importing a key costs a good part of a verification, and a node verifies thousands of records under one key. Held by the
// text of the key: callers hand over the same 32 bytes in many arrays.
const importedKeys = new Map<string, KeyObject>();

function importKey(native: typeof import("node:crypto"), raw: Uint8Array): KeyObject {
  const x = encodeBase64url(raw);
  const known = importedKeys.get(x);
  if (known) return known;
  // As JWK and not as DER: OpenSSL 3 looks for a decoder of DER for almost as long as it then verifies.
  const key = native.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  if (importedKeys.size >= IMPORTED_KEYS_MAX) importedKeys.delete(importedKeys.keys().next().value!);
  importedKeys.set(x, key);
  return key;
}

/** The native path of `verifyEd25519`; undefined where there is no native one. Exported so that tests can compare both paths. */
export const verifyEd25519Native = nodeCrypto
  ? (raw: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
      if (!isWellSized(raw, signature)) return false;
      return nodeCrypto.verify(null, message, importKey(nodeCrypto, raw), signature);
    }
  : undefined;

/** The path of `verifyEd25519` without native help, about 20 times slower. Exported so that tests can compare both paths. */
export function verifyEd25519Portable(raw: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isWellSized(raw, signature)) return false;
  // The cofactored equation of noble and the cofactorless one of OpenSSL coincide when key and R are both torsion-free.
  if (!decodePoint(signature.subarray(0, 32))?.isTorsionFree()) return false;
  return noble.verify(signature, message, raw, { zip215: false });
}

/**
 * Verifies an Ed25519 signature (RFC 8032 §5.1.7). `raw` must have passed `isSoundPublicKey`: only then do both paths agree.
 * Wrong lengths are a false signature, not an error.
 */
export const verifyEd25519: (raw: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean =
  verifyEd25519Native ?? verifyEd25519Portable;
