// The extended list of subordinates: whom this node vouches for, page by page, with the statements, and what changed since a time.
import { AttestryError } from "../errors.ts";
import { EXTENDED_LIST_ENTITIES_DEFAULT, EXTENDED_LIST_ENTITIES_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { listExtended } from "./extended-list-store.ts";
import type { StoredSubordinate, SubordinateFilter } from "./subordinate-store.ts";

/** As the draft "OpenID Federation Extended Subordinate Listing" names them; `status` is ours. Times in Unix seconds. */
export interface ExtendedListEntry {
  readonly id: string;
  /** "removed": no statement is signed about it, or not any more one that the filters let through. */
  readonly status: "active" | "removed";
  readonly subordinate_statement?: string;
  readonly registered?: number;
  readonly updated?: number;
}

export interface ExtendedList {
  readonly immediate_subordinate_entities: readonly ExtendedListEntry[];
  /** Where the next page begins; absent on the last. */
  readonly next_entity_id?: string;
}

export interface ExtendedListRequest extends SubordinateFilter {
  readonly from?: string | undefined;
  readonly limit?: number | undefined;
  /** Unix seconds. What changed in that very second is told too: a second has room for several changes. */
  readonly updatedAfter?: number | undefined;
  readonly withStatements: boolean;
  readonly withTimes: boolean;
}

export interface ExtendedListService {
  /** Throws `request_invalid` for a limit that is none. */
  list(request: ExtendedListRequest): Promise<ExtendedList>;
}

/** `signStatement`: a fresh statement about one that is vouched for. */
export function createExtendedListService(deps: {
  readonly database: Database;
  readonly signStatement: (subordinate: StoredSubordinate) => Promise<string>;
  /** Unix seconds. */
  readonly clock: () => number;
}): ExtendedListService {
  return {
    async list({ limit = EXTENDED_LIST_ENTITIES_DEFAULT, withStatements, withTimes, ...query }) {
      if (!Number.isSafeInteger(limit) || limit < 1)
        throw new AttestryError("request_invalid", `limit is ${limit}; it must be 1 or more`);
      const size = Math.min(limit, EXTENDED_LIST_ENTITIES_MAX);
      const rows = await listExtended(deps.database, { ...query, limit: size + 1 }, deps.clock());
      const next = rows[size]?.entity;
      const entries = await Promise.all(
        rows.slice(0, size).map(
          async ({ entity, subordinate, registeredAt, updatedAt }): Promise<ExtendedListEntry> => ({
            id: entity,
            status: subordinate === undefined ? "removed" : "active",
            ...(withStatements && subordinate && { subordinate_statement: await deps.signStatement(subordinate) }),
            ...(withTimes && registeredAt !== undefined && { registered: registeredAt }),
            ...(withTimes && { updated: updatedAt }),
          }),
        ),
      );
      return { immediate_subordinate_entities: entries, ...(next !== undefined && { next_entity_id: next }) };
    },
  };
}
