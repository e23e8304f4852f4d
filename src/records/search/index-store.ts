// SQL of how far the index follows the definitions (index-rebuild-service.ts). Knows no rule.
import type { Database, Transaction } from "../../storage/database.ts";

/** A registry's row; one without is indexed by the first version of its definition. */
export interface StoredIndex {
  readonly registry: string;
  readonly definitionVersion: number;
  readonly doneIndex: number;
  readonly done: number;
  readonly total: number;
  readonly complete: boolean;
}

export async function findIndex(database: Database, registry: string): Promise<StoredIndex | undefined> {
  const [row] = await database.sql<StoredIndex[]>`
    select registry, definition_version as "definitionVersion", done_index as "doneIndex", done, total, complete
    from record_index where registry = ${registry}`;
  return row;
}

export async function lockIndex(tx: Transaction, registry: string): Promise<StoredIndex | undefined> {
  const [row] = await tx<StoredIndex[]>`
    select registry, definition_version as "definitionVersion", done_index as "doneIndex", done, total, complete
    from record_index where registry = ${registry} for update`;
  return row;
}

export async function saveIndex(tx: Transaction, index: StoredIndex): Promise<void> {
  await tx`
    insert into record_index (registry, definition_version, done_index, done, total, complete)
    values (${index.registry}, ${index.definitionVersion}, ${index.doneIndex}, ${index.done}, ${index.total}, ${index.complete})
    on conflict (registry) do update set definition_version = excluded.definition_version, done_index = excluded.done_index,
      done = excluded.done, total = excluded.total, complete = excluded.complete`;
}

/** A record with all of its versions, as far as its index is made of them; in the order of the versions. */
export interface RecordToIndex {
  readonly rid: string;
  readonly firstIndex: number;
  readonly state: string;
  readonly version: number;
  readonly stateNumber: number;
  readonly sealedKey: Uint8Array | null;
  readonly versions: readonly {
    readonly version: number;
    readonly jwt: string | null;
    readonly sealed: Uint8Array | null;
  }[];
}

/** Records after a log index, in the order of creation. Read as one: the versions are those of the record's row. */
export async function findRecordsToIndex(
  database: Database,
  options: { registry: string; after: number; limit: number },
): Promise<RecordToIndex[]> {
  const rows = await database.sql<
    (Omit<RecordToIndex, "versions"> & { v: number; jwt: string | null; sealed: Uint8Array | null })[]
  >`
    select r.rid, r.first_index as "firstIndex", r.state, r.version, r.state_number as "stateNumber", r.sealed_key as "sealedKey",
      v.version as v, v.jwt, v.sealed
    from (select * from record where registry = ${options.registry} and first_index > ${options.after} order by first_index limit ${options.limit}) r
    join record_version v on v.rid = r.rid order by r.first_index, v.version`;
  const records = new Map<
    string,
    RecordToIndex & { versions: { version: number; jwt: string | null; sealed: Uint8Array | null }[] }
  >();
  for (const { v, jwt, sealed, ...record } of rows) {
    const known = records.get(record.rid) ?? { ...record, versions: [] };
    known.versions.push({ version: v, jwt, sealed });
    records.set(record.rid, known);
  }
  return [...records.values()];
}

/** Where records stand, as `<version>.<state changes>`. Under the log's lock they stay there. */
export async function lockPositions(tx: Transaction, rids: readonly string[]): Promise<Map<string, string>> {
  const rows = await tx<{ rid: string; version: number; stateNumber: number }[]>`
    select rid, version, state_number as "stateNumber" from record where rid = any(${rids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.rid, `${row.version}.${row.stateNumber}`]));
}

export async function countRecordsToIndex(tx: Transaction, registry: string): Promise<number> {
  const [row] = await tx<{ count: number }[]>`select count(*)::int8 as count from record where registry = ${registry}`;
  return row!.count;
}
