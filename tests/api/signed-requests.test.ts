// Signed requests between nodes, at the receiver: who passes, and by which code everything else is refused.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { createPeerChains } from "../../src/federation/peer-chains.ts";
import { createSignedRequestService } from "../../src/federation/signed-request-service.ts";
import {
  type ChainDraft,
  createEntity,
  draftChain,
  draftConfiguration,
  keySet,
  nodeMetadata,
  pinOf,
  signChain,
  type TestEntity,
} from "../chain-fixture.ts";
import { freePort } from "../free-port.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { answerFault, digestOf, type RequestDraft, type SignedDraft, signDraft } from "../request-signing.ts";

const now = () => Math.floor(Date.now() / 1_000);
const anchor = createEntity("https://anchor.example");
const sender = createEntity("https://sender.example");
let node: TestNode;
let chain: string[];
let shared: string;
let asked: Json;

function chainOf(subject: TestEntity, top: TestEntity = anchor): ChainDraft {
  return draftChain([subject, top], ["houses"], now());
}

beforeAll(async () => {
  node = await startTestNode({ path: "/land", anchors: [pinOf(anchor, ["houses"])] });
  chain = await signChain(chainOf(sender));
  const personal = { owner: { type: "string", "x-personal": true } };
  for (const [name, access] of [
    ["houses", "members"],
    ["cases", "consent"],
  ] as const)
    expect((await node.publish(definition(name, { access, properties: personal }))).status).toBe(201);
  const token = await node.token("registrar");
  const json = { data: { code: "1", name: "First", owner: "Asha Devi" } };
  const created = await node.request("POST", "/registries/houses/records", { token, json });
  expect(created.status, created.text).toBe(201);
  shared = created.body.href as string;
  asked = { references: [{ href: shared }] };
});

afterAll(() => node?.close());

type Changes = Partial<RequestDraft>;

function draft(changes: Changes = {}): Promise<SignedDraft> {
  return signDraft({
    signer: sender.request,
    sender: sender.id,
    audience: node.entity,
    method: "POST",
    url: `${node.entity}/records:read`,
    json: asked,
    chain,
    ...changes,
  });
}

function send({ method, path, headers, body }: SignedDraft): Promise<Answer> {
  const options = { headers, ...(body !== undefined && { body }) };
  return node.request(method, path.replace(/^\/land/, ""), options);
}

const outcomesOf = (answer: Answer) => (answer.body.records as JsonObject[])?.map(({ outcome }) => outcome);
const refusal = (answer: Answer) => `${answer.status} ${answer.body.code}`;

/** The answer to a request that was signed as it should be and then changed. */
async function sendChanged(
  change: (signed: SignedDraft) => Partial<SignedDraft>,
  changes: Changes = {},
): Promise<Answer> {
  const signed = await draft(changes);
  return send({ ...signed, ...change(signed) });
}

describe("a signed request", () => {
  it("of a node of the federation reads a members registry, and its answer is signed to that one request", async () => {
    const request = await draft();
    const answer = await send(request);
    expect(outcomesOf(answer), answer.text).toEqual(["found"]);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    const key = node.secrets.signers.request.publicKey;
    expect(answerFault(answer, request, key)).toBeUndefined();
    // The same answer is none to another request, nor with another status.
    expect(answerFault(answer, await draft(), key)).toBe("the signature does not hold");
    expect(answerFault({ ...answer, status: 201 }, request, key)).toBe("the signature does not hold");
    expect(answerFault({ ...answer, text: `${answer.text} ` }, request, key)).toContain("digest");
  });

  it("shows no personal field, and no record of a consent registry", async () => {
    const signed = { method: "GET", json: undefined, url: shared } as unknown as Changes;
    const { text, body, status } = await send(await draft(signed));
    expect([status, body.withheld], text).toEqual([200, true]);
    expect(text).not.toContain("Asha");
    const cases = await send(await draft({ ...signed, url: `${node.entity}/registries/cases/records` }));
    expect(refusal(cases)).toBe("403 permission_denied");
  });

  it("without content needs no digest, and works wherever reading is open to nodes", async () => {
    const read = (url: string) =>
      draft({ method: "GET", url, json: undefined } as unknown as Changes).then(async (request) => {
        const answer = await send(request);
        return [answer.status, answerFault(answer, request, node.secrets.signers.request.publicKey)];
      });
    const houses = `${node.entity}/registries/houses/records`;
    for (const url of [shared, `${shared}/history`, `${shared}/evidence`, `${shared}/receipt`, `${houses}?limit=1`])
      expect(await read(url)).toEqual([200, undefined]);
    const found = await draft({
      url: `${node.entity}/records:find`,
      json: { lookups: [{ registry: "houses", key: "1" }] },
    });
    expect((await send(found)).body.results).toMatchObject([{ outcome: "found", href: shared }]);
    const searched = await draft({ url: `${houses}:search`, json: { fields: {} } });
    expect((await send(searched)).status).toBe(200);
    const resolved = await draft({
      url: `${node.entity}/resolve`,
      json: { references: ["https://sender.example/registries/a/records/4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60"] },
    });
    // A node has its own way out: nobody is asked on its behalf.
    expect((await send(resolved)).body.references).toMatchObject([{ outcome: "authentication_required" }]);
  });

  it("is answered with a signature where nothing has changed and nothing is sent", async () => {
    const asGet = { method: "GET", url: shared, json: undefined } as unknown as Changes;
    const etag = (await send(await draft(asGet))).headers.get("etag")!;
    const unchanged = await send(await draft({ ...asGet, headers: { "if-none-match": etag } }));
    expect([unchanged.status, unchanged.text]).toEqual([304, ""]);
    expect(unchanged.headers.get("content-digest")).toBe(digestOf(""));
    expect(unchanged.headers.get("vary")).toContain("signature");
  });

  it("is refused to strangers by name, and writes nothing", async () => {
    const anonymous = await node.request("POST", "/records:read", { json: asked });
    expect(outcomesOf(anonymous)).toEqual(["members_only"]);
    expect(anonymous.headers.get("signature")).toBeNull();
    const write = await draft({
      url: `${node.entity}/registries/houses/records`,
      json: { data: { code: "2", name: "B" } },
    });
    expect(refusal(await send(write))).toBe("401 authentication_required");
  });

  it("needs no chain once the node has seen it", async () => {
    await send(await draft());
    expect(outcomesOf(await send(await draft({ chain: undefined })))).toEqual(["found"]);
  });

  it("is answered with a signed error where the operation refuses it", async () => {
    const request = await draft({ json: { references: "x" } });
    const answer = await send(request);
    expect(refusal(answer)).toBe("400 request_invalid");
    expect(answerFault(answer, request, node.secrets.signers.request.publicKey)).toBeUndefined();
  });

  it("passes beside signatures of other protocols, which are nobody's business here", async () => {
    const other = 'proxy=("@method");created=1;tag="another"';
    const answer = await sendChanged(({ headers }) => ({
      headers: {
        ...headers,
        "signature-input": `${other}, ${headers["signature-input"]}`,
        signature: `proxy=:AAAA:, ${headers.signature}`,
      },
    }));
    expect(outcomesOf(answer), answer.text).toEqual(["found"]);
    const foreign = { "signature-input": other, signature: "proxy=:AAAA:" };
    const anonymous = await node.request("POST", "/records:read", { json: asked, headers: foreign });
    expect(outcomesOf(anonymous)).toEqual(["members_only"]);
  });
});

describe("what a thief on the way could send", () => {
  it("the same request again", async () => {
    const request = await draft();
    expect((await send(request)).status).toBe(200);
    expect(refusal(await send(request))).toBe("401 signature_replayed");
  });

  it("the same request many times at once: exactly one passes", async () => {
    const request = await draft();
    const answers = await Promise.all(Array.from({ length: 24 }, () => send(request)));
    const refusals = answers.map(refusal);
    expect(refusals.filter((one) => one === "200 undefined")).toHaveLength(1);
    expect(refusals.filter((one) => one === "401 signature_replayed")).toHaveLength(23);
  });

  it("the same request to another address, with another method, or with a query", async () => {
    expect(refusal(await sendChanged(() => ({ path: "/land/records:find" })))).toBe("401 signature_mismatch");
    expect(refusal(await sendChanged(() => ({ path: "/land/registries/houses/records:search" })))).toBe(
      "401 signature_mismatch",
    );
    expect(refusal(await sendChanged(() => ({ path: "/land/records:read?a=1" })))).toBe("401 signature_mismatch");
    const asGet = { method: "POST", url: shared };
    expect(refusal(await sendChanged(() => ({ method: "GET", body: undefined }), asGet))).toBe(
      "400 content_digest_mismatch",
    );
    const bodiless = { ...asGet, json: undefined } as unknown as Changes;
    expect(refusal(await sendChanged(() => ({ method: "GET" }), bodiless))).toBe("401 signature_mismatch");
  });

  it("a request for another node, or for another authority of the same name", async () => {
    expect(refusal(await send(await draft({ audience: "https://other.example" })))).toBe(
      "401 signature_audience_wrong",
    );
    // Of another node that it was signed for: the audience of this one is put in its place.
    const audience = "https://other.example";
    const swapped = await sendChanged(
      ({ headers }) => ({ headers: { ...headers, "attestry-audience": node.entity } }),
      { audience, url: `${audience}/land/records:read` },
    );
    expect(refusal(swapped)).toBe("401 signature_mismatch");
    const elsewhere = await draft({ url: "https://other.example/land/records:read" });
    expect(refusal(await send(elsewhere))).toBe("401 signature_mismatch");
  });

  it("another content, whether its digest is changed along or not", async () => {
    const body = JSON.stringify({ references: [] });
    expect(refusal(await sendChanged(() => ({ body })))).toBe("400 content_digest_mismatch");
    const along = await sendChanged(({ headers }) => ({
      body,
      headers: { ...headers, "content-digest": digestOf(body) },
    }));
    expect(refusal(along)).toBe("401 signature_mismatch");
    const added = await sendChanged(
      ({ headers }) => ({ body, headers: { ...headers, "content-type": "application/json" } }),
      { json: undefined } as unknown as Changes,
    );
    expect(refusal(added)).toBe("400 signature_coverage_incomplete");
    // Bytes get no Content-Type of their own, which would have to be covered, too.
    const { headers } = await draft({ json: undefined } as unknown as Changes);
    const untyped = await node.request("POST", "/records:read", { headers, body: Buffer.from(body) });
    expect(refusal(untyped)).toBe("400 signature_coverage_incomplete");
    expect(untyped.body.detail).toContain("without a Content-Digest");
    const unread = await sendChanged(({ headers }) => ({ headers: { ...headers, "content-digest": "md5=:AAAA:" } }));
    expect(refusal(unread)).toBe("400 content_digest_invalid");
    const typed = await sendChanged(({ headers }) => ({
      headers: { ...headers, "content-type": "application/json; charset=utf-8" },
    }));
    expect(refusal(typed)).toBe("401 signature_mismatch");
  });

  it("a request whose headers were stripped", async () => {
    const strip = (...names: string[]) =>
      sendChanged(({ headers }) => ({
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name))),
      }));
    expect(refusal(await strip("signature"))).toBe("400 signature_malformed");
    expect(refusal(await strip("signature-input"))).toBe("400 signature_malformed");
    expect(refusal(await strip("signature", "signature-input"))).toBe("401 signature_missing");
    expect(refusal(await strip("content-digest"))).toBe("400 signature_component_invalid");
    expect(refusal(await strip("attestry-audience"))).toBe("401 signature_audience_wrong");
    expect(refusal(await strip("attestry-sender"))).toBe("400 signature_component_invalid");
    expect(refusal(await strip("attestry-trust-chain"))).toBe("400 signature_component_invalid");
  });

  it("the signature of one request on another", async () => {
    const other = await draft({ json: { references: [] } });
    const swapped = await sendChanged(({ headers }) => ({
      headers: { ...headers, signature: other.headers.signature! },
    }));
    expect(refusal(swapped)).toBe("401 signature_mismatch");
  });

  it("a bearer token beside the signature", async () => {
    const authorization = `Bearer ${await node.token("reader")}`;
    expect(refusal(await send(await draft({ headers: { authorization } })))).toBe("400 signature_malformed");
  });
});

describe("what a careless or dishonest member could sign", () => {
  it.each([
    ["ended already", { created: -100, expires: -1 }, "401 signature_expired"],
    ["from the future", { created: 70, expires: 130 }, "401 signature_not_yet_valid"],
    ["for too long", { created: 0, expires: 301 }, "400 signature_window_too_long"],
    ["for no time", { created: 10, expires: 10 }, "400 signature_malformed"],
    ["for another protocol", { tag: "another" }, "400 signature_tag_wrong"],
    ["under another label", { label: "sig1" }, "400 signature_malformed"],
    ["with its algorithm", { parameters: ';alg="ed25519"' }, "400 signature_algorithm_refused"],
    ["with no algorithm", { parameters: ';alg="none"' }, "400 signature_algorithm_refused"],
    ["with an HMAC's algorithm", { parameters: ';alg="hmac-sha256"' }, "400 signature_algorithm_refused"],
    ["with an unknown parameter", { parameters: ";x=1" }, "400 signature_malformed"],
    ["with a parameter twice", { parameters: ";created=1" }, "400 signature_malformed"],
    ["with a short nonce", { nonce: "abc" }, "400 signature_malformed"],
    ["with a nonce that is no base64url", { nonce: `${"a".repeat(22)}/` }, "400 signature_malformed"],
    [
      "with a key's address in place of its thumbprint",
      { keyid: "https://evil.example/jwks" },
      "400 signature_malformed",
    ],
    ["without the method", { without: ["@method"] }, "400 signature_coverage_incomplete"],
    ["without the authority", { without: ["@authority"] }, "400 signature_coverage_incomplete"],
    ["without the target", { without: ["@request-target"] }, "400 signature_coverage_incomplete"],
    ["without the audience", { without: ["attestry-audience"] }, "400 signature_coverage_incomplete"],
    ["without the sender", { without: ["attestry-sender"] }, "400 signature_coverage_incomplete"],
    ["without the chain", { without: ["attestry-trust-chain"] }, "400 signature_coverage_incomplete"],
    ["without the content's digest", { without: ["content-digest"] }, "400 signature_coverage_incomplete"],
    ["without the content's type", { without: ["content-type"] }, "400 signature_coverage_incomplete"],
    [
      "with another header of ours that is not signed",
      { headers: { "attestry-consent": "x" } },
      "400 signature_coverage_incomplete",
    ],
  ] as [string, Changes, string][])("a signature %s", async (_name, changes, expected) => {
    const answer = await send(await draft(changes));
    expect(refusal(answer), answer.text).toBe(expected);
  });

  it("at the edges: the longest window, and a clock that is ahead by a minute, are in order", async () => {
    expect((await send(await draft({ created: -180, expires: 120 }))).status).toBe(200);
    expect((await send(await draft({ created: 55, expires: 100 }))).status).toBe(200);
  });
});

describe("whose key it is", () => {
  const stranger = createEntity("https://stranger.example");
  const signedBy = async (entity: TestEntity, changes: Changes = {}) =>
    refusal(await send(await draft({ signer: entity.request, sender: entity.id, chain: undefined, ...changes })));
  const chainCode = async (changes: Changes): Promise<string> => {
    const answer = await send(await draft(changes));
    const [detail] = (answer.body.errors ?? []) as JsonObject[];
    return `${refusal(answer)} ${detail?.message}`;
  };

  it("a sender nobody knows, without its chain", async () => {
    expect(await signedBy(stranger)).toBe("401 signature_key_unknown");
  });

  it("a key that the chain does not name, and a key of another role", async () => {
    await send(await draft());
    const other = createSigner(generateSeed());
    expect(refusal(await send(await draft({ signer: other })))).toBe("401 signature_key_unknown");
    for (const signer of [sender.federation, sender.record, sender.status])
      expect(refusal(await send(await draft({ signer })))).toBe("401 signature_key_unknown");
  });

  it("a key that signs under the identifier of another", async () => {
    const other = createSigner(generateSeed());
    const answer = await send(await draft({ signer: other, keyid: sender.request.publicKey.kid }));
    expect(refusal(answer)).toBe("401 signature_mismatch");
  });

  it("a chain to another anchor, even one of the same name", async () => {
    const elsewhere = createEntity("https://elsewhere.example");
    const away = { signer: stranger.request, sender: stranger.id };
    expect(await chainCode({ ...away, chain: await signChain(chainOf(stranger, elsewhere)) })).toBe(
      "401 signature_chain_invalid anchor_unknown",
    );
    const impostor = createEntity(anchor.id);
    expect(await chainCode({ ...away, chain: await signChain(chainOf(stranger, impostor)) })).toBe(
      "401 signature_chain_invalid anchor_key_not_pinned",
    );
  });

  it("a chain that was tampered with, cut, expired, or of another than the sender", async () => {
    const away = { signer: stranger.request, sender: stranger.id };
    const good = await signChain(chainOf(stranger));
    // The anchor vouches for other federation keys than those that sign this configuration.
    const forged = createEntity(stranger.id);
    const [configuration] = await signChain(chainOf(forged));
    expect(
      await chainCode({ signer: forged.request, sender: forged.id, chain: [configuration!, ...good.slice(1)] }),
    ).toBe("401 signature_chain_invalid statement_key_unknown");
    expect(await chainCode({ ...away, chain: good.slice(1) })).toMatch(/^401 signature_chain_invalid /);
    expect(await chainCode({ ...away, chain: [] })).toMatch(/^(400|401) signature_/);
    expect(await chainCode({ ...away, chain: ["a.b.c"] })).toMatch(/^401 signature_chain_invalid /);
    const late = draftChain([stranger, anchor], ["houses"], now() - 7_200);
    expect(await chainCode({ ...away, chain: await signChain(late) })).toBe(
      "401 signature_chain_invalid statement_expired",
    );
    expect(refusal(await send(await draft({ ...away, chain })))).toBe("401 signature_chain_invalid");
    expect(await signedBy(stranger)).toBe("401 signature_key_unknown");
  });

  it("a chain longer than its limit is refused before it is read", async () => {
    const long = Array.from({ length: 10 }, () => `${"a".repeat(2_600)}`);
    const away = { signer: stranger.request, sender: stranger.id, chain: long };
    const answer = await send(await draft(away));
    expect(refusal(answer)).toBe("401 signature_chain_invalid");
    expect(answer.body.detail).toContain("at most 24576");
  });

  it("a member that lists another's key in its own metadata is not taken for it, nor it for the member", async () => {
    const thief = createEntity("https://thief.example");
    const thiefs = draftChain([thief, anchor], ["houses"], now());
    const metadata = { ...nodeMetadata(thief, ["houses"]), request_jwks: keySet(sender.request.publicKey) };
    (thiefs.statements[0]!.claims as { metadata: Json }).metadata = { registry_node: metadata };
    const answer = await send(await draft({ sender: thief.id, chain: await signChain(thiefs) }));
    // Signed by the key's holder as the thief: it may, it lent its key. What it cannot be is taken for the other.
    expect(answer.status, answer.text).toBe(200);
    const headers = { "attestry-sender": thief.id };
    expect(refusal(await send(await draft({ chain: undefined, headers })))).toBe("401 signature_mismatch");
  });

  it("an older configuration does not bring back a key that a later one took out of use", async () => {
    const moved = createEntity("https://moved.example");
    const before = chainOf(moved);
    const next = { ...moved, request: createSigner(generateSeed()) };
    const after = chainOf(next);
    const options = { superiors: [anchor.id], registryTypes: ["houses"], now: now() };
    after.statements[0] = draftConfiguration(next, options);
    (after.statements[0].claims as { iat: number }).iat = now() - 1;
    const old = { signer: moved.request, sender: moved.id, chain: await signChain(before) };
    expect((await send(await draft(old))).status).toBe(200);
    expect((await send(await draft({ ...old, signer: next.request, chain: await signChain(after) }))).status).toBe(200);
    expect(refusal(await send(await draft(old)))).toBe("401 signature_key_unknown");
  });
});

describe("a chain that was proved", () => {
  it("counts until it ends, and not a second longer", async () => {
    let offset = 0;
    const clock = () => now() + offset;
    const other = await startTestNode({ anchors: [pinOf(anchor, ["houses"])], clock });
    const ask = async (statements: readonly string[] | undefined): Promise<string> => {
      const times = { created: offset, expires: offset + 100 };
      const url = `${other.entity}/records:read`;
      const signed = await draft({
        ...times,
        audience: other.entity,
        url,
        json: { references: [] },
        chain: statements,
      });
      return refusal(await other.request("POST", "/records:read", { headers: signed.headers, body: signed.body! }));
    };
    try {
      const ends = draftChain([sender, anchor], ["houses"], now());
      for (const { claims } of ends.statements.slice(0, 1)) (claims as { exp: number }).exp = now() + 1_000;
      expect(await ask(await signChain(ends))).toBe("200 undefined");
      offset = 990;
      expect(await ask(undefined)).toBe("200 undefined");
      offset = 1_001;
      expect(await ask(undefined)).toBe("401 signature_key_unknown");
      expect(await ask(await signChain(ends))).toBe("401 signature_chain_invalid");
      expect(await ask(chain)).toBe("200 undefined");
    } finally {
      await other.close();
    }
  });

  it("is never fetched: nobody whom a request names is asked anything", async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(request.url ?? "");
      response.end();
    });
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    try {
      const lured = createEntity(`http://127.0.0.1:${port}`);
      const away = { signer: lured.request, sender: lured.id, chain: undefined };
      expect(refusal(await send(await draft(away)))).toBe("401 signature_key_unknown");
      const forged = await signChain(chainOf(lured, createEntity(`http://127.0.0.1:${port}/anchor`)));
      expect(refusal(await send(await draft({ ...away, chain: forged })))).toBe("401 signature_chain_invalid");
      const member = await signChain(chainOf(lured));
      expect((await send(await draft({ ...away, chain: member }))).status).toBe(200);
      expect(seen).toEqual([]);
    } finally {
      server.close();
    }
  });
});

describe("nonces", () => {
  it("are stored by the key until their request ends, and only of requests that held", async () => {
    const { sql } = node.database.database;
    const nonce = randomBytes(16).toString("base64url");
    await sendChanged(() => ({ body: "{}" }), { nonce });
    expect(await sql`select 1 from request_nonce where nonce = ${nonce}`).toHaveLength(0);
    expect((await send(await draft({ nonce, expires: 200 }))).status).toBe(200);
    const [row] =
      await sql`select key_id as "keyId", expires_at as "expiresAt" from request_nonce where nonce = ${nonce}`;
    expect(row!.keyId).toBe(sender.request.publicKey.kid);
    expect(Math.abs((row!.expiresAt as number) - now() - 200)).toBeLessThan(5);
  });

  it("are forgotten when their request has ended, and a minute is over for clocks that are behind", async () => {
    const { database } = node.database;
    const nonce = randomBytes(16).toString("base64url");
    expect((await send(await draft({ nonce, expires: 100 }))).status).toBe(200);
    const { entity, secrets } = node;
    const purgeAt = (seconds: number) =>
      createSignedRequestService({
        database,
        entity,
        anchors: [],
        peers: createPeerChains(),
        signer: secrets.signers.request,
        clock: () => now() + seconds,
      }).purgeNonces();
    const count = async () => (await database.sql`select 1 from request_nonce where nonce = ${nonce}`).length;
    await purgeAt(150);
    expect(await count()).toBe(1);
    await purgeAt(170);
    expect(await count()).toBe(0);
  });
});
