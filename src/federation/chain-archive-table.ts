// Table of the trust chains that were in force for this node. Rows are written once.
import { bigint, index, pgTable, text } from "drizzle-orm/pg-core";

export const chainArchiveTable = pgTable(
  "chain_archive",
  {
    /** Of the `chain` entry that commits to the statements. */
    logIndex: bigint("log_index", { mode: "number" }).primaryKey(),
    /** Of keys, types and policy (chain-digest.ts): many rows have one while nothing changes. */
    digest: text("digest").notNull(),
    /** The statements as the log commits to them: a JSON array, the node's configuration first. */
    text: text("text").notNull(),
    /** Unix seconds. */
    archivedAt: bigint("archived_at", { mode: "number" }).notNull(),
  },
  (table) => [
    index("chain_archive_digest").on(table.digest, table.logIndex),
    index("chain_archive_archived_at").on(table.archivedAt),
  ],
);
