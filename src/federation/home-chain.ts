// Which node answers for a name now: the entity of that name, or the one that its superior says it became. Asks nothing by itself.
import { AttestryError } from "../errors.ts";
import { speaksFor } from "./node-metadata.ts";
import type { VerifiedChain } from "./trust-chain.ts";

/** The proven chain of the node that answers for records in the name of `name`, an entity identifier (untrusted). Throws as `getChain` does. */
export type FindHome = (name: string) => Promise<VerifiedChain>;

/**
 * `own`: this node, and the name that its records have. `findMoved`: the entity that a member of that name became, as far as this node
 * knows of it; a hint only, for the chain has to say so.
 */
export function createHomeFinder(deps: {
  own: { readonly entity: string; readonly names: string } | undefined;
  getChain: (entity: string) => Promise<VerifiedChain>;
  findMoved: (name: string) => Promise<string | undefined>;
}): FindHome {
  const { own, getChain, findMoved } = deps;
  return async (name) => {
    if (name === own?.names) return getChain(own.entity);
    const moved = await findMoved(name);
    if (moved === undefined) return getChain(name);
    const chain = await getChain(moved);
    if (speaksFor(chain, name)) return chain;
    throw new AttestryError("formerly_not_vouched", `no superior of ${moved} says that it was formerly ${name}`);
  };
}
