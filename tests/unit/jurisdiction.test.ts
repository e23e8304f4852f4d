// Claims and bounds as pure rules.
import { describe, expect, it } from "vitest";
import type { Staff } from "../../src/identity/caller.ts";
import { ANONYMOUS } from "../../src/identity/caller.ts";
import { type Claims, claimText, findBounds, parseClaims } from "../../src/identity/jurisdiction.ts";
import { CLAIM_CHARS_MAX, CLAIM_VALUES_MAX } from "../../src/limits.ts";
import { caughtCode } from "../caught-code.ts";

const RULES = [
  { field: "place.district", claim: "district" },
  { field: "kind", claim: "kind" },
];

const staff = (claims?: Claims): Staff => ({
  kind: "staff",
  tokenId: "1",
  name: "Asha",
  person: "Asha",
  issuer: undefined,
  role: "registrar",
  registries: undefined,
  claims,
});

describe("the bounds of a caller", () => {
  it("are the values of each claim that a rule names", () => {
    const bounds = findBounds(staff({ district: ["021", "022"], kind: ["dug"] }), RULES);
    expect(bounds.map(({ values }) => values)).toEqual([["021", "022"], ["dug"]]);
  });

  it("are none where every claim has all values, or nothing is ruled", () => {
    expect(findBounds(staff({ district: ["*"], kind: ["dug", "*"] }), RULES)).toEqual([]);
    expect(findBounds(staff(), [])).toEqual([]);
  });

  it("leave nothing to who lacks a claim, whatever the claim is called", () => {
    expect(findBounds(staff(), RULES).map(({ values }) => values)).toEqual([[], []]);
    expect(findBounds(ANONYMOUS, RULES).map(({ values }) => values)).toEqual([[], []]);
    expect(findBounds(staff({}), [{ field: "x", claim: "constructor" }])[0]!.values).toEqual([]);
  });
});

describe("claims", () => {
  it("are read from texts, several values of one too", () => {
    expect(parseClaims(["district=021", "district=022", "kind=a=b", "district=021"])).toEqual({
      district: ["021", "022"],
      kind: ["a=b"],
    });
  });

  it.each([
    "district",
    "=021",
    "district=",
    "District=1",
    "a b=1",
    `a=${"x".repeat(CLAIM_CHARS_MAX + 1)}`,
    "a=x\u0000",
  ])("are refused where they are malformed: %j", (text) => {
    expect(caughtCode(() => parseClaims([text]))).toBe("request_invalid");
  });

  it("are refused where there are too many", () => {
    const texts = (count: number) => Array.from({ length: count }, (_, at) => `a=${at}`);
    expect(parseClaims(texts(CLAIM_VALUES_MAX)).a).toHaveLength(CLAIM_VALUES_MAX);
    expect(caughtCode(() => parseClaims(texts(CLAIM_VALUES_MAX + 1)))).toBe("request_invalid");
  });

  it("are compared with texts, numbers and truth values, and with nothing else", () => {
    expect([
      claimText("021"),
      claimText(21),
      claimText(true),
      claimText(null),
      claimText(["021"]),
      claimText({}),
    ]).toEqual(["021", "21", "true", undefined, undefined, undefined]);
  });
});
