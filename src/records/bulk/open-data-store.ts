// SQL of the published sets of open data. Knows no rule.
import type { Database } from "../../storage/database.ts";

export interface OpenDataSet {
  readonly registry: string;
  readonly logSize: number;
  readonly definitionVersion: number;
  readonly manifest: string;
  readonly createdAt: number;
}

/** The last set of a registry, or the one as of `logSize`. */
export async function findSet(
  database: Database,
  { registry, logSize }: { registry: string; logSize?: number },
): Promise<OpenDataSet | undefined> {
  const { sql } = database;
  const rows = await sql<OpenDataSet[]>`
    select registry, log_size as "logSize", definition_version as "definitionVersion", manifest, created_at as "createdAt"
    from open_data where registry = ${registry} ${logSize === undefined ? sql`` : sql`and log_size = ${logSize}`}
    order by log_size desc limit 1`;
  return rows[0];
}

/** Keeps a set, unless another process made the same one first, and lets go of the oldest beyond `keep`. */
export async function insertSet(database: Database, set: OpenDataSet, { keep }: { keep: number }): Promise<void> {
  await database.sql`
    insert into open_data (registry, log_size, definition_version, manifest, created_at)
    values (${set.registry}, ${set.logSize}, ${set.definitionVersion}, ${set.manifest}, ${set.createdAt})
    on conflict do nothing`;
  await database.sql`
    delete from open_data where registry = ${set.registry} and log_size < (
      select min(log_size) from (
        select log_size from open_data where registry = ${set.registry} order by log_size desc limit ${keep}) kept)`;
}

/** Log index of the last thing recorded about a registry's records; -1: nothing. */
export async function findLastChange(database: Database, registry: string): Promise<number> {
  const rows = await database.sql<{ last: number }[]>`
    select greatest(
      coalesce((select max(v.log_index) from record_version v join record r using (rid) where r.registry = ${registry}), -1),
      coalesce((select max(s.log_index) from record_state s join record r using (rid) where r.registry = ${registry}), -1)
    ) as last`;
  return Number(rows[0]?.last ?? -1);
}
