// SQL that reads records, and the few writes around them. Knows no rule.
import { everyDigest, type KeyedDigest } from "../crypto/key-generations.ts";
import { AttestryError } from "../errors.ts";
import { VERSION_MAX } from "../limits.ts";
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { StateChange, TimeCoordinates, VersionPeriod } from "./record-timeline.ts";
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

/** A change of state; `effectiveAt`: since when it holds, Unix seconds. */
export interface StoredChange {
  readonly number: number;
  readonly operation: string;
  readonly state: string;
  readonly effectiveAt: number;
  readonly statement: string;
  /** Log salt and disclosures of the statement; null: destroyed with the record. */
  readonly sealed: Uint8Array | null;
  readonly logIndex: number;
  /** Of a statement that one version was erased, which. */
  readonly erasedVersion?: number | null;
}

/**
 * A record with one of its versions. `change`: the change of state that holds, the last one or that of the times asked for; `at`: the
 * times asked for, where there are any. Rows of erased records are never read: they have no content.
 */
export interface RecordRow {
  readonly record: StoredRecord;
  readonly version: StoredVersion;
  readonly change?: StoredChange | undefined;
  readonly at?: TimeCoordinates | undefined;
}

// Both tables have a version: `v` is that of the version's row.
export interface FlatRow extends StoredRecord, Omit<StoredVersion, "rid" | "version"> {
  readonly v: number;
  readonly changeNumber: number | null;
  readonly changeOperation: string;
  readonly changeState: string;
  readonly changeEffectiveAt: number;
  readonly changeStatement: string;
  readonly changeSealed: Uint8Array | null;
  readonly changeLogIndex: number;
}

/** What `rowColumns` selected, as a row. */
export function toRow(flat: FlatRow, at?: TimeCoordinates): RecordRow {
  const { rid, registry, identifier, state, version, stateNumber, sealedKey, firstIndex, v, ...rest } = flat;
  const { changeNumber, changeOperation, changeState, changeEffectiveAt, changeStatement, changeSealed, ...others } =
    rest;
  const { changeLogIndex, ...stored } = others;
  return {
    record: { rid, registry, identifier, state, version, stateNumber, sealedKey, firstIndex },
    version: { rid, version: v, ...stored },
    ...(changeNumber !== null && {
      change: {
        number: changeNumber,
        operation: changeOperation,
        state: changeState,
        effectiveAt: changeEffectiveAt,
        statement: changeStatement,
        sealed: changeSealed,
        logIndex: changeLogIndex,
      },
    }),
    ...(at && { at }),
  };
}

/** The last change of the state of `record r`, as `s`; the erasure of a version is none. */
function joinChange(sql: Sql) {
  return sql`
    left join lateral (
      select * from record_state c where r.state_number > 0 and c.rid = r.rid and c.operation <> 'erase_version' order by c.number desc limit 1
    ) s on true`;
}

/** The columns of `toRow`, of `record r` with the joins of `joinVersions`. */
export function rowColumns(sql: Sql) {
  return sql`
    r.rid, r.registry, r.identifier, r.state, r.version, r.state_number as "stateNumber", r.sealed_key as "sealedKey", r.first_index as "firstIndex",
    v.version as v, v.definition_version as "definitionVersion", v.jwt, v.sealed, v.status_list as "statusList", v.status_index as "statusIndex",
    v.log_index as "logIndex", v.recorded_at as "recordedAt",
    s.number as "changeNumber", s.operation as "changeOperation", s.state as "changeState", s.effective_at as "changeEffectiveAt",
    s.statement as "changeStatement", s.sealed as "changeSealed", s.log_index as "changeLogIndex"`;
}

/**
 * The joins after `from record r`: `v` the current version, or the one in effect at the times asked for, and `s` the change of state
 * that holds then (null: none). Records without such a version drop out, and so do erased ones and those whose version of then was. The rules are those of record-timeline.ts.
 * `withChange`: false where nobody asks for `s`, at a time.
 */
export function joinVersions(sql: Sql, at?: TimeCoordinates, withChange = true) {
  if (!at)
    return sql`
      join record_version v on v.rid = r.rid and v.version = r.version and v.jwt is not null
      ${joinChange(sql)}`;
  const { asOf, validAt } = at;
  const recorded = asOf ? sql`and c.recorded_at <= ${asOf.seconds}` : sql``;
  const covering = validAt
    ? sql`and (c.valid_from is null or c.valid_from <= ${validAt.seconds}) and (c.valid_until is null or c.valid_until > ${validAt.seconds})`
    : sql``;
  const begun = validAt ? sql`and c.effective_at <= ${validAt.seconds}` : sql``;
  const change = sql`
    left join lateral (
      select * from record_state c where c.rid = r.rid and c.operation <> 'erase_version' ${recorded} ${begun} order by c.number desc limit 1
    ) s on true`;
  // Where an erased version held, no other stands in for it: of the time that it was in effect nothing is kept.
  return sql`
    join lateral (
      select * from record_version c where c.rid = r.rid ${recorded} ${covering} order by c.version desc limit 1
    ) v on v.jwt is not null ${withChange ? change : sql``}`;
}

/** Which of these registries have ever held a record, whatever became of it. */
export async function findUsedRegistries(
  sql: Sql | Transaction,
  registries: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ name: string }[]>`
    select name from unnest(${registries as string[]}::text[]) name where exists (select 1 from record where registry = name)`;
  return new Set(rows.map(({ name }) => name));
}

/** A record with its current version, or with the one asked for; undefined also where it was erased. */
export async function findRecord(
  database: Database,
  options: { rid: string; version?: number | undefined },
): Promise<RecordRow | undefined> {
  const { rid, version } = options;
  // A number that the column cannot hold is an error to PostgreSQL, not a row that is missing.
  if (version !== undefined && version > VERSION_MAX) return undefined;
  const { sql } = database;
  const joins =
    version === undefined
      ? joinVersions(sql)
      : sql`
          join record_version v on v.rid = r.rid and v.version = ${version} and v.jwt is not null
          ${joinChange(sql)}`;
  const rows = await sql<FlatRow[]>`select ${rowColumns(sql)} from record r ${joins} where r.rid = ${rid}`;
  return rows[0] && toRow(rows[0]);
}

/** As `findRecord`, in this registry; throws `record_unknown`, `version_unknown`, `version_erased` or `record_erased`. */
export async function getRecord(
  database: Database,
  options: { registry: string; rid: string; version?: number | undefined },
): Promise<RecordRow> {
  const { registry, rid, version } = options;
  const row = isRid(rid) ? await findRecord(database, options) : undefined;
  if (row && row.record.registry === registry) return row;
  const head = await getHead(database, options);
  if (head.state === "erased") throw recordErased();
  if (version !== undefined && version >= 1 && version <= head.version) throw versionErased(version);
  throw new AttestryError("version_unknown", `there is no version ${version} of such a record in "${registry}"`);
}

/** What is known of a record without its content, erased or not; throws `record_unknown`, or `version_unknown` where one was asked for. */
export async function getHead(
  database: Database,
  { registry, rid, version }: { registry: string; rid: string; version?: number | undefined },
): Promise<StoredRecord> {
  const record = isRid(rid) ? (await findHeads(database, [rid])).get(rid) : undefined;
  if (record?.registry === registry) return record;
  if (version !== undefined)
    throw new AttestryError("version_unknown", `there is no version ${version} of such a record in "${registry}"`);
  throw new AttestryError("record_unknown", `there is no such record in "${registry}"`);
}

export function versionErased(version: number): AttestryError {
  return new AttestryError(
    "version_erased",
    `version ${version} of the record was erased: what it said is destroyed; the record's other versions are as they were`,
  );
}

export function recordErased(): AttestryError {
  return new AttestryError(
    "record_erased",
    "the record was erased: its content is destroyed; what remains is that it was there, and the proof of its erasure",
  );
}

/** Records without their content, erased or not, by rid. */
export async function findHeads(database: Database, rids: readonly string[]): Promise<Map<string, StoredRecord>> {
  const rows = await database.sql<StoredRecord[]>`
    select rid, registry, identifier, state, version, state_number as "stateNumber", sealed_key as "sealedKey", first_index as "firstIndex"
    from record where rid = any(${rids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.rid, row]));
}

/** Records with their current versions, by rid; erased ones are not among them. */
export async function findRecords(database: Database, rids: readonly string[]): Promise<Map<string, RecordRow>> {
  const { sql } = database;
  const rows = await sql<FlatRow[]>`
    select ${rowColumns(sql)} from record r ${joinVersions(sql)} where r.rid = any(${rids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.rid, toRow(row)]));
}

/** These versions of records, by `<rid>/<version>`; those of erased records are not among them. */
export async function findRecordVersions(
  database: Database,
  wanted: readonly { rid: string; version: number }[],
): Promise<Map<string, RecordRow>> {
  const { sql } = database;
  const held = wanted.filter(({ version }) => version <= VERSION_MAX);
  const rows = await sql<FlatRow[]>`
    select ${rowColumns(sql)}
    from (select distinct * from unnest(${held.map((one) => one.rid)}::uuid[], ${held.map((one) => one.version)}::int[])) as asked (rid, version)
    join record r on r.rid = asked.rid
    join record_version v on v.rid = r.rid and v.version = asked.version and v.jwt is not null
    ${joinChange(sql)}`;
  return new Map(rows.map((row) => [`${row.rid}/${row.v}`, toRow(row)]));
}

/** What is left of an erased record. */
export interface ErasedRecord {
  readonly record: StoredRecord;
  readonly change: StoredChange;
}

/** Those of these records that were erased, by rid. */
export async function findErased(database: Database, rids: readonly string[]): Promise<Map<string, ErasedRecord>> {
  const heads = await findHeads(database, rids);
  const rows = await database.sql<(StoredChange & { rid: string })[]>`
    select r.rid, s.number, s.operation, s.state, s.effective_at as "effectiveAt",
      s.statement, s.sealed, s.log_index as "logIndex"
    from record r join record_state s on s.rid = r.rid and s.number = r.state_number
    where r.rid = any(${rids as string[]}::uuid[]) and r.state = 'erased'`;
  return new Map(
    rows.flatMap(({ rid, ...change }) => {
      const record = heads.get(rid);
      return record ? [[rid, { record, change }] as const] : [];
    }),
  );
}

/** Which of these versions were erased while their records were not, by `<rid>/<version>`: the records as they are, and the statements of that. */
export async function findErasedVersions(
  database: Database,
  wanted: readonly { rid: string; version: number }[],
): Promise<Map<string, ErasedRecord & { readonly row: RecordRow }>> {
  const held = wanted.filter(({ version }) => version <= VERSION_MAX);
  if (held.length === 0) return new Map();
  const changes = await database.sql<(StoredChange & { rid: string; erasedVersion: number })[]>`
    select s.rid, s.erased_version as "erasedVersion", s.number, s.operation, s.state, s.effective_at as "effectiveAt",
      s.statement, s.sealed, s.log_index as "logIndex"
    from unnest(${held.map((one) => one.rid)}::uuid[], ${held.map((one) => one.version)}::int[]) as asked (rid, version)
    join record_state s on s.rid = asked.rid and s.erased_version = asked.version`;
  const rows = await findRecords(
    database,
    changes.map(({ rid }) => rid),
  );
  return new Map(
    changes.flatMap(({ rid, ...change }) => {
      const row = rows.get(rid);
      return row ? [[`${rid}/${change.erasedVersion}`, { record: row.record, row, change }] as const] : [];
    }),
  );
}

/** One page of a registry in the order of creation, after the log index `after`; `at`: as it was at these times. */
export async function listRecords(
  database: Database,
  options: { registry: string; after: number; limit: number; at?: TimeCoordinates | undefined },
): Promise<RecordRow[]> {
  const { registry, after, limit, at } = options;
  const { sql } = database;
  const rows = await sql<FlatRow[]>`
    select ${rowColumns(sql)} from record r ${joinVersions(sql, at)}
    where r.registry = ${registry} and r.first_index > ${after}
    order by r.first_index limit ${limit}`;
  return rows.map((row) => toRow(row, at));
}

/** Versions of a record, erased or not, without their content, in the order of their numbers. */
export async function listPeriods(
  database: Database,
  rid: string,
): Promise<
  (VersionPeriod & {
    readonly logIndex: number;
    readonly definitionVersion: number;
    readonly chars: number;
    readonly isErased: boolean;
  })[]
> {
  return database.sql`
    select version, recorded_at as "recordedAt", valid_from as "validFrom", valid_until as "validUntil", log_index as "logIndex",
      definition_version as "definitionVersion", coalesce(octet_length(jwt), 0) as chars, jwt is null as "isErased"
    from record_version where rid = ${rid} order by version`;
}

/** Changes of state of a record, without their statements, in the order of their numbers. */
export async function listChanges(
  database: Database,
  rid: string,
): Promise<(StateChange & { readonly logIndex: number; readonly erasedVersion: number | null })[]> {
  return database.sql`
    select number, operation, erased_version as "erasedVersion", state, effective_at as "effectiveAt", recorded_at as "recordedAt", log_index as "logIndex"
    from record_state where rid = ${rid} order by number`;
}

/** These versions of a record that still have their content, by number. */
export async function findVersions(
  database: Database,
  options: { rid: string; versions: readonly number[] },
): Promise<Map<number, StoredVersion>> {
  const rows = await database.sql<StoredVersion[]>`
    select rid, version, definition_version as "definitionVersion", jwt, sealed, status_list as "statusList", status_index as "statusIndex",
      log_index as "logIndex", recorded_at as "recordedAt"
    from record_version where rid = ${options.rid} and version = any(${options.versions as number[]}::int[]) and jwt is not null`;
  return new Map(rows.map((row) => [row.version, row]));
}

/** These statements of a record, by number. */
export async function findStatements(
  database: Database,
  options: { rid: string; numbers: readonly number[] },
): Promise<Map<number, StoredChange>> {
  const rows = await database.sql<StoredChange[]>`
    select number, operation, state, effective_at as "effectiveAt", statement, sealed, log_index as "logIndex", erased_version as "erasedVersion"
    from record_state where rid = ${options.rid} and number = any(${options.numbers as number[]}::int[])`;
  return new Map(rows.map((row) => [row.number, row]));
}

/** Which record holds each key, of those that are held. */
export async function findKeyHolders(database: Database, keys: readonly KeyedDigest[]): Promise<Map<string, string>> {
  const digestOf = new Map(keys.flatMap((key) => everyDigest(key).map((stored) => [stored, key.digest])));
  const rows = await database.sql<{ digest: string; rid: string }[]>`
    select digest, rid from record_key where digest = any(${[...digestOf.keys()]})`;
  return new Map(rows.map((row) => [digestOf.get(row.digest)!, row.rid]));
}

/** How long the tokens of these versions, without one the current ones, are together. */
export async function weighTokens(
  database: Database,
  wanted: readonly { rid: string; version: number | undefined }[],
): Promise<number> {
  const rids = wanted.map(({ rid }) => rid);
  const numbers = wanted.map(({ version }) => version ?? null);
  const rows = await database.sql<{ chars: number }[]>`
    select coalesce(sum(octet_length(v.jwt)), 0)::int8 as chars
    from unnest(${rids}::uuid[], ${numbers}::int8[]) as wanted (rid, version)
    join record r on r.rid = wanted.rid join record_version v on v.rid = r.rid and v.version = coalesce(wanted.version, r.version)`;
  return Number(rows[0]!.chars);
}

/** Which of these records are under one of these versions of their definition: their current versions, or with `ever` any. */
export async function findRecordsUnder(
  database: Database,
  { rids, versions, ever }: { rids: readonly string[]; versions: readonly number[]; ever: boolean },
): Promise<string[]> {
  const rows = await database.sql<{ rid: string }[]>`
    select distinct v.rid from record_version v join record r on r.rid = v.rid
    where v.rid = any(${rids as string[]}::uuid[]) and v.definition_version = any(${versions as number[]}::int[])
      and (${ever} or v.version = r.version)`;
  return rows.map(({ rid }) => rid);
}

export async function findIdempotent(
  database: Database,
  digest: KeyedDigest,
): Promise<{ request: string; rid: string; version: number } | undefined> {
  const rows = await database.sql<{ request: string; rid: string; version: number }[]>`
    select request, rid, version from idempotency where digest = any(${everyDigest(digest)})`;
  return rows[0];
}

export async function deleteIdempotent(database: Database, options: { before: number }): Promise<void> {
  await database.sql`delete from idempotency where created_at < ${options.before}`;
}
