// Table of the consents that this node asked other nodes for. It says neither whom they are of nor anything about that person.
import { bigint, boolean, index, pgTable, text } from "drizzle-orm/pg-core";

/** What the home node said last. Times in Unix seconds. */
export const askedConsentTable = pgTable(
  "asked_consent",
  {
    /** base64url SHA-256 of `href`: asked twice with one number, it is one. */
    id: text("id").primaryKey(),
    home: text("home").notNull(),
    href: text("href").notNull(),
    registry: text("registry").notNull(),
    purpose: text("purpose").notNull(),
    requestedFields: text("requested_fields").array().notNull(),
    fields: text("fields").array().notNull(),
    caseNumber: text("case_number"),
    /** Pseudonym of who asked, as in the acts of records. */
    person: text("person").notNull(),
    personName: text("person_name").notNull(),
    role: text("role").notNull(),
    state: text("state").notNull(),
    isOneTime: boolean("is_one_time").notNull(),
    isUsed: boolean("is_used").notNull(),
    requestedAt: bigint("requested_at", { mode: "number" }).notNull(),
    startsAt: bigint("starts_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
    /** By this node's clock: when it was asked, and when the home node said last how it stands. */
    askedAt: bigint("asked_at", { mode: "number" }).notNull(),
    readAt: bigint("read_at", { mode: "number" }).notNull(),
  },
  (table) => [
    index("asked_consent_asked_at").on(table.askedAt, table.id),
    index("asked_consent_case_number").on(table.caseNumber),
    index("asked_consent_expires_at").on(table.expiresAt),
  ],
);
