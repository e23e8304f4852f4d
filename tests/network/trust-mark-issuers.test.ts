// Who may issue the marks that an entity carries, over chains drafted here; the issuer's status endpoint is a real server.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { createHttpClient } from "../../src/federation/http-client.ts";
import { type ProvenChain, proveTrustChain } from "../../src/federation/trust-chain.ts";
import { createTrustMarkCheckService } from "../../src/federation/trust-mark-check-service.ts";
import { signTrustMarkStatus, type TrustMarkStatus } from "../../src/federation/trust-mark-status.ts";
import { createEntity, draftChain, signChain, signDraft, type TestEntity } from "../chain-fixture.ts";

const NOW = 1_800_000_000;
const TYPE = "https://marks.example/portal";
const httpClient = createHttpClient({ development: true, allowedPrivateHosts: [] });
const ANCHOR = createEntity("https://anchor.example.org");
const OTHER_ANCHOR = createEntity("https://other-anchor.example.org");
const SUBJECT = createEntity("https://subject.example.org");
const STATE = createEntity("https://state.example.org");

let server: Server;
let issuer: TestEntity;
let requests = 0;
let status: TrustMarkStatus = "active";
let httpStatus = 200;

beforeAll(async () => {
  server = createServer(async (request, answer) => {
    requests++;
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const text = new URLSearchParams(body).get("trust_mark")!;
    const told = await signTrustMarkStatus({ signer: issuer.federation, issuer: issuer.id, text, status, now: NOW });
    answer.writeHead(httpStatus, { "content-type": "application/trust-mark-status-response+jwt" }).end(told);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = createEntity(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterAll(() => {
  httpClient.close();
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  requests = 0;
  status = "active";
  httpStatus = 200;
});

function markBy(by: TestEntity, claims: JsonObject = {}): Promise<string> {
  return signDraft({
    header: { alg: "Ed25519", typ: "trust-mark+jwt", kid: by.federation.publicKey.kid },
    claims: { iss: by.id, sub: SUBJECT.id, trust_mark_type: TYPE, iat: NOW - 5, ...claims },
    signer: by.federation,
  });
}

async function proveChain(entities: TestEntity[], edit: (first: JsonObject, last: JsonObject) => void = () => {}) {
  const chain = draftChain(entities, [], NOW);
  edit(chain.statements[0]!.claims, chain.statements.at(-1)!.claims);
  return proveTrustChain({ statements: await signChain(chain), anchors: chain.anchors, now: NOW });
}

/** What is said of one mark that the subject carries; `known`: chains of issuers that are found. */
async function verdictOf(
  text: string,
  options: { type?: string; outgoing?: boolean; known?: ProvenChain[]; rules?: JsonObject } = {},
): Promise<string> {
  const { type = TYPE, outgoing = true, known = [], rules = { [TYPE]: [] } } = options;
  const chain = await proveChain([SUBJECT, STATE, ANCHOR], (subject, anchor) => {
    subject.trust_marks = [{ trust_mark_type: type, trust_mark: text }];
    anchor.trust_mark_issuers = rules;
  });
  const find = async (entity: string) => known.find(({ subject }) => subject.subject === entity);
  const service = createTrustMarkCheckService({
    getProvenChain: async (entity) =>
      (await find(entity)) ?? proveTrustChain({ statements: [], anchors: [], now: NOW }),
    findKnownChain: find,
    httpClient,
    clock: () => NOW,
  });
  const { held, refused } = await service.checkMarks(chain, { outgoing });
  expect(held.length + refused.length).toBe(1);
  return refused[0]?.code ?? "held";
}

function issuerChain(anchor: TestEntity, endpoint = `${issuer.id}/status`): Promise<ProvenChain> {
  return proveChain([issuer, anchor], (own) => {
    own.metadata = { federation_entity: { federation_trust_mark_status_endpoint: endpoint } };
  });
}

const END = { exp: NOW + 100 };

describe("the issuer of a mark is believed", () => {
  test("where it is the anchor, or stands in the subject's own chain", async () => {
    expect(await verdictOf(await markBy(ANCHOR, END))).toBe("held");
    expect(await verdictOf(await markBy(STATE, END))).toBe("held");
    expect(await verdictOf(await markBy(SUBJECT, END))).toBe("held");
  });

  test("where a chain of its own leads to the same anchor, and not to another", async () => {
    const text = await markBy(issuer, END);
    expect(await verdictOf(text, { known: [await issuerChain(ANCHOR)] })).toBe("held");
    expect(await verdictOf(text, { known: [await issuerChain(OTHER_ANCHOR)] })).toBe("trust_mark_issuer_unknown");
    expect(await verdictOf(text)).toBe("trust_mark_issuer_unknown");
  });

  test("only with a key that its superior knows", async () => {
    const impostor = createEntity(STATE.id);
    expect(await verdictOf(await markBy(impostor, END))).toBe("trust_mark_signature_invalid");
  });

  test("only for a mark that is published under its own type", async () => {
    expect(await verdictOf(await markBy(ANCHOR, END), { type: "other", rules: { other: [], [TYPE]: [] } })).toBe(
      "trust_mark_invalid",
    );
  });

  test("only by an anchor whose rules can be read", async () => {
    const rules = { [TYPE]: "all" };
    expect(await verdictOf(await markBy(ANCHOR, END), { rules })).toBe("trust_mark_rules_invalid");
  });
});

describe("a mark without an end", () => {
  const options = async (endpoint?: string) => ({ known: [await issuerChain(ANCHOR, endpoint)] });

  test("holds while its issuer says so", async () => {
    const text = await markBy(issuer);
    expect(await verdictOf(text, await options())).toBe("held");
    expect(requests).toBe(1);
    status = "revoked";
    expect(await verdictOf(text, await options())).toBe("trust_mark_status_open");
    status = "active";
    httpStatus = 404;
    expect(await verdictOf(text, await options())).toBe("trust_mark_status_open");
  });

  test("is not asked about where nobody may be asked, nor at an address that is not its issuer's", async () => {
    const text = await markBy(issuer);
    expect(await verdictOf(text, { ...(await options()), outgoing: false })).toBe("trust_mark_status_open");
    const elsewhere = `http://localhost:${(server.address() as AddressInfo).port}/status`;
    expect(await verdictOf(text, await options(elsewhere))).toBe("trust_mark_status_open");
    expect(requests).toBe(0);
  });

  test("is not asked about by those to whom it has an end", async () => {
    expect(await verdictOf(await markBy(issuer, END), await options())).toBe("held");
    expect(requests).toBe(0);
  });
});
