// SQL of the generations of the sealing keys, and of how far the database goes by them. Knows no rule and opens nothing.
import { encodeBase64 } from "../../crypto/base64.ts";
import type { Database, Sql, Transaction } from "../../storage/database.ts";
import { FORMER_KEY_FIELD } from "../search/record-index.ts";
import type { StoredGeneration } from "./sealing-generation.ts";

/** `records` has one row per registry, the others one in all. */
export const SEALING_PARTS = ["records", "attachments", "proposals", "people", "consents"] as const;
export type SealingPart = (typeof SEALING_PARTS)[number];

export interface StoredProgress {
  readonly generation: number;
  readonly part: SealingPart;
  /** "" of a part that is not divided. */
  readonly registry: string;
  readonly position: string;
  readonly done: number;
  readonly total: number;
  readonly complete: boolean;
}

export async function findGeneration(sql: Sql | Transaction): Promise<StoredGeneration | undefined> {
  const [row] = await (sql as Sql)<StoredGeneration[]>`
    select generation, fingerprint, began_at as "beganAt", completed_at as "completedAt"
    from sealing_generation order by generation desc limit 1`;
  return row;
}

export async function insertGeneration(sql: Sql | Transaction, row: StoredGeneration): Promise<void> {
  await (sql as Sql)`
    insert into sealing_generation (generation, fingerprint, began_at, completed_at)
    values (${row.generation}, ${row.fingerprint}, ${row.beganAt}, ${row.completedAt}) on conflict (generation) do nothing`;
}

export async function completeGeneration(tx: Transaction, generation: number, at: number): Promise<void> {
  await tx`update sealing_generation set completed_at = ${at} where generation = ${generation}`;
}

export async function listProgress(sql: Sql | Transaction, generation: number): Promise<StoredProgress[]> {
  return (sql as Sql)<StoredProgress[]>`
    select generation, part, registry, position, done, total, complete from sealing_progress
    where generation = ${generation} order by part, registry`;
}

export async function lockProgress(
  tx: Transaction,
  { generation, part, registry }: Pick<StoredProgress, "generation" | "part" | "registry">,
): Promise<StoredProgress | undefined> {
  const [row] = await tx<StoredProgress[]>`
    select generation, part, registry, position, done, total, complete from sealing_progress
    where generation = ${generation} and part = ${part} and registry = ${registry} for update`;
  return row;
}

export async function saveProgress(sql: Sql | Transaction, row: StoredProgress): Promise<void> {
  await (sql as Sql)`
    insert into sealing_progress (generation, part, registry, position, done, total, complete)
    values (${row.generation}, ${row.part}, ${row.registry}, ${row.position}, ${row.done}, ${row.total}, ${row.complete})
    on conflict (generation, part, registry) do update set position = excluded.position, done = excluded.done,
      total = excluded.total, complete = excluded.complete`;
}

/** Begins the parts that are not begun, each with how much there is of it. */
export async function beginParts(sql: Sql | Transaction, generation: number): Promise<void> {
  await (sql as Sql)`
    insert into sealing_progress (generation, part, registry, position, done, total, complete)
    select ${generation}::int4, part, registry, '', 0, total, false from (
      select 'records' as part, registry, count(*)::int8 as total from record group by registry
      union all select 'attachments', '', count(*)::int8 from attachment
      union all select 'proposals', '', count(*)::int8 from proposal where sealed_key is not null
      union all select 'people', '', count(*)::int8 from access_subject
      union all select 'consents', '', count(*)::int8 from consent) parts
    on conflict do nothing`;
}

/** Erasures' statements of these records: they are sealed by the node's own key. */
export async function listErasureSeals(
  sql: Sql | Transaction,
  rids: readonly string[],
): Promise<{ rid: string; number: number; sealed: Uint8Array }[]> {
  return (sql as Sql)`
    select rid, number, sealed from record_state
    where rid = any(${rids as string[]}::uuid[]) and operation = 'erase' and sealed is not null`;
}

export interface RenewedRecords {
  readonly keys: readonly { readonly rid: string; readonly sealedKey: Uint8Array }[];
  readonly erasures: readonly { readonly rid: string; readonly number: number; readonly sealed: Uint8Array }[];
  /** Keyed hashes of unique keys that a record has, or had in former versions. */
  readonly digests: readonly {
    readonly rid: string;
    readonly firstIndex: number;
    readonly from: string;
    readonly to: string;
  }[];
}

/** Under the log's lock, which keeps the records still. */
export async function storeRenewedRecords(tx: Transaction, { keys, erasures, digests }: RenewedRecords): Promise<void> {
  if (keys.length > 0)
    await tx`
      update record r set sealed_key = decode(item.sealed, 'base64') from unnest(
        ${keys.map(({ rid }) => rid)}::uuid[], ${keys.map(({ sealedKey }) => encodeBase64(sealedKey))}::text[]) as item (rid, sealed)
      where r.rid = item.rid and r.sealed_key is not null`;
  for (const { rid, number, sealed } of erasures)
    await tx`update record_state set sealed = ${Buffer.from(sealed)} where rid = ${rid} and number = ${number}`;
  if (digests.length === 0) return;
  const from = digests.map((one) => one.from);
  const to = digests.map((one) => one.to);
  await tx`
    update record_key k set digest = item.new from unnest(
      ${from}::text[], ${to}::text[], ${digests.map(({ rid }) => rid)}::uuid[]) as item (old, new, rid)
    where k.digest = item.old and k.rid = item.rid`;
  await tx`
    update record_search s set value = item.new from unnest(
      ${from}::text[], ${to}::text[], ${digests.map(({ firstIndex }) => firstIndex)}::int8[]) as item (old, new, first_index)
    where s.first_index = item.first_index and s.field = ${FORMER_KEY_FIELD} and s.value = item.old`;
}

export interface WrappedAttachment {
  readonly key: string;
  readonly sealedKey: Uint8Array;
}

/** Files in the order of their keys, without what is in them. */
export async function listWrappedAttachments(
  database: Database,
  { after, limit }: { after: string; limit: number },
): Promise<WrappedAttachment[]> {
  return database.sql`
    select key, sealed_key as "sealedKey" from attachment where key > ${after} order by key limit ${limit}`;
}

/** Puts a file, with all that hold it, under another key. Under the log's lock; whether it still was there. */
export async function moveAttachment(
  tx: Transaction,
  from: string,
  to: { key: string; sealedKey: Uint8Array; sealedName: Uint8Array | null; sealed: Uint8Array },
): Promise<boolean> {
  const moved = await tx`
    insert into attachment (key, registry, media_type, bytes, sealed_key, sealed_name, sealed, held, created_at)
    select ${to.key}, registry, media_type, bytes, ${Buffer.from(to.sealedKey)}, ${to.sealedName && Buffer.from(to.sealedName)},
      ${Buffer.from(to.sealed)}, held, created_at
    from attachment where key = ${from}
    on conflict (key) do update set held = attachment.held or excluded.held`;
  if (moved.count === 0) return false;
  await tx`
    insert into attachment_hold (key, rid, open) select ${to.key}, rid, open from attachment_hold where key = ${from}
    on conflict (key, rid) do nothing`;
  await tx`delete from attachment_hold where key = ${from}`;
  await tx`delete from attachment where key = ${from}`;
  return true;
}

/** Proposals that have a key of their own, in the order of their ids. */
export async function listWrappedProposals(
  database: Database,
  { after, limit }: { after: string; limit: number },
): Promise<{ id: string; sealedKey: Uint8Array }[]> {
  return database.sql`
    select id, sealed_key as "sealedKey" from proposal
    where sealed_key is not null and id > ${after} order by id limit ${limit}`;
}

export async function storeProposalKeys(
  tx: Transaction,
  rows: readonly { readonly id: string; readonly was: Uint8Array; readonly sealedKey: Uint8Array }[],
): Promise<void> {
  for (const { id, was, sealedKey } of rows)
    await tx`update proposal set sealed_key = ${Buffer.from(sealedKey)} where id = ${id} and sealed_key = ${Buffer.from(was)}`;
}

export interface WrappedRecord {
  readonly rid: string;
  readonly registry: string;
  /** Null of one that was erased, which has a sealed statement of that. */
  readonly sealedKey: Uint8Array | null;
  readonly number: number | null;
  readonly sealed: Uint8Array | null;
}

/** Records in the order of their rids, with what only the node's key opens. */
export async function listWrappedRecords(
  database: Database,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<WrappedRecord[]> {
  return database.sql`
    select r.rid, r.registry, r.sealed_key as "sealedKey", s.number, s.sealed
    from (select * from record where ${after ?? null}::uuid is null or rid > ${after ?? null}::uuid order by rid limit ${limit}) r
    left join record_state s on s.rid = r.rid and s.operation = 'erase' order by r.rid`;
}

/**
 * Keyed hashes that nobody can make anew, of requests up to a time: Idempotency-Keys, and budgets of questions. `until`: when the last of
 * them has passed.
 */
export async function findPassing(
  sql: Sql | Transaction,
  times: { upTo: number; now: number; requestSeconds: number; budgetSeconds: number },
): Promise<{ count: number; until: number | null }> {
  const { upTo, now, requestSeconds, budgetSeconds } = times;
  const [row] = await (sql as Sql)<{ count: number; until: number | null }[]>`
    select count(*)::int8 as count, max(ends_at)::int8 as until from (
      select created_at + ${requestSeconds}::int8 as ends_at from idempotency where created_at <= ${upTo}
      union all select created_at + ${requestSeconds}::int8 from proposal where digest is not null and created_at <= ${upTo}
      union all select window_start + ${budgetSeconds}::int8 from answer_budget where window_start <= ${upTo}
    ) passing where ends_at > ${now}`;
  return row!;
}

/** Forgets under which Idempotency-Key these proposals were made; their day is over. */
export async function forgetProposalRequests(tx: Transaction, { before }: { before: number }): Promise<void> {
  await tx`update proposal set digest = null, request = null where digest is not null and created_at <= ${before}`;
}
