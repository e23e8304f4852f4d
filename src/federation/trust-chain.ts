// Proves a trust chain from a subject to a pinned anchor (OpenID Federation 1.0 §10.2) and what it grants. Pure: fetches
// nothing, reads no clock. Nothing in a statement is believed before the statement above it has proved it.
import type { Json, JsonObject } from "../crypto/json.ts";
import { verifyJws } from "../crypto/jws.ts";
import { type PublicKey, parseKeySet } from "../crypto/keys.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";
import { CHAIN_DEPTH_MAX, CLOCK_SKEW_SECONDS } from "../limits.ts";
import type { ChainMemory } from "./chain-memory.ts";
import { checkConstraints } from "./constraints.ts";
import { ENTITY_STATEMENT_TYPE, type EntityStatement, parseEntityStatement } from "./entity-statement.ts";
import { checkKeyRoles, type NodeKeys, type NodeMetadata, parseNodeMetadata, REGISTRY_NODE } from "./node-metadata.ts";
import { resolveMetadata } from "./resolved-metadata.ts";

/** An anchor that the operator chose, with keys obtained out of band. Times in Unix seconds. */
export interface AnchorPin {
  readonly entity: string;
  readonly jwks: { readonly keys: readonly unknown[] };
  /** The only registry types for which this anchor counts. */
  readonly registry_types: readonly string[];
  readonly nbf?: number;
  readonly exp?: number;
}

/** What a proven chain says of its subject. */
export interface VerifiedChain {
  readonly entity: string;
  readonly anchor: string;
  /** After every superior's policy. */
  readonly metadata: NodeMetadata;
  /** The keys of `metadata`, ready for use. */
  readonly keys: NodeKeys;
  /** Registry types that the subject may sign: granted at every step, pinned to the anchor, and declared by the subject. */
  readonly registryTypes: readonly string[];
  /** Unix seconds: the least `exp` of all statements and of the pin. */
  readonly expiresAt: number;
  /** As given: the subject's configuration first, the anchor's last. */
  readonly statements: readonly string[];
}

/** A chain that holds, of any kind of entity. */
export interface ProvenChain {
  readonly subject: EntityStatement;
  /** The one about the subject first, the anchor's last; none where the subject is the anchor. */
  readonly subordinates: readonly EntityStatement[];
  readonly anchor: EntityStatement;
  readonly pin: AnchorPin;
  /** The subject's metadata by entity type, as its superiors leave it. */
  readonly resolved: ReadonlyMap<string, JsonObject>;
  /** Unix seconds: the least `exp` of all statements and of the pin. */
  readonly expiresAt: number;
  readonly statements: readonly string[];
}

interface ChainInput {
  readonly statements: readonly string[];
  readonly anchors: readonly AnchorPin[];
  readonly now: number;
  /** What may be remembered between verifications; times, pins, order, constraints, policy and roles are checked each time. */
  readonly memory?: ChainMemory;
}

function refuse(code: ErrorCode, reason: string): never {
  throw new AttestryError(code, `trust chain: ${reason}`);
}

function nameOf(statement: EntityStatement): string {
  return statement.issuer === statement.subject
    ? `the configuration of ${statement.issuer}`
    : `the statement of ${statement.issuer} about ${statement.subject}`;
}

/** Throws `statement_not_yet_valid` or `statement_expired`. `now` in Unix seconds. */
export function checkStatementTime(statement: EntityStatement, now: number): void {
  if (statement.issuedAt > now + CLOCK_SKEW_SECONDS)
    refuse("statement_not_yet_valid", `${nameOf(statement)} is from the future`);
  if (statement.expiresAt <= now) refuse("statement_expired", `${nameOf(statement)} has expired`);
}

/** Throws `statement_key_unknown` where `keys` do not hold the statement's key, `statement_signature_invalid`. */
export async function verifyStatementSignature(
  statement: EntityStatement,
  keys: readonly PublicKey[],
  memory?: ChainMemory,
): Promise<void> {
  const [key, another] = keys.filter((candidate) => candidate.kid === statement.kid);
  if (key === undefined) {
    refuse("statement_key_unknown", `${nameOf(statement)} is signed by a key that its issuer is not known to hold`);
  }
  if (another === undefined && memory?.isProven(statement.text, key)) return;
  try {
    await verifyJws(statement.text, { typ: ENTITY_STATEMENT_TYPE, keys, acceptEdDSA: true });
  } catch (error) {
    if (!isAttestryError(error, "signature_invalid")) throw error;
    refuse("statement_signature_invalid", `${nameOf(statement)} does not carry its issuer's signature`);
  }
  memory?.addProven(statement.text, key);
}

// §4: the subject's configuration, then one subordinate statement per superior, then the anchor's configuration; a subject
// that is itself the anchor has the one configuration.
function checkShape(statements: readonly EntityStatement[]): void {
  const [first, last] = [statements[0]!, statements.at(-1)!];
  if (first.issuer !== first.subject) refuse("chain_malformed", "the first statement is not a configuration");
  if (statements.length === 1) return;
  if (last.issuer !== last.subject) refuse("chain_malformed", "the last statement is not the anchor's configuration");
  const between = statements.slice(1, -1);
  if (between.length === 0) refuse("chain_malformed", "no superior speaks about the subject");
  if (between.some((statement) => statement.issuer === statement.subject)) {
    refuse("chain_malformed", "a configuration stands where a subordinate statement belongs");
  }
  for (let j = 0; j < statements.length - 1; j++) {
    // §10.2: ES[j].iss equals ES[j+1].sub.
    if (statements[j]!.issuer !== statements[j + 1]!.subject) {
      refuse("statement_issuer_mismatch", `${nameOf(statements[j + 1]!)} does not follow ${nameOf(statements[j]!)}`);
    }
  }
  const path = [first.subject, ...between.map((statement) => statement.issuer)];
  if (new Set(path).size !== path.length) refuse("chain_loop", "an entity stands in the chain twice");
  // §3.1.2 and §10.2: a superior speaks for the subject only if the subject names it.
  if (!first.authorityHints.includes(path[1]!)) {
    refuse("statement_hint_missing", `${first.subject} does not name ${path[1]} as its superior`);
  }
}

function findPin(
  anchor: EntityStatement,
  anchors: readonly AnchorPin[],
  now: number,
): { pin: AnchorPin; keys: PublicKey[] } {
  const pins = anchors.filter((pin) => pin.entity === anchor.subject);
  if (pins.length === 0) refuse("anchor_unknown", `${anchor.subject} is not a pinned anchor`);
  const current = pins.filter((pin) => (pin.nbf ?? 0) <= now && now < (pin.exp ?? Number.POSITIVE_INFINITY));
  if (current.length === 0) refuse("anchor_expired", `the pin of ${anchor.subject} does not hold at this time`);
  const matching = current
    .map((pin) => ({ pin, keys: parseKeySet(pin.jwks).filter((key) => key.kid === anchor.kid) }))
    .filter(({ keys }) => keys.length > 0);
  // One anchor may be pinned several times with one key; which pin stands first in the file decides nothing.
  const [first, ...others] = matching;
  if (first) {
    const registryTypes = matching.flatMap(({ pin }) => pin.registry_types);
    const exp = Math.min(...matching.map(({ pin }) => pin.exp ?? Number.POSITIVE_INFINITY));
    const merged = { ...first.pin, registry_types: registryTypes, ...(Number.isFinite(exp) && { exp }) };
    return { pin: others.length === 0 ? first.pin : merged, keys: first.keys };
  }
  // The configuration's own jwks must not vouch for itself: whoever holds the anchor's host could write it.
  refuse("anchor_key_not_pinned", `the configuration of ${anchor.subject} is signed by a key that is not pinned`);
}

async function verifySignatures(
  statements: readonly EntityStatement[],
  pinned: readonly PublicKey[],
  memory: ChainMemory | undefined,
): Promise<void> {
  const last = statements.length - 1;
  await verifyStatementSignature(statements[last]!, pinned, memory);
  // From the anchor down, so that no key is used before its own statement is proven (§10.2).
  for (let j = last - 1; j >= 0; j--) await verifyStatementSignature(statements[j]!, statements[j + 1]!.keys, memory);
}

function declaredTypes(subject: EntityStatement): ReadonlySet<Json> {
  const types = subject.metadata.get(REGISTRY_NODE)?.registry_types;
  return new Set(Array.isArray(types) ? types : []);
}

/** DESIGN 7: what the pin, every superior and the subject itself name; a superior's silence grants nothing. */
function grantedTypes(
  subject: EntityStatement,
  subordinates: readonly EntityStatement[],
  { pin, resolved }: { pin: AnchorPin; resolved: readonly string[] },
): string[] {
  const declared = declaredTypes(subject);
  const grants = subordinates.map(({ metadataPolicy }) => {
    const grant = metadataPolicy?.get(REGISTRY_NODE)?.get("registry_types")?.subset_of;
    return new Set(Array.isArray(grant) ? grant : []);
  });
  return resolved.filter(
    (type) => declared.has(type) && pin.registry_types.includes(type) && grants.every((grant) => grant.has(type)),
  );
}

/**
 * Proves that `statements` (subject's configuration first, subordinate statements upwards, anchor's configuration last;
 * untrusted) lead to one of `anchors` at `now` (Unix seconds), whatever kind of entity the subject is.
 * Throws `chain_*`, `statement_*`, `anchor_*`, `policy_*`, `constraint_invalid`, `path_length_exceeded`,
 * `entity_name_not_permitted`, `entity_identifier_invalid`.
 */
export async function proveTrustChain(input: ChainInput): Promise<ProvenChain> {
  const { now, memory } = input;
  if (input.statements.length === 0) refuse("chain_malformed", "there are no statements");
  if (input.statements.length > CHAIN_DEPTH_MAX + 1) {
    refuse("chain_too_long", `${input.statements.length} statements; at most ${CHAIN_DEPTH_MAX + 1} are allowed`);
  }
  // The first two are about the subject alone: remembering them would crowd out its superiors', which thousands share.
  const statements = input.statements.map((text, j) =>
    memory && j >= 2 ? memory.parse(text) : parseEntityStatement(text),
  );
  const [subject, anchor] = [statements[0]!, statements.at(-1)!];
  // What costs little comes before signatures.
  checkShape(statements);
  for (const statement of statements) checkStatementTime(statement, now);
  const { pin, keys: pinned } = findPin(anchor, input.anchors, now);
  await verifySignatures(statements, pinned, memory);

  const subordinates = statements.slice(1, -1);
  subordinates.forEach(({ constraints }, j) => {
    const entitiesBelow = subordinates.slice(0, j + 1).map((statement) => statement.subject);
    if (constraints !== undefined) checkConstraints(constraints, entitiesBelow);
  });
  return {
    subject,
    subordinates,
    anchor,
    pin,
    resolved: resolveMetadata(subject, subordinates),
    expiresAt: Math.min(pin.exp ?? Number.POSITIVE_INFINITY, ...statements.map((statement) => statement.expiresAt)),
    statements: input.statements,
  };
}

/**
 * What a proven chain grants its subject, a registry node. One that no superior grants a registry type is proven all the
 * same, with empty `registryTypes`. Throws `node_metadata_invalid`, `key_role_conflict`.
 */
export function readNodeChain(proven: ProvenChain): VerifiedChain {
  const { subject, subordinates, anchor, pin } = proven;
  const { metadata, keys } = parseNodeMetadata(subject.subject, proven.resolved.get(REGISTRY_NODE));
  checkKeyRoles(
    keys,
    [subject, ...subordinates, anchor].flatMap((statement) => statement.keys),
  );
  return {
    entity: subject.subject,
    anchor: anchor.subject,
    metadata,
    keys,
    registryTypes: grantedTypes(subject, subordinates, { pin, resolved: metadata.registry_types }),
    expiresAt: proven.expiresAt,
    statements: proven.statements,
  };
}

/** `proveTrustChain` and `readNodeChain` in one; throws what they throw. */
export async function verifyTrustChain(input: ChainInput): Promise<VerifiedChain> {
  return readNodeChain(await proveTrustChain(input));
}
