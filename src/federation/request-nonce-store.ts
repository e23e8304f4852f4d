// SQL of the nonces of signed requests. Knows no rule.
import type { Database, Transaction } from "../storage/database.ts";
import type { requestNonceTable } from "./request-nonce-table.ts";

export type StoredNonce = typeof requestNonceTable.$inferSelect;

/** Whether the nonce was new: of many at once, exactly one is told so. */
export async function takeNonce(tx: Transaction | Database["sql"], row: StoredNonce): Promise<boolean> {
  const rows = await tx`
    insert into request_nonce (key_id, nonce, expires_at) values (${row.keyId}, ${row.nonce}, ${row.expiresAt})
    on conflict do nothing returning 1`;
  return rows.length === 1;
}

/** Removes nonces of requests that ended before `before` (Unix seconds). */
export async function deleteNonces(database: Database, { before }: { before: number }): Promise<void> {
  await database.sql`delete from request_nonce where expires_at < ${before}`;
}
