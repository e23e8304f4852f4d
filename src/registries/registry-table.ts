// Tables of the node's registries and of every version of their definitions.
import { bigint, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

export const registryTable = pgTable("registry", {
  name: text("name").primaryKey(),
  type: text("type").notNull(),
  version: integer("version").notNull(),
});

export const registryDefinitionTable = pgTable(
  "registry_definition",
  {
    registry: text("registry").notNull(),
    version: integer("version").notNull(),
    text: text("text").notNull(),
    logIndex: bigint("log_index", { mode: "number" }).notNull(),
    publishedAt: bigint("published_at", { mode: "number" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.registry, table.version] })],
);
