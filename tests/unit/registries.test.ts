// The pure rules of definitions: annotations and where they stand, identifiers, and what a change breaks.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { collectAnnotations, findFieldSchema, valuesAt } from "../../src/registries/annotations.ts";
import { type Definition, localize, parseDefinition } from "../../src/registries/definition.ts";
import { findBreakingChanges } from "../../src/registries/definition-changes.ts";
import {
  formatIdentifier,
  identifierCounterName,
  parseIdentifierTemplate,
} from "../../src/registries/identifier-template.ts";
import { caughtCode } from "../caught-code.ts";

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: "object",
  additionalProperties: false,
  properties,
  ...more,
});
const text = { type: "string" } as const;

describe("annotations", () => {
  const schema = object(
    {
      code: { ...text, "x-unique": true },
      tax: { ...text, "x-unique": true, "x-personal": true },
      address: object({ city: text, street: { ...text, "x-personal": true } }),
      children: { type: "array", items: object({ name: { ...text, "x-personal": true } }) },
      aliases: { type: "array", "x-personal": true, items: { ...text, "x-personal": true } },
      state: { ...text, "x-reference": { type: "states" } },
      blocks: { type: "array", items: { ...text, "x-reference": { type: "blocks", onWrite: "accept" } } },
      towns: { type: "array", items: text, "x-reference": { type: "towns" } },
    },
    { "x-unique": [["code", "address.street"]] },
  );

  it("say what is personal, down to one field of an object in a list", () => {
    const { isPersonal, hasPersonal } = collectAnnotations(schema, "public");
    expect(hasPersonal).toBe(true);
    for (const path of [["tax"], ["address", "street"], ["children", 3, "name"], ["aliases"], ["aliases", 0]])
      expect([path, isPersonal(path)]).toEqual([path, true]);
    for (const path of [["code"], ["address"], ["children"], ["children", 0], ["unknown"]])
      expect([path, isPersonal(path)]).toEqual([path, false]);
    expect(collectAnnotations(object({ code: text }), "public").hasPersonal).toBe(false);
  });

  it("make every field of a consent registry personal that does not say otherwise, also an unknown one", () => {
    const marked = object({ code: { ...text, "x-personal": false }, name: text, place: object({ city: text }) });
    const { isPersonal } = collectAnnotations(marked, "consent");
    expect(isPersonal(["code"])).toBe(false);
    for (const path of [["name"], ["place"], ["place", "city"], ["unknown"], ["name", "unknown"]])
      expect([path, isPersonal(path)]).toEqual([path, true]);
  });

  it("give unique keys, alone and together; one is personal if any of its fields is", () => {
    const { uniqueKeys } = collectAnnotations(schema, "public");
    expect(uniqueKeys).toEqual([
      { name: "code", fields: [["code"]], personal: false },
      { name: "tax", fields: [["tax"]], personal: true },
      { name: "code+address.street", fields: [["code"], ["address", "street"]], personal: true },
    ]);
  });

  it("give references, of elements where they stand in lists; silence means verify", () => {
    expect(collectAnnotations(schema, "public").references).toEqual([
      { path: ["state"], type: "states", onWrite: "verify" },
      { path: ["blocks", "*"], type: "blocks", onWrite: "accept" },
      { path: ["towns", "*"], type: "towns", onWrite: "verify" },
    ]);
  });

  it.each(["anyOf", "allOf", "oneOf", "not", "$defs", "patternProperties", "prefixItems", "if", "dependentSchemas"])(
    "are refused under %s, where nobody would look for them",
    (keyword) => {
      const value = ["anyOf", "allOf", "oneOf", "prefixItems"].includes(keyword)
        ? [{ "x-personal": true }]
        : { inner: { "x-personal": true } };
      expect(caughtCode(() => collectAnnotations(object({ a: text }, { [keyword]: value }), "public"))).toBe(
        "definition_invalid",
      );
    },
  );

  it("find values and field schemas by own names only", () => {
    expect(valuesAt({ a: [{ b: 1 }, {}, { b: 2 }] }, ["a", "*", "b"])).toEqual([1, 2]);
    expect(valuesAt({ a: { b: null } }, ["a", "b"])).toEqual([null]);
    expect(valuesAt({ a: 1 }, ["a", "*"])).toEqual([]);
    expect(valuesAt({}, ["constructor"])).toEqual([]);
    expect(findFieldSchema(schema, ["address", "city"])).toEqual(text);
    expect(findFieldSchema(schema, ["toString"])).toBeUndefined();
  });
});

const definitionOf = (changes: JsonObject): Definition =>
  parseDefinition({ name: "a", type: "a", title: "A", access: "public", schema: object({ code: text }), ...changes })
    .definition;

describe("an identifier template", () => {
  it.each([
    ["BR-{yyyy}-{seq:8}", 42, "BR-2026-00000042"],
    ["{seq}", 42, "42"],
    ["{seq:2}/{yyyy}", 1234, "1234/2026"],
    ["$&-{seq}-$1", 1, "$&-1-$1"],
  ])("%s writes number %i as %s", (identifier, number, expected) => {
    const template = parseIdentifierTemplate(definitionOf({ identifier }));
    expect(template).toEqual({ kind: "sequence", text: identifier, yearly: identifier.includes("{yyyy}") });
    expect(formatIdentifier({ text: identifier, year: 2026, number })).toBe(expected);
  });

  it("counts by the year only where the year is written, or two years would share a number", () => {
    const name = (yearly: boolean, year: number) =>
      identifierCounterName({ registry: "births", template: { yearly }, year });
    expect(name(true, 2026)).not.toBe(name(true, 2027));
    expect(name(false, 2026)).toBe(name(false, 2027));
    expect(name(false, 2026)).not.toBe(name(true, 2026));
  });
});

describe("a changed definition", () => {
  const before = definitionOf({ schema: object({ a: { ...text, maxLength: 5 }, b: object({ c: text }) }) });
  const placesOf = (changes: JsonObject): string[] =>
    findBreakingChanges(before, definitionOf({ schema: before.schema, ...changes })).map(({ field }) => field);

  it.each<[string, JsonObject]>([
    ["the same", {}],
    ["other texts", { title: { en: "Other" }, description: "Longer", display: "{a}" }],
    ["narrower access", { access: "members" }],
    [
      "another optional field and other words",
      { schema: object({ a: { ...text, maxLength: 5, description: "new" }, b: object({ c: text }), d: text }) },
    ],
  ])("breaks nothing: %s", (_name, changes) => {
    expect(placesOf(changes)).toEqual([]);
  });

  it.each<[string, JsonObject, string[]]>([
    ["another type", { type: "b" }, ["/type"]],
    ["an identifier", { identifier: "{seq}" }, ["/identifier"]],
    ["a field required", { schema: { ...before.schema, required: ["a"] } }, ["/schema/required"]],
    ["a field removed", { schema: object({ a: { ...text, maxLength: 5 } }) }, ["/schema/properties/b"]],
    [
      "a nested field that became personal",
      { schema: object({ a: { ...text, maxLength: 5 }, b: object({ c: { ...text, "x-personal": true } }) }) },
      ["/schema/properties/b/properties/c/x-personal"],
    ],
    [
      "a rule relaxed, which a reader may rely on",
      { schema: object({ a: text, b: object({ c: text }) }) },
      ["/schema/properties/a/maxLength"],
    ],
    ["a compound key", { schema: { ...before.schema, "x-unique": [["a", "b.c"]] } }, ["/schema/x-unique"]],
  ])("breaks by %s, and the place is named", (_name, changes, places) => {
    expect(placesOf(changes)).toEqual(places);
  });

  it("breaks by wider access, because what was given in confidence would be published", () => {
    const closed = definitionOf({ access: "consent" });
    expect(findBreakingChanges(closed, definitionOf({ access: "public" })).map(({ field }) => field)).toEqual([
      "/access",
    ]);
  });
});

it("a text in several languages is read in the first wanted one, else in English, else in any", () => {
  const title = { hi: "ज़िले", en: "Districts" };
  expect([localize(title, ["ta", "hi"]), localize(title, ["ta"]), localize({ hi: "ज़िले" }), localize("One")]).toEqual([
    "ज़िले",
    "Districts",
    "ज़िले",
    "One",
  ]);
});
