// SQL of staff tokens.
import { eq } from "drizzle-orm";
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
