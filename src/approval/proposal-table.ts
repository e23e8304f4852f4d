// The table of proposals: writes that wait for the approval of others.
import { sql } from "drizzle-orm";
import { bigint, index, integer, pgTable, text, uniqueIndex, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

/**
 * `sealed`: what is proposed and by whom, under the data key of the record that it is about, so that whoever erases the record erases it,
 * too; where there is no such record, under `sealedKey`, which the node's key wraps. `proposer`, `approvers`: keyed hashes of persons.
 * `resultRid`: the record that it made. `roles`: who approves, in this order; `step`: how many have. `digest`, `request`: of the Idempotency-Key. Times in Unix seconds.
 */
export const proposalTable = pgTable(
  "proposal",
  {
    id: text("id").primaryKey(),
    registry: text("registry").notNull(),
    kind: text("kind").notNull(),
    rid: uuid("rid"),
    resultRid: uuid("result_rid"),
    state: text("state").notNull(),
    roles: text("roles").array().notNull(),
    step: integer("step").notNull(),
    proposer: text("proposer").notNull(),
    approvers: text("approvers").array().notNull(),
    definitionVersion: integer("definition_version").notNull(),
    sealedKey: bytea("sealed_key"),
    sealed: bytea("sealed").notNull(),
    digest: text("digest"),
    request: text("request"),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    expiresAt: bigint("expires_at", { mode: "number" }).notNull(),
    decidedAt: bigint("decided_at", { mode: "number" }),
  },
  (table) => [
    // The inbox asks for what waits, whose is little of all.
    index("proposal_waiting").on(table.registry, table.createdAt).where(sql`state in ('waiting', 'carrying_out')`),
    index("proposal_proposer").on(table.proposer, table.createdAt),
    index("proposal_rid").on(table.rid),
    index("proposal_result_rid").on(table.resultRid),
    index("proposal_open").on(table.expiresAt).where(sql`state in ('waiting', 'returned', 'failed')`),
    index("proposal_decided_at").on(table.decidedAt),
    index("proposal_created_at").on(table.createdAt, table.id),
    uniqueIndex("proposal_digest").on(table.digest),
  ],
);
