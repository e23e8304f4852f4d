// Table of holds: why a record must be kept, and until when. Tells no case and no reason.
import { bigint, index, pgTable, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../../storage/bytea-column.ts";

/**
 * `until`: the first instant at which it holds no longer, Unix seconds; null: until it is lifted. `sealed`: case, ground, who placed it and
 * until when, under the record's data key; `released`: who lifted it and on which ground, sealed in the same way; null: it stands.
 */
export const recordHoldTable = pgTable(
  "record_hold",
  {
    id: uuid("id").primaryKey(),
    rid: uuid("rid").notNull(),
    until: bigint("until", { mode: "number" }),
    sealed: bytea("sealed").notNull(),
    released: bytea("released"),
  },
  (table) => [index("record_hold_rid").on(table.rid)],
);
