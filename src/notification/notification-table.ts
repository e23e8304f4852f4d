// Tables of notifications: what people chose, what is to be told, what is on its way to a gateway. People stand in them under the random names that the access log gives them.
import { bigint, index, integer, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

/** `subject`: the person's row in `access_subject`, whose key seals address and events. */
export const notificationChoiceTable = pgTable("notification_choice", {
  subject: uuid("subject").primaryKey(),
  sealed: bytea("sealed").notNull(),
});

/** What happened and was not handed on yet, gathered; written in the transaction of what it tells. `dueAt`: not before (Unix seconds); 0: at once. */
export const notificationDueTable = pgTable(
  "notification_due",
  {
    subject: uuid("subject").notNull(),
    kind: text("kind").notNull(),
    dueAt: bigint("due_at", { mode: "number" }).notNull(),
    count: integer("count").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.subject, table.kind, table.dueAt] }),
    index("notification_due_at").on(table.dueAt),
  ],
);

/** One notification for one gateway. `deliveredAt`: it is kept for as long as nothing more of its kind is told. */
export const notificationDeliveryTable = pgTable(
  "notification_delivery",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    jti: uuid("jti").notNull(),
    subject: uuid("subject").notNull(),
    kind: text("kind").notNull(),
    url: text("url").notNull(),
    count: integer("count").notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
    attempts: integer("attempts").notNull().default(0),
    nextAt: bigint("next_at", { mode: "number" }).notNull(),
    deliveredAt: bigint("delivered_at", { mode: "number" }),
  },
  (table) => [
    index("notification_delivery_next").on(table.url, table.nextAt),
    index("notification_delivery_person").on(table.subject, table.kind, table.createdAt),
  ],
);

/** What an operator is shown of a gateway. */
export const notificationGatewayTable = pgTable("notification_gateway", {
  url: text("url").primaryKey(),
  delivered: bigint("delivered", { mode: "number" }).notNull(),
  givenUp: bigint("given_up", { mode: "number" }).notNull(),
  lastSuccessAt: bigint("last_success_at", { mode: "number" }),
  lastFailureAt: bigint("last_failure_at", { mode: "number" }),
  /** Code of the last failure. */
  lastFailure: text("last_failure"),
});
