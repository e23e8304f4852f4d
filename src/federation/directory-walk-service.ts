// One refresh of the directory: down from the pinned anchors, level by level, asking superiors for what changed and only those
// members anew of whom something did. Believes nobody: directory-member-service.ts has every chain proven.
import {
  DIRECTORY_DUE_PAGE,
  DIRECTORY_ENTRIES_MAX,
  DIRECTORY_FAILURES_MAX,
  DIRECTORY_MEMBERS_AT_ONCE,
  DIRECTORY_RENEW_SECONDS,
  DIRECTORY_SUPERIORS_AT_ONCE,
  DIRECTORY_SUPERIORS_MAX,
} from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { forEachBounded } from "./bounded-work.ts";
import type { ChainMemory } from "./chain-memory.ts";
import type { DirectoryListClient } from "./directory-list-client.ts";
import { readSubordinates } from "./directory-list-service.ts";
import { codeOf, createMemberService, type DirectoryRound, type Superior } from "./directory-member-service.ts";
import { countEntries, findEntry, type ListedMember, listDue } from "./directory-store.ts";
import type { StatementClient } from "./statement-client.ts";
import type { AnchorPin } from "./trust-chain.ts";

export interface WalkDeps {
  readonly database: Database;
  readonly statements: StatementClient;
  readonly lists: DirectoryListClient;
  readonly memory: ChainMemory;
  /** Unix seconds. */
  readonly clock: () => number;
}

export interface WalkOptions {
  readonly anchors: readonly AnchorPin[];
  /** Number of the refresh. */
  readonly round: number;
  /** Asked often; true ends the walk, and what is left is due in the next. */
  readonly isOver: () => Promise<boolean>;
}

export async function walkDirectory(deps: WalkDeps, { anchors, round, isOver }: WalkOptions): Promise<DirectoryRound> {
  const { database, lists, clock } = deps;
  const done: DirectoryRound = { pagesRead: 0, fetched: 0, checked: 0, valid: 0 };
  const members = createMemberService({ ...deps, anchors, done });
  const walked = new Set<string>();
  let room = DIRECTORY_ENTRIES_MAX - (await countEntries(database));

  /** Whether the list could be read. What a superior listed before stays until those statements end. */
  async function readList(superior: Superior): Promise<boolean> {
    try {
      await readSubordinates({ database, lists, done }, superior, { round, now: clock(), isOver });
      return true;
    } catch (error) {
      const failure = codeOf(error);
      const entry = await findEntry(database, superior.entity);
      if (entry) await members.record(superior.before, entry, failure);
      return false;
    }
  }

  /** `found` is told of subordinates that are superiors themselves. */
  async function checkSubordinates(superior: Superior, found: (next: Superior) => void): Promise<void> {
    let failures = 0;
    const mayGoOn = async (): Promise<boolean> => failures <= DIRECTORY_FAILURES_MAX && !(await isOver());
    const check = async (member: ListedMember): Promise<void> => {
      const isAbove = superior.path.includes(member.link.subordinate);
      if (isAbove || !(await mayGoOn())) return;
      if (member.entry === undefined && room-- <= 0) return;
      const { next, failure } = await members.checkMember(superior, member);
      if (failure !== undefined) failures++;
      if (next !== undefined) found(next);
    };
    for (let after = ""; await mayGoOn(); ) {
      const due = await listDue(database, {
        superior: superior.entity,
        depth: superior.path.length,
        basis: superior.basis,
        walked: [...walked],
        after,
        limit: DIRECTORY_DUE_PAGE,
        now: clock(),
        renewBefore: clock() + DIRECTORY_RENEW_SECONDS,
      });
      await forEachBounded(due, DIRECTORY_MEMBERS_AT_ONCE, check);
      const last = due.at(-1);
      if (last === undefined) return;
      after = last.link.subordinate;
    }
  }

  let level: Superior[] = [];
  await forEachBounded([...new Set(anchors.map((pin) => pin.entity))], DIRECTORY_SUPERIORS_AT_ONCE, async (entity) => {
    const anchor = await members.checkAnchor(entity);
    if (anchor !== undefined) level.push(anchor);
  });
  while (level.length > 0 && !(await isOver())) {
    for (const { entity } of level) walked.add(entity);
    // Lists first, so that whoever moved from one superior of a level to another is looked at where it stands now.
    const listed: Superior[] = [];
    await forEachBounded(level, DIRECTORY_SUPERIORS_AT_ONCE, async (superior) => {
      if (await readList(superior)) listed.push(superior);
    });
    const lower = new Map<string, Superior>();
    await forEachBounded(listed, DIRECTORY_SUPERIORS_AT_ONCE, (superior) =>
      checkSubordinates(superior, (next) => {
        const isNew = !walked.has(next.entity) && !lower.has(next.entity);
        if (isNew && walked.size + lower.size < DIRECTORY_SUPERIORS_MAX) lower.set(next.entity, next);
      }),
    );
    level = [...lower.values()];
  }
  return done;
}
