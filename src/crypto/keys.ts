// Public Ed25519 keys and key sets as JWK. Refuses every key on which verifiers could disagree; holds no private key.
import { AttestryError } from "../errors.ts";
import { KEY_SET_KEYS_MAX, SOUND_KEYS_REMEMBERED_MAX } from "../limits.ts";
import { decodeBase64url, encodeBase64url } from "./base64.ts";
import { ED25519_KEY_BYTES, isSoundPublicKey } from "./ed25519.ts";
import { sha256Base64url } from "./hash.ts";
import { isJsonObject } from "./json.ts";

export interface PublicJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly use?: "sig";
  readonly alg?: "Ed25519" | "EdDSA";
}

/** A key that passed `parsePublicKey`. `kid` is its RFC 7638 thumbprint; `raw` has 32 bytes and is never changed. */
export interface PublicKey {
  readonly kid: string;
  readonly raw: Uint8Array;
  readonly jwk: PublicJwk;
}

// Soundness is a property of the 32 bytes alone and costs 2 ms to find, so it is remembered; the oldest is forgotten first.
const soundKeys = new Set<string>();

function isRememberedSound(x: string, raw: Uint8Array): boolean {
  if (soundKeys.has(x)) return true;
  if (!isSoundPublicKey(raw)) return false;
  if (soundKeys.size >= SOUND_KEYS_REMEMBERED_MAX) soundKeys.delete(soundKeys.values().next().value ?? "");
  soundKeys.add(x);
  return true;
}

/** RFC 7638 thumbprint (SHA-256, base64url) of a raw Ed25519 public key, with the members RFC 8037 §2 requires. */
export function jwkThumbprint(raw: Uint8Array): string {
  return sha256Base64url(`{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64url(raw)}"}`);
}

function refuse(message: string, cause?: unknown): never {
  throw new AttestryError("key_invalid", message, { cause });
}

function decodeKeyBytes(x: unknown): Uint8Array {
  if (typeof x !== "string") return refuse("JWK has no text x");
  let raw: Uint8Array;
  try {
    raw = decodeBase64url(x);
  } catch (cause) {
    return refuse("x of JWK is not canonical base64url", cause);
  }
  if (raw.length !== ED25519_KEY_BYTES) refuse(`x of JWK has ${raw.length} bytes; ${ED25519_KEY_BYTES} are allowed`);
  if (!isRememberedSound(x, raw)) refuse("x of JWK is no canonical point of prime order");
  return raw;
}

/**
 * Reads an untrusted JWK (RFC 7517, RFC 8037). Members it does not know are left out. Refuses private keys, other curves,
 * a `kid` that is not the thumbprint, non-canonical points, points of small or mixed order. Throws `key_invalid`.
 */
export function parsePublicKey(jwk: unknown): PublicKey {
  if (!isJsonObject(jwk)) return refuse("JWK is no object");
  const { kty, crv, x, kid, use, alg } = jwk;
  if (kty !== "OKP" || crv !== "Ed25519") return refuse("JWK is not of kty OKP and crv Ed25519");
  if (Object.hasOwn(jwk, "d")) return refuse("JWK holds a private key where a public one is expected");
  if (use !== undefined && use !== "sig") return refuse("use of JWK is not sig");
  if (alg !== undefined && alg !== "Ed25519" && alg !== "EdDSA") return refuse("alg of JWK is not Ed25519");
  const raw = decodeKeyBytes(x);
  const thumbprint = jwkThumbprint(raw);
  if (kid !== undefined && kid !== thumbprint) return refuse("kid of JWK is not its RFC 7638 thumbprint");
  return {
    kid: thumbprint,
    raw,
    jwk: {
      kty,
      crv,
      x: encodeBase64url(raw),
      kid: thumbprint,
      ...(use === undefined ? {} : { use }),
      ...(alg === undefined ? {} : { alg }),
    },
  };
}

/**
 * Reads an untrusted JWK set (RFC 7517 §5) of 1 to KEY_SET_KEYS_MAX keys. A key that would be refused alone refuses the set:
 * skipping it would let two readers work with two sets. Throws `key_invalid`.
 */
export function parseKeySet(jwks: unknown): PublicKey[] {
  if (!isJsonObject(jwks) || !Array.isArray(jwks.keys)) return refuse("JWK set has no keys");
  const list = jwks.keys;
  if (list.length === 0 || list.length > KEY_SET_KEYS_MAX) {
    return refuse(`JWK set has ${list.length} keys; 1 to ${KEY_SET_KEYS_MAX} are allowed`);
  }
  const keys = list.map(parsePublicKey);
  if (new Set(keys.map((key) => key.kid)).size !== keys.length) return refuse("JWK set holds a key twice");
  return keys;
}
