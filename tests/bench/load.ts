// A light HTTP/1.1 load over keep-alive sockets, so that the generator takes little of the two cores that it shares with what it measures.
import { connect, type Socket } from "node:net";

export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Makes the next request. */
  readonly next: () => LoadRequest;
  readonly expectedStatus: number;
}

const HEADER_END = Buffer.from("\r\n\r\n");

function encode(request: LoadRequest, port: number): string {
  const headers = {
    host: `127.0.0.1:${port}`,
    ...request.headers,
    ...(request.body !== undefined && { "content-length": String(Buffer.byteLength(request.body)) }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${request.method} ${request.path} HTTP/1.1\r\n${lines.join("")}\r\n${request.body ?? ""}`;
}

/** Length of the first whole response in `buffer` and its status, or undefined while it is not whole. */
function readResponse(buffer: Buffer): { status: number; length: number } | undefined {
  const end = buffer.indexOf(HEADER_END);
  if (end < 0) return undefined;
  const head = buffer.toString("latin1", 0, end);
  const contentLength = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (contentLength === undefined) throw new Error(`a response without content-length: ${head.slice(0, 200)}`);
  const length = end + 4 + Number(contentLength);
  return buffer.length >= length ? { status: Number(head.slice(9, 12)), length } : undefined;
}

/** Requests per second that got the expected status; any other status ends the run with an error. */
export async function runLoad(options: LoadOptions): Promise<number> {
  const { port, connections, seconds, next, expectedStatus } = options;
  let done = 0;
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<void>((resolve, reject) => {
          const socket: Socket = connect(port, "127.0.0.1");
          let received: Buffer = Buffer.alloc(0);
          const send = () => socket.write(encode(next(), port));
          socket.setNoDelay(true);
          socket.on("connect", send);
          socket.on("error", reject);
          socket.on("data", (chunk) => {
            received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
            const response = readResponse(received);
            if (!response) return;
            if (response.status !== expectedStatus) {
              socket.destroy();
              reject(
                new Error(
                  `status ${response.status} in place of ${expectedStatus}: ${received.toString("utf8").slice(0, 800)}`,
                ),
              );
              return;
            }
            received = received.subarray(response.length);
            done++;
            if (performance.now() >= until) socket.end(() => resolve());
            else send();
          });
        }),
    ),
  );
  return done / ((performance.now() - startedAt) / 1_000);
}
