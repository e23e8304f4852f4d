// Table of the sets of open data that a node has published.
import { bigint, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

/** A set: what a registry's export is as of `log_size` entries of the log. `manifest` is signed once and never changes. */
export const openDataTable = pgTable(
  "open_data",
  {
    registry: text("registry").notNull(),
    logSize: bigint("log_size", { mode: "number" }).notNull(),
    definitionVersion: integer("definition_version").notNull(),
    manifest: text("manifest").notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.registry, table.logSize] })],
);
