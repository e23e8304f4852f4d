// Federation keys changing over between a node and its superiors: who knows the next key already, and what subordinates' next keys are. A key is taken from a configuration that a known key signed, never otherwise.
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { SUBORDINATE_KEYS_ROUND_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import { checkApplicant, checkKnownKey } from "./applicant.ts";
import type { HttpClient } from "./http-client.ts";
import { createStatementClient } from "./statement-client.ts";
import * as store from "./subordinate-store.ts";

/** What became of asking one subordinate. `message`: why nothing was taken from it. */
export interface KeyRefresh {
  readonly entity: string;
  readonly outcome: "unchanged" | "changed" | "failed";
  readonly kids: readonly string[];
  readonly message?: string;
}

export interface KeyRolloverService {
  /** The superiors that do not name this key of ours yet, each with why. Asks them. */
  findLacking(kid: string): Promise<{ readonly superior: string; readonly reason: string }[]>;
  /**
   * Asks a subordinate, or each of a round of them, for its configuration, and keeps the federation keys that it lists if a key known before
   * signed it. Throws `subordinate_unknown` for one that is none.
   */
  refreshSubordinates(entity?: string): Promise<KeyRefresh[]>;
}

export function createKeyRolloverService(deps: {
  database: Database;
  httpClient: HttpClient;
  entity: string;
  superiors: readonly string[];
  key: PublicKey;
  /** Unix seconds. */
  clock: () => number;
}): KeyRolloverService {
  const { database, entity, superiors, key, clock } = deps;
  const client = createStatementClient(deps);
  // Where the last round ended: with thousands of subordinates each round asks some of them.
  let asked = "";

  async function findReason(superior: string, kid: string): Promise<string | undefined> {
    try {
      const configuration = await client.fetchConfiguration(superior);
      const statement = await client.fetchSubordinateStatement(configuration, entity);
      return statement.keys.some((one) => one.kid === kid) ? undefined : "its statement does not list the key yet";
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      return `${error.code}: ${error.message}`;
    }
  }

  async function refresh(known: store.StoredSubordinate): Promise<KeyRefresh> {
    const before = known.jwks.keys.map(({ kid }) => kid);
    try {
      const configuration = await client.fetchConfiguration(known.entity);
      checkApplicant(configuration, { entity, key }, known.formerly ?? []);
      checkKnownKey(configuration, known);
      const kids = configuration.keys.map(({ kid }) => kid);
      if ([...kids].sort().join() === [...before].sort().join())
        return { entity: known.entity, outcome: "unchanged", kids };
      const jwks = { keys: configuration.keys.map(({ jwk }) => jwk) };
      // Only in place of the keys that were judged: an operator may have accepted others meanwhile.
      const isChanged = await store.changeSubordinateKeys(database, { known, jwks, changedAt: clock() });
      if (isChanged) return { entity: known.entity, outcome: "changed", kids };
      return { entity: known.entity, outcome: "failed", kids: before, message: "its keys were changed meanwhile" };
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      return { entity: known.entity, outcome: "failed", kids: before, message: `${error.code}: ${error.message}` };
    }
  }

  async function chooseRound(): Promise<store.StoredSubordinate[]> {
    const all = (await store.listSubordinates(database)).filter(({ state }) => state === "active");
    const later = all.filter((one) => one.entity > asked);
    const round = (later.length > 0 ? later : all).slice(0, SUBORDINATE_KEYS_ROUND_MAX);
    asked = round.at(-1)?.entity ?? "";
    return round;
  }

  return {
    async findLacking(kid) {
      const reasons = await Promise.all(
        superiors.map(async (superior) => ({ superior, reason: await findReason(superior, kid) })),
      );
      return reasons.flatMap(({ superior, reason }) => (reason === undefined ? [] : [{ superior, reason }]));
    },

    async refreshSubordinates(one) {
      if (one !== undefined) {
        const known = await store.findSubordinate(database, one);
        if (!known) throw new AttestryError("subordinate_unknown", "this node does not vouch for that entity");
        // It may be suspended because its key was stolen: then people decide which key is taken.
        if (known.state !== "active")
          return [
            {
              entity: one,
              outcome: "failed",
              kids: known.jwks.keys.map(({ kid }) => kid),
              message: "it is suspended; accept it again instead",
            },
          ];
        return [await refresh(known)];
      }
      const refreshed: KeyRefresh[] = [];
      // One after the other: nobody waits for this.
      for (const known of await chooseRound()) refreshed.push(await refresh(known));
      return refreshed;
    },
  };
}
