// Finds and proves the trust chain of an entity: walks its authority hints up to a pinned anchor. Trusts no step before
// trust-chain.ts has proven the whole.
import { AttestryError, type ErrorDetail } from "../errors.ts";
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
import { type AnchorPin, type VerifiedChain, verifyTrustChain } from "./trust-chain.ts";

export interface ChainService {
  /**
   * The proven chain of `entity` (an entity identifier, untrusted), the shortest where there are several.
   * Throws `entity_identifier_invalid`; what fetching the entity's own configuration threw; `chain_not_found`, whose details
   * name each path that was tried and the rule that ended it.
   */
  getChain(entity: string): Promise<VerifiedChain>;
}

/** A way up from the subject: `configurations` from the subject to the top, `subordinates` one statement per step between. */
interface Path {
  readonly configurations: readonly EntityStatement[];
  readonly subordinates: readonly EntityStatement[];
}

/** What one walk may still spend, whatever the entities it meets answer. */
interface WalkBudget {
  /** Counts one request. Throws `budget_exceeded`. */
  spend(): CallLimits;
}

function createWalkBudget(): WalkBudget {
  const deadline = performance.now() + CHAIN_WALK_MS_MAX;
  let fetches = 0;
  return {
    spend() {
      const timeoutMs = Math.floor(deadline - performance.now());
      if (++fetches > CHAIN_WALK_FETCHES_MAX) {
        throw new AttestryError("budget_exceeded", `a chain is sought with at most ${CHAIN_WALK_FETCHES_MAX} requests`);
      }
      if (timeoutMs <= 0)
        throw new AttestryError("budget_exceeded", `a chain is sought for at most ${CHAIN_WALK_MS_MAX} ms`);
      return { timeoutMs };
    },
  };
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
    const entities = path.configurations.map((configuration) => configuration.subject);
    // A hint that leads back ends this path only; others may still reach an anchor.
    if (entities.includes(superior))
      throw new AttestryError("chain_loop", "the path returns to an entity it has passed");
    if (entities.length >= CHAIN_DEPTH_MAX) {
      throw new AttestryError("chain_too_long", `a path has at most ${CHAIN_DEPTH_MAX} entities`);
    }
    budget.spend();
    const configuration = await superiors.get(superior);
    const limits = budget.spend();
    const below = entities.at(-1)!;
    try {
      const subordinate =
        entities.length === 1
          ? await client.fetchSubordinateStatement(configuration, below, limits)
          : await steps.get(`${superior} ${below}`);
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

  function prove({ configurations, subordinates }: Path): Promise<VerifiedChain> {
    const [subject, top] = [configurations[0]!, configurations.at(-1)!];
    const statements = [subject, ...subordinates, ...(top === subject ? [] : [top])].map((statement) => statement.text);
    return verifyTrustChain({ statements, anchors, now: clock(), memory });
  }

  // Breadth first, so that of several valid chains the shortest is found (§10.3 leaves the choice to us).
  async function walk(entity: string): Promise<VerifiedChain> {
    const budget = createWalkBudget();
    const failures: ErrorDetail[] = [];
    const fail = (entities: readonly string[], error: unknown): void => {
      failures.push({ field: describePath(entities), message: describeEnd(error) });
    };
    let paths: Path[] = [
      { configurations: [await client.fetchConfiguration(entity, budget.spend())], subordinates: [] },
    ];
    while (paths.length > 0) {
      const higher: Path[] = [];
      for (const path of paths) {
        const entities = path.configurations.map((configuration) => configuration.subject);
        const top = path.configurations.at(-1)!;
        if (pinned.has(top.subject)) {
          try {
            return await prove(path);
          } catch (error) {
            // Perhaps what was held of its superiors no longer fits together.
            forget(entities);
            fail(entities, error);
          }
        } else if (top.authorityHints.length === 0) {
          fail(entities, new AttestryError("anchor_unknown", "the path ends at an entity that is not a pinned anchor"));
        }
        const hints = [...top.authorityHints];
        const steps = await Promise.allSettled(hints.map((hint) => climb(path, hint, budget)));
        steps.forEach((step, j) => {
          if (step.status === "fulfilled") higher.push(step.value);
          else fail([...entities, hints[j]!], step.reason);
        });
      }
      paths = higher;
    }
    const [first] = failures;
    throw new AttestryError(
      "chain_not_found",
      `no trust chain leads from ${entity} to a pinned anchor; tried ${failures.length} paths, the first ended with ${first?.message ?? "nothing"}`,
      { details: failures },
    );
  }

  const chains = createExpiringCache<VerifiedChain>({
    load: async (entity) => {
      const value = await walk(entity);
      return { value, expiresAt: value.expiresAt };
    },
    entriesMax: CHAIN_CACHE_ENTRIES_MAX,
    failureSeconds: CHAIN_FAILURE_SECONDS,
    clock,
  });

  return {
    async getChain(entity) {
      return chains.get(parseEntityIdentifier(entity, { allowLoopbackHttp: deps.allowLoopbackHttp }));
    },
  };
}
