// The only outgoing HTTP of a node. Bounded in time, bytes, addresses and number; follows no redirect; believes nothing it reads.
import { setTimeout as sleep } from "node:timers/promises";
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { type Json, parseJson } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import * as limitValues from "../limits.ts";
import { parsePeerUrl, type Reach } from "./peer-address.ts";
import { checkMediaType, readRetryAfterMs, readText } from "./peer-answer.ts";
import {
  type AnswerBytes,
  callPeer,
  type Exchange,
  type ExchangeLimits,
  type PeerResponse,
} from "./peer-call-client.ts";
import { type ConnectionLimits, createPeerConnections } from "./peer-connection-client.ts";
import { createPeerGate, type PeerGateLimits } from "./peer-gate.ts";
import { createGuardedLookup, type ResolveName } from "./peer-lookup-client.ts";

export type { PeerResponse } from "./peer-call-client.ts";

export interface CallLimits {
  /** Whole call, from the first wait to the last byte. */
  readonly timeoutMs?: number;
  readonly bytesMax?: number;
}

export interface PeerRequest extends CallLimits {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  /** Several values are several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array;
  /** A POST that changes nothing, or nothing more when it comes twice. GET and HEAD always are (RFC 9110 §9.2.2). */
  readonly isRepeatable?: boolean;
}

export interface HttpClient {
  /**
   * One request, any status but a redirect. What may be repeated is, where the peer cannot be reached or answers 503 with a
   * short Retry-After; of a POST that may not, one copy is sent, over a connection of its own. Throws `peer_*`, naming the peer
   * and the limit.
   */
  send(request: PeerRequest): Promise<PeerResponse>;
  /** GET of an entity statement: status 200 and exactly `application/entity-statement+jwt`. Throws `peer_*`. */
  getStatement(url: string, limits?: CallLimits): Promise<string>;
  /** POST of JSON for JSON: status 200 and exactly `application/json`, strict. Throws `peer_*`. */
  postJson(
    url: string,
    body: Json,
    options?: CallLimits & Pick<PeerRequest, "headers" | "isRepeatable">,
  ): Promise<Json>;
  /** Ends idle connections; calls under way finish. */
  close(): void;
}

const ENTITY_STATEMENT_MEDIA_TYPE = "application/entity-statement+jwt";
const JSON_MEDIA_TYPE = "application/json";

export interface ClientLimits extends ExchangeLimits, PeerGateLimits, ConnectionLimits {
  readonly timeoutMs: number;
  readonly attemptsMax: number;
  readonly retryDelayMs: number;
  readonly retryDelayMsMax: number;
  readonly retryAfterMsMax: number;
  readonly answerBytesAllMax: number;
}

/** What holds in production. */
export const CLIENT_LIMITS: ClientLimits = {
  timeoutMs: limitValues.FETCH_TIMEOUT_MS,
  headTimeoutMs: limitValues.FETCH_HEAD_TIMEOUT_MS,
  bytesMax: limitValues.FETCH_BYTES_MAX,
  headerBytesMax: limitValues.FETCH_HEADER_BYTES_MAX,
  headersMax: limitValues.FETCH_HEADERS_MAX,
  interimAnswersMax: limitValues.FETCH_INTERIM_ANSWERS_MAX,
  framingBytesMax: limitValues.FETCH_FRAMING_BYTES_MAX,
  attemptsMax: limitValues.FETCH_ATTEMPTS_MAX,
  retryDelayMs: limitValues.FETCH_RETRY_DELAY_MS,
  retryDelayMsMax: limitValues.FETCH_RETRY_DELAY_MS_MAX,
  retryAfterMsMax: limitValues.FETCH_RETRY_AFTER_MS_MAX,
  callsMax: limitValues.PEER_CALLS_MAX,
  callsAllMax: limitValues.PEER_CALLS_ALL_MAX,
  waitingMax: limitValues.PEER_CALLS_WAITING_MAX,
  waitingAllMax: limitValues.PEER_CALLS_WAITING_ALL_MAX,
  answerBytesAllMax: limitValues.PEER_ANSWER_BYTES_ALL_MAX,
  idleSocketsMax: limitValues.PEER_SOCKETS_IDLE_MAX,
  socketIdleMs: limitValues.PEER_SOCKET_IDLE_MS,
};

/** Failures before anything was answered, of which another attempt may know nothing. */
const PASSING_FAILURES = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ETIMEOUT"]);

function isPassing(error: unknown): boolean {
  if (!isAttestryError(error, "peer_unreachable")) return false;
  return PASSING_FAILURES.has(String((error.cause as { code?: unknown } | undefined)?.code));
}

/**
 * A client for peers. Speaks https; in `development` also http to this machine. An address that is private, link-local or
 * otherwise not public is refused unless its host is in `allowedPrivateHosts`. Limits given per call can only tighten.
 * `resolve`, `random` (0 to 1) and `limits` are for tests; a node gives none of them.
 */
export function createHttpClient(
  reach: Reach,
  deps: { resolve?: ResolveName; random?: () => number; limits?: Partial<ClientLimits> } = {},
): HttpClient {
  const limits: ClientLimits = { ...CLIENT_LIMITS, ...deps.limits };
  const random = deps.random ?? Math.random;
  const lookupFor = createGuardedLookup(reach, deps.resolve);
  const gate = createPeerGate(limits);
  const answerBytes: AnswerBytes = { held: 0, max: limits.answerBytesAllMax };
  const connections = createPeerConnections(limits);

  /** Full jitter: callers that failed together do not come back together. */
  function drawDelayMs(failures: number): number {
    return random() * Math.min(limits.retryDelayMsMax, limits.retryDelayMs * 2 ** (failures - 1));
  }

  /** The outcome of the last attempt: of the first that another would not better, or for which there is no time. */
  async function callUntil(
    exchange: Exchange,
    { attemptsMax, deadline }: { attemptsMax: number; deadline: number },
  ): Promise<PeerResponse> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await callPeer(exchange).then(
        (response) => ({ response, waitMs: readRetryAfterMs(response, Date.now()) }),
        (error: unknown) => ({ error, waitMs: isPassing(error) ? 0 : undefined }),
      );
      const delayMs = (outcome.waitMs ?? 0) + drawDelayMs(attempt);
      const isBettered = outcome.waitMs !== undefined && outcome.waitMs <= limits.retryAfterMsMax;
      if (!isBettered || attempt >= attemptsMax || performance.now() + delayMs >= deadline) {
        if ("error" in outcome) throw outcome.error;
        return outcome.response;
      }
      await sleep(delayMs);
    }
  }

  async function send(call: PeerRequest): Promise<PeerResponse> {
    const url = parsePeerUrl(call.url, reach);
    const timeoutMs = Math.max(1, Math.min(call.timeoutMs ?? limits.timeoutMs, limits.timeoutMs));
    const deadline = performance.now() + timeoutMs;
    const signal = AbortSignal.timeout(timeoutMs);
    const isRepeatable = call.method !== "POST" || call.isRepeatable === true;
    const exchange = {
      url,
      method: call.method,
      headers: call.headers ?? {},
      body: call.body,
      lookup: lookupFor(url),
      signal,
      timeoutMs,
      limits: { ...limits, bytesMax: Math.min(call.bytesMax ?? limits.bytesMax, limits.bytesMax) },
      answerBytes,
    };
    // A kept connection may be closed by the peer in the moment of its reuse; whether it read the request is then not known.
    const agent = isRepeatable ? connections.agentFor(url) : (false as const);
    const leave = await gate.enter(url.host, signal).catch((error: unknown) => {
      if (isAttestryError(error)) throw error;
      throw new AttestryError("peer_timeout", `${url.host}: no call to it could begin within ${timeoutMs} ms`);
    });
    try {
      return await callUntil({ ...exchange, agent }, { attemptsMax: isRepeatable ? limits.attemptsMax : 1, deadline });
    } finally {
      leave();
    }
  }

  return {
    send,
    async getStatement(url, callLimits = {}) {
      const bytesMax = Math.min(
        callLimits.bytesMax ?? limitValues.STATEMENT_BYTES_MAX,
        limitValues.STATEMENT_BYTES_MAX,
      );
      const headers = { accept: ENTITY_STATEMENT_MEDIA_TYPE };
      const response = await send({ method: "GET", url, headers, ...callLimits, bytesMax });
      checkMediaType(response, url, ENTITY_STATEMENT_MEDIA_TYPE);
      return readText(url, "UTF-8", () => decodeUtf8(response.body));
    },
    async postJson(url, body, { headers, ...options } = {}) {
      const response = await send({
        method: "POST",
        url,
        headers: { accept: JSON_MEDIA_TYPE, ...headers, "content-type": JSON_MEDIA_TYPE },
        body: encodeUtf8(JSON.stringify(body)),
        ...options,
      });
      checkMediaType(response, url, JSON_MEDIA_TYPE);
      return readText(url, "strict JSON", () => parseJson(decodeUtf8(response.body)));
    },
    close() {
      connections.close();
    },
  };
}
