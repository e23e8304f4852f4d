// Plans of migrations: what each step does to data, and what a plan or a record is refused for.
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { isAttestryError } from "../../src/errors.ts";
import { compilePlan, parseMigrationPlan } from "../../src/records/bulk/migration-plan.ts";

function migrate(steps: Json, data: JsonObject): JsonObject {
  return compilePlan(parseMigrationPlan({ steps }))(data);
}

/** `code: place, place` of what is thrown. */
function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isAttestryError(error)) return `${error.code}: ${error.details.map(({ field }) => field).join(", ")}`;
    throw error;
  }
  return "none";
}

describe("a step", () => {
  it.each<[string, JsonObject, JsonObject, JsonObject]>([
    ["rename", { step: "rename", from: "a", to: "b" }, { a: 1, c: 2 }, { b: 1, c: 2 }],
    ["rename of what is not there", { step: "rename", from: "a", to: "b" }, { b: 1 }, { b: 1 }],
    [
      "rename into an object",
      { step: "rename", from: "town", to: "address.city" },
      { town: "X" },
      { address: { city: "X" } },
    ],
    [
      "rename out of an object, which goes with its last member",
      { step: "rename", from: "address.city", to: "town" },
      { address: { city: "X" }, a: 1 },
      { town: "X", a: 1 },
    ],
    [
      "rename in each element of a list",
      { step: "rename", from: "people.*.n", to: "people.*.name.first" },
      { people: [{ n: "A" }, { m: 1 }, { n: "B", m: 2 }] },
      { people: [{ name: { first: "A" } }, { m: 1 }, { name: { first: "B" }, m: 2 }] },
    ],
    ["remove", { step: "remove", field: "a.b" }, { a: { b: 1, c: 2 } }, { a: { c: 2 } }],
    ["remove of what is not there", { step: "remove", field: "a.b" }, { a: {} }, { a: {} }],
    ["set", { step: "set", field: "a", value: { x: [1] } }, { a: 1 }, { a: { x: [1] } }],
    ["default where there is nothing", { step: "default", field: "a.b", value: 1 }, {}, { a: { b: 1 } }],
    ["default where there is null", { step: "default", field: "a", value: 1 }, { a: null }, { a: null }],
    ["map", { step: "map", field: "a", values: { m: "male" } }, { a: "m" }, { a: "male" }],
    ["map of a number", { step: "map", field: "a", values: { "1": true } }, { a: 1 }, { a: true }],
    ["map of a list", { step: "map", field: "a", values: { x: 1, y: 2 } }, { a: ["y", "x"] }, { a: [2, 1] }],
    ["map that keeps others", { step: "map", field: "a", values: { x: 1 }, others: "keep" }, { a: "z" }, { a: "z" }],
    ["map that removes others", { step: "map", field: "a", values: { x: 1 }, others: "remove" }, { a: "z" }, {}],
    [
      "map of a list that removes others",
      { step: "map", field: "a", values: { x: 1 }, others: "remove" },
      { a: ["z", "x"] },
      { a: [1] },
    ],
    [
      "map of what objects inherit",
      { step: "map", field: "a", values: { x: 1 }, others: "keep" },
      { a: "toString" },
      { a: "toString" },
    ],
    ["to a text", { step: "convert", field: "a", to: "string" }, { a: 7 }, { a: "7" }],
    ["to a whole number", { step: "convert", field: "a", to: "integer" }, { a: " 42" }, { a: 42 }],
    ["to a whole number below zero", { step: "convert", field: "a", to: "integer" }, { a: "-42" }, { a: -42 }],
    ["to a number", { step: "convert", field: "a", to: "number" }, { a: "-4.5e1" }, { a: -45 }],
    ["to yes or no", { step: "convert", field: "a", to: "boolean" }, { a: "TRUE" }, { a: true }],
    ["to a list", { step: "convert", field: "a", to: "list" }, { a: "x" }, { a: ["x"] }],
    ["of each element", { step: "convert", field: "a", to: "integer" }, { a: ["1", 2] }, { a: [1, 2] }],
    [
      "split, the last takes the rest",
      { step: "split", field: "n", into: ["first", "last"], separator: " " },
      { n: "Asha Rani Devi" },
      { first: "Asha", last: "Rani Devi" },
    ],
    [
      "split of too little",
      { step: "split", field: "n", into: ["first", "last"], separator: " " },
      { n: "Asha" },
      { first: "Asha" },
    ],
    [
      "split into the field itself",
      { step: "split", field: "n", into: ["n", "m"], separator: "/" },
      { n: "1/2" },
      { n: "1", m: "2" },
    ],
    [
      "join, in this order",
      { step: "join", fields: ["b", "a", "c"], into: "n", separator: ", " },
      { a: "A", b: "B" },
      { n: "B, A" },
    ],
    ["join of nothing", { step: "join", fields: ["a", "b"], into: "n", separator: "" }, { x: 1 }, { x: 1 }],
  ])("%s", (_name, step, before, after) => {
    const given = structuredClone(before);
    expect(migrate([step], given)).toEqual(after);
    expect(given).toEqual(before);
  });

  it.each<[string, JsonObject, JsonObject, string]>([
    ["rename onto what is there", { step: "rename", from: "a", to: "b" }, { a: 1, b: 2 }, "/b"],
    ["a place inside what is no object", { step: "set", field: "a.b", value: 1 }, { a: 1 }, "/a/b"],
    ["a value that the map does not list", { step: "map", field: "a", values: { x: 1 } }, { a: "z" }, "/a"],
    ["an element that the map does not list", { step: "map", field: "a", values: { x: 1 } }, { a: ["x", "z"] }, "/a"],
    ["a code with zeros as a number", { step: "convert", field: "a", to: "integer" }, { a: "007" }, "/a"],
    ["a text with a fraction as a whole number", { step: "convert", field: "a", to: "integer" }, { a: "2.0" }, "/a"],
    ["a fraction as a whole number", { step: "convert", field: "a", to: "integer" }, { a: 1.5 }, "/a"],
    ["a number beyond what is exact", { step: "convert", field: "a", to: "number" }, { a: "9007199254740993" }, "/a"],
    ["a word as yes or no", { step: "convert", field: "a", to: "boolean" }, { a: "yes" }, "/a"],
    ["an object as a text", { step: "convert", field: "a", to: "string" }, { a: {} }, "/a"],
    ["a number that is split", { step: "split", field: "a", into: ["b", "c"], separator: "." }, { a: 1.5 }, "/a"],
    [
      "a number that is joined",
      { step: "join", fields: ["a", "b"], into: "c", separator: "" },
      { a: "x", b: 1 },
      "/a, b",
    ],
  ])("refuses a record for %s", (_name, step, data, place) => {
    expect(refusalOf(() => migrate([step], data))).toBe(`record_invalid: ${place}`);
  });

  it("makes a member of its own even of a name that objects inherit", () => {
    const made = migrate([{ step: "set", field: "__proto__.polluted", value: 1 }], {});
    expect(JSON.stringify(made)).toBe('{"__proto__":{"polluted":1}}');
    expect(({} as JsonObject).polluted).toBeUndefined();
  });
});

it("steps are done in their order, and every fault of a record is named", () => {
  const steps = [
    { step: "rename", from: "a", to: "b" },
    { step: "map", field: "b", values: { x: "y" } },
    { step: "convert", field: "c", to: "integer" },
  ];
  expect(migrate(steps, { a: "x", c: "1" })).toEqual({ b: "y", c: 1 });
  expect(refusalOf(() => migrate(steps, { a: "z", c: "one" }))).toBe("record_invalid: /b, /c");
});

describe("a plan is refused", () => {
  it.each<[string, Json | undefined, string]>([
    ["that is none", undefined, "/"],
    ["without steps", {}, "/"],
    ["with an unknown member", { steps: [], stpes: 1 }, "/"],
    ["for version 0", { steps: [], to: 0 }, "/to"],
    ["with a step of no kind", { steps: [{ step: "drop", field: "a" }] }, "/steps/0"],
    [
      "with a step that lacks something",
      {
        steps: [
          { step: "remove", field: "a" },
          { step: "rename", from: "a" },
        ],
      },
      "/steps/1",
    ],
    ["with an empty name in a path", { steps: [{ step: "remove", field: "a..b" }] }, "/steps/0"],
    ["that removes elements of a list", { steps: [{ step: "remove", field: "a.*" }] }, "/steps/0"],
    ["that moves values between elements", { steps: [{ step: "rename", from: "a.*.b", to: "c" }] }, "/steps/0"],
  ])("%s", (_name, plan, place) => {
    expect(refusalOf(() => parseMigrationPlan(plan))).toBe(`migration_plan_invalid: ${place}`);
  });
});
