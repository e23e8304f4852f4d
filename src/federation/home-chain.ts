// Which node answers for a name now: the entity of that name, or the one that its superior says it became. Asks nothing by itself.
import { AttestryError, isAttestryError } from "../errors.ts";
import { speaksFor } from "./node-metadata.ts";
import type { OwnChainService } from "./own-chain-service.ts";
import type { VerifiedChain } from "./trust-chain.ts";

/**
 * Asks the home node of `name`, an entity identifier (untrusted), by its proven chain: the one of that name, or, where nobody answers under
 * it or vouches for it any more, the one it became. `ask` may be called again. `outgoing`: whether anybody may be asked for a chain. Throws as `getChain` and `ask` do.
 */
export type AskHome = <Result>(
  name: string,
  ask: (chain: VerifiedChain) => Promise<Result>,
  options: { readonly outgoing: boolean },
) => Promise<Result>;

function isGone(error: unknown): boolean {
  return isAttestryError(error) && (error.code.startsWith("peer_") || error.code === "chain_not_found");
}

/** `own`: the name that this node's records have, and its own chain. `findMoved`: who that name may be now; a hint only, for the chain has to say so. */
export function createHomeAsker(deps: {
  own: { readonly names: string; readonly getChain: OwnChainService["getChain"] } | undefined;
  getChain: (entity: string) => Promise<VerifiedChain>;
  findMoved: (name: string) => Promise<string | undefined>;
}): AskHome {
  const { own, getChain } = deps;

  async function findSuccessor(name: string): Promise<VerifiedChain | undefined> {
    try {
      const moved = await deps.findMoved(name);
      if (moved === undefined || moved === name) return undefined;
      const chain = await getChain(moved);
      return speaksFor(chain, name) ? chain : undefined;
    } catch (error) {
      // What is told is why the name itself could not be used.
      if (!isAttestryError(error)) throw error;
      return undefined;
    }
  }

  return async (name, ask, options) => {
    if (name === own?.names) return ask(await own.getChain(options));
    if (!options.outgoing) throw new AttestryError("chain_not_found", `${name} is not asked for a stranger`);
    try {
      return await ask(await getChain(name));
    } catch (error) {
      const successor = isGone(error) ? await findSuccessor(name) : undefined;
      if (successor === undefined) throw error;
      return ask(successor);
    }
  };
}
