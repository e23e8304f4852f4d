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
  /** Of the erasure of one version, which. */
  readonly version: number | null;
  /** Whether it is told whatever consents there are: by a law, or because what was given is erased. */
  readonly isLawful: boolean;
}

/**
 * Changes after an entry of the log, in its order: of records that an active consent of the consumer's covers, that it was given by a law
 * that still names it, and erasures of all that it was ever given: of records, and of versions of which it was given fields. `laws`: registry and purpose, each with a line break between, of those laws.
 */
export async function listCoveredChanges(
  database: Database,
  options: { consumer: string; laws: readonly string[]; after: number; limit: number; now: number },
): Promise<StoredCoveredChange[]> {
  const { consumer, laws, after, limit, now } = options;
  return database.sql<StoredCoveredChange[]>`
    with covered as (
      select rid, bool_or(lawful) as lawful from (
        select unnest(rids) as rid, false as lawful from consent
        where consumer = ${consumer} and state = 'given' and starts_at <= ${now} and expires_at > ${now} and not (is_one_time and used is not null)
        union all
        select a.rid, true from access_receiver a join record r on r.rid = a.rid
        where a.consumer = ${consumer} and a.consent is null and r.registry || E'\n' || a.purpose = any(${laws as string[]})
      ) by_right group by rid
    ), given as (select distinct rid from access_receiver where consumer = ${consumer})
    select r.registry, c.rid, c.kind, c.operation, c.version, c.log_index as "logIndex", c.at, c.lawful as "isLawful" from (
      select rid, kind, operation, version, log_index, at, bool_or(lawful) as lawful from (
      select v.rid, 'version' as kind, case when v.version = 1 then 'create' else 'amend' end as operation, null::int as version, v.log_index, v.recorded_at as at, covered.lawful
      from record_version v join covered on covered.rid = v.rid where v.log_index > ${after}
      union all
      select s.rid, 'state', s.operation, s.erased_version, s.log_index, s.recorded_at, covered.lawful
      from record_state s join covered on covered.rid = s.rid where s.log_index > ${after} and s.operation <> 'erase'
      union all
      select s.rid, 'state', s.operation, s.erased_version, s.log_index, s.recorded_at, true
      from record_state s join given on given.rid = s.rid where s.log_index > ${after} and s.operation = 'erase'
      union all
      select s.rid, 'state', s.operation, s.erased_version, s.log_index, s.recorded_at, true
      from record_state s join access_version_receiver a on a.rid = s.rid and a.version = s.erased_version and a.consumer = ${consumer}
      where s.log_index > ${after} and s.operation = 'erase_version'
      ) told group by rid, kind, operation, version, log_index, at
    ) c join record r on r.rid = c.rid
    order by c.log_index limit ${limit}`;
}

/** Ids of the consumer's consents that, by their rows, cover one of these records. */
export async function listCoveringConsents(
  { sql }: Database,
  { consumer, rids }: { consumer: string; rids: readonly string[] },
): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select id from consent where consumer = ${consumer} and state = 'given' and rids && ${rids as string[]}::uuid[]`;
  return rows.map(({ id }) => id);
}

/** A consumer that was given fields of a record, or of a version of one, which is erased by now. */
export interface StoredNotice {
  readonly consumer: string;
  readonly rid: string;
  readonly registry: string;
  /** The erased version; null: the record. */
  readonly version: number | null;
  readonly attempts: number;
}

/** Takes notices that are due for sending, and puts them off until `retryAt` meanwhile. Two processes at once may both send one, which is taken once. */
export async function takeDueNotices(
  tx: Transaction,
  options: { now: number; limit: number; retryAt: (attempts: number) => number },
): Promise<StoredNotice[]> {
  const rows = await tx<StoredNotice[]>`
    select a.consumer, a.rid, r.registry, null::int as version, max(a.notice_attempts) as attempts
    from access_receiver a join record r on r.rid = a.rid and r.state = 'erased'
    where a.noticed_at is null and a.notice_after <= ${options.now}
    group by a.consumer, a.rid, r.registry
    union all
    select a.consumer, a.rid, r.registry, a.version, a.notice_attempts
    from access_version_receiver a join record r on r.rid = a.rid and r.state <> 'erased'
    join record_state s on s.rid = a.rid and s.erased_version = a.version
    where a.noticed_at is null and a.notice_after <= ${options.now}
    order by consumer, rid, version limit ${options.limit}`;
  for (const { consumer, rid, version, attempts } of rows) {
    const after = options.retryAt(attempts);
    if (version === null)
      await tx`
        update access_receiver set notice_attempts = ${attempts + 1}, notice_after = ${after}
        where consumer = ${consumer} and rid = ${rid}`;
    else
      await tx`
        update access_version_receiver set notice_attempts = ${attempts + 1}, notice_after = ${after}
        where consumer = ${consumer} and rid = ${rid} and version = ${version}`;
  }
  return rows;
}

export async function markNoticed(
  { sql }: Database,
  {
    consumer,
    notices,
    at,
  }: { consumer: string; notices: readonly Pick<StoredNotice, "rid" | "version">[]; at: number },
): Promise<void> {
  const whole = notices.flatMap(({ rid, version }) => (version === null ? [rid] : []));
  const parts = notices.filter((notice): notice is { rid: string; version: number } => notice.version !== null);
  if (whole.length > 0)
    await sql`update access_receiver set noticed_at = ${at} where consumer = ${consumer} and rid = any(${whole}::uuid[])`;
  if (parts.length > 0)
    await sql`
      update access_version_receiver a set noticed_at = ${at}
      from unnest(${parts.map(({ rid }) => rid)}::uuid[], ${parts.map(({ version }) => version)}::int[]) as item (rid, version)
      where a.consumer = ${consumer} and a.rid = item.rid and a.version = item.version`;
}
