// This node's own trust chain, held for whoever asks and renewed before it runs out. What a stranger asks for never makes it ask anybody.
import { canonicalJson } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { createExpiringCache } from "../expiring-cache.ts";
import { OWN_CHAIN_RETRY_SECONDS_MAX, OWN_CONFIGURATION_SECONDS } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { ChainService } from "./chain-service.ts";
import { type AnchorPin, proveTrustChain, readNodeChain, type VerifiedChain } from "./trust-chain.ts";

/** `outgoing`: for a caller who is known, so that this node's superiors may be asked where no chain is held. */
export interface OwnChainOptions {
  readonly outgoing: boolean;
}

export interface OwnChainService {
  /** Throws what the last attempt to fetch the chain threw, such as `chain_not_found`. */
  getChain(options: OwnChainOptions): Promise<VerifiedChain>;
  /**
   * Its statements, from this node's configuration up to the anchor's. Without superiors a node is an anchor, or nobody vouches for it yet:
   * whoever pins it needs its own configuration, no more. Throws as `getChain`.
   */
  getStatements(options: OwnChainOptions): Promise<readonly string[]>;
  /** Asks anew; what was held stays good until it runs out. Throws as `getChain`. */
  renew(): Promise<void>;
  /** The job, called often: renews a chain that has lived half its life; where there is none, tries again, ever more seldom. */
  renewIfDue(): Promise<void>;
}

type OwnChain = Omit<OwnChainService, "getStatements">;

interface OwnChainDeps {
  readonly entity: string;
  readonly anchors: readonly AnchorPin[];
  /** Signs this node's own configuration anew. */
  readonly getConfiguration: () => Promise<string>;
  readonly chains: Pick<ChainService, "getChain" | "renewChain">;
  /** Unix seconds. */
  readonly clock: () => number;
  readonly logger: Logger;
}

/** What a configuration says, whenever it was signed. */
function contentOf(configuration: string): string {
  const { iat: _, exp: __, ...content } = decodeJws(configuration).payload;
  return canonicalJson(content);
}

/** Of a node that nobody is above. */
function createLoneChain(readConfiguration: () => Promise<string>, { anchors, clock }: OwnChainDeps): OwnChain {
  return {
    async getChain() {
      const statements = [await readConfiguration()];
      return readNodeChain(await proveTrustChain({ statements, anchors, now: clock() }));
    },
    renew: async () => {},
    renewIfDue: async () => {},
  };
}

function notYet(reason: string): AttestryError {
  return new AttestryError("chain_not_found", `${reason}; try again in some seconds`);
}

function createHeldChain({ entity, anchors, getConfiguration, chains, clock, logger }: OwnChainDeps): OwnChain {
  let held: VerifiedChain | undefined;
  let asking: Promise<VerifiedChain> | undefined;
  let failure: unknown = notYet("this node has not asked its superiors for its trust chain yet");
  let retrySeconds = 1;
  let dueAt = 0;
  let hasTold = false;

  async function follow(statements: readonly string[]): Promise<VerifiedChain | undefined> {
    try {
      return readNodeChain(await proveTrustChain({ statements, anchors, now: clock() }));
    } catch (error) {
      // A new key that the superior does not know yet, for one: what was proved before is good until it runs out.
      if (isAttestryError(error)) return undefined;
      throw error;
    }
  }

  // What this node says of itself it need not ask for: a registry published now is in the chain now. Where it says the same as before the
  // text stays the same, too, for verifiers remember chains by their text.
  const current = createExpiringCache<VerifiedChain>({
    async load() {
      const configuration = await getConfiguration();
      const { statements } = held!;
      if (contentOf(configuration) !== contentOf(statements[0]!)) {
        held = (await follow([configuration, ...statements.slice(1)])) ?? held;
      }
      return { value: held!, expiresAt: Math.min(held!.expiresAt, clock() + OWN_CONFIGURATION_SECONDS) };
    },
    entriesMax: 1,
    failureSeconds: 0,
    clock,
  });

  async function hold(outcome: Promise<VerifiedChain>): Promise<VerifiedChain> {
    try {
      held = await outcome;
      current.forget(entity);
      failure = notYet("this node's trust chain has run out and is being renewed");
      retrySeconds = 1;
      // Half of its life is left to wait for a superior that is away.
      dueAt = clock() + Math.max(1, Math.floor((held.expiresAt - clock()) / 2));
      return held;
    } catch (error) {
      failure = error;
      dueAt = clock() + retrySeconds;
      retrySeconds = Math.min(retrySeconds * 2, OWN_CHAIN_RETRY_SECONDS_MAX);
      throw error;
    } finally {
      asking = undefined;
    }
  }

  function ask(fetchChain: (entity: string) => Promise<VerifiedChain>): Promise<VerifiedChain> {
    asking ??= hold(fetchChain(entity));
    return asking;
  }

  return {
    async getChain({ outgoing }) {
      const isHeld = held !== undefined && clock() < held.expiresAt;
      if (!isHeld) {
        // Whoever waits for what is being fetched already makes nobody ask.
        if (!outgoing && !asking) throw failure;
        await (asking ?? ask(chains.getChain));
      }
      return current.get(entity);
    },
    async renew() {
      await ask(chains.renewChain);
    },
    async renewIfDue() {
      if (clock() < dueAt) return;
      try {
        await ask(chains.renewChain);
        hasTold = false;
      } catch (error) {
        if (!isAttestryError(error)) throw error;
        // Told once. That nobody vouches for a new node yet is in the order of things; that nobody does any more is not.
        if (!hasTold)
          logger[held ? "warn" : "debug"]({ error: error.message }, "the node's trust chain was not renewed");
        hasTold = true;
      }
    },
  };
}

/** `superiors`: those that this node's configuration names. */
export function createOwnChainService(deps: OwnChainDeps & { readonly superiors: readonly string[] }): OwnChainService {
  const { entity, clock } = deps;
  const configurations = createExpiringCache<string>({
    load: async () => ({ value: await deps.getConfiguration(), expiresAt: clock() + OWN_CONFIGURATION_SECONDS }),
    entriesMax: 1,
    failureSeconds: 0,
    clock,
  });
  const readConfiguration = () => configurations.get(entity);
  const isAlone = deps.superiors.length === 0;
  const chain = isAlone ? createLoneChain(readConfiguration, deps) : createHeldChain(deps);
  return {
    ...chain,
    getStatements: async (options) =>
      isAlone ? [await readConfiguration()] : (await chain.getChain(options)).statements,
  };
}
