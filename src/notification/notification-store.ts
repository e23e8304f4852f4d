// SQL of notifications: choices, what is due, deliveries, gateways. Knows no rule.
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { NotificationKind } from "./notification.ts";

/** Something that a person is to be told. `dueAt`: not before; 0: at once. */
export interface DueNotification {
  readonly subject: string;
  readonly kind: NotificationKind;
  readonly dueAt: number;
}

export interface GatheredNotification extends DueNotification {
  readonly count: number;
}

export interface StoredDelivery {
  readonly id: number;
  readonly jti: string;
  readonly subject: string;
  readonly kind: NotificationKind;
  readonly url: string;
  readonly count: number;
  readonly createdAt: number;
  readonly attempts: number;
}

/** A gateway as its operator sees it. */
export interface GatewayState {
  readonly url: string;
  readonly waiting: number;
  readonly delivered: number;
  readonly givenUp: number;
  readonly lastSuccessAt: number | null;
  readonly lastFailureAt: number | null;
  readonly lastFailure: string | null;
}

/** In the transaction of what it tells; further ones of a kind are counted. In one order, so that no two wait for each other. */
export async function noteDue(tx: Transaction, due: readonly DueNotification[]): Promise<void> {
  await tx`
    insert into notification_due (subject, kind, due_at, count)
    select subject, kind, due_at, count(*) from unnest(
      ${due.map(({ subject }) => subject)}::uuid[], ${due.map(({ kind }) => kind)}::text[],
      ${due.map(({ dueAt }) => dueAt)}::bigint[]) as row (subject, kind, due_at)
    group by subject, kind, due_at order by subject, kind, due_at
    on conflict (subject, kind, due_at) do update set count = notification_due.count + excluded.count`;
}

/** The same of people who are known by their keyed hashes, as far as they want to be told anything. */
export async function noteDueOf(
  tx: Transaction,
  { digests, kind }: { digests: readonly string[]; kind: NotificationKind },
): Promise<void> {
  await tx`
    insert into notification_due (subject, kind, due_at, count)
    select id, ${kind}, 0, 1 from access_subject where digest = any(${digests as string[]}) and is_notified order by id
    on conflict (subject, kind, due_at) do update set count = notification_due.count + 1`;
}

/** The same of one who is known by the row's id. */
export async function noteDueFor(tx: Transaction, subject: string, kind: NotificationKind): Promise<void> {
  await tx`
    insert into notification_due (subject, kind, due_at, count)
    select id, ${kind}, 0, 1 from access_subject where id = ${subject}::uuid and is_notified
    on conflict (subject, kind, due_at) do update set count = notification_due.count + 1`;
}

export async function findChoices(
  sql: Sql | Transaction,
  subjects: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const rows = await sql<{ subject: string; sealed: Uint8Array }[]>`
    select subject, sealed from notification_choice where subject = any(${subjects as string[]}::uuid[])`;
  return new Map(rows.map(({ subject, sealed }) => [subject, sealed]));
}

export async function storeChoice(
  tx: Transaction,
  { subject, sealed }: { subject: string; sealed: Uint8Array },
): Promise<void> {
  await tx`
    insert into notification_choice (subject, sealed) values (${subject}::uuid, ${Buffer.from(sealed)})
    on conflict (subject) do update set sealed = excluded.sealed`;
  await tx`update access_subject set is_notified = true where id = ${subject}::uuid`;
}

/** What waits for these people is not told any more. */
export async function deleteChoices(tx: Transaction, subjects: readonly string[]): Promise<void> {
  const ids = subjects as string[];
  await tx`update access_subject set is_notified = false where id = any(${ids}::uuid[])`;
  await tx`delete from notification_choice where subject = any(${ids}::uuid[])`;
  await tx`delete from notification_due where subject = any(${ids}::uuid[])`;
  await tx`delete from notification_delivery where subject = any(${ids}::uuid[]) and delivered_at is null`;
}

/** Takes what is due, away from every other process, but for what of its kind was told the person after `toldSince`. */
export async function takeDue(
  tx: Transaction,
  { now, toldSince, limit }: { now: number; toldSince: number; limit: number },
): Promise<GatheredNotification[]> {
  const rows = await tx<GatheredNotification[]>`
    select subject, kind, due_at as "dueAt", count from notification_due d
    where due_at <= ${now} and not exists (
      select 1 from notification_delivery t
      where t.subject = d.subject and t.kind = d.kind and t.created_at > ${toldSince})
    order by due_at, subject, kind limit ${limit} for update skip locked`;
  await tx`
    delete from notification_due d using unnest(
      ${rows.map(({ subject }) => subject)}::uuid[], ${rows.map(({ kind }) => kind)}::text[],
      ${rows.map(({ dueAt }) => dueAt)}::bigint[]) as taken (subject, kind, due_at)
    where d.subject = taken.subject and d.kind = taken.kind and d.due_at = taken.due_at`;
  return rows;
}

/** New deliveries; where one of its kind still waits for the same gateway and person, that one tells of more. */
export async function addDeliveries(
  tx: Transaction,
  deliveries: readonly Omit<StoredDelivery, "id" | "attempts">[],
): Promise<void> {
  const rows = tx`
    unnest(
      ${deliveries.map(({ jti }) => jti)}::uuid[], ${deliveries.map(({ subject }) => subject)}::uuid[],
      ${deliveries.map(({ kind }) => kind)}::text[], ${deliveries.map(({ url }) => url)}::text[],
      ${deliveries.map(({ count }) => count)}::int[], ${deliveries.map(({ createdAt }) => createdAt)}::bigint[])
      with ordinality as row (jti, subject, kind, url, count, created_at, place)`;
  await tx`
    with waiting as (
      select distinct on (row.jti) d.id, row.jti, row.count from ${rows}
      join notification_delivery d on d.subject = row.subject and d.kind = row.kind and d.url = row.url and d.delivered_at is null
      order by row.jti, d.id desc
    ), locked as (
      select d.id, w.jti, w.count from waiting w join notification_delivery d on d.id = w.id for update of d skip locked
    ), merged as (
      update notification_delivery d set count = d.count + locked.count from locked where d.id = locked.id returning locked.jti
    )
    insert into notification_delivery (jti, subject, kind, url, count, created_at, next_at)
    select jti, subject, kind, url, count, created_at, 0 from ${rows}
    where jti not in (select jti from merged) order by place`;
}

export async function countWaiting(sql: Sql | Transaction): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*) as count from notification_delivery where delivered_at is null`;
  return row!.count;
}

/** Takes deliveries for sending and puts each off meanwhile. Of one person only the first that waits: the order is kept. */
export async function takeDeliveries(
  tx: Transaction,
  options: { url: string; now: number; limit: number; retryAt: (attempts: number) => number },
): Promise<StoredDelivery[]> {
  const { url, now, limit, retryAt } = options;
  const rows = await tx<StoredDelivery[]>`
    select id, jti, subject, kind, url, count, created_at as "createdAt", attempts from notification_delivery d
    where url = ${url} and delivered_at is null and next_at <= ${now} and not exists (
      select 1 from notification_delivery b
      where b.subject = d.subject and b.url = d.url and b.delivered_at is null and b.id < d.id)
    order by id limit ${limit} for update skip locked`;
  if (rows.length > 0)
    await tx`
      update notification_delivery d set attempts = d.attempts + 1, next_at = t.next_at
      from unnest(${rows.map(({ id }) => id)}::bigint[], ${rows.map(({ attempts }) => retryAt(attempts))}::bigint[]) as t (id, next_at)
      where d.id = t.id`;
  return rows;
}

/** What came of deliveries, and what the gateway's operator is shown of it. `gone`: given up, or nobody wants it any more. */
export async function storeOutcomes(
  tx: Transaction,
  outcome: {
    url: string;
    at: number;
    delivered: readonly { readonly id: number; readonly count: number }[];
    /** What was added to one while it was sent is told no earlier. */
    restAt: number;
    gone: readonly number[];
    givenUp: number;
    failure: string | undefined;
  },
): Promise<void> {
  const { url, at, delivered, restAt, gone, givenUp, failure } = outcome;
  await tx`
    update notification_delivery d set delivered_at = case when d.count = told.count then ${at}::bigint end,
      count = case when d.count = told.count then d.count else d.count - told.count end,
      jti = case when d.count = told.count then d.jti else gen_random_uuid() end,
      created_at = case when d.count = told.count then d.created_at else ${at}::bigint end, attempts = 0, next_at = ${restAt}
    from unnest(${delivered.map(({ id }) => id)}::bigint[], ${delivered.map(({ count }) => count)}::int[]) as told (id, count)
    where d.id = told.id`;
  await tx`delete from notification_delivery where id = any(${gone as number[]}::bigint[])`;
  const succeededAt = delivered.length > 0 ? at : null;
  const failedAt = failure === undefined ? null : at;
  await tx`
    insert into notification_gateway as g (url, delivered, given_up, last_success_at, last_failure_at, last_failure)
    values (${url}, ${delivered.length}, ${givenUp}, ${succeededAt}, ${failedAt}, ${failure ?? null})
    on conflict (url) do update set
      delivered = g.delivered + excluded.delivered, given_up = g.given_up + excluded.given_up,
      last_success_at = coalesce(excluded.last_success_at, g.last_success_at),
      last_failure_at = coalesce(excluded.last_failure_at, g.last_failure_at),
      last_failure = coalesce(excluded.last_failure, g.last_failure)`;
}

/** Forgets deliveries that were made before, and those for gateways that the node has no more. */
export async function sweepDeliveries(
  database: Database,
  { deliveredBefore, urls }: { deliveredBefore: number; urls: readonly string[] },
): Promise<void> {
  await database.sql`
    delete from notification_delivery
    where (delivered_at is not null and created_at <= ${deliveredBefore}) or not url = any(${urls as string[]})`;
}

/** Of a node that has no gateway any more. */
export async function forgetWaiting(database: Database): Promise<void> {
  await database.sql`delete from notification_delivery`;
  await database.sql`delete from notification_due`;
}

export async function listGatewayStates(database: Database, urls: readonly string[]): Promise<GatewayState[]> {
  return database.sql<GatewayState[]>`
    select u.url, coalesce(g.delivered, 0) as delivered, coalesce(g.given_up, 0) as "givenUp",
      g.last_success_at as "lastSuccessAt", g.last_failure_at as "lastFailureAt", g.last_failure as "lastFailure",
      (select count(*) from notification_delivery d where d.url = u.url and d.delivered_at is null) as waiting
    from unnest(${urls as string[]}::text[]) with ordinality as u (url, place)
    left join notification_gateway g on g.url = u.url order by u.place`;
}
