// Peers that answer what no honest one would: each costs at most its limits, and the error names the peer and the limit.

import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ErrorCode } from "../../src/errors.ts";
import { CLIENT_LIMITS, createHttpClient, type HttpClient } from "../../src/federation/http-client.ts";
import { createStatementClient } from "../../src/federation/statement-client.ts";
import {
  createEntity,
  draftConfiguration,
  draftSubordinate,
  type StatementDraft,
  signDraft,
} from "../chain-fixture.ts";
import { costOf, pour, type RawPeer, startRawPeer } from "../raw-peer.ts";

const MEGABYTE = 1_048_576;
const BODY_MAX = 16 * MEGABYTE;
const STATEMENT_MAX = 262_144;
// What a kernel takes into its buffers on both sides before anybody reads it.
const BUFFERED = 16 * MEGABYTE;
const HEAD_MS = 300;
const TOTAL_MS = 800;
const SLACK_MS = 1_500;
const OK = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const STATEMENT = "HTTP/1.1 200 OK\r\ncontent-type: application/entity-statement+jwt\r\n";

const reach = { development: true, allowedPrivateHosts: [] };
/** As in production; `quick`: the same with shorter times. */
let client: HttpClient;
let quick: HttpClient;
const peers: RawPeer[] = [];

beforeAll(() => {
  client = createHttpClient(reach);
  quick = createHttpClient(reach, { limits: { timeoutMs: TOTAL_MS, headTimeoutMs: HEAD_MS } });
});

afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.close();
});

afterAll(() => {
  client.close();
  quick.close();
});

async function startPeer(answer: (socket: Socket) => void): Promise<RawPeer> {
  const peer = await startRawPeer(answer);
  peers.push(peer);
  return peer;
}

/** Sends a head, then goes on. */
const begin = (head: string, goOn: (socket: Socket) => void) => (socket: Socket) => {
  socket.write(head);
  goOn(socket);
};
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

const get = (from: HttpClient, peer: RawPeer) => () => from.send({ method: "GET", url: peer.url });

it("the limits that hold in production are these", () => {
  expect(CLIENT_LIMITS).toEqual({
    timeoutMs: 5_000,
    headTimeoutMs: 4_000,
    bytesMax: BODY_MAX,
    headerBytesMax: 16_384,
    headersMax: 100,
    interimAnswersMax: 8,
    framingBytesMax: 262_144,
    attemptsMax: 3,
    retryDelayMs: 100,
    retryDelayMsMax: 1_000,
    retryAfterMsMax: 2_000,
    callsMax: 64,
    callsAllMax: 512,
    waitingMax: 512,
    waitingAllMax: 4_096,
    answerBytesAllMax: 256 * MEGABYTE,
    idleSocketsMax: 16,
    socketIdleMs: 10_000,
  });
});

describe("time", () => {
  /** Sends `text` for ever, a piece at a time. */
  function drip(socket: Socket, text: string): void {
    const timer = setInterval(() => socket.write(text), 20);
    socket.on("close", () => clearInterval(timer));
  }

  it.each<[string, ErrorCode, number, (socket: Socket) => void]>([
    ["answers nothing", "peer_head_timeout", HEAD_MS, () => {}],
    [
      "sends its status line a byte at a time",
      "peer_head_timeout",
      HEAD_MS,
      begin("HTTP/1.1 200 ", (socket) => drip(socket, "o")),
    ],
    ["sends headers without end", "peer_head_timeout", HEAD_MS, begin(OK, (socket) => drip(socket, "x-a: b\r\n"))],
    [
      "sends a body a byte at a time",
      "peer_timeout",
      TOTAL_MS,
      begin(`${OK}content-length: 100000\r\n\r\n`, (socket) => drip(socket, "x")),
    ],
    ["sends chunks a byte at a time", "peer_timeout", TOTAL_MS, begin(CHUNKED, (socket) => drip(socket, "1\r\nx\r\n"))],
    [
      "sends all but the last byte",
      "peer_timeout",
      TOTAL_MS,
      (socket) => socket.write(`${OK}content-length: 3\r\n\r\n{}`),
    ],
    ["sends the size of a chunk without end", "peer_timeout", TOTAL_MS, begin(CHUNKED, (socket) => drip(socket, "0"))],
    [
      "sends an interim answer and no other",
      "peer_head_timeout",
      HEAD_MS,
      (socket) => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n"),
    ],
  ])("of a peer that %s is over by its limit: %s", async (_name, code, ms, answer) => {
    const peer = await startPeer(answer);
    const cost = await costOf(get(quick, peer));
    expect(cost.error.code).toBe(code);
    expect(cost.error.message).toContain(peer.host);
    expect(cost.error.message).toContain(`${ms} ms`);
    expect(cost.ms).toBeGreaterThanOrEqual(ms - 20);
    expect(cost.ms).toBeLessThan(ms + SLACK_MS);
  });

  it("of a peer that does not read the request is over by its limit", async () => {
    const peer = await startRawPeer(
      () => {},
      (socket) => socket.pause(),
    );
    peers.push(peer);
    const body = new Uint8Array(32 * MEGABYTE);
    const cost = await costOf(() => quick.send({ method: "POST", url: peer.url, body }));
    expect(cost.error.code).toBe("peer_head_timeout");
    expect(cost.ms).toBeLessThan(HEAD_MS + SLACK_MS);
  });

  it("that a caller grants is less than the client's, never more", async () => {
    const peer = await startPeer((socket) => socket.write(`${OK}content-length: 3\r\n\r\n{}`));
    const short = await costOf(() => quick.send({ method: "GET", url: peer.url, timeoutMs: 100 }));
    expect([short.error.code, short.error.message.includes("100 ms")]).toEqual(["peer_timeout", true]);
    const long = await costOf(() => quick.send({ method: "GET", url: peer.url, timeoutMs: 60_000 }));
    expect(long.ms).toBeLessThan(TOTAL_MS + SLACK_MS);
  });
});

describe("size", () => {
  const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, "x"), Buffer.from("\r\n")]);

  it.each<[string, string, number, (socket: Socket) => void]>([
    ["has no end", "more than 16777216 bytes", 3, begin(CHUNKED, (socket) => pour(socket, chunk))],
    [
      "is a gigabyte, and says so",
      "more than 16777216 bytes",
      0,
      begin(`${OK}content-length: 1073741824\r\n\r\n`, (socket) => pour(socket, "x".repeat(65_536))),
    ],
    [
      "is a gigabyte in chunks",
      "more than 16777216 bytes",
      3,
      begin(CHUNKED, (socket) => pour(socket, chunk, 1_073_741_824)),
    ],
    [
      "ends with the connection, after a gigabyte",
      "more than 16777216 bytes",
      3,
      begin("HTTP/1.0 200 OK\r\n\r\n", (socket) => pour(socket, "x".repeat(65_536))),
    ],
    [
      "is one byte too large",
      "more than 16777216 bytes",
      3,
      begin(`${CHUNKED}1000001\r\n`, (socket) => pour(socket, "x".repeat(65_536), BODY_MAX + 65_536)),
    ],
    [
      "has sizes of chunks that have no end",
      "at most 262144 more than twice as many",
      1,
      begin(CHUNKED, (socket) => pour(socket, "0".repeat(65_536))),
    ],
    [
      "has a byte in each chunk",
      "at most 262144 more than twice as many",
      3,
      begin(CHUNKED, (socket) => pour(socket, "1\r\nx\r\n".repeat(10_000))),
    ],
  ])("of a body that %s", async (_name, limit, bodies, answer) => {
    const peer = await startPeer(answer);
    const cost = await costOf(get(client, peer));
    expect(cost.error.message).toContain(peer.host);
    expect([cost.error.code, cost.error.message.includes(limit)], cost.error.message).toEqual([
      "peer_response_too_large",
      true,
    ]);
    expect(cost.ms).toBeLessThan(5_000 + SLACK_MS);
    expect(peer.sentBytes()).toBeLessThan(2 * (BODY_MAX + 16_384) + BUFFERED);
    expect(cost.memoryBytes).toBeLessThan(bodies * BODY_MAX + 48 * MEGABYTE);
  });

  it("of a statement is less than that of other answers", async () => {
    const peer = await startPeer(
      begin(`${STATEMENT}transfer-encoding: chunked\r\n\r\n`, (socket) => pour(socket, chunk)),
    );
    const cost = await costOf(() => client.getStatement(peer.url));
    expect(cost.error.code).toBe("peer_response_too_large");
    expect(cost.error.message).toContain(`${STATEMENT_MAX} bytes`);
    expect(peer.sentBytes()).toBeLessThan(STATEMENT_MAX + BUFFERED);
  });

  it("of a compressed answer is not unfolded: it is refused by its head", async () => {
    const bomb = gzipSync(Buffer.alloc(256 * MEGABYTE));
    for (const encoding of ["gzip", "br", "identity, gzip", "GZIP"]) {
      const peer = await startPeer(
        (socket) =>
          socket.write(`${OK}content-encoding: ${encoding}\r\ncontent-length: ${bomb.length}\r\n\r\n`) &&
          socket.write(bomb),
      );
      const cost = await costOf(get(client, peer));
      expect([cost.error.code, cost.error.message.includes(peer.host)]).toEqual(["peer_encoding_refused", true]);
      expect(peer.requests[0]).toMatch(/^accept-encoding: identity\r$/im);
      expect(cost.memoryBytes).toBeLessThan(32 * MEGABYTE);
    }
  });

  it("of a compressed answer that does not say so is what it is on the wire", async () => {
    const bomb = gzipSync(Buffer.alloc(8 * MEGABYTE));
    const peer = await startPeer(
      (socket) => socket.write(`${STATEMENT}content-length: ${bomb.length}\r\n\r\n`) && socket.write(bomb),
    );
    const cost = await costOf(() => client.getStatement(peer.url));
    expect([cost.error.code, cost.error.message]).toEqual(["peer_response_invalid", expect.stringContaining("UTF-8")]);
  });

  it.each<[string, string, (socket: Socket) => void]>([
    ["a hundred thousand headers", "16384 bytes", (socket) => socket.write(`${OK}${"x-a: b\r\n".repeat(100_000)}\r\n`)],
    ["one header of a megabyte", "16384 bytes", (socket) => socket.write(`${OK}x-a: ${"b".repeat(MEGABYTE)}\r\n\r\n`)],
    ["a header without end", "16384 bytes", begin(`${OK}x-a: `, (socket) => pour(socket, "b".repeat(65_536)))],
    ["a status line without end", "16384 bytes", begin("HTTP/1.1 200 ", (socket) => pour(socket, "b".repeat(65_536)))],
    [
      "101 headers",
      "at most 100",
      (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${"x: y\r\n".repeat(100)}\r\n`),
    ],
  ])("of a head with %s", async (_name, limit, answer) => {
    const peer = await startPeer(answer);
    const cost = await costOf(get(client, peer));
    expect([cost.error.code, cost.error.message.includes(limit)], cost.error.message).toEqual([
      "peer_headers_too_large",
      true,
    ]);
    expect(cost.error.message).toContain(peer.host);
    expect(cost.ms).toBeLessThan(SLACK_MS);
    expect(cost.memoryBytes).toBeLessThan(32 * MEGABYTE);
  });

  it("of a head is the client's to say, not Node's", async () => {
    const narrow = createHttpClient(reach, { limits: { headerBytesMax: 1_000 } });
    const peer = await startPeer((socket) =>
      socket.write(`${OK}x-a: ${"b".repeat(1_500)}\r\ncontent-length: 0\r\n\r\n`),
    );
    const { error } = await costOf(get(narrow, peer));
    expect([error.code, error.message]).toEqual([
      "peer_headers_too_large",
      `${peer.host} answered headers of more than 1000 bytes`,
    ]);
    narrow.close();
  });

  it("of a head may be 100 headers", async () => {
    const peer = await startPeer((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 0\r\n${"x: y\r\n".repeat(99)}\r\n`),
    );
    expect((await client.send({ method: "GET", url: peer.url })).headers.get("x")).toBe(Array(99).fill("y").join(", "));
  });

  it.each<[string, ErrorCode, (socket: Socket) => void]>([
    [
      "interim answers",
      "peer_response_invalid",
      (socket) => pour(socket, "HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n".repeat(100)),
    ],
    ["100 Continue", "peer_response_invalid", (socket) => pour(socket, "HTTP/1.1 100 Continue\r\n\r\n".repeat(100))],
    [
      "chunk extensions",
      "peer_response_invalid",
      begin(`${OK}transfer-encoding: chunked\r\n\r\n1;a=`, (socket) => pour(socket, "x".repeat(65_536))),
    ],
    [
      "trailers",
      "peer_headers_too_large",
      begin(`${OK}transfer-encoding: chunked\r\n\r\n0\r\n`, (socket) => pour(socket, "x-a: b\r\n".repeat(1_000))),
    ],
  ])("of %s without end", async (_name, code, answer) => {
    const peer = await startPeer(answer);
    const cost = await costOf(get(client, peer));
    expect(cost.error.code, cost.error.message).toBe(code);
    expect(cost.ms).toBeLessThan(SLACK_MS);
    expect(peer.sentBytes()).toBeLessThan(BUFFERED);
    expect(cost.memoryBytes).toBeLessThan(32 * MEGABYTE);
  });

  it("of all answers that are read together has a limit", async () => {
    const limits = { answerBytesAllMax: 3 * MEGABYTE, timeoutMs: TOTAL_MS };
    const sharing = createHttpClient(reach, { limits });
    const slow = await startPeer(
      begin(`${OK}content-length: ${2 * MEGABYTE}\r\n\r\n`, (socket) => pour(socket, "x".repeat(65_536), MEGABYTE)),
    );
    const calls = await Promise.all(Array.from({ length: 6 }, () => costOf(get(sharing, slow))));
    const busy = calls.filter(({ error }) => error.code === "peer_busy");
    expect(busy.length).toBeGreaterThan(2);
    expect(busy[0]!.error.message).toContain("3145728 bytes together");
    // What was held is given back.
    const small = await startPeer((socket) => socket.write(`${OK}content-length: 2\r\n\r\n{}`));
    expect((await sharing.send({ method: "GET", url: small.url })).status).toBe(200);
    sharing.close();
  });
});

describe("form", () => {
  it.each<[string, ErrorCode, string, number]>([
    [
      "a redirect to a metadata service",
      "peer_redirect_refused",
      "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest/meta-data\r\ncontent-length: 0\r\n\r\n",
      1,
    ],
    [
      "a redirect to another host",
      "peer_redirect_refused",
      "HTTP/1.1 307 Temporary Redirect\r\nlocation: https://other.example.org/\r\ncontent-length: 0\r\n\r\n",
      1,
    ],
    [
      "a redirect to itself",
      "peer_redirect_refused",
      "HTTP/1.1 301 Moved Permanently\r\nlocation: /\r\ncontent-length: 0\r\n\r\n",
      1,
    ],
    [
      "a redirect to nowhere",
      "peer_redirect_refused",
      "HTTP/1.1 308 Permanent Redirect\r\ncontent-length: 0\r\n\r\n",
      1,
    ],
    ["no HTTP", "peer_response_invalid", "SSH-2.0-OpenSSH_9.6\r\n", 1],
    ["HTTP of another century", "peer_response_invalid", "HTTP/9.9 200 OK\r\n\r\n", 1],
    ["a status that is none", "peer_response_invalid", "HTTP/1.1 abc OK\r\n\r\n", 1],
    ["a NUL in a header", "peer_response_invalid", `${OK}x-a: \u0000\r\ncontent-length: 0\r\n\r\n`, 1],
    ["a header without a name", "peer_response_invalid", `${OK}: b\r\ncontent-length: 0\r\n\r\n`, 1],
    ["two lengths", "peer_response_invalid", `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 1],
    ["a negative length", "peer_response_invalid", `${OK}content-length: -1\r\n\r\n{}`, 1],
    [
      "a length and chunks",
      "peer_response_invalid",
      `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
      1,
    ],
    ["a chunk of no size", "peer_response_invalid", `${OK}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`, 1],
    [
      "a chunk larger than any number",
      "peer_response_invalid",
      `${OK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n`,
      1,
    ],
    ["less than it declares", "peer_response_truncated", `${OK}content-length: 100\r\n\r\n{}END`, 1],
    ["chunks without the last", "peer_response_truncated", `${OK}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\nEND`, 1],
    [
      "a switch to another protocol",
      "peer_response_invalid",
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
      1,
    ],
    ["an end before the head", "peer_unreachable", "HTTP/1.1 200 OKEND", 3],
    ["an end at once", "peer_unreachable", "END", 3],
  ])("%s is refused: %s", async (_name, code, text, attempts) => {
    const peer = await startPeer((socket) => {
      socket.write(text.replace("END", ""));
      if (text.endsWith("END")) socket.end();
    });
    const cost = await costOf(get(quick, peer));
    expect(cost.error.code, cost.error.message).toBe(code);
    expect(cost.error.message).toContain(peer.host);
    expect(peer.requests).toHaveLength(attempts);
    expect(cost.ms).toBeLessThan(TOTAL_MS + SLACK_MS);
  });

  it("a reset connection is told apart by when it came", async () => {
    const atOnce = await startPeer((socket) => socket.resetAndDestroy());
    expect((await costOf(get(quick, atOnce))).error).toMatchObject({
      code: "peer_unreachable",
      message: expect.stringContaining("ECONNRESET"),
    });
    const midway = await startPeer((socket) => {
      socket.write(`${OK}content-length: 100\r\n\r\n{`);
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    expect((await costOf(get(quick, midway))).error.code).toBe("peer_response_truncated");
  });

  it("HTTP/1.0 without a length is read to its end", async () => {
    const peer = await startPeer((socket) => socket.end("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{}"));
    const { status, body } = await quick.send({ method: "GET", url: peer.url });
    expect([status, Buffer.from(body).toString()]).toEqual([200, "{}"]);
  });

  it.each([
    ["nested 10,000 deep", `${"[".repeat(10_000)}${"]".repeat(10_000)}`, "json_too_deep"],
    ["with a key twice", '{"records":[],"records":[1]}', "json_duplicate_key"],
    ["with a key twice once unescaped", '{"a":1,"\\u0061":2}', "json_duplicate_key"],
    ["with __proto__", '{"__proto__":{"admin":true}}', "json_forbidden_key"],
    ["cut off", '{"a":', "json_invalid"],
    ["with a number beyond 2^53", '{"a":9007199254740993}', "json_number_unsafe"],
  ])("JSON %s is refused by name", async (_name, text, code) => {
    const peer = await startPeer((socket) => socket.write(`${OK}content-length: ${text.length}\r\n\r\n${text}`));
    const { error } = await costOf(() => quick.postJson(peer.url, {}));
    expect([error.code, error.message]).toEqual([
      "peer_response_invalid",
      `${peer.host} answered text that is not strict JSON (${code})`,
    ]);
  });

  it("JSON of another content type is refused", async () => {
    for (const type of [
      "text/html",
      "application/json; charset=utf-16",
      "application/problem+json",
      "application/json, text/html",
    ]) {
      const peer = await startPeer((socket) =>
        socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: 2\r\n\r\n{}`),
      );
      const { error } = await costOf(() => quick.postJson(peer.url, {}));
      expect([error.code, error.message]).toEqual([
        "peer_response_invalid",
        `${peer.host} answered another content type; application/json is expected`,
      ]);
    }
  });
});

describe("a statement", () => {
  const now = 1_900_000_000;
  const clock = () => now;

  /** A peer that answers everything with this statement, of itself unless it is edited. */
  async function servePeer(edit: (draft: StatementDraft, id: string) => StatementDraft | undefined): Promise<string> {
    let text = "";
    const peer = await startPeer((socket) => socket.write(`${STATEMENT}content-length: ${text.length}\r\n\r\n${text}`));
    const id = peer.url.slice(0, -1);
    const draft = draftConfiguration(createEntity(id), { superiors: [], registryTypes: ["districts"], now });
    text = await signDraft(edit(draft, id) ?? draft);
    return id;
  }
  const fetchIt = (entity: string) => createStatementClient({ httpClient: quick, clock }).fetchConfiguration(entity);
  const member = createEntity("https://member.example.org");

  it("of the peer itself is taken", async () => {
    const id = await servePeer(() => undefined);
    expect((await fetchIt(id)).subject).toBe(id);
  });

  it.each<[string, string, (draft: StatementDraft, id: string) => StatementDraft | undefined]>([
    [
      "of another member, truly signed by it",
      "statement_issuer_mismatch",
      () => draftConfiguration(member, { superiors: [], registryTypes: [], now }),
    ],
    [
      "about the peer, by another issuer",
      "statement_issuer_mismatch",
      (_, id) => draftSubordinate(member, createEntity(id), { registryTypes: [], now }),
    ],
    [
      "by the peer, about another",
      "statement_issuer_mismatch",
      (_, id) => draftSubordinate(createEntity(id), member, { registryTypes: [], now }),
    ],
    [
      "signed by another's key under its own key's name",
      "statement_signature_invalid",
      (draft) => ({ ...draft, signer: member.federation }),
    ],
    [
      "of yesterday",
      "statement_expired",
      (draft) => ({ ...draft, claims: { ...draft.claims, iat: now - 86_400, exp: now - 82_800 } }),
    ],
  ])("%s is refused: %s", async (_name, code, edit) => {
    const { error } = await costOf(async () => fetchIt(await servePeer(edit)));
    expect(error.code).toBe(code);
  });

  it("with claims nested 10,000 deep is refused by name", async () => {
    const part = (text: string) => Buffer.from(text).toString("base64url");
    const { kid } = member.federation.publicKey;
    const header = part(JSON.stringify({ alg: "Ed25519", typ: "entity-statement+jwt", kid }));
    const signed = `${header}.${part(`{"x":${"[".repeat(10_000)}${"]".repeat(10_000)}}`)}`;
    const text = `${signed}.${Buffer.from(await member.federation.sign(Buffer.from(signed))).toString("base64url")}`;
    const peer = await startPeer((socket) => socket.write(`${STATEMENT}content-length: ${text.length}\r\n\r\n${text}`));
    const { error } = await costOf(() => fetchIt(peer.url.slice(0, -1)));
    expect(error.code).toBe("json_too_deep");
  });
});
