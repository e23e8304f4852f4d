// Table of the sessions of people who signed in on pages. Holds hashes of what browsers hold, never that itself.
import { bigint, index, jsonb, pgTable, text } from "drizzle-orm/pg-core";

export const sessionTable = pgTable(
  "session",
  {
    /** base64url SHA-256 of the cookie's value. */
    secretHash: text("secret_hash").primaryKey(),
    /** What it is called in lists; opens nothing. */
    id: text("id").notNull().unique(),
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    name: text("name").notNull(),
    /** What the issuer granted at sign-in: by role the registries, null for all. */
    roles: jsonb("roles").$type<Record<string, string[] | null>>().notNull(),
    role: text("role").notNull(),
    /** What bound the person to a jurisdiction at sign-in. */
    claims: jsonb("claims").$type<Record<string, string[]>>().notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    seenAt: bigint("seen_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
    endedAt: bigint("ended_at", { mode: "number" }),
  },
  (table) => [index("session_expires_at").on(table.expiresAt)],
);
