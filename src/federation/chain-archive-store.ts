// SQL of the archived chains. Knows no rule.
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { chainArchiveTable } from "./chain-archive-table.ts";

export type StoredChain = typeof chainArchiveTable.$inferSelect;

const COLUMNS = `log_index as "logIndex", digest, text, archived_at as "archivedAt"`;

export async function findNewestChain(sql: Sql | Transaction): Promise<StoredChain | undefined> {
  const rows = await sql<StoredChain[]>`
    select ${sql.unsafe(COLUMNS)} from chain_archive order by log_index desc limit 1`;
  return rows[0];
}

/** The newest one with this digest. */
export async function findChainByDigest(database: Database, digest: string): Promise<StoredChain | undefined> {
  const { sql } = database;
  const rows = await sql<StoredChain[]>`
    select ${sql.unsafe(COLUMNS)} from chain_archive where digest = ${digest} order by log_index desc limit 1`;
  return rows[0];
}

/** The last one that the log had before its entry of that index. */
export async function findChainBefore(database: Database, logIndex: number): Promise<StoredChain | undefined> {
  const { sql } = database;
  const rows = await sql<StoredChain[]>`
    select ${sql.unsafe(COLUMNS)} from chain_archive where log_index < ${logIndex} order by log_index desc limit 1`;
  return rows[0];
}

/** The last one archived at or before a time. */
export async function findChainAt(database: Database, at: number): Promise<StoredChain | undefined> {
  const { sql } = database;
  const rows = await sql<StoredChain[]>`
    select ${sql.unsafe(COLUMNS)} from chain_archive where archived_at <= ${at} order by archived_at desc, log_index desc limit 1`;
  return rows[0];
}

/** Newest first, from before a log index on; without their statements. */
export async function listChains(
  database: Database,
  page: { readonly before: number; readonly limit: number },
): Promise<Omit<StoredChain, "text">[]> {
  return database.sql<Omit<StoredChain, "text">[]>`
    select log_index as "logIndex", digest, archived_at as "archivedAt" from chain_archive
    where log_index < ${page.before} order by log_index desc limit ${page.limit}`;
}

export async function insertChain(tx: Transaction, row: StoredChain): Promise<void> {
  await tx`
    insert into chain_archive (log_index, digest, text, archived_at)
    values (${row.logIndex}, ${row.digest}, ${row.text}, ${row.archivedAt})`;
}
