// What erasing a record destroys, and which records were erased. SQL only: the statement and the log entry are written by record-write-store.ts.
import { eraseProposals } from "../../approval/proposal-store.ts";
import type { Database, Transaction } from "../../storage/database.ts";
import { deleteAttachmentsOf } from "../attachments/attachment-store.ts";
import { unwatchReferences } from "../references/reference-watch-store.ts";

/** Stands in place of a request of which nothing is kept any more; the digest of none. */
export const ERASED_REQUEST = "";

/** An erasure as the ledger outside the database keeps it; nothing in it is personal. */
export interface Erasure {
  readonly rid: string;
  readonly registry: string;
  /** Unix seconds. */
  readonly at: number;
  readonly logIndex: number;
}

/**
 * Destroys the content of these records, before their last statement is stored: key, tokens, sealed parts of versions and statements,
 * everything they are found by, and what was asked in requests that made them. What stays says only that there was a record.
 */
export async function eraseContent(tx: Transaction, rids: readonly string[]): Promise<void> {
  const erased = rids as string[];
  await Promise.all([
    tx`update record set sealed_key = null, identifier = null where rid = any(${erased}::uuid[])`,
    tx`update record_version set jwt = null, sealed = null, valid_from = null, valid_until = null where rid = any(${erased}::uuid[])`,
    tx`update record_state set sealed = null where rid = any(${erased}::uuid[])`,
    unwatchReferences(tx, rids),
    // The key stays for its day: a request that is sent once more must not bring the record back.
    tx`update idempotency set request = ${ERASED_REQUEST} where rid = any(${erased}::uuid[])`,
    eraseProposals(tx, rids),
    ...erased.map((rid) => deleteAttachmentsOf(tx, rid)),
  ]);
}

/** The erasure of a record, if it was erased. */
export async function findErasure(database: Database, rid: string): Promise<Erasure | undefined> {
  const rows = await database.sql<Erasure[]>`
    select s.rid, r.registry, s.recorded_at as at, s.log_index as "logIndex"
    from record_state s join record r on r.rid = s.rid
    where s.rid = ${rid} and s.operation = 'erase'`;
  return rows[0];
}

/** A page of the erasures in the order of the log, after the log index `after`. */
export async function listErasures(
  database: Database,
  options: { after: number; limit: number },
): Promise<readonly Erasure[]> {
  return database.sql<Erasure[]>`
    select s.rid, r.registry, s.recorded_at as at, s.log_index as "logIndex"
    from record_state s join record r on r.rid = s.rid
    where s.operation = 'erase' and s.log_index > ${options.after} order by s.log_index limit ${options.limit}`;
}
