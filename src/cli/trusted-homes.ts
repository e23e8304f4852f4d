// Home nodes, asked by a command that is no node: whom to believe comes from pinned anchors alone. Believes no answer.

import { currentSeconds } from "../clock.ts";
import { createChainService } from "../federation/chain-service.ts";
import { type AskHome, createHomeAsker } from "../federation/home-chain.ts";
import { createHttpClient, type HttpClient } from "../federation/http-client.ts";
import { createMovedClient } from "../federation/moved-client.ts";
import type { Reach } from "../federation/peer-address.ts";
import type { AnchorPin } from "../federation/trust-chain.ts";

export interface TrustedHomes {
  readonly httpClient: HttpClient;
  readonly askHome: AskHome;
  close(): void;
}

export function createTrustedHomes(anchors: readonly AnchorPin[], reach: Reach): TrustedHomes {
  const httpClient = createHttpClient(reach);
  const common = { httpClient, clock: currentSeconds, allowLoopbackHttp: reach.development };
  const chains = createChainService({ anchors, ...common });
  const entities = [...new Set(anchors.map((pin) => pin.entity))];
  return {
    httpClient,
    askHome: createHomeAsker({
      own: undefined,
      getChain: chains.getChain,
      findMoved: createMovedClient({ anchors: entities, ...common }),
    }),
    close: () => httpClient.close(),
  };
}
