// SQL of staff tokens.
import { and, desc, eq, gt, isNull } from "drizzle-orm";
import type { Database } from "../storage/database.ts";
import { staffTokenTable } from "./staff-token-table.ts";

export type StoredStaffToken = typeof staffTokenTable.$inferSelect;

export async function insertStaffToken(database: Database, row: StoredStaffToken): Promise<void> {
  await database.orm.insert(staffTokenTable).values(row);
}

export async function findStaffToken(database: Database, id: string): Promise<StoredStaffToken | undefined> {
  const rows = await database.orm.select().from(staffTokenTable).where(eq(staffTokenTable.id, id));
  return rows[0];
}

/** Those that have not ended, revoked ones among them, newest first. */
export async function listStaffTokens(
  database: Database,
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<StoredStaffToken[]> {
  return database.orm
    .select()
    .from(staffTokenTable)
    .where(gt(staffTokenTable.expiresAt, now))
    .orderBy(desc(staffTokenTable.createdAt), staffTokenTable.id)
    .limit(limit);
}

/** Whether there was one that had not been revoked. */
export async function revokeStaffToken(
  database: Database,
  { id, revokedAt }: { readonly id: string; readonly revokedAt: number },
): Promise<boolean> {
  const rows = await database.orm
    .update(staffTokenTable)
    .set({ revokedAt })
    .where(and(eq(staffTokenTable.id, id), isNull(staffTokenTable.revokedAt)))
    .returning({ id: staffTokenTable.id });
  return rows.length > 0;
}
