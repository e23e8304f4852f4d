// Serves nodes over HTTP: one listener per host and port, requests handed to the node whose base path they begin with. The one user of the server library.
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { AttestryError } from "../errors.ts";
import { HTTP_HEADER_BYTES_MAX, HTTP_HEADERS_TIMEOUT_MS, HTTP_REQUEST_TIMEOUT_MS } from "../limits.ts";
import { describeProblem } from "./problem.ts";

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

function notServed(): Response {
  const error = new AttestryError("not_found", "no node is served under this address");
  return new Response(JSON.stringify(describeProblem(error)), {
    status: 404,
    headers: { "content-type": "application/problem+json" },
  });
}

/** The node with the longest base path that the request's path begins with; the Host header decides between equals, and nothing else. */
function chooseNode(nodes: readonly ServedNode[], request: Request): ServedNode | undefined {
  const { pathname, host } = new URL(request.url);
  const under = nodes.filter(
    ({ basePath }) => basePath === "" || pathname === basePath || pathname.startsWith(`${basePath}/`),
  );
  const longest = Math.max(...under.map(({ basePath }) => basePath.length));
  const candidates = under.filter(({ basePath }) => basePath.length === longest);
  return candidates.length > 1 ? candidates.find(({ entity }) => new URL(entity).host === host) : candidates[0];
}

async function listenOn(host: string, port: number, nodes: readonly ServedNode[]): Promise<Listener> {
  const only = nodes.length === 1 && nodes[0]!.basePath === "" ? nodes[0]! : undefined;
  const fetch = only
    ? (request: Request) => only.fetch(request)
    : (request: Request) => chooseNode(nodes, request)?.fetch(request) ?? notServed();
  return new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch,
        hostname: host,
        port,
        serverOptions: {
          maxHeaderSize: HTTP_HEADER_BYTES_MAX,
          headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
          requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        },
      },
      () => resolve({ host, port, close: () => closeServer(server as Server) }),
    ) as Server;
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
export async function listenAll(nodes: readonly ServedNode[]): Promise<Listener[]> {
  const byAddress = new Map<string, ServedNode[]>();
  for (const node of nodes) {
    const key = `${node.listen.host} ${node.listen.port}`;
    byAddress.set(key, [...(byAddress.get(key) ?? []), node]);
  }
  const opened: Listener[] = [];
  try {
    for (const group of byAddress.values())
      opened.push(await listenOn(group[0]!.listen.host, group[0]!.listen.port, group));
    return opened;
  } catch (error) {
    await Promise.all(opened.map((listener) => listener.close()));
    throw error;
  }
}
