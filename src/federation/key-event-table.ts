// Table of what the log says of the node's keys. Rows are written once.
import { bigint, pgTable, text } from "drizzle-orm/pg-core";

export const keyEventTable = pgTable("key_event", {
  /** SHA-256 of the text, base64url. */
  digest: text("digest").primaryKey(),
  /** The event as the log commits to it. */
  text: text("text").notNull(),
  logIndex: bigint("log_index", { mode: "number" }).notNull().unique(),
  /** Unix seconds. */
  recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
});
