// SQL of holds. Knows no rule: a row is locked by the lock of its record's row, which orders holds and erasures.
import type { Database, Transaction } from "../../storage/database.ts";

export interface StoredHold {
  readonly id: string;
  readonly rid: string;
  /** Unix seconds. */
  readonly until: number | null;
  readonly sealed: Uint8Array;
  readonly released: Uint8Array | null;
}

/** All holds of a record that stand, and the last ones of those that ended. */
export async function listHolds(database: Pick<Database, "sql"> | Transaction, rid: string): Promise<StoredHold[]> {
  const sql = typeof database === "function" ? (database as Transaction) : database.sql;
  return (sql as Transaction)<StoredHold[]>`
    select id, rid, until, sealed, released from record_hold where rid = ${rid}`;
}

/** Locks a record's row, so that it is neither erased nor held by anybody else meanwhile. */
export async function lockRecord(
  tx: Transaction,
  rid: string,
): Promise<{ state: string; sealedKey: Uint8Array | null } | undefined> {
  const rows = await tx<{ state: string; sealedKey: Uint8Array | null }[]>`
    select state, sealed_key as "sealedKey" from record where rid = ${rid} for update`;
  return rows[0];
}

export async function insertHold(tx: Transaction, { id, rid, until, sealed }: StoredHold): Promise<void> {
  await tx`insert into record_hold (id, rid, until, sealed) values (${id}, ${rid}, ${until}, ${Buffer.from(sealed)})`;
}

export async function releaseHold(
  tx: Transaction,
  { id, released }: { id: string; released: Uint8Array },
): Promise<void> {
  await tx`update record_hold set released = ${Buffer.from(released)} where id = ${id}`;
}

/** Ended ones alone: more than the last of these a record does not keep. */
export async function forgetHolds(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await tx`delete from record_hold where id = any(${ids as string[]}::uuid[])`;
}

/** Holds that nobody lifted, by rid, of records that are to be erased; their rows stay locked, so that none is placed before that is done. */
export async function readStanding(
  tx: Transaction,
  rids: readonly string[],
): Promise<ReadonlyMap<string, readonly { until: number | null }[]>> {
  const wanted = rids as string[];
  await tx`select 1 from record where rid = any(${wanted}::uuid[]) order by rid for update`;
  // A statement of its own: it sees what was committed while the locks were waited for.
  const rows = await tx<{ rid: string; until: number | null }[]>`
    select rid, until from record_hold where rid = any(${wanted}::uuid[]) and released is null`;
  const standing = new Map<string, { until: number | null }[]>();
  for (const { rid, until } of rows) standing.set(rid, [...(standing.get(rid) ?? []), { until }]);
  return standing;
}

/** With an erased record, whose key opens them no longer. */
export async function deleteHolds(tx: Transaction, rids: readonly string[]): Promise<void> {
  await tx`delete from record_hold where rid = any(${rids as string[]}::uuid[])`;
}
