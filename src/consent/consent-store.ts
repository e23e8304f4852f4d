// SQL of consents. Knows no rule.
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { ConsentFacts, ConsentState } from "./consent.ts";

export interface StoredConsent extends ConsentFacts {
  readonly subjectDigest: string;
  readonly definitionVersion: number;
  readonly request: string;
  readonly decidedAt: number | null;
  readonly logIndex: number | null;
  /** Of the access log's last entry about it. */
  readonly lastDecision: number | null;
  /** By which is seen that the row is as the node left it (`ConsentSealer.isIntact`). */
  readonly stateMac: string | null;
  readonly sealedKey: Uint8Array;
  readonly sealed: Uint8Array;
}

/** A change of state, as the access log orders it. */
export interface StoredConsentChange {
  readonly id: string;
  readonly state: ConsentState;
  readonly decidedAt: number;
  readonly logIndex: number;
  readonly stateMac: string;
  /** With the giving: the terms. */
  readonly given?:
    | (Pick<StoredConsent, "startsAt" | "expiresAt" | "isOneTime" | "sealed"> & { readonly rids: readonly string[] })
    | undefined;
}

function columns(sql: Sql | Transaction) {
  return sql`id, consumer, subject_digest as "subjectDigest", registry, purpose, definition_version as "definitionVersion", state, request,
    requested_at as "requestedAt", starts_at as "startsAt", expires_at as "expiresAt", is_one_time as "isOneTime", used,
    decided_at as "decidedAt", log_index as "logIndex", state_mac as "stateMac", sealed_key as "sealedKey", sealed,
    (select max(e.log_index) from access_event e where e.reference = consent.id::text) as "lastDecision"`;
}

/** False where the consumer's number of the request is taken. */
export async function insertConsent(tx: Transaction, consent: StoredConsent): Promise<boolean> {
  const result = await tx`
    insert into consent (id, consumer, subject_digest, registry, purpose, definition_version, state, request, requested_at, starts_at,
      expires_at, is_one_time, state_mac, sealed_key, sealed)
    values (${consent.id}, ${consent.consumer}, ${consent.subjectDigest}, ${consent.registry}, ${consent.purpose},
      ${consent.definitionVersion}, ${consent.state}, ${consent.request}, ${consent.requestedAt}, ${consent.startsAt},
      ${consent.expiresAt}, ${consent.isOneTime}, ${consent.stateMac}, ${consent.sealedKey}, ${consent.sealed})
    on conflict (request) do nothing`;
  return result.count === 1;
}

export async function findByRequest(database: Database, request: string): Promise<StoredConsent | undefined> {
  const { sql } = database;
  const [row] = await sql<StoredConsent[]>`select ${columns(sql)} from consent where request = ${request}`;
  return row;
}

export async function findConsents(
  sql: Sql | Transaction,
  ids: readonly string[],
): Promise<Map<string, StoredConsent>> {
  if (ids.length === 0) return new Map();
  const rows = await sql<
    StoredConsent[]
  >`select ${columns(sql)} from consent where id = any(${ids as string[]}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row]));
}

/** Of these people, newest first. */
export async function listOfSubjects(
  database: Database,
  { digests, limit }: { digests: readonly string[]; limit: number },
): Promise<StoredConsent[]> {
  const { sql } = database;
  return sql<StoredConsent[]>`
    select ${columns(sql)} from consent where subject_digest = any(${digests as string[]}) order by requested_at desc, id limit ${limit}`;
}

/** How many of a consumer's requests wait, and how many of these are about one person. */
export async function countOpen(
  database: Database,
  { consumer, subjectDigests, since }: { consumer: string; subjectDigests: readonly string[]; since: number },
): Promise<{ all: number; subject: number }> {
  const [row] = await database.sql<{ all: number; subject: number }[]>`
    select count(*) as "all", count(*) filter (where subject_digest = any(${subjectDigests as string[]})) as subject
    from consent where consumer = ${consumer} and state = 'requested' and requested_at >= ${since}`;
  return row!;
}

export async function updateConsents(tx: Transaction, changes: readonly StoredConsentChange[]): Promise<void> {
  // One statement each: a batch rarely has more than one, and a consent changes at most a few times in its life.
  for (const { id, state, decidedAt, logIndex, stateMac, given } of changes)
    await tx`
      update consent set state = ${state}, decided_at = ${decidedAt}, log_index = ${logIndex}, state_mac = ${stateMac}
        ${given ? tx`, starts_at = ${given.startsAt}, expires_at = ${given.expiresAt}, is_one_time = ${given.isOneTime}, sealed = ${given.sealed}, rids = ${given.rids as string[]}::uuid[]` : tx``}
      where id = ${id}`;
}

/** `used`: by which reading. */
export async function markUsed(
  tx: Transaction,
  uses: readonly { readonly id: string; readonly used: string; readonly stateMac: string }[],
): Promise<void> {
  await tx`
    update consent c set used = u.used, state_mac = u.state_mac
    from unnest(
      ${uses.map(({ id }) => id)}::uuid[], ${uses.map(({ used }) => used)}::text[],
      ${uses.map(({ stateMac }) => stateMac)}::text[]) as u (id, used, state_mac)
    where c.id = u.id`;
}

/** Consents after an id, in order; "" for the first. */
export async function listConsents(
  database: Database,
  { after, limit }: { after: string; limit: number },
): Promise<StoredConsent[]> {
  const { sql } = database;
  return sql<StoredConsent[]>`
    select ${columns(sql)} from consent ${after === "" ? sql`` : sql`where id > ${after}::uuid`} order by id limit ${limit}`;
}

export async function storeRenewedConsents(
  tx: Transaction,
  consents: readonly Pick<StoredConsent, "id" | "subjectDigest" | "sealedKey">[],
): Promise<void> {
  for (const { id, subjectDigest, sealedKey } of consents)
    await tx`update consent set subject_digest = ${subjectDigest}, sealed_key = ${Buffer.from(sealedKey)} where id = ${id}`;
}
