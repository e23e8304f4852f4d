// SQL of the records whose references were accepted unverified: which are due, and what was found. Holds no reference itself.

import type { ErrorDetail } from "../../errors.ts";
import type { Database, Transaction } from "../../storage/database.ts";
import type { JurisdictionMark } from "../record-sight.ts";
import { hasMark } from "../search/record-search-store.ts";

/** pending: not checked yet. unreachable: a home node could not be asked. */
export const WATCH_STATES = ["pending", "verified", "dangling", "unreachable"] as const;
export type WatchState = (typeof WATCH_STATES)[number];

export interface WatchedRecord {
  readonly rid: string;
  readonly registry: string;
  readonly version: number;
  readonly attempts: number;
}

export interface WatchReport extends WatchedRecord {
  readonly state: WatchState;
  readonly faults: readonly ErrorDetail[];
  readonly checkedAt: number | null;
  readonly nextCheckAt: number;
}

/** Notes that the references of these versions are to be verified. */
export async function watchReferences(
  tx: Transaction,
  versions: readonly { rid: string; registry: string; version: number; recordedAt: number }[],
): Promise<void> {
  await tx`
    insert into reference_watch (rid, registry, version, state, faults, attempts, next_check_at)
    select rid, registry, version, 'pending', '[]'::jsonb, 0, recorded_at
    from unnest(
      ${versions.map(({ rid }) => rid)}::uuid[], ${versions.map(({ registry }) => registry)}::text[],
      ${versions.map(({ version }) => version)}::int[], ${versions.map(({ recordedAt }) => recordedAt)}::int8[]
    ) as item (rid, registry, version, recorded_at)
    on conflict (rid) do update set version = excluded.version, state = 'pending', faults = excluded.faults,
      attempts = 0, checked_at = null, next_check_at = excluded.next_check_at`;
}

export async function unwatchReferences(
  database: { sql: Database["sql"] } | Transaction,
  rids: readonly string[],
  version?: number,
): Promise<void> {
  const sql = "sql" in database && typeof database !== "function" ? database.sql : (database as Transaction);
  await sql`delete from reference_watch where rid = any(${rids as string[]}::uuid[])
    and version = coalesce(${version ?? null}::int, version)`;
}

/** Takes up to `limit` records that are due, and puts them off until `leaseUntil`, so that no other process takes them meanwhile. */
export async function takeDueRecords(
  database: Database,
  options: { now: number; leaseUntil: number; limit: number },
): Promise<WatchedRecord[]> {
  const { now, leaseUntil, limit } = options;
  return database.sql<WatchedRecord[]>`
    update reference_watch set next_check_at = ${leaseUntil}
    where rid in (
      select rid from reference_watch where next_check_at <= ${now} order by next_check_at limit ${limit} for update skip locked)
    returning rid, registry, version, attempts`;
}

/** Stores what was found of the references of a version, unless another version has come meanwhile. */
export async function reportReferences(
  database: Database,
  reports: readonly Omit<WatchReport, "registry">[],
): Promise<void> {
  await database.sql`
    update reference_watch w set state = item.state, faults = item.faults::jsonb, attempts = item.attempts,
      checked_at = item.checked_at, next_check_at = item.next_check_at
    from unnest(
      ${reports.map(({ rid }) => rid)}::uuid[], ${reports.map(({ version }) => version)}::int[],
      ${reports.map(({ state }) => state)}::text[], ${reports.map(({ faults }) => JSON.stringify(faults))}::text[],
      ${reports.map(({ attempts }) => attempts)}::int2[], ${reports.map(({ checkedAt }) => checkedAt)}::int8[],
      ${reports.map(({ nextCheckAt }) => nextCheckAt)}::int8[]
    ) as item (rid, version, state, faults, attempts, checked_at, next_check_at)
    where w.rid = item.rid and w.version = item.version`;
}

/** A page of a registry's records in this state, by rid, after the rid `after`. */
export async function listWatched(
  database: Database,
  options: {
    registry: string;
    state: WatchState;
    /** Marks that the records must have. */
    within: readonly JurisdictionMark[] | undefined;
    after: string | undefined;
    limit: number;
  },
): Promise<WatchReport[]> {
  const { registry, state, within = [], after, limit } = options;
  const { sql } = database;
  const marked = within.map((mark) => sql`and ${hasMark(sql, mark)}`).reduce((all, one) => sql`${all} ${one}`, sql``);
  return sql<WatchReport[]>`
    select rid, registry, version, state, faults, attempts, checked_at as "checkedAt", next_check_at as "nextCheckAt"
    from reference_watch
    where registry = ${registry} and state = ${state} ${after === undefined ? sql`` : sql`and rid > ${after}::uuid`}
      and exists (select 1 from record r where r.rid = reference_watch.rid ${marked})
    order by rid limit ${limit}`;
}

/** How many records of a registry are in each state; states without records are left out. */
export async function countWatched(database: Database, registry: string): Promise<Partial<Record<WatchState, number>>> {
  const rows = await database.sql<{ state: WatchState; count: number }[]>`
    select state, count(*)::int8 as count from reference_watch where registry = ${registry} group by state`;
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
}
