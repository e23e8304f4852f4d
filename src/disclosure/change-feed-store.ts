// SQL of what consumers are told of records that they read: changes without content, and who has not taken the notice of an erasure yet. Knows no rule.
import type { Database, Transaction } from "../storage/database.ts";

/** A change of a covered record. `logIndex`: of its entry in the records log, by which changes are ordered. */
export interface StoredCoveredChange {
  readonly registry: string;
  readonly rid: string;
  readonly kind: "version" | "state";
  readonly operation: string;
  readonly logIndex: number;
  readonly at: number;
}

/**
 * Changes after an entry of the log, in its order: of records that an active consent of the consumer's covers, that it was given by a law
 * that still names it, and erasures of all that it was ever given. `laws`: registry and purpose, each with a line break between, of those laws.
 */
export async function listCoveredChanges(
  database: Database,
  options: { consumer: string; laws: readonly string[]; after: number; limit: number; now: number },
): Promise<StoredCoveredChange[]> {
  const { consumer, laws, after, limit, now } = options;
  return database.sql<StoredCoveredChange[]>`
    with covered as (
      select unnest(rids) as rid from consent
      where consumer = ${consumer} and state = 'given' and starts_at <= ${now} and expires_at > ${now} and not (is_one_time and used is not null)
      union
      select a.rid from access_receiver a join record r on r.rid = a.rid
      where a.consumer = ${consumer} and a.consent is null and r.registry || E'\n' || a.purpose = any(${laws as string[]})
    ), given as (select distinct rid from access_receiver where consumer = ${consumer})
    select r.registry, c.rid, c.kind, c.operation, c.log_index as "logIndex", c.at from (
      select v.rid, 'version' as kind, case when v.version = 1 then 'create' else 'amend' end as operation, v.log_index, v.recorded_at as at
      from record_version v join covered on covered.rid = v.rid where v.log_index > ${after}
      union all
      select s.rid, 'state', s.operation, s.log_index, s.recorded_at
      from record_state s join covered on covered.rid = s.rid where s.log_index > ${after} and s.operation <> 'erase'
      union all
      select s.rid, 'state', s.operation, s.log_index, s.recorded_at
      from record_state s join given on given.rid = s.rid where s.log_index > ${after} and s.operation = 'erase'
    ) c join record r on r.rid = c.rid
    order by c.log_index limit ${limit}`;
}

/** A consumer that was given fields of a record which is erased by now. */
export interface StoredNotice {
  readonly consumer: string;
  readonly rid: string;
  readonly registry: string;
  readonly attempts: number;
}

/** Takes notices that are due for sending, and puts them off until `retryAt` meanwhile. Two processes at once may both send one, which is taken once. */
export async function takeDueNotices(
  tx: Transaction,
  options: { now: number; limit: number; retryAt: (attempts: number) => number },
): Promise<StoredNotice[]> {
  const rows = await tx<StoredNotice[]>`
    select a.consumer, a.rid, r.registry, max(a.notice_attempts) as attempts
    from access_receiver a join record r on r.rid = a.rid and r.state = 'erased'
    where a.noticed_at is null and a.notice_after <= ${options.now}
    group by a.consumer, a.rid, r.registry order by a.consumer, a.rid limit ${options.limit}`;
  for (const { consumer, rid, attempts } of rows)
    await tx`
      update access_receiver set notice_attempts = ${attempts + 1}, notice_after = ${options.retryAt(attempts)}
      where consumer = ${consumer} and rid = ${rid}`;
  return rows;
}

export async function markNoticed(
  database: Database,
  { consumer, rids, at }: { consumer: string; rids: readonly string[]; at: number },
): Promise<void> {
  await database.sql`
    update access_receiver set noticed_at = ${at} where consumer = ${consumer} and rid = any(${rids as string[]}::uuid[])`;
}
