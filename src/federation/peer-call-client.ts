// One exchange with a peer: sends a request, reads one answer within its limits. Follows nothing, believes nothing.
import type { Agent, ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction, Socket } from "node:net";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";

/** Bytes of the bodies that are being read, of all calls together. */
export interface AnswerBytes {
  held: number;
  readonly max: number;
}

export interface ExchangeLimits {
  readonly bytesMax: number;
  readonly headTimeoutMs: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  readonly interimAnswersMax: number;
}

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  /** Of kept connections, for what may be sent twice; false: over a connection of its own. */
  readonly agent: Agent | false;
  readonly lookup: LookupFunction;
  /** Ends it; `timeoutMs` is for the words. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly limits: ExchangeLimits;
  readonly answerBytes: AnswerBytes;
}

export interface PeerResponse {
  readonly status: number;
  /** Lower-case names; several values of one name joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

// What a socket carries beside the body: the head, and the sizes of chunks, which may be as long as what they hold.
const WIRE_FACTOR = 2;

function headersOf(message: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(Object.entries(message.headersDistinct).map(([name, values]) => [name, values?.join(", ") ?? ""]));
}

/** Ends an exchange with an error that names the limit which the peer passed. */
function stop(outgoing: ClientRequest, host: string, code: ErrorCode, reason: string): void {
  outgoing.destroy(new AttestryError(code, `${host} ${reason}`));
}

/**
 * Counts what the socket carries while it serves this exchange: headers, chunk sizes and interim answers are no body, and no
 * other limit sees all of them. The socket may be a kept one, so the count ends with the exchange.
 */
function watchSocket(outgoing: ClientRequest, { url, limits }: Exchange): void {
  const wireBytesMax = WIRE_FACTOR * (limits.bytesMax + limits.headerBytesMax);
  outgoing.once("socket", (socket: Socket) => {
    let read = 0;
    const count = (chunk: Uint8Array): void => {
      read += chunk.length;
      if (read > wireBytesMax)
        stop(outgoing, url.host, "peer_response_too_large", `sent more than ${wireBytesMax} bytes for one answer`);
    };
    socket.on("data", count);
    outgoing.once("close", () => socket.off("data", count));
  });
}

function watchInterimAnswers(outgoing: ClientRequest, { url, limits }: Exchange): void {
  let count = 0;
  outgoing.on("information", () => {
    if (++count <= limits.interimAnswersMax) return;
    const reason = `sent more than ${limits.interimAnswersMax} interim answers`;
    stop(outgoing, url.host, "peer_response_invalid", reason);
  });
}

interface Started {
  readonly outgoing: ClientRequest;
  readonly message: IncomingMessage;
}

/** Sends, and waits for the head of the answer. */
async function startExchange(exchange: Exchange): Promise<Started> {
  let isReused = false;
  try {
    return await attemptExchange(exchange, (outgoing) => {
      isReused = outgoing.reusedSocket;
    });
  } catch (error) {
    // A kept connection may be closed by the peer in the moment of its reuse: that says nothing of the peer, a new one will.
    if (!isReused || !CLOSED.has(String((error as { code?: unknown }).code))) throw error;
    return attemptExchange({ ...exchange, agent: false }, () => {});
  }
}

const CLOSED = new Set(["ECONNRESET", "EPIPE"]);

function attemptExchange(exchange: Exchange, onFailure: (outgoing: ClientRequest) => void): Promise<Started> {
  const { url, method, headers, body, agent, lookup, signal, limits } = exchange;
  const options: RequestOptions & { rejectUnauthorized: true } = {
    method,
    agent,
    lookup,
    signal,
    maxHeaderSize: limits.headerBytesMax,
    insecureHTTPParser: false,
    // Said, so that no setting of the process's environment takes it away.
    rejectUnauthorized: true,
    headers: {
      "accept-encoding": "identity",
      ...headers,
      ...(body !== undefined && { "content-length": String(body.length) }),
    },
  };
  const start = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const outgoing = start(url, options);
    // Node would drop what is beyond its own maximum without a word: all are read, within maxHeaderSize, and then counted.
    outgoing.maxHeadersCount = 0;
    const timer = setTimeout(() => {
      stop(outgoing, url.host, "peer_head_timeout", `sent no head of an answer within ${limits.headTimeoutMs} ms`);
    }, limits.headTimeoutMs);
    outgoing.once("close", () => clearTimeout(timer));
    outgoing.once("response", (message) => {
      clearTimeout(timer);
      resolve({ outgoing, message });
    });
    outgoing.on("error", (error) => {
      onFailure(outgoing);
      reject(error);
    });
    watchSocket(outgoing, exchange);
    watchInterimAnswers(outgoing, exchange);
    outgoing.end(body);
  });
}

function checkHead(message: IncomingMessage, { url, limits }: Exchange): void {
  const status = message.statusCode ?? 0;
  const count = message.rawHeaders.length / 2;
  if (count > limits.headersMax) {
    const reason = `${url.host} answered ${count} headers; at most ${limits.headersMax} are read`;
    throw new AttestryError("peer_headers_too_large", reason);
  }
  // A redirect would move trust to an address nobody named.
  if (status >= 300 && status < 400)
    throw new AttestryError("peer_redirect_refused", `${url.host} answered with a redirect (${status})`);
  const encoding = message.headers["content-encoding"] ?? "identity";
  // None was asked for, and a few bytes could unfold to gigabytes.
  if (encoding !== "identity")
    throw new AttestryError("peer_encoding_refused", `${url.host} answered compressed; only identity is read`);
}

async function readBody(message: IncomingMessage, exchange: Exchange): Promise<Uint8Array> {
  const { url, limits, answerBytes } = exchange;
  const tooLarge = (): AttestryError =>
    new AttestryError("peer_response_too_large", `${url.host} answered more than ${limits.bytesMax} bytes`);
  if (exchange.method !== "HEAD" && Number(message.headers["content-length"] ?? 0) > limits.bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      answerBytes.held += chunk.length;
      if (length > limits.bytesMax) throw tooLarge();
      if (answerBytes.held > answerBytes.max) {
        const reason = `${url.host}: the answers that are being read are larger than ${answerBytes.max} bytes together`;
        throw new AttestryError("peer_busy", reason);
      }
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  } finally {
    answerBytes.held -= length;
  }
}

/** What Node says of a failure, as an error code of a peer. `isAnswering`: the head was there. */
function explain(error: unknown, { url, signal, timeoutMs, limits }: Exchange, isAnswering: boolean): AttestryError {
  if (isAttestryError(error)) return error;
  const say = (code: ErrorCode, reason: string): AttestryError =>
    new AttestryError(code, `${url.host} ${reason}`, { cause: error });
  if (signal.aborted) return say("peer_timeout", `did not answer within ${timeoutMs} ms`);
  const code = (error as { code?: unknown }).code;
  const name = typeof code === "string" ? code : "unknown failure";
  if (name === "HPE_HEADER_OVERFLOW")
    return say("peer_headers_too_large", `answered headers of more than ${limits.headerBytesMax} bytes`);
  if (name.startsWith("HPE_")) return say("peer_response_invalid", `does not answer HTTP (${name})`);
  if (isAnswering) return say("peer_response_truncated", `ended its answer early (${name})`);
  return say("peer_unreachable", `cannot be reached (${name})`);
}

/** One answer, any status but a redirect. Throws `peer_*`; of `peer_unreachable` the cause is Node's error. */
export async function callPeer(exchange: Exchange): Promise<PeerResponse> {
  let started: Started | undefined;
  let failure: unknown;
  try {
    started = await startExchange(exchange);
    const { outgoing, message } = started;
    // What ends the exchange from here on is told by the message as a mere ECONNRESET.
    outgoing.on("error", (error) => {
      failure ??= error;
    });
    checkHead(message, exchange);
    const body = await readBody(message, exchange);
    return { status: message.statusCode ?? 0, headers: headersOf(message), body };
  } catch (error) {
    // The rest of the answer is not read: a peer must not keep us busy with what we refused.
    started?.message.destroy();
    throw explain(isAttestryError(error) ? error : (failure ?? error), exchange, started !== undefined);
  }
}
