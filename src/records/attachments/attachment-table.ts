// Tables of the files that records hold: each sealed under a key of its own, and which record holds which.
import { bigint, boolean, index, integer, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../../storage/bytea-column.ts";

/**
 * `key`: keyed hash of registry and digest, so that the table tells nobody which files are in it. `sealedKey`: the file's own key,
 * wrapped by the node's key. `held`: whether a record ever held it; what nobody holds is swept.
 */
export const attachmentTable = pgTable(
  "attachment",
  {
    key: text("key").primaryKey(),
    registry: text("registry").notNull(),
    mediaType: text("media_type").notNull(),
    bytes: integer("bytes").notNull(),
    sealedKey: bytea("sealed_key").notNull(),
    sealedName: bytea("sealed_name"),
    sealed: bytea("sealed").notNull(),
    held: boolean("held").notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
  },
  (table) => [index("attachment_held_created_at").on(table.held, table.createdAt)],
);

/** `open`: whether the record's latest version that holds it does so in an open field of a public registry. */
export const attachmentHoldTable = pgTable(
  "attachment_hold",
  {
    key: text("key").notNull(),
    rid: uuid("rid").notNull(),
    open: boolean("open").notNull(),
  },
  (table) => [primaryKey({ columns: [table.key, table.rid] }), index("attachment_hold_rid").on(table.rid)],
);
