// Asks other nodes by signed requests, and believes only answers that are signed to them. Sends to nodes of proven chains alone.
import { createBoundedCache } from "../bounded-cache.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import type { FieldLines } from "../crypto/http-signature.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, type ErrorCode, type ErrorDetail, isAttestryError } from "../errors.ts";
import {
  ATTACHED_CHAIN_CHARS_MAX,
  CHAIN_REFUSED_SECONDS,
  CHAIN_SHOWN_SECONDS,
  FETCH_TIMEOUT_MS,
  PEERS_REMEMBERED_MAX,
  REFUSAL_CHARS_MAX,
  REFUSAL_DETAILS_MAX,
} from "../limits.ts";
import type { CallLimits, HttpClient, PeerResponse } from "./http-client.ts";
import { signRequest } from "./signed-request.ts";
import { verifyResponse } from "./signed-response.ts";
import type { VerifiedChain } from "./trust-chain.ts";

export interface SignedCall extends CallLimits {
  /** Refusals that the caller is told by their own code; every other one is `peer_response_invalid`. */
  readonly refusals?: readonly ErrorCode[];
  /** What is told to a peer that knows who asks, and to no other: it is not asked without a signature. */
  readonly isConfidential?: boolean;
}

export interface SignedRequestClient {
  /**
   * POST of JSON to `peer`, for JSON, both signed. A peer that does not take this node for a member is asked without a signature, and
   * shows what it shows to everybody. It may be sent more than once. Throws `peer_*`, and the codes of `refusals`.
   */
  postJson(peer: VerifiedChain, url: string, body: Json, limits?: SignedCall): Promise<Json>;
}

const JSON_MEDIA_TYPE = "application/json";
const NONCE_BYTES = 16;

/** The stable code of a refusal, which is not proved to be the peer's: it decides no more than whether to ask again. */
function readRefusal(response: PeerResponse): string | undefined {
  if (response.status < 400 || response.status >= 500) return undefined;
  try {
    const problem = parseJson(decodeUtf8(response.body));
    return isJsonObject(problem) && typeof problem.code === "string" ? problem.code.slice(0, 60) : undefined;
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return undefined;
  }
}

/** What a peer says, on one line and short: it is shown, and never acted on. */
function readWords(value: Json | undefined): string {
  const text = typeof value === "string" ? value.replaceAll(/[\s\p{C}]+/gu, " ").trim() : "";
  return text.length > REFUSAL_CHARS_MAX ? `${text.slice(0, REFUSAL_CHARS_MAX)}…` : text;
}

/** The refusal as an error of its own, where its code is one of those that the caller takes over. */
function findTakenRefusal(
  response: PeerResponse,
  host: string,
  codes: readonly ErrorCode[],
): AttestryError | undefined {
  const code = codes.find((one) => one === readRefusal(response));
  if (code === undefined) return undefined;
  // It was read as an object when its code was.
  const { detail, errors } = parseJson(decodeUtf8(response.body)) as JsonObject;
  const details = (Array.isArray(errors) ? errors : [])
    .filter(isJsonObject)
    .slice(0, REFUSAL_DETAILS_MAX)
    .map((one): ErrorDetail => ({ field: readWords(one.field), message: readWords(one.message) }));
  const said = readWords(detail);
  return new AttestryError(code, said === "" ? `${host} refused` : `${host} says: ${said}`, { details });
}

function linesOf(headers: PeerResponse["headers"]): FieldLines {
  return new Map([...headers].map(([name, value]) => [name, [value]]));
}

/** `ownChain`: undefined where nobody vouches for this node. `clock`: Unix seconds. */
export function createSignedRequestClient(deps: {
  readonly httpClient: HttpClient;
  readonly entity: string;
  /** This node's request key. */
  readonly signer: Signer;
  readonly ownChain: () => Promise<readonly string[] | undefined>;
  readonly clock: () => number;
  readonly random: (length: number) => Uint8Array;
}): SignedRequestClient {
  const { httpClient, entity, signer, clock, random } = deps;
  // Until when a peer need not be shown our chain, and until when it is asked unsigned.
  const shownUntil = createBoundedCache<number>(PEERS_REMEMBERED_MAX);
  const refusedUntil = createBoundedCache<number>(PEERS_REMEMBERED_MAX);
  const isBefore = (time: number | undefined): boolean => time !== undefined && clock() < time;

  async function findOwnChain(): Promise<readonly string[] | undefined> {
    try {
      const chain = await deps.ownChain();
      const chars = chain?.reduce((total, statement) => total + statement.length + 4, 0) ?? 0;
      return chars <= ATTACHED_CHAIN_CHARS_MAX ? chain : undefined;
    } catch (error) {
      // Our superior does not answer: whoever knows us already is asked all the same.
      if (!isAttestryError(error)) throw error;
      return undefined;
    }
  }

  async function sendOnce(
    peer: VerifiedChain,
    call: { url: string; bytes: Uint8Array; chain: readonly string[] | undefined; limits: CallLimits },
  ): Promise<PeerResponse> {
    const { url, bytes, chain, limits } = call;
    const { headers, message } = await signRequest({
      signer,
      method: "POST",
      url,
      sender: entity,
      audience: peer.entity,
      content: { type: JSON_MEDIA_TYPE, bytes },
      chain,
      now: clock(),
      nonce: encodeBase64url(random(NONCE_BYTES)),
    });
    const response = await httpClient.send({
      method: "POST",
      url,
      headers: { accept: JSON_MEDIA_TYPE, ...headers },
      body: bytes,
      isRepeatable: true,
      ...limits,
    });
    // A refusal of the signature itself is answered to nobody in particular, so nobody signs it.
    if (response.status === 200) {
      const { status, headers: answered, body: content } = response;
      const keys = peer.keys.request;
      verifyResponse({ status, fields: linesOf(answered), content }, { request: message, keys, now: clock() });
    }
    return response;
  }

  /** What was sent again after its answer was lost is known to the peer by its nonce: it is signed anew, once. */
  async function send(...[peer, call]: Parameters<typeof sendOnce>): Promise<PeerResponse> {
    const response = await sendOnce(peer, call);
    return readRefusal(response) === "signature_replayed" ? sendOnce(peer, call) : response;
  }

  function readJson(response: PeerResponse, url: string, refusals: readonly ErrorCode[]): Json {
    const { host } = new URL(url);
    const refusal = readRefusal(response);
    if (response.status !== 200) {
      const taken = findTakenRefusal(response, host, refusals);
      if (taken) throw taken;
      const said = refusal === undefined ? "" : ` (${refusal})`;
      throw new AttestryError("peer_response_invalid", `${host} answered status ${response.status}${said}`);
    }
    // The content type is covered by the signature; RFC 8259 §11 gives it no parameter.
    if (response.headers.get("content-type") !== JSON_MEDIA_TYPE)
      throw new AttestryError("peer_response_invalid", `${host} answered another content type than ${JSON_MEDIA_TYPE}`);
    try {
      return parseJson(decodeUtf8(response.body));
    } catch (cause) {
      if (!isAttestryError(cause)) throw cause;
      throw new AttestryError("peer_response_invalid", `${host} answered text that is not strict JSON`, { cause });
    }
  }

  return {
    async postJson(peer, url, body, { refusals = [], isConfidential = false, ...limits } = {}) {
      // All that is sent for one call shares its time.
      const deadline = performance.now() + Math.min(limits.timeoutMs ?? FETCH_TIMEOUT_MS, FETCH_TIMEOUT_MS);
      const left = (): CallLimits => ({ ...limits, timeoutMs: Math.floor(deadline - performance.now()) });
      const askUnsigned = () => {
        if (!isConfidential) return httpClient.postJson(url, body, { ...left(), isRepeatable: true });
        throw new AttestryError(
          "peer_response_invalid",
          `${new URL(url).host} does not take this node for a member of its federation, and is told nothing personal; compare the anchors that both pin`,
        );
      };
      if (isBefore(refusedUntil.get(peer.entity))) return askUnsigned();
      const bytes = encodeUtf8(JSON.stringify(body));
      const isShown = isBefore(shownUntil.get(peer.entity));
      let chain = isShown ? undefined : await findOwnChain();
      if (!isShown && chain === undefined) return askUnsigned();
      let response = await send(peer, { url, bytes, chain, limits: left() });
      if (isShown && readRefusal(response) === "signature_key_unknown") {
        // It was started anew, is another process, or our chain there has ended.
        shownUntil.set(peer.entity, 0);
        chain = await findOwnChain();
        if (chain === undefined) return askUnsigned();
        response = await send(peer, { url, bytes, chain, limits: left() });
      }
      const refusal = readRefusal(response);
      if (chain && (refusal === "signature_chain_invalid" || refusal === "signature_key_unknown")) {
        // It pins other anchors than those above us.
        refusedUntil.set(peer.entity, clock() + CHAIN_REFUSED_SECONDS);
        return askUnsigned();
      }
      const answer = readJson(response, url, refusals);
      if (chain) shownUntil.set(peer.entity, clock() + CHAIN_SHOWN_SECONDS);
      return answer;
    },
  };
}
