// The public metadata policy vectors of OpenID Federation 1.0, with their error codes. Reads nothing but the vectors.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { canonicalJson, type JsonObject } from "../../src/crypto/json.ts";
import { AttestryError } from "../../src/errors.ts";
import { applyTypePolicy, mergeTypePolicies, parseTypePolicy } from "../../src/federation/metadata-policy.ts";

interface Vector {
  readonly n: number;
  readonly TA: JsonObject;
  readonly INT: JsonObject;
  readonly merged?: JsonObject;
  readonly metadata: JsonObject;
  readonly resolved?: JsonObject;
  readonly error?: "invalid_policy" | "invalid_metadata";
}

const file = new URL("../../../shared/vectors/openid-federation/metadata-policy.json", import.meta.url);
if (!existsSync(file)) console.warn("skipped: ../shared/vectors/openid-federation is not there");

const OUR_CODE = { invalid_policy: "policy_invalid", invalid_metadata: "policy_violated" };

function evaluate(vector: Vector): { merged: JsonObject; resolved: JsonObject } | { error: string } {
  try {
    const merged = mergeTypePolicies(parseTypePolicy(vector.TA), parseTypePolicy(vector.INT));
    return { merged: Object.fromEntries(merged) as JsonObject, resolved: applyTypePolicy(merged, vector.metadata) };
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    return { error: error.code };
  }
}

// Array operands are sets (§6.1.3.1), so the vectors leave their order open.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted).sort();
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, sorted(member)]));
}

describe.skipIf(!existsSync(file))("metadata policy vectors", () => {
  test("every public case merges, resolves or fails as published", () => {
    const vectors = JSON.parse(readFileSync(file, "utf8")) as Vector[];
    expect(vectors.length).toBeGreaterThanOrEqual(1514);
    const wrong = vectors.filter((vector) => {
      const expected =
        vector.error === undefined
          ? { merged: vector.merged, resolved: vector.resolved }
          : { error: OUR_CODE[vector.error] };
      return canonicalJson(sorted(evaluate(vector))) !== canonicalJson(sorted(expected));
    });
    expect(wrong.map((vector) => vector.n)).toEqual([]);
  });
});
