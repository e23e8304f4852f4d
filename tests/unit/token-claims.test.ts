// Claims of a foreign token: whatever stands there is read or refused by name, and never ends the verifier.
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

describe("the records that a record succeeds", () => {
  const URL_OF_RECORD = "https://b.example/registries/wells/records/00000000-0000-8000-8000-000000000001";

  it("are read, on whichever node", () => {
    expect(claimsWith({ replaces: [URL_OF_RECORD] }).replaces).toEqual([URL_OF_RECORD]);
    expect(claimsWith({}).replaces).toEqual([]);
  });

  it.each<Json>([[], "x", [URL_OF_RECORD, 7], ["https://b.example/"], {}])("%j is refused by name", (replaces) => {
    expect(caughtCode(() => claimsWith({ replaces }))).toBe("token_invalid");
  });

  it("stand open under the signature", () => {
    const disclosed = { ...PAYLOAD, replaces: [URL_OF_RECORD] };
    expect(caughtCode(() => parseRecordClaims(PAYLOAD, disclosed))).toBe("token_invalid");
  });
});

describe("the act of a version", () => {
  it("may have parts that are disclosures, but the operation stands open", () => {
    const parse = (open: JsonObject, whole: JsonObject) =>
      parseRecordClaims({ ...PAYLOAD, act: open }, { ...PAYLOAD, act: whole });
    expect(caughtCode(() => parse({ operation: "create" }, { operation: "create", by: "x" }))).toBeUndefined();
    expect(caughtCode(() => parse({ role: "registrar" }, { role: "registrar", operation: "create" }))).toBe(
      "token_invalid",
    );
  });
});
