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
  /** Beside a body and as many bytes again. */
  readonly framingBytesMax: number;
}

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
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

function headersOf(message: IncomingMessage): ReadonlyMap<string, string> {
  return new Map(Object.entries(message.headersDistinct).map(([name, values]) => [name, values?.join(", ") ?? ""]));
}

/** Ends an exchange with an error that names the limit which the peer passed. */
function stop(outgoing: ClientRequest, host: string, code: ErrorCode, reason: string): void {
  outgoing.destroy(new AttestryError(code, `${host} ${reason}`));
}

/**
 * Counts what the socket carries while it serves this exchange: headers, sizes of chunks and interim answers are no body, and no
 * other limit sees all of them. Beside as many bytes as the body has, only the framing's are read. The socket may be a kept one,
 * so the count ends with the exchange.
 */
function watchSocket(outgoing: ClientRequest, { url, limits }: Exchange, progress: Progress): void {
  outgoing.once("socket", (socket: Socket) => {
    let read = 0;
    const count = (chunk: Uint8Array): void => {
      read += chunk.length;
      if (read <= 2 * progress.bodyBytes + limits.framingBytesMax) return;
      const reason = `sent ${read} bytes for ${progress.bodyBytes} of a body; at most ${limits.framingBytesMax} more than twice as many are read`;
      stop(outgoing, url.host, "peer_response_too_large", reason);
    };
    socket.on("data", count);
    outgoing.once("close", () => socket.off("data", count));
  });
}

/** 1xx answers, of which any number may come (RFC 9110 §15.2). */
function watchInterimAnswers(outgoing: ClientRequest, { url, limits }: Exchange): void {
  let count = 0;
  outgoing.on("information", () => {
    if (++count <= limits.interimAnswersMax) return;
    const reason = `sent more than ${limits.interimAnswersMax} interim answers`;
    stop(outgoing, url.host, "peer_response_invalid", reason);
  });
}

/** How far an answer has come. */
interface Progress {
  bodyBytes: number;
  /** What ended the exchange after its head; the message itself tells of a mere ECONNRESET. */
  failure: unknown;
}

interface Started {
  readonly message: IncomingMessage;
  readonly progress: Progress;
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
      ...Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
      ),
      ...(body !== undefined && { "content-length": String(body.length) }),
    },
  };
  const start = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const outgoing = start(url, options);
    const progress: Progress = { bodyBytes: 0, failure: undefined };
    const timer = setTimeout(() => {
      stop(outgoing, url.host, "peer_head_timeout", `sent no head of an answer within ${limits.headTimeoutMs} ms`);
    }, limits.headTimeoutMs);
    outgoing.once("close", () => {
      clearTimeout(timer);
      // Whatever else Node makes of what a peer sent, nobody waits for what is over.
      reject(Object.assign(new Error("closed without an answer"), { code: "ECONNRESET" }));
    });
    // Without a listener Node would end the connection and say nothing to anybody.
    outgoing.once("upgrade", (_message, socket) => {
      socket.destroy();
      reject(new AttestryError("peer_response_invalid", `${url.host} changes to a protocol that nobody asked for`));
    });
    outgoing.once("response", (message) => {
      clearTimeout(timer);
      resolve({ message, progress });
    });
    outgoing.on("error", (error) => {
      progress.failure ??= error;
      onFailure(outgoing);
      reject(error);
    });
    watchSocket(outgoing, exchange, progress);
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

/** Reads into one growing buffer: a peer may send each byte as a chunk, and an object for each would be a hundred times its size. */
async function readBody({ message, progress }: Started, exchange: Exchange): Promise<Uint8Array> {
  const { url, limits, answerBytes } = exchange;
  const tooLarge = (): AttestryError =>
    new AttestryError("peer_response_too_large", `${url.host} answered more than ${limits.bytesMax} bytes`);
  if (exchange.method !== "HEAD" && Number(message.headers["content-length"] ?? 0) > limits.bytesMax) throw tooLarge();
  let buffer = new Uint8Array(BUFFER_BYTES);
  let length = 0;
  try {
    for await (const chunk of message as AsyncIterable<Uint8Array>) {
      const end = length + chunk.length;
      progress.bodyBytes = end;
      answerBytes.held += chunk.length;
      if (end > limits.bytesMax) throw tooLarge();
      if (answerBytes.held > answerBytes.max) {
        const reason = `${url.host}: the answers that are being read are larger than ${answerBytes.max} bytes together`;
        throw new AttestryError("peer_busy", reason);
      }
      if (end > buffer.length) {
        const larger = new Uint8Array(Math.min(limits.bytesMax, Math.max(end, 2 * buffer.length)));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(chunk, length);
      length = end;
    }
    return buffer.subarray(0, length);
  } finally {
    answerBytes.held -= progress.bodyBytes;
  }
}

const BUFFER_BYTES = 16_384; // to begin with

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
  try {
    started = await startExchange(exchange);
    const { message } = started;
    checkHead(message, exchange);
    const body = await readBody(started, exchange);
    return { status: message.statusCode ?? 0, headers: headersOf(message), body };
  } catch (error) {
    // The rest of the answer is not read: a peer must not keep us busy with what we refused.
    started?.message.destroy();
    throw explain(
      isAttestryError(error) ? error : (started?.progress.failure ?? error),
      exchange,
      started !== undefined,
    );
  }
}
