// Metadata policies where the public vectors say nothing: form, order of superiors, scope, critical operators.
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import {
  applyTypePolicy,
  checkCriticalOperators,
  mergeMetadataPolicies,
  parseMetadataPolicy,
  parseTypePolicy,
} from "../../src/federation/metadata-policy.ts";

const apply = (policy: JsonObject, metadata: JsonObject): JsonObject =>
  applyTypePolicy(parseTypePolicy(policy), metadata);

describe("the form of a policy", () => {
  const refused: [string, Json][] = [
    ["a list in place of a policy", []],
    ["a parameter that is no object", { contacts: "subset_of" }],
    ["subset_of with one text", { contacts: { subset_of: "a" } }],
    ["an empty one_of", { contacts: { one_of: [] } }],
    ["essential with a text", { contacts: { essential: "true" } }],
    ["a default of null", { contacts: { default: null } }],
    ["one_of beside subset_of", { contacts: { one_of: ["a"], subset_of: ["a"] } }],
    ["value outside subset_of", { contacts: { value: ["b"], subset_of: ["a"] } }],
  ];
  test.each(refused)("%s is refused", (_, policy) => {
    expect(() => parseTypePolicy(policy)).toThrow(expect.objectContaining({ code: "policy_invalid" }));
  });

  test("an unknown operator is ignored unless the statement calls it critical", () => {
    expect(apply({ contacts: { regexp: "^a" } }, { contacts: ["b"] })).toEqual({ contacts: ["b"] });
    expect(() => checkCriticalOperators(["regexp"])).toThrow(
      expect.objectContaining({ code: "policy_operator_unsupported" }),
    );
  });

  test.each([[[]], ["regexp"], [["subset_of"]], [[1]]] as [Json][])("metadata_policy_crit %j is malformed", (value) => {
    expect(() => checkCriticalOperators(value)).toThrow(expect.objectContaining({ code: "policy_invalid" }));
  });
});

describe("applying a policy", () => {
  test("operators act in the order of the standard: value, add, default, then the checks", () => {
    const policy = { types: { add: ["c"], subset_of: ["a", "c"], superset_of: ["a"] }, name: { default: "none" } };
    expect(apply(policy, { types: ["a", "b"] })).toEqual({ types: ["a", "c"], name: "none" });
  });

  test("a superior's value null takes a parameter away, whatever the subordinate superiors say of other operators", () => {
    const above = parseMetadataPolicy({ registry_node: { contacts: { value: null } } });
    const below = parseMetadataPolicy({ registry_node: { contacts: { essential: false } } });
    const merged = mergeMetadataPolicies([above, below]).get("registry_node")!;
    expect(applyTypePolicy(merged, { contacts: ["a"] })).toEqual({});
  });

  test("scope is a set written as one text", () => {
    expect(apply({ scope: { subset_of: ["read", "write"] } }, { scope: "read admin" })).toEqual({ scope: "read" });
    expect(apply({ scope: { add: ["read"] } }, {})).toEqual({ scope: "read" });
  });

  test("an array operator over a single value violates the policy", () => {
    expect(() => apply({ types: { subset_of: ["a"] } }, { types: "a" })).toThrow(
      expect.objectContaining({ code: "policy_violated" }),
    );
  });
});

describe("merging policies", () => {
  test("subset_of can only shrink on the way down", () => {
    const policies = [
      ["a", "b", "c"],
      ["b", "c", "d"],
      ["c", "x"],
    ].map((types) => parseMetadataPolicy({ registry_node: { registry_types: { subset_of: types } } }));
    expect(mergeMetadataPolicies(policies).get("registry_node")?.get("registry_types")).toEqual({ subset_of: ["c"] });
  });

  test("a subordinate superior cannot contradict the one above it", () => {
    const above = parseMetadataPolicy({ registry_node: { types: { subset_of: ["a"] } } });
    const below = parseMetadataPolicy({ registry_node: { types: { value: ["b"] } } });
    expect(() => mergeMetadataPolicies([above, below])).toThrow(expect.objectContaining({ code: "policy_invalid" }));
  });
});
