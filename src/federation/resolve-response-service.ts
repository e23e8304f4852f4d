// Resolve responses (OpenID Federation 1.0 §8.3): what this node knows of an entity's chain, metadata and marks, signed.
// Asks nobody: whoever sends a stranger's name here must not be able to make this node call that stranger.
import type { JsonObject } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError } from "../errors.ts";
import { parseEntityIdentifier } from "./entity-identifier.ts";
import { type AnchorPin, type ProvenChain, proveTrustChain } from "./trust-chain.ts";
import type { TrustMark } from "./trust-mark.ts";
import type { TrustMarkCheckService } from "./trust-mark-check-service.ts";

export const RESOLVE_RESPONSE_TYPE = "resolve-response+jwt";

export interface ResolveRequest {
  readonly subject: string;
  /** Any of them will do. */
  readonly trustAnchors: readonly string[];
  /** The metadata of all types, unless given. */
  readonly entityTypes?: readonly string[] | undefined;
}

export interface ResolveResponseService {
  /**
   * Throws `entity_identifier_invalid`, `chain_not_found` where nothing is known of the subject, `anchor_unknown` where its
   * known chains lead to other anchors.
   */
  resolve(request: ResolveRequest): Promise<string>;
}

/** `signer`: the federation key. `clock`: Unix seconds. `findConfiguration`: what a subordinate showed when it was accepted. */
export function createResolveResponseService(deps: {
  readonly entity: string;
  readonly signer: Signer;
  readonly anchors: readonly AnchorPin[];
  readonly clock: () => number;
  readonly getConfiguration: () => Promise<string>;
  readonly getSubordinateStatement: (subject: string) => Promise<string>;
  readonly findConfiguration: (subject: string) => Promise<string | undefined>;
  readonly findKnownChain: (entity: string) => Promise<ProvenChain | undefined>;
  readonly checkMarks: TrustMarkCheckService["checkMarks"];
  readonly allowLoopbackHttp: boolean;
}): ResolveResponseService {
  const { entity, signer, clock } = deps;
  // A node knows its own key, whether or not its operator pinned it.
  const ownPin: AnchorPin = { entity, jwks: { keys: [signer.publicKey.jwk] }, registry_types: [] };

  async function tryProof(statements: readonly string[], anchors: readonly AnchorPin[]): Promise<ProvenChain[]> {
    try {
      return [await proveTrustChain({ statements, anchors, now: clock() })];
    } catch (error) {
      // What was kept has expired, or says something else by now: then it is not known any more.
      if (error instanceof AttestryError) return [];
      throw error;
    }
  }

  async function findBelow(subject: string): Promise<ProvenChain[]> {
    const configuration = await deps.findConfiguration(subject);
    if (configuration === undefined) return [];
    let statement: string;
    try {
      statement = await deps.getSubordinateStatement(subject);
    } catch (error) {
      if (error instanceof AttestryError) return [];
      throw error;
    }
    const above = await deps.findKnownChain(entity);
    return [
      ...(await tryProof([configuration, statement, await deps.getConfiguration()], [ownPin])),
      ...(above ? await tryProof([configuration, statement, ...above.statements.slice(1)], deps.anchors) : []),
    ];
  }

  async function findChains(subject: string): Promise<ProvenChain[]> {
    const known = await deps.findKnownChain(subject);
    const own =
      subject === entity ? await tryProof([await deps.getConfiguration()], [ownPin]) : await findBelow(subject);
    return [...(known && known.expiresAt > clock() ? [known] : []), ...own];
  }

  function sign(chain: ProvenChain, marks: readonly TrustMark[], entityTypes?: readonly string[]): Promise<string> {
    const metadata = [...chain.resolved].filter(([type]) => entityTypes?.includes(type) ?? true);
    // §8.3.2: "the minimum of the exp value of the Trust Chain … and any Trust Mark included".
    const ends = marks.flatMap(({ expiresAt }) => (expiresAt === undefined ? [] : [expiresAt]));
    const payload: JsonObject = {
      iss: entity,
      sub: chain.subject.subject,
      iat: clock(),
      exp: Math.min(chain.expiresAt, ...ends),
      metadata: Object.fromEntries(metadata),
      trust_chain: [...chain.statements],
      ...(marks.length > 0 && {
        trust_marks: marks.map(({ type, text }) => ({ trust_mark_type: type, trust_mark: text })),
      }),
    };
    return signJws({ signer, typ: RESOLVE_RESPONSE_TYPE, payload });
  }

  return {
    async resolve({ subject: text, trustAnchors, entityTypes }) {
      const subject = parseEntityIdentifier(text, { allowLoopbackHttp: deps.allowLoopbackHttp });
      const chains = await findChains(subject);
      if (chains.length === 0)
        throw new AttestryError("chain_not_found", "this node knows no chain of that entity, and asks nobody for it");
      const chain = chains.find(({ anchor }) => trustAnchors.includes(anchor.subject));
      if (chain === undefined)
        throw new AttestryError("anchor_unknown", "the chains that this node knows lead to other trust anchors");
      const { held } = await deps.checkMarks(chain, { outgoing: false });
      return sign(chain, held, entityTypes);
    },
  };
}
