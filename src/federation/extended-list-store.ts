// SQL of the extended list of subordinates: pages by entity identifier, and what has changed since a time. Knows no statement.
import type { Database } from "../storage/database.ts";
import { conditionOf, readSubordinates, type StoredSubordinate, type SubordinateFilter } from "./subordinate-store.ts";

export interface ExtendedListQuery extends SubordinateFilter {
  /** The first entity identifier of the page, or whatever comes after it. */
  readonly from?: string | undefined;
  /** Unix seconds: only what changed then or later, removals included. */
  readonly updatedAfter?: number | undefined;
  readonly limit: number;
}

export interface ListedSubordinate {
  readonly entity: string;
  /** Unix seconds; undefined where nothing but the removal is known. */
  readonly registeredAt: number | undefined;
  readonly updatedAt: number;
  /** Undefined where no statement is signed about it, or it is not of the list that was asked for. */
  readonly subordinate: StoredSubordinate | undefined;
}

interface Row {
  readonly entity: string;
  readonly registeredAt: string | null;
  readonly updatedAt: string;
  readonly isListed: boolean;
}

/** At most `limit` of them in the order of the database's text. */
export async function listExtended(
  database: Database,
  query: ExtendedListQuery,
  now: number,
): Promise<ListedSubordinate[]> {
  const { sql } = database;
  const { from, updatedAfter, limit } = query;
  const isListed = conditionOf(database, query, now);
  const after = from === undefined ? sql`` : sql`and entity >= ${from}`;
  // Who asks for changes may know an entity that has meanwhile left the list, so it is told of all that changed.
  const rows =
    updatedAfter === undefined
      ? await sql<Row[]>`
          select entity, accepted_at as "registeredAt", changed_at as "updatedAt", true as "isListed"
          from subordinate where ${isListed} ${after} order by entity limit ${limit}`
      : await sql<Row[]>`
          select * from (
            (select entity, accepted_at as "registeredAt", changed_at as "updatedAt", (${isListed}) as "isListed"
              from subordinate where changed_at >= ${updatedAfter} ${after} order by entity limit ${limit})
            union all
            (select entity, null, removed_at, false from former_subordinate
              where removed_at >= ${updatedAfter} ${after}
                and not exists (select from subordinate where subordinate.entity = former_subordinate.entity)
              order by entity limit ${limit})
          ) as changed order by entity limit ${limit}`;
  const listed = rows.filter((row) => row.isListed).map((row) => row.entity);
  const found = new Map((await readSubordinates(database, listed)).map((one) => [one.entity, one]));
  return rows.map((row) => ({
    entity: row.entity,
    registeredAt: row.registeredAt === null ? undefined : Number(row.registeredAt),
    updatedAt: Number(row.updatedAt),
    subordinate: found.get(row.entity),
  }));
}
