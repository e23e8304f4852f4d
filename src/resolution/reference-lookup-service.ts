// Looks keys up at their home nodes: nodes of a valid chain only, each asked once per batch. What is found is remembered for a short time.
import { createBoundedCache } from "../bounded-cache.ts";
import { AttestryError } from "../errors.ts";
import type { AskHome } from "../federation/home-chain.ts";
import type { VerifiedChain } from "../federation/trust-chain.ts";
import { RECORDS_FIND_MAX, REFERENCE_KEY_SECONDS, REFERENCE_KEYS_REMEMBERED_MAX } from "../limits.ts";
import { queryName } from "../records/references/reference-key.ts";
import type { ElsewhereOutcome, FindElsewhere } from "../records/references/reference-key-service.ts";
import type { FindAtHome } from "./reference-lookup-client.ts";
import { isPassingOutcome } from "./resolution-service.ts";

export function createReferenceLookup(deps: {
  askHome: AskHome;
  findAtHome: FindAtHome;
  clock: () => number;
}): FindElsewhere {
  const remembered = createBoundedCache<{ outcome: ElsewhereOutcome; until: number }>(REFERENCE_KEYS_REMEMBERED_MAX);

  async function askHome(
    entity: string,
    asked: readonly { name: string; registry: string; key: Parameters<FindAtHome>[0]["keys"][number]["key"] }[],
    outcomes: Map<string, ElsewhereOutcome>,
  ): Promise<void> {
    try {
      const find = async (home: VerifiedChain): Promise<void> => {
        for (let at = 0; at < asked.length; at += RECORDS_FIND_MAX) {
          const part = asked.slice(at, at + RECORDS_FIND_MAX);
          const found = await deps.findAtHome({ home, entity, keys: part });
          for (const [i, { name }] of part.entries()) {
            outcomes.set(name, found[i]!);
            // A key that is not there may be tomorrow, or in a second; one that is there is verified before it is signed.
            if (found[i]!.outcome === "found")
              remembered.set(name, { outcome: found[i]!, until: deps.clock() + REFERENCE_KEY_SECONDS });
          }
        }
      };
      // Only staff write, so keys are looked up for known callers alone.
      await deps.askHome(entity, find, { outgoing: true });
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      const message = `cannot be looked up at ${entity} (${error.code})`;
      const fault = { outcome: "unreachable", message, isPassing: isPassingOutcome(error.code) } as const;
      for (const { name } of asked) if (!outcomes.has(name)) outcomes.set(name, fault);
    }
  }

  return async (queries) => {
    const outcomes = new Map<string, ElsewhereOutcome>();
    const byEntity = new Map<
      string,
      { name: string; registry: string; key: (typeof queries)[number]["query"]["key"] }[]
    >();
    for (const { entity, registry, query } of queries) {
      const name = queryName(query);
      const known = remembered.get(name);
      if (known !== undefined && known.until > deps.clock()) outcomes.set(name, known.outcome);
      else byEntity.set(entity, [...(byEntity.get(entity) ?? []), { name, registry, key: query.key }]);
    }
    await Promise.all([...byEntity].map(([entity, asked]) => askHome(entity, asked, outcomes)));
    return queries.map(({ query }) => outcomes.get(queryName(query))!);
  };
}
