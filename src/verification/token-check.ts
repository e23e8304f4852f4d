// The `format` and `signature` checks: is this a record token, is it the one asked for, did the issuer's key sign it.
import { verifyEd25519 } from "../crypto/ed25519.ts";
import { encodeUtf8 } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { type DecodedJws, decodeJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { parseSdJwt, type SdJwtParts } from "../crypto/sd-jwt.ts";
import { processDisclosures } from "../crypto/sd-jwt-disclosures.ts";
import { AttestryError } from "../errors.ts";
import type { RevokedKey } from "../federation/node-metadata.ts";
import { jwtDigest } from "../records/record-url.ts";
import type { IssuerTrust } from "./issuer-trust.ts";
import type { Expectation } from "./policy.ts";
import { type CheckOutcome, failed, passed, type VerificationCode } from "./report.ts";
import { parseRecordClaims, type RecordClaims } from "./token-claims.ts";

export const RECORD_TOKEN_TYPE = "dc+sd-jwt";

/** A token in strict form; nothing in it is proved. */
export interface ParsedToken {
  readonly jwt: string;
  readonly decoded: DecodedJws;
  readonly record: RecordClaims;
  /** The payload with disclosures in their places. */
  readonly claims: JsonObject;
  /** How many fields of the data were not disclosed; parts of `act` do not count. */
  readonly undisclosedCount: number;
}

function refuse(code: VerificationCode, error: unknown): CheckOutcome {
  if (error instanceof AttestryError) return failed("format", code, error.message);
  throw error;
}

/** Reads a token (untrusted), or says in the outcome of `format` what is wrong with it. */
export function parseToken(text: string): ParsedToken | CheckOutcome {
  let parts: SdJwtParts;
  let decoded: DecodedJws;
  try {
    parts = parseSdJwt(text);
    decoded = decodeJws(parts.jwt);
  } catch (error) {
    return refuse("token_malformed", error);
  }
  // A key binding that nobody verifies must not be there: any text in its place would pass.
  if (parts.keyBinding !== undefined) return failed("format", "key_binding_unsupported");
  // RFC 8725 §3.11 and §3.1: type and algorithm are ours to choose, not the token's.
  if (decoded.header.typ !== RECORD_TOKEN_TYPE) return failed("format", "token_type_wrong");
  if (decoded.header.alg !== "Ed25519") return failed("format", "algorithm_not_allowed");
  let disclosed: ReturnType<typeof processDisclosures>;
  try {
    disclosed = processDisclosures(decoded.payload, parts.disclosures);
  } catch (error) {
    return refuse("disclosure_invalid", error);
  }
  try {
    const record = parseRecordClaims(decoded.payload, disclosed.claims);
    const undisclosedCount = disclosed.undisclosedByMember.get("data") ?? 0;
    return { jwt: parts.jwt, decoded, record, claims: disclosed.claims, undisclosedCount };
  } catch (error) {
    return refuse("claims_invalid", error);
  }
}

/** The outcome of `format` for a token that could be read: a home node must not answer with another record. */
export function checkExpectation({ jwt, record }: ParsedToken, expected: Expectation): CheckOutcome {
  if (expected.href !== undefined && expected.href !== record.href) return failed("format", "href_mismatch");
  if (expected.version !== undefined && expected.version !== record.version) {
    return failed("format", "version_mismatch", `version ${record.version} instead of ${expected.version}`);
  }
  if (expected.registryType !== undefined && expected.registryType !== record.registryType) {
    return failed("format", "registry_type_mismatch", `${record.registryType} instead of ${expected.registryType}`);
  }
  if (expected.digest !== undefined && expected.digest !== jwtDigest(jwt)) return failed("format", "digest_mismatch");
  return passed("format");
}

/** The reported key, if any, that a token names as its own. */
export function findReportedKey({ decoded }: ParsedToken, { revoked }: IssuerTrust): RevokedKey | undefined {
  return revoked.find(({ key }) => key.kid === decoded.header.kid);
}

/** The record key that a token names, good or reported. */
export function findKey(token: ParsedToken, trust: IssuerTrust): PublicKey | undefined {
  const named = trust.chain.keys.record.find(({ kid }) => kid === token.decoded.header.kid);
  return named ?? findReportedKey(token, trust)?.key;
}

/** The `signature` check, by the record keys of the issuer's verified chain and no others; one that was reported proves something only together with the log. */
export function checkSignature(token: ParsedToken, trust: IssuerTrust): CheckOutcome {
  const { decoded } = token;
  const key = findKey(token, trust);
  if (key === undefined) return failed("signature", "signing_key_unknown");
  const { parts, signature } = decoded;
  const isSigned = verifyEd25519(key.raw, encodeUtf8(`${parts.header}.${parts.payload}`), signature);
  return isSigned ? passed("signature") : failed("signature", "signature_invalid");
}
