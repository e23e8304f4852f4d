// The proven chains of nodes that this node has met, in memory: whoever is in it need not attach its chain again. Proves nothing.
import { createBoundedCache } from "../bounded-cache.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { PEERS_REMEMBERED_MAX } from "../limits.ts";
import type { AttachedChain } from "./attached-chain.ts";
import type { VerifiedChain } from "./trust-chain.ts";

export interface PeerChains {
  /** A later word of the same entity takes the place of an earlier one, never the other way round. */
  remember(proven: AttachedChain, now: number): void;
  /** The request key of that identifier (RFC 7638) of `entity`, by a chain that is in force at `now` (Unix seconds). */
  findKey(
    entity: string,
    keyId: string,
    now: number,
  ): { readonly key: PublicKey; readonly chain: VerifiedChain } | undefined;
}

export function createPeerChains(): PeerChains {
  const chains = createBoundedCache<AttachedChain>(PEERS_REMEMBERED_MAX);
  const findInForce = (entity: string, now: number): AttachedChain | undefined => {
    const known = chains.get(entity);
    return known && known.chain.expiresAt > now ? known : undefined;
  };
  return {
    remember(proven, now) {
      const { entity } = proven.chain;
      const known = findInForce(entity, now);
      // Else an old configuration, which lives for an hour, would bring back a key that was taken out of use.
      if (known === undefined || known.issuedAt <= proven.issuedAt) chains.set(entity, proven);
    },
    findKey(entity, keyId, now) {
      const chain = findInForce(entity, now)?.chain;
      const key = chain?.keys.request.find(({ kid }) => kid === keyId);
      return chain && key && { key, chain };
    },
  };
}
