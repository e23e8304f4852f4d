// What a stranger sends makes a node ask nobody anything: every operation of the document, and every page, without a token and full of addresses to ask.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { currentSeconds } from "../../src/node.ts";
import { createEntity, draftConfiguration, signDraft } from "../chain-fixture.ts";
import { type CountedClient, createCountedClient } from "../counted-client.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createDocumentCheck, type DocumentedOperation } from "../openapi-check.ts";

let anchor: TestNode;
let node: TestNode;
let client: CountedClient;
let operations: readonly DocumentedOperation[];
let trap: Server;
let trapped: string[];
/** Everything that a stranger can name: a record, its version and file, an entity, a URL. */
let bait: string[];
let rid: string;

beforeAll(async () => {
  trapped = [];
  trap = createServer((request, answer) => {
    trapped.push(String(request.url));
    answer.end();
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  const elsewhere = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
  bait = [`${elsewhere}/registries/wells/records/00000000-0000-8000-8000-000000000000`, elsewhere];

  anchor = await startTestNode();
  client = createCountedClient();
  node = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(["wells"])], httpClient: client });
  await anchor.node.federation.acceptSubordinate({ entity: node.entity, registryTypes: ["wells"] });
  const near = { type: "string", "x-reference": { type: "wells", onWrite: "accept" } };
  expect((await node.publish(definition("wells", { properties: { near } }))).status).toBe(201);
  const created = await node.request("POST", "/registries/wells/records", {
    token: await node.token("registrar"),
    json: { data: { code: "1", name: "Well", near: bait[0]! } },
  });
  expect(created.status, created.text).toBe(201);
  rid = String(created.body.rid);
  // What was accepted unverified the node's own job asks about, sooner or later: now, so that it does not while requests are counted.
  await node.node.referenceWatch.checkDue();
  operations = createDocumentCheck((await node.request("GET", "/openapi.json")).body).operations;
});

beforeEach(() => {
  client.urls.length = 0;
  trapped.length = 0;
});

afterAll(async () => {
  await node?.close();
  await anchor?.close();
  trap?.close();
});

/** A value with every text in it replaced, or only those that are addresses. */
function baited(value: Json, text: string, isAll: boolean): Json {
  if (typeof value === "string") return isAll || /^https?:/.test(value) ? text : value;
  if (Array.isArray(value)) return value.map((one) => baited(one, text, isAll));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, baited(one as Json, text, isAll)]));
}

function headersWith(text: string): Record<string, string> {
  const { host } = new URL(text);
  return { origin: text, referer: text, "x-forwarded-host": host, forwarded: `host=${host}`, "if-match": '"1.0"' };
}

function pathsOf(path: string): string[] {
  const known: Record<string, string> = { registry: "wells", rid, log: "records", version: "1", tile: "0/000.p/1" };
  const usual = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => known[name] ?? "0");
  const foreign = bait.map((text) => path.replaceAll(/\{\w+\}/g, encodeURIComponent(text)));
  return [...new Set([usual, ...foreign])];
}

/** The same request in many forms, each as a stranger would send it. */
async function askInEveryForm({ method, path, operation }: DocumentedOperation): Promise<Answer[]> {
  const parameters = (operation.parameters as JsonObject[])
    .filter((one) => one.in === "query")
    .map((one) => String(one.name));
  const body = operation.requestBody as
    | { content: Record<string, { examples?: Record<string, { value: Json }> }> }
    | undefined;
  const answers: Answer[] = [];
  for (const address of pathsOf(path)) {
    for (const text of bait) {
      const headers = headersWith(text);
      // Unknown names are refused before anything is done with them, but by another standard's operations.
      const names = path.startsWith("/federation") ? [...parameters, "sub"] : parameters;
      const queries = ["", ...names.map((name) => `?${name}=${encodeURIComponent(text)}`)];
      for (const query of queries) {
        if (!body) answers.push(await node.request(method.toUpperCase(), address + query, { headers }));
        for (const [type, { examples }] of Object.entries(body?.content ?? {})) {
          const values = Object.values(examples ?? { none: { value: text } }).map(({ value }) => value);
          for (const value of values.flatMap((one) => [one, baited(one, text, false), baited(one, text, true)])) {
            const sent = { body: JSON.stringify(value), headers: { ...headers, "content-type": type } };
            answers.push(await node.request(method.toUpperCase(), address + query, sent));
          }
        }
      }
    }
  }
  return answers;
}

describe("without a token", () => {
  it("no operation of the document asks anybody anything", { timeout: 120_000 }, async () => {
    const reached: string[] = [];
    for (const operation of operations) {
      const answers = await askInEveryForm(operation);
      const name = `${operation.method} ${operation.path}`;
      expect([name, client.urls, trapped]).toEqual([name, [], []]);
      expect([name, answers.filter(({ status }) => status === 500).map(({ text }) => text)]).toEqual([name, []]);
      if (answers.some(({ status }) => status !== 401 && status !== 403))
        reached.push(String(operation.operation.operationId));
    }
    // What may be called without a token is what the document says, and these are among it.
    const declared = operations.filter(({ operation }) => {
      const security = operation.security as JsonObject[];
      return security.length === 0 || security.some((one) => Object.keys(one).length === 0);
    });
    expect(reached.sort()).toEqual(declared.map(({ operation }) => String(operation.operationId)).sort());
    for (const id of [
      "resolveReferences",
      "readRecords",
      "findRecordsByKeys",
      "applyForEnrolment",
      "fetchSubordinateStatement",
    ])
      expect(reached).toContain(id);
  });

  it("no page does", async () => {
    const at = "/registries/wells";
    const query = new URLSearchParams({ q: bait[0]!, near: bait[0]!, lang: bait[1]! }).toString();
    for (const path of [
      "/",
      "/docs",
      at,
      `${at}/records`,
      `${at}/records/${rid}`,
      `${at}/statistics/none`,
      "/docs?registry=wells",
    ]) {
      for (const target of [path, `${path}${path.includes("?") ? "&" : "?"}${query}`]) {
        const { status } = await node.request("GET", target, {
          headers: { ...headersWith(bait[1]!), accept: "text/html" },
        });
        expect([target, status < 500]).toEqual([target, true]);
      }
    }
    expect([client.urls, trapped]).toEqual([[], []]);
  });

  it("no application to be vouched for does, whatever its statement names", async () => {
    const applicant = createEntity(bait[1]!);
    const terms = { superiors: [node.entity, bait[1]!], registryTypes: ["wells"], now: Math.floor(Date.now() / 1_000) };
    const draft = draftConfiguration(applicant, { ...terms, superiors: [node.entity] });
    Object.assign(draft.header, { jku: `${bait[1]}/keys`, x5u: `${bait[1]}/certificate` });
    const metadata = draft.claims.metadata as JsonObject;
    metadata.federation_entity = { federation_fetch_endpoint: `${bait[1]}/fetch`, signed_jwks_uri: `${bait[1]}/jwks` };
    const { status } = await node.request("POST", "/federation/enrolments", {
      json: { configuration: await signDraft(draft) },
    });
    expect(status).toBe(200);
    expect([client.urls, trapped]).toEqual([[], []]);
  });

  it("nor does a token that is none of this node's", async () => {
    const asked = { references: [bait[0]!], follow: [["near"]] };
    for (const token of ["x", bait[1]!, "att_0123456789012345678901234567890123456789012"])
      expect((await node.request("POST", "/resolve", { token, json: asked })).status).toBe(401);
    expect([client.urls, trapped]).toEqual([[], []]);
  });
});

describe("with a token", () => {
  it("the same request asks: what is counted above can be counted", async () => {
    // Of a name of its own, which nothing is remembered of.
    const entity = `${bait[1]}/other`;
    const asked = { references: [bait[0]!.replace(bait[1]!, entity)], follow: [] };
    const token = await node.token("reader");
    expect((await node.request("POST", "/resolve", { token, json: asked })).status).toBe(200);
    // The one of that name first; since it is no member, the anchor is asked whether it moved.
    expect(client.urls).toEqual([
      `${entity}/.well-known/openid-federation`,
      `${anchor.entity}/federation/directory?formerly=${encodeURIComponent(entity)}`,
    ]);
    expect(trapped).toEqual(["/other/.well-known/openid-federation"]);
  });
});

describe("a node's own chain", () => {
  // It stands still, so that the node's own job asks when the test moves it and at no other time.
  let now = currentSeconds();
  let cold: CountedClient;
  let fresh: TestNode;
  let path: string;

  const askAsStrangers = async (): Promise<number[]> => {
    const asked = { references: [`${fresh.entity}${path.replace("/evidence", "")}`], follow: [] };
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, () => fresh.request("GET", path, { headers: headersWith(bait[1]!) })),
      ...Array.from({ length: 20 }, () => fresh.request("POST", "/resolve", { json: asked })),
    ]);
    return [...new Set(answers.slice(0, 20).map(({ status }) => status))];
  };
  /** Until the job has asked, and all that it asked is answered. */
  const settle = async (): Promise<void> => {
    await vi.waitFor(() => expect(cold.urls).not.toEqual([]), 5_000);
    await fresh.node.ownChain.renew().catch(() => undefined);
    cold.urls.length = 0;
  };

  beforeAll(async () => {
    cold = createCountedClient();
    fresh = await startTestNode({
      superiors: [anchor.entity],
      anchors: [anchor.pin(["wells"])],
      httpClient: cold,
      clock: () => now,
    });
    await settle();
    expect((await fresh.publish(definition("wells"))).status).toBe(201);
    const { body } = await fresh.request("POST", "/registries/wells/records", {
      token: await fresh.token("registrar"),
      json: { data: { code: "1", name: "W" } },
    });
    path = `/registries/wells/records/${String(body.rid)}/evidence`;
  });

  afterAll(() => fresh?.close());

  it("is not asked for by strangers while nobody vouches for it, but by staff", async () => {
    expect(await askAsStrangers()).toEqual([422]);
    expect(cold.urls).toEqual([]);
    expect((await fresh.request("GET", path, { token: await fresh.token("reader") })).status).toBe(422);
    expect(cold.urls).toContain(`${anchor.entity}/federation/fetch?sub=${encodeURIComponent(fresh.entity)}`);
  });

  it("is fetched by the node itself and answered to strangers from what is held", async () => {
    now = currentSeconds() + 1;
    await anchor.node.federation.acceptSubordinate({ entity: fresh.entity, registryTypes: ["wells"] });
    cold.urls.length = 0;
    expect(await askAsStrangers()).toEqual([200]);
    expect(cold.urls).toEqual([]);
  });

  it("is renewed by the node itself when half of its life is over", async () => {
    const { expiresAt } = await fresh.node.ownChain.getChain({ outgoing: false });
    now += Math.ceil((expiresAt - now) / 2);
    await settle();
    expect(await askAsStrangers()).toEqual([200]);
    expect(cold.urls).toEqual([]);
  });

  it("is not asked for by strangers once it has run out", async () => {
    now += 2 * 3_600;
    await settle();
    expect(await askAsStrangers()).toEqual([422]);
    expect(cold.urls).toEqual([]);
  });
});
