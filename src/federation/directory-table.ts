// Tables of the directory: the members below the pinned anchors as this node last found them, and who lists whom.
import { bigint, boolean, index, integer, pgTable, primaryKey, text } from "drizzle-orm/pg-core";

/**
 * "valid": a chain was proven; "unreachable": it does not answer; "refused": its chain does not hold; "suspended", "removed":
 * no superior vouches for it any more, for a while or for good.
 */
export type DirectoryState = "valid" | "unreachable" | "refused" | "suspended" | "removed";

/** Times in Unix seconds. */
export const directoryEntryTable = pgTable(
  "directory_entry",
  {
    entity: text("entity").primaryKey(),
    /** From the anchor down to the superior through which it was found; empty for an anchor. */
    path: text("path").array().notNull(),
    /** The last of `path`. */
    superior: text("superior"),
    organizationName: text("organization_name"),
    /** What it may sign, by the chain that was proven last. */
    registryTypes: text("registry_types").array().notNull(),
    /** What it was called before it moved, by the word of its superior in the chain that was proven last. */
    formerly: text("formerly").array().notNull().default([]),
    /** Whether it vouches for others: it publishes where its subordinates are listed. */
    isSuperior: boolean("is_superior").notNull(),
    state: text("state").$type<DirectoryState>().notNull(),
    /** The code of what went wrong, of those unreachable or refused. */
    code: text("code"),
    stateSince: bigint("state_since", { mode: "number" }).notNull(),
    /** When the chain that was proven last ends. */
    validUntil: bigint("valid_until", { mode: "number" }),
    checkedAt: bigint("checked_at", { mode: "number" }).notNull(),
    /** Of those that failed: not asked again before. */
    nextTryAt: bigint("next_try_at", { mode: "number" }).notNull(),
    failures: integer("failures").notNull(),
    /** The configuration it served last, and when that ends. */
    configuration: text("configuration"),
    configurationUntil: bigint("configuration_until", { mode: "number" }).notNull(),
    /** What its superior said of it, without the times, when its chain was proven. */
    linkVersion: text("link_version"),
    /** The same of all that stands above its superior. */
    basis: text("basis"),
  },
  (table) => [index("directory_entry_superior").on(table.superior, table.entity)],
);

/** What one superior's list says of one subordinate: that superior's claim, proven only with the chain. */
export const directoryLinkTable = pgTable(
  "directory_link",
  {
    superior: text("superior").notNull(),
    subordinate: text("subordinate").notNull(),
    state: text("state").$type<"active" | "suspended" | "removed">().notNull(),
    /** A digest of the statement without its times, and of when the superior says it changed. */
    version: text("version"),
    statement: text("statement"),
    statementUntil: bigint("statement_until", { mode: "number" }).notNull(),
    /** Number of the refresh in which the superior named it last. */
    listedIn: integer("listed_in").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.superior, table.subordinate] }),
    index("directory_link_subordinate").on(table.subordinate),
  ],
);

/** How far each superior's list was read. */
export const directoryListTable = pgTable("directory_list", {
  superior: text("superior").primaryKey(),
  /** When it was last read from beginning to end. */
  readAt: bigint("read_at", { mode: "number" }).notNull(),
  /** By the superior's own clock: since when to ask for changes; null where it tells of none. */
  changedUntil: bigint("changed_until", { mode: "number" }),
});

/** One row: who refreshes the directory now, so that of a node's processes one does. */
export const directoryRoundTable = pgTable("directory_round", {
  id: integer("id").primaryKey(),
  /** How many there have been. */
  number: integer("number").notNull(),
  holder: text("holder").notNull(),
  heldUntil: bigint("held_until", { mode: "number" }).notNull(),
  finishedAt: bigint("finished_at", { mode: "number" }),
});
