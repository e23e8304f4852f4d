// Definitions over HTTP: published, versioned, refused with code and place; and what old records are read under.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { commitment, parseEntry, ZERO_SALT } from "../../src/log/entry.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let operator: string;

beforeAll(async () => {
  node = await startTestNode({ path: "/a/b" });
  operator = await node.token("operator");
});

afterAll(() => node?.close());

const put = (name: string, json: Json, query = ""): Promise<Answer> =>
  node.request("PUT", `/registries/${name}${query}`, { token: operator, json });

const withFields = (name: string, properties: JsonObject, schema: JsonObject = {}): JsonObject => {
  const made = definition(name, { properties });
  return { ...made, schema: { ...(made.schema as JsonObject), ...schema } };
};

function places(answer: Answer): unknown[] {
  return ((answer.body.errors ?? []) as JsonObject[]).map(({ field }) => field);
}

describe("publishing", () => {
  it("makes version 1 with a define entry that commits to the very text that is served", async () => {
    const answer = await put("wells", definition("wells"));
    expect([answer.status, answer.body.version, answer.body.changed]).toEqual([201, 1, true]);
    const served = await node.request("GET", "/registries/wells/schema/1");
    expect(served.headers.get("cache-control")).toContain("immutable");
    expect(answer.body.integrity).toBe(`sha256-${encodeBase64(sha256(served.text))}`);
    const [stored] = await node.database.database.sql<{ entry: Uint8Array }[]>`
      select entry from log_entry where index = ${answer.body.log_index as number}`;
    expect(parseEntry(stored!.entry)).toMatchObject({ e: "define", c: commitment("define", ZERO_SALT, served.text) });
  });

  it("changes nothing when nothing changed, however it is spelled", async () => {
    const first = await put("springs", definition("springs"));
    const again = await put("springs", Object.fromEntries(Object.entries(definition("springs")).reverse()));
    expect([again.status, again.body.version, again.body.changed]).toEqual([200, 1, false]);
    expect(again.body.log_index).toBe(first.body.log_index);
  });

  it("makes the next version of a change that breaks nothing; the old text stays as it was", async () => {
    await put("lakes", definition("lakes"));
    const before = (await node.request("GET", "/registries/lakes/schema/1")).text;
    const changed = await put("lakes", withFields("lakes", { depth: { type: "number" } }));
    expect([changed.status, changed.body.version]).toEqual([201, 2]);
    expect((await node.request("GET", "/registries/lakes/schema/1")).text).toBe(before);
    const { versions } = (await node.request("GET", "/registries/lakes/versions")).body as { versions: JsonObject[] };
    expect(versions.map(({ version }) => version)).toEqual([1, 2]);
    for (const version of ["3", "0", "4294967296"])
      expect(refusal(await node.request("GET", `/registries/lakes/schema/${version}`))).toBe("404 version_unknown");
  });

  it("names each breaking change and refuses it, until it is allowed", async () => {
    await put("rivers", withFields("rivers", { length: { type: "number" }, bed: { type: "string" } }));
    const broken = withFields("rivers", { length: { type: "string" } }, { required: ["code", "name", "length"] });
    const refused = await put("rivers", { ...broken, type: "streams" });
    expect(refusal(refused)).toBe("409 definition_breaking");
    expect(places(refused).sort()).toEqual([
      "/schema/properties/bed",
      "/schema/properties/length/type",
      "/schema/required",
      "/type",
    ]);
    expect((await node.request("GET", "/registries/rivers")).body.version).toBe(1);
    expect((await put("rivers", broken, "?allow-breaking=true")).body.version).toBe(2);
  });

  it("lets one of two different changes at the same time be the next version", async () => {
    await put("ponds", definition("ponds"));
    const changes = ["a", "b", "c", "d"].map((field) => withFields("ponds", { [field]: { type: "string" } }));
    const answers = await Promise.all(changes.map((change) => put("ponds", change)));
    // Whoever comes later meets the winner's version, and would take the winner's field away again.
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(["409 definition_conflict", "409 definition_breaking"]).toContain(refusal(answer));
    const { versions } = (await node.request("GET", "/registries/ponds/versions")).body as { versions: JsonObject[] };
    expect(versions.map(({ version }) => version)).toEqual([1, 2]);
  });

  it("says what would change, and how many records are under which version, and publishes nothing in a dry run", async () => {
    await put("marshes", definition("marshes"));
    const calls = await createRecordCalls(node, "marshes");
    for (const code of ["1", "2"]) await calls.create({ code, name: "M" });
    const changed = withFields("marshes", { depth: { type: "number" } }, { required: ["code"] });
    const shown = await put("marshes", { ...changed, type: "swamps" }, "?dryRun=true");
    expect([shown.status, shown.body.version, shown.body.dry_run, shown.body.changed]).toEqual([200, 2, true, true]);
    expect((shown.body.changes as JsonObject[]).map(({ kind, field }) => `${kind} ${field}`)).toEqual([
      "breaking /type",
      "compatible /schema/properties/depth",
      "compatible /schema/required",
    ]);
    expect(shown.body.records).toEqual([{ version: 1, state: "active", records: 2 }]);
    expect((await node.request("GET", "/registries/marshes")).body.version).toBe(1);
    const published = await put("marshes", changed);
    expect([published.status, published.body.changes]).toEqual([201, (shown.body.changes as Json[]).slice(1)]);
    expect((await put("marshes", { ...changed, access: "open" }, "?dryRun=true")).status).toBe(422);
  });

  it("leaves records of old versions readable under theirs, and amends them into the new one", async () => {
    await put("caves", withFields("caves", { guide: { type: "string", "x-personal": true } }));
    const calls = await createRecordCalls(node, "caves");
    const old = await calls.create({ code: "1", name: "Deep", guide: "Ada" });
    const renamed = withFields("caves", { depth: { type: "integer" } }, { required: ["code", "name", "depth"] });
    expect((await put("caves", renamed, "?allow-breaking=true")).status).toBe(201);
    const reader = await node.token("reader");
    expect((await calls.get(old.rid, "", reader)).body).toEqual(old);
    expect(old.definition).toBe(`${node.entity}/registries/caves/schema/1`);
    const incomplete = await calls.patch(old.rid, { data: { name: "Deeper" } }, { "if-match": '"1.0"' });
    expect(refusal(incomplete)).toBe("422 record_invalid");
    const amended = await calls.amend(old.rid, "1.0", { data: { guide: null, depth: 40 } });
    expect(amended.definition).toBe(`${node.entity}/registries/caves/schema/2`);
    expect((await calls.get(old.rid, "?version=1", reader)).body.data).toEqual(old.data);
  });

  it("lists every registry with its current version", async () => {
    const { registries } = (await node.request("GET", "/registries")).body as { registries: JsonObject[] };
    expect(registries.find(({ name }) => name === "lakes")).toMatchObject({ version: 2, access: "public" });
  });
});

const nested = (field: JsonObject): JsonObject => withFields("bad", { nested: field });

describe("a definition that cannot be honoured", () => {
  it.each<[string, Json, string]>([
    ["no object", [], "/"],
    ["an unknown member", { ...definition("bad"), retentoin: "P1Y" }, "/"],
    ["an access that is none", { ...definition("bad"), access: "open" }, "/access"],
    ["an identifier without a number", { ...definition("bad"), identifier: "BR-{yyyy}" }, "/identifier"],
    ["a name that is no name", { ...definition("bad"), type: "Bad Type" }, "/type"],
    ["an unknown annotation", nested({ type: "string", "x-secret": true }), "/schema/nested"],
    ["an annotation that is no annotation's form", nested({ type: "string", "x-personal": "yes" }), "/schema/nested"],
    ["an annotation under anyOf", nested({ anyOf: [{ type: "string", "x-personal": true }] }), "/schema/nested"],
    ["an annotation behind a $ref", withFields("bad", {}, { $defs: { a: { "x-personal": true } } }), "/schema/"],
    ["an object open to unknown fields", nested({ type: "object", properties: {} }), "/schema/nested"],
    [
      "a unique field inside an array",
      nested({ type: "array", items: { type: "string", "x-unique": true } }),
      "/schema/nested/*",
    ],
    ["a compound key of no fields", withFields("bad", {}, { "x-unique": [["code", "nothing"]] }), "/schema/"],
    [
      "a compound key of what objects inherit",
      withFields("bad", {}, { "x-unique": [["code", "constructor"]] }),
      "/schema/",
    ],
    ["a reference of no type", nested({ type: "string", "x-reference": true }), "/schema/nested"],
    [
      "a reference that is checked in no known way",
      nested({ type: "string", "x-reference": { type: "a", onWrite: "no" } }),
      "/schema/nested",
    ],
  ])("is refused for %s, and the place is named", async (_name, body, place) => {
    const answer = await put("bad", body);
    expect(refusal(answer), answer.text).toBe("422 definition_invalid");
    expect(places(answer)).toContain(place);
  });

  it.each<[string, JsonObject, RegExp]>([
    ["an identifier with two numbers", { ...definition("bad"), identifier: "{seq}-{seq:4}" }, /exactly one/],
    ["an identifier with an unknown part", { ...definition("bad"), identifier: "{seq}-{month}" }, /\{month\}/],
    ["an identifier that is no field", { ...definition("bad"), identifier: { field: "number" } }, /"number"/],
    ["an identifier that is not unique", { ...definition("bad"), identifier: { field: "name" } }, /"name"/],
    [
      "an identifier that may be missing",
      { ...withFields("bad", { no: { type: "string", "x-unique": true } }), identifier: { field: "no" } },
      /required/,
    ],
    [
      "an identifier that is personal",
      {
        ...withFields("bad", { no: { type: "string", "x-unique": true, "x-personal": true } }, { required: ["no"] }),
        identifier: { field: "no" },
      },
      /personal/,
    ],
    ["a schema that does not compile", nested({ type: "strin" }), /schema/],
    ["a misspelled keyword", nested({ type: "string", maxLenght: 3 }), /maxLenght/],
    ["a pattern that is none", nested({ type: "string", pattern: "(" }), /schema/],
    ["a schema from elsewhere", nested({ $ref: "https://schemas.example/person.json" }), /schemas\.example/],
    ["another dialect", withFields("bad", {}, { $schema: "http://json-schema.org/draft-07/schema#" }), /draft-07/],
    ["an asynchronous schema, which would let everything pass", withFields("bad", {}, { $async: true }), /\$async/],
    ["another name than its address", definition("good"), /"good"/],
  ])("is refused for %s, and the message says so", async (_name, body, message) => {
    const answer = await put("bad", body);
    expect(refusal(answer), answer.text).toBe("422 definition_invalid");
    expect(answer.body.detail).toMatch(message);
    expect(refusal(await node.request("GET", "/registries/bad"))).toBe("404 registry_unknown");
  });

  it("is refused for a pattern that other nodes will not evaluate, because it can take for ever", async () => {
    const pattern = withFields("bad", { name: { type: "string", pattern: "^(a+)+$" } });
    const answer = await node.request("PUT", "/registries/bad", { token: operator, json: pattern });
    expect([answer.status, answer.body.code]).toEqual([422, "definition_unsupported"]);
  });

  it.each<[string, JsonObject, string]>([
    ["a title that is no text", { "x-title": 5 }, "/schema/properties/f/x-title"],
    [
      "a description in a language that is none",
      { "x-description": { "e n": "x" } },
      "/schema/properties/f/x-description",
    ],
    ["a title of nothing", { "x-title": { en: " " } }, "/schema/properties/f/x-title"],
    ["labels that are no object", { "x-labels": ["a"] }, "/schema/properties/f/x-labels"],
    ["a label that is no text", { "x-labels": { a: { en: 1 } } }, "/schema/properties/f/x-labels/a"],
    ["a label of no value", { enum: ["a"], "x-labels": { b: "B" } }, "/schema/properties/f/x-labels/b"],
  ])("is refused for %s", async (_name, annotations, place) => {
    const answer = await put("bad", withFields("bad", { f: { type: "string", ...annotations } }));
    expect([refusal(answer), places(answer)]).toEqual(["422 definition_invalid", [place]]);
  });

  it("takes fields named as what objects inherit for what they are", async () => {
    const properties = { constructor: { type: "string", "x-unique": true }, toString: { type: "string" } };
    expect((await put("names", withFields("names", properties))).status).toBe(201);
    const calls = await createRecordCalls(node, "names");
    await calls.create({ code: "1", name: "without" });
    const { rid } = await calls.create({ code: "2", name: "with", constructor: "c", toString: "t" });
    const found = await node.request("GET", "/registries/names/records?constructor=c");
    expect(found.body.records).toMatchObject([{ rid }]);
    expect(await calls.amend(rid, "1.0", { data: { toString: null } })).toMatchObject({ version: 2 });
  });
});
