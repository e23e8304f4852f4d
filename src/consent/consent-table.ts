// Table of consents, from being asked for to their end. What they are about stands sealed; in clear is what decides whether one holds.
import { bigint, boolean, index, integer, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

/**
 * `subjectDigest`: keyed hash of the person asked. `request`: digest of consumer and its number of the request. `used`: by which reading
 * one that was given for one reading was used. `logIndex`: of the access log's entry that made the state. `stateMac`:
 * by what a row is told apart that somebody without the keys changed, what is sealed included (consent-sealer.ts); none: it holds no more. `sealed`, under `sealedKey`: the
 * request, its notice, what was given. Times in Unix seconds.
 */
export const consentTable = pgTable(
  "consent",
  {
    id: uuid("id").primaryKey(),
    consumer: text("consumer").notNull(),
    subjectDigest: text("subject_digest").notNull(),
    registry: text("registry").notNull(),
    purpose: text("purpose").notNull(),
    definitionVersion: integer("definition_version").notNull(),
    state: text("state").notNull(),
    request: text("request").notNull().unique(),
    requestedAt: bigint("requested_at", { mode: "number" }).notNull(),
    startsAt: bigint("starts_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
    isOneTime: boolean("is_one_time").notNull(),
    used: text("used"),
    /** Of one that was given: the records that it covers. */
    rids: uuid("rids").array(),
    decidedAt: bigint("decided_at", { mode: "number" }),
    logIndex: bigint("log_index", { mode: "number" }),
    stateMac: text("state_mac"),
    sealedKey: bytea("sealed_key").notNull(),
    sealed: bytea("sealed").notNull(),
  },
  (table) => [
    index("consent_subject").on(table.subjectDigest, table.requestedAt),
    index("consent_consumer").on(table.consumer, table.requestedAt),
  ],
);
