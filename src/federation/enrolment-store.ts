// SQL of applications and one-time codes. Knows no rule.
import type { Database, Transaction } from "../storage/database.ts";
import type { enrolmentCodeTable, enrolmentTable } from "./enrolment-table.ts";

export type StoredEnrolment = typeof enrolmentTable.$inferSelect;
export type StoredCode = typeof enrolmentCodeTable.$inferSelect;

const COLUMNS = `id, entity, configuration, nonce, state, reason, created_at as "createdAt", expires_at as "expiresAt"`;

export async function findEnrolment(
  tx: Transaction | Database["sql"],
  id: string,
): Promise<StoredEnrolment | undefined> {
  const rows = await tx<StoredEnrolment[]>`select ${tx.unsafe(COLUMNS)} from enrolment where id = ${id}`;
  return rows[0];
}

/** As `findEnrolment`, and holds it until the transaction ends, so that one proof settles it. */
export async function lockEnrolment(tx: Transaction, id: string): Promise<StoredEnrolment | undefined> {
  const rows = await tx<StoredEnrolment[]>`select ${tx.unsafe(COLUMNS)} from enrolment where id = ${id} for update`;
  return rows[0];
}

/** Applications that are not expired, newest first; of one entity, if it is given. */
export async function listEnrolments(
  database: Database,
  { now, entity }: { now: number; entity?: string },
): Promise<StoredEnrolment[]> {
  const { sql } = database;
  return sql<StoredEnrolment[]>`
    select ${sql.unsafe(COLUMNS)} from enrolment
    where expires_at > ${now} ${entity === undefined ? sql`` : sql`and entity = ${entity}`} order by created_at desc, id`;
}

/** The configuration with which an entity was accepted last, if that is still kept. */
export async function findAcceptedConfiguration(database: Database, entity: string): Promise<string | undefined> {
  const rows = await database.sql<{ configuration: string }[]>`
    select configuration from enrolment where entity = ${entity} and state = 'accepted' order by created_at desc limit 1`;
  return rows[0]?.configuration;
}

/** How many applications wait: of all, and of this entity. */
export async function countOpenEnrolments(
  tx: Transaction,
  { now, entity }: { now: number; entity: string },
): Promise<{ all: number; own: number }> {
  const [row] = await tx<{ all: number; own: number }[]>`
    select count(*)::int as "all", (count(*) filter (where entity = ${entity}))::int as own from enrolment
    where expires_at > ${now} and state in ('challenged', 'pending')`;
  return row!;
}

export async function insertEnrolment(tx: Transaction, row: StoredEnrolment): Promise<void> {
  await tx`
    insert into enrolment (id, entity, configuration, nonce, state, reason, created_at, expires_at)
    values (${row.id}, ${row.entity}, ${row.configuration}, ${row.nonce}, ${row.state}, ${row.reason}, ${row.createdAt}, ${row.expiresAt})`;
}

export async function settleEnrolment(
  tx: Transaction | Database["sql"],
  change: Pick<StoredEnrolment, "id" | "state" | "reason" | "expiresAt">,
): Promise<void> {
  await tx`
    update enrolment set state = ${change.state}, reason = ${change.reason}, expires_at = ${change.expiresAt} where id = ${change.id}`;
}

export async function deleteExpired(tx: Transaction, now: number): Promise<void> {
  await tx`delete from enrolment where expires_at <= ${now}`;
  await tx`delete from enrolment_code where expires_at <= ${now}`;
}

export async function insertCode(database: Database, row: StoredCode): Promise<void> {
  await database.sql`
    insert into enrolment_code (digest, entity, registry_types, max_path_length, expires_at)
    values (${row.digest}, ${row.entity}, ${row.registryTypes}, ${row.maxPathLength}, ${row.expiresAt})`;
}

/** Takes a code of this entity, so that nobody takes it again; undefined where there is none. */
export async function takeCode(
  tx: Transaction,
  { digest, entity, now }: { digest: string; entity: string; now: number },
): Promise<StoredCode | undefined> {
  const rows = await tx<StoredCode[]>`
    delete from enrolment_code where digest = ${digest} and entity = ${entity} and expires_at > ${now}
    returning digest, entity, registry_types as "registryTypes", max_path_length as "maxPathLength", expires_at as "expiresAt"`;
  return rows[0];
}
