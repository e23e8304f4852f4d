// SQL of migrations: which records are still under old versions of a definition. Knows no rule.
import type { Database } from "../../storage/database.ts";
import { type FlatRow, joinVersions, type RecordRow, rowColumns, toRow } from "../record-store.ts";

/** How many records in this state have a current version under this version of the definition. */
export interface VersionCount {
  readonly version: number;
  readonly state: string;
  readonly records: number;
}

/** Records by version of the definition and by state; erased ones follow no definition any more. */
export async function countByDefinition(database: Database, registry: string): Promise<VersionCount[]> {
  return database.sql<VersionCount[]>`
    select v.definition_version as version, r.state, count(*)::int8 as records
    from record r join record_version v on v.rid = r.rid and v.version = r.version
    where r.registry = ${registry} and r.state <> 'erased'
    group by v.definition_version, r.state order by v.definition_version, r.state`;
}

/** Active records under one of these versions, or under any but `current`, in the order of creation, after the log index `after`. */
export async function listOutdated(
  database: Database,
  options: { registry: string; current: number; from: readonly number[] | undefined; after: number; limit: number },
): Promise<RecordRow[]> {
  const { registry, current, from, after, limit } = options;
  const { sql } = database;
  const under = from ? sql`and v.definition_version = any(${from as number[]}::int[])` : sql``;
  const rows = await sql<FlatRow[]>`
    select ${rowColumns(sql)} from record r ${joinVersions(sql)}
    where r.registry = ${registry} and r.state = 'active' and r.first_index > ${after}
      and v.definition_version <> ${current} ${under}
    order by r.first_index limit ${limit}`;
  return rows.map((row) => toRow(row));
}
