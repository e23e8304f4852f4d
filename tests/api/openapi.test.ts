// The document of the API: it passes a linter, leaves out no route, and what it says of answers is what the node answers.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { signEnrolmentProof } from "../../src/federation/enrolment-proof.ts";
import { createEntity, draftConfiguration, signDraft } from "../chain-fixture.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createDocumentCheck, type DocumentCheck } from "../openapi-check.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";

let node: TestNode;
let calls: RecordCalls;
let token: string;
let document: JsonObject;
let check: DocumentCheck;

const PROPERTIES: JsonObject = {
  name: { type: "string", minLength: 2, "x-search": "prefix", "x-title": { en: "Name of the well", hi: "कुएँ का नाम" } },
  kind: {
    enum: ["dug", "bored"],
    "x-search": { match: "exact" },
    type: "string",
    "x-description": { en: "How it was made", hi: "कैसे बना" },
    "x-labels": { dug: { en: "By hand", hi: "हाथ से" }, bored: { en: "By machine", hi: "मशीन से" } },
  },
  depth: { type: "number", minimum: 0.5, "x-search": "range" },
  code: { type: "string", pattern: "^W-[0-9]{4}$", "x-unique": true, "x-personal": false },
  dug_on: { type: "string", format: "date" },
  parts: {
    type: "array",
    items: { type: "object", additionalProperties: false, properties: { tag: { type: "string" } } },
  },
  near: { type: "string", format: "uri", "x-reference": { type: "wells", onWrite: "accept" } },
  owner: { type: "string", "x-personal": true },
  plan: { type: "object", "x-attachment": true },
};

const WELLS = definition("wells", {
  properties: PROPERTIES,
  members: {
    title: { en: "Wells", hi: "कुएँ" },
    duplicates: [{ name: "same-name", fields: [{ field: "name", normal: "name" }] }],
    statistics: [{ name: "by-kind", fields: ["kind"] }],
    acts: { reasons: { found: { en: "Found in the field" } } },
    answers: { exists: true, matches: ["kind"] },
  },
});

const QUESTION = {
  question: { kind: "exists", registry: "wells", key: "W-0001" },
  audience: "https://welfare.example",
  nonce: "n-0S6_WzA2Mj.kXk4bB9Qw",
};

beforeAll(async () => {
  node = await startTestNode({ path: "/water" });
  const published = await node.publish(WELLS);
  expect(published.status, published.text).toBe(201);
  expect((await node.publish(definition("land-parcels"))).status).toBe(201);
  calls = await createRecordCalls(node, "wells");
  token = await node.token("registrar");
  document = (await node.request("GET", "/openapi.json")).body;
  check = createDocumentCheck(document);
});

afterAll(() => node?.close());

const operationsOf = (path: string) => check.operations.filter((one) => one.path === path).map(({ method }) => method);

describe("the document", () => {
  it("passes the linter without an error or a warning, whole and of one registry", async () => {
    const config = await createConfig({ extends: ["recommended"] });
    const paths = ["/openapi.json", "/openapi.json?registry=wells"];
    const sources = await Promise.all(paths.map((path) => node.request("GET", path)));
    for (const { text: source } of sources) {
      const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
      const told = problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
      // The standards give these no error that depends on the request.
      const known = /^operation-4xx-response: .*\.well-known~1(openid-federation|jwt-vc-issuer)/;
      expect(told.filter((one) => !known.test(one))).toEqual([]);
    }
    // The linter lets nobody else work for seconds: callers learn that their kept connections are gone.
    await sleep(50);
  });

  it("has every route: no file but the one that binds operations registers any", () => {
    const folder = new URL("../../src/http/", import.meta.url);
    const binders = readdirSync(folder).filter((name) =>
      /^import (?!type\b)[^;]*\bHono\b[^;]* from "hono"/m.test(readFileSync(new URL(name, folder), "utf8")),
    );
    expect(binders).toEqual(["operation-routes.ts"]);
    const app = readFileSync(new URL("../../src/app.ts", import.meta.url), "utf8");
    const groups = [...app.matchAll(/\b(create\w+Routes)\(/g)].map((match) => match[1]!);
    expect(groups.length).toBeGreaterThan(10);
    for (const group of groups) expect(app).toContain(`serve(${group}(`);
  });

  it("has no operation that the node does not answer", async () => {
    for (const { method, path } of check.operations) {
      const address = path.replaceAll(/\{\w+\}/g, "1");
      const { body } = await node.request(method.toUpperCase(), address);
      expect([method, path, body.code]).not.toEqual([method, path, "method_not_allowed"]);
      expect(String(body.detail)).not.toContain("there is nothing at this address");
    }
  });

  it("gives every operation a summary, its errors, an example of what it takes and of what it gives", () => {
    for (const { method, path, operation } of check.operations) {
      const name = `${method} ${path}`;
      expect(operation.summary, name).toBeTruthy();
      expect(Object.keys(operation.responses as object), name).toContain("500");
      const body = operation.requestBody as { content: Record<string, JsonObject> } | undefined;
      for (const [type, media] of Object.entries(body?.content ?? {}))
        if (type.includes("json")) expect(media.examples, `${name} takes ${type}`).toBeTruthy();
      for (const [status, answer] of Object.entries(operation.responses as Record<string, JsonObject>))
        if (status.startsWith("2") && answer.content)
          expect(
            Object.entries(answer.content).some(
              ([type, media]) => !type.includes("json") || (media as JsonObject).example !== undefined,
            ),
            `${name} ${status}`,
          ).toBe(true);
      for (const parameter of operation.parameters as JsonObject[])
        expect([name, parameter.name, Boolean(parameter.description)]).toEqual([name, parameter.name, true]);
    }
  });

  it("says of every error that an operation may answer what it means", () => {
    const { examples } = document.components as { examples: Record<string, JsonObject> };
    expect(Object.keys(examples).length).toBeGreaterThan(30);
    for (const [code, example] of Object.entries(examples)) {
      expect(example.summary, code).toBeTruthy();
      expect(check.schemaFaults("/components/schemas/Problem", example.value)).toEqual([]);
    }
  });

  it("has only examples that keep to their schemas", () => {
    let seen = 0;
    for (const { method, path, operation } of check.operations) {
      const steps = ["paths", path, method].map((step) => encodeURIComponent(step.replaceAll("/", "~1"))).join("/");
      const compare = (pointer: string, media: JsonObject) => {
        const given = [
          media.example,
          ...Object.values((media.examples ?? {}) as Record<string, JsonObject>).map(({ value }) => value),
        ];
        for (const value of given.filter((one) => one !== undefined)) {
          seen++;
          expect([method, path, check.schemaFaults(`/${steps}/${pointer}/schema`, value)]).toEqual([method, path, []]);
        }
      };
      const body = operation.requestBody as { content: Record<string, JsonObject> } | undefined;
      const at = (type: string) => encodeURIComponent(type.replaceAll("/", "~1"));
      for (const [type, media] of Object.entries(body?.content ?? {}))
        compare(`requestBody/content/${at(type)}`, media);
      for (const [status, answer] of Object.entries(operation.responses as Record<string, JsonObject>))
        for (const [type, media] of Object.entries((answer.content ?? {}) as Record<string, JsonObject>))
          compare(`responses/${status}/content/${at(type)}`, media);
    }
    expect(seen).toBeGreaterThan(60);
  });

  it("names the node as its server, is open to every page, and is not sent twice", async () => {
    expect(document.servers).toEqual([{ url: node.entity }]);
    const first = await node.request("GET", "/openapi.json");
    expect(first.headers.get("access-control-allow-origin")).toBe("*");
    const headers = { "if-none-match": first.headers.get("etag")! };
    expect((await node.request("GET", "/openapi.json", { headers })).status).toBe(304);
    const hindi = await node.request("GET", "/openapi.json", { headers: { ...headers, "accept-language": "hi" } });
    expect([hindi.status, hindi.headers.get("vary")]).toEqual([200, "accept-language"]);
    // A language that no definition has makes no other document.
    const martian = await node.request("GET", "/openapi.json", { headers: { ...headers, "accept-language": "xx" } });
    expect(martian.status).toBe(304);
  });
});

describe("of a registry, the document", () => {
  const schema = (name: string) => (document.components as { schemas: Record<string, JsonObject> }).schemas[name]!;

  it("has the operations on its data under its own name, and leaves the others general", () => {
    expect(operationsOf("/registries/wells/records").sort()).toEqual(["get", "post"]);
    expect(operationsOf("/registries/land-parcels/records/{rid}").sort()).toEqual(["get", "patch"]);
    expect(operationsOf("/registries/wells/records/{rid}/receipt")).toEqual([]);
    expect(operationsOf("/registries/{registry}/records/{rid}/receipt")).toEqual(["get"]);
  });

  it("alone has all of its operations and no other's", async () => {
    const { body } = await node.request("GET", "/openapi.json?registry=wells");
    const paths = Object.keys(body.paths as object);
    expect(paths).toContain("/registries/wells/records/{rid}/receipt");
    expect(paths.filter((path) => !path.startsWith("/registries/wells"))).toEqual([]);
    expect((await node.request("GET", "/openapi.json?registry=nothing")).body.code).toBe("registry_unknown");
  });

  it("has the schema of its data: as written, as a change, and as shown without what is personal", () => {
    const written = schema("wells_RecordData");
    expect(written.required).toEqual(["code", "name"]);
    expect(check.schemaFaults("/components/schemas/wells_RecordData", { code: "W-1", name: "x" })).toHaveLength(2);
    const near = (written.properties as Record<string, JsonObject>).near!;
    expect(near.anyOf).toEqual([{ type: "string", format: "uri" }, { $ref: "#/components/schemas/RecordKey" }]);
    const patch = (value: Json) => check.schemaFaults("/components/schemas/wells_RecordDataPatch", value);
    expect([patch({}), patch({ depth: null, owner: "A" }), patch({ name: "Mill" })]).toEqual([[], [], []]);
    for (const wrong of [{ name: null }, { depth: "deep" }, { colour: "blue" }]) expect(patch(wrong)).not.toEqual([]);
    expect(schema("wells_RecordDataShown").required).toEqual(["code", "name"]);
  });

  it("has its texts in the reader's language", async () => {
    const { body } = await node.request("GET", "/openapi.json", { headers: { "accept-language": "hi-IN, en;q=0.5" } });
    const { schemas } = body.components as { schemas: Record<string, JsonObject> };
    const { name, kind } = schemas.wells_RecordData!.properties as Record<string, JsonObject>;
    expect([schemas.wells_RecordData!.description, name!.title]).toEqual(["कुएँ", "कुएँ का नाम"]);
    expect(kind!.description).toBe("कैसे बना. bored: मशीन से; dug: हाथ से");
    expect(schema("wells_RecordData").description).toBe("Wells");
  });

  it("has an example that the node takes as it stands", async () => {
    const { operation } = check.find("POST", "/registries/wells/records")!;
    const { content } = operation.requestBody as { content: Record<string, { examples: JsonObject }> };
    const { value } = content["application/json"]!.examples.example as { value: JsonObject };
    expect(value.data).toMatchObject({
      code: expect.stringMatching(/^W-[0-9]{4}$/),
      kind: "dug",
      depth: 1,
      dug_on: "2026-03-31",
    });
    const { act: _, ...envelope } = value;
    const answer = await calls.post(envelope);
    expect(answer.status, answer.text).toBe(201);
  });

  it("allows for data of every version of its definition", async () => {
    const before = definition("wards", { properties: { size: { type: "string" } }, required: ["size"] });
    expect((await node.publish(before)).status).toBe(201);
    const wards = await createRecordCalls(node, "wards");
    const old = await wards.create({ code: "1", name: "North", size: "large" });
    const after = definition("wards", { properties: { size: { type: "integer" } } });
    const operator = await node.token("operator");
    const published = await node.request("PUT", "/registries/wards?allow-breaking=true", {
      token: operator,
      json: after,
    });
    expect(published.status, published.text).toBe(201);
    const present = createDocumentCheck((await node.request("GET", "/openapi.json?registry=wards")).body);
    const read = await wards.get(old.rid);
    expect(present.faults("GET", wards.path(old.rid), read)).toEqual([]);
    const written = present.schemaFaults("/components/schemas/wards_RecordData", old.data);
    expect(written.join()).toContain("/size: must be integer");
  });
});

describe("what the node answers", () => {
  const told = new Set<string>();

  /** A request whose answer must be what the document says, and one of these statuses. */
  async function ask(
    method: string,
    path: string,
    options: Parameters<TestNode["request"]>[2] = {},
    status = 200,
  ): Promise<Answer> {
    const answer = await node.request(method, path, options);
    expect([method, path, answer.status, answer.status === status ? "" : answer.text]).toEqual([
      method,
      path,
      status,
      "",
    ]);
    expect(check.faults(method, path, answer)).toEqual([]);
    if (answer.status < 400)
      told.add(String(check.find(method, path)!.operation.operationId).replace(/^(wells|land_parcels)_/, ""));
    return answer;
  }

  const base = "/registries/wells/records";
  const staff = (json?: Json, headers?: Record<string, string>) => ({
    token,
    ...(json !== undefined && { json }),
    ...(headers && { headers }),
  });
  const create = (code: string, more: JsonObject = {}) =>
    ask("POST", base, staff({ data: { code, name: `Well ${code}`, ...more }, act: { reason: "found" } }), 201);

  it("is what the document says: records written, read, found, changed and erased", async () => {
    const { rid, href } = (await create("W-0001", { owner: "Asha", kind: "dug", depth: 12 })).body;
    const path = `${base}/${String(rid)}`;
    await ask("PATCH", path, staff({ data: { depth: 14 }, act: { note: "measured" } }, { "if-match": '"1.0"' }));
    for (const below of ["", "?version=1", "/versions", "/history", "/evidence", "/receipt"]) {
      await ask("GET", `${path}${below}`);
      await ask("GET", `${path}${below}`, { token });
    }
    for (const accept of ["application/dc+sd-jwt", "application/vnd.attestry.evidence+json"])
      await ask("GET", path, { headers: { accept } });
    const { headers } = await ask("GET", path);
    await ask("GET", path, { headers: { "if-none-match": headers.get("etag")! } }, 304);
    await ask("GET", `${path}?asOf=2199-01-01&validAt=2026-01-01`);
    await ask("GET", `${base}?name[prefix]=Well&sort=-depth&count=true&limit=2`);
    await ask("POST", "/answers", { json: QUESTION });
    const { headers: list } = await ask("GET", "/status/0");
    await ask("GET", "/status/0", { headers: { "if-none-match": list.get("etag")! } }, 304);
    await ask("POST", `${base}:search`, staff({ fields: { code: "W-0001" } }));
    await ask("POST", `${base}:duplicates`, staff({ data: { code: "W-0009", name: "well W-0001" } }));
    await ask("GET", "/registries/wells/statistics", { token });
    await ask("GET", "/registries/wells/statistics/by-kind", { token });
    await ask("POST", `${path}/suspend`, staff());
    await ask("GET", `${path}/history`, { token });
    await ask("POST", `${path}/reinstate`, staff({}));
    const successor = (await create("W-0002")).body;
    await ask("POST", `${path}/replace`, staff({ by: [String(successor.href)], act: { reason: "found" } }));
    await ask("POST", `${base}/${String(successor.rid)}/end`, staff());
    const wrong = (await create("W-0003")).body;
    await ask("POST", `${base}/${String(wrong.rid)}/revoke`, staff());
    const ground = { reason: "found", instrument: "Order 9" };
    const wrongPath = `${base}/${String(wrong.rid)}`;
    const approver = await node.token("approver");
    await ask("POST", `${wrongPath}/hold`, staff({ case: "C 1", until: "2099-12-31", act: ground }));
    await ask("GET", wrongPath, { token });
    await ask("POST", `${wrongPath}/erase`, staff({ act: ground }), 409);
    await ask("POST", `${wrongPath}/release`, { token: approver, json: { case: "C 1", act: ground } });
    await ask("POST", `${wrongPath}/erase`, staff({ act: ground }));
    await ask("POST", `${path}/versions/1/erase`, staff({ act: ground }));
    await ask("GET", `${path}?version=1`, {}, 410);
    for (const below of ["/versions", "/history"]) await ask("GET", `${path}${below}`, { token });
    await ask("GET", `${base}/${String(wrong.rid)}`, {}, 410);
    await ask(
      "POST",
      "/records:read",
      staff({
        references: [{ href: String(successor.href) }, { href: "https://elsewhere.example/registries/a/records/b" }],
      }),
    );
    await ask("POST", "/resolve", staff({ references: [String(href)], follow: [["near"]] }));
    const { body: evidence } = await ask("GET", `${path}/evidence`);
    await ask("POST", "/verify", { json: evidence });
    await ask("POST", "/verify", { json: { ...evidence, token: "e30.e30.AA~" } });
    await ask("GET", "/verify/policy");
    await ask(
      "POST",
      "/records:find",
      staff({
        lookups: [
          { registry: "wells", key: { code: "W-0001" } },
          { type: "wells", key: "none" },
        ],
      }),
    );
  });

  it("is what the document says: bulk, files, definitions, logs, the federation and the node itself", async () => {
    const ndjson = {
      token,
      body: '{"data":{"code":"W-0101","name":"Row"}}\n{"data":{}}\n',
      headers: { "content-type": "application/x-ndjson" },
    };
    await ask("POST", `${base}:import?mode=upsert`, ndjson);
    await ask("GET", `${base}:export?format=csv&fields=code,name`);
    await ask("GET", "/registries/wells/references", { token });
    await ask("GET", "/asked-consents?case=W-1&limit=2", { token });
    await ask("GET", "/notification-gateways", { token: await node.token("operator") });
    await ask("GET", "/erasure-notices", { token });
    const pdf = { token, body: "%PDF-1.7\n%%EOF\n", headers: { "content-type": "application/pdf" } };
    const { body: plan } = await ask("POST", "/registries/wells/attachments?name=plan.pdf", pdf, 201);
    await create("W-0102", { plan });
    await ask("GET", `/registries/wells/attachments/${String(plan.digest)}`);
    const operator = await node.token("operator");
    await ask("PUT", "/registries/wells?dryRun=true", { token: operator, json: WELLS });
    await ask("PUT", "/registries/wells", { token: operator, json: WELLS });
    await ask("PUT", "/registries/springs", { token: operator, json: definition("springs") }, 201);
    for (const path of ["/registries", "/registries/wells", "/registries/wells/versions", "/registries/wells/schema/1"])
      await ask("GET", path);
    for (const path of [
      "/log/records/checkpoint",
      "/log/records/tile/0/000.p/1",
      "/log/records/tile/entries/000.p/1",
      "/log/records/consistency?from=1&to=2",
      "/status/0",
      "/.well-known/jwt-vc-issuer",
    ])
      await ask("GET", path);
    for (const path of ["/.well-known/openid-federation", "/federation/list", "/healthz", "/readyz", "/openapi.json"])
      await ask("GET", path);
    await node.node.chainArchive.archive();
    const [archived] = (await ask("GET", "/federation/chains")).body.chains as JsonObject[];
    for (const path of [`chains/${String(archived!.digest)}`, "chains?at=1", "historical-keys", "key-events"])
      await ask("GET", `/federation/${path}`);
    const self = encodeURIComponent(node.entity);
    const { text } = await node.node.trustMarks.issue({ type: "x", subject: node.entity, seconds: 60 });
    for (const path of [
      "/federation/directory",
      "/federation/extended-list",
      `/federation/resolve?sub=${self}&trust_anchor=${self}`,
      `/federation/trust-mark?trust_mark_type=x&sub=${self}`,
      "/federation/trust-marked?trust_mark_type=x",
    ])
      await ask("GET", path);
    const form = { "content-type": "application/x-www-form-urlencoded" };
    await ask("POST", "/federation/trust-mark-status", { body: `trust_mark=${text}`, headers: form });
  });

  it("is what the document says of what others must approve", async () => {
    const operator = await node.token("operator");
    const approver = await node.token("approver");
    const members = { approval: ["approver"] };
    await ask("PUT", "/registries/deeds", { token: operator, json: definition("deeds", { members }) }, 201);
    const propose = async (code: string) => {
      const json = { data: { code, name: `Deed ${code}` } };
      const { body } = await ask("POST", "/registries/deeds/records", { token, json }, 202);
      return `/proposals/${String((body.proposal as JsonObject).id)}`;
    };
    const [first, second, third] = [await propose("1"), await propose("2"), await propose("3")];
    await ask("GET", "/proposals?for=me&limit=2", { token: approver });
    await ask("GET", first!, { token: approver });
    const { body } = await ask("POST", `${first!}/approve`, { token: approver, json: { note: "seen" } });
    await ask("POST", `${second!}/return`, { token: approver, json: { reason: "which deed?" } });
    await ask("POST", `${second!}/approve`, { token: approver }, 409);
    await ask("POST", `${third!}/withdraw`, { token });
    await ask("GET", "/proposals/AAAAAAAAAAAAAAAAAAAAAA", { token }, 404);
    await ask("GET", "/proposals?cursor=x", { token }, 400);
    const { rid } = body.result as JsonObject;
    const path = `/registries/deeds/records/${String(rid)}`;
    await ask("PATCH", path, staff({ data: { name: "Other" } }, { "if-match": '"1.0"' }), 202);
    await ask("POST", `${path}/suspend`, staff(), 202);
    await ask("POST", `${path}/erase`, staff({ act: { reason: "x", instrument: "y" } }), 202);
    const changed = definition("deeds", { members, properties: { depth: { type: "number" } } });
    await ask("PUT", "/registries/deeds", { token: operator, json: changed }, 202);
  });

  it("is what the document says of an application to become a subordinate", async () => {
    const now = Math.floor(Date.now() / 1_000);
    const applicant = createEntity("https://wells.example.org");
    const terms = { superiors: [node.entity], registryTypes: ["wells"], now };
    const configuration = await signDraft(draftConfiguration(applicant, terms));
    const { body } = await ask("POST", "/federation/enrolments", { json: { configuration } });
    const claims = { entity: applicant.id, superior: node.entity, nonce: String(body.challenge) };
    const proof = await signEnrolmentProof(claims, applicant.federation, now);
    const path = `/federation/enrolments/${String(body.id)}`;
    await ask("POST", `${path}/proof`, { json: { proof } });
    await ask("POST", `${path}/proof`, { json: { proof } }, 409);
    await ask("GET", path);
    await ask("POST", "/federation/enrolments", { json: { configuration: "x" } }, 400);
  });

  it("is what the document says where it refuses", async () => {
    const { rid } = (await create("W-0201")).body;
    const path = `${base}/${String(rid)}`;
    const refusals: readonly [string, string, Parameters<TestNode["request"]>[2], number][] = [
      ["POST", base, staff({ data: { code: "W-1" } }), 422],
      ["POST", base, staff({ data: { code: "W-0201", name: "Twice" } }), 409],
      ["POST", base, staff({ data: { code: "W-0202", name: "well  W-0201" } }), 409],
      ["POST", base, staff({ data: [] }), 400],
      ["POST", base, { token, body: "{", headers: { "content-type": "application/json" } }, 400],
      ["POST", base, { token, body: "{}", headers: { "content-type": "text/plain" } }, 415],
      ["POST", base, { json: { data: { code: "W-0203", name: "Nobody" } } }, 401],
      ["POST", base, { token: "att_wrong", json: {} }, 401],
      ["POST", base, { token: await node.token("reader"), json: { data: { code: "W-0204", name: "Reader" } } }, 403],
      ["PATCH", path, staff({ data: { name: "No tag" } }), 428],
      ["PATCH", path, staff({ data: { name: "Late" } }, { "if-match": '"7.0"' }), 412],
      ["PATCH", path, staff({ data: { name: "Bad tag" } }, { "if-match": "1.0" }), 400],
      ["PATCH", path, staff({}, { "if-match": '"1.0"' }), 400],
      ["POST", `${path}/reinstate`, staff(), 409],
      ["POST", `${path}/suspend`, staff({ effective: "2199-01-01" }), 400],
      ["POST", `${path}/replace`, staff({ by: [] }), 400],
      ["GET", `${path}?version=9`, {}, 404],
      ["GET", `${path}?verson=1`, {}, 400],
      ["GET", `${path}?asOf=2001-01-01`, {}, 404],
      ["GET", `${base}/00000000-0000-8000-8000-000000000000`, {}, 404],
      ["GET", `${base}?colour=red`, {}, 400],
      ["GET", `${base}?limit=9999`, {}, 400],
      ["GET", "/registries/nothing", {}, 404],
      ["GET", "/registries/wells/schema/9", {}, 404],
      ["PUT", "/registries/wells", { token, json: WELLS }, 403],
      ["PUT", "/registries/wells", { token: await node.token("operator"), json: { name: "wells" } }, 422],
      ["POST", "/records:read", { json: { references: [{ href: 1 }] } }, 400],
      ["POST", "/records:read", { json: { references: Array.from({ length: 1_001 }, () => ({ href: "x" })) } }, 413],
      ["POST", "/resolve", { json: { references: ["https://x.example/"] } }, 400],
      ["POST", "/resolve", { json: { references: [], follow: 1 } }, 400],
      ["GET", "/federation/fetch", {}, 400],
      ["GET", "/federation/chains/unknown", {}, 404],
      ["GET", "/federation/chains?at=now", {}, 400],
      ["GET", "/federation/list?colour=red", {}, 400],
      ["GET", "/federation/extended-list?limit=0", {}, 400],
      ["GET", "/federation/resolve?sub=https://x.example&trust_anchor=https://x.example", {}, 404],
      ["GET", "/federation/trust-mark?trust_mark_type=x&sub=https://x.example", {}, 404],
      ["GET", "/federation/trust-marked", {}, 400],
      ["POST", "/federation/trust-mark-status", { json: {} }, 400],
      ["GET", "/log/other/checkpoint", {}, 404],
      ["GET", "/log/records/consistency?from=1", {}, 400],
      ["GET", "/status/7", {}, 404],
      ["POST", "/answers", { json: { ...QUESTION, nonce: "short" } }, 400],
      ["POST", "/shares:open", { json: { share: "https://x.example/shared/1", code: "482 913 005 771 264" } }, 404],
      ["POST", "/shares:open", { json: { share: "1" } }, 400],
      ["POST", "/answers", { json: { ...QUESTION, question: { kind: "exists", registry: "nothing", key: "W" } } }, 404],
    ];
    for (const [method, target, options, status] of refusals) await ask(method, target, options, status);
  });

  it("was seen of every operation but those that need more than one node, a citizen, a clock or a second definition", () => {
    const unseen = [
      ...new Set(
        check.operations.map(({ operation }) => String(operation.operationId).replace(/^(wells|land_parcels)_/, "")),
      ),
    ]
      .filter((id) => !told.has(id))
      .sort();
    expect(unseen).toEqual([
      "askForConsent",
      "askQuestion",
      "assistConsent",
      "fetchSubordinateStatement",
      "getOpenData",
      "getOpenDataFile",
      "getOpenDataSet",
      "invalidateConsent",
      "leaveSuperior",
      "listOwnConsents",
      "listOwnLooks",
      "listOwnRecords",
      "migrateRecords",
      "openShare",
      "readChanges",
      "readConsents",
      "refreshAskedConsent",
      "requestConsent",
      "takeErasureNotices",
    ]);
  });
});
