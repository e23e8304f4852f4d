// Table of the entities that this node vouched for once, so that a list of changes can say that they are gone.
import { bigint, index, pgTable, text } from "drizzle-orm/pg-core";

/** A row may be outdated: who is vouched for again stands in `subordinate`, and that counts. */
export const formerSubordinateTable = pgTable(
  "former_subordinate",
  {
    entity: text("entity").primaryKey(),
    /** Unix seconds. */
    removedAt: bigint("removed_at", { mode: "number" }).notNull(),
  },
  (table) => [index("former_subordinate_removed_at").on(table.removedAt)],
);
