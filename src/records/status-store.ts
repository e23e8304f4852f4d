// SQL of the status lists: values, what changed since an entry of the log, and the signed lists. Knows no rule.
import { STATUS_LIST_ENTRIES } from "../limits.ts";
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { statusTokenTable } from "./record-table.ts";

export type StoredStatusToken = typeof statusTokenTable.$inferSelect;

/** `valuesIndex`: of the entry that changed a value of the list last; null where none ever changed. */
export interface StatusHead {
  readonly signed: StoredStatusToken | undefined;
  readonly valuesIndex: number | null;
}

export interface StatusChange {
  readonly index: number;
  readonly value: number;
  readonly logIndex: number;
}

const COLUMNS = `list, token, kid, values_index as "valuesIndex", log_index as "logIndex", signed_at as "signedAt"`;

/** These signed lists. */
export async function findStatusTokens(
  sql: Sql | Transaction,
  lists: readonly number[],
): Promise<Map<number, StoredStatusToken>> {
  const rows = await sql<StoredStatusToken[]>`
    select ${sql.unsafe(COLUMNS)} from status_token where list = any(${lists as number[]}::int8[])`;
  return new Map(rows.map((row) => [row.list, row]));
}

export async function findStatusHead(database: Database, list: number): Promise<StatusHead> {
  const { sql } = database;
  const [tokens, changes] = await Promise.all([
    findStatusTokens(sql, [list]),
    sql<
      { valuesIndex: number | null }[]
    >`select max(log_index) as "valuesIndex" from status_value where list = ${list}::int8`,
  ]);
  return { signed: tokens.get(list), valuesIndex: changes[0]!.valuesIndex };
}

/** The values of a list that entries after that of index `since` set, whatever they are now. Entries are committed in their order. */
export function listStatusChanges(
  database: Database,
  { list, since }: { list: number; since: number },
): Promise<readonly StatusChange[]> {
  return database.sql<StatusChange[]>`
    select index, value, log_index as "logIndex" from status_value where list = ${list}::int8 and log_index > ${since}`;
}

export async function replaceStatusToken(tx: Transaction, row: StoredStatusToken): Promise<void> {
  await tx`
    insert into status_token (list, token, kid, values_index, log_index, signed_at)
    values (${row.list}, ${row.token}, ${row.kid}, ${row.valuesIndex}, ${row.logIndex}, ${row.signedAt})
    on conflict (list) do update set token = excluded.token, kid = excluded.kid, values_index = excluded.values_index,
      log_index = excluded.log_index, signed_at = excluded.signed_at`;
}

/** Whether any version was given a place in this list. */
export async function hasStatusList(database: Database, list: number): Promise<boolean> {
  const rows = await database.sql<{ next: number }[]>`select next from counter where name = 'status'`;
  return rows[0] !== undefined && list >= 0 && list * STATUS_LIST_ENTRIES < Number(rows[0].next);
}
