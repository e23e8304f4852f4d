// Tables of the access log: whom readings are about, the readings, and who was given what. Nothing in them tells a person's data or name.
import { sql } from "drizzle-orm";
import { bigint, boolean, index, integer, pgTable, primaryKey, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

/**
 * A person about whom something was read or asked; `digest`: keyed hash of a claim's name and value. `sealedKey`: the data key of all that is
 * kept sealed about the person, wrapped by the node's key; `sealed`: claim, value and the keys of the entries' tags. The chain of events
 * that the person sees at once, and the chain of those that a law delays, each with its last number and the digest of its last event.
 */
export const accessSubjectTable = pgTable("access_subject", {
  id: uuid("id").primaryKey(),
  digest: text("digest").notNull().unique(),
  sealedKey: bytea("sealed_key").notNull(),
  sealed: bytea("sealed").notNull(),
  count: integer("count").notNull(),
  lastDigest: text("last_digest"),
  delayedCount: integer("delayed_count").notNull(),
  delayedLastDigest: text("delayed_last_digest"),
  /** Whether the person chose to be told of anything (notification_choice). */
  isNotified: boolean("is_notified").notNull().default(false),
});

/**
 * An event of a person's chain. `commitment`: what its log entry commits to. `request`: of a reading by another node, by what it is known
 * again. `reference`: of what was received from another node, the commitment of its event there; of a decision, the id of the consent. `shownFrom`: until when a law keeps it from the person (Unix seconds). `sealed`: the signed event and the salt of its entry.
 */
export const accessEventTable = pgTable(
  "access_event",
  {
    logIndex: bigint("log_index", { mode: "number" }).primaryKey(),
    subject: uuid("subject").notNull(),
    isDelayed: boolean("is_delayed").notNull(),
    number: integer("number").notNull(),
    operation: text("operation").notNull(),
    commitment: text("commitment").notNull(),
    request: text("request"),
    reference: text("reference"),
    shownFrom: bigint("shown_from", { mode: "number" }),
    at: bigint("at", { mode: "number" }).notNull(),
    sealed: bytea("sealed").notNull(),
  },
  (table) => [
    uniqueIndex("access_event_chain").on(table.subject, table.isDelayed, table.number),
    uniqueIndex("access_event_request").on(table.request).where(sql`request is not null`),
    index("access_event_commitment").using("hash", table.commitment),
    index("access_event_reference").using("hash", table.reference).where(sql`reference is not null`),
    index("access_event_subject_at").on(table.subject, table.at),
  ],
);

/** Which consumer was given fields of which record, last when, and on which basis: whom changes and an erasure are told. */
export const accessReceiverTable = pgTable(
  "access_receiver",
  {
    consumer: text("consumer").notNull(),
    rid: uuid("rid").notNull(),
    /** The id of a consent, or null: a law. */
    consent: uuid("consent"),
    purpose: text("purpose").notNull(),
    logIndex: bigint("log_index", { mode: "number" }).notNull(),
    at: bigint("at", { mode: "number" }).notNull(),
    /** When the consumer took the notice that the record was erased; until then how often it was sent, and when it is again. */
    noticedAt: bigint("noticed_at", { mode: "number" }),
    noticeAttempts: integer("notice_attempts").notNull().default(0),
    noticeAfter: bigint("notice_after", { mode: "number" }).notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.consumer, table.rid, table.purpose] }),
    index("access_receiver_rid").on(table.rid),
  ],
);

/** Which consumer was given fields of which version: whom the erasure of that version is told. Times as in `access_receiver`. */
export const accessVersionReceiverTable = pgTable(
  "access_version_receiver",
  {
    consumer: text("consumer").notNull(),
    rid: uuid("rid").notNull(),
    version: integer("version").notNull(),
    noticedAt: bigint("noticed_at", { mode: "number" }),
    noticeAttempts: integer("notice_attempts").notNull().default(0),
    noticeAfter: bigint("notice_after", { mode: "number" }).notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.consumer, table.rid, table.version] }),
    index("access_version_receiver_rid").on(table.rid, table.version),
  ],
);
