// The published schemas say what the verifier takes and gives, and no more.
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { CHECK_NAMES } from "../../src/verification/policy.ts";
import { VERIFICATION_SENTENCES } from "../../src/verification/report.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { createSample, NOW } from "../record-fixture.ts";

function readSchema(name: string): JsonObject {
  return JSON.parse(readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), "utf8"));
}

function compile(name: string): ValidateFunction {
  return new Ajv2020({ strict: true, strictRequired: false }).compile(readSchema(name));
}

describe("schemas/evidence", () => {
  it("accepts true evidence and refuses what the verifier would not read", async () => {
    const { evidence } = await createSample();
    const validate = compile("evidence");
    expect(validate(evidence)).toBe(true);
    expect(validate({ ...evidence, receipts: { ...evidence.receipts, first: evidence.receipts.recent } })).toBe(true);
    expect(validate({ ...evidence, anchors: [] })).toBe(false);
    expect(validate({ ...evidence, receipts: {} })).toBe(false);
    expect(validate({ ...evidence, token: evidence.token.slice(0, -1) })).toBe(false);
    expect(validate({ ...evidence, chain: [] })).toBe(false);
  });
});

describe("schemas/verification-report", () => {
  it("accepts reports of valid and invalid records", async () => {
    const { world, evidence } = await createSample();
    const validate = compile("verification-report");
    const verifier = createVerifier({ anchors: world.chain.anchors, statusMaxAgeSeconds: 300 });
    const good = await verifier.verify(evidence, { now: NOW });
    const bad = await verifier.verify({}, { now: NOW });
    expect(validate(good)).toBe(true);
    expect(validate(bad)).toBe(true);
    expect(validate({ ...bad, record: good.record })).toBe(false);
    expect(validate({ ...good, checks: good.checks.slice(1) })).toBe(false);
  });

  it("lists exactly the checks and codes of the source", () => {
    const { check, code } = readSchema("verification-report").$defs as { check: JsonObject; code: JsonObject };
    expect(check.enum).toEqual(CHECK_NAMES);
    expect(code.enum).toEqual(Object.keys(VERIFICATION_SENTENCES));
  });
});

describe("schemas/token-payload", () => {
  it("accepts version 1 and version 2, and refuses a version without its predecessor", async () => {
    const validate = compile("token-payload");
    for (const version of [1, 2]) {
      const { logged } = await createSample({ version });
      const { payload } = decodeJws(logged.jwt);
      expect(validate(payload)).toBe(true);
      expect(validate({ ...payload, rver: version === 1 ? 2 : 1 })).toBe(false);
      expect(validate({ ...payload, rid: "BR-2026-00000042" })).toBe(false);
    }
  });
});
