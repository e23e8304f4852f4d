// The directory of the federation: who belongs to it below the anchors that this node trusts, and what each may sign. Refreshed by
// the node's own job or its operator only: nothing that a stranger sends makes it ask anybody.
import { encodeBase64url } from "../crypto/base64.ts";
import { AttestryError } from "../errors.ts";
import {
  CHAIN_MEMORY_STATEMENTS_MAX,
  DIRECTORY_GONE_SECONDS,
  DIRECTORY_HELD_SECONDS,
  DIRECTORY_REFRESH_SECONDS,
  DIRECTORY_ROUND_MS_MAX,
  PAGE_SIZE_DEFAULT,
  PAGE_SIZE_MAX,
} from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { createChainMemory } from "./chain-memory.ts";
import { createDirectoryListClient } from "./directory-list-client.ts";
import type { DirectoryRound } from "./directory-member-service.ts";
import { beginRound, endRound, findLastRound, forgetGone, keepRound, markGone } from "./directory-store.ts";
import {
  countMembers,
  countSubordinates,
  type DirectoryCounts,
  type DirectoryFilter,
  type DirectoryMember,
  findMember,
  listBelow,
  listMembers,
} from "./directory-view-store.ts";
import { walkDirectory } from "./directory-walk-service.ts";
import type { HttpClient } from "./http-client.ts";
import { createStatementClient } from "./statement-client.ts";
import type { AnchorPin } from "./trust-chain.ts";

export interface DirectoryPage {
  readonly members: readonly DirectoryMember[];
  /** Of the next page. */
  readonly next: string | undefined;
}

export interface DirectorySummary extends DirectoryCounts {
  /** Unix seconds; undefined before the first refresh has ended. */
  readonly refreshedAt: number | undefined;
}

export interface DirectoryService {
  /**
   * Asks the superiors what changed, and those of whom something did. What it did; undefined while another process is at it.
   * Peers that fail are written down, not thrown. `isStopped` ends it early; what is left is done next time.
   */
  refresh(isStopped?: () => boolean): Promise<(DirectoryRound & { readonly gone: number }) | undefined>;
  /** As `refresh`, unless there is nothing to keep, or the last one is younger than DIRECTORY_REFRESH_SECONDS. */
  refreshIfDue(isStopped: () => boolean): Promise<void>;
  /** Members by entity identifier; `cursor` is the `next` of the page before. Throws `query_invalid`. */
  list(query: DirectoryFilter & { cursor?: string | undefined; limit?: number | undefined }): Promise<DirectoryPage>;
  find(entity: string): Promise<DirectoryMember | undefined>;
  /**
   * The member that the entity `name` became. None while that one is in the directory itself, where several say so, or where another superior
   * says so than the one that vouched for `name` last: nobody inherits what was never theirs to vouch for.
   */
  findSuccessor(name: string): Promise<DirectoryMember | undefined>;
  /** Those found through each of `superiors`, the first `each` of each. */
  listBelow(superiors: readonly string[], each: number): Promise<DirectoryMember[]>;
  summarize(): Promise<DirectorySummary>;
  countSubordinates(superiors: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export interface DirectoryDeps {
  readonly database: Database;
  /** Where the federation begins. */
  readonly findAnchors: () => Promise<readonly AnchorPin[]>;
  readonly httpClient: HttpClient;
  /** Unix seconds. */
  readonly clock: () => number;
  readonly random: (bytes: number) => Uint8Array;
  /** Development. */
  readonly allowLoopbackHttp: boolean;
}

export function createDirectoryService(deps: DirectoryDeps): DirectoryService {
  const { database, clock } = deps;
  const statements = createStatementClient(deps);
  const lists = createDirectoryListClient(deps);
  const memory = createChainMemory(CHAIN_MEMORY_STATEMENTS_MAX);

  async function refresh(isStopped: () => boolean = () => false) {
    const anchors = await deps.findAnchors();
    const roots = [...new Set(anchors.map((pin) => pin.entity))];
    const holder = encodeBase64url(deps.random(16));
    const number = await beginRound(database, { holder, now: clock(), heldUntil: clock() + DIRECTORY_HELD_SECONDS });
    if (number === undefined) return undefined;
    const startedAt = performance.now();
    let keptAt = startedAt;
    let isLost = false;
    const isOver = async (): Promise<boolean> => {
      const at = performance.now();
      if (!isLost && at - keptAt > (DIRECTORY_HELD_SECONDS * 1_000) / 4) {
        keptAt = at;
        isLost = !(await keepRound(database, { holder, heldUntil: clock() + DIRECTORY_HELD_SECONDS }));
      }
      return isLost || isStopped() || at - startedAt > DIRECTORY_ROUND_MS_MAX;
    };
    let finishedAt: number | null = null;
    try {
      const done = await walkDirectory(
        { database, statements, lists, memory, clock },
        { anchors, round: number, isOver },
      );
      const gone = isLost ? 0 : await markGone(database, { roots, now: clock() });
      await forgetGone(database, { before: clock() - DIRECTORY_GONE_SECONDS });
      if (!isStopped()) finishedAt = clock();
      return { ...done, gone };
    } finally {
      await endRound(database, { holder, finishedAt });
    }
  }

  return {
    refresh,
    async refreshIfDue(isStopped) {
      const last = await findLastRound(database);
      if (last === undefined || last <= clock() - DIRECTORY_REFRESH_SECONDS) await refresh(isStopped);
    },
    async list({ cursor, limit = PAGE_SIZE_DEFAULT, ...filter }) {
      if (!Number.isSafeInteger(limit) || limit < 1 || limit > PAGE_SIZE_MAX)
        throw new AttestryError("query_invalid", `limit is ${limit}; it must be 1 to ${PAGE_SIZE_MAX}`);
      const rows = await listMembers(database, { ...filter, after: cursor, limit: limit + 1, now: clock() });
      const members = rows.slice(0, limit);
      return { members, next: rows.length > limit ? members.at(-1)!.entity : undefined };
    },
    async findSuccessor(name) {
      const now = clock();
      const [former, successors] = await Promise.all([
        findMember(database, { entity: name, now }),
        listMembers(database, { formerly: name, state: "valid", limit: 2, now }),
      ]);
      const [successor, rival] = successors;
      if (successor === undefined || rival !== undefined || former?.state === "valid") return undefined;
      return former === undefined || former.superior === successor.superior ? successor : undefined;
    },
    find: (entity) => findMember(database, { entity, now: clock() }),
    listBelow: (superiors, each) => listBelow(database, { superiors, each, now: clock() }),
    async summarize() {
      const [counts, refreshedAt] = await Promise.all([
        countMembers(database, { now: clock() }),
        findLastRound(database),
      ]);
      return { ...counts, refreshedAt };
    },
    countSubordinates: (superiors) => countSubordinates(database, superiors),
  };
}
