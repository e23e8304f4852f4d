// SQL of citizens' sessions. Knows no rule.
import { eq, lt } from "drizzle-orm";
import type { Database } from "../storage/database.ts";
import { citizenSessionTable } from "./citizen-session-table.ts";

export type StoredCitizenSession = typeof citizenSessionTable.$inferSelect;

export async function insertCitizenSession(database: Database, row: StoredCitizenSession): Promise<void> {
  await database.orm.insert(citizenSessionTable).values(row);
}

export async function findCitizenSession(
  database: Database,
  secretHash: string,
): Promise<StoredCitizenSession | undefined> {
  const { orm } = database;
  const rows = await orm.select().from(citizenSessionTable).where(eq(citizenSessionTable.secretHash, secretHash));
  return rows[0];
}

export async function touchCitizenSession(
  database: Database,
  { secretHash, seenAt }: Pick<StoredCitizenSession, "secretHash" | "seenAt">,
): Promise<void> {
  await database.orm.update(citizenSessionTable).set({ seenAt }).where(eq(citizenSessionTable.secretHash, secretHash));
}

export async function deleteCitizenSession(database: Database, secretHash: string): Promise<void> {
  await database.orm.delete(citizenSessionTable).where(eq(citizenSessionTable.secretHash, secretHash));
}

export async function deleteCitizenSessions(
  database: Database,
  { before }: { readonly before: number },
): Promise<void> {
  await database.orm.delete(citizenSessionTable).where(lt(citizenSessionTable.expiresAt, before));
}
