// SQL of the trust marks that this node issued or carries. Knows no rule and signs nothing.
import { and, asc, desc, eq, gt, isNull, or } from "drizzle-orm";
import type { Database } from "../storage/database.ts";
import { carriedTrustMarkTable, trustMarkTable } from "./trust-mark-table.ts";

export type StoredTrustMark = typeof trustMarkTable.$inferSelect;
export type CarriedRow = typeof carriedTrustMarkTable.$inferSelect;

export async function insertTrustMark(database: Database, row: StoredTrustMark): Promise<void> {
  // The same mark signed twice in one second is the same text.
  await database.orm.insert(trustMarkTable).values(row).onConflictDoNothing();
}

export async function findTrustMark(database: Database, digest: string): Promise<StoredTrustMark | undefined> {
  const [row] = await database.orm.select().from(trustMarkTable).where(eq(trustMarkTable.digest, digest));
  return row;
}

function isActiveAt(now: number) {
  return and(isNull(trustMarkTable.revokedAt), gt(trustMarkTable.expiresAt, now));
}

/** The newest of its kind that holds. */
export async function findActiveTrustMark(
  database: Database,
  { type, subject, now }: { type: string; subject: string; now: number },
): Promise<StoredTrustMark | undefined> {
  const [row] = await database.orm
    .select()
    .from(trustMarkTable)
    .where(and(eq(trustMarkTable.type, type), eq(trustMarkTable.subject, subject), isActiveAt(now)))
    .orderBy(desc(trustMarkTable.issuedAt), desc(trustMarkTable.expiresAt))
    .limit(1);
  return row;
}

/** Entity identifiers of those that have a mark of this type that holds, sorted. */
export async function listMarkedEntities(
  database: Database,
  { type, subject, now }: { type: string; subject?: string | undefined; now: number },
): Promise<string[]> {
  const rows = await database.orm
    .selectDistinct({ subject: trustMarkTable.subject })
    .from(trustMarkTable)
    .where(
      and(
        eq(trustMarkTable.type, type),
        subject === undefined ? undefined : eq(trustMarkTable.subject, subject),
        isActiveAt(now),
      ),
    )
    .orderBy(asc(trustMarkTable.subject));
  return rows.map((row) => row.subject);
}

/** All that were issued, the newest first. */
export async function listTrustMarks(database: Database): Promise<StoredTrustMark[]> {
  return database.orm.select().from(trustMarkTable).orderBy(desc(trustMarkTable.issuedAt), asc(trustMarkTable.subject));
}

export async function hasTrustMarks(database: Database): Promise<boolean> {
  const rows = await database.orm.select({ digest: trustMarkTable.digest }).from(trustMarkTable).limit(1);
  return rows.length > 0;
}

/** How many were not revoked before. */
export async function revokeTrustMarks(
  database: Database,
  { type, subject, now, reason }: { type: string; subject: string; now: number; reason: string },
): Promise<number> {
  const rows = await database.orm
    .update(trustMarkTable)
    .set({ revokedAt: now, reason })
    .where(and(eq(trustMarkTable.type, type), eq(trustMarkTable.subject, subject), isActiveAt(now)))
    .returning({ digest: trustMarkTable.digest });
  return rows.length;
}

export async function saveCarried(database: Database, row: CarriedRow): Promise<void> {
  const { text, expiresAt } = row;
  await database.orm
    .insert(carriedTrustMarkTable)
    .values(row)
    .onConflictDoUpdate({
      target: [carriedTrustMarkTable.type, carriedTrustMarkTable.issuer],
      set: { text, expiresAt },
    });
}

/** Those that have not expired, by type and issuer. */
export async function listCarried(database: Database, now: number): Promise<CarriedRow[]> {
  return database.orm
    .select()
    .from(carriedTrustMarkTable)
    .where(or(isNull(carriedTrustMarkTable.expiresAt), gt(carriedTrustMarkTable.expiresAt, now)))
    .orderBy(asc(carriedTrustMarkTable.type), asc(carriedTrustMarkTable.issuer));
}

/** How many there were. */
export async function deleteCarried(database: Database, type: string): Promise<number> {
  const rows = await database.orm
    .delete(carriedTrustMarkTable)
    .where(eq(carriedTrustMarkTable.type, type))
    .returning({ type: carriedTrustMarkTable.type });
  return rows.length;
}
