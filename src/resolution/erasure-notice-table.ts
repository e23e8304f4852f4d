// Table of notices by other nodes that records were erased of which this node was given fields. Holds nothing of the records.
import { bigint, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

export const erasureNoticeTable = pgTable(
  "erasure_notice",
  {
    href: text("href").notNull(),
    /** The one version that was erased; 0: the record. */
    version: integer("version").notNull().default(0),
    home: text("home").notNull(),
    /** By the home node's word; Unix seconds. */
    erasedAt: bigint("erased_at", { mode: "number" }).notNull(),
    receivedAt: bigint("received_at", { mode: "number" }).notNull(),
    statement: text("statement").notNull(),
  },
  (table) => [primaryKey({ columns: [table.href, table.version] })],
);
