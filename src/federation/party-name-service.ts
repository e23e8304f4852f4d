// What another node calls itself, as its superiors let it, for people to read. Waits for no network longer than a reader would.
import { PARTY_NAME_MS } from "../limits.ts";
import type { ChainService } from "./chain-service.ts";
import { REGISTRY_NODE } from "./node-metadata.ts";
import type { ProvenChain } from "./trust-chain.ts";

export type NameParty = (entity: string) => Promise<string | undefined>;

const NAME_CHARS_MAX = 200;

function readName({ resolved }: Pick<ProvenChain, "resolved">): string | undefined {
  const names = [REGISTRY_NODE, "federation_entity"].map((type) => resolved.get(type)?.organization_name);
  return names.find((name) => typeof name === "string" && name.length <= NAME_CHARS_MAX) as string | undefined;
}

/** Undefined where nobody vouches for it, or none who does can be asked now. `own`: this node's names. */
export function createPartyNamer(deps: {
  readonly own: readonly string[];
  readonly ownName: string;
  readonly chains: Pick<ChainService, "getProvenChain">;
}): NameParty {
  return async (entity) => {
    if (deps.own.includes(entity)) return deps.ownName;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), PARTY_NAME_MS);
    });
    const found = deps.chains.getProvenChain(entity).then(readName, () => undefined);
    try {
      return await Promise.race([found, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
