// Table of the sessions of citizens at /me. Holds nothing of who they are that can be read without the browser's cookie.
import { bigint, index, pgTable, text } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

export const citizenSessionTable = pgTable(
  "citizen_session",
  {
    /** base64url SHA-256 of the cookie's value. */
    secretHash: text("secret_hash").primaryKey(),
    /** Who it is, sealed under a key made of the cookie's value: issuer, subject, name, claims. */
    sealed: bytea("sealed").notNull(),
    seenAt: bigint("seen_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
  },
  (table) => [index("citizen_session_expires_at").on(table.expiresAt)],
);
