// SQL of the key events. Knows no rule.
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { keyEventTable } from "./key-event-table.ts";

export type StoredKeyEvent = typeof keyEventTable.$inferSelect;

/** Which of these digests are there. */
export async function findKeyEvents(sql: Sql | Transaction, digests: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ digest: string }[]>`select digest from key_event where digest = any(${[...digests]})`;
  return new Set(rows.map(({ digest }) => digest));
}

/** In the order of the log, the newest `limit` of them. */
export async function listKeyEvents(database: Database, limit: number): Promise<StoredKeyEvent[]> {
  const rows = await database.sql<StoredKeyEvent[]>`
    select digest, text, log_index as "logIndex", recorded_at as "recordedAt" from key_event
    order by log_index desc limit ${limit}`;
  return [...rows].reverse();
}

export async function insertKeyEvent(tx: Transaction, row: StoredKeyEvent): Promise<void> {
  await tx`
    insert into key_event (digest, text, log_index, recorded_at)
    values (${row.digest}, ${row.text}, ${row.logIndex}, ${row.recordedAt})`;
}
