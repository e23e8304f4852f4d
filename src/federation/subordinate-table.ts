// Table of the entities this node vouches for: which federation keys it knows them by, and what it lets them sign.
import { bigint, boolean, index, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import type { JsonObject } from "../crypto/json.ts";
import type { PublicJwk } from "../crypto/keys.ts";

export const subordinateTable = pgTable(
  "subordinate",
  {
    entity: text("entity").primaryKey(),
    /** The subordinate's federation keys as proven when it was accepted: a JWK set. */
    jwks: jsonb("jwks").$type<{ keys: PublicJwk[] }>().notNull(),
    registryTypes: text("registry_types").array().notNull(),
    maxPathLength: integer("max_path_length"),
    /** Unix seconds. */
    acceptedAt: bigint("accepted_at", { mode: "number" }).notNull(),
    /** Unix seconds of the last change of anything here: what a directory asks for ("updated after"). */
    changedAt: bigint("changed_at", { mode: "number" }).notNull().default(0),
    /** "suspended": it stays known, and nothing is signed about it. */
    state: text("state").$type<"active" | "suspended">().notNull().default("active"),
    /** Why it is suspended, in the operator's words. */
    stateReason: text("state_reason"),
    /** Entity types of its configuration when it was accepted. */
    entityTypes: text("entity_types").array().notNull().default([]),
    /** Whether it vouches for others itself: it publishes a fetch endpoint. */
    isIntermediate: boolean("is_intermediate").notNull().default(false),
    /** What it was called before, as this superior confirms it (DESIGN section 7): the only source of `formerly` that anybody believes. */
    formerly: jsonb("formerly").$type<JsonObject[]>(),
  },
  (table) => [index("subordinate_changed_at").on(table.changedAt)],
);
