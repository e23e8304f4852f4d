// Bodies that services parse themselves, because they come by other ways too: the document refuses what the node refuses, and no more.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json } from "../../src/crypto/json.ts";
import * as limits from "../../src/limits.ts";
import { readSchema } from "../../src/schema-files.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createDocumentCheck, type DocumentCheck } from "../openapi-check.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let calls: RecordCalls;
let check: DocumentCheck;
let count = 0;

const RID = "4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60";
const LONG = "x".repeat(501);
const data = () => ({ code: `c${count++}`, name: "Well" });
const nowhere = "https://other.example/registries/wells/records";

beforeAll(async () => {
  node = await startTestNode();
  const numbered = definition("wells", { members: { identifier: "W-{seq:4}" } });
  expect((await node.publish(numbered)).status).toBe(201);
  calls = await createRecordCalls(node, "wells");
  check = createDocumentCheck((await node.request("GET", "/openapi.json")).body);
});

afterAll(() => node?.close());

const fits = (name: string, body: Json) => check.schemaFaults(`/components/schemas/${name}`, body).length === 0;

const ACTS: readonly [string, Json, boolean][] = [
  ["an act in words", { reason: "found", instrument: "Order 1", note: "n" }, true],
  ["an act without words", {}, true],
  ["an act that is a text", "found", false],
  ["an act with an unknown member", { by: "me" }, false],
  ["an act with an empty text", { reason: "" }, false],
  ["an act with a number", { reason: 1 }, false],
  ["an act beyond its length", { note: LONG }, false],
];

const DATES: readonly [string, Json, boolean][] = [
  ["a date", "2026-03-31", true],
  ["a time with its zone", "2026-03-31T09:00:00+05:30", true],
  ["a year", "2026", false],
  ["a number", 2026, false],
  ["a date in words", "31 March 2026", false],
];

describe("the body of", () => {
  it.each<[string, () => Json, boolean]>([
    ...ACTS.map(([name, act, isRight]): [string, () => Json, boolean] => [
      name,
      () => ({ data: data(), act }),
      isRight,
    ]),
    ...DATES.map(([name, at, isRight]): [string, () => Json, boolean] => [
      name,
      () => ({ data: data(), valid_from: at }),
      isRight,
    ]),
    ["no data", () => ({}), false],
    ["data that is a list", () => ({ data: [] }), false],
    ["an unknown member", () => ({ data: data(), rid: RID }), false],
    ["an identifier", () => ({ data: data(), identifier: "W-9001" }), true],
    ["an empty identifier", () => ({ data: data(), identifier: "" }), false],
    ["an identifier beyond its length", () => ({ data: data(), identifier: "9".repeat(81) }), false],
    ["nothing that it replaces", () => ({ data: data(), replaces: [] }), false],
    [
      "one that it replaces twice",
      () => ({ data: data(), replaces: [`${nowhere}/${RID}`, `${nowhere}/${RID}`] }),
      false,
    ],
    ["a list", () => [], false],
  ])("a creation with %s is judged alike", async (_name, make, isRight) => {
    const body = make();
    expect(fits("wells_RecordRequest", body)).toBe(isRight);
    const answer = await calls.post(body);
    expect(isRight ? answer.status : refusal(answer), answer.text).toBe(isRight ? 201 : "400 request_invalid");
  });

  it.each<[string, Json, boolean]>([
    ...ACTS.map(([name, act, isRight]): [string, Json, boolean] => [name, { data: { name: "A" }, act }, isRight]),
    ...DATES.map(([name, at, isRight]): [string, Json, boolean] => [name, { valid_from: at }, isRight]),
    ["no date any more", { valid_until: null, data: { name: "B" } }, true],
    ["data that is a text", { data: "x" }, false],
    ["an identifier", { data: { name: "C" }, identifier: "W-1" }, false],
  ])("a change with %s is judged alike", async (_name, body, isRight) => {
    expect(fits("wells_RecordPatch", body)).toBe(isRight);
    const { rid } = await calls.create(data());
    const answer = await calls.patch(rid, body, { "if-match": '"1.0"' });
    expect(isRight ? answer.status : refusal(answer), answer.text).toBe(isRight ? 200 : "400 request_invalid");
  });

  it.each<[string, Json, boolean]>([
    // Why it is no duplicate is said of a record, not of its state.
    ...ACTS.map(([name, act, isRight]): [string, Json, boolean] => [name, { act }, isRight]),
    ...DATES.map(([name, effective, isRight]): [string, Json, boolean] => [name, { effective }, isRight]),
    ["an unknown member", { since: "2026-01-01" }, false],
    ["a list", [], false],
  ])("a suspension with %s is judged alike", async (_name, body, isRight) => {
    expect(fits("StateRequest", body)).toBe(isRight);
    const { rid } = await calls.create(data(), { valid_from: "2020-01-01" });
    const answer = await node.request("POST", `${calls.path(rid)}/suspend`, {
      token: await node.token("registrar"),
      json: body,
    });
    expect(isRight ? answer.status : refusal(answer), answer.text).toBe(isRight ? 200 : "400 request_invalid");
  });

  it.each<[string, () => Json, boolean]>([
    ["a record to create", () => ({ by: [{ data: data() }] }), true],
    ["two of them", () => ({ by: [{ data: data() }, { data: data(), valid_from: "2020-01-01" }] }), true],
    ["one with a ground of its own", () => ({ by: [{ data: data(), act: { reason: "split" } }] }), false],
    ["one that replaces others", () => ({ by: [{ data: data(), replaces: [`${nowhere}/${RID}`] }] }), false],
    ["none", () => ({ by: [] }), false],
    ["no successor named", () => ({}), false],
    ["a successor that is a number", () => ({ by: [1] }), false],
    ["an unknown member", () => ({ by: [{ data: data() }], to: [] }), false],
    ["others that are no list", () => ({ by: [{ data: data() }], also: RID }), false],
    ["others without a rid", () => ({ by: [{ data: data() }], also: [{}] }), false],
  ])("a replacement by %s is judged alike", async (_name, make, isRight) => {
    const body = make();
    expect(fits("wells_ReplaceRequest", body)).toBe(isRight);
    const { rid } = await calls.create(data());
    const answer = await node.request("POST", `${calls.path(rid)}/replace`, {
      token: await node.token("registrar"),
      json: body,
    });
    expect(isRight ? answer.status : refusal(answer), answer.text).toBe(isRight ? 200 : "400 request_invalid");
  });
});

it("the limits that the schemas name are those of the program", () => {
  const at = (file: string, ...path: string[]) =>
    path.reduce<unknown>((node, step) => (node as Record<string, unknown>)[step], readSchema(file));
  expect([
    at("record-request", "properties", "identifier", "maxLength"),
    at("record-request", "properties", "replaces", "maxItems"),
    at("replace-request", "properties", "by", "maxItems"),
    at("record-read-request", "properties", "references", "maxItems"),
    at("resolve-request", "properties", "references", "maxItems"),
    at("answer-request", "$defs", "matchesQuestion", "properties", "values", "maxProperties"),
    at("definition", "properties", "answers", "properties", "matches", "maxItems"),
  ]).toEqual([
    limits.IDENTIFIER_CHARS_MAX,
    limits.REPLACE_RECORDS_MAX,
    limits.REPLACE_RECORDS_MAX,
    limits.RECORDS_READ_MAX,
    limits.RESOLVE_REFERENCES_MAX,
    limits.ANSWER_FIELDS_MAX,
    limits.ANSWER_FIELDS_MAX,
  ]);
});
