// What an export tells of a record: the envelope that an import takes, beside it what the record is at its home. Pure but for the sealer it is handed.
import type { Json, JsonObject } from "../../crypto/json.ts";
import { formatSdJwt } from "../../crypto/sd-jwt.ts";
import { processDisclosures } from "../../crypto/sd-jwt-disclosures.ts";
import { valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { findOpened, type ShownRecord } from "../record-readings.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { RecordRow, StoredRecord, StoredVersion } from "../record-store.ts";
import { stateAfter } from "../record-timeline.ts";
import { formatRecordUrl } from "../record-url.ts";
import { openSecrets, openStatement, readClaims, readOwnPayload } from "../record-view.ts";
import type { ExportedRecord } from "./export-csv.ts";
import type { ExportedStatement, ExportedVersion } from "./export-store.ts";

export interface ExportReader {
  readonly entity: string;
  readonly sealer: RecordSealer;
  readonly compiled: CompiledDefinition;
  /** The records that are told with their personal fields, by rid. */
  readonly inspected: ReadonlySet<string>;
}

const time = (seconds: number): string => new Date(seconds * 1_000).toISOString();

/** A record as of an export. `fields`: dotted paths that `data` is cut down to. */
export function describeExported(
  { entity, sealer, compiled, inspected }: ExportReader,
  row: RecordRow,
  fields: readonly string[] | undefined,
): ExportedRecord {
  const { record, version, change } = row;
  const { claims, withheld } = readClaims(version.jwt, () =>
    inspected.has(record.rid) ? openSecrets(sealer, row).secrets.disclosures : [],
  );
  const data = (claims.data ?? {}) as JsonObject;
  const isNumbered = compiled.identifier?.kind === "sequence";
  const identifier = record.identifier === null ? {} : { identifier: record.identifier };
  const replacedBy = change && readOwnPayload(change.statement).replaced_by;
  return {
    record: {
      href: formatRecordUrl({ entity, registry: record.registry, rid: record.rid }),
      version: version.version,
      state: stateAfter(change),
      recorded_at: time(version.recordedAt),
      log_index: version.logIndex,
      definition: claims.vct as string,
      ...(!isNumbered && identifier),
      ...(replacedBy !== undefined && { replaced_by: replacedBy }),
      ...(withheld && { withheld }),
    },
    ...(isNumbered && identifier),
    ...pickClaims(claims),
    data: fields ? cutDown(data, fields) : data,
  };
}

/** What `describeExported` tells of personal fields. */
export function findExportedShown(
  { sealer, compiled, inspected }: ExportReader,
  { record, version }: { readonly record: StoredRecord; readonly version: ExportedVersion | StoredVersion },
  fields: readonly string[] | undefined,
): ShownRecord[] {
  if (!inspected.has(record.rid) || record.sealedKey === null) return [];
  if (readOwnPayload(version.jwt)._sd_alg === undefined) return [];
  const { disclosures } = openSecrets(sealer, { record, version }).secrets;
  const shown = findOpened({ ...record, version: version.version, jwt: version.jwt, disclosures }, compiled, fields);
  return shown === undefined || shown.fields.length === 0 ? [] : [shown];
}

function pickClaims(claims: JsonObject): JsonObject {
  const names = ["valid_from", "valid_until", "replaces"];
  return Object.fromEntries(
    names.flatMap((name) => (claims[name] === undefined ? [] : [[name, claims[name] as Json]])),
  );
}

function cutDown(data: JsonObject, fields: readonly string[]): JsonObject {
  const result: JsonObject = {};
  for (const field of fields) {
    const path = field.split(".");
    const [value] = valuesAt(data, path);
    if (value === undefined) continue;
    let node = result;
    for (const name of path.slice(0, -1)) {
      node[name] ??= {};
      node = node[name] as JsonObject;
    }
    node[path.at(-1)!] = value;
  }
  return result;
}

/** A version as a line of a history, with the token that proves it. */
export function describeVersion(reader: ExportReader, head: StoredRecord, version: ExportedVersion): JsonObject {
  const { entity, sealer, compiled, inspected } = reader;
  const { rid, sealedKey } = head;
  const open = (): readonly string[] => {
    if (!inspected.has(rid) || sealedKey === null) return [];
    const dataKey = sealer.openDataKey({ rid, sealedKey });
    return sealer.openVersion({ dataKey, rid, version: version.version, sealed: version.sealed }).disclosures;
  };
  const { claims, disclosures, withheld } = readClaims(version.jwt, open);
  return {
    event: "version",
    href: formatRecordUrl({ entity, registry: compiled.definition.name, rid }),
    version: version.version,
    recorded_at: time(version.recordedAt),
    log_index: version.logIndex,
    definition: claims.vct as string,
    ...(head.identifier !== null && { identifier: head.identifier }),
    ...pickClaims(claims),
    act: claims.act ?? {},
    data: claims.data ?? {},
    withheld,
    token: formatSdJwt(version.jwt, [...disclosures]),
  };
}

/** A statement of a state as a line of a history. */
export function describeStatement(reader: ExportReader, head: StoredRecord, statement: ExportedStatement): JsonObject {
  const { entity, sealer, compiled, inspected } = reader;
  const { rid } = head;
  const disclosures = inspected.has(rid) ? openStatement(sealer, head, statement).disclosures : [];
  const { claims } = processDisclosures(readOwnPayload(statement.statement), disclosures);
  return {
    event: statement.operation,
    href: formatRecordUrl({ entity, registry: compiled.definition.name, rid }),
    version: claims.rver as number,
    state: statement.state,
    recorded_at: time(statement.recordedAt),
    ...(statement.effectiveAt > 0 && { effective_at: time(statement.effectiveAt) }),
    log_index: statement.logIndex,
    act: claims.act ?? {},
    ...(claims.replaced_by !== undefined && { replaced_by: claims.replaced_by }),
    ...(claims.erased_version !== undefined && { erased_version: claims.erased_version }),
    statement: formatSdJwt(statement.statement, [...disclosures]),
  };
}
