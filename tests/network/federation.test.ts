// A federation of three nodes over real HTTP and real databases, and peers that misbehave. Nothing is faked but the clock.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AttestryError } from "../../src/errors.ts";
import { type ChainService, createChainService } from "../../src/federation/chain-service.ts";
import { entityWithoutScheme } from "../../src/federation/entity-identifier.ts";
import { createFederationService, type FederationService } from "../../src/federation/federation-service.ts";
import { createHttpClient, type HttpClient } from "../../src/federation/http-client.ts";
import type { AnchorPin } from "../../src/federation/trust-chain.ts";
import { createFederationRoutes } from "../../src/http/federation-routes.ts";
import { CHAIN_FAILURE_SECONDS, FETCH_BYTES_MAX, FETCH_TIMEOUT_MS, STATEMENT_SECONDS } from "../../src/limits.ts";
import { formatVerifierKey } from "../../src/log/note.ts";
import {
  createEntity,
  draftConfiguration,
  draftSubordinate,
  pinOf,
  type StatementDraft,
  signDraft,
  type TestEntity,
} from "../chain-fixture.ts";
import { createTestDatabase } from "../database.ts";

const TYPES = ["districts", "states"];
const closers: (() => Promise<void>)[] = [];
let now = 1_800_000_000;
const clock = (): number => now;
const httpClient: HttpClient = createHttpClient({ development: true, allowedPrivateHosts: [] });

interface TestNode {
  readonly keys: TestEntity;
  readonly federation: FederationService;
  readonly superiors: string[];
  readonly registryTypes: string[];
  requests: string[];
}

/** A node on a loopback port, its entity identifier with a path. */
async function startNode(): Promise<TestNode> {
  const app = new Hono();
  const requests: string[] = [];
  const server = await new Promise<Server>((resolve) => {
    const started = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve(started as Server));
  });
  const keys = createEntity(`http://127.0.0.1:${(server.address() as AddressInfo).port}/office`);
  const origin = `${entityWithoutScheme(keys.id)}/log/records`;
  const { database, drop } = await createTestDatabase();
  const node = { superiors: [] as string[], registryTypes: [...TYPES] };
  const federation = createFederationService({
    database,
    httpClient,
    clock,
    entity: keys.id,
    organizationName: "An office",
    contacts: [],
    registryTypes: async () => node.registryTypes,
    keys: {
      federation: keys.federation,
      record: [keys.record.publicKey],
      status: [keys.status.publicKey],
      request: [keys.request.publicKey],
    },
    logs: { records: { origin, vkeys: [formatVerifierKey({ name: origin, raw: keys.log.publicKey.raw })] } },
    superiors: node.superiors,
    allowLoopbackHttp: true,
  });
  app.use(async (context, next) => {
    requests.push(context.req.path);
    await next();
  });
  app.route("/office", createFederationRoutes({ federation }));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await drop();
  });
  return { keys, federation, requests, ...node };
}

/** A peer that answers whatever `listener` does; its base URL. */
async function startPeer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function chainsUnder(...anchors: AnchorPin[]): ChainService {
  return createChainService({ anchors, httpClient, clock, allowLoopbackHttp: true });
}

async function failureOf(attempt: Promise<unknown>): Promise<AttestryError> {
  const outcome = await attempt.then(
    () => undefined,
    (error: unknown) => error as AttestryError,
  );
  if (outcome === undefined) throw new Error("nothing failed");
  return outcome;
}

let anchor: TestNode;
let state: TestNode;
let leaf: TestNode;

beforeAll(async () => {
  [anchor, state, leaf] = await Promise.all([startNode(), startNode(), startNode()]);
  state.superiors.push(anchor.keys.id);
  leaf.superiors.push(state.keys.id);
  await anchor.federation.acceptSubordinate({ entity: state.keys.id, registryTypes: TYPES });
  await state.federation.acceptSubordinate({ entity: leaf.keys.id, registryTypes: ["districts", "births"] });
});

afterAll(async () => {
  httpClient.close();
  for (const close of closers) await close();
});

describe("a federation of three nodes", () => {
  test("a chain is found and proven from leaf to anchor, with what every superior grants", async () => {
    const chain = await chainsUnder(pinOf(anchor.keys, TYPES)).getChain(leaf.keys.id);
    expect(chain).toMatchObject({ entity: leaf.keys.id, anchor: anchor.keys.id, registryTypes: ["districts"] });
    expect(chain.statements).toHaveLength(4);
    expect(chain.keys.record[0]!.kid).toBe(leaf.keys.record.publicKey.kid);
    expect(chain.expiresAt).toBe(now + STATEMENT_SECONDS);
  });

  test("callers at the same time share one walk, later ones its result", async () => {
    const chains = chainsUnder(pinOf(anchor.keys, TYPES));
    leaf.requests.length = 0;
    anchor.requests.length = 0;
    await Promise.all(Array.from({ length: 20 }, () => chains.getChain(leaf.keys.id)));
    await chains.getChain(leaf.keys.id);
    expect(leaf.requests).toEqual(["/office/.well-known/openid-federation"]);
    expect(anchor.requests).toHaveLength(2);
  });

  test("the anchor itself and the state between have chains of their own", async () => {
    const chains = chainsUnder(pinOf(anchor.keys, ["states"]));
    expect(await chains.getChain(anchor.keys.id)).toMatchObject({ registryTypes: ["states"] });
    expect(await chains.getChain(state.keys.id)).toMatchObject({ registryTypes: ["states"] });
  });

  test("a newcomer is found as soon as its superior has accepted it", async () => {
    const [superior, newcomer] = await Promise.all([startNode(), startNode()]);
    newcomer.superiors.push(superior.keys.id);
    const chains = chainsUnder(pinOf(superior.keys, TYPES));
    const early = await failureOf(chains.getChain(newcomer.keys.id));
    expect(early.details[0]!.message).toContain("publishes no federation_fetch_endpoint");
    await superior.federation.acceptSubordinate({ entity: newcomer.keys.id, registryTypes: ["states"] });
    expect((await failureOf(chains.getChain(newcomer.keys.id))).code).toBe("chain_not_found");
    now += CHAIN_FAILURE_SECONDS;
    expect((await chains.getChain(newcomer.keys.id)).registryTypes).toEqual(["states"]);
  });

  test("no pinned anchor above a leaf: the answer names the path and the rule that ended it", async () => {
    const failure = await failureOf(
      chainsUnder(pinOf(createEntity("https://other.example.org"), TYPES)).getChain(leaf.keys.id),
    );
    expect(failure.code).toBe("chain_not_found");
    expect(failure.details).toEqual([
      {
        field: [leaf, state, anchor].map((node) => node.keys.id).join(" > "),
        message: expect.stringContaining("anchor_unknown"),
      },
    ]);
  });

  test("an anchor pinned with other keys is not believed", async () => {
    const pin = pinOf({ ...anchor.keys, federation: createEntity("https://x.example.org").federation }, TYPES);
    const failure = await failureOf(chainsUnder(pin).getChain(leaf.keys.id));
    expect(failure.code).toBe("chain_not_found");
    expect(failure.details[0]!.message).toContain("anchor_key_not_pinned");
  });

  test("a grant withdrawn ends authority with the statements that carried it", async () => {
    const chains = chainsUnder(pinOf(anchor.keys, TYPES));
    expect((await chains.getChain(leaf.keys.id)).registryTypes).toEqual(["districts"]);
    await anchor.federation.acceptSubordinate({ entity: state.keys.id, registryTypes: ["states"] });
    now += STATEMENT_SECONDS + 1;
    expect((await chains.getChain(leaf.keys.id)).registryTypes).toEqual([]);

    await state.federation.removeSubordinate(leaf.keys.id);
    now += STATEMENT_SECONDS + 1;
    const failure = await failureOf(chains.getChain(leaf.keys.id));
    expect(failure.details[0]!.message).toContain("publishes no federation_fetch_endpoint");

    await anchor.federation.acceptSubordinate({ entity: state.keys.id, registryTypes: TYPES });
    await state.federation.acceptSubordinate({ entity: leaf.keys.id, registryTypes: ["districts", "births"] });
    now += CHAIN_FAILURE_SECONDS + 1;
    expect((await chains.getChain(leaf.keys.id)).registryTypes).toEqual(["districts"]);
  });

  test("one that is suspended is found by no new fetch at once, by nobody after the last statement, and again when it is resumed", async () => {
    const before = chainsUnder(pinOf(anchor.keys, TYPES));
    expect((await before.getChain(leaf.keys.id)).registryTypes).toEqual(["districts"]);
    const reason = "the office moved out";
    await state.federation.suspendSubordinate({ entity: leaf.keys.id, reason });

    const fresh = await failureOf(chainsUnder(pinOf(anchor.keys, TYPES)).getChain(leaf.keys.id));
    expect(fresh.code).toBe("chain_not_found");
    const statement = `${state.keys.id}/federation/fetch?sub=${encodeURIComponent(leaf.keys.id)}`;
    expect((await fetch(statement)).status).toBe(404);
    expect(await (await fetch(`${state.keys.id}/federation/list`)).json()).toEqual([]);
    expect(await state.federation.describeSubordinates()).toMatchObject([
      { entity: leaf.keys.id, state: "suspended", stateReason: reason, changedAt: now },
    ]);
    // Who holds the statement that was signed before believes it to its end, and no longer.
    expect((await before.getChain(leaf.keys.id)).registryTypes).toEqual(["districts"]);
    now += STATEMENT_SECONDS + 1;
    expect((await failureOf(before.getChain(leaf.keys.id))).code).toBe("chain_not_found");

    // A grant that is changed meanwhile lifts no suspension.
    await state.federation.acceptSubordinate({ entity: leaf.keys.id, registryTypes: ["districts", "births"] });
    expect((await fetch(statement)).status).toBe(404);
    await state.federation.resumeSubordinate(leaf.keys.id);
    expect((await fetch(statement)).status).toBe(200);
    now += CHAIN_FAILURE_SECONDS + 1;
    expect((await before.getChain(leaf.keys.id)).registryTypes).toEqual(["districts"]);
  });

  test("nobody is suspended without a reason, and nobody who is no subordinate", async () => {
    const { suspendSubordinate, resumeSubordinate } = state.federation;
    const stranger = "https://stranger.example.org";
    expect((await failureOf(suspendSubordinate({ entity: leaf.keys.id, reason: " " }))).code).toBe("request_invalid");
    expect((await failureOf(suspendSubordinate({ entity: stranger, reason: "x" }))).code).toBe("subordinate_unknown");
    expect((await failureOf(resumeSubordinate(stranger))).code).toBe("subordinate_unknown");
  });

  test("a list is narrowed to entity types and to those that vouch for others, and refuses other filters", async () => {
    const list = async (query: string) => {
      const answer = await fetch(`${anchor.keys.id}/federation/list?${query}`);
      const body = (await answer.json()) as { error?: string };
      return body.error === undefined ? body : `${answer.status} ${body.error}`;
    };
    const all = [state.keys.id];
    // Whether it vouches for others is known as of when it was accepted.
    await anchor.federation.acceptSubordinate({ entity: state.keys.id, registryTypes: TYPES });
    expect(await list("entity_type=registry_node")).toEqual(all);
    expect(await list("entity_type=openid_provider&entity_type=federation_entity")).toEqual(all);
    expect(await list("entity_type=openid_provider")).toEqual([]);
    expect(await list("intermediate=true")).toEqual(all);
    expect(await list("intermediate=false&entity_type=registry_node")).toEqual([]);
    expect(await list("intermediate=yes")).toBe("400 invalid_request");
    expect(await list("entity_type=")).toBe("400 invalid_request");
    expect(await list("trust_marked=true")).toEqual([]);
    expect(await list("trust_marked=false")).toEqual(all);
    expect(await list("sub=x")).toBe("400 unsupported_parameter");
  });

  test("hints that lead in a circle or to silent superiors end their own path only", async () => {
    leaf.superiors.unshift("http://127.0.0.1:9/nobody");
    state.superiors.unshift(leaf.keys.id);
    try {
      const chain = await chainsUnder(pinOf(anchor.keys, TYPES)).getChain(leaf.keys.id);
      expect(chain.anchor).toBe(anchor.keys.id);
      const failure = await failureOf(chainsUnder().getChain(leaf.keys.id));
      expect(failure.details.map(({ message }) => message.split(":")[0])).toEqual([
        "peer_unreachable",
        "chain_loop",
        "anchor_unknown",
      ]);
    } finally {
      leaf.superiors.shift();
      state.superiors.shift();
    }
  });
});

describe("a superior that lies about a subordinate", () => {
  // The superior is no anchor, so what ends the path is its own statement or, were that believed, the missing pin.
  async function endOfPath(edit: (statement: StatementDraft) => void): Promise<string> {
    const startEntity = async () => {
      const texts = new Map<string, string>();
      const base = await startPeer((request, response) => {
        const { pathname } = new URL(request.url!, "http://peer");
        response.setHeader("content-type", "application/entity-statement+jwt").end(texts.get(pathname));
      });
      return { keys: createEntity(base), texts };
    };
    const [superior, subject] = [await startEntity(), await startEntity()];
    const configurationPath = "/.well-known/openid-federation";
    const options = { superiors: [], registryTypes: TYPES, now };
    const configuration = draftConfiguration(superior.keys, options);
    Object.assign(configuration.claims.metadata as object, {
      federation_entity: { federation_fetch_endpoint: `${superior.keys.id}/fetch` },
    });
    superior.texts.set(configurationPath, await signDraft(configuration));
    const statement = draftSubordinate(superior.keys, subject.keys, { registryTypes: TYPES, now });
    edit(statement);
    superior.texts.set("/fetch", await signDraft(statement));
    const named = draftConfiguration(subject.keys, { ...options, superiors: [superior.keys.id] });
    subject.texts.set(configurationPath, await signDraft(named));
    const failure = await failureOf(chainsUnder().getChain(subject.keys.id));
    return failure.details[0]!.message.split(":")[0]!;
  }

  test("is not followed further", async () => {
    const stranger = createEntity("https://x.example.org");
    expect(await endOfPath(() => {})).toBe("anchor_unknown");
    expect(await endOfPath((statement) => Object.assign(statement, { signer: stranger.federation }))).toBe(
      "statement_signature_invalid",
    );
    expect(await endOfPath(({ claims }) => Object.assign(claims, { sub: stranger.id }))).toBe(
      "statement_issuer_mismatch",
    );
    expect(await endOfPath(({ claims }) => Object.assign(claims, { iss: stranger.id }))).toBe(
      "statement_issuer_mismatch",
    );
    expect(await endOfPath(({ claims }) => Object.assign(claims, { exp: now - 1 }))).toBe("statement_expired");
  });
});

describe("what a node serves", () => {
  test("its configuration is signed anew before it expires, and when what it says changes", async () => {
    const first = await anchor.federation.getConfiguration();
    expect(await anchor.federation.getConfiguration()).toBe(first);
    now += STATEMENT_SECONDS / 2;
    const second = await anchor.federation.getConfiguration();
    expect(second).not.toBe(first);
    anchor.registryTypes.push("parcels");
    expect(await anchor.federation.getConfiguration()).not.toBe(second);
    anchor.registryTypes.pop();
  });

  test("statements and lists have the content types of the standard", async () => {
    const configuration = await fetch(`${state.keys.id}/.well-known/openid-federation`);
    expect(configuration.headers.get("content-type")).toBe("application/entity-statement+jwt");
    const statement = await fetch(`${state.keys.id}/federation/fetch?sub=${encodeURIComponent(leaf.keys.id)}`);
    expect(statement.headers.get("content-type")).toBe("application/entity-statement+jwt");
    const list = await fetch(`${state.keys.id}/federation/list`);
    expect(await list.json()).toEqual([leaf.keys.id]);
  });

  test.each([
    ["/federation/fetch", 400, "invalid_request"],
    ["/federation/fetch?sub=a%00b", 400, "invalid_request"],
    ["/federation/fetch?sub=https://a.example&sub=https://b.example", 400, "invalid_request"],
    ["/federation/fetch?sub=https://unknown.example.org", 404, "not_found"],
    ["/federation/list?colour=red", 400, "unsupported_parameter"],
  ])("GET %s is answered %i %s", async (path, status, error) => {
    const answer = await fetch(state.keys.id + path);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toEqual({ error, error_description: expect.any(String) });
  });

  test("a leaf publishes no endpoints of a superior", async () => {
    const payload = (text: string) => JSON.parse(Buffer.from(text.split(".")[1]!, "base64url").toString());
    const leafEntity = payload(await leaf.federation.getConfiguration()).metadata.federation_entity;
    const stateEntity = payload(await state.federation.getConfiguration()).metadata.federation_entity;
    expect(leafEntity).not.toHaveProperty("federation_fetch_endpoint");
    expect(stateEntity).toHaveProperty("federation_fetch_endpoint", `${state.keys.id}/federation/fetch`);
  });
});

describe("accepting a subordinate", () => {
  async function serveConfiguration(
    superiors: string[],
    edit: (entity: TestEntity) => TestEntity = (entity) => entity,
  ) {
    let text = "";
    const base = await startPeer((_, answer) =>
      answer.setHeader("content-type", "application/entity-statement+jwt").end(text),
    );
    const applicant = edit(createEntity(base));
    const publish = async (entity: TestEntity) => {
      text = await signDraft(draftConfiguration(entity, { superiors, registryTypes: TYPES, now }));
    };
    await publish(applicant);
    return { base, applicant, publish };
  }
  const accept = (entity: string) => anchor.federation.acceptSubordinate({ entity, registryTypes: [] });

  test("takes one whose configuration names this node", async () => {
    const { base, applicant } = await serveConfiguration([anchor.keys.id]);
    const stored = await accept(base);
    expect(stored.jwks.keys.map((key) => key.kid)).toEqual([applicant.federation.publicKey.kid]);
    await anchor.federation.removeSubordinate(base);
  });

  test("refuses one that names another superior", async () => {
    const { base } = await serveConfiguration([state.keys.id]);
    expect((await failureOf(accept(base))).code).toBe("statement_hint_missing");
  });

  test("refuses one whose configuration is about somebody else", async () => {
    const { base } = await serveConfiguration([anchor.keys.id], (entity) => ({
      ...entity,
      id: "https://other.example.org",
    }));
    expect((await failureOf(accept(base))).code).toBe("statement_issuer_mismatch");
  });

  test("refuses one that does not prove that it holds its key", async () => {
    const { base, applicant, publish } = await serveConfiguration([anchor.keys.id]);
    const stranger = createEntity("https://x.example.org");
    await publish({ ...applicant, federation: { ...applicant.federation, sign: stranger.federation.sign } });
    expect((await failureOf(accept(base))).code).toBe("statement_signature_invalid");
  });

  test("refuses one that uses its federation key for records", async () => {
    const { base } = await serveConfiguration([anchor.keys.id], (entity) => ({ ...entity, record: entity.federation }));
    expect((await failureOf(accept(base))).code).toBe("key_role_conflict");
  });

  test("refuses new keys for a known subordinate until it has been removed", async () => {
    const { base, applicant, publish } = await serveConfiguration([anchor.keys.id]);
    await accept(base);
    await publish({ ...applicant, federation: createEntity(base).federation });
    expect((await failureOf(accept(base))).code).toBe("subordinate_key_changed");
    await anchor.federation.removeSubordinate(base);
    expect((await accept(base)).entity).toBe(base);
    await anchor.federation.removeSubordinate(base);
  });

  test.each([
    { registryTypes: [""] },
    { registryTypes: [], maxPathLength: -1 },
    { registryTypes: [], maxPathLength: 1.5 },
  ])("refuses to grant %j", async (grant) => {
    const failure = await failureOf(anchor.federation.acceptSubordinate({ entity: state.keys.id, ...grant }));
    expect(failure.code).toBe("request_invalid");
  });

  test("refuses this node itself", async () => {
    expect((await failureOf(accept(anchor.keys.id))).code).toBe("request_invalid");
  });
});

describe("a peer costs at most its limits that", () => {
  const STATEMENT = { "content-type": "application/entity-statement+jwt" };

  test("never answers", async () => {
    const base = await startPeer(() => {});
    const started = performance.now();
    const failure = await failureOf(httpClient.getStatement(base, { timeoutMs: 200 }));
    expect(failure.code).toBe("peer_timeout");
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test("sends one byte at a time for ever", async () => {
    const base = await startPeer((_, answer) => {
      answer.writeHead(200, STATEMENT);
      const timer = setInterval(() => answer.write("x"), 20);
      answer.on("close", () => clearInterval(timer));
    });
    const started = performance.now();
    expect((await failureOf(chainsUnder().getChain(base))).code).toBe("peer_timeout");
    expect(performance.now() - started).toBeLessThan(FETCH_TIMEOUT_MS + 1_000);
  });

  test("sends without end: reading stops at the limit", async () => {
    let sent = 0;
    const base = await startPeer((_, answer) => {
      answer.writeHead(200, STATEMENT);
      const chunk = Buffer.alloc(65_536, "x");
      const more = (): void => {
        while (!answer.destroyed && answer.write(chunk)) sent += chunk.length;
        answer.once("drain", more);
      };
      more();
    });
    expect((await failureOf(httpClient.getStatement(base))).code).toBe("peer_response_too_large");
    expect(sent).toBeLessThan(16 * 1_048_576);
    const failure = await failureOf(httpClient.send({ method: "GET", url: base, bytesMax: 10 * FETCH_BYTES_MAX }));
    expect(failure.code).toBe("peer_response_too_large");
  });

  test("announces too much", async () => {
    const base = await startPeer((_, answer) =>
      answer.writeHead(200, { ...STATEMENT, "content-length": "999999999" }).write("x"),
    );
    expect((await failureOf(httpClient.getStatement(base))).code).toBe("peer_response_too_large");
  });

  test("redirects", async () => {
    const base = await startPeer((_, answer) => answer.writeHead(302, { location: anchor.keys.id }).end());
    expect((await failureOf(httpClient.getStatement(base))).code).toBe("peer_redirect_refused");
  });

  test.each([
    ["another content type", 200, { "content-type": "text/html" }],
    [
      "a content type with a parameter of another charset",
      200,
      { "content-type": "application/entity-statement+jwt; charset=utf-16" },
    ],
    ["a compressed body", 200, { ...STATEMENT, "content-encoding": "gzip" }],
    ["a status that is not 200", 203, STATEMENT],
    ["an error", 500, STATEMENT],
  ])("answers with %s", async (_, status, headers) => {
    const base = await startPeer((_request, answer) => answer.writeHead(status, headers).end("x"));
    expect((await failureOf(httpClient.getStatement(base))).code).toBe("peer_response_invalid");
  });

  test("answers a POST with text that two parsers would read differently", async () => {
    const base = await startPeer((_, answer) =>
      answer.writeHead(200, { "content-type": "application/json" }).end('{"a":1,"a":2}'),
    );
    expect((await failureOf(httpClient.postJson(base, {}))).code).toBe("peer_response_invalid");
  });

  test("drops a kept connection: the next call opens another", async () => {
    let connections = 0;
    const base = await startPeer((request, answer) => {
      if (request.socket.listenerCount("close") < 100) connections++;
      answer.writeHead(200, STATEMENT).end("x");
      setTimeout(() => request.socket.resetAndDestroy(), 5);
    });
    for (let i = 0; i < 20; i++) {
      expect(await httpClient.getStatement(base)).toBe("x");
      await new Promise((resolve) => setTimeout(resolve, i % 7));
    }
    expect(connections).toBe(20);
  });
});

describe("addresses that a node does not speak to", () => {
  const production = createHttpClient({ development: false, allowedPrivateHosts: [] });
  afterAll(() => production.close());

  test.each([
    "http://127.0.0.1:9/",
    "http://example.org/",
    "https://127.0.0.1:9/",
    "https://0x7f000001/",
    "https://localhost:9/",
    "https://169.254.169.254/latest/meta-data",
    "https://10.0.0.1/",
    "https://100.64.0.1/",
    "https://[::1]:9/",
    "https://[::ffff:169.254.169.254]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://user@example.org/",
    "ftp://example.org/",
    "not a url",
  ])("%s is refused", async (url) => {
    expect((await failureOf(production.getStatement(url))).code).toBe("peer_address_refused");
  });

  test("a private host is spoken to once it is listed", async () => {
    const listed = createHttpClient({ development: false, allowedPrivateHosts: ["127.0.0.1", "localhost"] });
    expect((await failureOf(listed.getStatement("https://127.0.0.1:9/"))).code).toBe("peer_unreachable");
    expect((await failureOf(listed.getStatement("https://localhost:9/"))).code).toBe("peer_unreachable");
    listed.close();
  });

  test("development opens http to this machine only", async () => {
    expect((await failureOf(httpClient.getStatement("http://10.0.0.1/"))).code).toBe("peer_address_refused");
    expect((await failureOf(httpClient.getStatement("http://example.org/"))).code).toBe("peer_address_refused");
    expect((await failureOf(httpClient.getStatement("https://10.0.0.1/"))).code).toBe("peer_address_refused");
  });
});
