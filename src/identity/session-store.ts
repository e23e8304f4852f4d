// SQL of sessions. Knows no rule.
import { and, desc, eq, gt, isNull, lt } from "drizzle-orm";
import type { Database } from "../storage/database.ts";
import { sessionTable } from "./session-table.ts";

export type StoredSession = typeof sessionTable.$inferSelect;

export async function insertSession(database: Database, row: StoredSession): Promise<void> {
  await database.orm.insert(sessionTable).values(row);
}

export async function findSession(database: Database, secretHash: string): Promise<StoredSession | undefined> {
  const rows = await database.orm.select().from(sessionTable).where(eq(sessionTable.secretHash, secretHash));
  return rows[0];
}

export async function updateSession(
  database: Database,
  secretHash: string,
  change: Partial<Pick<StoredSession, "seenAt" | "role">>,
): Promise<void> {
  await database.orm.update(sessionTable).set(change).where(eq(sessionTable.secretHash, secretHash));
}

/** Whether there was one that had not ended. */
export async function endSession(
  database: Database,
  { id, endedAt }: { readonly id: string; readonly endedAt: number },
): Promise<boolean> {
  const rows = await database.orm
    .update(sessionTable)
    .set({ endedAt })
    .where(and(eq(sessionTable.id, id), isNull(sessionTable.endedAt)))
    .returning({ id: sessionTable.id });
  return rows.length > 0;
}

/** Those that go on: neither ended nor seen for the last time before `seenAfter`, newest first. */
export async function listSessions(
  database: Database,
  options: { readonly now: number; readonly seenAfter: number; readonly limit: number },
): Promise<StoredSession[]> {
  const { now, seenAfter, limit } = options;
  return database.orm
    .select()
    .from(sessionTable)
    .where(and(isNull(sessionTable.endedAt), gt(sessionTable.expiresAt, now), gt(sessionTable.seenAt, seenAfter)))
    .orderBy(desc(sessionTable.createdAt), sessionTable.id)
    .limit(limit);
}

export async function deleteSessions(database: Database, { before }: { readonly before: number }): Promise<void> {
  await database.orm.delete(sessionTable).where(lt(sessionTable.expiresAt, before));
}
