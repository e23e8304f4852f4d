// Which disclosures are kept for what is chosen: nested, in arrays, with those that they stand inside, and nothing else.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { buildSdJwt } from "../../src/crypto/sd-jwt.ts";
import { processDisclosures } from "../../src/crypto/sd-jwt-disclosures.ts";
import { selectDisclosures } from "../../src/crypto/sd-jwt-selection.ts";

let salts = 0;
const { payload, disclosures } = buildSdJwt({
  payload: {
    iss: "https://a.example",
    act: { staff: "x9" },
    data: {
      name: "Asha",
      born: "1990-01-01",
      address: { city: "Ludhiana", street: "Mall Road" },
      phones: ["1", "2"],
      children: [{ name: "Ravi", born: "2015-01-01" }, { name: "Mira" }],
    },
  },
  isDisclosable: (path) => path.length > 1,
  salt: () => `salt-${String(salts++).padStart(18, "0")}`,
});

/** What somebody sees who is given the disclosures of what is chosen, by the names on the way to it. */
function show(...chosen: readonly string[]): JsonObject {
  const kept = selectDisclosures({
    payload,
    disclosures,
    isChosen: (path) => chosen.some((name) => name === path.join(".") || path.join(".").startsWith(`${name}.`)),
  });
  expect(kept).toEqual(disclosures.filter((disclosure) => kept.includes(disclosure)));
  const { iss: _, ...claims } = processDisclosures(payload, kept).claims;
  return claims;
}

describe("disclosures chosen of a token", () => {
  it.each<[string[], JsonObject]>([
    [[], { act: {}, data: {} }],
    [["data.name"], { act: {}, data: { name: "Asha" } }],
    [["data.address.city"], { act: {}, data: { address: { city: "Ludhiana" } } }],
    [["data.address"], { act: {}, data: { address: { city: "Ludhiana", street: "Mall Road" } } }],
    [["data.phones"], { act: {}, data: { phones: ["1", "2"] } }],
    [["data.children.name"], { act: {}, data: { children: [{ name: "Ravi" }, { name: "Mira" }] } }],
    [["act"], { act: { staff: "x9" }, data: {} }],
    [["data.nothing", "name", ""], { act: {}, data: {} }],
  ])("show of %j that and what stands around it", (chosen, seen) => {
    expect(show(...chosen)).toEqual(seen);
  });

  it("show all where all is chosen", () => {
    expect(selectDisclosures({ payload, disclosures, isChosen: () => true })).toEqual(disclosures);
  });

  it("are only of those that are at hand", () => {
    const own = disclosures.slice(1, 3);
    expect(selectDisclosures({ payload, disclosures: own, isChosen: () => true }).length).toBeLessThanOrEqual(2);
    expect(selectDisclosures({ payload, disclosures: [], isChosen: () => true })).toEqual([]);
  });
});
