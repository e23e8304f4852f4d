// A proxy before a node, as operators put one there: it ends TLS, forwards under another host name and adds headers of its own. It may also lie. Test code only.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";

export interface ProxiedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface TestProxy {
  /** What came to it, oldest first. */
  readonly requests: readonly ProxiedRequest[];
  close(): Promise<void>;
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function forward(port: number, { method, path, headers, body }: ProxiedRequest): Promise<ProxiedAnswer> {
  return new Promise((resolve, reject) => {
    const added = {
      host: "backend.internal",
      via: "1.1 proxy",
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-proto": "https",
      "x-request-id": "4711",
    };
    const outgoing = request({ port, host: "127.0.0.1", method, path, headers: { ...headers, ...added } }, (answer) => {
      readAll(answer).then(
        (content) => resolve({ status: answer.statusCode!, headers: answer.headers, body: content }),
        reject,
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** `target`: the node's own port, asked at each request. `alter`: what it makes of the node's answers. */
export async function startProxy(options: {
  readonly port: number;
  readonly target: () => number;
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly alter?: (answer: ProxiedAnswer, request: ProxiedRequest) => ProxiedAnswer;
}): Promise<TestProxy> {
  const requests: ProxiedRequest[] = [];
  const listener: Parameters<typeof createServer>[1] = async (incoming, outgoing) => {
    const { method = "GET", url: path = "/", headers } = incoming;
    const asked = { method, path, headers, body: await readAll(incoming) };
    requests.push(asked);
    const answer = await forward(options.target(), asked);
    const { status, headers: answered, body } = options.alter?.(answer, asked) ?? answer;
    const { "content-length": _length, "transfer-encoding": _encoding, ...kept } = answered;
    outgoing.writeHead(status, { ...kept, via: "1.1 proxy", server: "proxy" });
    outgoing.end(body);
  };
  const server: Server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(options.port, "127.0.0.1", resolve));
  return {
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
