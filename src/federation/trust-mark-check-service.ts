// Which trust marks of an entity hold: establishes trust in each issuer first (OpenID Federation 1.0 §7.3). Issues none.
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { TRUST_MARK_CHARS_MAX } from "../limits.ts";
import type { CarriedTrustMark } from "./entity-statement.ts";
import type { HttpClient } from "./http-client.ts";
import type { ProvenChain } from "./trust-chain.ts";
import {
  checkTrustMarkIssuer,
  parseTrustMark,
  parseTrustMarkRules,
  type TrustMark,
  type TrustMarkRules,
  verifyTrustMark,
} from "./trust-mark.ts";
import { checkTrustMarkActive, STATUS_RESPONSE_TYPE } from "./trust-mark-status.ts";

export interface CheckedTrustMarks {
  readonly held: readonly TrustMark[];
  /** Which rule ended each of the others. */
  readonly refused: readonly { readonly type: string; readonly code: ErrorCode; readonly message: string }[];
}

export interface TrustMarkCheckService {
  /**
   * The marks that the subject of a proven chain carries, under the rules of that chain's anchor. Without `outgoing` nobody
   * is asked: a mark whose issuer's chain is not known yet, or whose status would have to be asked, is refused.
   */
  checkMarks(chain: ProvenChain, options: { readonly outgoing: boolean }): Promise<CheckedTrustMarks>;
}

interface Issuer {
  readonly keys: readonly PublicKey[];
  readonly statusEndpoint: string | undefined;
}

/** `clock`: Unix seconds. */
export function createTrustMarkCheckService(deps: {
  readonly getProvenChain: (entity: string) => Promise<ProvenChain>;
  readonly findKnownChain: (entity: string) => Promise<ProvenChain | undefined>;
  readonly httpClient: Pick<HttpClient, "send">;
  readonly clock: () => number;
}): TrustMarkCheckService {
  const { clock } = deps;

  async function findIssuerChain(issuer: string, outgoing: boolean): Promise<ProvenChain | undefined> {
    if (!outgoing) return deps.findKnownChain(issuer);
    return deps.getProvenChain(issuer).catch((error: unknown) => {
      if (error instanceof AttestryError) return undefined;
      throw error;
    });
  }

  async function getIssuer(mark: TrustMark, chain: ProvenChain, outgoing: boolean): Promise<Issuer> {
    const { anchor, subordinates } = chain;
    if (mark.issuer === anchor.subject) return { keys: anchor.keys, statusEndpoint: statusEndpointOf(anchor.metadata) };
    // Whoever stands in the chain is proven by it; what its superior says of its keys goes before what it says itself.
    const above = subordinates.find(({ subject }) => subject === mark.issuer);
    if (above !== undefined && mark.expiresAt !== undefined) return { keys: above.keys, statusEndpoint: undefined };
    const own = await findIssuerChain(mark.issuer, outgoing);
    if (own?.anchor.subject !== anchor.subject) {
      throw new AttestryError(
        "trust_mark_issuer_unknown",
        `trust mark: no known chain leads from ${mark.issuer} to ${anchor.subject}`,
      );
    }
    return {
      keys: own.subordinates[0]?.keys ?? own.subject.keys,
      statusEndpoint: statusEndpointOf(own.resolved),
    };
  }

  // §7.3: a mark without an end is believed only as long as its issuer says so.
  async function checkStatus(mark: TrustMark, { keys, statusEndpoint }: Issuer, outgoing: boolean): Promise<void> {
    if (mark.expiresAt !== undefined) return;
    if (!outgoing || statusEndpoint === undefined) {
      throw new AttestryError(
        "trust_mark_status_open",
        "trust mark: it has no exp, and its issuer is not, or cannot be, asked for its status",
      );
    }
    const response = await deps.httpClient.send({
      method: "POST",
      url: statusEndpoint,
      headers: {
        accept: `application/${STATUS_RESPONSE_TYPE}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: encodeUtf8(new URLSearchParams({ trust_mark: mark.text }).toString()),
      bytesMax: 2 * TRUST_MARK_CHARS_MAX,
    });
    if (response.status !== 200)
      throw new AttestryError("trust_mark_status_open", `trust mark: its issuer answered ${response.status}`);
    const expected = { issuer: mark.issuer, keys, text: mark.text, now: clock() };
    await checkTrustMarkActive(decodeUtf8(response.body), expected);
  }

  async function checkMark(
    carried: CarriedTrustMark,
    { chain, rules, outgoing }: { chain: ProvenChain; rules: TrustMarkRules; outgoing: boolean },
  ): Promise<TrustMark> {
    const mark = parseTrustMark(carried.text);
    if (mark.type !== carried.type)
      throw new AttestryError("trust_mark_invalid", "trust mark: it is published under another type than its own");
    // Before anything is fetched: whom the anchor does not let issue is not even asked.
    checkTrustMarkIssuer(mark, rules);
    const issuer = await getIssuer(mark, chain, outgoing);
    const { subject } = chain.subject;
    await verifyTrustMark(mark, { subject, rules, issuerKeys: issuer.keys, now: clock() });
    await checkStatus(mark, issuer, outgoing);
    return mark;
  }

  return {
    async checkMarks(chain, { outgoing }) {
      const { trustMarks } = chain.subject;
      const held: TrustMark[] = [];
      const refused: { type: string; code: ErrorCode; message: string }[] = [];
      for (const carried of trustMarks) {
        try {
          const rules = parseTrustMarkRules(chain.anchor.trustMarkClaims);
          held.push(await checkMark(carried, { chain, rules, outgoing }));
        } catch (error) {
          if (!(error instanceof AttestryError)) throw error;
          refused.push({ type: carried.type, code: error.code, message: error.message });
        }
      }
      return { held, refused };
    },
  };
}

function statusEndpointOf(metadata: ProvenChain["resolved"]): string | undefined {
  const endpoint = metadata.get("federation_entity")?.federation_trust_mark_status_endpoint;
  return typeof endpoint === "string" && URL.canParse(endpoint) ? endpoint : undefined;
}
