// What a changed definition means, member by member and keyword by keyword: compatible or breaking, and where.
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { type Definition, parseDefinition } from "../../src/registries/definition.ts";
import { compareDefinitions, findBreakingChanges } from "../../src/registries/definition-changes.ts";

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...more,
});
const definitionOf = (members: JsonObject): Definition =>
  parseDefinition({ name: "a", type: "a", title: "A", access: "public", schema: object({}), ...members }).definition;

/** `breaking /place` and `compatible /place` of every change. */
function changes(before: JsonObject, after: JsonObject): string[] {
  return compareDefinitions(definitionOf(before), definitionOf(after)).map(({ kind, field }) => `${kind} ${field}`);
}
const ofField = (before: JsonObject, after: JsonObject): string[] =>
  changes({ schema: object({ f: before }) }, { schema: object({ f: after }) }).map((change) =>
    change.replace("/schema/properties/f", ""),
  );
const ofSchema = (before: JsonObject, after: JsonObject): string[] =>
  changes({ schema: before }, { schema: after }).map((change) => change.replace("/schema", ""));

const text = { type: "string" };

describe("a keyword of a field", () => {
  it.each<[string, JsonObject, JsonObject, string[]]>([
    ["nothing", text, text, []],
    ["members in another order", { type: "string", maxLength: 3 }, { maxLength: 3, type: "string" }, []],
    ["type another", text, { type: "integer" }, ["breaking /type"]],
    ["type widened", text, { type: ["string", "null"] }, ["compatible /type"]],
    ["type narrowed", { type: ["string", "null"] }, text, ["breaking /type"]],
    ["integer to number", { type: "integer" }, { type: "number" }, ["compatible /type"]],
    ["number to integer", { type: "number" }, { type: "integer" }, ["breaking /type"]],
    ["type gone", text, {}, ["compatible /type"]],
    ["type new", {}, text, ["breaking /type"]],
    ["enum widened", { enum: ["a"] }, { enum: ["b", "a"] }, ["compatible /enum"]],
    ["enum narrowed", { enum: ["a", "b"] }, { enum: ["a"] }, ["breaking /enum"]],
    ["enum exchanged", { enum: ["a"] }, { enum: ["b"] }, ["breaking /enum", "compatible /enum"]],
    ["enum in another order", { enum: ["a", "b"] }, { enum: ["b", "a"] }, []],
    ["enum new", text, { ...text, enum: ["a"] }, ["breaking /enum"]],
    ["enum gone", { ...text, enum: ["a"] }, text, ["compatible /enum"]],
    ["const to enum", { const: "a" }, { enum: ["a", "b"] }, ["compatible /enum"]],
    ["enum to const", { enum: ["a", "b"] }, { const: "a" }, ["breaking /const"]],
    ["const gone", { const: 1 }, {}, ["compatible /const"]],
    ...["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"].flatMap(
      (limit): [string, JsonObject, JsonObject, string[]][] => [
        [`${limit} raised`, { [limit]: 2 }, { [limit]: 3 }, [`breaking /${limit}`]],
        [`${limit} lowered`, { [limit]: 2 }, { [limit]: 1 }, [`compatible /${limit}`]],
        [`${limit} new`, {}, { [limit]: 1 }, [`breaking /${limit}`]],
        [`${limit} gone`, { [limit]: 1 }, {}, [`compatible /${limit}`]],
      ],
    ),
    ...["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"].flatMap(
      (limit): [string, JsonObject, JsonObject, string[]][] => [
        [`${limit} raised`, { [limit]: 2 }, { [limit]: 3 }, [`compatible /${limit}`]],
        [`${limit} lowered`, { [limit]: 2 }, { [limit]: 1 }, [`breaking /${limit}`]],
        [`${limit} new`, {}, { [limit]: 1 }, [`breaking /${limit}`]],
        [`${limit} gone`, { [limit]: 1 }, {}, [`compatible /${limit}`]],
      ],
    ),
    ["multipleOf finer", { multipleOf: 10 }, { multipleOf: 5 }, ["compatible /multipleOf"]],
    ["multipleOf coarser", { multipleOf: 5 }, { multipleOf: 10 }, ["breaking /multipleOf"]],
    ["uniqueItems on", {}, { uniqueItems: true }, ["breaking /uniqueItems"]],
    ["uniqueItems off", { uniqueItems: true }, {}, ["compatible /uniqueItems"]],
    ["format new", text, { ...text, format: "date" }, ["breaking /format"]],
    ["format another", { format: "date" }, { format: "date-time" }, ["breaking /format"]],
    ["format gone", { format: "date" }, {}, ["compatible /format"]],
    ["pattern new", text, { ...text, pattern: "^a" }, ["breaking /pattern"]],
    ["pattern another", { pattern: "^a" }, { pattern: "^b" }, ["breaking /pattern"]],
    ["pattern gone", { pattern: "^a" }, {}, ["compatible /pattern"]],
    ["anything of allOf", { allOf: [{ minLength: 1 }] }, { allOf: [] }, ["breaking /allOf"]],
    ["anything of if", {}, { if: { const: 1 } }, ["breaking /if"]],
    ["anything of $ref", { $ref: "#/$defs/a" }, { $ref: "#/$defs/b" }, ["breaking /$ref"]],
    ["items narrowed", { items: { enum: [1, 2] } }, { items: { enum: [1] } }, ["breaking /items/enum"]],
    ["items new", { type: "array" }, { type: "array", items: text }, ["breaking /items"]],
    ["items gone", { type: "array", items: text }, { type: "array" }, ["compatible /items"]],
    ["title", { title: "A" }, { title: "B" }, ["compatible /title"]],
    ["x-title", {}, { "x-title": { en: "A" } }, ["compatible /x-title"]],
    ["x-description", { "x-description": "a" }, {}, ["compatible /x-description"]],
    ["x-labels", { "x-labels": { a: "A" } }, { "x-labels": { a: "B" } }, ["compatible /x-labels"]],
    ["a keyword nobody knows", {}, { "x-new": true }, ["breaking /x-new"]],
    ["becomes personal", text, { ...text, "x-personal": true }, ["breaking /x-personal"]],
    ["is no longer personal", { ...text, "x-personal": true }, text, ["breaking /x-personal"]],
    ["says that it is not personal, which it was not", text, { ...text, "x-personal": false }, []],
    ["becomes unique", text, { ...text, "x-unique": true }, ["breaking /x-unique"]],
    ["is no longer unique", { ...text, "x-unique": true }, text, ["breaking /x-unique"]],
    ["is searched", text, { ...text, "x-search": "range" }, ["compatible /x-search"]],
    ["is no longer searched", { "x-search": "exact" }, {}, ["breaking /x-search"]],
    ["is searched by prefix, too", { "x-search": "exact" }, { "x-search": "prefix" }, ["compatible /x-search"]],
    ["is searched exactly only", { "x-search": "prefix" }, { "x-search": "exact" }, ["breaking /x-search"]],
    [
      "is compared otherwise",
      { "x-search": "exact" },
      { "x-search": { match: "exact", normal: "name" } },
      ["breaking /x-search"],
    ],
    ["becomes a reference", text, { ...text, "x-reference": { type: "b" } }, ["breaking /x-reference"]],
    ["is no reference any more", { "x-reference": { type: "b" } }, {}, ["breaking /x-reference"]],
    ["refers elsewhere", { "x-reference": { type: "b" } }, { "x-reference": { type: "c" } }, ["breaking /x-reference"]],
    [
      "references are looked up elsewhere",
      { "x-reference": { type: "b" } },
      { "x-reference": { type: "b", registry: "https://a.example/registries/b" } },
      ["breaking /x-reference"],
    ],
    [
      "references are accepted",
      { "x-reference": { type: "b" } },
      { "x-reference": { type: "b", onWrite: "accept" } },
      ["compatible /x-reference"],
    ],
    [
      "references are verified",
      { "x-reference": { type: "b", onWrite: "accept" } },
      { "x-reference": { type: "b", onWrite: "verify" } },
      ["breaking /x-reference"],
    ],
    ["becomes an attachment", {}, { "x-attachment": true }, ["breaking /x-attachment"]],
    ["is no attachment any more", { "x-attachment": true }, {}, ["breaking /x-attachment"]],
    [
      "takes larger attachments of more types",
      { "x-attachment": { mediaTypes: ["a/a"], bytesMax: 1 } },
      { "x-attachment": { mediaTypes: ["a/a", "b/b"], bytesMax: 2 } },
      ["compatible /x-attachment", "compatible /x-attachment"],
    ],
    [
      "takes smaller attachments of fewer types",
      { "x-attachment": { mediaTypes: ["a/a", "b/b"], bytesMax: 2 } },
      { "x-attachment": { mediaTypes: ["b/b"], bytesMax: 1 } },
      ["breaking /x-attachment", "breaking /x-attachment"],
    ],
  ])("%s", (_name, before, after, expected) => {
    expect(ofField(before, after)).toEqual(expected);
  });
});

describe("the fields of an object", () => {
  const one = object({ a: text });
  it.each<[string, JsonObject, JsonObject, string[]]>([
    ["a new optional one", one, object({ a: text, b: text }), ["compatible /properties/b"]],
    ["a new required one", one, object({ a: text, b: text }, { required: ["b"] }), ["breaking /properties/b"]],
    ["a removed one", object({ a: text, b: text }), one, ["breaking /properties/b"]],
    ["a removed required one", object({ a: text, b: text }, { required: ["b"] }), one, ["breaking /properties/b"]],
    ["one that is required now", one, object({ a: text }, { required: ["a"] }), ["breaking /required"]],
    ["one that may be left out now", object({ a: text }, { required: ["a"] }), one, ["compatible /required"]],
    [
      "a new one where any name was allowed",
      object({ a: text }, { additionalProperties: true }),
      object({ a: text, b: text }, { additionalProperties: true }),
      ["breaking /properties/b"],
    ],
    ["closed", object({}, { additionalProperties: true }), object({}), ["breaking /additionalProperties"]],
    ["opened", object({}), object({}, { additionalProperties: true }), ["compatible /additionalProperties"]],
    [
      "below a field that is itself an object, and a name with a slash",
      object({ a: object({ "b/c": text }) }),
      object({ a: object({ "b/c": { type: "null" } }) }),
      ["breaking /properties/a/properties/b~1c/type"],
    ],
    [
      "below the elements of a list",
      object({ a: { type: "array", items: object({ b: text }) } }),
      object({ a: { type: "array", items: object({}) } }),
      ["breaking /properties/a/items/properties/b"],
    ],
    [
      "what one field asks of another",
      object({ a: text, b: text, c: text }, { dependentRequired: { a: ["b"] } }),
      object({ a: text, b: text, c: text }, { dependentRequired: { a: ["c"] } }),
      ["breaking /dependentRequired", "compatible /dependentRequired"],
    ],
    ["a compound key", one, object({ a: text }, { "x-unique": [["a", "b"]] }), ["breaking /x-unique"]],
    [
      "one compound key for another",
      object({}, { "x-unique": [["a", "b"]] }),
      object({}, { "x-unique": [["a", "c"]] }),
      ["breaking /x-unique", "breaking /x-unique"],
    ],
  ])("%s", (_name, before, after, expected) => {
    expect(ofSchema(before, after)).toEqual(expected);
  });
});

describe("a member of a definition", () => {
  const rule = (fields: string[], more: JsonObject = {}): Json => [{ name: "r", fields, ...more }];
  it.each<[string, JsonObject, JsonObject, string[]]>([
    ["type", {}, { type: "b" }, ["breaking /type"]],
    ["title", {}, { title: "B" }, ["compatible /title"]],
    ["description", {}, { description: "B" }, ["compatible /description"]],
    ["display", { display: "{a}" }, { display: "{b}" }, ["compatible /display"]],
    ["wider access", { access: "members" }, { access: "public" }, ["breaking /access"]],
    ["narrower access", { access: "public" }, { access: "members" }, ["breaking /access"]],
    ["an identifier", {}, { identifier: "{seq}" }, ["breaking /identifier"]],
    ["another identifier", { identifier: "{seq}" }, { identifier: "A{seq}" }, ["breaking /identifier"]],
    ["no identifier", { identifier: "{seq}" }, {}, ["breaking /identifier"]],
    ["subject", {}, { subject: { field: "a", claim: "b" } }, ["breaking /subject"]],
    ["bases", {}, { bases: [{ purpose: "p", law: "l", fields: ["a"] }] }, ["breaking /bases"]],
    ["a purpose more", { purposes: ["a"] }, { purposes: ["a", "b"] }, ["compatible /purposes"]],
    ["a purpose fewer", { purposes: ["a", "b"] }, { purposes: ["a"] }, ["breaking /purposes"]],
    ["approval", { approval: ["approver"] }, {}, ["breaking /approval"]],
    ["retention", { retention: "P1Y" }, { retention: "P2Y" }, ["breaking /retention"]],
    ["the first reasons", {}, { acts: { reasons: { a: "A" } } }, ["breaking /acts/reasons"]],
    ["no reasons any more", { acts: { reasons: { a: "A" } } }, {}, ["breaking /acts/reasons"]],
    [
      "a reason more, one fewer, one in other words",
      { acts: { reasons: { a: "A", b: "B" } } },
      { acts: { reasons: { a: "AA", c: "C" } } },
      ["breaking /acts/reasons/b", "compatible /acts/reasons/a", "compatible /acts/reasons/c"],
    ],
    [
      "what must be said",
      { acts: { required: { end: ["note"] } } },
      { acts: { required: { end: ["reason"] } } },
      ["breaking /acts/required/end", "compatible /acts/required/end"],
    ],
    ["a rule of duplicates", {}, { duplicates: rule(["a"]) }, ["breaking /duplicates/r"]],
    [
      "another rule of duplicates",
      { duplicates: rule(["a"]) },
      { duplicates: rule(["b"]) },
      ["breaking /duplicates/r"],
    ],
    ["no rule of duplicates", { duplicates: rule(["a"]) }, {}, ["compatible /duplicates/r"]],
    ["a statistic", {}, { statistics: rule(["a"]) }, ["compatible /statistics/r"]],
    ["another statistic", { statistics: rule(["a"]) }, { statistics: rule(["b"]) }, ["breaking /statistics/r"]],
    [
      "fewer small counts",
      { statistics: rule(["a"], { smallest: 5 }) },
      { statistics: rule(["a"], { smallest: 6 }) },
      ["compatible /statistics/r"],
    ],
    [
      "more small counts",
      { statistics: rule(["a"], { smallest: 5 }) },
      { statistics: rule(["a"], { smallest: 4 }) },
      ["breaking /statistics/r"],
    ],
    ["no statistic", { statistics: rule(["a"]) }, {}, ["breaking /statistics/r"]],
    ["answers", {}, { answers: { exists: true } }, ["compatible /answers/exists"]],
    ["no answers", { answers: { exists: true } }, {}, ["breaking /answers/exists"]],
    [
      "other fields that are compared",
      { answers: { matches: ["a"] } },
      { answers: { matches: ["b"] } },
      ["breaking /answers/matches", "compatible /answers/matches"],
    ],
    ["retired", {}, { retired: {} }, ["breaking /retired"]],
    ["not retired any more", { retired: {} }, {}, ["compatible /retired"]],
    ["another successor", { retired: {} }, { retired: { successor: "https://a.example" } }, ["compatible /retired"]],
  ])("%s", (_name, before, after, expected) => {
    expect(changes(before, after)).toEqual(expected);
  });

  it("access that makes every silent field personal says so of each", () => {
    const schema = object({ a: text, b: { ...text, "x-personal": false }, c: object({ d: text }) });
    expect(changes({ access: "public", schema }, { access: "consent", schema })).toEqual([
      "breaking /access",
      "breaking /schema/properties/a/x-personal",
      "breaking /schema/properties/c/x-personal",
      "breaking /schema/properties/c/properties/d/x-personal",
    ]);
  });

  it("that nobody compares yet is breaking", () => {
    const one = definitionOf({});
    const other = { ...one, novelty: true } as Definition;
    expect(findBreakingChanges(one, other)).toEqual([
      { field: "/novelty", kind: "breaking", message: "is another, and what that means cannot be judged" },
    ]);
  });
});

it("every change says in words what it means", () => {
  const before = definitionOf({ schema: object({ a: { ...text, enum: ["x", "y"], maxLength: 9 } }) });
  const after = definitionOf({ schema: object({ a: { ...text, enum: ["x"], maxLength: 5 } }) });
  expect(findBreakingChanges(before, after).map(({ message }) => message)).toEqual([
    'no longer allowed: "y"',
    "is tightened from 9 to 5: values beyond it are refused",
  ]);
});
