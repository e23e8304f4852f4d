// SQL of the counts that are kept. Knows no rule; index-row-store.ts keeps them.
import type { Database } from "../../storage/database.ts";
import { STATE_STATISTIC } from "./record-index.ts";

export interface StoredCount {
  readonly name: string;
  readonly cell: string;
  readonly count: number;
  readonly label: string;
}

/** The counts of these tables, at most `limit` cells of all together; nought is not among them. */
export async function listCounts(
  database: Database,
  options: { registry: string; names: readonly string[]; limit: number },
): Promise<StoredCount[]> {
  return database.sql<StoredCount[]>`
    select name, cell, count, label from record_statistic
    where registry = ${options.registry} and name = any(${options.names as string[]}) and count > 0
    order by name, cell limit ${options.limit}`;
}

/** Records of each registry in all states but erased. */
export async function countRecords(database: Database): Promise<Map<string, number>> {
  const rows = await database.sql<{ registry: string; count: number }[]>`
    select registry, sum(count)::int8 as count from record_statistic where name = ${STATE_STATISTIC} and cell <> 'erased' group by registry`;
  return new Map(rows.map((row) => [row.registry, Number(row.count)]));
}
