// Foreign definitions: which are evaluated, which are refused as unsafe, and what holds for a partly disclosed record.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { compileRecordSchema } from "../../src/registries/record-schema.ts";
import { isPatternSafe } from "../../src/registries/schema-pattern.ts";
import { caughtCode } from "../caught-code.ts";

function violation(schema: JsonObject, data: JsonObject, isPartial = false): string | undefined {
  const text = JSON.stringify({ name: "things", type: "things", access: "public", title: "Things", schema });
  return compileRecordSchema(text).findViolation(data, isPartial);
}

function refusal(schema: JsonObject, data: JsonObject = {}): string | undefined {
  return caughtCode(() => violation(schema, data));
}

describe("a pattern", () => {
  it.each([
    "^[A-Z]{2}-[0-9]{4,8}$",
    "^[a-z]+(-[a-z]+)*$",
    "^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$",
    "^([0-9]{1,3}\\.){3}[0-9]{1,3}$",
    "^(\\d{4}|\\d{6})$",
    "^(?:Mr|Ms)? ?\\p{Lu}\\p{L}*(?: \\p{Lu}\\p{L}*)*$",
    "^[()|*+?{}]+$",
    "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$",
    "^(male|female|other)$",
    "^([a-z]|-)*$",
    "^(?:[a-z]+(?:-[a-z]+)*;)+$",
    "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?(Z|[+-]\\d{2}:\\d{2}))?$",
    "^[\\w-]+\\.[\\w-]+\\.[\\w-]+~([\\w-]+~)*$",
    "^[\u0915-\u0939\u0020]+(, [\u0915-\u0939]+)?$",
    "[0-9]+ ?(m|km)",
    "^https?://.+",
    "^\\(\\d+\\)$",
    "",
  ])("such as %s may run", (pattern) => {
    expect(isPatternSafe(pattern)).toBe(true);
  });

  it.each([
    "^(a+)+$",
    "^(a|a)*$",
    "^(a|aa)+$",
    "^([a-z]*)*$",
    "^([a-z]+[a-z]+){2,}$",
    "^(-?[a-z]+)*$",
    "^([a-z][a-z]+)*$",
    "^((a{1,9}){1,9}){1,9}$",
    "^(.-[a-z]+)+$",
    "^(a)\\1*$",
    "^(?=(a+)+b)",
    "^(?<name>(a+)+)$",
    "(",
    "a".repeat(1_001),
    // Each of the following takes longer than anyone waits on a text of forty, or of two thousand, characters.
    `^${"(?:a|a)".repeat(40)}$`,
    `^${"a?".repeat(40)}${"a".repeat(40)}$`,
    "^a*a*a*a*$",
    "^[a-z]*[a-f]*[0-9a-z]*[a-z]*!$",
    "^(-[a-z]?[a-z]?)*$",
    "^(?:[a-z]+(?:-[a-z]+)*-)+$",
    "^(?:|a)*b$",
    "^(a?b?)*c$",
    "^(-a{0,9}b?a{0,9})*$",
    "a*a*b",
    "^[a\u4e00-\u9fa5]*[b\u4e10]*[c\u4e10-\u4e20]*[d\u4e12]*\u4e13$",
    "^[a\\u4e00-\\u9fa5]*[b\\u4e10]*[c\\u4e10-\\u4e20]*[d\\u4e12]*\\u4e13$",
    "^[\\p{Script=Han}a]*[\\p{Script=Han}b]*[\\p{Lo}c]*[\\p{L}d]*!$",
  ])("such as %s may not", (pattern) => {
    expect(isPatternSafe(pattern)).toBe(false);
  });

  it("of those that may run takes no long time on a text made against it", () => {
    const started = performance.now();
    for (const pattern of ["^[a-z]+(-[a-z]+)*$", "^(?: \\p{Lu}\\p{L}*)*$", "^([0-9]{1,3}\\.){3}[0-9]{1,3}$"]) {
      for (const text of [`${"a".repeat(2_000)}!`, `${"a-".repeat(1_000)}!`, `${" A".repeat(1_000)}!`]) {
        expect(new RegExp(pattern, "u").test(text)).toBe(false);
      }
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it("fails a text beyond the limit without running, and lets other texts be long", () => {
    const schema = { properties: { code: { type: "string", pattern: "a*b" }, remark: { type: "string" } } };
    const started = performance.now();
    expect(violation(schema, { code: "a".repeat(60_000) })).toContain("#/code");
    expect(violation(schema, { code: "ab", remark: "a".repeat(60_000) })).toBeUndefined();
    expect(violation(schema, { code: "ac", remark: "a".repeat(60_000) })).toContain("#/code");
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("a definition", () => {
  it.each<[string, JsonObject]>([
    ["a dynamic reference", { properties: { a: { $dynamicRef: "#node" } } }],
    ["a recursive reference", { $recursiveRef: "#" }],
    ["the interpreter's own notes", { $ref: "#/$defs/a", __absolute_ref__: "#", $defs: { a: {} } }],
    ["a reference to another document", { $ref: "https://other.example/schema" }],
    ["a reference into an annotation", { $ref: "#/x-hidden", "x-hidden": { pattern: "^(a+)+$" } }],
    ["a list where a schema belongs", { properties: { a: [] } }],
    ["a text where a list belongs", { allOf: "all" }],
    ["a pattern that is a number", { properties: { a: { pattern: 7 } } }],
    ["an unsafe pattern for names", { patternProperties: { "^(a+)+$": true } }],
    ["a reference to itself", { $ref: "#" }],
    ["two schemas under one address", { $defs: { a: { $id: "urn:a", type: "null" }, b: { $id: "urn:a" } } }],
  ])("with %s is refused", (_, schema) => {
    expect(refusal(schema)).toBe("definition_unsupported");
  });

  it("whose references multiply is stopped", () => {
    const $defs: JsonObject = { d0: { type: "object" } };
    for (let i = 1; i < 40; i++) {
      $defs[`d${i}`] = { allOf: [{ $ref: `#/$defs/d${i - 1}` }, { $ref: `#/$defs/d${i - 1}` }] };
    }
    // Unstopped it would take 2^39 steps and the test would never end.
    expect(refusal({ $ref: "#/$defs/d39", $defs })).toBe("definition_unsupported");
  });

  it("may refer to itself along the data", () => {
    const schema = {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string" }, part: { $ref: "#" } },
    };
    expect(violation(schema, { name: "a", part: { name: "b" } })).toBeUndefined();
    expect(violation(schema, { name: "a", part: {} })).toBe("#/part: required");
  });

  it("is read without its annotations and formats", () => {
    const schema = { properties: { on: { type: "string", format: "date", "x-personal": true, title: "Day" } } };
    expect(violation(schema, { on: "some day" })).toBeUndefined();
    expect(violation(schema, { on: 7 })).toBe("#/on: type");
  });

  it.each<[string, string]>([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no schema", '{"name":"a","type":"a","access":"public"}'],
    ["unknown access", '{"name":"a","type":"a","access":"all","schema":{}}'],
  ])("that is %s cannot be read", (_, text) => {
    expect(["json_invalid", "definition_invalid"]).toContain(caughtCode(() => compileRecordSchema(text)));
  });
});

describe("of a record with fields withheld", () => {
  const part = (schema: JsonObject, data: JsonObject) => violation(schema, data, true);

  it("what only the whole can show is not asked", () => {
    expect(part({ required: ["a"], minProperties: 2, dependentRequired: { b: ["a"] } }, { b: 1 })).toBeUndefined();
    expect(part({ if: { required: ["a"] }, else: { required: ["c"] } }, { b: 1 })).toBeUndefined();
    expect(part({ not: { maxProperties: 1 } }, { b: 1 })).toBeUndefined();
    expect(part({ properties: { l: { minItems: 2, contains: { const: 1 } } } }, { l: [] })).toBeUndefined();
    expect(part({ properties: { l: { prefixItems: [{ type: "null" }], items: false } } }, { l: [7] })).toBeUndefined();
    expect(part({ properties: { o: { enum: [{ a: 1, b: 2 }, null] } } }, { o: { a: 1 } })).toBeUndefined();
    expect(part({ oneOf: [{ required: ["a"] }, { required: ["b"] }] }, { c: 1 })).toBeUndefined();
  });

  it("what holds for each part still must hold", () => {
    expect(part({ properties: { a: { type: "string" } } }, { a: 1 })).toBe("#/a: type");
    expect(part({ properties: { a: { enum: ["x", "y"] } } }, { a: "z" })).toBe("#/a: enum");
    expect(part({ additionalProperties: false, properties: { a: true } }, { b: 1 })).toContain("#");
    expect(part({ properties: { l: { items: { maximum: 3 }, maxItems: 2 } } }, { l: [4] })).toBe("#/l/0: maximum");
    expect(part({ properties: { l: { uniqueItems: true } } }, { l: [1, 1] })).toBe("#/l: uniqueItems");
    const alternatives = [{ properties: { a: { const: 1 } } }, { properties: { a: { const: 2 } } }];
    expect(part({ oneOf: alternatives }, { a: 3 })).toContain("#/a");
    expect(part({ allOf: alternatives }, { a: 1 })).toBe("#/a: const");
  });
});
