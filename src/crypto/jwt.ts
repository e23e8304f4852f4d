// JWTs of sign-in issuers: keys and signatures of the algorithms that those use. Trusts no key, address or algorithm that a token brings along; knows no claim.
import { type CryptoKey, compactVerify, importJWK } from "jose";
import type { JwtAlgorithm } from "../config.ts";
import { AttestryError } from "../errors.ts";
import { ISSUER_KEYS_MAX } from "../limits.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** A key of an issuer's published set, of a kind that is verified with here. */
export interface IssuerKey {
  readonly kid: string;
  readonly algorithms: readonly JwtAlgorithm[];
  readonly jwk: Readonly<Record<string, string>>;
}

// What of a JWK makes the public key; nothing else of it is looked at again, so a private part never gets further.
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ["kty", "n", "e"],
  EC: ["kty", "crv", "x", "y"],
  OKP: ["kty", "crv", "x"],
};

function algorithmsOf({ kty, crv }: JsonObject): readonly JwtAlgorithm[] {
  if (kty === "RSA") return ["RS256", "PS256"];
  if (kty === "EC" && crv === "P-256") return ["ES256"];
  if (kty === "OKP" && crv === "Ed25519") return ["EdDSA", "Ed25519"];
  return [];
}

function parseIssuerKey(jwk: Json): IssuerKey[] {
  // RFC 7517 §5: keys of kinds that are not understood are passed over.
  if (!isJsonObject(jwk) || typeof jwk.kid !== "string" || (jwk.use !== undefined && jwk.use !== "sig")) return [];
  const isEdwards = jwk.alg === "EdDSA" || jwk.alg === "Ed25519";
  const algorithms = algorithmsOf(jwk).filter((one) => jwk.alg === undefined || one === jwk.alg || isEdwards);
  if (algorithms.length === 0) return [];
  const members = MEMBERS[jwk.kty as string]!.map((name) => [name, jwk[name]] as const);
  if (!members.every((member): member is [string, string] => typeof member[1] === "string")) return [];
  return [{ kid: jwk.kid, algorithms, jwk: Object.fromEntries(members) }];
}

/** The usable keys of a JWK Set (RFC 7517 §5), untrusted but for its address. Two under one `kid` both go. Throws `key_invalid`. */
export function parseIssuerKeys(jwks: unknown): IssuerKey[] {
  if (!isJsonObject(jwks) || !Array.isArray(jwks.keys)) throw new AttestryError("key_invalid", "JWK Set has no keys");
  if (jwks.keys.length > ISSUER_KEYS_MAX)
    throw new AttestryError(
      "key_invalid",
      `JWK Set has ${jwks.keys.length} keys; at most ${ISSUER_KEYS_MAX} are allowed`,
    );
  const keys = jwks.keys.flatMap(parseIssuerKey);
  return keys.filter(({ kid }) => keys.filter((other) => other.kid === kid).length === 1);
}

/** The algorithm of a JWT's header, if it is one of `allowed`; throws `token_algorithm_refused`. */
export function checkJwtAlgorithm({ alg }: JsonObject, allowed: readonly JwtAlgorithm[]): JwtAlgorithm {
  const found = allowed.find((one) => one === alg);
  if (found !== undefined) return found;
  throw new AttestryError("token_algorithm_refused", `alg of the token is none of: ${allowed.join(", ")}`);
}

const platformKeys = new WeakMap<IssuerKey, Map<JwtAlgorithm, Promise<CryptoKey | Uint8Array>>>();

function importKey(key: IssuerKey, algorithm: JwtAlgorithm): Promise<CryptoKey | Uint8Array> {
  const known = platformKeys.get(key) ?? new Map<JwtAlgorithm, Promise<CryptoKey | Uint8Array>>();
  platformKeys.set(key, known);
  const imported = known.get(algorithm) ?? importJWK(key.jwk, algorithm);
  known.set(algorithm, imported);
  return imported;
}

/** Whether `key` made the signature of a compact JWT, by an algorithm that was already found allowed. */
export async function isJwtSignedBy(text: string, key: IssuerKey, algorithm: JwtAlgorithm): Promise<boolean> {
  // The key's kind decides, too: an RSA key never verifies as the secret of an HMAC, nor by another family.
  if (!key.algorithms.includes(algorithm)) return false;
  try {
    await compactVerify(text, await importKey(key, algorithm), { algorithms: [algorithm] });
    return true;
  } catch {
    // Weak keys (RSA below 2048 bits) and points off the curve are refused here, too.
    return false;
  }
}
