// Table of what people ask the office about themselves. Tells neither who asked nor what.
import { bigint, index, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

export const questionTable = pgTable(
  "question",
  {
    id: uuid("id").primaryKey(),
    /** The row of the person in `access_subject`, whose key seals all that is said. */
    subject: uuid("subject").notNull(),
    /** Whose office is asked. */
    registry: text("registry").notNull(),
    askedAt: bigint("asked_at", { mode: "number" }).notNull(),
    answeredAt: bigint("answered_at", { mode: "number" }),
    /** What is asked, about which look or record. */
    sealed: bytea("sealed").notNull(),
    /** The answer, and by whom. */
    answer: bytea("answer"),
  },
  (table) => [
    index("question_subject").on(table.subject, table.askedAt),
    index("question_registry").on(table.registry, table.answeredAt, table.askedAt),
  ],
);
