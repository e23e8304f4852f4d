// Tables of records, their versions and states, the keys they are found by, and the small tables around writing them.
import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { bytea } from "../storage/bytea-column.ts";

// Sorted byte by byte, whatever the database's language: prefixes and ranges are then ranges of one index.
const bytewiseText = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' });
/** `sealed_key`: the record's data key, wrapped by the node's key; destroying it erases the record. */
export const recordTable = pgTable(
  "record",
  {
    rid: uuid("rid").primaryKey(),
    registry: text("registry").notNull(),
    identifier: text("identifier"),
    state: text("state").notNull(),
    version: integer("version").notNull(),
    stateNumber: integer("state_number").notNull(),
    sealedKey: bytea("sealed_key"),
    firstIndex: bigint("first_index", { mode: "number" }).notNull(),
  },
  (table) => [
    index("record_registry_first_index").on(table.registry, table.firstIndex),
    // Most records are active: asking for those walks the other index and finds them at once.
    index("record_registry_state").on(table.registry, table.state, table.firstIndex).where(sql`state <> 'active'`),
  ],
);

/**
 * `sealed`: log salt, K, and the disclosures, under the record's data key. It and `jwt` are null once the record is erased, or this version of it.
 * `validFrom`, `validUntil`: effective time in Unix seconds, the first instant in effect and the first one that no longer is.
 */
export const recordVersionTable = pgTable(
  "record_version",
  {
    rid: uuid("rid").notNull(),
    version: integer("version").notNull(),
    definitionVersion: integer("definition_version").notNull(),
    jwt: text("jwt"),
    sealed: bytea("sealed"),
    validFrom: bigint("valid_from", { mode: "number" }),
    validUntil: bigint("valid_until", { mode: "number" }),
    statusList: integer("status_list").notNull(),
    statusIndex: integer("status_index").notNull(),
    logIndex: bigint("log_index", { mode: "number" }).notNull(),
    recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.rid, table.version] })],
);

/**
 * `sealed`: log salt and disclosures of the statement. `state`: what the record is from then on; `effectiveAt`: since when, in Unix
 * seconds. `erasedVersion`: of a statement that one former version was erased, which leaves the state as it is.
 */
export const recordStateTable = pgTable(
  "record_state",
  {
    rid: uuid("rid").notNull(),
    number: integer("number").notNull(),
    operation: text("operation").notNull(),
    erasedVersion: integer("erased_version"),
    state: text("state").notNull(),
    effectiveAt: bigint("effective_at", { mode: "number" }).notNull(),
    statement: text("statement").notNull(),
    sealed: bytea("sealed"),
    logIndex: bigint("log_index", { mode: "number" }).notNull(),
    recordedAt: bigint("recorded_at", { mode: "number" }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.rid, table.number] }),
    // What the ledger of erasures is compared with.
    index("record_state_erasures").on(table.logIndex).where(sql`operation in ('erase', 'erase_version')`),
  ],
);

/** `digest`: keyed hash of registry, key name and values, so the table tells nobody what they are. */
export const recordKeyTable = pgTable(
  "record_key",
  {
    digest: text("digest").primaryKey(),
    registry: text("registry").notNull(),
    name: text("name").notNull(),
    rid: uuid("rid").notNull(),
  },
  (table) => [index("record_key_rid").on(table.rid)],
);

/**
 * What records are found by: one row per field and value, of the versions `since` up to but not including `until` (OPEN_VERSION: the
 * current one too). Of personal fields `value` is a keyed hash. `firstIndex` is the record's: rows of one value are in the order of creation.
 */
export const recordSearchTable = pgTable(
  "record_search",
  {
    registry: text("registry").notNull(),
    field: text("field").notNull(),
    value: bytewiseText("value").notNull(),
    until: integer("until").notNull(),
    firstIndex: bigint("first_index", { mode: "number" }).notNull(),
    since: integer("since").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.registry, table.field, table.value, table.until, table.firstIndex] }),
    // Whether one record meets a condition, without a look at the table.
    index("record_search_first_index").on(table.firstIndex, table.field, table.until, table.value),
  ],
);

/**
 * Counts of active records by the cells of a definition's statistics, of all records by their states under the name "". `cell` is a keyed hash
 * (of a state: its name), `label` the values, sealed where they are personal.
 */
export const recordStatisticTable = pgTable(
  "record_statistic",
  {
    registry: text("registry").notNull(),
    name: text("name").notNull(),
    cell: text("cell").notNull(),
    count: bigint("count", { mode: "number" }).notNull(),
    label: text("label").notNull(),
  },
  (table) => [primaryKey({ columns: [table.registry, table.name, table.cell] })],
);

/**
 * How far the index of a registry's records follows a changed definition (index-rebuild-service.ts). A registry without a row is indexed
 * by its first one. `complete`: by `definitionVersion`; else it is being made by it, and records up to `doneIndex` are.
 */
export const recordIndexTable = pgTable("record_index", {
  registry: text("registry").primaryKey(),
  definitionVersion: integer("definition_version").notNull(),
  doneIndex: bigint("done_index", { mode: "number" }).notNull(),
  done: bigint("done", { mode: "number" }).notNull(),
  total: bigint("total", { mode: "number" }).notNull(),
  complete: boolean("complete").notNull(),
});

/**
 * Values of the status lists that were ever anything but 0 (valid). `logIndex`: of the entry that set the value, so that whoever has a
 * list as of one entry reads only what changed since; -1 where it was set before this was kept.
 */
export const statusValueTable = pgTable(
  "status_value",
  {
    list: integer("list").notNull(),
    index: integer("index").notNull(),
    value: smallint("value").notNull(),
    logIndex: bigint("log_index", { mode: "number" }).notNull().default(-1),
  },
  (table) => [
    primaryKey({ columns: [table.list, table.index] }),
    index("status_value_log_index").on(table.list, table.logIndex),
  ],
);

/**
 * The signed list that all processes of the node hand out. `valuesIndex`: the last change of a value that it tells; `logIndex`: of its own
 * `status` entry; `kid`: of the key that signed it; `signedAt` in Unix seconds.
 */
export const statusTokenTable = pgTable("status_token", {
  list: integer("list").primaryKey(),
  token: text("token").notNull(),
  kid: text("kid").notNull(),
  valuesIndex: bigint("values_index", { mode: "number" }).notNull(),
  logIndex: bigint("log_index", { mode: "number" }).notNull(),
  signedAt: bigint("signed_at", { mode: "number" }).notNull(),
});

/** How much of a budget was used in a window of time; `digest`: keyed hash of what it is for. Both times in Unix seconds. */
export const answerBudgetTable = pgTable(
  "answer_budget",
  {
    digest: text("digest").primaryKey(),
    windowStart: bigint("window_start", { mode: "number" }).notNull(),
    used: integer("used").notNull(),
  },
  (table) => [index("answer_budget_window_start").on(table.windowStart)],
);

export const idempotencyTable = pgTable(
  "idempotency",
  {
    digest: text("digest").primaryKey(),
    request: text("request").notNull(),
    rid: uuid("rid").notNull(),
    version: integer("version").notNull(),
    createdAt: bigint("created_at", { mode: "number" }).notNull(),
  },
  (table) => [index("idempotency_created_at").on(table.createdAt), index("idempotency_rid").on(table.rid)],
);

export const counterTable = pgTable("counter", {
  name: text("name").primaryKey(),
  next: bigint("next", { mode: "number" }).notNull(),
});
