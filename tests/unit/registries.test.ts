// The pure rules of definitions: annotations and where they stand, identifiers, and what a change breaks.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { collectAnnotations, findFieldSchema, valuesAt } from "../../src/registries/annotations.ts";
import { localize } from "../../src/registries/localized-text.ts";
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
    expect(collectAnnotations(schema, "public").references).toMatchObject([
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

it("a text in several languages is read in the first wanted one, else in English, else in any", () => {
  const title = { hi: "ज़िले", en: "Districts" };
  expect([localize(title, ["ta", "hi"]), localize(title, ["ta"]), localize({ hi: "ज़िले" }), localize("One")]).toEqual([
    "ज़िले",
    "Districts",
    "ज़िले",
    "One",
  ]);
});
