// Tables of the generations of the node's sealing keys: which one the database goes by, and how far it does.
import { bigint, boolean, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

/**
 * Generations after the first, which has no row: without any row it is the first. The one with the highest number seals and hashes what is
 * written. `completedAt`: since when nothing goes by the one before it; times in Unix seconds. `fingerprint`: of its secret, which it does not tell.
 */
export const sealingGenerationTable = pgTable("sealing_generation", {
  generation: integer("generation").primaryKey(),
  fingerprint: text("fingerprint").notNull(),
  beganAt: bigint("began_at", { mode: "number" }).notNull(),
  completedAt: bigint("completed_at", { mode: "number" }),
});

/** How much of a part goes by the generation; of records one part per registry. `position`: of the last one that was made anew. */
export const sealingProgressTable = pgTable(
  "sealing_progress",
  {
    generation: integer("generation").notNull(),
    part: text("part").notNull(),
    registry: text("registry").notNull(),
    position: text("position").notNull(),
    done: bigint("done", { mode: "number" }).notNull(),
    total: bigint("total", { mode: "number" }).notNull(),
    complete: boolean("complete").notNull(),
  },
  (table) => [primaryKey({ columns: [table.generation, table.part, table.registry] })],
);
