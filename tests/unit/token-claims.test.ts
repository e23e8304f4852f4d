// Dates in a foreign token: whatever stands there is read or refused by name, and never ends the verifier.
import { describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { parseRecordClaims } from "../../src/verification/token-claims.ts";
import { caughtCode } from "../caught-code.ts";

const PAYLOAD: JsonObject = {
  iss: "https://a.example",
  vct: "https://a.example/registries/wells/schema/1",
  "vct#integrity": `sha256-${"A".repeat(43)}=`,
  rid: "00000000-0000-8000-8000-000000000000",
  rtype: "wells",
  rver: 1,
  iat: 1,
  act: {},
  data: {},
};

const claimsWith = (claims: JsonObject) => parseRecordClaims({ ...PAYLOAD, ...claims }, { ...PAYLOAD, ...claims });

describe("a date of effect", () => {
  it.each<[string, number]>([
    ["2026-02-28", Date.UTC(2026, 1, 28) / 1_000],
    ["2024-02-29", Date.UTC(2024, 1, 29) / 1_000],
    ["2026-02-28T10:00:00+05:30", Date.UTC(2026, 1, 28, 4, 30) / 1_000],
  ])("%s is read", (text, seconds) => {
    expect(claimsWith({ valid_from: text }).effectiveFrom).toBe(seconds);
  });

  it.each<Json>([
    "hello",
    "",
    "2026-02-30",
    "2026-13-01",
    "2026-02-30T10:00:00Z",
    "2026-01-01T25:00:00Z",
    "2026",
    7,
    null,
    {},
  ])("%j is refused by name", (value) => {
    expect(caughtCode(() => claimsWith({ valid_from: value }))).toBe("token_invalid");
    expect(caughtCode(() => claimsWith({ valid_until: value }))).toBe("token_invalid");
  });
});
