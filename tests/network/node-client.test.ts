// How a command speaks to a node that is busy, broken, slow or not what it says it is.
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createNodeClient, type NodeRequest, parseNodeUrl } from "../../src/cli/node-client.ts";
import { NODE_CALL_ATTEMPTS_MAX } from "../../src/limits.ts";
import { caughtError } from "../caught-error.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A peer that answers whatever `listener` does, and counts what it is asked. */
async function startPeer(listener: RequestListener): Promise<{ url: string; count: () => number }> {
  let count = 0;
  const server = createServer((request, response) => {
    count++;
    request.resume();
    listener(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, count: () => count };
}

const send = (baseUrl: string, request: Partial<NodeRequest> = {}) =>
  createNodeClient({ baseUrl, token: "secret" }).send({ path: "/x", ...request });

describe("a call to a node", () => {
  it("carries the token, the query and the body, below the base URL's path", async () => {
    const peer = await startPeer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method, url, headers } = request;
      const { authorization, "content-type": type } = headers;
      response.end(JSON.stringify({ method, url, authorization, type, body: Buffer.concat(chunks).toString() }));
    });
    const request = {
      method: "POST",
      query: { a: "b c&d" },
      body: "ä\n",
      contentType: "application/x-ndjson",
    } as const;
    expect(JSON.parse(await send(`${peer.url}/lgd/`, request))).toEqual({
      method: "POST",
      url: "/lgd/x?a=b+c%26d",
      authorization: "Bearer secret",
      type: "application/x-ndjson",
      body: "ä\n",
    });
  });

  it("gives the code, the message and the details of problem details", async () => {
    const problem = { code: "permission_denied", detail: "not yours", errors: [{ field: "/a", message: "b" }] };
    const peer = await startPeer((_request, response) => void response.writeHead(403).end(JSON.stringify(problem)));
    await expect(send(peer.url)).rejects.toMatchObject({
      code: "permission_denied",
      message: "not yours",
      details: [{ field: "/a", message: "b" }],
    });
    expect(peer.count()).toBe(1);
  });

  it.each([
    ["an answer that is no problem", 404, "<html>", "the node answered 404 without saying why"],
    ["a code that nobody knows", 500, '{"code":"internal_error","detail":"it broke"}', "it broke"],
  ])("names %s", async (_what, status, body, message) => {
    const peer = await startPeer((_request, response) => void response.writeHead(status).end(body));
    await expect(send(peer.url)).rejects.toMatchObject({ code: "peer_response_invalid", message });
  });

  it("is made again where the node says later, as soon as the node says", async () => {
    let asked = 0;
    const peer = await startPeer((_request, response) => {
      if (++asked <= 2)
        response.writeHead(503, { "retry-after": "1" }).end('{"code":"log_overloaded","detail":"later"}');
      else response.end("done");
    });
    const startedAt = performance.now();
    expect(await send(peer.url)).toBe("done");
    expect(peer.count()).toBe(3);
    expect(performance.now() - startedAt).toBeGreaterThan(1_900);
  });

  it("is made again where the connection breaks in the middle of the answer", async () => {
    let asked = 0;
    const peer = await startPeer((_request, response) => {
      if (++asked > 1) return void response.end("whole");
      response.writeHead(200, { "content-length": "10" });
      response.write("half", () => response.destroy());
    });
    expect(await send(peer.url)).toBe("whole");
  });

  it("is made once where doing it twice would not be the same", async () => {
    const peer = await startPeer((_request, response) => void response.writeHead(503).end());
    await expect(send(peer.url, { method: "POST" })).rejects.toMatchObject({ code: "peer_response_invalid" });
    expect(peer.count()).toBe(1);
  });

  it("is given up after so many attempts, or at once where the command is stopping", async () => {
    const peer = await startPeer((_request, response) => void response.writeHead(502, { "retry-after": "0" }).end());
    const stopping = new AbortController();
    stopping.abort();
    await expect(send(peer.url, { signal: stopping.signal })).rejects.toMatchObject({ code: "peer_response_invalid" });
    expect(peer.count()).toBe(1);
    await expect(send(peer.url)).rejects.toMatchObject({ code: "peer_response_invalid" });
    expect(peer.count()).toBe(1 + NODE_CALL_ATTEMPTS_MAX);
  });

  it("ends in time where the node never answers", async () => {
    const peer = await startPeer(() => undefined);
    const request = { method: "POST", timeoutMs: 100 } as const;
    await expect(send(peer.url, request)).rejects.toMatchObject({ code: "peer_timeout" });
    await expect(send("http://127.0.0.1:1", { method: "POST" })).rejects.toMatchObject({ code: "peer_unreachable" });
  });

  it("does not follow a redirect, which would carry the token elsewhere", async () => {
    const other = await startPeer((_request, response) => void response.end("elsewhere"));
    const peer = await startPeer((_request, response) => void response.writeHead(307, { location: other.url }).end());
    await expect(send(peer.url)).rejects.toMatchObject({ code: "peer_response_invalid" });
    expect(other.count()).toBe(0);
  });

  it("reads no more of an answer than it may", async () => {
    const chunk = Buffer.alloc(1_048_576, 0x20);
    const peer = await startPeer((_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once("drain", write);
      };
      write();
    });
    await expect(send(peer.url)).rejects.toMatchObject({ code: "peer_response_too_large" });
  });
});

describe("a node's URL", () => {
  it("loses its closing slash", () => {
    expect(parseNodeUrl("https://node.example/lgd/")).toBe("https://node.example/lgd");
  });

  it.each([
    "node.example",
    "ftp://node.example",
    "https://me:pw@node.example",
    "https://node.example?x=1",
    "https://node.example#x",
  ])("is refused as %s", (text) => {
    expect(caughtError(() => parseNodeUrl(text)).code).toBe("peer_address_refused");
  });

  it("is https where a token goes there, or this machine", () => {
    const create = (baseUrl: string, token?: string) => () => createNodeClient({ baseUrl, token });
    expect(caughtError(create("http://node.example", "secret")).code).toBe("peer_address_refused");
    expect(create("http://node.example")).not.toThrow();
    expect(create("http://127.0.0.1:7402/lgd", "secret")).not.toThrow();
  });
});
