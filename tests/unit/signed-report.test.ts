// The report that an agency keeps of a verification: it says what was found and when, has no content, and a contradiction in it is refused.
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { sha256Base64url } from "../../src/crypto/hash.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { signJws } from "../../src/crypto/jws.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import type { VerifierPolicy } from "../../src/verification/policy.ts";
import {
  type AskedFor,
  buildReportPayload,
  digestPolicy,
  SIGNED_REPORT_TYPE,
  verifySignedReport,
} from "../../src/verification/signed-report.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { settledCode } from "../caught-code.ts";
import { createSample, NOW } from "../record-fixture.ts";

const signer = createSigner(generateSeed());
const keys = [signer.publicKey];
const sign = (payload: JsonObject, typ = SIGNED_REPORT_TYPE) => signJws({ signer, typ, payload });

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), "utf8"));
const ajv = new Ajv2020({ strict: true, strictRequired: false, validateFormats: false });
ajv.addSchema(read("verification-report"), "verification-report.schema.json");
const isBySchema = ajv.compile(read("signed-verification-report"));

async function sample(change: (evidence: JsonObject) => JsonObject = (evidence) => evidence, asked?: AskedFor) {
  const { world, logged, evidence } = await createSample();
  const policy: VerifierPolicy = { anchors: world.chain.anchors, statusMaxAgeSeconds: 300 };
  const evidenceText = JSON.stringify(change(evidence as unknown as JsonObject));
  const report = await createVerifier(policy).verifyText(evidenceText, { now: NOW });
  const payload = buildReportPayload({
    report,
    policy,
    evidenceText,
    verifier: "https://agency.example",
    judgedAt: NOW,
    signedAt: NOW + 5,
    ...(asked && { asked }),
  });
  return { logged, policy, evidenceText, report, payload };
}

describe("a signed verification report", () => {
  it("says of which record, by which policy, from which file, when and with what outcome", async () => {
    const { logged, policy, evidenceText, report, payload } = await sample();
    expect(isBySchema(payload), JSON.stringify(isBySchema.errors)).toBe(true);
    const signed = await verifySignedReport(await sign(payload), keys);
    expect(signed).toEqual({
      verifier: "https://agency.example",
      signedAt: NOW + 5,
      judgedAt: NOW,
      evidence: sha256Base64url(evidenceText),
      policy: digestPolicy(policy),
      verdict: "valid",
      required: report.required,
      checks: report.checks.map(({ check, result, code }) => ({ check, result, code })),
      record: { href: report.record!.href, version: 1, digest: sha256Base64url(logged.jwt) },
    });
  });

  it("has nothing of the record's content, nor of the sentences that may quote it", async () => {
    const { payload } = await sample();
    for (const word of ["Northmarch", "A. Person", "officer", "upper", "021", "In order"])
      expect(JSON.stringify(payload)).not.toContain(word);
  });

  it("names no record where none was proved", async () => {
    const { payload } = await sample((evidence) => ({ ...evidence, definition: "{}" }));
    expect(isBySchema(payload)).toBe(true);
    const signed = await verifySignedReport(await sign(payload), keys);
    expect(signed.verdict).toBe("invalid");
    expect(signed.record).toBeUndefined();
    expect(signed.checks).toContainEqual({ check: "schema", result: "fail", code: "definition_mismatch" });
  });

  it("has one policy digest however the policy's file was written, and another for another policy", async () => {
    const { policy } = await sample();
    const { anchors, statusMaxAgeSeconds } = policy;
    expect(digestPolicy({ statusMaxAgeSeconds, anchors })).toBe(digestPolicy(policy));
    expect(digestPolicy({ ...policy, allowSuperseded: true })).not.toBe(digestPolicy(policy));
  });

  it.each<[string, (payload: JsonObject) => JsonObject]>([
    ["no verifier", ({ iss: _, ...payload }) => payload],
    ["a time in words", (payload) => ({ ...payload, iat: "now" })],
    ["a negative time", (payload) => ({ ...payload, judged_at: -1 })],
    ["a digest cut short", (payload) => ({ ...payload, evidence: "abc" })],
    ["an unknown verdict", (payload) => ({ ...payload, verdict: "probably" })],
    ["a no that names a record", (payload) => ({ ...payload, verdict: "invalid" })],
    ["a yes without a record", ({ record: _, ...payload }) => payload],
    ["a yes although a required check did not pass", (payload) => ({ ...payload, required: ["witness"] })],
    ["an unknown check", (payload) => ({ ...payload, required: ["luck"] })],
    ["a check left out", (payload) => ({ ...payload, checks: (payload.checks as JsonObject[]).slice(1) })],
    ["checks in another order", (payload) => ({ ...payload, checks: (payload.checks as JsonObject[]).toReversed() })],
    [
      "an unknown code",
      (payload) => ({ ...payload, checks: (payload.checks as JsonObject[]).map((one) => ({ ...one, code: "fine" })) }),
    ],
    ["a record elsewhere", (payload) => ({ ...payload, record: { ...(payload.record as JsonObject), href: "x" } })],
    ["version 0", (payload) => ({ ...payload, record: { ...(payload.record as JsonObject), version: 0 } })],
  ])("is refused with %s", async (_, change) => {
    const { payload } = await sample();
    expect(await settledCode(verifySignedReport(await sign(change(payload)), keys))).toBe("token_invalid");
  });

  it("says what a node was asked for and what came of it, also where there was nothing to judge", async () => {
    const { report } = await sample();
    const { href } = report.record!;
    const valid = await sample(undefined, { reference: { href, version: 1 }, outcome: "verified" });
    expect(isBySchema(valid.payload), JSON.stringify(isBySchema.errors)).toBe(true);
    const found = await verifySignedReport(await sign(valid.payload), keys);
    expect([found.asked, found.outcome]).toEqual([{ href, version: 1 }, "verified"]);
    const none = await sample(() => ({}), { reference: { href }, outcome: "peer_unreachable" });
    expect(isBySchema(none.payload)).toBe(true);
    expect((await verifySignedReport(await sign(none.payload), keys)).asked).toEqual({ href });
  });

  it.each<[string, (payload: JsonObject, href: string) => JsonObject]>([
    [
      "another record than the proved one",
      ({ asked: _, ...payload }, href) => ({
        ...payload,
        asked: { href: `${href.slice(0, -1)}${href.endsWith("0") ? 1 : 0}` },
      }),
    ],
    ["no record's address", (payload) => ({ ...payload, asked: { href: "https://x.example" } })],
    ["version 0", (payload, href) => ({ ...payload, asked: { href, version: 0 } })],
    ["an unknown member", (payload, href) => ({ ...payload, asked: { href, name: "x" } })],
    ["an outcome that contradicts the verdict", (payload) => ({ ...payload, outcome: "record_revoked" })],
    ["an outcome in words", (payload) => ({ ...payload, outcome: "Not good" })],
    ["no outcome", ({ outcome: _, ...payload }) => payload],
    ["an outcome of nothing", ({ asked: _, ...payload }) => payload],
  ])("is refused where what was asked for is %s", async (_, change) => {
    const { report } = await sample();
    const { href } = report.record!;
    const { payload } = await sample(undefined, { reference: { href }, outcome: "verified" });
    expect(await settledCode(verifySignedReport(await sign(payload), keys))).toBe("accepted");
    expect(await settledCode(verifySignedReport(await sign(change(payload, href)), keys))).toBe("token_invalid");
  });

  it("is refused as another kind of token, and by another key", async () => {
    const { payload } = await sample();
    expect(await settledCode(verifySignedReport(await sign(payload, "attestry-state+jwt"), keys))).toBe(
      "type_not_allowed",
    );
    const other = [createSigner(generateSeed()).publicKey];
    expect(await settledCode(verifySignedReport(await sign(payload), other))).toBe("key_unknown");
  });
});
