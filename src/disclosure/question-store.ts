// SQL of questions. Knows no rule.
import { and, asc, count, desc, eq, inArray, isNull } from "drizzle-orm";
import type { Database, Transaction } from "../storage/database.ts";
import { questionTable } from "./question-table.ts";

export type StoredQuestion = typeof questionTable.$inferSelect;

export async function insertQuestion(database: Database, row: StoredQuestion): Promise<void> {
  await database.orm.insert(questionTable).values(row);
}

export async function findQuestion(database: Database, id: string): Promise<StoredQuestion | undefined> {
  const rows = await database.orm.select().from(questionTable).where(eq(questionTable.id, id));
  return rows[0];
}

/** How many of a person's wait for an answer. */
export async function countOpenQuestions(database: Database, subjects: readonly string[]): Promise<number> {
  const rows = await database.orm
    .select({ open: count() })
    .from(questionTable)
    .where(and(inArray(questionTable.subject, [...subjects]), isNull(questionTable.answeredAt)));
  return rows[0]?.open ?? 0;
}

/** Newest first. */
export async function listQuestionsOf(
  database: Database,
  { subjects, limit }: { readonly subjects: readonly string[]; readonly limit: number },
): Promise<StoredQuestion[]> {
  return database.orm
    .select()
    .from(questionTable)
    .where(inArray(questionTable.subject, [...subjects]))
    .orderBy(desc(questionTable.askedAt), questionTable.id)
    .limit(limit);
}

/** Those that wait, the oldest first. */
export async function listOpenQuestions(
  database: Database,
  { registries, limit }: { readonly registries: readonly string[]; readonly limit: number },
): Promise<StoredQuestion[]> {
  return database.orm
    .select()
    .from(questionTable)
    .where(and(inArray(questionTable.registry, [...registries]), isNull(questionTable.answeredAt)))
    .orderBy(asc(questionTable.askedAt), questionTable.id)
    .limit(limit);
}

/** Whether it still waited. */
export async function answerQuestion(
  tx: Transaction,
  { id, answer, answeredAt }: { readonly id: string; readonly answer: Uint8Array; readonly answeredAt: number },
): Promise<boolean> {
  const result = await tx`
    update question set answer = ${Buffer.from(answer)}, answered_at = ${answeredAt}
    where id = ${id}::uuid and answered_at is null`;
  return result.count > 0;
}
