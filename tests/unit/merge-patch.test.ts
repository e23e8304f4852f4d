// JSON Merge Patch against the cases of RFC 7396, appendix A.
import { expect, it } from "vitest";
import { type Json, parseJson } from "../../src/crypto/json.ts";
import { applyMergePatch } from "../../src/records/writing/merge-patch.ts";

// RFC 7396 appendix A: original, patch, result.
const CASES: [Json, Json, Json][] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

it.each(CASES)("patches %j by %j into %j, and leaves the original as it was", (original, patch, result) => {
  const before = structuredClone(original);
  expect(applyMergePatch(original, patch)).toEqual(result);
  expect(original).toEqual(before);
});

it("makes an object where there was nothing", () => {
  expect(applyMergePatch(undefined, { a: { b: null, c: 1 } })).toEqual({ a: { c: 1 } });
});

it("treats names that objects inherit as any other", () => {
  const patch = parseJson('{"constructor":{"name":"x"},"toString":null}');
  expect(applyMergePatch({ toString: "t", a: 1 }, patch)).toEqual({ a: 1, constructor: { name: "x" } });
  expect(Object.prototype.toString.call({})).toBe("[object Object]");
});
