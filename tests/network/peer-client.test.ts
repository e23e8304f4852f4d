// The way out of a node: which addresses, how many calls at a time, what is sent again, and which connections are kept.
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { type ClientLimits, createHttpClient, type HttpClient } from "../../src/federation/http-client.ts";
import type { ResolveName } from "../../src/federation/peer-lookup-client.ts";
import { costOf, type RawPeer, startRawPeer } from "../raw-peer.ts";

const NO_ANSWER = () => {};
const OK = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const TOTAL_MS = 1_500;
const SLACK_MS = 1_500;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function startPeer(answer: (socket: Socket, request: string, count: number) => void): Promise<RawPeer> {
  const peer = await startRawPeer(answer);
  closers.push(() => peer.close());
  return peer;
}

function createClient(
  options: {
    limits?: Partial<ClientLimits>;
    resolve?: ResolveName;
    random?: () => number;
    development?: boolean;
    listed?: string[];
  } = {},
): HttpClient {
  const { development = true, listed = [], limits, ...deps } = options;
  const client = createHttpClient(
    { development, allowedPrivateHosts: listed },
    { ...deps, limits: { timeoutMs: TOTAL_MS, ...limits } },
  );
  closers.push(() => client.close());
  return client;
}

const get = (client: HttpClient, url: string) => client.send({ method: "GET", url });

describe("many calls at a time", () => {
  it("to one slow peer: each ends in time, and no more connections are open than may be", async () => {
    const peer = await startPeer(NO_ANSWER);
    const client = createClient();
    const calls = Array.from({ length: 100 }, () => costOf(() => get(client, peer.url)));
    await sleep(TOTAL_MS / 2);
    expect(peer.connections()).toBe(64);
    const costs = await Promise.all(calls);
    for (const { error, ms } of costs) {
      expect(error.code).toBe("peer_timeout");
      expect(error.message).toContain(`${TOTAL_MS} ms`);
      expect(ms).toBeLessThan(TOTAL_MS + SLACK_MS);
    }
  });

  it("to one slow peer leave room for others", async () => {
    const slow = await startPeer(NO_ANSWER);
    const quick = await startPeer((socket) => socket.write(OK));
    const client = createClient({ limits: { callsMax: 2, callsAllMax: 3 } });
    const waiting = Array.from({ length: 20 }, () => costOf(() => get(client, slow.url)));
    const started = performance.now();
    // At once, so that most of them wait, behind those for the slow one.
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(client, quick.url)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(performance.now() - started).toBeLessThan(TOTAL_MS);
    expect(slow.connections()).toBe(2);
    await Promise.all(waiting);
  });

  it("wait up to a number, and are then refused at once, with the limit's name", async () => {
    const slow = await startPeer(NO_ANSWER);
    const other = await startPeer(NO_ANSWER);
    const client = createClient({ limits: { callsMax: 1, callsAllMax: 1, waitingMax: 2, waitingAllMax: 3 } });
    const calls = Array.from({ length: 3 }, () => costOf(() => get(client, slow.url)));
    const refused = await costOf(() => get(client, slow.url));
    expect(refused.error.code).toBe("peer_busy");
    expect(refused.error.message).toContain(`${slow.host}: 2 calls to it and 2 in all wait; at most 2 and 3 may`);
    expect(refused.ms).toBeLessThan(100);
    calls.push(costOf(() => get(client, other.url)));
    expect((await costOf(() => get(client, other.url))).error.code).toBe("peer_busy");
    expect((await Promise.all(calls)).map(({ error }) => error.code)).toEqual(Array(4).fill("peer_timeout"));
    // Who gave up has left the queue.
    const last = await costOf(() => get(client, slow.url));
    expect(last.error.code).toBe("peer_timeout");
  });

  it("are all answered where the peer answers, in the order of their coming", async () => {
    const peer = await startPeer((socket) => setTimeout(() => socket.write(OK), 5));
    const client = createClient({ limits: { callsMax: 4, timeoutMs: 5_000 } });
    const order: number[] = [];
    const calls = Array.from({ length: 60 }, (_, i) => get(client, peer.url).then(() => order.push(i)));
    await Promise.all(calls);
    expect(peer.connections()).toBeLessThanOrEqual(4);
    expect(Math.max(...order.map((call, at) => Math.abs(call - at)))).toBeLessThanOrEqual(4);
  });
});

describe("what is sent again", () => {
  const RESET = (socket: Socket) => socket.resetAndDestroy();
  const busy = (seconds: string) => (socket: Socket) =>
    socket.write(`HTTP/1.1 503 Busy\r\nretry-after: ${seconds}\r\ncontent-length: 0\r\n\r\n`);
  const body = Buffer.from("{}");

  it.each<[string, Parameters<HttpClient["send"]>[0], number]>([
    ["a GET is, twice", { method: "GET", url: "" }, 3],
    ["a HEAD is, twice", { method: "HEAD", url: "" }, 3],
    ["a POST is not", { method: "POST", url: "", body }, 1],
    ["a POST that changes nothing is, twice", { method: "POST", url: "", body, isRepeatable: true }, 3],
  ])("where the connection breaks: %s", async (_name, request, attempts) => {
    const peer = await startPeer(RESET);
    const { error } = await costOf(() => createClient({ random: () => 0 }).send({ ...request, url: peer.url }));
    expect([error.code, peer.requests.length]).toEqual(["peer_unreachable", attempts]);
  });

  it("a call that at last is answered succeeds", async () => {
    const peer = await startPeer((socket, _request, count) => (count < 3 ? RESET(socket) : socket.write(OK)));
    expect((await get(createClient(), peer.url)).status).toBe(200);
  });

  it("a 503 is asked again after what its Retry-After says, if that is short", async () => {
    const peer = await startPeer((socket, _request, count) => (count < 2 ? busy("1")(socket) : socket.write(OK)));
    const started = performance.now();
    const client = createClient({ limits: { timeoutMs: 3_000 }, random: () => 0 });
    expect((await get(client, peer.url)).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
  });

  it.each([
    ["asks for too much patience", busy("3")],
    ["asks for an hour, by a date", busy(new Date(Date.now() + 3_600_000).toUTCString())],
    ["asks for what cannot be read", busy("soon")],
    ["asks for nothing", (socket: Socket) => socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")],
  ])("a 503 is the answer where the peer %s", async (_name, answer) => {
    const peer = await startPeer(answer);
    expect((await get(createClient({ limits: { timeoutMs: 5_000 } }), peer.url)).status).toBe(503);
    expect(peer.requests).toHaveLength(1);
  });

  it("a 503 is the answer where the peer asks for more than the call's time", async () => {
    const peer = await startPeer(busy("2"));
    expect((await get(createClient(), peer.url)).status).toBe(503);
    expect(peer.requests).toHaveLength(1);
  });

  it("other answers are not asked again", async () => {
    for (const status of [200, 400, 404, 429, 500, 502, 504]) {
      const peer = await startPeer((socket) =>
        socket.write(`HTTP/1.1 ${status} X\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n`),
      );
      expect((await get(createClient(), peer.url)).status).toBe(status);
      expect(peer.requests).toHaveLength(1);
    }
  });

  it("comes after a random part of a time that doubles", async () => {
    const peer = await startPeer(RESET);
    const drawn: number[] = [];
    const random = () => {
      drawn.push(performance.now());
      return 0.5;
    };
    const started = performance.now();
    await costOf(() => get(createClient({ random, limits: { retryDelayMs: 200 } }), peer.url));
    const ms = performance.now() - started;
    // 0.5 of 200, then 0.5 of 400.
    expect(ms).toBeGreaterThanOrEqual(295);
    expect(ms).toBeLessThan(295 + SLACK_MS);
  });

  it("does not outlast the call", async () => {
    const peer = await startPeer(RESET);
    const client = createClient({ random: () => 1, limits: { retryDelayMs: 1_000, retryDelayMsMax: 1_000 } });
    const { error, ms } = await costOf(() => get(client, peer.url));
    expect([error.code, peer.requests.length]).toEqual(["peer_unreachable", 2]);
    expect(ms).toBeLessThan(TOTAL_MS);
  });

  it("is nothing that was refused, compressed or too slow", async () => {
    for (const answer of [
      "HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n",
      "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n",
      "SSH-2.0\r\n",
    ]) {
      const peer = await startPeer((socket) => socket.write(answer));
      await costOf(() => get(createClient(), peer.url));
      expect(peer.requests).toHaveLength(1);
    }
    const slow = await startPeer(NO_ANSWER);
    await costOf(() => get(createClient({ limits: { headTimeoutMs: 100 } }), slow.url));
    expect(slow.requests).toHaveLength(1);
  });
});

describe("connections", () => {
  it("are kept for what may be repeated, and one is made for each POST that may not", async () => {
    const peer = await startPeer((socket) => socket.write(OK));
    const client = createClient();
    for (let i = 0; i < 5; i++) await get(client, peer.url);
    expect(peer.connections()).toBe(1);
    for (let i = 0; i < 5; i++) await client.postJson(peer.url, {}, { isRepeatable: true });
    expect(peer.connections()).toBe(1);
    for (let i = 0; i < 3; i++) await client.postJson(peer.url, {});
    expect(peer.connections()).toBe(4);
  });

  it("that are idle are few, and end", async () => {
    const sockets: Socket[] = [];
    const peer = await startPeer((socket) => {
      sockets.push(socket);
      setTimeout(() => socket.write(OK), 20);
    });
    const client = createClient({ limits: { idleSocketsMax: 2, socketIdleMs: 150 } });
    await Promise.all(Array.from({ length: 10 }, () => get(client, peer.url)));
    await sleep(50);
    expect(sockets.filter((socket) => !socket.closed && !socket.readableEnded)).toHaveLength(2);
    await sleep(400);
    expect(sockets.filter((socket) => !socket.closed && !socket.readableEnded)).toHaveLength(0);
  });

  const EVIL = OK.replace("{}", "[]");

  it("that carry a second answer are given up: it answers no later call", async () => {
    const peer = await startPeer((socket, _request, count) => socket.write(count === 1 ? `${OK}${EVIL}` : OK));
    const client = createClient();
    const answers: unknown[] = [];
    for (let i = 0; i < 4; i++) answers.push(await client.postJson(peer.url, {}, { isRepeatable: true }).catch(String));
    expect(answers.slice(1)).toEqual([{}, {}, {}]);
  });

  it("that carry something while they are idle are given up", async () => {
    const peer = await startPeer((socket, _request, count) => {
      socket.write(OK);
      if (count === 1) setTimeout(() => socket.write(EVIL), 30);
    });
    const client = createClient();
    expect(await client.postJson(peer.url, {}, { isRepeatable: true })).toEqual({});
    await sleep(100);
    for (let i = 0; i < 3; i++) expect(await client.postJson(peer.url, {}, { isRepeatable: true })).toEqual({});
    expect(peer.connections()).toBe(2);
  });

  it("that were closed meanwhile are replaced, without waiting", async () => {
    const known = new WeakSet<Socket>();
    const peer = await startPeer((socket) => {
      if (known.has(socket)) return socket.resetAndDestroy();
      known.add(socket);
      return socket.write(OK);
    });
    const client = createClient({ limits: { attemptsMax: 1 } });
    for (let i = 0; i < 15; i++) {
      expect((await get(client, peer.url)).status).toBe(200);
      await sleep(1);
    }
    expect(peer.connections()).toBe(15);
  });
});

describe("names", () => {
  /** Each call of the resolver gives the next of these; the last for ever. */
  function resolver(...answers: string[][]): { resolve: ResolveName; asked: string[] } {
    const asked: string[] = [];
    const resolve: ResolveName = async (name) => {
      asked.push(name);
      return answers[Math.min(asked.length, answers.length) - 1]!;
    };
    return { resolve, asked };
  }

  it.each([
    [["10.0.0.1"]],
    [["93.184.215.14", "169.254.169.254"]],
    [["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"]],
    [["::ffff:93.184.215.14"]],
    [["not an address"]],
  ])("that lead to %j are refused, before anything is sent", async (addresses) => {
    const { resolve, asked } = resolver(addresses);
    const { error } = await costOf(() => get(createClient({ resolve }), "https://peer.example.org/"));
    expect([error.code, error.message]).toEqual([
      "peer_address_refused",
      "peer.example.org: the name leads to a private address",
    ]);
    expect(asked).toEqual(["peer.example.org"]);
  });

  it("that have no address, or very many, are refused", async () => {
    const none = await costOf(() => get(createClient({ resolve: async () => [] }), "https://peer.example.org/"));
    expect(none.error.code).toBe("peer_address_refused");
    const many = Array.from({ length: 17 }, (_, i) => `93.184.215.${i}`);
    const { error } = await costOf(() => get(createClient({ resolve: async () => many }), "https://peer.example.org/"));
    expect([error.code, error.message.includes("at most 16")]).toEqual(["peer_address_refused", true]);
  });

  it("are asked for once for a connection, which is kept to what was checked; another answer for the next is checked anew", async () => {
    const peer = await startPeer((socket, _request, count) =>
      socket.write(count === 2 ? OK.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n") : OK),
    );
    const { resolve, asked } = resolver(["127.0.0.1"], ["169.254.169.254"]);
    const client = createClient({ resolve });
    const url = `http://localhost:${peer.port}/`;
    expect((await get(client, url)).status).toBe(200);
    expect((await get(client, url)).status).toBe(200);
    expect([asked.length, peer.connections()]).toEqual([1, 1]);
    const { error } = await costOf(() => get(client, url));
    expect([error.code, asked.length, peer.requests.length]).toEqual(["peer_address_refused", 2, 2]);
  });

  it("are checked for each attempt", async () => {
    const peer = await startPeer((socket) => socket.resetAndDestroy());
    const { resolve, asked } = resolver(["127.0.0.1"], ["10.0.0.1"]);
    const { error } = await costOf(() => get(createClient({ resolve }), `http://localhost:${peer.port}/`));
    expect([error.code, asked.length, peer.requests.length]).toEqual(["peer_address_refused", 2, 1]);
  });

  it("that are never found cost no more than the call", async () => {
    const resolve: ResolveName = () => new Promise(() => {});
    const client = createClient({ resolve, limits: { headTimeoutMs: 200 } });
    const { error, ms } = await costOf(() => get(client, "https://peer.example.org/"));
    expect(error.code).toBe("peer_head_timeout");
    expect(ms).toBeLessThan(200 + SLACK_MS);
  });

  it("that the operator has listed may be private, and speak https all the same", async () => {
    const peer = await startPeer(NO_ANSWER);
    const { resolve } = resolver(["127.0.0.1"]);
    const client = createClient({ resolve, development: false, listed: ["Office.Example.Org"] });
    const { error } = await costOf(() => get(client, `https://office.example.org:${peer.port}/`));
    // It is spoken to, and has no certificate.
    expect(peer.connections()).toBeGreaterThan(0);
    expect(["peer_unreachable", "peer_timeout"]).toContain(error.code);
    expect((await costOf(() => get(client, `http://office.example.org:${peer.port}/`))).error.code).toBe(
      "peer_address_refused",
    );
  });

  it.each(["https://localhost/", "https://a.localhost/", "https://localhost./", "https://LOCALHOST:8443/"])(
    "of this machine are asked of nobody: %s",
    async (url) => {
      const { resolve, asked } = resolver(["93.184.215.14"]);
      const { error } = await costOf(() => get(createClient({ resolve, development: false }), url));
      expect([error.code, asked]).toEqual(["peer_address_refused", []]);
    },
  );

  it("of development stand for this machine alone", async () => {
    const { resolve } = resolver(["192.168.0.1"]);
    const { error } = await costOf(() => get(createClient({ resolve }), "http://localhost:9/"));
    expect(error.code).toBe("peer_address_refused");
  });
});
