// What fields, values and reasons are called, in which language, and that the examples of definitions say what they should.
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { compileDefinition } from "../../src/registries/compiled-definition.ts";
import { checkFieldTexts, describeField, describeReason, labelOf, spellOut } from "../../src/registries/field-texts.ts";
import { caughtCode } from "../caught-code.ts";

const directory = new URL("../../schemas/examples/", import.meta.url);
const readExample = (name: string): string => readFileSync(new URL(name, directory), "utf8");
const compile = (name: string) =>
  compileDefinition({ entity: "https://water.example", version: 1, text: readExample(name) }).definition;

const sources = compile("water-sources.json");
const hindi = ["hi"];

it("a field is called as its definition says, in the first wanted language that there is", () => {
  expect(describeField(sources, { path: ["depth"], languages: hindi }).title).toBe("मीटर में गहराई");
  expect(describeField(sources, { path: ["depth"], languages: ["ta", "en"] }).title).toBe("Depth in metres");
  expect(describeField(sources, { path: ["kind"], languages: [] }).description).toContain("code list");
  const kinds = compile("water-source-kinds.json");
  expect(describeField(kinds, { path: ["label", "hi"], languages: hindi }).title).toBe("हिन्दी में नाम");
});

it("a value is called by its label, also where it is no text or stands in a list", () => {
  expect(labelOf(sources, { path: ["condition"], value: "poor", languages: hindi })).toBe("मरम्मत की आवश्यकता");
  expect(labelOf(sources, { path: ["condition"], value: "unknown", languages: hindi })).toBeUndefined();
  expect(labelOf(sources, { path: ["condition"], value: { a: 1 }, languages: hindi })).toBeUndefined();
  const kinds = compile("water-source-kinds.json");
  expect(labelOf(kinds, { path: ["is_treated"], value: true, languages: hindi })).toBe("हाँ");
  const list = {
    schema: { properties: { tags: { type: "array", items: { type: "string" }, "x-labels": { a: "A!" } } } },
  };
  for (const path of [
    ["tags", 3],
    ["tags", "*"],
  ])
    expect(labelOf(list, { path, value: "a", languages: [] })).toBe("A!");
});

it("a reason is called by its text, and one that is no code by nothing", () => {
  expect(describeReason(sources, { code: "dried-up", languages: hindi })).toBe("स्रोत सूख गया");
  expect(describeReason(sources, { code: "toString", languages: hindi })).toBeUndefined();
});

it("a field without a title is called by its name, in words", () => {
  const bare = { schema: { properties: { dateOfBirth: {}, list: { items: { properties: { census_2011: {} } } } } } };
  expect(describeField(bare, { path: ["dateOfBirth"], languages: [] }).title).toBe("Date of birth");
  expect(describeField(bare, { path: ["list", 0, "census_2011"], languages: [] }).title).toBe("Census 2011");
  expect(describeField(bare, { path: ["nowhere", "at-all"], languages: [] }).title).toBe("At all");
  expect(spellOut("")).toBe("");
});

describe("texts are refused", () => {
  it.each<[string, JsonObject]>([
    ["below a list", { type: "array", items: { properties: { a: { "x-title": [] } } } }],
    ["that are too long", { "x-title": "x".repeat(2_001) }],
    ["of labels without one", { "x-labels": {} }],
    ["of a language that is none", { "x-description": { "": "x" } }],
  ])("%s", (_name, field) => {
    expect(caughtCode(() => checkFieldTexts({ properties: { f: field as Json } }))).toBe("definition_invalid");
  });
});

it.each(readdirSync(directory))("the example %s can be published", (name) => {
  expect(() => compile(name)).not.toThrow();
});
