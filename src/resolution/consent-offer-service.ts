// Which departments staff may ask people's consent of, and for what: the directory's members, and what their public definitions say.
import { createExpiringCache } from "../expiring-cache.ts";
import type { DirectoryService } from "../federation/directory-service.ts";
import { parseEntityIdentifier } from "../federation/entity-identifier.ts";
import type { AskHome } from "../federation/home-chain.ts";
import type { Caller } from "../identity/caller.ts";
import { CONSENT_HOMES_OFFERED_MAX, CONSENT_OFFER_SECONDS, CONSENT_OFFERS_REMEMBERED_MAX } from "../limits.ts";
import { checkMayAsk } from "./asked-consent-service.ts";
import type { ConsentOffer } from "./consent-offer.ts";
import type { ConsentOfferClient } from "./consent-offer-client.ts";

/** A node, by the name that its records and consents have. */
export interface ConsentHome {
  readonly home: string;
  /** Who runs it, as the directory has it. */
  readonly organisation: string | undefined;
}

export interface HomeOffers extends ConsentHome {
  readonly offers: readonly ConsentOffer[];
}

export interface ConsentOfferService {
  /** Asks nobody. Throws `permission_denied`. */
  listHomes(caller: Caller): Promise<readonly ConsentHome[]>;
  /** Asks that node, of whom a chain must lead to an anchor, unless it did a moment ago. Throws `permission_denied`, `entity_identifier_invalid`, `chain_not_found`, `peer_*`. */
  getOffers(caller: Caller, home: string): Promise<HomeOffers>;
}

export function createConsentOffers(deps: {
  readonly entity: string;
  readonly directory: Pick<DirectoryService, "list" | "find">;
  readonly askHome: AskHome;
  readonly client: ConsentOfferClient;
  readonly clock: () => number;
  readonly allowLoopbackHttp: boolean;
}): ConsentOfferService {
  const { entity, directory, askHome, client, clock, allowLoopbackHttp } = deps;

  const offered = createExpiringCache<readonly ConsentOffer[]>({
    load: async (home) => {
      const value = await askHome(home, (chain) => client.list(chain.entity), { outgoing: true });
      return { value, expiresAt: clock() + CONSENT_OFFER_SECONDS };
    },
    entriesMax: CONSENT_OFFERS_REMEMBERED_MAX,
    failureSeconds: 0,
    clock,
  });

  return {
    async listHomes(caller) {
      checkMayAsk(caller);
      const { members } = await directory.list({ state: "valid", limit: CONSENT_HOMES_OFFERED_MAX });
      return members
        .filter((member) => member.entity !== entity && !member.formerly.includes(entity))
        .map(({ entity: node, formerly, organizationName }) => ({
          home: formerly[0] ?? node,
          organisation: organizationName ?? undefined,
        }));
    },
    async getOffers(caller, stated) {
      checkMayAsk(caller);
      const home = parseEntityIdentifier(stated.trim(), { allowLoopbackHttp });
      const [offers, member] = await Promise.all([offered.get(home), directory.find(home)]);
      return { home, organisation: member?.organizationName ?? undefined, offers };
    },
  };
}
