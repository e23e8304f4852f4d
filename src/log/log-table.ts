// Tables of the logs. Rows of entries and tiles are written once and never changed; only log_state moves.
import { bigint, pgTable, primaryKey, smallint, text, unique } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

/** Nothing but a tag that the log has can break it. */
export const TAG_CONSTRAINT = "log_entry_tag_unique";

/** One row per log: its lock, and the last signed checkpoint. `signed_at`: Unix seconds. */
export const logStateTable = pgTable("log_state", {
  name: text("name").primaryKey(),
  origin: text("origin").notNull(),
  size: bigint("size", { mode: "number" }).notNull(),
  root: bytea("root").notNull(),
  checkpoint: text("checkpoint").notNull(),
  signedAt: bigint("signed_at", { mode: "number" }).notNull(),
});

// Every key begins with the log, so that an engine that distributes rows by it can hold the constraints (DESIGN §15).
export const logEntryTable = pgTable(
  "log_entry",
  {
    log: text("log").notNull(),
    index: bigint("index", { mode: "number" }).notNull(),
    tag: bytea("tag").notNull(),
    leafHash: bytea("leaf_hash").notNull(),
    entry: bytea("entry").notNull(),
  },
  (table) => [primaryKey({ columns: [table.log, table.index] }), unique(TAG_CONSTRAINT).on(table.log, table.tag)],
);

/** Full tiles only. `root`: the hash of the tile's 256 hashes, which is one hash of the level above. */
export const logTileTable = pgTable(
  "log_tile",
  {
    log: text("log").notNull(),
    level: smallint("level").notNull(),
    index: bigint("index", { mode: "number" }).notNull(),
    root: bytea("root").notNull(),
    hashes: bytea("hashes").notNull(),
  },
  (table) => [primaryKey({ columns: [table.log, table.level, table.index] })],
);
