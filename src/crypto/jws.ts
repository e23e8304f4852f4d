// Compact JWS, signed and verified under a closed set of rules. Runs in browsers. Trusts no key, address or algorithm that a token brings along.
import { type CryptoKey, flattenedVerify, importJWK } from "jose";
import { AttestryError } from "../errors.ts";
import { JWS_CHARS_MAX } from "../limits.ts";
import { decodeBase64url, encodeBase64url, encodeBase64urlText } from "./base64.ts";
import { ED25519_SIGNATURE_BYTES, hasNeutralR, verifyEd25519 } from "./ed25519.ts";
import { decodeUtf8, encodeUtf8 } from "./hash.ts";
import { isJsonObject, type JsonObject, parseJson } from "./json.ts";
import type { PublicKey } from "./keys.ts";
import type { Signer } from "./signer.ts";

/** What a compact JWS says; nothing in it is proved. */
export interface DecodedJws {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly signature: Uint8Array;
  /** The three parts as they stand in the text. */
  readonly parts: { readonly header: string; readonly payload: string; readonly signature: string };
}

/** What the signature of `key` proves. */
export interface VerifiedJws {
  readonly header: JsonObject;
  readonly payload: JsonObject;
  readonly key: PublicKey;
}

export interface JwsRules {
  /** The one `typ` that is expected here, in the short form of RFC 7515 §4.1.9. */
  readonly typ: string;
  readonly keys: readonly PublicKey[];
  /** Also take the deprecated name of the algorithm (RFC 9864 §4.1.2): for foreign tokens only. */
  readonly acceptEdDSA?: true;
}

function decodeJsonPart(part: string, name: string): JsonObject {
  const value = parseJson(decodeUtf8(decodeBase64url(part)));
  if (!isJsonObject(value)) throw new AttestryError("jws_invalid", `JWS ${name} is not a JSON object`);
  return value;
}

/**
 * Splits and decodes a compact JWS (RFC 7515 §7.1) and verifies nothing. Each part is canonical base64url, header and payload are strict JSON objects.
 * Throws `jws_invalid`, `encoding_invalid`, `json_*`, `crit_unsupported`.
 */
export function decodeJws(text: string): DecodedJws {
  if (text.length > JWS_CHARS_MAX) {
    throw new AttestryError("jws_invalid", `JWS has ${text.length} characters; ${JWS_CHARS_MAX} are allowed`);
  }
  const [header, payload, signature, ...rest] = text.split(".", 4);
  if (!header || !payload || !signature || rest.length > 0) {
    throw new AttestryError("jws_invalid", "JWS is not three parts with two dots between them");
  }
  const decodedHeader = decodeJsonPart(header, "header");
  // RFC 7515 §4.1.11: an extension that is not understood refuses the token, and none is understood here; b64 is one (RFC 7797).
  if (Object.hasOwn(decodedHeader, "crit")) throw new AttestryError("crit_unsupported", "JWS header has crit");
  if (Object.hasOwn(decodedHeader, "b64")) throw new AttestryError("crit_unsupported", "JWS header has b64");
  return {
    header: decodedHeader,
    payload: decodeJsonPart(payload, "payload"),
    signature: decodeBase64url(signature),
    parts: { header, payload, signature },
  };
}

function findSigningKey(header: JsonObject, keys: readonly PublicKey[]): PublicKey {
  const [key, another] = keys.filter((candidate) => candidate.kid === header.kid);
  if (key === undefined) throw new AttestryError("key_unknown", "kid of JWS names none of the keys allowed here");
  if (another !== undefined) throw new AttestryError("key_unknown", "kid of JWS names more than one key");
  return key;
}

const platformKeys = new WeakMap<PublicKey, CryptoKey | "unsupported">();

async function importPlatformKey(key: PublicKey): Promise<CryptoKey | "unsupported"> {
  const known = platformKeys.get(key);
  if (known !== undefined) return known;
  const { kty, crv, x } = key.jwk;
  // A key that passed parsePublicKey fails here only where WebCrypto lacks Ed25519, or lacks altogether (a page without https).
  const imported = await importJWK({ kty, crv, x }, "Ed25519").then(
    (platformKey) => (platformKey instanceof Uint8Array ? "unsupported" : platformKey),
    () => "unsupported" as const,
  );
  platformKeys.set(key, imported);
  return imported;
}

async function isSignedBy(key: PublicKey, alg: string, { parts, signature }: DecodedJws): Promise<boolean> {
  if (signature.length !== ED25519_SIGNATURE_BYTES || hasNeutralR(signature)) return false;
  const platformKey = await importPlatformKey(key);
  if (platformKey === "unsupported") {
    return verifyEd25519(key.raw, encodeUtf8(`${parts.header}.${parts.payload}`), signature);
  }
  const flattened = { protected: parts.header, payload: parts.payload, signature: parts.signature };
  return flattenedVerify(flattened, platformKey, { algorithms: [alg] }).then(
    () => true,
    () => false,
  );
}

/**
 * Verifies a compact JWS: `alg` Ed25519 (RFC 9864), `typ` exactly as expected (RFC 8725 §3.11), `kid` naming exactly one of `keys`.
 * Throws what `decodeJws` throws, `algorithm_not_allowed`, `type_not_allowed`, `key_unknown`, `signature_invalid`.
 */
export async function verifyJws(text: string, rules: JwsRules): Promise<VerifiedJws> {
  const decoded = decodeJws(text);
  const { header, payload } = decoded;
  const { alg, typ } = header;
  // RFC 8725 §3.1: the algorithm is the verifier's choice, so "none" and HMAC over a public key never come up.
  if (alg !== "Ed25519" && !(alg === "EdDSA" && rules.acceptEdDSA)) {
    throw new AttestryError("algorithm_not_allowed", "alg of JWS is not Ed25519");
  }
  if (typ !== rules.typ) throw new AttestryError("type_not_allowed", `typ of JWS is not ${rules.typ}`);
  const key = findSigningKey(header, rules.keys);
  if (!(await isSignedBy(key, alg, decoded))) {
    throw new AttestryError("signature_invalid", `signature of JWS does not hold under key ${key.kid}`);
  }
  return { header, payload, key };
}

/**
 * Signs a compact JWS with `alg` Ed25519 and the signer's `kid`. A payload given as text must be a JSON object and is signed as it stands.
 * `header`: further header members; they cannot replace alg, typ and kid. Throws `jws_invalid` if the result is longer than anyone here would read.
 */
export async function signJws(options: {
  signer: Signer;
  typ: string;
  payload: JsonObject | string;
  header?: JsonObject;
}): Promise<string> {
  const { signer, typ, payload, header } = options;
  const headerText = JSON.stringify({ ...header, alg: "Ed25519", typ, kid: signer.publicKey.kid });
  const payloadText = typeof payload === "string" ? payload : JSON.stringify(payload);
  const signingInput = `${encodeBase64urlText(headerText)}.${encodeBase64urlText(payloadText)}`;
  // Assembled here and not by jose, because a signer may be an HSM; the text is exactly what was signed.
  const signature = await signer.sign(encodeUtf8(signingInput));
  if (signature.length !== ED25519_SIGNATURE_BYTES) throw new TypeError(`signer gave ${signature.length} bytes`);
  const text = `${signingInput}.${encodeBase64url(signature)}`;
  if (text.length > JWS_CHARS_MAX) {
    throw new AttestryError("jws_invalid", `JWS has ${text.length} characters; ${JWS_CHARS_MAX} are allowed`);
  }
  return text;
}
