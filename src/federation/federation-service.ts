// This node's own place in the federation: what it says of itself, whom it vouches for. Decides nothing about other chains.
import type { JsonObject } from "../crypto/json.ts";
import { type PublicKey, parseKeySet } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { STATE_REASON_CHARS_MAX, STATEMENT_SECONDS } from "../limits.ts";
import { parseVerifierKey } from "../log/note.ts";
import type { Database } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { admitSubordinate } from "./admission-service.ts";
import { checkGrant } from "./applicant.ts";
import { ENROLMENT_ENDPOINT } from "./enrolment-client.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import { signEntityConfiguration, signSubordinateStatement } from "./entity-statement.ts";
import { createExtendedListService, type ExtendedListService } from "./extended-list-service.ts";
import type { HttpClient } from "./http-client.ts";
import { checkKeyRoles, type LogMetadata, type NodeKeys, type RevokedKey, revokedJwk } from "./node-metadata.ts";
import { createStatementClient } from "./statement-client.ts";
import {
  changeSubordinateState,
  deleteSubordinate,
  findSubordinate,
  hasSubordinates,
  listActiveSubordinates,
  listSubordinates,
  type StoredSubordinate,
  type SubordinateFilter,
} from "./subordinate-store.ts";
import type { AnchorPin } from "./trust-chain.ts";
import { parseTrustMarkRules } from "./trust-mark.ts";
import type { TrustMarkService } from "./trust-mark-service.ts";

export interface FederationDeps {
  readonly database: Database;
  readonly httpClient: HttpClient;
  /** Unix seconds. */
  readonly clock: () => number;
  readonly entity: string;
  readonly organizationName: string;
  readonly contacts: readonly string[];
  /** The types of the registries that this node now has. */
  readonly registryTypes: () => Promise<readonly string[]>;
  readonly keys: {
    readonly federation: Signer;
    /** Federation keys that the configuration lists: the signer's, the next, and one that was replaced lately. Without it, the signer's alone. */
    readonly configuration?: readonly PublicKey[];
    readonly record: readonly PublicKey[];
    /** Record keys that were reported. */
    readonly revoked?: readonly RevokedKey[];
    readonly status: readonly PublicKey[];
    readonly request: readonly PublicKey[];
  };
  readonly logs: { readonly records: LogMetadata; readonly access?: LogMetadata };
  /** Entity identifiers for `authority_hints`. */
  readonly superiors: readonly string[];
  /** Development. */
  readonly allowLoopbackHttp: boolean;
  /** Marks to publish, and whether others may ask about marks of this node. */
  readonly trustMarks?: Pick<TrustMarkService, "listCarried" | "hasIssued">;
  /** As an anchor: the claims `trust_mark_issuers` and `trust_mark_owners`. */
  readonly trustMarkClaims?: JsonObject;
}

export interface FederationService {
  /** The signed configuration, good for at least half of STATEMENT_SECONDS. */
  getConfiguration(): Promise<string>;
  /** A fresh signed statement about `subject` (untrusted). Throws `entity_identifier_invalid`, `subordinate_unknown`. */
  getSubordinateStatement(subject: string): Promise<string>;
  /** Entity identifiers of those that statements are signed about. */
  listSubordinates(filter?: SubordinateFilter): Promise<string[]>;
  /** The same, page by page, with statements and what changed. */
  readonly extendedList: ExtendedListService;
  /** How this node would pin itself as an anchor, for what it lets its subordinates sign; none where it has none. */
  describeOwnPin(): Promise<readonly AnchorPin[]>;
  /** All that this node knows of its subordinates, suspended ones too. */
  describeSubordinates(): Promise<StoredSubordinate[]>;
  /**
   * Vouches for `entity` and its federation keys, and grants it `registryTypes` (none is allowed: a member that signs nothing).
   * Fetches its configuration, which must be signed by itself and name this node. Accepting it again changes the grant; one that
   * is suspended stays so.
   * Throws `request_invalid`, `peer_*`, `statement_*`, `statement_hint_missing`, `subordinate_key_changed`, `node_metadata_invalid`, `key_role_conflict`.
   */
  acceptSubordinate(terms: {
    readonly entity: string;
    readonly registryTypes: readonly string[];
    readonly maxPathLength?: number;
    /** People have confirmed that it lost the key that it was accepted with. */
    readonly replaceKey?: boolean;
  }): Promise<StoredSubordinate>;
  /**
   * No new statement is signed until it is resumed, so every fetch from now on finds none; those handed out live at most STATEMENT_SECONDS.
   * Throws `subordinate_unknown`, `request_invalid`.
   */
  suspendSubordinate(options: { readonly entity: string; readonly reason: string }): Promise<void>;
  /** Throws `subordinate_unknown`. */
  resumeSubordinate(entity: string): Promise<void>;
  /** Ends vouching: no new statement is signed; those handed out live at most STATEMENT_SECONDS. Throws `subordinate_unknown`. */
  removeSubordinate(entity: string): Promise<void>;
}

const FETCH_PATH = "/federation/fetch";
const LIST_PATH = "/federation/list";
const EXTENDED_LIST_PATH = "/federation/extended-list";
const RESOLVE_PATH = "/federation/resolve";
const TRUST_MARK_PATH = "/federation/trust-mark";
const TRUST_MARK_STATUS_PATH = "/federation/trust-mark-status";
const TRUST_MARKED_PATH = "/federation/trust-marked";
const HISTORICAL_KEYS_PATH = "/federation/historical-keys";
const ENROLMENT_PATH = "/federation/enrolments";

function keySet(keys: readonly PublicKey[]): JsonObject {
  return { keys: keys.map((key) => ({ ...key.jwk })) };
}

function checkOwnKeys({ keys, logs }: FederationDeps): void {
  const vkeys = [...logs.records.vkeys, ...(logs.access?.vkeys ?? [])];
  const log = vkeys.map((vkey) => parseVerifierKey(vkey).raw);
  const nodeKeys: NodeKeys = {
    record: keys.record,
    revoked: keys.revoked ?? [],
    status: keys.status,
    request: keys.request,
    log,
  };
  checkKeyRoles(nodeKeys, keys.configuration ?? [keys.federation.publicKey]);
}

function describeLog({ origin, vkeys }: LogMetadata): JsonObject {
  return { origin, vkeys: [...vkeys] };
}

async function describeNode(deps: FederationDeps): Promise<JsonObject> {
  const { entity, keys, logs } = deps;
  const revoked = keys.revoked ?? [];
  return {
    organization_name: deps.organizationName,
    ...(deps.contacts.length > 0 && { contacts: [...deps.contacts] }),
    registry_types: [...(await deps.registryTypes())].sort(),
    jwks: keySet(keys.record),
    ...(revoked.length > 0 && { revoked_jwks: { keys: revoked.map((one) => ({ ...revokedJwk(one) })) } }),
    status_jwks: keySet(keys.status),
    request_jwks: keySet(keys.request),
    logs: { records: describeLog(logs.records), ...(logs.access && { access: describeLog(logs.access) }) },
    records_read_endpoint: `${entity}/records:read`,
    resolve_endpoint: `${entity}/resolve`,
    consents_endpoint: `${entity}/consents`,
    answers_endpoint: `${entity}/answers`,
  };
}

async function describeEntity(deps: FederationDeps): Promise<JsonObject> {
  // §5.1.1: a leaf MUST NOT publish these endpoints; being asked for a chain through us is what makes us a superior.
  const endpoints = (await hasSubordinates(deps.database)) && {
    federation_fetch_endpoint: `${deps.entity}${FETCH_PATH}`,
    federation_list_endpoint: `${deps.entity}${LIST_PATH}`,
    federation_extended_list_endpoint: `${deps.entity}${EXTENDED_LIST_PATH}`,
  };
  const markEndpoints = (await deps.trustMarks?.hasIssued()) && {
    federation_trust_mark_endpoint: `${deps.entity}${TRUST_MARK_PATH}`,
    federation_trust_mark_status_endpoint: `${deps.entity}${TRUST_MARK_STATUS_PATH}`,
    federation_trust_mark_list_endpoint: `${deps.entity}${TRUST_MARKED_PATH}`,
  };
  return {
    organization_name: deps.organizationName,
    ...(deps.contacts.length > 0 && { contacts: [...deps.contacts] }),
    federation_resolve_endpoint: `${deps.entity}${RESOLVE_PATH}`,
    // Our own: where to ask to become a subordinate; any node may be asked.
    [ENROLMENT_ENDPOINT]: `${deps.entity}${ENROLMENT_PATH}`,
    federation_historical_keys_endpoint: `${deps.entity}${HISTORICAL_KEYS_PATH}`,
    ...endpoints,
    ...markEndpoints,
  };
}

function unknownSubordinate(): AttestryError {
  return new AttestryError("subordinate_unknown", "this node does not vouch for that entity");
}

/** Throws `key_role_conflict` where two of the node's keys are one, `trust_mark_rules_invalid`. */
export function createFederationService(deps: FederationDeps): FederationService {
  const { database, clock, entity } = deps;
  const { federation } = deps.keys;
  const client = createStatementClient(deps);
  checkOwnKeys(deps);
  const { trust_mark_issuers: issuers, trust_mark_owners: owners } = deps.trustMarkClaims ?? {};
  // What others could not read would make them refuse every mark.
  parseTrustMarkRules({ issuers, owners });
  let served: { description: string; text: string; renewAt: number } | undefined;

  async function getConfiguration(): Promise<string> {
    const metadata = { federation_entity: await describeEntity(deps), registry_node: await describeNode(deps) };
    const trustMarks = (await deps.trustMarks?.listCarried()) ?? [];
    const keys = deps.keys.configuration ?? [federation.publicKey];
    const description = JSON.stringify([deps.superiors, metadata, trustMarks, keys.map(({ kid }) => kid)]);
    const now = clock();
    if (served?.description === description && now < served.renewAt) return served.text;
    const text = await signEntityConfiguration({
      signer: federation,
      entity,
      superiors: deps.superiors,
      issuedAt: now,
      expiresAt: now + STATEMENT_SECONDS,
      keys,
      metadata,
      trustMarks,
      ...(deps.trustMarkClaims && { trustMarkClaims: deps.trustMarkClaims }),
    });
    served = { description, text, renewAt: now + STATEMENT_SECONDS / 2 };
    return text;
  }

  function signStatement(subordinate: StoredSubordinate): Promise<string> {
    const now = clock();
    return signSubordinateStatement({
      signer: federation,
      issuer: entity,
      subject: subordinate.entity,
      issuedAt: now,
      expiresAt: now + STATEMENT_SECONDS,
      keys: parseKeySet(subordinate.jwks),
      registryTypes: subordinate.registryTypes,
      sourceEndpoint: `${entity}${FETCH_PATH}`,
      ...(subordinate.formerly !== null && { formerly: subordinate.formerly }),
      ...(subordinate.maxPathLength !== null && { maxPathLength: subordinate.maxPathLength }),
    });
  }

  async function changeState(change: Pick<StoredSubordinate, "entity" | "state" | "stateReason">): Promise<void> {
    if (!(await changeSubordinateState(database, { ...change, changedAt: clock() }))) throw unknownSubordinate();
  }

  return {
    getConfiguration,
    async getSubordinateStatement(text) {
      const subject = parseEntityIdentifier(text, { allowLoopbackHttp: deps.allowLoopbackHttp });
      const subordinate = await findSubordinate(database, subject);
      if (subordinate === undefined || subordinate.state !== "active") throw unknownSubordinate();
      return signStatement(subordinate);
    },
    async describeOwnPin() {
      const granted = (await listSubordinates(database)).flatMap((one) => one.registryTypes);
      if (!(await hasSubordinates(database))) return [];
      const types = new Set([...granted, ...(await deps.registryTypes())]);
      return [{ entity, jwks: { keys: [federation.publicKey.jwk] }, registry_types: [...types].sort() }];
    },
    listSubordinates: (filter) => listActiveSubordinates(database, filter, clock()),
    extendedList: createExtendedListService({ database, signStatement, clock }),
    describeSubordinates: () => listSubordinates(database),
    async acceptSubordinate(terms) {
      const subject = parseEntityIdentifier(terms.entity, { allowLoopbackHttp: deps.allowLoopbackHttp });
      checkGrant(terms);
      const applicant = await client.fetchConfiguration(subject);
      return runTransaction(database, (tx) =>
        admitSubordinate(tx, {
          superior: { entity, key: federation.publicKey },
          applicant,
          grant: terms,
          former: null,
          replaceKey: terms.replaceKey === true,
          now: clock(),
        }),
      );
    },
    async suspendSubordinate({ entity: subject, reason }) {
      if (reason.trim() === "" || reason.length > STATE_REASON_CHARS_MAX) {
        throw new AttestryError(
          "request_invalid",
          `a suspension has a reason of 1 to ${STATE_REASON_CHARS_MAX} characters`,
        );
      }
      await changeState({ entity: subject, state: "suspended", stateReason: reason });
    },
    resumeSubordinate: (subject) => changeState({ entity: subject, state: "active", stateReason: null }),
    async removeSubordinate(subject) {
      if (!(await deleteSubordinate(database, { entity: subject, removedAt: clock() }))) throw unknownSubordinate();
    },
  };
}
