// Looks at one member of the directory anew: fetches what is missing, has its chain proven, writes down what was found. What it
// reads of peers is untrusted until directory-proof.ts has proven the whole chain.
import { sha256Base64url } from "../crypto/hash.ts";
import { type ErrorCode, isAttestryError } from "../errors.ts";
import { DIRECTORY_REFRESH_SECONDS, DIRECTORY_RENEW_SECONDS, DIRECTORY_RETRY_SECONDS_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import type { ChainMemory } from "./chain-memory.ts";
import { hasSubordinateList } from "./directory-list-client.ts";
import { type DirectoryProof, describeStatement, proveMember } from "./directory-proof.ts";
import {
  type DirectoryEntry,
  type DirectoryLink,
  findEntry,
  type ListedMember,
  saveEntry,
  saveLinks,
} from "./directory-store.ts";
import { type EntityStatement, parseEntityStatement } from "./entity-statement.ts";
import type { StatementClient } from "./statement-client.ts";
import type { AnchorPin } from "./trust-chain.ts";

/** What a refresh did. */
export interface DirectoryRound {
  /** Pages of superiors' lists; configurations and statements fetched one by one. */
  pagesRead: number;
  fetched: number;
  /** Members whose chain was looked at anew, and those of them that were found valid. */
  checked: number;
  valid: number;
}

/** A superior whose own chain holds. */
export interface Superior {
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

export interface MemberOutcome {
  /** The superior that the member turned out to be. */
  readonly next?: Superior;
  readonly failure?: ErrorCode;
}

export interface MemberService {
  checkAnchor(entity: string): Promise<Superior | undefined>;
  checkMember(superior: Superior, member: ListedMember): Promise<MemberOutcome>;
  /** Writes what was found; a failure is told with what was known before, and asked again ever more rarely. */
  record(before: DirectoryEntry | undefined, found: DirectoryEntry, failure: ErrorCode | undefined): Promise<void>;
}

/** The code of what a peer caused; anything else is thrown on. */
export function codeOf(error: unknown): ErrorCode {
  if (isAttestryError(error)) return error.code;
  throw error;
}

/** A peer that cannot be spoken to says nothing of itself; whoever answers nonsense does. */
function isSilence(code: ErrorCode): boolean {
  return code === "peer_unreachable" || code === "peer_timeout" || code === "peer_address_refused";
}

function createEntry(entity: string): DirectoryEntry {
  return {
    entity,
    path: [],
    superior: null,
    organizationName: null,
    registryTypes: [],
    formerly: [],
    isSuperior: false,
    state: "refused",
    code: null,
    stateSince: 0,
    validUntil: null,
    checkedAt: 0,
    nextTryAt: 0,
    failures: 0,
    configuration: null,
    configurationUntil: 0,
    linkVersion: null,
    basis: null,
  };
}

function addProof(
  entry: DirectoryEntry,
  proof: Exclude<DirectoryProof, { code: ErrorCode }>,
  configuration: EntityStatement,
): void {
  entry.organizationName = proof.organizationName ?? null;
  entry.registryTypes = [...proof.registryTypes];
  entry.formerly = [...proof.formerly];
  entry.validUntil = proof.validUntil;
  entry.isSuperior = hasSubordinateList(configuration);
}

/** `done` is counted up. */
export function createMemberService(deps: {
  readonly database: Database;
  readonly statements: StatementClient;
  readonly memory: ChainMemory;
  readonly anchors: readonly AnchorPin[];
  /** Unix seconds. */
  readonly clock: () => number;
  readonly done: DirectoryRound;
}): MemberService {
  const { database, statements, memory, anchors, clock, done } = deps;

  const record: MemberService["record"] = async (before, found, failure) => {
    const now = clock();
    const state = failure === undefined ? "valid" : isSilence(failure) ? "unreachable" : "refused";
    const failures = failure === undefined ? 0 : (before?.failures ?? 0) + 1;
    const wait = Math.min(DIRECTORY_REFRESH_SECONDS * 2 ** Math.min(failures, 20), DIRECTORY_RETRY_SECONDS_MAX);
    await saveEntry(database, {
      ...found,
      state,
      code: failure ?? null,
      stateSince: before?.state === state ? before.stateSince : now,
      checkedAt: now,
      failures,
      nextTryAt: failure === undefined ? 0 : now + wait,
    });
  };

  /** Fetches the configuration into `entry` where the one it has is old, or `isChanged`. What that failed with, if it did. */
  async function renewConfiguration(entry: DirectoryEntry, isChanged: boolean): Promise<ErrorCode | undefined> {
    const isHeld = entry.configuration !== null && entry.configurationUntil > clock() + DIRECTORY_RENEW_SECONDS;
    if (isHeld && !isChanged) return undefined;
    done.fetched++;
    try {
      const { text, expiresAt } = await statements.fetchConfiguration(entry.entity);
      entry.configuration = text;
      entry.configurationUntil = expiresAt;
      return undefined;
    } catch (error) {
      return codeOf(error);
    }
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
      const renewed = {
        ...link,
        statement: fetched.text,
        statementUntil: fetched.expiresAt,
        // One with a time of change in it is the list's, which said so of this very statement.
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

  return {
    record,

    async checkAnchor(entity) {
      done.checked++;
      const before = await findEntry(database, entity);
      const entry = { ...(before ?? createEntry(entity)), path: [], superior: null, linkVersion: null };
      const failure = await renewConfiguration(entry, false);
      if (entry.configuration === null) return void (await record(before, entry, failure));
      const proof = await proveMember({ statements: [entry.configuration], anchors, now: clock(), memory });
      if ("code" in proof) return void (await record(before, entry, failure ?? proof.code));
      const configuration = parseEntityStatement(entry.configuration);
      addProof(entry, proof, configuration);
      // Whatever the operator pins anew makes all below be proven anew.
      const pins = anchors.filter((pin) => pin.entity === entity);
      const basis = sha256Base64url(JSON.stringify(pins));
      await record(before, { ...entry, isSuperior: true, basis }, failure);
      done.valid++;
      return { entity, configuration, above: [entry.configuration], path: [entity], basis, before };
    },

    async checkMember(superior, { link: listed, entry: before }) {
      const entity = listed.subordinate;
      done.checked++;
      const entry = {
        ...(before ?? createEntry(entity)),
        path: [...superior.path],
        superior: superior.entity,
        linkVersion: listed.version,
        basis: superior.basis,
      };
      const fail = async (failure: ErrorCode): Promise<MemberOutcome> => {
        // Another superior's word may hold where this one's does not.
        const standsElsewhere =
          before?.state === "valid" && before.superior !== superior.entity && (before.validUntil ?? 0) > clock();
        if (!standsElsewhere) await record(before, entry, failure);
        return { failure };
      };
      const isChanged = listed.version !== before?.linkVersion || before.state === "unreachable";
      const silence = await renewConfiguration(entry, isChanged);
      // One that does not answer is judged by what it said, as long as that holds: its superior may have changed its grant.
      if (entry.configuration === null || (silence !== undefined && entry.configurationUntil <= clock()))
        return fail(silence!);
      let link: DirectoryLink & { statement: string };
      try {
        link = await renewStatement(superior, listed);
      } catch (error) {
        return fail(codeOf(error));
      }
      const above = [link.statement, ...superior.above];
      const proof = await proveMember({ statements: [entry.configuration, ...above], anchors, now: clock(), memory });
      if ("code" in proof) {
        entry.registryTypes = [];
        return fail(proof.code);
      }
      const configuration = parseEntityStatement(entry.configuration);
      addProof(entry, proof, configuration);
      entry.linkVersion = link.version;
      await record(before, entry, silence);
      if (silence !== undefined) return { failure: silence };
      done.valid++;
      if (!entry.isSuperior) return {};
      const basis = sha256Base64url(`${superior.basis} ${link.version}`);
      return { next: { entity, configuration, above, path: [...superior.path, entity], basis, before } };
    },
  };
}
