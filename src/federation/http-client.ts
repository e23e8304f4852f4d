// The only outgoing HTTP of a node. Bounded in time, bytes and addresses; follows no redirect; believes nothing it reads.
import { type LookupAddress, lookup } from "node:dns";
import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { type Json, parseJson } from "../crypto/json.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { FETCH_BYTES_MAX, FETCH_TIMEOUT_MS, PEER_SOCKETS_MAX, STATEMENT_BYTES_MAX } from "../limits.ts";
import { isLoopbackUrl } from "./entity-identifier.ts";
import { isPublicAddress } from "./public-address.ts";

export interface CallLimits {
  /** Whole call, from name resolution to the last byte. */
  readonly timeoutMs?: number;
  readonly bytesMax?: number;
}

export interface PeerRequest extends CallLimits {
  readonly method: "GET" | "POST";
  readonly url: string;
  /** Several values are several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Uint8Array;
}

export interface PeerResponse {
  readonly status: number;
  /** Lower-case names; several values of one name joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

export interface HttpClient {
  /** One request, any status but a redirect. Throws `peer_*`. */
  send(request: PeerRequest): Promise<PeerResponse>;
  /** GET of an entity statement: status 200 and exactly `application/entity-statement+jwt`. Throws `peer_*`. */
  getStatement(url: string, limits?: CallLimits): Promise<string>;
  /** POST of JSON for JSON: status 200 and exactly `application/json`. Throws `peer_*`. */
  postJson(
    url: string,
    body: Json,
    options?: CallLimits & { headers?: Readonly<Record<string, string>> },
  ): Promise<Json>;
  /** Ends idle connections; calls under way finish. */
  close(): void;
}

const ENTITY_STATEMENT_MEDIA_TYPE = "application/entity-statement+jwt";
const JSON_MEDIA_TYPE = "application/json";

/** What may be spoken to; `development` admits http and the loopback addresses, `allowedPrivateHosts` names exactly. */
interface Reach {
  readonly development: boolean;
  readonly allowedPrivateHosts: readonly string[];
}

function refuseAddress(url: URL, reason: string): AttestryError {
  return new AttestryError("peer_address_refused", `${url.host}: ${reason}`);
}

function mayBePrivate(url: URL, reach: Reach): boolean {
  return reach.allowedPrivateHosts.includes(url.hostname) || (reach.development && isLoopbackUrl(url));
}

function parsePeerUrl(text: string, reach: Reach): URL {
  if (!URL.canParse(text)) throw new AttestryError("peer_address_refused", "the address of a peer is not a URL");
  const url = new URL(text);
  const isDevelopmentHttp = reach.development && url.protocol === "http:" && isLoopbackUrl(url);
  if (url.protocol !== "https:" && !isDevelopmentHttp) throw refuseAddress(url, "only https is spoken");
  if (url.username !== "" || url.password !== "") throw refuseAddress(url, "the URL names a user");
  // A literal address is never looked up, so the guard of the lookup would not see it.
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  if (/^[\d.]+$|:/.test(literal) && !isPublicAddress(literal) && !mayBePrivate(url, reach)) {
    throw refuseAddress(url, "the address is private");
  }
  return url;
}

/**
 * A lookup that hands the socket only addresses that may be spoken to. Checking here, and not in a lookup of our own
 * beforehand, leaves no second resolution for a hostile name server to answer differently (DNS rebinding).
 */
function guardedLookup(url: URL, reach: Reach): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error) return callback(error, "");
      const isRefused = !mayBePrivate(url, reach) && !addresses.every(({ address }) => isPublicAddress(address));
      if (isRefused) return callback(refuseAddress(url, "the name leads to a private address"), "");
      if (options.all) return callback(null, addresses);
      const [first] = addresses;
      return first === undefined
        ? callback(refuseAddress(url, "the name has no address"), "")
        : callback(null, first.address, first.family);
    });
  };
}

function headersOf(message: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(Object.entries(message.headersDistinct).map(([name, values]) => [name, values?.join(", ") ?? ""]));
}

async function readBody(message: IncomingMessage, url: URL, bytesMax: number): Promise<Uint8Array> {
  const tooLarge = (): AttestryError =>
    new AttestryError("peer_response_too_large", `${url.host} answered more than ${bytesMax} bytes`);
  if (Number(message.headers["content-length"] ?? 0) > bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function checkAnswer(message: IncomingMessage, url: URL): void {
  const status = message.statusCode ?? 0;
  // A redirect would move trust to an address nobody named.
  if (status >= 300 && status < 400) {
    throw new AttestryError("peer_redirect_refused", `${url.host} answered with a redirect (${status})`);
  }
  const encoding = message.headers["content-encoding"] ?? "identity";
  // None was asked for, and a few bytes could unfold to gigabytes.
  if (encoding !== "identity") throw new AttestryError("peer_response_invalid", `${url.host} answered compressed`);
}

function explain(
  error: unknown,
  url: URL,
  timeout: { readonly signal: AbortSignal; readonly ms: number },
): AttestryError {
  if (isAttestryError(error)) return error;
  if (timeout.signal.aborted) {
    return new AttestryError("peer_timeout", `${url.host} did not answer within ${timeout.ms} ms`, { cause: error });
  }
  const code = (error as { code?: unknown }).code;
  const name = typeof code === "string" ? code : "unknown failure";
  const isMalformed = name.startsWith("HPE_");
  return new AttestryError(
    isMalformed ? "peer_response_invalid" : "peer_unreachable",
    isMalformed ? `${url.host} does not answer HTTP (${name})` : `${url.host} cannot be reached (${name})`,
    { cause: error },
  );
}

function checkMediaType(response: PeerResponse, url: string, expected: string): void {
  const { host } = new URL(url);
  if (response.status !== 200) {
    throw new AttestryError("peer_response_invalid", `${host} answered status ${response.status}`);
  }
  const [mediaType, ...parameters] = (response.headers.get("content-type") ?? "none")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  // RFC 8259 §11 defines no parameter for JSON; a charset other than UTF-8 would mean other text.
  const isExact = mediaType === expected && parameters.every((parameter) => parameter === "charset=utf-8");
  if (!isExact) {
    throw new AttestryError("peer_response_invalid", `${host} answered another content type; ${expected} is expected`);
  }
}

/** Sends and waits for the head of the answer. */
async function startCall(url: URL, options: RequestOptions, body: Uint8Array | undefined): Promise<IncomingMessage> {
  const start = url.protocol === "https:" ? requestHttps : requestHttp;
  let isReused = false;
  const attempt = (attemptOptions: RequestOptions): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const outgoing = start(url, attemptOptions, resolve);
      outgoing.on("error", (error) => {
        isReused = outgoing.reusedSocket;
        reject(error);
      });
      outgoing.end(body);
    });
  try {
    return await attempt(options);
  } catch (error) {
    // A kept connection may be closed by the peer in the moment of its reuse: that says nothing of the peer, a new one will.
    if (!isReused || (error as { code?: unknown }).code !== "ECONNRESET") throw error;
    return attempt({ ...options, agent: false });
  }
}

/**
 * A client for peers. Speaks https; in `development` also http to this machine. An address that is private, link-local or
 * otherwise not public is refused unless its host name is in `allowedPrivateHosts`. Limits given per call can only tighten.
 */
export function createHttpClient(reach: Reach): HttpClient {
  const agentOptions = { keepAlive: true, maxSockets: PEER_SOCKETS_MAX };
  const agents = { http: new HttpAgent(agentOptions), https: new HttpsAgent(agentOptions) };

  async function send(call: PeerRequest): Promise<PeerResponse> {
    const url = parsePeerUrl(call.url, reach);
    const ms = Math.max(1, Math.min(call.timeoutMs ?? FETCH_TIMEOUT_MS, FETCH_TIMEOUT_MS));
    const bytesMax = Math.min(call.bytesMax ?? FETCH_BYTES_MAX, FETCH_BYTES_MAX);
    const signal = AbortSignal.timeout(ms);
    const options: RequestOptions = {
      method: call.method,
      agent: url.protocol === "https:" ? agents.https : agents.http,
      lookup: guardedLookup(url, reach),
      signal,
      headers: {
        "accept-encoding": "identity",
        ...Object.fromEntries(
          Object.entries(call.headers ?? {}).map(([name, value]) => [
            name,
            typeof value === "string" ? value : [...value],
          ]),
        ),
        ...(call.body !== undefined && { "content-length": call.body.length }),
      },
    };
    let message: IncomingMessage | undefined;
    try {
      message = await startCall(url, options, call.body);
      checkAnswer(message, url);
      return {
        status: message.statusCode ?? 0,
        headers: headersOf(message),
        body: await readBody(message, url, bytesMax),
      };
    } catch (error) {
      // The rest of the answer is not read: a peer must not keep us busy with what we refused.
      message?.destroy();
      throw explain(error, url, { signal, ms });
    }
  }

  return {
    send,
    async getStatement(url, limits = {}) {
      const bytesMax = Math.min(limits.bytesMax ?? STATEMENT_BYTES_MAX, STATEMENT_BYTES_MAX);
      const headers = { accept: ENTITY_STATEMENT_MEDIA_TYPE };
      const response = await send({ method: "GET", url, headers, ...limits, bytesMax });
      checkMediaType(response, url, ENTITY_STATEMENT_MEDIA_TYPE);
      return decodeUtf8(response.body);
    },
    async postJson(url, body, { headers, ...limits } = {}) {
      const response = await send({
        method: "POST",
        url,
        headers: { accept: JSON_MEDIA_TYPE, ...headers, "content-type": JSON_MEDIA_TYPE },
        body: encodeUtf8(JSON.stringify(body)),
        ...limits,
      });
      checkMediaType(response, url, JSON_MEDIA_TYPE);
      try {
        return parseJson(decodeUtf8(response.body));
      } catch (cause) {
        throw new AttestryError("peer_response_invalid", `${new URL(url).host} answered text that is not strict JSON`, {
          cause,
        });
      }
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
