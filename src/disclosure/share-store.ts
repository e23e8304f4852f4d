// SQL of what people share. Knows no rule.
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { ShareFacts } from "./share.ts";

export interface StoredShare extends ShareFacts {
  readonly subject: string;
  readonly logIndex: number;
  readonly sealed: Uint8Array;
}

function columns(sql: Sql | Transaction) {
  return sql`id, subject, registry, rid, created_at as "createdAt", expires_at as "expiresAt", is_one_time as "isOneTime",
    ended_at as "endedAt", wrong_codes as "wrongCodes", openings, used, log_index as "logIndex", sealed`;
}

export async function findShares(sql: Sql | Transaction, ids: readonly string[]): Promise<Map<string, StoredShare>> {
  if (ids.length === 0) return new Map();
  const rows = await sql<StoredShare[]>`select ${columns(sql)} from share where id = any(${ids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row]));
}

/** Nobody else tries a code, or opens it, until the transaction is over. */
export async function lockShare(tx: Transaction, id: string): Promise<StoredShare | undefined> {
  const [row] = await tx<StoredShare[]>`select ${columns(tx)} from share where id = ${id}::uuid for update`;
  return row;
}

/** Of these people, newest first. */
export async function listSharesOf(
  database: Database,
  { subjects, limit }: { readonly subjects: readonly string[]; readonly limit: number },
): Promise<StoredShare[]> {
  const { sql } = database;
  return sql<StoredShare[]>`
    select ${columns(sql)} from share where subject = any(${subjects as string[]}::uuid[])
    order by created_at desc, id limit ${limit}`;
}

/** How many of a person's may still be opened, as far as time and the person say. */
export async function countOpenShares(
  database: Database,
  { subject, now }: { readonly subject: string; readonly now: number },
): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*) as count from share where subject = ${subject}::uuid and ended_at is null and expires_at > ${now}`;
  return row!.count;
}

export async function insertShare(tx: Transaction, row: StoredShare): Promise<void> {
  await tx`
    insert into share (id, subject, registry, rid, created_at, expires_at, is_one_time, log_index, sealed)
    values (${row.id}, ${row.subject}, ${row.registry}, ${row.rid}, ${row.createdAt}, ${row.expiresAt}, ${row.isOneTime},
      ${row.logIndex}, ${Buffer.from(row.sealed)})`;
}

export async function endShare(
  tx: Transaction,
  { id, endedAt, logIndex }: { readonly id: string; readonly endedAt: number; readonly logIndex: number },
): Promise<void> {
  await tx`update share set ended_at = ${endedAt}, log_index = ${logIndex} where id = ${id}`;
}

/** `used`: by which reading; of one for one time the first one stays. */
export async function countOpening(
  tx: Transaction,
  { id, used }: { readonly id: string; readonly used: string },
): Promise<void> {
  await tx`
    update share set openings = openings + 1, used = case when is_one_time then coalesce(used, ${used}) else used end
    where id = ${id}`;
}

export async function countWrongCode(tx: Transaction, id: string): Promise<void> {
  await tx`update share set wrong_codes = wrong_codes + 1 where id = ${id}::uuid`;
}
