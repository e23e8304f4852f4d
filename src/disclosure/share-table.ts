// Table of what people share by a link and a code. Tells neither whose it is by name, nor with whom, what or what for.
import { bigint, boolean, index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

/** `logIndex`: of the access log's entry that made the state. Times in Unix seconds. */
export const shareTable = pgTable(
  "share",
  {
    id: uuid("id").primaryKey(),
    /** The row of the person in `access_subject`, whose key seals all that is said. */
    subject: uuid("subject").notNull(),
    registry: text("registry").notNull(),
    rid: uuid("rid").notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
    isOneTime: boolean("is_one_time").notNull(),
    endedAt: bigint("ended_at", { mode: "number" }),
    wrongCodes: integer("wrong_codes").notNull().default(0),
    openings: integer("openings").notNull().default(0),
    /** By which reading one for one time was opened. */
    used: text("used"),
    logIndex: bigint("log_index", { mode: "number" }).notNull(),
    /** Recipient, purpose, fields, the keyed hash of the code, and the signed terms. */
    sealed: bytea("sealed").notNull(),
  },
  (table) => [index("share_subject").on(table.subject, table.createdAt)],
);
