// SQL of the access log: people, events, receivers. Knows no rule.
import { encodeBase64 } from "../crypto/base64.ts";
import type { Database, Sql, Transaction } from "../storage/database.ts";

export interface StoredSubject {
  readonly id: string;
  readonly digest: string;
  readonly sealedKey: Uint8Array;
  readonly sealed: Uint8Array;
}

/** Where a person's chains end. */
export interface ChainHeads {
  readonly id: string;
  readonly count: number;
  readonly lastDigest: string | null;
  readonly delayedCount: number;
  readonly delayedLastDigest: string | null;
}

/** The same under the log's lock; `isNotified`: the person wants to be told of something. */
export interface LockedHeads extends ChainHeads {
  readonly isNotified: boolean;
}

/** `at`, `shownFrom`: Unix seconds. */
export interface StoredEvent {
  readonly logIndex: number;
  readonly subject: string;
  readonly isDelayed: boolean;
  readonly number: number;
  readonly operation: string;
  readonly commitment: string;
  readonly request: string | null;
  readonly reference: string | null;
  readonly shownFrom: number | null;
  readonly at: number;
  readonly sealed: Uint8Array;
}

/** Who was given fields of a record, and on which basis. */
export interface StoredReceiver {
  readonly consumer: string;
  readonly rid: string;
  readonly consent: string | null;
  readonly purpose: string;
  readonly logIndex: number;
  readonly at: number;
}

const joinBytes = (values: readonly Uint8Array[]) => values.map(encodeBase64).join(",");

export async function findSubjects(database: Database, digests: readonly string[]): Promise<StoredSubject[]> {
  return database.sql<StoredSubject[]>`
    select id, digest, sealed_key as "sealedKey", sealed from access_subject where digest = any(${digests as string[]})`;
}

export async function findSubjectsById(database: Database, ids: readonly string[]): Promise<StoredSubject[]> {
  return database.sql<StoredSubject[]>`
    select id, digest, sealed_key as "sealedKey", sealed from access_subject where id = any(${ids as string[]}::uuid[])`;
}

export async function insertSubjects(sql: Sql | Transaction, subjects: readonly StoredSubject[]): Promise<void> {
  await (sql as Sql)`
    insert into access_subject (id, digest, sealed_key, sealed, count, delayed_count)
    select id::uuid, digest, decode(sealed_key, 'base64'), decode(sealed, 'base64'), 0, 0
    from unnest(
      ${subjects.map(({ id }) => id)}::text[], ${subjects.map(({ digest }) => digest)}::text[],
      string_to_array(${joinBytes(subjects.map(({ sealedKey }) => sealedKey))}, ','),
      string_to_array(${joinBytes(subjects.map(({ sealed }) => sealed))}, ',')
    ) as row (id, digest, sealed_key, sealed)
    order by digest on conflict (digest) do nothing`;
}

/** Under the access log's row lock nobody else moves them. */
export async function readHeads(tx: Transaction, ids: readonly string[]): Promise<Map<string, LockedHeads>> {
  const rows = await tx<LockedHeads[]>`
    select id, count, last_digest as "lastDigest", delayed_count as "delayedCount", delayed_last_digest as "delayedLastDigest",
      is_notified as "isNotified"
    from access_subject where id = any(${ids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row]));
}

export async function updateHeads(tx: Transaction, heads: readonly ChainHeads[]): Promise<void> {
  await tx`
    update access_subject s set count = h.count, last_digest = h.last_digest,
      delayed_count = h.delayed_count, delayed_last_digest = h.delayed_last_digest
    from unnest(
      ${heads.map(({ id }) => id)}::uuid[], ${heads.map(({ count }) => count)}::int[],
      ${heads.map(({ lastDigest }) => lastDigest)}::text[], ${heads.map(({ delayedCount }) => delayedCount)}::int[],
      ${heads.map(({ delayedLastDigest }) => delayedLastDigest)}::text[]
    ) as h (id, count, last_digest, delayed_count, delayed_last_digest)
    where s.id = h.id`;
}

export async function insertEvents(tx: Transaction, events: readonly StoredEvent[]): Promise<void> {
  await tx`
    insert into access_event (log_index, subject, is_delayed, number, operation, commitment, request, reference, shown_from, at, sealed)
    select log_index, subject, is_delayed = 1, number, operation, commitment, request, reference, shown_from, at, decode(sealed, 'base64')
    from unnest(
      ${events.map(({ logIndex }) => logIndex)}::bigint[], ${events.map(({ subject }) => subject)}::uuid[],
      ${events.map(({ isDelayed }) => (isDelayed ? 1 : 0))}::int[], ${events.map(({ number }) => number)}::int[],
      ${events.map(({ operation }) => operation)}::text[], ${events.map(({ commitment }) => commitment)}::text[],
      ${events.map(({ request }) => request)}::text[], ${events.map(({ reference }) => reference)}::text[],
      ${events.map(({ shownFrom }) => shownFrom)}::bigint[],
      ${events.map(({ at }) => at)}::bigint[], string_to_array(${joinBytes(events.map(({ sealed }) => sealed))}, ',')
    ) as row (log_index, subject, is_delayed, number, operation, commitment, request, reference, shown_from, at, sealed)`;
}

/** Of which versions consumers were given fields. */
export async function insertVersionReceivers(
  tx: Transaction,
  receivers: readonly { consumer: string; rid: string; version: number }[],
): Promise<void> {
  await tx`
    insert into access_version_receiver (consumer, rid, version)
    select distinct * from unnest(
      ${receivers.map(({ consumer }) => consumer)}::text[], ${receivers.map(({ rid }) => rid)}::uuid[],
      ${receivers.map(({ version }) => version)}::int[]) as item (consumer, rid, version)
    on conflict do nothing`;
}

export async function upsertReceivers(tx: Transaction, receivers: readonly StoredReceiver[]): Promise<void> {
  const last = new Map(receivers.map((one) => [`${one.consumer}\n${one.rid}\n${one.purpose}`, one]));
  const rows = [...last.values()];
  await tx`
    insert into access_receiver (consumer, rid, consent, purpose, log_index, at)
    select * from unnest(
      ${rows.map(({ consumer }) => consumer)}::text[], ${rows.map(({ rid }) => rid)}::uuid[],
      ${rows.map(({ consent }) => consent)}::uuid[], ${rows.map(({ purpose }) => purpose)}::text[],
      ${rows.map(({ logIndex }) => logIndex)}::bigint[], ${rows.map(({ at }) => at)}::bigint[])
    on conflict (consumer, rid, purpose) do update
      set consent = excluded.consent, log_index = excluded.log_index, at = excluded.at`;
}

function eventColumns(sql: Sql | Transaction) {
  return sql`log_index as "logIndex", subject, is_delayed as "isDelayed", number, operation, commitment, request, reference,
    shown_from as "shownFrom", at, sealed`;
}

/** Events known by their requests, by `request`. */
export async function findByRequests(
  sql: Sql | Transaction,
  requests: readonly string[],
): Promise<Map<string, StoredEvent>> {
  if (requests.length === 0) return new Map();
  const rows = await sql<StoredEvent[]>`
    select ${eventColumns(sql)} from access_event where request = any(${requests as string[]})`;
  return new Map(rows.map((row) => [row.request!, row]));
}

/** Of one person, newest first, below `before`: those that are shown by `now` and, apart, how many are not yet. */
export async function listEvents(
  database: Database,
  options: { subject: string; before: number | undefined; limit: number; now: number },
): Promise<StoredEvent[]> {
  const { subject, before, limit, now } = options;
  const { sql } = database;
  return sql<StoredEvent[]>`
    select ${eventColumns(sql)} from access_event
    where subject = ${subject} and (shown_from is null or shown_from <= ${now})
      ${before === undefined ? sql`` : sql`and log_index < ${before}`}
    order by log_index desc limit ${limit}`;
}

export async function countDelayed(
  database: Database,
  { subject, now }: { subject: string; now: number },
): Promise<{ count: number; until: number | null }> {
  const [row] = await database.sql<{ count: number; until: number | null }[]>`
    select count(*) as count, max(shown_from) as until from access_event
    where subject = ${subject} and is_delayed and shown_from > ${now}`;
  return row!;
}

export async function findByCommitment(database: Database, commitment: string): Promise<StoredEvent | undefined> {
  const { sql } = database;
  const [row] = await sql<StoredEvent[]>`
    select ${eventColumns(sql)} from access_event where commitment = ${commitment}`;
  return row;
}

/** Entries about what was received from another node, by the commitment of its event there. */
export async function findReceived(database: Database, reference: string): Promise<StoredEvent[]> {
  const { sql } = database;
  return sql<StoredEvent[]>`
    select ${eventColumns(sql)} from access_event where reference = ${reference} order by log_index limit 10`;
}

/** All events of one person, delayed ones too, in the order of the log, after the entry `after`. */
export async function listEventsOf(
  database: Database,
  { subject, after, limit }: { subject: string; after: number; limit: number },
): Promise<StoredEvent[]> {
  const { sql } = database;
  return sql<StoredEvent[]>`
    select ${eventColumns(sql)} from access_event
    where subject = ${subject} and log_index > ${after} order by log_index limit ${limit}`;
}

/** Events by their places in the log, from `from` on. */
export async function listEventsFrom(
  database: Database,
  { from, limit }: { from: number; limit: number },
): Promise<StoredEvent[]> {
  const { sql } = database;
  return sql<StoredEvent[]>`
    select ${eventColumns(sql)} from access_event where log_index >= ${from} order by log_index limit ${limit}`;
}

/** All chains' heads, by id, after `after`. */
export async function listHeads(
  database: Database,
  { after, limit }: { after: string | undefined; limit: number },
): Promise<(ChainHeads & StoredSubject)[]> {
  const { sql } = database;
  return sql<(ChainHeads & StoredSubject)[]>`
    select id, digest, sealed_key as "sealedKey", sealed, count, last_digest as "lastDigest",
      delayed_count as "delayedCount", delayed_last_digest as "delayedLastDigest"
    from access_subject ${after === undefined ? sql`` : sql`where id > ${after}::uuid`} order by id limit ${limit}`;
}

/** Where a person's row says that a chain ends, and the chain's last event, as of one moment. */
export async function findChainEnd(
  database: Database,
  { subject, isDelayed }: { subject: string; isDelayed: boolean },
): Promise<{ number: number; digest: string | null; event: StoredEvent | undefined } | undefined> {
  const { sql } = database;
  const [row] = await sql<(StoredEvent & { endNumber: number; endDigest: string | null })[]>`
    select ${isDelayed ? sql`s.delayed_count` : sql`s.count`} as "endNumber",
      ${isDelayed ? sql`s.delayed_last_digest` : sql`s.last_digest`} as "endDigest", e.*
    from access_subject s left join lateral (
      select ${eventColumns(sql)} from access_event
      where subject = s.id and is_delayed = ${isDelayed} order by number desc limit 1) e on true
    where s.id = ${subject}::uuid`;
  if (!row) return undefined;
  const { endNumber, endDigest, ...event } = row;
  return { number: endNumber, digest: endDigest, event: event.logIndex === null ? undefined : event };
}

export async function findReceivers(database: Database, rid: string): Promise<StoredReceiver[]> {
  return database.sql<StoredReceiver[]>`
    select consumer, rid, consent, purpose, log_index as "logIndex", at from access_receiver where rid = ${rid} order by consumer, purpose`;
}

/** People's rows after an id, in order; "" for the first. */
export async function listSubjects(
  database: Database,
  { after, limit }: { after: string; limit: number },
): Promise<StoredSubject[]> {
  const { sql } = database;
  return sql<StoredSubject[]>`
    select id, digest, sealed_key as "sealedKey", sealed from access_subject
    ${after === "" ? sql`` : sql`where id > ${after}::uuid`} order by id limit ${limit}`;
}

export async function storeRenewedSubjects(
  tx: Transaction,
  subjects: readonly Pick<StoredSubject, "id" | "digest" | "sealedKey">[],
): Promise<void> {
  for (const { id, digest, sealedKey } of subjects)
    await tx`update access_subject set digest = ${digest}, sealed_key = ${Buffer.from(sealedKey)} where id = ${id}`;
}

/** The entry before a person's last `eventsMax` events; -1 where there are no more than those. */
export async function findIndexBefore(
  database: Database,
  { subject, eventsMax }: { subject: string; eventsMax: number },
): Promise<number> {
  const [row] = await database.sql<{ index: number }[]>`
    select log_index as index from access_event where subject = ${subject} order by log_index desc offset ${eventsMax} limit 1`;
  return row?.index ?? -1;
}
