// SQL of the subordinates. Knows no rule: what may be accepted is federation-service.ts's to say.
import { asc, eq } from "drizzle-orm";
import type { Database } from "../storage/database.ts";
import { subordinateTable } from "./subordinate-table.ts";

export type StoredSubordinate = typeof subordinateTable.$inferSelect;

export async function findSubordinate(database: Database, entity: string): Promise<StoredSubordinate | undefined> {
  const rows = await database.orm.select().from(subordinateTable).where(eq(subordinateTable.entity, entity));
  return rows[0];
}

/** All entity identifiers, sorted. */
export async function listSubordinates(database: Database): Promise<string[]> {
  const rows = await database.orm
    .select({ entity: subordinateTable.entity })
    .from(subordinateTable)
    .orderBy(asc(subordinateTable.entity));
  return rows.map((row) => row.entity);
}

export async function hasSubordinates(database: Database): Promise<boolean> {
  const rows = await database.orm.select({ entity: subordinateTable.entity }).from(subordinateTable).limit(1);
  return rows.length > 0;
}

/** Inserts, or replaces what was stored about the same entity. */
export async function saveSubordinate(database: Database, subordinate: StoredSubordinate): Promise<void> {
  const { entity: _, ...changes } = subordinate;
  await database.orm
    .insert(subordinateTable)
    .values(subordinate)
    .onConflictDoUpdate({ target: subordinateTable.entity, set: changes });
}

/** Whether there was one to delete. */
export async function deleteSubordinate(database: Database, entity: string): Promise<boolean> {
  const rows = await database.orm
    .delete(subordinateTable)
    .where(eq(subordinateTable.entity, entity))
    .returning({ entity: subordinateTable.entity });
  return rows.length > 0;
}
