// Tables of those who ask to be vouched for, and of the one-time codes by which some are accepted at once.
import { bigint, index, integer, pgTable, text } from "drizzle-orm/pg-core";

/** Times in Unix seconds. */
export const enrolmentTable = pgTable(
  "enrolment",
  {
    /** Drawn at random: whoever knows it may ask what became of the application. */
    id: text("id").primaryKey(),
    entity: text("entity").notNull(),
    /** The entity configuration that was posted, signed by the applicant itself. */
    configuration: text("configuration").notNull(),
    nonce: text("nonce").notNull(),
    /** What the applicant says it was called before it moved; true only once the operator confirms it. */
    formerly: text("formerly"),
    /** "challenged": its key is not proven yet. */
    state: text("state").$type<"challenged" | "pending" | "accepted" | "refused">().notNull(),
    /** Why it was refused, in the operator's words. */
    reason: text("reason"),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
  },
  (table) => [index("enrolment_entity").on(table.entity), index("enrolment_expires_at").on(table.expiresAt)],
);

/** `digest`: SHA-256 of the code, base64url, so that the table accepts nobody. */
export const enrolmentCodeTable = pgTable("enrolment_code", {
  digest: text("digest").primaryKey(),
  entity: text("entity").notNull(),
  registryTypes: text("registry_types").array().notNull(),
  maxPathLength: integer("max_path_length"),
  expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
});
