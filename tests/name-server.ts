// A name server on loopback that answers, or keeps silent, as it is told (RFC 1035). Test code only.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

const TYPES: Readonly<Record<number, "A" | "AAAA">> = { 1: "A", 28: "AAAA" };

export interface NameServer {
  /** As a resolver is told of it. */
  readonly address: string;
  /** The questions, such as "A office.example.org". */
  readonly asked: string[];
  close(): Promise<void>;
}

function readQuestion(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  while (query[at] !== 0) {
    labels.push(query.subarray(at + 1, at + 1 + query[at]!).toString());
    at += query[at]! + 1;
  }
  return { name: labels.join("."), type: TYPES[query.readUInt16BE(at + 1)] ?? "other", end: at + 5 };
}

/** `answer`: the raw addresses of a question; none: the name has none of this type; undefined: silence; "unknown": there is no such name. */
export async function startNameServer(
  answer: (question: string) => readonly (readonly number[])[] | "unknown" | undefined,
): Promise<NameServer> {
  const asked: string[] = [];
  const socket: Socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const { name, type, end } = readQuestion(query);
    asked.push(`${type} ${name}`);
    const found = answer(`${type} ${name}`);
    if (found === undefined) return;
    const records = found === "unknown" ? [] : found;
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(found === "unknown" ? 0x8183 : 0x8180, 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt16BE(0, 8);
    head.writeUInt16BE(0, 10);
    const typeBytes = query.subarray(end - 4, end - 2);
    const body = records.map((bytes) =>
      // The name by a pointer to the question, class IN, a minute to live.
      Buffer.from([0xc0, 12, ...typeBytes, 0, 1, 0, 0, 0, 60, 0, bytes.length, ...bytes]),
    );
    socket.send(Buffer.concat([head, query.subarray(12, end), ...body]), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${(socket.address() as AddressInfo).port}`,
    asked,
    async close() {
      socket.close();
      await once(socket, "close");
    },
  };
}
