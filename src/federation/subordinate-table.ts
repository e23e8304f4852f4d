// Table of the entities this node vouches for: which federation keys it knows them by, and what it lets them sign.
import { bigint, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import type { PublicJwk } from "../crypto/keys.ts";

export const subordinateTable = pgTable("subordinate", {
  entity: text("entity").primaryKey(),
  /** The subordinate's federation keys as proven when it was accepted: a JWK set. */
  jwks: jsonb("jwks").$type<{ keys: PublicJwk[] }>().notNull(),
  registryTypes: text("registry_types").array().notNull(),
  maxPathLength: integer("max_path_length"),
  /** Unix seconds. */
  acceptedAt: bigint("accepted_at", { mode: "number" }).notNull(),
});
