// A peer as bytes on a socket, for what no HTTP server would answer, and a measure of what a call to it cost. Test code only.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import type { AttestryError } from "../src/errors.ts";

export interface RawPeer {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Requests as they came, head and body. */
  readonly requests: string[];
  readonly connections: () => number;
  /** Bytes that left for the other side. */
  readonly sentBytes: () => number;
  close(): Promise<void>;
}

/** Listens on loopback; `answer` is called with each request's head, once it is whole. */
export async function startRawPeer(
  answer: (socket: Socket, request: string, count: number) => void,
  onConnection: (socket: Socket) => void = () => {},
): Promise<RawPeer> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let connections = 0;
  let sent = 0;
  const leaving = (socket: Socket): number => socket.bytesWritten - socket.writableLength;
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    // What the other side cut off is what is tested.
    socket.on("error", () => {});
    socket.on("close", () => {
      sent += leaving(socket);
      sockets.delete(socket);
    });
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, Math.max(end, 0)))?.[1] ?? 0);
      if (end < 0 || text.length < end + 4 + length) return;
      requests.push(text);
      text = "";
      answer(socket, requests.at(-1)!, requests.length);
    });
    onConnection(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    host: `127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    sentBytes: () => [...sockets].reduce((sum, socket) => sum + leaving(socket), sent),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Writes one chunk again and again, for as long as the other side takes it. */
export function pour(socket: Socket, chunk: string | Uint8Array, bytesMax = Number.POSITIVE_INFINITY): void {
  const bytes = Buffer.from(chunk as string);
  let left = bytesMax;
  const more = (): void => {
    while (!socket.destroyed && left > 0) {
      left -= bytes.length;
      if (!socket.write(bytes)) {
        socket.once("drain", more);
        return;
      }
    }
  };
  more();
}

export interface Cost {
  readonly error: AttestryError;
  readonly ms: number;
  /** The most that the process held beyond what it held before. */
  readonly memoryBytes: number;
}

function heldBytes(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What a call failed with, and what it cost until then. */
export async function costOf(call: () => Promise<unknown>): Promise<Cost> {
  const before = heldBytes();
  const started = performance.now();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, heldBytes());
  }, 5);
  try {
    const error = await call().then(
      () => undefined,
      (reason: unknown) => reason as AttestryError,
    );
    if (error === undefined) throw new Error("nothing failed");
    return { error, ms: performance.now() - started, memoryBytes: Math.max(most, heldBytes()) - before };
  } finally {
    clearInterval(timer);
  }
}
