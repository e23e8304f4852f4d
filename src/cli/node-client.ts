// How a command speaks to a node: one base URL, one bearer token, bounded answers, patience with a busy node. Knows no registry.
import { setTimeout as sleep } from "node:timers/promises";
import { decodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type Json, parseJson } from "../crypto/json.ts";
import { AttestryError, ERROR_CODES, type ErrorCode, type ErrorDetail } from "../errors.ts";
import { isLoopbackUrl } from "../federation/entity-identifier.ts";
import {
  NODE_ANSWER_BYTES_MAX,
  NODE_CALL_ATTEMPTS_MAX,
  NODE_CALL_TIMEOUT_MS,
  NODE_RETRY_DELAY_MS,
  NODE_RETRY_DELAY_MS_MAX,
  NODE_STREAM_TIMEOUT_MS,
} from "../limits.ts";

export interface NodeRequest {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH";
  /** Below the base URL, beginning with "/". */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether doing it twice is the same as doing it once; so it is for every GET. Only then is it tried again. */
  readonly isRepeatable?: boolean;
  /** Each attempt, from connecting to the last byte. */
  readonly timeoutMs?: number;
  /** Once aborted, no further attempt is made; the one under way ends by itself. */
  readonly signal?: AbortSignal;
}

export interface NodeClient {
  readonly baseUrl: string;
  /** The text of a 2xx answer. Throws what the node's problem details say, or `peer_*`. */
  send(request: NodeRequest): Promise<string>;
  /** As `send`, with the answer's headers. */
  sendFull(request: NodeRequest): Promise<{ readonly text: string; readonly headers: Headers }>;
  /** One attempt at an answer that may be long, chunk by chunk; the headers come first. Throws as `send`, also half-way. */
  stream(request: NodeRequest): Promise<{ readonly headers: Headers; readonly chunks: AsyncIterable<Uint8Array> }>;
  /** GET of JSON; throws as `send`, and `json_*`. */
  getJson(path: string, options?: Pick<NodeRequest, "query" | "signal">): Promise<Json>;
}

interface Failure {
  readonly error: AttestryError;
  /** The node may answer differently in a moment. */
  readonly isPassing: boolean;
  readonly retryAfterMs?: number;
}

// 429 and 503 say "later"; 502 and 504 come from what stands in front of a node that restarts (RFC 9110 §15.6).
const PASSING_STATUSES = [429, 502, 503, 504];

const TOKEN_HINT = "give it in ATTESTRY_TOKEN or by --token-file";

/** A base URL without its closing slash; throws `peer_address_refused` unless it is http or https without user, query and fragment. */
export function parseNodeUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain =
    url && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === "";
  if (!isPlain) throw new AttestryError("peer_address_refused", "a node's URL must be http(s)://host[:port][/path]");
  return url.href.replace(/\/+$/, "");
}

/** Throws `peer_address_refused` for an address that is none, and where the token would cross a network unencrypted. */
export function createNodeClient(options: {
  readonly baseUrl: string;
  readonly token?: string | undefined;
}): NodeClient {
  const baseUrl = parseNodeUrl(options.baseUrl);
  const { token } = options;
  if (token !== undefined && !baseUrl.startsWith("https:") && !isLoopbackUrl(new URL(baseUrl))) {
    throw new AttestryError(
      "peer_address_refused",
      `${baseUrl}: a token is sent over https only; http is for this machine`,
    );
  }

  async function call(request: NodeRequest): Promise<Response> {
    const url = new URL(`${baseUrl}${request.path}`);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.append(name, value);
    return fetch(url, {
      method: request.method ?? "GET",
      headers: {
        ...request.headers,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(request.contentType !== undefined && { "content-type": request.contentType }),
      },
      ...(request.body !== undefined && { body: request.body }),
      // A redirect would carry the token to a place that nobody named.
      redirect: "manual",
      signal: AbortSignal.timeout(request.timeoutMs ?? NODE_CALL_TIMEOUT_MS),
    });
  }

  async function attempt(request: NodeRequest): Promise<{ text: string; headers: Headers } | Failure> {
    try {
      const response = await call(request);
      const text = await readAnswer(response);
      return response.ok ? { text, headers: response.headers } : readFailure(response, text, token !== undefined);
    } catch (error) {
      if (error instanceof AttestryError) throw error;
      return describeBrokenCall(baseUrl, error);
    }
  }

  async function sendFull(request: NodeRequest): Promise<{ text: string; headers: Headers }> {
    const isRepeatable = request.isRepeatable ?? (request.method ?? "GET") === "GET";
    for (let count = 1; ; count++) {
      const result = await attempt(request);
      if ("text" in result) return result;
      const isLast = !isRepeatable || !result.isPassing || count >= NODE_CALL_ATTEMPTS_MAX;
      if (isLast || request.signal?.aborted) throw result.error;
      // Full jitter, so that many clients of one restarted node do not come back together.
      const delay = Math.random() * Math.min(NODE_RETRY_DELAY_MS_MAX, NODE_RETRY_DELAY_MS * 2 ** count);
      const wait = Math.min(NODE_RETRY_DELAY_MS_MAX, Math.max(result.retryAfterMs ?? 0, delay));
      await sleep(wait, undefined, { signal: request.signal }).catch(() => undefined);
    }
  }

  async function* readChunks(response: Response): AsyncGenerator<Uint8Array> {
    try {
      yield* (response.body ?? []) as AsyncIterable<Uint8Array>;
    } catch (error) {
      // What breaks half-way has no status to tell.
      throw describeBrokenCall(baseUrl, error instanceof TypeError ? error : new TypeError("", { cause: error })).error;
    }
  }

  const send = async (request: NodeRequest): Promise<string> => (await sendFull(request)).text;
  return {
    baseUrl,
    send,
    sendFull,
    async stream(request) {
      const response = await call({ timeoutMs: NODE_STREAM_TIMEOUT_MS, ...request }).catch((error: unknown) => {
        throw describeBrokenCall(baseUrl, error).error;
      });
      if (!response.ok) throw readFailure(response, await readAnswer(response), token !== undefined).error;
      return { headers: response.headers, chunks: readChunks(response) };
    },
    async getJson(path, getOptions) {
      return parseJson(await send({ path, ...getOptions, headers: { accept: "application/json" } }));
    },
  };
}

async function readAnswer(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > NODE_ANSWER_BYTES_MAX) {
      throw new AttestryError(
        "peer_response_too_large",
        `the node's answer has more than ${NODE_ANSWER_BYTES_MAX} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return decodeUtf8(Buffer.concat(chunks));
}

/** The problem details of an answer (RFC 9457); what is none of ours is named by its status alone. */
function readFailure(response: Response, text: string, hasToken: boolean): Failure {
  const { status } = response;
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return {
    error:
      readProblem(text, hasToken) ??
      new AttestryError("peer_response_invalid", `the node answered ${status} without saying why`),
    isPassing: PASSING_STATUSES.includes(status),
    ...(seconds >= 0 && { retryAfterMs: seconds * 1_000 }),
  };
}

function readProblem(text: string, hasToken: boolean): AttestryError | undefined {
  let problem: Json;
  try {
    problem = parseJson(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(problem)) return undefined;
  const detail = typeof problem.detail === "string" ? problem.detail : "the node gave no reason";
  const message = problem.code === "authentication_required" && !hasToken ? `${detail}; ${TOKEN_HINT}` : detail;
  const details = (Array.isArray(problem.errors) ? problem.errors : []).filter(isJsonObject).map(
    (detail): ErrorDetail => ({
      field: String(detail.field ?? ""),
      // The record that it is about: whoever is refused looks there next.
      message: `${detail.message ?? ""}${typeof detail.href === "string" ? `: ${detail.href}` : ""}`,
    }),
  );
  const code = ERROR_CODES.find((known): known is ErrorCode => known === problem.code);
  if (code) return new AttestryError(code, message, { details });
  return typeof problem.detail === "string" ? new AttestryError("peer_response_invalid", message) : undefined;
}

function describeBrokenCall(baseUrl: string, error: unknown): Failure {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return { error: new AttestryError("peer_timeout", `${baseUrl} did not answer in time`), isPassing: true };
  }
  // undici hides the reason, such as ECONNREFUSED, in the cause of a TypeError.
  const cause = error instanceof TypeError ? error.cause : undefined;
  if (cause === undefined) throw error;
  const reason = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : "";
  return {
    error: new AttestryError("peer_unreachable", `${baseUrl} cannot be reached: ${reason}`, { cause }),
    isPassing: true,
  };
}
