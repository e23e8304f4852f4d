// SQL of the export: records, versions and statements as of a size of the log, in the order of creation. Knows no rule.
import type { Database } from "../../storage/database.ts";
import { type FlatRow, type RecordRow, rowColumns, type StoredRecord, toRow } from "../record-store.ts";
import type { TimeCoordinates } from "../record-timeline.ts";

/** A run of records: those created after the log index `after`, as of `size` entries of the log. */
export interface ExportRange {
  readonly registry: string;
  readonly after: number;
  readonly size: number;
  readonly limit: number;
}

/** The log index of the last record of a run, and whether it is full; undefined: there is none. */
export async function findRangeEnd(
  database: Database,
  { registry, after, size, limit }: ExportRange,
): Promise<{ last: number; count: number } | undefined> {
  const rows = await database.sql<{ last: number | null; count: number }[]>`
    select max(first_index) as last, count(*) as count from (
      select first_index from record where registry = ${registry} and first_index > ${after} and first_index < ${size}
      order by first_index limit ${limit}) page`;
  const [found] = rows;
  return found && found.last !== null ? { last: Number(found.last), count: Number(found.count) } : undefined;
}

/** Records of a run with the version and the state that hold at the times asked for; those without one, and erased ones, are left out. */
export async function listRange(
  database: Database,
  { registry, after, size, limit }: ExportRange,
  at: TimeCoordinates | undefined,
): Promise<RecordRow[]> {
  const { sql } = database;
  const recorded = at?.asOf ? sql`and c.recorded_at <= ${at.asOf.seconds}` : sql``;
  const covering = at?.validAt
    ? sql`and (c.valid_from is null or c.valid_from <= ${at.validAt.seconds}) and (c.valid_until is null or c.valid_until > ${at.validAt.seconds})`
    : sql``;
  const begun = at?.validAt ? sql`and c.effective_at <= ${at.validAt.seconds}` : sql``;
  const rows = await sql<FlatRow[]>`
    select ${rowColumns(sql)}
    from (
      select * from record where registry = ${registry} and first_index > ${after} and first_index < ${size}
      order by first_index limit ${limit}) r
    join lateral (
      select * from record_version c where c.rid = r.rid and c.log_index < ${size} ${recorded} ${covering} order by c.version desc limit 1
    ) v on v.jwt is not null
    left join lateral (
      select * from record_state c
      where c.rid = r.rid and c.operation <> 'erase_version' and c.log_index < ${size} ${recorded} ${begun} order by c.number desc limit 1
    ) s on true
    order by r.first_index`;
  return rows.map((row) => toRow(row));
}

export interface ExportedVersion {
  readonly rid: string;
  readonly version: number;
  readonly jwt: string;
  readonly sealed: Uint8Array;
  readonly logIndex: number;
  readonly recordedAt: number;
}

export interface ExportedStatement {
  readonly rid: string;
  readonly number: number;
  readonly operation: string;
  readonly state: string;
  readonly effectiveAt: number;
  readonly statement: string;
  readonly sealed: Uint8Array | null;
  readonly logIndex: number;
  readonly recordedAt: number;
}

/** Everything that was recorded about a run of records; `sealedKey` is null of an erased one. */
export async function listRangeHistory(
  database: Database,
  { registry, after, size, limit }: ExportRange,
  recordedBy: number,
) {
  const { sql } = database;
  const records = await sql<StoredRecord[]>`
    select rid, registry, identifier, state, version, state_number as "stateNumber", sealed_key as "sealedKey", first_index as "firstIndex"
    from record
    where registry = ${registry} and first_index > ${after} and first_index < ${size} order by first_index limit ${limit}`;
  const rids = records.map(({ rid }) => rid);
  const [versions, statements] = await Promise.all([
    sql<ExportedVersion[]>`
      select rid, version, jwt, sealed, log_index as "logIndex", recorded_at as "recordedAt" from record_version
      where rid = any(${rids}::uuid[]) and log_index < ${size} and recorded_at <= ${recordedBy} and jwt is not null`,
    sql<ExportedStatement[]>`
      select rid, number, operation, state, effective_at as "effectiveAt", statement, sealed, log_index as "logIndex",
        recorded_at as "recordedAt"
      from record_state where rid = any(${rids}::uuid[]) and log_index < ${size} and recorded_at <= ${recordedBy}`,
  ]);
  return { records, versions, statements };
}
