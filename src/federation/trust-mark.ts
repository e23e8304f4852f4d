// Trust marks of OpenID Federation 1.0 §7: their strict form, the rules of an anchor about them, their signing and proof.
// Pure: whose keys are an issuer's is for the issuer's proven chain to say.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { decodeJws, signJws, verifyJws } from "../crypto/jws.ts";
import { type PublicKey, parseKeySet } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";
import {
  CLOCK_SKEW_SECONDS,
  TRUST_MARK_CHARS_MAX,
  TRUST_MARK_ISSUERS_MAX,
  TRUST_MARK_TYPE_CHARS_MAX,
  TRUST_MARK_TYPES_MAX,
} from "../limits.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";

export const TRUST_MARK_TYPE = "trust-mark+jwt";
export const DELEGATION_TYPE = "trust-mark-delegation+jwt";

/** What a mark says; nothing in it is proven. Times in Unix seconds. */
export interface TrustMark {
  readonly text: string;
  readonly issuer: string;
  readonly subject: string;
  readonly type: string;
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
  readonly delegation: string | undefined;
}

/** The owner of a type of marks, as an anchor knows it. */
export interface TrustMarkOwner {
  readonly entity: string;
  readonly keys: readonly PublicKey[];
}

/** Which marks an anchor recognises. `issuers`: an empty list is anyone. */
export interface TrustMarkRules {
  readonly issuers: ReadonlyMap<string, readonly string[]>;
  readonly owners: ReadonlyMap<string, TrustMarkOwner>;
}

function refuse(code: ErrorCode, reason: string, cause?: unknown): never {
  throw new AttestryError(code, `trust mark: ${reason}`, { cause });
}

function parseTime(value: Json | undefined, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    refuse("trust_mark_invalid", `${name} is not a whole number of seconds`);
  return value as number;
}

function parseEntity(value: Json | undefined, name: string): string {
  try {
    return parseEntityIdentifier(value, { allowLoopbackHttp: true });
  } catch (cause) {
    refuse("trust_mark_invalid", `${name} is no entity identifier`, cause);
  }
}

/** Throws `trust_mark_invalid`. §7.1: a collision-resistant name, usually a URL. */
export function parseTrustMarkType(value: Json | undefined): string {
  const isText = typeof value === "string" && value.length <= TRUST_MARK_TYPE_CHARS_MAX && /^[^\p{Cc}]+$/u.test(value);
  if (!isText)
    refuse("trust_mark_invalid", `trust_mark_type is no text of 1 to ${TRUST_MARK_TYPE_CHARS_MAX} characters`);
  return value;
}

function decode(text: string, typ: string): JsonObject {
  if (text.length > TRUST_MARK_CHARS_MAX)
    refuse("trust_mark_invalid", `longer than ${TRUST_MARK_CHARS_MAX} characters`);
  let decoded: ReturnType<typeof decodeJws>;
  try {
    decoded = decodeJws(text);
  } catch (cause) {
    if (!isAttestryError(cause)) throw cause;
    return refuse("trust_mark_invalid", `${cause.code}: it is no JWS`, cause);
  }
  // §7.1 and §7.2: "typ … MUST be trust-mark+jwt", without which other JWTs of the issuer could pass for marks.
  if (decoded.header.typ !== typ) refuse("trust_mark_invalid", `typ is not ${typ}`);
  if (typeof decoded.header.kid !== "string" || decoded.header.kid === "")
    refuse("trust_mark_invalid", "header has no kid");
  return decoded.payload;
}

/** Reads a mark in strict form, without proving it. `text` is untrusted. Throws `trust_mark_invalid`. */
export function parseTrustMark(text: string): TrustMark {
  const claims = decode(text, TRUST_MARK_TYPE);
  const { delegation } = claims;
  if (delegation !== undefined && typeof delegation !== "string")
    refuse("trust_mark_invalid", "delegation is not a JWT");
  const expiresAt = claims.exp === undefined ? undefined : parseTime(claims.exp, "exp");
  const issuedAt = parseTime(claims.iat, "iat");
  if (expiresAt !== undefined && expiresAt <= issuedAt) refuse("trust_mark_invalid", "exp is not later than iat");
  return {
    text,
    issuer: parseEntity(claims.iss, "iss"),
    subject: parseEntity(claims.sub, "sub"),
    type: parseTrustMarkType(claims.trust_mark_type),
    issuedAt,
    expiresAt,
    delegation,
  };
}

function parseMembers<Value>(
  value: Json | undefined,
  { name, parse }: { name: string; parse: (member: Json, type: string) => Value },
): Map<string, Value> {
  if (value === undefined) return new Map();
  if (!isJsonObject(value) || Object.keys(value).length > TRUST_MARK_TYPES_MAX)
    refuse("trust_mark_rules_invalid", `${name} is not a JSON object of at most ${TRUST_MARK_TYPES_MAX} types`);
  return new Map(Object.entries(value).map(([type, member]) => [type, parse(member, type)]));
}

function parseIssuers(value: Json, type: string): readonly string[] {
  if (!Array.isArray(value) || value.length > TRUST_MARK_ISSUERS_MAX)
    refuse("trust_mark_rules_invalid", `the issuers of ${type} are not a list of at most ${TRUST_MARK_ISSUERS_MAX}`);
  return value.map((issuer) => {
    try {
      return parseEntityIdentifier(issuer, { allowLoopbackHttp: true });
    } catch (cause) {
      return refuse("trust_mark_rules_invalid", `an issuer of ${type} is no entity identifier`, cause);
    }
  });
}

function parseOwner(value: Json, type: string): TrustMarkOwner {
  if (!isJsonObject(value)) refuse("trust_mark_rules_invalid", `the owner of ${type} is not a JSON object`);
  try {
    return { entity: parseEntityIdentifier(value.sub, { allowLoopbackHttp: true }), keys: parseKeySet(value.jwks) };
  } catch (cause) {
    if (!isAttestryError(cause)) throw cause;
    return refuse("trust_mark_rules_invalid", `the owner of ${type} has no entity identifier or no keys`, cause);
  }
}

/** `trust_mark_issuers` and `trust_mark_owners` (§3.1.2) of an anchor. Throws `trust_mark_rules_invalid`. */
export function parseTrustMarkRules(claims: {
  readonly issuers: Json | undefined;
  readonly owners: Json | undefined;
}): TrustMarkRules {
  return {
    issuers: parseMembers(claims.issuers, { name: "trust_mark_issuers", parse: parseIssuers }),
    owners: parseMembers(claims.owners, { name: "trust_mark_owners", parse: parseOwner }),
  };
}

function checkTime(issuedAt: number, expiresAt: number | undefined, now: number): void {
  if (issuedAt > now + CLOCK_SKEW_SECONDS) refuse("trust_mark_not_yet_valid", "it is from the future");
  if (expiresAt !== undefined && expiresAt <= now) refuse("trust_mark_expired", "it has expired");
}

async function verifySignature(text: string, typ: string, keys: readonly PublicKey[]): Promise<boolean> {
  try {
    await verifyJws(text, { typ, keys, acceptEdDSA: true });
    return true;
  } catch (error) {
    if (isAttestryError(error)) return false;
    throw error;
  }
}

/** Throws `trust_mark_not_recognised`, `trust_mark_issuer_not_allowed`. */
export function checkTrustMarkIssuer(mark: TrustMark, { issuers, owners }: TrustMarkRules): void {
  const allowed = issuers.get(mark.type);
  // §7.3: marks that a federation does not know say nothing in it.
  if (allowed === undefined && !owners.has(mark.type))
    refuse("trust_mark_not_recognised", `the anchor recognises no marks of type ${mark.type.slice(0, 200)}`);
  // §3.1.2: "If the array following a Trust Mark type identifier is empty, anyone MAY issue".
  if (allowed !== undefined && allowed.length > 0 && !allowed.includes(mark.issuer))
    refuse("trust_mark_issuer_not_allowed", `${mark.issuer} is none of those who may issue this type`);
}

// §7.2.1: the owner of a type lets the issuer issue it, by a signed statement inside the mark.
async function verifyDelegation(mark: TrustMark, owner: TrustMarkOwner, now: number): Promise<void> {
  const invalid = (reason: string): never => refuse("trust_mark_delegation_invalid", reason);
  if (mark.delegation === undefined) return invalid(`marks of this type need a delegation by ${owner.entity}`);
  let claims: JsonObject;
  try {
    claims = decode(mark.delegation, DELEGATION_TYPE);
  } catch (error) {
    return invalid(error instanceof AttestryError ? error.message : "it cannot be read");
  }
  if (claims.iss !== owner.entity) invalid("the delegation is not by the type's owner");
  if (claims.sub !== mark.issuer) invalid("the delegation is not for the mark's issuer");
  if (claims.trust_mark_type !== mark.type) invalid("the delegation is of another type");
  const { iat, exp } = claims;
  if (!Number.isSafeInteger(iat) || (iat as number) > now + CLOCK_SKEW_SECONDS)
    invalid("the delegation has no past iat");
  if (exp !== undefined && !(Number.isSafeInteger(exp) && (exp as number) > now)) invalid("the delegation has expired");
  if (!(await verifySignature(mark.delegation, DELEGATION_TYPE, owner.keys)))
    invalid("the delegation is not signed by the owner's key");
}

/**
 * Proves a mark of `subject` under an anchor's rules at `now` (Unix seconds). `issuerKeys`: the federation keys that the
 * issuer's proven chain names.
 * Throws `trust_mark_subject_mismatch`, `trust_mark_not_recognised`, `trust_mark_issuer_not_allowed`, `trust_mark_expired`,
 * `trust_mark_not_yet_valid`, `trust_mark_signature_invalid`, `trust_mark_delegation_invalid`.
 */
export async function verifyTrustMark(
  mark: TrustMark,
  expected: {
    readonly subject: string;
    readonly rules: TrustMarkRules;
    readonly issuerKeys: readonly PublicKey[];
    readonly now: number;
  },
): Promise<void> {
  const { subject, rules, issuerKeys, now } = expected;
  if (mark.subject !== subject) refuse("trust_mark_subject_mismatch", `it is ${mark.subject}'s`);
  checkTrustMarkIssuer(mark, rules);
  checkTime(mark.issuedAt, mark.expiresAt, now);
  if (!(await verifySignature(mark.text, TRUST_MARK_TYPE, issuerKeys)))
    refuse("trust_mark_signature_invalid", `it is not signed by a key of ${mark.issuer}`);
  const owner = rules.owners.get(mark.type);
  if (owner !== undefined) await verifyDelegation(mark, owner, now);
}

/** Times in Unix seconds. */
export function signTrustMark(terms: {
  readonly signer: Signer;
  readonly issuer: string;
  readonly subject: string;
  readonly type: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly delegation?: string | undefined;
}): Promise<string> {
  const payload: JsonObject = {
    iss: terms.issuer,
    sub: terms.subject,
    trust_mark_type: terms.type,
    iat: terms.issuedAt,
    exp: terms.expiresAt,
    ...(terms.delegation !== undefined && { delegation: terms.delegation }),
  };
  return signJws({ signer: terms.signer, typ: TRUST_MARK_TYPE, payload });
}

/** As the owner of a type: lets `issuer` issue it. Times in Unix seconds. */
export function signDelegation(terms: {
  readonly signer: Signer;
  readonly owner: string;
  readonly issuer: string;
  readonly type: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}): Promise<string> {
  const payload: JsonObject = {
    iss: terms.owner,
    sub: terms.issuer,
    trust_mark_type: terms.type,
    iat: terms.issuedAt,
    exp: terms.expiresAt,
  };
  return signJws({ signer: terms.signer, typ: DELEGATION_TYPE, payload });
}
