// Entity statements of OpenID Federation 1.0 §3: their strict form and their signing. Pure; a parsed statement is still
// an unproven claim: trust-chain.ts proves signatures and order.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { decodeJws, signJws } from "../crypto/jws.ts";
import { type PublicKey, parseKeySet } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { AUTHORITY_HINTS_MAX, KEY_SET_KEYS_MAX, STATEMENT_BYTES_MAX, TRUST_MARKS_CARRIED_MAX } from "../limits.ts";
import { type Constraints, parseConstraints } from "./constraints.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import { checkCriticalOperators, type MetadataPolicy, parseMetadataPolicy } from "./metadata-policy.ts";

export const ENTITY_STATEMENT_TYPE = "entity-statement+jwt";

/** A statement of the right form. Whether it is true is for trust-chain.ts to say. Times in Unix seconds. */
export interface EntityStatement {
  readonly text: string;
  readonly kid: string;
  readonly issuer: string;
  readonly subject: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** The federation keys of `subject`. */
  readonly keys: readonly PublicKey[];
  /** Entity type to parameters; in a subordinate statement the superior's word about the subject. */
  readonly metadata: ReadonlyMap<string, JsonObject>;
  /** Of a configuration; empty in a subordinate statement. */
  readonly authorityHints: readonly string[];
  /** Of a configuration: marks that it carries, each unproven. */
  readonly trustMarks: readonly CarriedTrustMark[];
  /** Of a configuration: which marks it recognises, if it is an anchor; from anybody else to be ignored. Not read yet. */
  readonly trustMarkClaims: { readonly issuers: Json | undefined; readonly owners: Json | undefined };
  readonly metadataPolicy?: MetadataPolicy;
  readonly constraints?: Constraints;
}

export interface CarriedTrustMark {
  readonly type: string;
  /** A compact JWS. */
  readonly text: string;
}

// §3.1.2 and §3.1.3: claims of one kind of statement that must not stand in the other.
const CONFIGURATION_CLAIMS = [
  "authority_hints",
  "trust_anchor_hints",
  "trust_marks",
  "trust_mark_issuers",
  "trust_mark_owners",
] as const;
const SUBORDINATE_CLAIMS = ["constraints", "metadata_policy", "metadata_policy_crit", "source_endpoint"] as const;
const COMMON_CLAIMS = ["iss", "sub", "iat", "exp", "jwks", "metadata", "crit"] as const;
// These belong to other JWTs of the standard (explicit registration, resolve responses); here they would be a confusion.
const FORBIDDEN_CLAIMS = ["aud", "trust_anchor", "trust_chain"] as const;
// §4.3 and §4.4: "MUST NOT be present in Entity Configurations and Subordinate Statements".
const FORBIDDEN_HEADERS = ["trust_chain", "peer_trust_chain"] as const;
const KNOWN_CLAIMS: ReadonlySet<string> = new Set([
  ...COMMON_CLAIMS,
  ...CONFIGURATION_CLAIMS,
  ...SUBORDINATE_CLAIMS,
  ...FORBIDDEN_CLAIMS,
]);

function refuse(code: ErrorCode, reason: string, cause?: unknown): never {
  throw new AttestryError(code, `entity statement: ${reason}`, { cause });
}

function parseEntity(value: Json | undefined): string {
  // Whether http may be spoken at all is the HTTP client's decision; a signed statement may name a development node.
  return parseEntityIdentifier(value, { allowLoopbackHttp: true });
}

function parseTime(value: Json | undefined, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    refuse("statement_invalid", `${name} is not a whole number of seconds`);
  return value as number;
}

function parseKeys(value: Json | undefined): readonly PublicKey[] {
  if (!isJsonObject(value) || !Array.isArray(value.keys)) refuse("statement_keys_invalid", "jwks is not a key set");
  const { keys } = value;
  if (keys.length === 0 || keys.length > KEY_SET_KEYS_MAX) {
    refuse("statement_keys_invalid", `jwks has ${keys.length} keys; 1 to ${KEY_SET_KEYS_MAX} are allowed`);
  }
  const kids = keys.map((key) => (isJsonObject(key) ? key.kid : undefined));
  if (!kids.every((kid) => typeof kid === "string" && kid !== "")) refuse("statement_keys_invalid", "a key has no kid");
  // §3.1.1: "Every JWK in the JWK Set MUST have a unique kid".
  if (new Set(kids).size !== kids.length) refuse("statement_keys_duplicate", "two keys have the same kid");
  try {
    return parseKeySet(value);
  } catch (cause) {
    refuse("statement_keys_invalid", cause instanceof Error ? cause.message : "jwks cannot be read", cause);
  }
}

function parseMetadata(value: Json | undefined): ReadonlyMap<string, JsonObject> {
  if (value === undefined) return new Map();
  if (!isJsonObject(value)) refuse("statement_invalid", "metadata is not a JSON object");
  const metadata = new Map<string, JsonObject>();
  for (const [entityType, parameters] of Object.entries(value)) {
    if (!isJsonObject(parameters)) refuse("statement_invalid", "the metadata of an entity type is not a JSON object");
    // §3.1.1: "null values MUST NOT be used as metadata values": a policy could not tell them from absence.
    if (Object.values(parameters).includes(null)) refuse("statement_metadata_null", "a metadata parameter is null");
    metadata.set(entityType, parameters);
  }
  return metadata;
}

function parseAuthorityHints(value: Json | undefined): readonly string[] {
  if (value === undefined) return [];
  // §3.1.2: "MUST NOT be the empty array".
  if (!Array.isArray(value) || value.length === 0 || value.length > AUTHORITY_HINTS_MAX) {
    refuse("statement_invalid", `authority_hints is not an array of 1 to ${AUTHORITY_HINTS_MAX} entity identifiers`);
  }
  const hints = value.map(parseEntity);
  if (new Set(hints).size !== hints.length) refuse("statement_invalid", "authority_hints names a superior twice");
  return hints;
}

// §3.1.2: "An array of strings representing Entity Identifiers of Trust Anchors", which a chain's reader has no use for.
function checkAnchorHints(value: Json | undefined): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.length === 0) refuse("statement_invalid", "trust_anchor_hints is no list");
  for (const hint of value) parseEntity(hint);
}

// §3.1.2: objects of exactly these two texts; whether they are true marks is trust-mark.ts's to say.
function parseTrustMarks(value: Json | undefined): readonly CarriedTrustMark[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > TRUST_MARKS_CARRIED_MAX)
    refuse("statement_invalid", `trust_marks is not an array of at most ${TRUST_MARKS_CARRIED_MAX} marks`);
  return value.map((item) => {
    if (!isJsonObject(item)) refuse("statement_invalid", "an item of trust_marks is not a JSON object");
    const { trust_mark_type: type, trust_mark: text } = item;
    if (typeof type !== "string" || type === "" || typeof text !== "string" || text === "")
      refuse("statement_invalid", "an item of trust_marks lacks trust_mark_type or trust_mark");
    return { type, text };
  });
}

function checkSourceEndpoint(value: Json | undefined): void {
  if (value !== undefined && (typeof value !== "string" || !URL.canParse(value)))
    refuse("statement_invalid", "source_endpoint is not a URL");
}

// §3.1.1 crit: names only claims that the standard does not define, each present; we understand no extension.
function checkCritical(claims: JsonObject): void {
  const { crit } = claims;
  if (crit === undefined) return;
  if (!Array.isArray(crit) || crit.length === 0 || new Set(crit).size !== crit.length) {
    refuse("statement_invalid", "crit is not a non-empty array of different names");
  }
  for (const name of crit) {
    if (typeof name !== "string" || KNOWN_CLAIMS.has(name) || !Object.hasOwn(claims, name)) {
      refuse("statement_invalid", "crit names something else than an extension claim of this statement");
    }
  }
  refuse("statement_crit_unsupported", `critical claims not supported: ${crit.join(", ").slice(0, 100)}`);
}

function checkPlaces(header: JsonObject, claims: JsonObject, isConfiguration: boolean): void {
  for (const name of FORBIDDEN_HEADERS) {
    if (Object.hasOwn(header, name)) refuse("statement_header_forbidden", `header ${name} is not allowed`);
  }
  for (const name of FORBIDDEN_CLAIMS) {
    if (Object.hasOwn(claims, name)) refuse("statement_claim_forbidden", `claim ${name} is not allowed`);
  }
  for (const name of isConfiguration ? SUBORDINATE_CLAIMS : CONFIGURATION_CLAIMS) {
    if (Object.hasOwn(claims, name)) {
      refuse(
        "statement_claim_misplaced",
        `claim ${name} belongs to ${isConfiguration ? "subordinate statements" : "configurations"}`,
      );
    }
  }
}

/**
 * Reads a signed statement in strict form, without proving it. `text` is a compact JWS, untrusted.
 * Throws `statement_*`, `jws_invalid`, `algorithm_not_allowed`, `entity_identifier_invalid`, `policy_*`, `constraint_invalid`.
 */
export function parseEntityStatement(text: string): EntityStatement {
  if (text.length > STATEMENT_BYTES_MAX) refuse("statement_invalid", `longer than ${STATEMENT_BYTES_MAX} bytes`);
  const { header, payload: claims } = decodeJws(text);
  // §3: "Entity Statements without a typ header parameter or with a different typ value MUST be rejected".
  if (header.typ !== ENTITY_STATEMENT_TYPE) refuse("statement_type_wrong", `typ is not ${ENTITY_STATEMENT_TYPE}`);
  if (header.alg !== "Ed25519" && header.alg !== "EdDSA") {
    throw new AttestryError("algorithm_not_allowed", "entity statement: alg is neither Ed25519 nor EdDSA");
  }
  const { kid } = header;
  if (typeof kid !== "string" || kid === "") refuse("statement_invalid", "header has no kid");
  const issuer = parseEntity(claims.iss);
  const subject = parseEntity(claims.sub);
  checkPlaces(header, claims, issuer === subject);
  checkCritical(claims);
  const issuedAt = parseTime(claims.iat, "iat");
  const expiresAt = parseTime(claims.exp, "exp");
  if (expiresAt <= issuedAt) refuse("statement_invalid", "exp is not later than iat");
  if (claims.metadata_policy_crit !== undefined) checkCriticalOperators(claims.metadata_policy_crit);
  checkAnchorHints(claims.trust_anchor_hints);
  checkSourceEndpoint(claims.source_endpoint);
  const keys = parseKeys(claims.jwks);
  // §3: a configuration is signed with a key of its own jwks. A kid is a thumbprint, so whoever proves the signature under
  // another source's key of this kid has proven this too.
  if (issuer === subject && !keys.some((key) => key.kid === kid)) {
    refuse("statement_key_unknown", `the configuration of ${subject} is signed by a key that it does not list`);
  }
  return {
    text,
    kid,
    issuer,
    subject,
    issuedAt,
    expiresAt,
    keys,
    metadata: parseMetadata(claims.metadata),
    authorityHints: parseAuthorityHints(claims.authority_hints),
    trustMarks: parseTrustMarks(claims.trust_marks),
    trustMarkClaims: { issuers: claims.trust_mark_issuers, owners: claims.trust_mark_owners },
    ...(claims.metadata_policy !== undefined && { metadataPolicy: parseMetadataPolicy(claims.metadata_policy) }),
    ...(claims.constraints !== undefined && { constraints: parseConstraints(claims.constraints) }),
  };
}

/** What both kinds of statement need to be signed; times in Unix seconds, `jwks` are the subject's federation keys. */
interface StatementTerms {
  readonly signer: Signer;
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly keys: readonly PublicKey[];
  readonly metadata?: JsonObject;
}

function signStatement(terms: StatementTerms, claims: JsonObject): Promise<string> {
  const payload: JsonObject = {
    ...claims,
    iat: terms.issuedAt,
    exp: terms.expiresAt,
    jwks: { keys: terms.keys.map((key) => ({ ...key.jwk })) },
    ...(terms.metadata !== undefined && { metadata: terms.metadata }),
  };
  return signJws({ signer: terms.signer, typ: ENTITY_STATEMENT_TYPE, payload });
}

/** Signs what an entity says of itself. No superiors, no `authority_hints` (§3.1.2). */
export function signEntityConfiguration(
  terms: StatementTerms & {
    readonly entity: string;
    readonly superiors: readonly string[];
    readonly trustMarks?: readonly CarriedTrustMark[];
    /** An anchor's `trust_mark_issuers` and `trust_mark_owners`. */
    readonly trustMarkClaims?: JsonObject;
  },
): Promise<string> {
  const { trustMarks = [] } = terms;
  return signStatement(terms, {
    iss: terms.entity,
    sub: terms.entity,
    ...(terms.superiors.length > 0 && { authority_hints: [...terms.superiors] }),
    ...(trustMarks.length > 0 && {
      trust_marks: trustMarks.map(({ type, text }) => ({ trust_mark_type: type, trust_mark: text })),
    }),
    ...terms.trustMarkClaims,
  });
}

/** Signs what a superior says of one subordinate: its keys, and which registry types it may sign. */
export function signSubordinateStatement(
  terms: StatementTerms & {
    readonly issuer: string;
    readonly subject: string;
    readonly registryTypes: readonly string[];
    readonly maxPathLength?: number;
    readonly sourceEndpoint?: string;
  },
): Promise<string> {
  return signStatement(terms, {
    iss: terms.issuer,
    sub: terms.subject,
    // DESIGN 7: silence grants nothing, so every statement says what it grants, be it the empty list.
    metadata_policy: { registry_node: { registry_types: { subset_of: [...terms.registryTypes] } } },
    ...(terms.maxPathLength !== undefined && { constraints: { max_path_length: terms.maxPathLength } }),
    ...(terms.sourceEndpoint !== undefined && { source_endpoint: terms.sourceEndpoint }),
  });
}
