// `metadata.registry_node`: what a node says of itself to the federation, in strict form. Pure; proves nothing.

import { encodeBase64url } from "../crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { type PublicJwk, type PublicKey, parseKeySet } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { FORMERLY_MAX, KEY_SET_KEYS_MAX, REGISTRY_TYPES_MAX } from "../limits.ts";
import { parseVerifierKey } from "../log/note.ts";
import { entityWithoutScheme, parseEntityIdentifier } from "./entity-identifier.ts";

/** The entity type that carries our metadata. */
export const REGISTRY_NODE = "registry_node";

/** The metadata as published. Endpoints are URLs below the entity identifier; `origin` is such a URL without its scheme. */
export interface NodeMetadata {
  readonly organization_name: string;
  readonly contacts?: readonly string[];
  readonly registry_types: readonly string[];
  /** Keys that sign records and state statements. */
  readonly jwks: { readonly keys: readonly PublicJwk[] };
  /**
   * Record keys that were reported: not in `jwks`, so that who does not know of reports believes none of their signatures; who does,
   * believes those that stand among the first `log_size` entries of the log.
   */
  readonly revoked_jwks?: { readonly keys: readonly RevokedJwk[] };
  /** Keys that sign status lists. */
  readonly status_jwks: { readonly keys: readonly PublicJwk[] };
  /** Keys that sign requests and answers between nodes. */
  readonly request_jwks: { readonly keys: readonly PublicJwk[] };
  readonly logs: {
    readonly records: LogMetadata;
    /** The log of readings of personal data, and of consents. */
    readonly access?: LogMetadata;
  };
  readonly records_read_endpoint: string;
  readonly resolve_endpoint: string;
  /** Where other nodes ask for consents, and how they are. */
  readonly consents_endpoint?: string;
  /** Where questions are answered by a signed yes or no. */
  readonly answers_endpoint?: string;
  /** What the entity was called before it moved, by its superior's word and nobody else's. */
  readonly formerly?: readonly FormerEntity[];
}

/** A log's name and the keys that its checkpoints are signed with. */
export interface LogMetadata {
  readonly origin: string;
  readonly vkeys: readonly string[];
}

/** An entity identifier under which a node signed records before it moved. */
export interface FormerEntity {
  readonly entity: string;
}

/** A reported key, in the form of OpenID Federation 1.0 §8.7 (`revoked`); `log_size` is ours. */
export interface RevokedJwk extends PublicJwk {
  readonly revoked: { readonly revoked_at: number; readonly reason: "compromised" };
  readonly log_size: number;
}

/** A record key that somebody else may hold since `revokedAt` (Unix seconds). */
export interface RevokedKey {
  readonly key: PublicKey;
  readonly revokedAt: number;
  /** What it signed counts where the log had it among its first entries, so many. */
  readonly logSize: number;
}

/** The keys of a node's metadata, read and checked, by their one role. */
export interface NodeKeys {
  readonly record: readonly PublicKey[];
  /** Record keys that were reported. */
  readonly revoked?: readonly RevokedKey[];
  readonly status: readonly PublicKey[];
  readonly request: readonly PublicKey[];
  /** Raw Ed25519 keys of the logs, 32 bytes each. */
  readonly log: readonly Uint8Array[];
}

function refuse(reason: string, cause?: unknown): never {
  throw new AttestryError("node_metadata_invalid", `registry_node metadata: ${reason}`, { cause });
}

function parseText(value: Json | undefined, name: string): string {
  if (typeof value !== "string" || value === "" || value.length > 1_000)
    refuse(`${name} is not a text of 1 to 1000 characters`);
  return value;
}

function parseTexts(value: Json | undefined, name: string, itemsMax: number): string[] {
  if (!Array.isArray(value) || value.length > itemsMax) refuse(`${name} is not an array of at most ${itemsMax} items`);
  const texts = value.map((item) => parseText(item, `an item of ${name}`));
  if (new Set(texts).size !== texts.length) refuse(`${name} has the same item twice`);
  return texts;
}

function parseKeys(value: Json | undefined, name: string): readonly PublicKey[] {
  if (!isJsonObject(value) || !Array.isArray(value.keys)) refuse(`${name} is not a key set`);
  if (value.keys.length === 0 || value.keys.length > KEY_SET_KEYS_MAX)
    refuse(`${name} does not have 1 to ${KEY_SET_KEYS_MAX} keys`);
  try {
    return parseKeySet(value);
  } catch (cause) {
    refuse(`${name} has a key that is not allowed`, cause);
  }
}

function parseRevokedKey(value: Json): RevokedKey {
  const { revoked, log_size: logSize }: JsonObject = isJsonObject(value) ? value : {};
  const revokedAt = isJsonObject(revoked) ? revoked.revoked_at : undefined;
  const isCount = (one: Json | undefined): one is number => Number.isSafeInteger(one) && (one as number) >= 0;
  if (!isCount(revokedAt) || !isCount(logSize)) return refuse("a key of revoked_jwks has no revoked_at or no log_size");
  const [key] = parseKeys({ keys: [value] }, "revoked_jwks");
  return { key: key!, revokedAt, logSize };
}

function parseRevokedKeys(value: Json | undefined, record: readonly PublicKey[]): readonly RevokedKey[] {
  if (value === undefined) return [];
  if (!isJsonObject(value) || !Array.isArray(value.keys) || value.keys.length > KEY_SET_KEYS_MAX)
    return refuse(`revoked_jwks is not a key set of at most ${KEY_SET_KEYS_MAX} keys`);
  const revoked = value.keys.map(parseRevokedKey);
  const kids = [...record.map(({ kid }) => kid), ...revoked.map(({ key }) => key.kid)];
  // A key that is good and reported at once would be whatever the reader looks at first.
  if (new Set(kids).size !== kids.length) refuse("a key of revoked_jwks stands there twice, or in jwks too");
  return revoked;
}

/** As metadata shows a reported key. */
export function revokedJwk({ key, revokedAt, logSize }: RevokedKey): RevokedJwk {
  return { ...key.jwk, revoked: { revoked_at: revokedAt, reason: "compromised" }, log_size: logSize };
}

function parseEndpoint(entity: string, value: Json | undefined, name: string): string {
  const text = parseText(value, name);
  // An endpoint elsewhere would let a member aim other nodes' requests at a third party.
  if (!text.startsWith(`${entity}/`) || !URL.canParse(text) || new URL(text).href !== text) {
    refuse(`${name} is not a canonical URL below the entity identifier`);
  }
  return text;
}

/** Reads `formerly` out of a superior's statement. Throws `node_metadata_invalid`, `entity_identifier_invalid`. */
export function parseFormerly(value: Json | undefined): FormerEntity[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length === 0 || value.length > FORMERLY_MAX)
    refuse(`formerly is not an array of 1 to ${FORMERLY_MAX} entities`);
  return value.map((one) => {
    if (!isJsonObject(one)) refuse("an item of formerly is not an object");
    // Loopback addresses are for the home node's own rules to refuse; here a name is only compared.
    return {
      entity: parseEntityIdentifier(parseText(one.entity, "formerly.entity"), { allowLoopbackHttp: true }),
    };
  });
}

function parseLog(
  names: readonly string[],
  log: Json | undefined,
  name: "logs.records" | "logs.access",
): { origin: string; vkeys: string[]; raw: Uint8Array[] } {
  if (!isJsonObject(log)) refuse(`${name} is missing`);
  const origin = parseText(log.origin, `${name}.origin`);
  // A node that moved goes on with its logs, which keep the names they were started under.
  if (!names.some((one) => origin.startsWith(`${entityWithoutScheme(one)}/`)))
    refuse(`${name}.origin is not below the entity identifier`);
  const vkeys = parseTexts(log.vkeys, `${name}.vkeys`, KEY_SET_KEYS_MAX);
  if (vkeys.length === 0) refuse(`${name}.vkeys is empty`);
  const raw = vkeys.map((vkey) => {
    try {
      const verifier = parseVerifierKey(vkey);
      // C2SP tlog-checkpoint: the log's own signature is made under its origin as key name.
      if (verifier.name !== origin) refuse(`a key of ${name}.vkeys is not named after the log's origin`);
      return verifier.raw;
    } catch (cause) {
      return refuse(`${name}.vkeys has a key that cannot be used`, cause);
    }
  });
  return { origin, vkeys, raw };
}

/**
 * Reads the metadata of `entity`. Unknown parameters are dropped, among them a `formerly` of its own: `formerly` is what its superior
 * says. Throws `node_metadata_invalid`.
 */
export function parseNodeMetadata(
  entity: string,
  value: JsonObject | undefined,
  formerly: readonly FormerEntity[] = [],
): { metadata: NodeMetadata; keys: NodeKeys } {
  if (value === undefined) refuse("the entity declares none");
  const record = parseKeys(value.jwks, "jwks");
  const revoked = parseRevokedKeys(value.revoked_jwks, record);
  const status = parseKeys(value.status_jwks, "status_jwks");
  const request = parseKeys(value.request_jwks, "request_jwks");
  const names = [entity, ...formerly.map((former) => former.entity)];
  const logs = isJsonObject(value.logs) ? value.logs : {};
  const log = parseLog(names, logs.records, "logs.records");
  const access = logs.access === undefined ? undefined : parseLog(names, logs.access, "logs.access");
  const metadata: NodeMetadata = {
    organization_name: parseText(value.organization_name, "organization_name"),
    ...(value.contacts !== undefined && { contacts: parseTexts(value.contacts, "contacts", 100) }),
    registry_types: parseTexts(value.registry_types, "registry_types", REGISTRY_TYPES_MAX),
    jwks: { keys: record.map((key) => key.jwk) },
    ...(revoked.length > 0 && { revoked_jwks: { keys: revoked.map(revokedJwk) } }),
    status_jwks: { keys: status.map((key) => key.jwk) },
    request_jwks: { keys: request.map((key) => key.jwk) },
    logs: {
      records: { origin: log.origin, vkeys: log.vkeys },
      ...(access && { access: { origin: access.origin, vkeys: access.vkeys } }),
    },
    records_read_endpoint: parseEndpoint(entity, value.records_read_endpoint, "records_read_endpoint"),
    resolve_endpoint: parseEndpoint(entity, value.resolve_endpoint, "resolve_endpoint"),
    ...(value.consents_endpoint !== undefined && {
      consents_endpoint: parseEndpoint(entity, value.consents_endpoint, "consents_endpoint"),
    }),
    ...(value.answers_endpoint !== undefined && {
      answers_endpoint: parseEndpoint(entity, value.answers_endpoint, "answers_endpoint"),
    }),
    ...(formerly.length > 0 && { formerly }),
  };
  return {
    metadata,
    keys: {
      record,
      ...(revoked.length > 0 && { revoked }),
      status,
      request,
      log: [...log.raw, ...(access?.raw ?? [])],
    },
  };
}

/** Whether records signed in the name of `issuer` are this entity's: it is called so, or was before it moved. */
export function speaksFor(chain: { entity: string; metadata: NodeMetadata }, issuer: string): boolean {
  return chain.entity === issuer || (chain.metadata.formerly ?? []).some(({ entity }) => entity === issuer);
}

/**
 * DESIGN 3: a key has one role. `federation` are the federation keys of the whole chain, the node's own among them.
 * Throws `key_role_conflict`: a signature made in one role could otherwise be presented as one of another.
 */
export function checkKeyRoles(keys: NodeKeys, federation: readonly PublicKey[]): void {
  const roleOf = new Map<string, string>();
  const claim = (role: string, raw: Uint8Array): void => {
    const name = encodeBase64url(raw);
    const taken = roleOf.get(name) ?? role;
    if (taken !== role)
      throw new AttestryError("key_role_conflict", `one key is used as ${taken} key and as ${role} key`);
    roleOf.set(name, role);
  };
  for (const key of federation) claim("federation", key.raw);
  for (const key of keys.record) claim("record", key.raw);
  for (const { key } of keys.revoked ?? []) claim("record", key.raw);
  for (const key of keys.status) claim("status", key.raw);
  for (const key of keys.request) claim("request", key.raw);
  for (const raw of keys.log) claim("log", raw);
}
