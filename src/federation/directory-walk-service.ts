// One refresh of the directory: down from the pinned anchors, level by level, asking superiors for what changed and only those
// members anew of whom something did. Every statement is untrusted until directory-proof.ts has proven the whole chain.
import { sha256Base64url } from "../crypto/hash.ts";
import { type ErrorCode, isAttestryError } from "../errors.ts";
import {
  DIRECTORY_ENTRIES_MAX,
  DIRECTORY_FAILURES_MAX,
  DIRECTORY_FULL_LIST_SECONDS,
  DIRECTORY_MEMBERS_AT_ONCE,
  DIRECTORY_PAGE_ENTITIES,
  DIRECTORY_REFRESH_SECONDS,
  DIRECTORY_RENEW_SECONDS,
  DIRECTORY_RETRY_SECONDS_MAX,
  DIRECTORY_SUPERIORS_AT_ONCE,
  DIRECTORY_SUPERIORS_MAX,
} from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { forEachBounded } from "./bounded-work.ts";
import type { ChainMemory } from "./chain-memory.ts";
import { type DirectoryListClient, hasSubordinateList, type ListedEntity } from "./directory-list-client.ts";
import { describeStatement, proveMember } from "./directory-proof.ts";
import {
  countEntries,
  type DirectoryEntry,
  type DirectoryLink,
  findEntry,
  findList,
  type ListedMember,
  listDue,
  removeUnlisted,
  saveEntry,
  saveLinks,
  saveList,
} from "./directory-store.ts";
import { type EntityStatement, parseEntityStatement } from "./entity-statement.ts";
import type { StatementClient } from "./statement-client.ts";
import type { AnchorPin } from "./trust-chain.ts";

/** What a refresh did. */
export interface DirectoryRound {
  /** Lists read from superiors, and configurations and statements fetched one by one. */
  listsRead: number;
  fetched: number;
  /** Members whose chain was looked at anew, and those of them that were found valid. */
  checked: number;
  valid: number;
}

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

/** A superior whose own chain holds. */
interface Superior {
  readonly entity: string;
  readonly configuration: EntityStatement;
  /** What stands above its subordinates in their chains: the statements about it and about those above it, the anchor's configuration last. */
  readonly above: readonly string[];
  /** From the anchor down to itself. */
  readonly path: readonly string[];
  /** Changes when something above its subordinates says something else. */
  readonly basis: string;
  /** What was known of it before this refresh. */
  readonly before: DirectoryEntry | undefined;
}

function codeOf(error: unknown): ErrorCode {
  if (isAttestryError(error)) return error.code;
  throw error;
}

/** A peer that cannot be spoken to says nothing of itself; whoever answers nonsense does. */
function isSilence(code: ErrorCode): boolean {
  return code === "peer_unreachable" || code === "peer_timeout" || code === "peer_address_refused";
}

export async function walkDirectory(deps: WalkDeps, options: WalkOptions): Promise<DirectoryRound> {
  const { database, statements, lists, memory, clock } = deps;
  const { anchors, round, isOver } = options;
  const done: DirectoryRound = { listsRead: 0, fetched: 0, checked: 0, valid: 0 };
  const walked = new Set<string>();
  let room = DIRECTORY_ENTRIES_MAX - (await countEntries(database));

  function emptyEntry(entity: string): DirectoryEntry {
    return {
      entity,
      path: [],
      superior: null,
      organizationName: null,
      registryTypes: [],
      isSuperior: false,
      state: "refused",
      code: null,
      stateSince: clock(),
      validUntil: null,
      checkedAt: clock(),
      nextTryAt: 0,
      failures: 0,
      configuration: null,
      configurationUntil: 0,
      linkVersion: null,
      basis: null,
    };
  }

  /** Writes what was found; a failure is told with what was known before, and asked again ever more rarely. */
  async function record(
    known: DirectoryEntry | undefined,
    entry: DirectoryEntry,
    failure: ErrorCode | undefined,
  ): Promise<void> {
    const now = clock();
    const state = failure === undefined ? "valid" : isSilence(failure) ? "unreachable" : "refused";
    const failures = failure === undefined ? 0 : (known?.failures ?? 0) + 1;
    const wait = Math.min(DIRECTORY_REFRESH_SECONDS * 2 ** Math.min(failures, 20), DIRECTORY_RETRY_SECONDS_MAX);
    await saveEntry(database, {
      ...entry,
      state,
      code: failure ?? null,
      stateSince: known?.state === state ? known.stateSince : now,
      checkedAt: now,
      failures,
      nextTryAt: failure === undefined ? 0 : now + wait,
    });
  }

  async function fetchConfiguration(entity: string): Promise<EntityStatement> {
    done.fetched++;
    return statements.fetchConfiguration(entity);
  }

  /** The link with a statement that will hold for a while. Throws what fetching threw, unless the one that is held still holds. */
  async function renewStatement(
    superior: Superior,
    link: DirectoryLink,
  ): Promise<DirectoryLink & { statement: string }> {
    const { statement } = link;
    if (statement !== null && link.statementUntil > clock() + DIRECTORY_RENEW_SECONDS) return { ...link, statement };
    done.fetched++;
    try {
      const fetched = await statements.fetchSubordinateStatement(superior.configuration, link.subordinate);
      const { version } = describeStatement(fetched.text, undefined);
      // With a time of change in it a version is the list's, and it said so of this statement.
      const renewed = {
        ...link,
        statement: fetched.text,
        statementUntil: fetched.expiresAt,
        version: link.version?.startsWith(`${version}.`) ? link.version : version,
      };
      await saveLinks(database, [renewed]);
      return renewed;
    } catch (error) {
      codeOf(error);
      if (statement !== null && link.statementUntil > clock()) return { ...link, statement };
      throw error;
    }
  }

  /** Looks at one member anew. The superior that it turns out to be, to be walked next. */
  async function checkMember(
    superior: Superior,
    { link: listed, entry: known }: ListedMember,
  ): Promise<{ next?: Superior; failure?: ErrorCode }> {
    const entity = listed.subordinate;
    if (superior.path.includes(entity)) return {};
    if (known === undefined && room-- <= 0) return { failure: "too_many_items" };
    done.checked++;
    const entry = { ...(known ?? emptyEntry(entity)), path: [...superior.path], superior: superior.entity };
    let failure: ErrorCode | undefined;
    const end = async (): Promise<{ failure: ErrorCode }> => {
      // Another superior's word, deeper down, may hold where this one's does not.
      const standsElsewhere =
        known?.state === "valid" && known.superior !== superior.entity && (known.validUntil ?? 0) > clock();
      if (!standsElsewhere)
        await record(known, { ...entry, basis: superior.basis, linkVersion: listed.version }, failure);
      return { failure: failure! };
    };

    const renewBefore = clock() + DIRECTORY_RENEW_SECONDS;
    const isChanged = listed.version !== known?.linkVersion || known.state === "unreachable";
    if (entry.configuration === null || entry.configurationUntil <= renewBefore || isChanged) {
      try {
        const fetched = await fetchConfiguration(entity);
        entry.configuration = fetched.text;
        entry.configurationUntil = fetched.expiresAt;
      } catch (error) {
        failure = codeOf(error);
        if (entry.configuration === null || entry.configurationUntil <= clock()) return end();
      }
    }
    let link: DirectoryLink & { statement: string };
    try {
      link = await renewStatement(superior, listed);
    } catch (error) {
      failure ??= codeOf(error);
      return end();
    }
    const above = [link.statement, ...superior.above];
    const proof = await proveMember({ statements: [entry.configuration, ...above], anchors, now: clock(), memory });
    if ("code" in proof) {
      failure = proof.code;
      entry.registryTypes = [];
      return end();
    }
    const configuration = parseEntityStatement(entry.configuration);
    entry.organizationName = proof.organizationName ?? null;
    entry.registryTypes = [...proof.registryTypes];
    entry.validUntil = proof.validUntil;
    entry.isSuperior = hasSubordinateList(configuration);
    entry.linkVersion = link.version;
    entry.basis = superior.basis;
    await record(known, entry, failure);
    if (failure !== undefined) return { failure };
    done.valid++;
    if (!entry.isSuperior) return {};
    const basis = sha256Base64url(`${superior.basis} ${link.version}`);
    return { next: { entity, configuration, above, path: [...superior.path, entity], basis, before: known } };
  }

  async function checkAnchor(entity: string): Promise<Superior | undefined> {
    const known = await findEntry(database, entity);
    const pins = anchors.filter((pin) => pin.entity === entity);
    const entry = { ...(known ?? emptyEntry(entity)), path: [], superior: null, linkVersion: null };
    let failure: ErrorCode | undefined;
    if (entry.configuration === null || entry.configurationUntil <= clock() + DIRECTORY_RENEW_SECONDS) {
      try {
        const fetched = await fetchConfiguration(entity);
        entry.configuration = fetched.text;
        entry.configurationUntil = fetched.expiresAt;
      } catch (error) {
        failure = codeOf(error);
      }
    }
    done.checked++;
    if (entry.configuration === null) return void (await record(known, entry, failure));
    const proof = await proveMember({ statements: [entry.configuration], anchors, now: clock(), memory });
    if ("code" in proof) return void (await record(known, entry, failure ?? proof.code));
    entry.organizationName = proof.organizationName ?? null;
    entry.registryTypes = [...proof.registryTypes];
    entry.validUntil = proof.validUntil;
    entry.isSuperior = true;
    // Whatever the operator pins anew makes all below be proven anew.
    entry.basis = sha256Base64url(JSON.stringify(pins));
    await record(known, entry, failure);
    done.valid++;
    const configuration = parseEntityStatement(entry.configuration);
    return { entity, configuration, above: [entry.configuration], path: [entity], basis: entry.basis, before: known };
  }

  function linkOf(superior: string, listed: ListedEntity): DirectoryLink {
    const described = listed.statement === undefined ? undefined : describeStatement(listed.statement, listed.updated);
    return {
      superior,
      subordinate: listed.entity,
      state: listed.state,
      version: described?.version ?? null,
      statement: listed.statement ?? null,
      statementUntil: described?.until ?? 0,
      listedIn: round,
    };
  }

  /** Brings what is known of one superior's list up to date. */
  async function readList({ entity, configuration, before }: Superior): Promise<void> {
    const now = clock();
    const known = await findList(database, entity);
    const isRecent = known !== undefined && known.readAt > now - DIRECTORY_FULL_LIST_SECONDS;
    const changedSince = isRecent ? (known.changedUntil ?? undefined) : undefined;
    let changedUntil = known?.changedUntil ?? null;
    let isComplete = false;
    try {
      for await (const page of lists.readPages(configuration, changedSince)) {
        done.listsRead++;
        // The last word about a name counts; two rows of one page must not be one row twice.
        const links = new Map(page.entities.map((listed) => [listed.entity, linkOf(entity, listed)]));
        await saveLinks(database, [...links.values()]);
        for (const { updated } of page.entities)
          if (updated !== undefined) changedUntil = Math.max(changedUntil ?? 0, updated);
        isComplete = page.isComplete;
        if (await isOver()) return;
      }
      if (isComplete) await removeUnlisted(database, { superior: entity, round });
      await saveList(database, { superior: entity, readAt: isComplete ? now : known!.readAt, changedUntil });
    } catch (error) {
      const failure = codeOf(error);
      const entry = await findEntry(database, entity);
      // What it listed before stays until those statements end.
      if (entry) await record(before, entry, failure);
    }
  }

  async function checkMembers(superior: Superior, found: (next: Superior) => void): Promise<void> {
    let failures = 0;
    for (let after = ""; ; ) {
      if (failures > DIRECTORY_FAILURES_MAX || (await isOver())) return;
      const members = await listDue(database, {
        superior: superior.entity,
        depth: superior.path.length,
        basis: superior.basis,
        walked: [...walked],
        after,
        limit: DIRECTORY_PAGE_ENTITIES / 5,
        now: clock(),
        renewBefore: clock() + DIRECTORY_RENEW_SECONDS,
      });
      await forEachBounded(members, DIRECTORY_MEMBERS_AT_ONCE, async (member) => {
        if (failures > DIRECTORY_FAILURES_MAX || (await isOver())) return;
        const { next, failure } = await checkMember(superior, member);
        if (failure !== undefined) failures++;
        if (next !== undefined) found(next);
      });
      if (members.length === 0) return;
      after = members.at(-1)!.link.subordinate;
    }
  }

  let level: Superior[] = [];
  await forEachBounded([...new Set(anchors.map((pin) => pin.entity))], DIRECTORY_SUPERIORS_AT_ONCE, async (entity) => {
    const anchor = await checkAnchor(entity);
    if (anchor !== undefined) level.push(anchor);
  });
  while (level.length > 0 && !(await isOver())) {
    for (const { entity } of level) walked.add(entity);
    // Lists first, so that whoever moved from one superior of a level to another is looked at where it stands now.
    await forEachBounded(level, DIRECTORY_SUPERIORS_AT_ONCE, readList);
    const lower = new Map<string, Superior>();
    await forEachBounded(level, DIRECTORY_SUPERIORS_AT_ONCE, (superior) =>
      checkMembers(superior, (next) => {
        const isNew = !walked.has(next.entity) && !lower.has(next.entity);
        if (isNew && walked.size + lower.size < DIRECTORY_SUPERIORS_MAX) lower.set(next.entity, next);
      }),
    );
    level = [...lower.values()];
  }
  return done;
}
