// Table of the bearer tokens of this node's staff and services. Holds hashes, never tokens.
import { bigint, jsonb, pgTable, text } from "drizzle-orm/pg-core";

export const staffTokenTable = pgTable("staff_token", {
  id: text("id").primaryKey(),
  secretHash: text("secret_hash").notNull(),
  name: text("name").notNull(),
  role: text("role").notNull(),
  registries: text("registries").array(),
  claims: jsonb("claims").$type<Readonly<Record<string, readonly string[]>>>(),
  createdAt: bigint("created_at", { mode: "number" }).notNull(),
  expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
  revokedAt: bigint("revoked_at", { mode: "number" }),
});
