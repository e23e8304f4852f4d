// Trust marks and resolve responses among whole nodes over real HTTP: an anchor, a state below it, an office below that.
import { createPublicKey, verify as verifySignature } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { proveTrustChain } from "../../src/federation/trust-chain.ts";
import { settledCode } from "../caught-code.ts";
import { createEntity, signDraft } from "../chain-fixture.ts";
import { type Answer, startTestNode, type TestNode } from "../node-fixture.ts";

const PORTAL = "https://marks.example/citizen-portal";
const OPEN = "https://marks.example/anyone";
const HEALTH = "https://marks.example/health";
const DAY = 86_400;

let anchor: TestNode;
let state: TestNode;
let office: TestNode;
let peer: Server;
let peerRequests = 0;

/** The payload, once its signature holds under the node's federation key and its typ is as expected. */
function open(text: string, typ: string, by: TestNode): JsonObject {
  const [header, payload, signature] = text.split(".") as [string, string, string];
  const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as JsonObject;
  const { jwk } = by.secrets.signers.federation.publicKey;
  const key = createPublicKey({ key: { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, format: "jwk" });
  const input = Buffer.from(`${header}.${payload}`);
  expect(verifySignature(null, input, key, Buffer.from(signature, "base64url"))).toBe(true);
  expect(decode(header)).toEqual({ alg: "Ed25519", typ, kid: jwk.kid });
  return decode(payload);
}

function payloadOf(text: string): JsonObject {
  return JSON.parse(Buffer.from(text.split(".")[1]!, "base64url").toString()) as JsonObject;
}

async function mark(issuer: TestNode, type: string, subject: TestNode, delegation?: string): Promise<string> {
  const terms = { type, subject: subject.entity, seconds: DAY, delegation };
  return (await issuer.node.trustMarks.issue(terms)).text;
}

function askStatus(node: TestNode, body: string, contentType = "application/x-www-form-urlencoded"): Promise<Answer> {
  return node.request("POST", "/federation/trust-mark-status", { body, headers: { "content-type": contentType } });
}

function query(parameters: Record<string, string>): string {
  return new URLSearchParams(parameters).toString();
}

async function join(below: TestNode, above: TestNode): Promise<void> {
  const configuration = await below.node.federation.getConfiguration();
  await below.node.enrolmentClient.apply({ superior: above.entity, configuration });
  const grant = { registryTypes: ["districts"] };
  await above.node.enrolment.accept({ entity: below.entity, grant, replaceKey: false });
}

beforeAll(async () => {
  anchor = await startTestNode({
    config: (entity) => ({
      trust_mark_issuers: { [PORTAL]: [entity], [OPEN]: [], [HEALTH]: [] },
    }),
  });
  const anchors = [anchor.pin(["districts"])];
  state = await startTestNode({ path: "/state", superiors: [anchor.entity], anchors });
  office = await startTestNode({ superiors: [state.entity], anchors });
  await join(state, anchor);
  await join(office, state);
  peer = createServer((_request, answer) => {
    peerRequests++;
    answer.end();
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  peer?.close();
  for (const node of [office, state, anchor]) await node?.close();
});

describe("a trust mark", () => {
  test("is issued, fetched, carried, and then believed by whoever believes the anchor", async () => {
    const text = await mark(anchor, PORTAL, state);
    expect(open(text, "trust-mark+jwt", anchor)).toMatchObject({
      iss: anchor.entity,
      sub: state.entity,
      trust_mark_type: PORTAL,
    });
    const fetched = await anchor.request(
      "GET",
      `/federation/trust-mark?${query({ trust_mark_type: PORTAL, sub: state.entity })}`,
    );
    expect([fetched.status, fetched.headers.get("content-type"), fetched.text]).toEqual([
      200,
      "application/trust-mark+jwt",
      text,
    ]);
    await state.node.trustMarks.carry(text);
    const configuration = payloadOf((await state.request("GET", "/.well-known/openid-federation")).text);
    expect(configuration.trust_marks).toEqual([{ trust_mark_type: PORTAL, trust_mark: text }]);

    const chain = await office.node.chains.getProvenChain(state.entity);
    const { held, refused } = await office.node.trustMarkChecks.checkMarks(chain, { outgoing: false });
    expect(refused).toEqual([]);
    expect(held.map(({ type, issuer }) => [type, issuer])).toEqual([[PORTAL, anchor.entity]]);
  });

  test("of an issuer elsewhere in the federation is believed once its chain is known, and not of one outside", async () => {
    await office.node.trustMarks.carry(await mark(state, OPEN, office));
    const chain = await state.node.chains.getProvenChain(office.entity);
    const { held } = await state.node.trustMarkChecks.checkMarks(chain, { outgoing: false });
    expect(held.map(({ type, issuer }) => [type, issuer])).toEqual([[OPEN, state.entity]]);

    const stranger = await startTestNode();
    try {
      await state.node.trustMarks.carry(await mark(stranger, OPEN, state));
      const configuration = await state.node.federation.getConfiguration();
      const statements = (await office.node.chains.getProvenChain(state.entity)).statements;
      const fresh = await proveTrustChain({
        statements: [configuration, ...statements.slice(1)],
        anchors: [anchor.pin(["districts"])],
        now: Math.floor(Date.now() / 1_000),
      });
      const checked = await office.node.trustMarkChecks.checkMarks(fresh, { outgoing: true });
      expect(checked.held.map(({ type }) => type)).toEqual([PORTAL]);
      expect(checked.refused.map(({ type, code }) => [type, code])).toEqual([[OPEN, "trust_mark_issuer_unknown"]]);
    } finally {
      await stranger.close();
      await state.node.trustMarks.drop(OPEN);
    }
  });

  test("of a type that is the anchor's alone is refused of others, and so is an unknown type", async () => {
    await office.node.trustMarks.carry(await mark(state, PORTAL, office));
    await office.node.trustMarks.carry(await mark(anchor, "https://marks.example/unknown", office));
    const configuration = await office.node.federation.getConfiguration();
    const { statements } = await state.node.chains.getProvenChain(office.entity);
    const chain = await proveTrustChain({
      statements: [configuration, ...statements.slice(1)],
      anchors: [anchor.pin(["districts"])],
      now: Math.floor(Date.now() / 1_000),
    });
    const { refused } = await state.node.trustMarkChecks.checkMarks(chain, { outgoing: true });
    expect(refused.map(({ type, code }) => [type, code]).sort()).toEqual([
      [PORTAL, "trust_mark_issuer_not_allowed"],
      ["https://marks.example/unknown", "trust_mark_not_recognised"],
    ]);
    await office.node.trustMarks.drop(PORTAL);
    await office.node.trustMarks.drop("https://marks.example/unknown");
  });

  test("of another entity cannot be carried, nor an unreadable one", async () => {
    const text = await mark(anchor, PORTAL, office);
    expect(await settledCode(state.node.trustMarks.carry(text))).toBe("trust_mark_subject_mismatch");
    expect(await settledCode(state.node.trustMarks.carry("a.b.c"))).toBe("trust_mark_invalid");
  });

  test("is not carried where there are more, or longer ones, than others read", async () => {
    const issuer = createEntity("https://issuer.example.org");
    const now = Math.floor(Date.now() / 1_000);
    const signed = (type: string, logo: string) =>
      signDraft({
        header: { alg: "Ed25519", typ: "trust-mark+jwt", kid: issuer.federation.publicKey.kid },
        claims: { iss: issuer.id, sub: office.entity, trust_mark_type: type, iat: now, exp: now + DAY, logo_uri: logo },
        signer: issuer.federation,
      });
    const before = (await office.node.trustMarks.listCarried()).length;
    const verdicts: string[] = [];
    for (const type of ["a", "b", "c", "d", "e"]) {
      verdicts.push(await settledCode(office.node.trustMarks.carry(await signed(type, "x".repeat(10_000)))));
    }
    expect(verdicts).toEqual(["accepted", "accepted", "accepted", "too_many_items", "too_many_items"]);
    for (const type of ["a", "b", "c"]) await office.node.trustMarks.drop(type);
    const many = Array.from({ length: 21 - before }, (_, j) => `many-${j}`);
    let last = "";
    for (const type of many) last = await settledCode(office.node.trustMarks.carry(await signed(type, "")));
    expect(last).toBe("too_many_items");
    // One that is there already is replaced all the same.
    expect(await settledCode(office.node.trustMarks.carry(await signed(many[0]!, "new")))).toBe("accepted");
    for (const type of many) await office.node.trustMarks.drop(type);
  });

  test("holds for one second to some years, and is revoked with a reason", async () => {
    const terms = { type: PORTAL, subject: state.entity };
    expect(await settledCode(anchor.node.trustMarks.issue({ ...terms, seconds: 0 }))).toBe("request_invalid");
    expect(await settledCode(anchor.node.trustMarks.issue({ ...terms, subject: "x", seconds: 1 }))).toBe(
      "entity_identifier_invalid",
    );
    expect(await settledCode(anchor.node.trustMarks.revoke({ ...terms, reason: " " }))).toBe("request_invalid");
  });
});

describe("the status of a trust mark", () => {
  test("is active, then revoked; a newer mark is active again", async () => {
    const text = await mark(anchor, HEALTH, office);
    const statusOf = async (one: string) => {
      const answer = await askStatus(anchor, query({ trust_mark: one }));
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        200,
        "application/trust-mark-status-response+jwt",
      ]);
      const payload = open(answer.text, "trust-mark-status-response+jwt", anchor);
      expect([payload.iss, payload.trust_mark]).toEqual([anchor.entity, one]);
      return payload.status;
    };
    expect(await statusOf(text)).toBe("active");
    await anchor.node.trustMarks.revoke({ type: HEALTH, subject: office.entity, reason: "closed" });
    expect(await statusOf(text)).toBe("revoked");
    const gone = { type: HEALTH, subject: office.entity, reason: "closed" };
    expect(await settledCode(anchor.node.trustMarks.revoke(gone))).toBe("trust_mark_unknown");
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await statusOf(await mark(anchor, HEALTH, office))).toBe("active");

    const { text: brief } = await anchor.node.trustMarks.issue({ type: HEALTH, subject: state.entity, seconds: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect(await statusOf(brief)).toBe("expired");
    // Its own name under a changed text: what it says is not what was signed.
    const [header, payload, signature] = text.split(".") as [string, string, string];
    const claims = { ...payloadOf(text), sub: state.entity };
    expect(payload.length).toBeGreaterThan(0);
    expect(await statusOf(`${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${signature}`)).toBe(
      "invalid",
    );
  });

  test.each<[string, string, number, string]>([
    ["nothing", "", 400, "invalid_request"],
    ["no mark", "trust_mark=x", 400, "invalid_request"],
    ["two marks", "trust_mark=a.b.c&trust_mark=a.b.c", 400, "invalid_request"],
    ["something else", "mark=a.b.c", 400, "invalid_request"],
    ["too much", `trust_mark=${"x".repeat(60_000)}`, 400, "invalid_request"],
  ])("asked with %s is refused", async (_, body, status, error) => {
    const answer = await askStatus(anchor, body);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  test("asked in another form, or about another's mark, is refused", async () => {
    const json = await askStatus(anchor, '{"trust_mark":"a.b.c"}', "application/json");
    expect([json.status, json.body.error]).toEqual([400, "invalid_request"]);
    const foreign = await askStatus(anchor, query({ trust_mark: await mark(state, OPEN, office) }));
    expect([foreign.status, foreign.body.error]).toEqual([404, "not_found"]);
  });
});

describe("who has a trust mark", () => {
  test("is listed by type and subject, and narrows the lists of subordinates", async () => {
    const list = async (path: string) => JSON.parse((await anchor.request("GET", `/federation/${path}`)).text);
    await mark(anchor, PORTAL, state);
    const marked = await list(`trust-marked?${query({ trust_mark_type: PORTAL })}`);
    expect(marked).toEqual([office.entity, state.entity].sort());
    expect(await list(`trust-marked?${query({ trust_mark_type: PORTAL, sub: state.entity })}`)).toEqual([state.entity]);
    expect(await list(`trust-marked?${query({ trust_mark_type: "other" })}`)).toEqual([]);
    expect(await list("list?trust_marked=true")).toEqual([state.entity]);
    expect(await list(`list?${query({ trust_mark_type: PORTAL })}`)).toEqual([state.entity]);
    expect(await list(`list?${query({ trust_mark_type: HEALTH })}`)).toEqual([]);
    const extended = await list(`extended-list?${query({ trust_mark_type: PORTAL, claims: "" })}`);
    expect(extended.immediate_subordinate_entities.map(({ id }: { id: string }) => id)).toEqual([state.entity]);
  });

  test.each([
    ["trust-mark", 400, "invalid_request"],
    ["trust-mark?trust_mark_type=x", 400, "invalid_request"],
    ["trust-mark?trust_mark_type=x&sub=y", 400, "invalid_request"],
    ["trust-mark?trust_mark_type=x&sub=https://x.example&colour=red", 400, "unsupported_parameter"],
    ["trust-mark?trust_mark_type=x&sub=https://x.example", 404, "not_found"],
    ["trust-marked", 400, "invalid_request"],
    ["trust-marked?trust_mark_type=a%00b", 400, "invalid_request"],
    ["trust-marked?trust_mark_type=x&sub=y", 400, "invalid_request"],
    ["list?trust_marked=yes", 400, "invalid_request"],
    ["list?trust_mark_type=a%00b", 400, "invalid_request"],
  ])("GET %s is answered %i %s", async (path, status, error) => {
    const answer = await anchor.request("GET", `/federation/${path}`);
    expect([answer.status, answer.body.error]).toEqual([status, error]);
  });

  test("is asked where a node's configuration says, once it has issued a mark", async () => {
    const entityOf = async (node: TestNode) =>
      (payloadOf(await node.node.federation.getConfiguration()).metadata as JsonObject).federation_entity;
    expect(await entityOf(anchor)).toMatchObject({
      federation_trust_mark_endpoint: `${anchor.entity}/federation/trust-mark`,
      federation_trust_mark_status_endpoint: `${anchor.entity}/federation/trust-mark-status`,
      federation_trust_mark_list_endpoint: `${anchor.entity}/federation/trust-marked`,
      federation_resolve_endpoint: `${anchor.entity}/federation/resolve`,
    });
    expect(await entityOf(office)).not.toHaveProperty("federation_trust_mark_endpoint");
    expect(payloadOf(await anchor.node.federation.getConfiguration()).trust_mark_issuers).toEqual({
      [PORTAL]: [anchor.entity],
      [OPEN]: [],
      [HEALTH]: [],
    });
  });
});

describe("a resolve response", () => {
  const resolve = (node: TestNode, parameters: Record<string, string>) =>
    node.request("GET", `/federation/resolve?${query(parameters)}`);

  test("tells a subordinate's chain, metadata after policy and marks, signed, until the first of them ends", async () => {
    await state.node.trustMarks.carry(await mark(anchor, PORTAL, state));
    // As anybody would find it now, not as it was when it applied.
    const answer = await resolve(office, { sub: state.entity, trust_anchor: anchor.entity });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/resolve-response+jwt"]);
    const response = open(answer.text, "resolve-response+jwt", office);
    const { statements, expiresAt } = (await office.node.chains.findKnownChain(state.entity))!;
    expect(response).toMatchObject({ iss: office.entity, sub: state.entity, exp: expiresAt, trust_chain: statements });
    expect(Object.keys(response.metadata as JsonObject).sort()).toEqual(["federation_entity", "registry_node"]);
    expect((response.trust_marks as JsonObject[]).map(({ trust_mark_type }) => trust_mark_type)).toEqual([PORTAL]);
  });

  test("tells only the metadata of the types that are asked for", async () => {
    const parameters = { sub: state.entity, trust_anchor: anchor.entity, entity_type: "registry_node" };
    const response = open((await resolve(office, parameters)).text, "resolve-response+jwt", office);
    expect(Object.keys(response.metadata as JsonObject)).toEqual(["registry_node"]);
  });

  test("is given by a superior about whom it has accepted, and by a node about itself", async () => {
    const below = await resolve(anchor, { sub: state.entity, trust_anchor: anchor.entity });
    expect(open(below.text, "resolve-response+jwt", anchor)).toMatchObject({ sub: state.entity });
    const own = await resolve(anchor, { sub: anchor.entity, trust_anchor: anchor.entity });
    expect((open(own.text, "resolve-response+jwt", anchor).trust_chain as string[]).length).toBe(1);
  });

  test("ends with the first of the marks in it, and names none whose issuer would have to be looked for", async () => {
    const stranger = createEntity(`http://127.0.0.1:${(peer.address() as AddressInfo).port}`);
    const now = Math.floor(Date.now() / 1_000);
    const foreign = await signDraft({
      header: { alg: "Ed25519", typ: "trust-mark+jwt", kid: stranger.federation.publicKey.kid },
      claims: { iss: stranger.id, sub: anchor.entity, trust_mark_type: OPEN, iat: now, exp: now + DAY },
      signer: stranger.federation,
    });
    await anchor.node.trustMarks.carry(foreign);
    const { text, expiresAt } = await anchor.node.trustMarks.issue({
      type: HEALTH,
      subject: anchor.entity,
      seconds: 60,
    });
    await anchor.node.trustMarks.carry(text);
    const answer = await resolve(anchor, { sub: anchor.entity, trust_anchor: anchor.entity });
    const response = open(answer.text, "resolve-response+jwt", anchor);
    expect(response.exp).toBe(expiresAt);
    expect(response.trust_marks).toEqual([{ trust_mark_type: HEALTH, trust_mark: text }]);
    expect(peerRequests).toBe(0);
    await anchor.node.trustMarks.drop(OPEN);
    await anchor.node.trustMarks.drop(HEALTH);
  });

  test("is no reason to call anybody", async () => {
    const stranger = `http://127.0.0.1:${(peer.address() as AddressInfo).port}`;
    for (const node of [anchor, state, office]) {
      const answer = await resolve(node, { sub: stranger, trust_anchor: anchor.entity });
      expect([answer.status, answer.body.error]).toEqual([404, "invalid_subject"]);
      const other = await resolve(node, { sub: stranger, trust_anchor: stranger });
      expect(other.body.error).toBe("invalid_subject");
    }
    expect(peerRequests).toBe(0);
  });

  test("to an anchor that no known chain leads to is refused", async () => {
    const answer = await resolve(office, { sub: state.entity, trust_anchor: "https://other.example" });
    expect([answer.status, answer.body.error]).toEqual([404, "invalid_trust_anchor"]);
  });

  test.each([
    ["", "invalid_request"],
    ["sub=https://x.example", "invalid_request"],
    ["trust_anchor=https://x.example", "invalid_request"],
    ["sub=x&trust_anchor=https://x.example", "invalid_request"],
    ["sub=https://x.example&sub=https://y.example&trust_anchor=https://x.example", "invalid_request"],
    ["sub=https://x.example&trust_anchor=https://x.example&type=y", "unsupported_parameter"],
  ])("asked with %s is refused as %s", async (parameters, error) => {
    const answer = await anchor.request("GET", `/federation/resolve?${parameters}`);
    expect([answer.status, answer.body.error]).toEqual([400, error]);
  });
});
