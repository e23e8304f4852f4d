// Every file of the corpus has, in Node, the verdict and the code that were written down for it by hand.
import { describe, expect, it } from "vitest";
import { parseVerifierPolicyText } from "../../src/verification/policy-file.ts";
import {
  VERIFICATION_SENTENCES,
  type VerificationCode,
  type VerificationReport,
} from "../../src/verification/report.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import type { ExpectedReport } from "../corpus/corpus-case.ts";
import { buildEvidenceCorpus } from "../evidence-corpus.ts";

// What one policy for all files cannot bring about: it asks for no particular record, allows no old version and names no witness.
const OF_OTHER_POLICIES: readonly VerificationCode[] = [
  // Of what people share and of their own copies: tests/api/shares.test.ts.
  "passed_by_share",
  "passed_as_copy",
  "status_superseded_allowed",
  "fresh_by_witnesses",
  // Said where a reference is checked and its department gave nothing: there is no file then.
  "record_not_had",
  "status_receipt_missing",
  "checkpoint_time_unknown",
  "href_mismatch",
  "version_mismatch",
  "digest_mismatch",
  "registry_type_mismatch",
  "witness_quorum_missed",
  "witness_signature_invalid",
  // What binds a token to its reader comes from nodes that were asked: tests/network/consent.test.ts.
  "presentation_malformed",
  "presentation_signature_invalid",
  "presentation_foreign",
  "presentation_token_mismatch",
  "presentation_expired",
  "presentation_audience_not_given",
  "presentation_audience_wrong",
  "presentation_nonce_wrong",
  "reading_not_logged",
  "checkpoint_stale",
];

const corpus = await buildEvidenceCorpus();
const verifier = createVerifier(parseVerifierPolicyText(JSON.stringify(corpus.policy)));
const reports = new Map<string, VerificationReport>();
for (const { name, text, now } of corpus.files) reports.set(name, await verifier.verifyText(text, { now }));

/** The first required check that did not pass by itself, or what is expected to be told of one that passed. */
function summaryOf(report: VerificationReport, expected: ExpectedReport): ExpectedReport {
  const { verdict, valid, required, checks } = report;
  const found = valid
    ? checks.find(({ check }) => check === expected.check)
    : checks.find(
        ({ check, result, code }) => required.includes(check) && result !== "pass" && code !== "prerequisite_failed",
      );
  return { verdict, valid, ...(found && { check: found.check, code: found.code }) };
}

describe("the evidence corpus", () => {
  it.each(corpus.files.map((file) => [file.name, file] as const))("%s", (name, { expected }) => {
    expect(summaryOf(reports.get(name)!, expected)).toEqual(expected);
  });

  it("has 200 files with names of their own, which tell what is wrong with them", () => {
    expect(corpus.files).toHaveLength(200);
    expect(new Set(corpus.files.map(({ name }) => name)).size).toBe(200);
    for (const { name, expected } of corpus.files) {
      expect(name).toMatch(/^[a-z0-9_]+\.[a-z0-9-]+$/);
      expect(name.split(".")[0]).toBe(expected.valid ? "valid" : expected.code);
    }
  });

  it("brings about every code there is, but for those of other policies", () => {
    const met = new Set([...reports.values()].flatMap(({ checks }) => checks.map(({ code }) => code)));
    const missed = Object.keys(VERIFICATION_SENTENCES).filter((code) => !met.has(code as VerificationCode));
    expect(missed).toEqual(OF_OTHER_POLICIES);
  });

  it("is the same at every run", async () => {
    expect((await buildEvidenceCorpus()).files).toEqual(corpus.files);
  });

  it("has the same reports from a verifier that remembers nothing, and in whatever order they are asked", async () => {
    for (const { name, text, now } of corpus.files.toReversed()) {
      const fresh = createVerifier(parseVerifierPolicyText(JSON.stringify(corpus.policy)));
      expect(await fresh.verifyText(text, { now }), name).toEqual(reports.get(name));
      expect(await verifier.verifyText(text, { now }), name).toEqual(reports.get(name));
    }
  });
});
