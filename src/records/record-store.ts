// SQL that reads records, and the few writes around them. Knows no rule.
import { AttestryError } from "../errors.ts";
import { STATUS_LIST_ENTRIES, VERSION_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { isRid } from "./record-url.ts";

export interface StoredRecord {
  readonly rid: string;
  readonly registry: string;
  readonly identifier: string | null;
  readonly state: string;
  readonly version: number;
  readonly stateNumber: number;
  readonly sealedKey: Uint8Array | null;
  readonly firstIndex: number;
}

export interface StoredVersion {
  readonly rid: string;
  readonly version: number;
  readonly definitionVersion: number;
  readonly jwt: string;
  readonly sealed: Uint8Array;
  readonly statusList: number;
  readonly statusIndex: number;
  readonly logIndex: number;
  readonly recordedAt: number;
}

export interface RecordRow {
  readonly record: StoredRecord;
  readonly version: StoredVersion;
}

// Both tables have a version: `v` is that of the version's row.
interface FlatRow extends StoredRecord, Omit<StoredVersion, "rid" | "version"> {
  readonly v: number;
}

function toRow(flat: FlatRow): RecordRow {
  const { rid, registry, identifier, state, version, stateNumber, sealedKey, firstIndex, v, ...rest } = flat;
  return {
    record: { rid, registry, identifier, state, version, stateNumber, sealedKey, firstIndex },
    version: { rid, version: v, ...rest },
  };
}

function columns(database: Database) {
  return database.sql`
    r.rid, r.registry, r.identifier, r.state, r.version, r.state_number as "stateNumber", r.sealed_key as "sealedKey", r.first_index as "firstIndex",
    v.version as v, v.definition_version as "definitionVersion", v.jwt, v.sealed, v.status_list as "statusList", v.status_index as "statusIndex",
    v.log_index as "logIndex", v.recorded_at as "recordedAt"`;
}

/** A record with its current version, or with the one asked for. */
export async function findRecord(
  database: Database,
  options: { rid: string; version?: number | undefined },
): Promise<RecordRow | undefined> {
  // A number that the column cannot hold is an error to PostgreSQL, not a row that is missing.
  if (options.version !== undefined && options.version > VERSION_MAX) return undefined;
  const { sql } = database;
  const rows = await sql<FlatRow[]>`
    select ${columns(database)} from record r
    join record_version v on v.rid = r.rid and v.version = ${options.version === undefined ? sql`r.version` : options.version}
    where r.rid = ${options.rid}`;
  return rows[0] && toRow(rows[0]);
}

/** As `findRecord`, in this registry; throws `record_unknown` or `version_unknown`. */
export async function getRecord(
  database: Database,
  options: { registry: string; rid: string; version?: number | undefined },
): Promise<RecordRow> {
  const row = isRid(options.rid) ? await findRecord(database, options) : undefined;
  if (row && row.record.registry === options.registry) return row;
  if (options.version !== undefined)
    throw new AttestryError(
      "version_unknown",
      `there is no version ${options.version} of such a record in "${options.registry}"`,
    );
  throw new AttestryError("record_unknown", `there is no such record in "${options.registry}"`);
}

/** Records with their current versions, by rid. */
export async function findRecords(database: Database, rids: readonly string[]): Promise<Map<string, RecordRow>> {
  const { sql } = database;
  const rows = await sql<FlatRow[]>`
    select ${columns(database)} from record r
    join record_version v on v.rid = r.rid and v.version = r.version
    where r.rid = any(${rids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.rid, toRow(row)]));
}

/** One page of a registry in the order of creation, after the log index `after`. */
export async function listRecords(
  database: Database,
  options: { registry: string; after: number; limit: number },
): Promise<RecordRow[]> {
  const { sql } = database;
  const rows = await sql<FlatRow[]>`
    select ${columns(database)} from record r
    join record_version v on v.rid = r.rid and v.version = r.version
    where r.registry = ${options.registry} and r.first_index > ${options.after}
    order by r.first_index limit ${options.limit}`;
  return rows.map(toRow);
}

export async function listVersions(database: Database, rid: string): Promise<StoredVersion[]> {
  return database.sql<StoredVersion[]>`
    select rid, version, definition_version as "definitionVersion", jwt, sealed, status_list as "statusList", status_index as "statusIndex",
      log_index as "logIndex", recorded_at as "recordedAt"
    from record_version where rid = ${rid} order by version`;
}

export async function listStates(
  database: Database,
  rid: string,
): Promise<{ number: number; operation: string; statement: string; logIndex: number; recordedAt: number }[]> {
  return database.sql`
    select number, operation, statement, log_index as "logIndex", recorded_at as "recordedAt"
    from record_state where rid = ${rid} order by number`;
}

/** Which record holds each key, of those that are held. */
export async function findKeyHolders(database: Database, digests: readonly string[]): Promise<Map<string, string>> {
  const rows = await database.sql<{ digest: string; rid: string }[]>`
    select digest, rid from record_key where digest = any(${digests as string[]})`;
  return new Map(rows.map((row) => [row.digest, row.rid]));
}

export async function countRecords(database: Database): Promise<Map<string, number>> {
  const rows = await database.sql<
    { registry: string; count: number }[]
  >`select registry, count(*)::int8 as count from record group by registry`;
  return new Map(rows.map((row) => [row.registry, Number(row.count)]));
}

export async function findIdempotent(
  database: Database,
  digest: string,
): Promise<{ request: string; rid: string; version: number } | undefined> {
  const rows = await database.sql<{ request: string; rid: string; version: number }[]>`
    select request, rid, version from idempotency where digest = ${digest}`;
  return rows[0];
}

export async function deleteIdempotent(database: Database, options: { before: number }): Promise<void> {
  await database.sql`delete from idempotency where created_at < ${options.before}`;
}

/** The values of a status list that are not 0. */
export async function listStatusValues(database: Database, list: number): Promise<{ index: number; value: number }[]> {
  return database.sql<{ index: number; value: number }[]>`select index, value from status_value where list = ${list}`;
}

/** Whether any version was given a place in this list. */
export async function hasStatusList(database: Database, list: number): Promise<boolean> {
  const rows = await database.sql<{ next: number }[]>`select next from counter where name = 'status'`;
  return rows[0] !== undefined && list >= 0 && list * STATUS_LIST_ENTRIES < Number(rows[0].next);
}
