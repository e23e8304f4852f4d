// Signed requests between whole nodes over real HTTP: behind a proxy that ends TLS, across processes of one node, and with liars on the way.
import { request as requestTls } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { signRequest } from "../../src/federation/signed-request.ts";
import { verifyResponse } from "../../src/federation/signed-response.ts";
import { listenAll } from "../../src/http/listener.ts";
import { silentLogger } from "../../src/logger.ts";
import { createNode } from "../../src/node.ts";
import { caughtCode } from "../caught-code.ts";
import { createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";
import { freePort } from "../free-port.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { type ProxiedAnswer, startProxy, type TestProxy } from "../proxy-fixture.ts";
import { signDraft } from "../request-signing.ts";
import { createSelfSigned } from "../self-signed.ts";

const now = () => Math.floor(Date.now() / 1_000);

let anchor: TestNode;
let home: TestNode;
let asker: TestNode;
let outsider: TestNode;
let proxy: TestProxy;
/** Where the home node's proxy forwards to, and what it makes of answers. */
let target: number;
let alter: (answer: ProxiedAnswer) => ProxiedAnswer = (answer) => answer;
let shared: string;
let open: string;

async function create(node: TestNode, registry: string, data: JsonObject): Promise<Answer> {
  return node.request("POST", `/registries/${registry}/records`, {
    token: await node.token("registrar"),
    json: { data },
  });
}

async function resolve(node: TestNode, token: string, references: string[] = [shared, open]): Promise<string[]> {
  const answer = await node.request("POST", "/resolve", { token, json: { references } });
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.references as JsonObject[]).map(({ outcome }) => String(outcome));
}

const signedRequests = () => proxy.requests.filter(({ headers }) => headers["signature-input"] !== undefined);

beforeAll(async () => {
  anchor = await startTestNode();
  const pins = [anchor.pin(["houses", "streets", "claims"])];
  const port = await freePort();
  const member = { superiors: [anchor.entity], anchors: pins };
  home = await startTestNode({ ...member, path: "/land", origin: `http://127.0.0.1:${port}` });
  target = home.node.config.listen.port;
  proxy = await startProxy({ port, target: () => target, alter: (answer) => alter(answer) });
  asker = await startTestNode(member);
  outsider = await startTestNode({ anchors: pins });
  await anchor.node.federation.acceptSubordinate({ entity: home.entity, registryTypes: ["houses", "streets"] });
  await anchor.node.federation.acceptSubordinate({ entity: asker.entity, registryTypes: ["claims"] });
  expect((await home.publish(definition("houses", { access: "members" }))).status).toBe(201);
  expect((await home.publish(definition("streets"))).status).toBe(201);
  const toHouses = { type: "houses", registry: `${home.entity}/registries/houses`, onWrite: "verify" };
  const house = { house: { type: "string", "x-reference": toHouses } };
  expect((await asker.publish(definition("claims", { properties: house }))).status).toBe(201);
  shared = (await create(home, "houses", { code: "1", name: "First house" })).body.href as string;
  open = (await create(home, "streets", { code: "1", name: "First street" })).body.href as string;
});

afterAll(async () => {
  await proxy?.close();
  for (const node of [outsider, asker, home, anchor]) await node?.close();
});

describe("a members registry of another node", () => {
  it("is read by a node of the federation for whoever reads all its records, by one request", async () => {
    const before = proxy.requests.length;
    const token = await asker.token("reader");
    const answer = await asker.request("POST", "/resolve", { token, json: { references: [shared] } });
    expect((answer.body.records as JsonObject)[shared]).toMatchObject({
      outcome: "verified",
      type: "houses",
      data: { code: "1", name: "First house" },
      issuer: home.entity,
    });
    const read = proxy.requests.slice(before).filter(({ path }) => path === "/land/records:read");
    expect(read).toHaveLength(1);
    expect(read[0]!.headers["attestry-sender"]).toBe(asker.entity);
    // One line a statement would be joined by Node's parser; the receiver takes both.
    expect(read[0]!.headers["attestry-trust-chain"]).toMatch(/^"ey.+", "ey.+", "ey.+"$/);
    // Shown once, the chain need not be shown again.
    expect(await resolve(asker, token)).toEqual(["verified", "verified"]);
    expect(signedRequests().at(-1)!.headers).not.toHaveProperty("attestry-trust-chain");
  });

  it("is not shown to staff who read no records, or those of one registry only; what is public is", async () => {
    for (const token of [
      await asker.token("operator"),
      await asker.token("auditor"),
      await asker.token("reader", { registries: ["claims"] }),
    ])
      expect(await resolve(asker, token)).toEqual(["members_only", "verified"]);
  });

  it("is refused to a node that nobody vouches for, which asks unsigned", async () => {
    const before = signedRequests().length;
    expect(await resolve(outsider, await outsider.token("reader"))).toEqual(["members_only", "verified"]);
    expect(signedRequests()).toHaveLength(before);
  });

  it("is refused to a node below an anchor that the home node does not pin, which then asks unsigned", async () => {
    const other = await startTestNode();
    const pins = [anchor.pin(["houses", "streets"]), other.pin(["claims"])];
    const foreign = await startTestNode({ superiors: [other.entity], anchors: pins });
    try {
      await other.node.federation.acceptSubordinate({ entity: foreign.entity, registryTypes: ["claims"] });
      const token = await foreign.token("reader");
      expect(await resolve(foreign, token)).toEqual(["members_only", "verified"]);
      const asked = proxy.requests.filter(({ path }) => path === "/land/records:read").slice(-2);
      expect(asked.map(({ headers }) => headers["attestry-sender"])).toEqual([foreign.entity, undefined]);
      // And for a while it does not try again.
      const before = signedRequests().length;
      expect(await resolve(foreign, token)).toEqual(["members_only", "verified"]);
      expect(signedRequests()).toHaveLength(before);
    } finally {
      await foreign.close();
      await other.close();
    }
  });

  it("can be referred to by members' records, by URL and by key", async () => {
    const byUrl = await create(asker, "claims", { code: "1", name: "By URL", house: shared });
    expect(byUrl.status, byUrl.text).toBe(201);
    const byKey = await create(asker, "claims", { code: "3", name: "By key", house: { type: "houses", key: "1" } });
    expect((byKey.body.data as JsonObject)?.house, byKey.text).toBe(shared);
    const missing = `${shared.slice(0, -36)}00000000-0000-8000-8000-000000000000`;
    const refused = await create(asker, "claims", { code: "2", name: "Missing", house: missing });
    expect([refused.status, refused.body.code]).toEqual([422, "reference_unresolved"]);
  });
});

describe("several processes of one node", () => {
  it("each learn a sender's chain when they need it, and take each request once among them", async () => {
    const { config } = home.node;
    const twin = createNode({ config, secrets: home.secrets, database: home.database.database, logger: silentLogger });
    const port = await freePort();
    const listeners = await listenAll([{ ...twin, listen: { host: "127.0.0.1", port } }]);
    try {
      const token = await asker.token("reader");
      expect(await resolve(asker, token)).toEqual(["verified", "verified"]);
      target = port;
      const before = proxy.requests.length;
      expect(await resolve(asker, token)).toEqual(["verified", "verified"]);
      // Refused without its chain, it asks once more, with it.
      const asked = proxy.requests.slice(before).filter(({ method }) => method === "POST");
      const shown = asked.map(({ headers }) => headers["attestry-trust-chain"] !== undefined);
      expect(shown).toEqual([false, true]);
      const draft = {
        signer: asker.secrets.signers.request,
        sender: asker.entity,
        audience: home.entity,
        method: "POST",
        url: `${home.entity}/records:read`,
        json: { references: [{ href: shared }] },
      };
      const { headers, path, body } = await signDraft(draft);
      const ports = [home.node.config.listen.port, port, home.node.config.listen.port, port];
      const answers = await Promise.all(
        ports.map((one) => fetch(`http://127.0.0.1:${one}${path}`, { method: "POST", headers, body: body! })),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
    } finally {
      target = home.node.config.listen.port;
      await Promise.all(listeners.map((listener) => listener.close()));
      await twin.close();
    }
  });
});

describe("a liar on the way", () => {
  const outcomes = async (change: typeof alter) => {
    alter = change;
    try {
      return await resolve(asker, await asker.token("reader"), [shared]);
    } finally {
      alter = (answer) => answer;
    }
  };

  it("cannot answer with the answer to another request, with other content, or unsigned", async () => {
    let earlier: ProxiedAnswer | undefined;
    expect(
      await outcomes((answer) => {
        earlier = answer;
        return answer;
      }),
    ).toEqual(["verified"]);
    expect(await outcomes(() => earlier!)).toEqual(["peer_signature_invalid"]);
    const rewrite = (body: Buffer) => Buffer.from(body.toString().replace('"found"', '"record_unknown"'));
    expect(await outcomes((answer) => ({ ...answer, body: rewrite(answer.body) }))).toEqual(["peer_signature_invalid"]);
    expect(
      await outcomes((answer) => {
        const { signature: _, "signature-input": __, ...headers } = answer.headers;
        return { ...answer, headers };
      }),
    ).toEqual(["peer_response_unsigned"]);
    expect(await outcomes((answer) => ({ ...answer, status: 503 }))).toEqual(["peer_response_invalid"]);
    expect(await outcomes((answer) => answer)).toEqual(["verified"]);
  });
});

describe("a proxy that ends TLS and adds headers", () => {
  it("changes nothing that is signed, in either direction", async () => {
    const top = createEntity("https://anchor.example");
    const sender = createEntity("https://sender.example");
    const tls = createSelfSigned("127.0.0.1");
    const port = await freePort();
    const node = await startTestNode({
      path: "/land",
      origin: `https://127.0.0.1:${port}`,
      anchors: [pinOf(top, ["houses"])],
    });
    const ending = await startProxy({ port, target: () => node.node.config.listen.port, tls });
    try {
      await node.publish(definition("houses", { access: "members" }));
      const { href } = (await create(node, "houses", { code: "1", name: "First" })).body;
      const url = `${node.entity}/records:read`;
      const bytes = Buffer.from(JSON.stringify({ references: [{ href: href! }] } satisfies Json));
      const { headers, message } = await signRequest({
        signer: sender.request,
        method: "POST",
        url,
        sender: sender.id,
        audience: node.entity,
        content: { type: "application/json", bytes },
        chain: await signChain(draftChain([sender, top], ["houses"], now())),
        now: now(),
        nonce: "A".repeat(22),
      });
      const answer = await new Promise<ProxiedAnswer>((done, fail) => {
        const lines = Object.fromEntries(
          Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
        );
        const outgoing = requestTls(url, { method: "POST", ca: tls.cert, headers: lines }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("end", () =>
            done({ status: incoming.statusCode!, headers: incoming.headers, body: Buffer.concat(chunks) }),
          );
        });
        outgoing.on("error", fail);
        outgoing.end(bytes);
      });
      expect(JSON.parse(answer.body.toString()).records).toMatchObject([{ outcome: "found" }]);
      expect(answer.headers.via).toBe("1.1 proxy");
      const fields = new Map(Object.entries(answer.headers).map(([name, value]) => [name, [String(value)]]));
      const response = { status: answer.status, fields, content: answer.body };
      const verified = (keys: (typeof node.secrets.signers.request.publicKey)[]) =>
        caughtCode(() => verifyResponse(response, { request: message, keys, now: now() }));
      expect(verified([node.secrets.signers.request.publicKey])).toBeUndefined();
      expect(verified([createSigner(generateSeed()).publicKey])).toBe("peer_signature_invalid");
    } finally {
      await ending.close();
      await node.close();
    }
  });
});
