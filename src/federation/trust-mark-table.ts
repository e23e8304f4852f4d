// Tables of trust marks: those that this node issued, with what became of them, and those that it carries itself.
import { bigint, index, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

/** Times in Unix seconds. A row outlives its mark: the status of an expired mark is still asked. */
export const trustMarkTable = pgTable(
  "trust_mark",
  {
    /** SHA-256 of the mark's text, base64url. */
    digest: text("digest").primaryKey(),
    type: text("type").notNull(),
    subject: text("subject").notNull(),
    text: text("text").notNull(),
    issuedAt: bigint("issued_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
    revokedAt: bigint("revoked_at", { mode: "number" }),
    /** Why it was revoked, in the operator's words. */
    reason: text("reason"),
  },
  (table) => [
    index("trust_mark_type_subject").on(table.type, table.subject),
    index("trust_mark_subject").on(table.subject),
  ],
);

/** Of each type and issuer one: the newest that was given to this node. */
export const carriedTrustMarkTable = pgTable(
  "carried_trust_mark",
  {
    type: text("type").notNull(),
    issuer: text("issuer").notNull(),
    text: text("text").notNull(),
    /** Unix seconds. */
    expiresAt: bigint("expires_at", { mode: "number" }),
  },
  (table) => [primaryKey({ columns: [table.type, table.issuer] })],
);
