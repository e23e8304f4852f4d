// Turns stored rows into what a caller may see of a record. Pure but for the sealer it is handed.
import { formatSeconds } from "../clock.ts";
import { decodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8 } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { processDisclosures } from "../crypto/sd-jwt-disclosures.ts";
import type { Definition } from "../registries/definition.ts";
import { formatDisplay } from "../registries/display-template.ts";
import type { HoldView } from "./record-hold.ts";
import type { RecordSealer, StateSecrets, VersionSecrets } from "./record-sealer.ts";
import type { RecordRow, StoredChange, StoredRecord, StoredVersion } from "./record-store.ts";
import { stateAfter } from "./record-timeline.ts";
import { formatRecordUrl } from "./record-url.ts";

/** A record as the JSON API answers it. */
export interface RecordView {
  readonly rid: string;
  readonly href: string;
  readonly registry: string;
  readonly type: string;
  readonly identifier?: string;
  readonly version: number;
  readonly state: string;
  readonly recorded_at: string;
  readonly valid_from?: string;
  readonly valid_until?: string;
  readonly definition: string;
  readonly log_index: number;
  readonly data: JsonObject;
  /** Whether there are fields that this caller is not shown. */
  readonly withheld: boolean;
  /** What people call it. */
  readonly display: string;
  /** URLs of the records that this one succeeds. */
  readonly replaces?: readonly string[];
  /** URLs of the records that succeed this one. */
  readonly replaced_by?: readonly string[];
  /** The times that were asked for, as they were asked. */
  readonly as_of?: string;
  readonly valid_at?: string;
  /** For staff, and the person whom it is about: why it must be kept. Left out where no hold ever stood on it. */
  readonly holds?: readonly HoldView[];
  readonly token: string;
  readonly links: {
    readonly self: string;
    readonly versions: string;
    readonly history: string;
    readonly evidence?: string;
    readonly receipt?: string;
    readonly definition: string;
  };
}

/** The payload of a JWT that this node signed itself and keeps; never for a peer's token. */
export function readOwnPayload(jwt: string): JsonObject {
  return JSON.parse(decodeUtf8(decodeBase64url(jwt.split(".")[1]!))) as JsonObject;
}

/** As much of a row as is needed to open what it keeps sealed. */
export interface SealedRow {
  readonly record: Pick<StoredRecord, "rid" | "sealedKey">;
  readonly version: Pick<StoredVersion, "version" | "sealed">;
}

/** What a version keeps sealed. */
export function openSecrets(sealer: RecordSealer, row: SealedRow): { dataKey: Uint8Array; secrets: VersionSecrets } {
  const { rid, sealedKey } = row.record;
  if (sealedKey === null) throw new Error("the record was erased: it has no data key");
  const dataKey = sealer.openDataKey({ rid, sealedKey });
  return {
    dataKey,
    secrets: sealer.openVersion({ dataKey, rid, version: row.version.version, sealed: row.version.sealed }),
  };
}

/** What a state statement keeps sealed; that of an erasure outlives the record's data key. */
export function openStatement(
  sealer: RecordSealer,
  { rid, sealedKey }: StoredRecord,
  { number, operation, sealed }: StoredChange,
): StateSecrets {
  if (sealed === null) return { salt: new Uint8Array(), disclosures: [] };
  if (operation === "erase") return sealer.openErasure({ rid, number, sealed });
  if (sealedKey === null) return { salt: new Uint8Array(), disclosures: [] };
  return sealer.openState({ dataKey: sealer.openDataKey({ rid, sealedKey }), rid, number, sealed });
}

/** The data of a version with everything disclosed. */
export function readFullData(jwt: string, disclosures: readonly string[]): JsonObject {
  const payload = readOwnPayload(jwt);
  return (disclosures.length === 0 ? payload : processDisclosures(payload, disclosures).claims).data as JsonObject;
}

/** What a reader may know of a version: without disclosures, only what stands open in the token. They are asked for where it has any. */
export function readClaims(
  jwt: string,
  disclosures: () => readonly string[],
): { claims: JsonObject; disclosures: readonly string[]; withheld: boolean } {
  const payload = readOwnPayload(jwt);
  // Whether anything is personal was decided by the definition that this version was signed under.
  const shown = payload._sd_alg === undefined ? [] : disclosures();
  const { claims, undisclosedByMember } = processDisclosures(payload, shown);
  return { claims, disclosures: shown, withheld: (undisclosedByMember.get("data") ?? 0) > 0 };
}

/** The view of a version whose claims are at hand, as far as its reader may know them. */
export function formatView(options: {
  entity: string;
  row: RecordRow;
  definition: Definition;
  claims: JsonObject;
  disclosures: readonly string[];
  withheld: boolean;
  languages: readonly string[];
}): RecordView {
  const { entity, row, definition, claims, disclosures, withheld, languages } = options;
  const { record, version } = row;
  const href = formatRecordUrl({ entity, registry: record.registry, rid: record.rid });
  const identifier = record.identifier ?? undefined;
  const data = (claims.data ?? {}) as JsonObject;
  return {
    rid: record.rid,
    href,
    registry: record.registry,
    type: claims.rtype as string,
    ...(identifier !== undefined && { identifier }),
    display: formatDisplay({ definition, data, identifier, rid: record.rid, languages }),
    version: version.version,
    state: stateOf(row),
    recorded_at: formatSeconds(version.recordedAt),
    ...pick(claims, ["valid_from", "valid_until"]),
    ...describeSuccession(row, claims),
    ...describeTimes(row),
    definition: claims.vct as string,
    log_index: version.logIndex,
    data,
    withheld,
    token: formatSdJwt(version.jwt, [...disclosures]),
    links: {
      self: href,
      versions: `${href}/versions`,
      history: `${href}/history`,
      ...(definition.access === "public" && { evidence: `${href}/evidence`, receipt: `${href}/receipt` }),
      definition: claims.vct as string,
    },
  };
}

/** The state to show: at the times asked for; else of the record, whose older versions are superseded. */
function stateOf({ record, version, change, at }: RecordRow): string {
  if (at) return stateAfter(change);
  return version.version === record.version ? record.state : "superseded";
}

function pick(claims: JsonObject, names: readonly ["valid_from", "valid_until"]): Partial<RecordView> {
  return Object.fromEntries(names.flatMap((name) => (claims[name] === undefined ? [] : [[name, claims[name]]])));
}

function describeSuccession({ change }: RecordRow, claims: JsonObject): Partial<RecordView> {
  const replacedBy = change?.operation === "replace" ? readOwnPayload(change.statement).replaced_by : undefined;
  return {
    ...(Array.isArray(claims.replaces) && { replaces: claims.replaces as string[] }),
    ...(Array.isArray(replacedBy) && { replaced_by: replacedBy as string[] }),
  };
}

function describeTimes({ at }: RecordRow): Partial<RecordView> {
  return { ...(at?.asOf && { as_of: at.asOf.text }), ...(at?.validAt && { valid_at: at.validAt.text }) };
}
