// Which nodes' pages may ask this node for the citizens who sign in there: holders of one type of trust mark. A stranger's word makes nobody be asked: only whom a pinned anchor lets issue the mark, and whom these list.
import { decodeUtf8 } from "../crypto/hash.ts";
import { type Json, parseJson } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { createExpiringCache } from "../expiring-cache.ts";
import {
  CITIZEN_PORTAL_FAILURE_SECONDS,
  CITIZEN_PORTAL_ISSUERS_MAX,
  CITIZEN_PORTAL_LIST_BYTES_MAX,
  CITIZEN_PORTAL_LIST_HELD_SECONDS,
  CITIZEN_PORTAL_SECONDS,
  CITIZEN_PORTALS_REMEMBERED_MAX,
  ENTITY_IDENTIFIER_CHARS_MAX,
} from "../limits.ts";
import type { ChainService } from "./chain-service.ts";
import type { HttpClient } from "./http-client.ts";
import type { ProvenChain } from "./trust-chain.ts";
import { parseTrustMarkRules } from "./trust-mark.ts";
import type { TrustMarkCheckService } from "./trust-mark-check-service.ts";

export interface CitizenPortals {
  /** Whether a page of this origin (untrusted) may ask. */
  mayAsk(origin: string): Promise<boolean>;
}

/** What failed at a peer counts as no; a bug does not. */
function none(error: unknown): undefined {
  if (isAttestryError(error)) return undefined;
  throw error;
}

/** Below the issuer, as its status is: elsewhere it could aim these requests at a third party. */
function listEndpointOf(issuer: string, { anchor, resolved }: ProvenChain): string | undefined {
  const metadata = anchor.subject === issuer ? anchor.metadata : resolved;
  const endpoint = metadata.get("federation_entity")?.federation_trust_mark_list_endpoint;
  return typeof endpoint === "string" && endpoint.startsWith(`${issuer}/`) && URL.canParse(endpoint)
    ? endpoint
    : undefined;
}

/** `anchors`: the pinned ones. `clock`: Unix seconds. */
export function createCitizenPortals(deps: {
  readonly entity: string;
  readonly markType: string | undefined;
  readonly anchors: readonly string[];
  readonly chains: Pick<ChainService, "getProvenChain" | "renewChain">;
  readonly checkMarks: TrustMarkCheckService["checkMarks"];
  readonly httpClient: Pick<HttpClient, "send">;
  readonly clock: () => number;
}): CitizenPortals {
  const { markType, chains, clock } = deps;
  const ownOrigin = new URL(deps.entity).origin;
  /** For while nobody answers who could say who is marked now. */
  let lastList: { readonly holders: ReadonlySet<string>; readonly readAt: number } | undefined;

  /** OpenID Federation 1.0 §8.5. Undefined where the issuer cannot be asked. */
  async function askIssuer(issuer: string, type: string): Promise<string[] | undefined> {
    const chain = await chains.getProvenChain(issuer);
    const endpoint = listEndpointOf(issuer, chain);
    if (endpoint === undefined) return undefined;
    const { status, body } = await deps.httpClient.send({
      method: "GET",
      url: `${endpoint}?${new URLSearchParams({ trust_mark_type: type })}`,
      headers: { accept: "application/json" },
      bytesMax: CITIZEN_PORTAL_LIST_BYTES_MAX,
    });
    const listed: Json = status === 200 ? parseJson(decodeUtf8(body)) : null;
    return Array.isArray(listed) ? listed.filter((one) => typeof one === "string") : undefined;
  }

  /** Where anybody may issue the mark there is no list of who has it, and it lets nobody in. */
  async function listIssuers(type: string): Promise<readonly string[]> {
    const named = await Promise.all(
      deps.anchors.map((anchor) =>
        chains
          .getProvenChain(anchor)
          .then((chain) => parseTrustMarkRules(chain.anchor.trustMarkClaims).issuers.get(type) ?? [])
          .catch(none),
      ),
    );
    if (named.every((some) => some === undefined))
      throw new AttestryError("trust_mark_status_open", "no pinned anchor says who may mark a citizens' portal");
    return [...new Set(named.flatMap((some) => some ?? []))].slice(0, CITIZEN_PORTAL_ISSUERS_MAX);
  }

  async function readHolders(type: string): Promise<ReadonlySet<string>> {
    const issuers = await listIssuers(type);
    const lists = await Promise.all(issuers.map((issuer) => askIssuer(issuer, type).catch(none)));
    if (issuers.length > 0 && lists.every((list) => list === undefined))
      throw new AttestryError("trust_mark_status_open", "nobody says who is marked as a citizens' portal");
    return new Set(lists.flatMap((list) => list ?? []));
  }

  const lists = createExpiringCache<ReadonlySet<string>>({
    async load(type) {
      const holders = await readHolders(type).catch((error: unknown) => {
        none(error);
        if (lastList === undefined || clock() - lastList.readAt > CITIZEN_PORTAL_LIST_HELD_SECONDS) throw error;
        return undefined;
      });
      if (holders) lastList = { holders, readAt: clock() };
      return { value: holders ?? lastList!.holders, expiresAt: clock() + CITIZEN_PORTAL_SECONDS };
    },
    entriesMax: 1,
    failureSeconds: CITIZEN_PORTAL_FAILURE_SECONDS,
    clock,
  });

  /** Until when its mark holds; undefined where it has none that does. */
  async function findEnd(entity: string, type: string): Promise<number | undefined> {
    const find = async (): Promise<number | undefined> => {
      const { held } = await deps.checkMarks(await chains.getProvenChain(entity), { outgoing: true });
      const ends = held.filter((mark) => mark.type === type).map((mark) => mark.expiresAt ?? Number.POSITIVE_INFINITY);
      return ends.length === 0 ? undefined : Math.max(...ends);
    };
    const end = await find();
    if (end !== undefined) return end;
    // It may have published the mark after its chain was walked last.
    await chains.renewChain(entity);
    return find();
  }

  const checked = createExpiringCache<boolean>({
    async load(entity) {
      const end = markType === undefined ? undefined : await findEnd(entity, markType).catch(none);
      const soon = clock() + CITIZEN_PORTAL_SECONDS;
      return { value: end !== undefined, expiresAt: end === undefined ? soon : Math.min(soon, end) };
    },
    entriesMax: CITIZEN_PORTALS_REMEMBERED_MAX,
    failureSeconds: CITIZEN_PORTAL_FAILURE_SECONDS,
    clock,
  });

  return {
    async mayAsk(origin) {
      if (origin === ownOrigin) return true;
      if (markType === undefined || origin.length > ENTITY_IDENTIFIER_CHARS_MAX) return false;
      const holders = await lists.get(markType).catch(none);
      // An entity identifier is compared as it stands: of a node with a path no page is told apart from another's of its host.
      return holders?.has(origin) === true && (await checked.get(origin));
    },
  };
}
