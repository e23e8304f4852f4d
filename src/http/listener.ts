// Serves nodes over HTTP: one listener per host and port, requests handed to the node whose base path they begin with. The one user of the server library.
import { createServer, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener, RequestError } from "@hono/node-server";
import { AttestryError } from "../errors.ts";
import {
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_TIMEOUT_MS,
  HTTP_REQUEST_TIMEOUT_MS,
  HTTP_TIMEOUT_CHECK_MS,
} from "../limits.ts";
import { ISSUER_METADATA_PATH } from "./issuer-metadata-routes.ts";
import { describeProblem, statusOf } from "./problem.ts";

export interface ServedNode {
  readonly entity: string;
  readonly basePath: string;
  readonly listen: { readonly host: string; readonly port: number };
  fetch(request: Request): Response | Promise<Response>;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Takes no more requests and resolves when those under way are answered. */
  close(): Promise<void>;
}

/** How long a client may take; a slow one is answered by 408 within `checkMs` after that. */
export interface ListenTimeouts {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly checkMs: number;
}

const TIMEOUTS: ListenTimeouts = {
  headersMs: HTTP_HEADERS_TIMEOUT_MS,
  requestMs: HTTP_REQUEST_TIMEOUT_MS,
  checkMs: HTTP_TIMEOUT_CHECK_MS,
};

function notServed(): AttestryError {
  return new AttestryError("not_found", "no node is served under this address");
}

/** The answer to a request that reaches no node. */
function answerUnserved(error: AttestryError): Response {
  return new Response(JSON.stringify(describeProblem(error)), {
    status: statusOf(error.code),
    headers: { "content-type": "application/problem+json" },
  });
}

/** A target or a Host header of which no URL can be made never reaches a node. */
function answerRequestError(error: unknown): Response {
  if (!(error instanceof RequestError)) return new Response(null, { status: 500 });
  return answerUnserved(new AttestryError("request_invalid", "of the request's target and Host no URL can be made"));
}

function describeClientError(code: string | undefined): AttestryError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new AttestryError("request_timeout", "the request did not arrive in time; send it again, faster");
  if (code === "HPE_HEADER_OVERFLOW") {
    const message = `the request's headers and address take more than the ${HTTP_HEADER_BYTES_MAX} bytes allowed`;
    return new AttestryError("header_too_large", message);
  }
  return new AttestryError("request_invalid", "this is no HTTP request that could be read");
}

/** Answers by problem details what Node would answer by a bare status line: unreadable, oversized and slow requests. */
function answerClientErrors(server: Server): void {
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on("request", (request, response) => answers.set(request.socket, response));
  server.on("clientError", (cause: NodeJS.ErrnoException, socket) => {
    const last = answers.get(socket);
    // What follows an answer that has begun would be read as the answer to the next request.
    const isOpen = last === undefined || !last.headersSent || (last.req.complete && last.writableFinished);
    if (!isOpen || !socket.writable || cause.code === "ECONNRESET") return void socket.destroy();
    const problem = describeProblem(describeClientError(cause.code));
    const body = JSON.stringify(problem);
    socket.end(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  });
}

/** The node with the longest base path that the request's path begins with; the Host header decides between equals, and nothing else. */
function chooseNode(nodes: readonly ServedNode[], request: Request): ServedNode | undefined {
  const { pathname: asked, host } = new URL(request.url);
  // SD-JWT VC asks for an issuer's metadata with the issuer's path behind the well-known one.
  const pathname = asked.startsWith(`${ISSUER_METADATA_PATH}/`) ? asked.slice(ISSUER_METADATA_PATH.length) : asked;
  const under = nodes.filter(
    ({ basePath }) => basePath === "" || pathname === basePath || pathname.startsWith(`${basePath}/`),
  );
  const longest = Math.max(...under.map(({ basePath }) => basePath.length));
  const candidates = under.filter(({ basePath }) => basePath.length === longest);
  return candidates.length > 1 ? candidates.find(({ entity }) => new URL(entity).host === host) : candidates[0];
}

async function listenOn(
  { host, port }: { host: string; port: number },
  nodes: readonly ServedNode[],
  timeouts: ListenTimeouts,
): Promise<Listener> {
  const only = nodes.length === 1 && nodes[0]!.basePath === "" ? nodes[0]! : undefined;
  const fetch = only
    ? (request: Request) => only.fetch(request)
    : (request: Request) => chooseNode(nodes, request)?.fetch(request) ?? answerUnserved(notServed());
  const listener = getRequestListener(fetch, { hostname: host, errorHandler: answerRequestError });
  const server = createServer(
    {
      maxHeaderSize: HTTP_HEADER_BYTES_MAX,
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      connectionsCheckingInterval: timeouts.checkMs,
    },
    listener,
  );
  answerClientErrors(server);
  return new Promise((resolve, reject) => {
    server.listen(port, host, () => resolve({ host, port, close: () => closeServer(server) }));
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === "EADDRINUSE"
          ? "another program listens there; stop it or set another port in the node's config.json"
          : cause.message;
      reject(new AttestryError("config_invalid", `cannot listen on ${host}:${port}: ${reason}`, { cause }));
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/** Opens every listener the nodes need; on failure none stays open. */
export async function listenAll(
  nodes: readonly ServedNode[],
  timeouts: ListenTimeouts = TIMEOUTS,
): Promise<Listener[]> {
  const byAddress = new Map<string, ServedNode[]>();
  for (const node of nodes) {
    const key = `${node.listen.host} ${node.listen.port}`;
    byAddress.set(key, [...(byAddress.get(key) ?? []), node]);
  }
  const opened: Listener[] = [];
  try {
    for (const group of byAddress.values()) opened.push(await listenOn(group[0]!.listen, group, timeouts));
    return opened;
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.close()));
    throw error;
  }
}
