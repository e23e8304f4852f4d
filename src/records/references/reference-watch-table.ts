// The records whose references were accepted unverified, and what became of them. Holds no reference itself: those may be personal.
import { bigint, index, integer, jsonb, pgTable, smallint, text, uuid } from "drizzle-orm/pg-core";

/**
 * One row per record. `state`: pending, verified, dangling or unreachable, of the references of `version` together; `faults`: a list of
 * `{field, message}` as of the last check, Unix seconds.
 */
export const referenceWatchTable = pgTable(
  "reference_watch",
  {
    rid: uuid("rid").primaryKey(),
    registry: text("registry").notNull(),
    version: integer("version").notNull(),
    state: text("state").notNull(),
    faults: jsonb("faults").notNull(),
    attempts: smallint("attempts").notNull(),
    checkedAt: bigint("checked_at", { mode: "number" }),
    nextCheckAt: bigint("next_check_at", { mode: "number" }).notNull(),
  },
  (table) => [
    index("reference_watch_registry_state").on(table.registry, table.state, table.rid),
    index("reference_watch_next_check_at").on(table.nextCheckAt),
  ],
);
