// Turns stored rows into what a caller may see of a record. Pure but for the sealer it is handed.
import { decodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8 } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { processDisclosures } from "../crypto/sd-jwt-disclosures.ts";
import type { Access } from "../identity/permissions.ts";
import type { RecordSealer, VersionSecrets } from "./record-sealer.ts";
import type { RecordRow } from "./record-store.ts";
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
  readonly token: string;
  readonly links: {
    readonly self: string;
    readonly versions: string;
    readonly evidence?: string;
    readonly receipt?: string;
    readonly definition: string;
  };
}

/** The payload of a JWT that this node signed itself and keeps; never for a peer's token. */
export function readOwnPayload(jwt: string): JsonObject {
  return JSON.parse(decodeUtf8(decodeBase64url(jwt.split(".")[1]!))) as JsonObject;
}

/** What a version keeps sealed. */
export function openSecrets(sealer: RecordSealer, row: RecordRow): { dataKey: Uint8Array; secrets: VersionSecrets } {
  const { rid, sealedKey } = row.record;
  if (sealedKey === null) throw new Error("the record was erased: it has no data key");
  const dataKey = sealer.openDataKey({ rid, sealedKey });
  return {
    dataKey,
    secrets: sealer.openVersion({ dataKey, rid, version: row.version.version, sealed: row.version.sealed }),
  };
}

/** The data of a version with everything disclosed. */
export function readFullData(jwt: string, disclosures: readonly string[]): JsonObject {
  const payload = readOwnPayload(jwt);
  return (disclosures.length === 0 ? payload : processDisclosures(payload, disclosures).claims).data as JsonObject;
}

/** The view of a version; without disclosures only what stands open in the token. They are asked for where it has any. */
export function viewRecord(options: {
  entity: string;
  row: RecordRow;
  access: Access;
  disclosures: () => readonly string[];
}): RecordView {
  const payload = readOwnPayload(options.row.version.jwt);
  // Whether anything is personal was decided by the definition that this version was signed under.
  const disclosures = payload._sd_alg === undefined ? [] : options.disclosures();
  const { claims, undisclosedCount } = processDisclosures(payload, disclosures);
  return formatView({ ...options, claims, disclosures, withheld: undisclosedCount > 0 });
}

/** As `viewRecord`, of a version whose claims are at hand: its writer sees all of them. */
export function formatView(options: {
  entity: string;
  row: RecordRow;
  access: Access;
  claims: JsonObject;
  disclosures: readonly string[];
  withheld: boolean;
}): RecordView {
  const { entity, row, access, claims, disclosures, withheld } = options;
  const { record, version } = row;
  const href = formatRecordUrl({ entity, registry: record.registry, rid: record.rid });
  const text = (name: string): string | undefined => claims[name] as string | undefined;
  return {
    rid: record.rid,
    href,
    registry: record.registry,
    type: claims.rtype as string,
    ...(record.identifier !== null && { identifier: record.identifier }),
    version: version.version,
    state: version.version === record.version ? record.state : "superseded",
    recorded_at: new Date(version.recordedAt * 1_000).toISOString(),
    ...(text("valid_from") !== undefined && { valid_from: text("valid_from")! }),
    ...(text("valid_until") !== undefined && { valid_until: text("valid_until")! }),
    definition: claims.vct as string,
    log_index: version.logIndex,
    data: (claims.data ?? {}) as JsonObject,
    withheld,
    token: formatSdJwt(version.jwt, [...disclosures]),
    links: {
      self: href,
      versions: `${href}/versions`,
      ...(access === "public" && { evidence: `${href}/evidence`, receipt: `${href}/receipt` }),
      definition: claims.vct as string,
    },
  };
}
