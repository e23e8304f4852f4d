// Finds and proves the trust chain of an entity: walks its authority hints up to a pinned anchor. Trusts no step before
// trust-chain.ts has proven the whole.
import { AttestryError, type ErrorDetail, isAttestryError } from "../errors.ts";
import { createExpiringCache } from "../expiring-cache.ts";
import {
  CHAIN_CACHE_ENTRIES_MAX,
  CHAIN_DEPTH_MAX,
  CHAIN_FAILURE_SECONDS,
  CHAIN_MEMORY_STATEMENTS_MAX,
  CHAIN_SUPERIORS_MAX,
  CHAIN_WALK_FETCHES_MAX,
  CHAIN_WALK_MS_MAX,
  SUPERIOR_CONFIGURATION_SECONDS,
} from "../limits.ts";
import { createChainMemory } from "./chain-memory.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import type { EntityStatement } from "./entity-statement.ts";
import type { CallLimits, HttpClient } from "./http-client.ts";
import { createStatementClient } from "./statement-client.ts";
import { type AnchorPin, type ProvenChain, proveTrustChain, readNodeChain, type VerifiedChain } from "./trust-chain.ts";

export interface ChainService {
  /**
   * The proven chain of `entity` (an entity identifier, untrusted), a registry node. Of several valid ones the shortest; of
   * several of one length the one that grants most types, and then the first by the entities of its path: what a superior
   * or the entity lists first decides nothing.
   * Throws `entity_identifier_invalid`; what fetching the entity's own configuration threw; `chain_not_found`, whose details
   * name each path that was tried and the rule that ended it.
   */
  getChain(entity: string): Promise<VerifiedChain>;
  /** As `getChain`, asked anew; what is held stays good where that fails. */
  renewChain(entity: string): Promise<VerifiedChain>;
  /** As `getChain`, of any kind of entity; nothing is said of what it may sign. */
  getProvenChain(entity: string): Promise<ProvenChain>;
  /** A chain that one of the others found and that still holds: asks nobody. */
  findKnownChain(entity: string): Promise<ProvenChain | undefined>;
}

/** What is made of a proven chain, and how it compares to others of its length. */
interface Reading<Chain> {
  read(proven: ProvenChain): Chain;
  countGrants(chain: Chain): number;
}

const AS_NODE: Reading<VerifiedChain> = { read: readNodeChain, countGrants: (chain) => chain.registryTypes.length };
const AS_ENTITY: Reading<ProvenChain> = { read: (proven) => proven, countGrants: () => 0 };

/** A way up from the subject: `configurations` from the subject to the top, `subordinates` one statement per step between. */
interface Path {
  readonly configurations: readonly EntityStatement[];
  readonly subordinates: readonly EntityStatement[];
}

/** What one walk may still spend, whatever the entities it meets answer. */
interface WalkBudget {
  /** Counts requests before they are sent. Throws `budget_exceeded`. */
  spend(requests: number): void;
  /** For the next request. Throws `budget_exceeded`. */
  limits(): CallLimits;
}

function createWalkBudget(): WalkBudget {
  const deadline = performance.now() + CHAIN_WALK_MS_MAX;
  let left = CHAIN_WALK_FETCHES_MAX;
  return {
    spend(requests) {
      if (left < requests) {
        throw new AttestryError("budget_exceeded", `a chain is sought with at most ${CHAIN_WALK_FETCHES_MAX} requests`);
      }
      left -= requests;
    },
    limits() {
      const ms = Math.floor(deadline - performance.now());
      if (ms <= 0) throw new AttestryError("budget_exceeded", `a chain is sought for at most ${CHAIN_WALK_MS_MAX} ms`);
      // Half of what is left, so that peers that answer late on one path leave time to the others.
      return { timeoutMs: Math.max(1, Math.floor(ms / 2)) };
    },
  };
}

/** Waits no longer for what others wait for too. Throws `peer_timeout`. */
async function waitFor<Value>(outcome: Promise<Value>, entity: string, { timeoutMs }: CallLimits): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new AttestryError("peer_timeout", `${entity} did not answer within ${timeoutMs} ms`);
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}

function entitiesOf(path: Path): string[] {
  return path.configurations.map((configuration) => configuration.subject);
}

function describePath(entities: readonly string[]): string {
  return entities.join(" > ");
}

function describeEnd(error: unknown): string {
  if (!(error instanceof AttestryError)) throw error;
  return `${error.code}: ${error.message}`;
}

/** `clock`: Unix seconds. `allowLoopbackHttp`: development. */
export function createChainService(deps: {
  readonly anchors: readonly AnchorPin[];
  readonly httpClient: HttpClient;
  readonly clock: () => number;
  readonly allowLoopbackHttp: boolean;
}): ChainService {
  const { anchors, clock } = deps;
  const client = createStatementClient(deps);
  const pinned = new Set(anchors.map((pin) => pin.entity));

  // Thousands of departments share a few superiors, so these are not fetched anew for each. Briefly, because a superior's new
  // key would otherwise break the chains below it for as long as its old configuration lives.
  const superiors = createExpiringCache<EntityStatement>({
    load: async (entity) => {
      const value = await client.fetchConfiguration(entity);
      return { value, expiresAt: Math.min(value.expiresAt, clock() + SUPERIOR_CONFIGURATION_SECONDS) };
    },
    entriesMax: CHAIN_SUPERIORS_MAX,
    failureSeconds: CHAIN_FAILURE_SECONDS,
    clock,
  });
  // For the same reason, and as briefly, what superiors say of superiors; what they say of the subject itself is always asked.
  const steps = createExpiringCache<EntityStatement>({
    load: async (step) => {
      const [superior, subject] = step.split(" ") as [string, string];
      const value = await client.fetchSubordinateStatement(await superiors.get(superior), subject);
      return { value, expiresAt: Math.min(value.expiresAt, clock() + SUPERIOR_CONFIGURATION_SECONDS) };
    },
    entriesMax: CHAIN_SUPERIORS_MAX,
    failureSeconds: CHAIN_FAILURE_SECONDS,
    clock,
  });
  const memory = createChainMemory(CHAIN_MEMORY_STATEMENTS_MAX);

  function forget(entities: readonly string[]): void {
    entities.slice(1).forEach((superior, j) => {
      superiors.forget(superior);
      steps.forget(`${superior} ${entities[j]!}`);
    });
  }

  async function climb(path: Path, superior: string, budget: WalkBudget): Promise<Path> {
    const entities = entitiesOf(path);
    // A hint that leads back ends this path only; others may still reach an anchor.
    if (entities.includes(superior))
      throw new AttestryError("chain_loop", "the path returns to an entity it has passed");
    if (entities.length >= CHAIN_DEPTH_MAX) {
      throw new AttestryError("chain_too_long", `a path has at most ${CHAIN_DEPTH_MAX} entities`);
    }
    // Both requests of the step at once: else the first ones of many steps would leave none for the second ones.
    budget.spend(2);
    const limits = budget.limits();
    const configuration = await waitFor(superiors.get(superior), superior, limits);
    const below = entities.at(-1)!;
    try {
      const subordinate =
        entities.length === 1
          ? await client.fetchSubordinateStatement(configuration, below, budget.limits())
          : await waitFor(steps.get(`${superior} ${below}`), superior, budget.limits());
      return {
        configurations: [...path.configurations, configuration],
        subordinates: [...path.subordinates, subordinate],
      };
    } catch (error) {
      // Perhaps what we hold of the superior is outdated: a new key, its first subordinate.
      forget([below, superior]);
      throw error;
    }
  }

  function prove({ configurations, subordinates }: Path): Promise<ProvenChain> {
    const [subject, top] = [configurations[0]!, configurations.at(-1)!];
    const statements = [subject, ...subordinates, ...(top === subject ? [] : [top])].map((statement) => statement.text);
    return proveTrustChain({ statements, anchors, now: clock(), memory });
  }

  // Breadth first, so that of several valid chains the shortest is found (§10.3 leaves the choice to us).
  async function walk<Chain>(entity: string, { read, countGrants }: Reading<Chain>): Promise<Chain> {
    const budget = createWalkBudget();
    budget.spend(1);
    let isSpent = false;
    const failures: ErrorDetail[] = [];
    const fail = (entities: readonly string[], error: unknown): void => {
      failures.push({ field: describePath(entities), message: describeEnd(error) });
    };
    let paths: Path[] = [
      { configurations: [await client.fetchConfiguration(entity, budget.limits())], subordinates: [] },
    ];
    while (paths.length > 0) {
      const found: { chain: Chain; path: string }[] = [];
      const rounds = new Map<string, number>();
      const steps: { path: Path; hint: string; round: number }[] = [];
      for (const path of paths) {
        const entities = entitiesOf(path);
        const top = path.configurations.at(-1)!;
        if (pinned.has(top.subject)) {
          try {
            found.push({ chain: read(await prove(path)), path: describePath(entities) });
          } catch (error) {
            // Perhaps what was held of its superiors no longer fits together.
            forget(entities);
            fail(entities, error);
          }
        } else if (top.authorityHints.length === 0) {
          fail(entities, new AttestryError("anchor_unknown", "the path ends at an entity that is not a pinned anchor"));
        }
        for (const hint of [...top.authorityHints].sort()) {
          const branch = path.configurations[1]?.subject ?? hint;
          const round = rounds.get(branch) ?? 0;
          rounds.set(branch, round + 1);
          steps.push({ path, hint, round });
        }
      }
      const [best] = found.sort((a, b) => countGrants(b.chain) - countGrants(a.chain) || (a.path < b.path ? -1 : 1));
      if (best) return best.chain;
      // Each of the subject's superiors takes its turn, so that one with many superiors of its own does not use up what others need.
      steps.sort((a, b) => a.round - b.round);
      const climbed = await Promise.allSettled(steps.map(({ path, hint }) => climb(path, hint, budget)));
      paths = [];
      for (const [j, outcome] of climbed.entries()) {
        if (outcome.status === "fulfilled") {
          paths.push(outcome.value);
          continue;
        }
        const { path, hint } = steps[j]!;
        // What was not tried any more is told once.
        const isBudget = isAttestryError(outcome.reason, "budget_exceeded");
        if (!isBudget || !isSpent) fail([...entitiesOf(path), hint], outcome.reason);
        isSpent ||= isBudget;
      }
    }
    const [first] = failures;
    throw new AttestryError(
      "chain_not_found",
      `no trust chain leads from ${entity} to a pinned anchor; tried ${failures.length} paths, the first ended with ${first?.message ?? "nothing"}`,
      { details: failures },
    );
  }

  function createChainCache<Chain extends { readonly expiresAt: number }>(reading: Reading<Chain>, entriesMax: number) {
    return createExpiringCache<Chain>({
      load: async (entity) => {
        const value = await walk(entity, reading);
        return { value, expiresAt: value.expiresAt };
      },
      entriesMax,
      failureSeconds: CHAIN_FAILURE_SECONDS,
      clock,
    });
  }

  const nodeChains = createChainCache(AS_NODE, CHAIN_CACHE_ENTRIES_MAX);
  const entityChains = createChainCache(AS_ENTITY, CHAIN_SUPERIORS_MAX);
  const parse = (entity: string): string =>
    parseEntityIdentifier(entity, { allowLoopbackHttp: deps.allowLoopbackHttp });

  // A chain with all its statements read takes twice the memory of what a node's chain says, so only that is held.
  async function findProven(entity: string): Promise<ProvenChain | undefined> {
    const known = await nodeChains.find(entity);
    if (known === undefined) return entityChains.find(entity);
    return proveTrustChain({ statements: known.statements, anchors, now: clock(), memory }).catch((error: unknown) => {
      // It has ended in this very second.
      if (isAttestryError(error)) return undefined;
      throw error;
    });
  }

  return {
    getChain: async (entity) => nodeChains.get(parse(entity)),
    renewChain: async (entity) => nodeChains.renew(parse(entity)),
    getProvenChain: async (entity) => (await findProven(entity)) ?? entityChains.get(parse(entity)),
    findKnownChain: findProven,
  };
}
