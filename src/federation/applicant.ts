// What a superior asks of whoever wants to be vouched for, and what it then keeps of it. Pure: who fetched or sent the configuration is others' business.
import type { PublicKey } from "../crypto/keys.ts";
import { parseKeySet } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { CHAIN_DEPTH_MAX, ENTITY_TYPES_MAX, FORMERLY_MAX, REGISTRY_TYPES_MAX } from "../limits.ts";
import type { EntityStatement } from "./entity-statement.ts";
import { checkKeyRoles, type FormerEntity, parseNodeMetadata, REGISTRY_NODE } from "./node-metadata.ts";
import type { StoredSubordinate } from "./subordinate-store.ts";

/** What a superior lets a subordinate do. `maxPathLength`: how many intermediates may stand between the superior and who is below; with 0 the subordinate vouches for nobody. */
export interface Grant {
  readonly registryTypes: readonly string[];
  readonly maxPathLength?: number | undefined;
}

/** What is stored of a grant goes into signed statements: a wrong value would break every chain below. Throws `request_invalid`. */
export function checkGrant({ registryTypes, maxPathLength = 0 }: Grant): void {
  if (registryTypes.length > REGISTRY_TYPES_MAX || registryTypes.includes("")) {
    throw new AttestryError(
      "request_invalid",
      `a grant names at most ${REGISTRY_TYPES_MAX} registry types, none empty`,
    );
  }
  if (!Number.isSafeInteger(maxPathLength) || maxPathLength < 0 || maxPathLength > CHAIN_DEPTH_MAX) {
    throw new AttestryError(
      "request_invalid",
      `maxPathLength is ${maxPathLength}; 0 to ${CHAIN_DEPTH_MAX} are allowed`,
    );
  }
}

/**
 * `formerly`: what the superior would say it was called before. Throws `statement_hint_missing`, `node_metadata_invalid`,
 * `key_role_conflict`, `request_invalid` where it is the superior itself.
 */
export function checkApplicant(
  applicant: EntityStatement,
  superior: { entity: string; key: PublicKey },
  formerly: readonly FormerEntity[] = [],
): void {
  if (applicant.subject === superior.entity)
    throw new AttestryError("request_invalid", "a node cannot vouch for itself");
  if (!applicant.authorityHints.includes(superior.entity)) {
    throw new AttestryError(
      "statement_hint_missing",
      `${applicant.subject} does not name ${superior.entity} as its superior`,
    );
  }
  // One more, and nobody could read the statement any more.
  if (formerly.length > FORMERLY_MAX)
    throw new AttestryError("request_invalid", `${applicant.subject} has moved more than ${FORMERLY_MAX} times`);
  const declared = applicant.metadata.get(REGISTRY_NODE);
  if (declared === undefined) return;
  const { keys } = parseNodeMetadata(applicant.subject, declared, formerly);
  checkKeyRoles(keys, [...applicant.keys, superior.key]);
}

/** Whether a configuration is signed by one of the keys that the subordinate was accepted with. */
export function isKnownKey(applicant: EntityStatement, known: StoredSubordinate): boolean {
  return parseKeySet(known.jwks).some((key) => key.kid === applicant.kid);
}

/** Throws `subordinate_key_changed`. */
export function checkKnownKey(applicant: EntityStatement, known: StoredSubordinate | undefined): void {
  if (known === undefined || isKnownKey(applicant, known)) return;
  // Whoever took over the host could sign a configuration with keys of their own; a lost key is a matter between people.
  throw new AttestryError(
    "subordinate_key_changed",
    `${applicant.subject} signs with another key than the one accepted; once people have confirmed the change, accept it with --replace-key`,
  );
}

/** All that an applicant was called, newest first: by what is `known` of it, and `former`, its name before this one, if it moved. */
export function formerNames(
  entity: string,
  { known, former }: { known: StoredSubordinate | undefined; former: string | null },
): StoredSubordinate["formerly"] {
  const before = known?.formerly ?? null;
  if (former === null) return before;
  return [{ entity: former }, ...(before ?? []).filter((one) => one.entity !== entity)];
}

/** The subordinate as it is kept: its keys as proven, the grant; what was known of it before, be it under a former name, and does not change stays. */
export function describeSubordinate(
  applicant: EntityStatement,
  options: {
    grant: Grant;
    known: StoredSubordinate | undefined;
    formerly: StoredSubordinate["formerly"];
    now: number;
  },
): StoredSubordinate {
  const { grant, known, formerly, now } = options;
  return {
    entity: applicant.subject,
    jwks: { keys: applicant.keys.map((key) => key.jwk) },
    registryTypes: [...new Set(grant.registryTypes)].sort(),
    maxPathLength: grant.maxPathLength ?? null,
    acceptedAt: now,
    changedAt: now,
    state: known?.state ?? "active",
    stateReason: known?.stateReason ?? null,
    entityTypes: [...applicant.metadata.keys()].slice(0, ENTITY_TYPES_MAX),
    isIntermediate: applicant.metadata.get("federation_entity")?.federation_fetch_endpoint !== undefined,
    formerly,
  };
}
