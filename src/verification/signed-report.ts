// What an agency may keep and show of a verification: record, version, digest, checks, time, never content. Signs nothing itself, judges no record.
import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { parseRecordUrl, parseReference, type Reference } from "../records/record-url.ts";
import { CHECK_NAMES, type CheckName, type VerifierPolicy } from "./policy.ts";
import { type CheckResult, VERIFICATION_SENTENCES, type Verdict, type VerificationReport } from "./report.ts";

/** Of whoever's key signs it: a node's request key, or one that an agency has for nothing else. */
export const SIGNED_REPORT_TYPE = "attestry-verification-report+jwt";

export interface SignedReport {
  /** Who verified, by its own word: an entity identifier or another URL. */
  readonly verifier: string;
  /** Unix seconds: when it was signed, and as of when the evidence was judged. */
  readonly signedAt: number;
  readonly judgedAt: number;
  /** base64url SHA-256: of the evidence file's text, and of the policy (`digestPolicy`). */
  readonly evidence: string;
  readonly policy: string;
  readonly verdict: Verdict;
  readonly required: readonly CheckName[];
  readonly checks: readonly { readonly check: CheckName; readonly result: CheckResult; readonly code: string }[];
  /** Of a valid report only: of any other nothing about the record is proved. */
  readonly record?: { readonly href: string; readonly version: number; readonly digest: string };
  /** What a node was asked for, and what came of it: "verified", or the stable code of why not. */
  readonly asked?: Reference;
  readonly outcome?: string;
}

/** Of a record that a node asked another for: there may be nothing about it to judge, and yet the report says which one was meant. */
export interface AskedFor {
  readonly reference: Reference;
  readonly outcome: string;
}

const VERDICTS: readonly Verdict[] = ["valid", "invalid", "undecided"];
const RESULTS: readonly CheckResult[] = ["pass", "fail", "not_checked"];
const DIGEST = /^[A-Za-z0-9_-]{43}$/;
const OUTCOME = /^[a-z_]{1,60}$/;
export const VERIFIED = "verified";

/** base64url SHA-256 of a policy's canonical JSON: the same however its file was written. */
export function digestPolicy(policy: VerifierPolicy): string {
  return sha256Base64url(canonicalJson(policy));
}

/**
 * The payload of a signed report. Of the report it takes codes, not messages, whose details may quote. Times in Unix seconds;
 * `evidenceText`: what was verified, as it was given. To be signed as `SIGNED_REPORT_TYPE`.
 */
export function buildReportPayload(given: {
  report: VerificationReport;
  policy: VerifierPolicy;
  evidenceText: string;
  verifier: string;
  judgedAt: number;
  signedAt: number;
  asked?: AskedFor;
}): JsonObject {
  const { verdict, required, checks, record } = given.report;
  const { asked } = given;
  return {
    iss: given.verifier,
    iat: given.signedAt,
    judged_at: given.judgedAt,
    evidence: sha256Base64url(given.evidenceText),
    policy: digestPolicy(given.policy),
    verdict,
    required: [...required],
    checks: checks.map(({ check, result, code }) => ({ check, result, code })),
    ...(record && { record: { href: record.href, version: record.version, digest: record.digest } }),
    ...(asked && { asked: { ...asked.reference }, outcome: asked.outcome }),
  };
}

function invalid(claim: string, rule: string): AttestryError {
  return new AttestryError("token_invalid", `verification report: ${claim} ${rule}`);
}

function readSeconds(value: Json | undefined, claim: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw invalid(claim, "must be Unix seconds");
  return value;
}

function readDigest(value: Json | undefined, claim: string): string {
  if (typeof value !== "string" || !DIGEST.test(value)) throw invalid(claim, "must be a base64url SHA-256");
  return value;
}

function isCheckName(value: Json | undefined): value is CheckName {
  return CHECK_NAMES.some((name) => name === value);
}

function readChecks(value: Json | undefined): SignedReport["checks"] {
  if (!Array.isArray(value) || value.length !== CHECK_NAMES.length) throw invalid("checks", "must list every check");
  return value.map((one, at) => {
    const { check, result, code }: JsonObject = isJsonObject(one) ? one : {};
    if (check !== CHECK_NAMES[at]) throw invalid("checks", "must be in their order");
    const isResult = RESULTS.some((known) => known === result);
    if (!isResult || typeof code !== "string" || !Object.hasOwn(VERIFICATION_SENTENCES, code))
      throw invalid("checks", "must have a result and a code each");
    return { check: CHECK_NAMES[at]!, result: result as CheckResult, code };
  });
}

function readRecord(value: Json | undefined): NonNullable<SignedReport["record"]> {
  const { href, version, digest }: JsonObject = isJsonObject(value) ? value : {};
  if (typeof href !== "string" || parseRecordUrl(href) === undefined)
    throw invalid("record.href", "must be the URL of a record");
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1)
    throw invalid("record.version", "must be a number from 1");
  return { href, version, digest: readDigest(digest, "record.digest") };
}

/** Both or none of them; and where the record is proved, it is the one that was asked for. */
function readAsked(payload: JsonObject, record: SignedReport["record"]): Pick<SignedReport, "asked" | "outcome"> {
  const { asked, outcome } = payload;
  if (asked === undefined && outcome === undefined) return {};
  const reference = isJsonObject(asked) ? parseReportReference(asked) : undefined;
  if (reference === undefined) throw invalid("asked", "must be a reference to a record");
  if (typeof outcome !== "string" || !OUTCOME.test(outcome)) throw invalid("outcome", "must be a code");
  if ((outcome === VERIFIED) !== (record !== undefined)) throw invalid("outcome", "contradicts the verdict");
  if (record !== undefined && record.href !== reference.href) throw invalid("asked", "is another record");
  return { asked: reference, outcome };
}

/** As a reference in a record, and besides one that names a version without its digest, as people ask for it. */
function parseReportReference(asked: JsonObject): Reference | undefined {
  const { href, version } = asked;
  if (Object.keys(asked).length !== 2 || version === undefined) return parseReference(asked);
  const isVersion = typeof version === "number" && Number.isSafeInteger(version) && version > 0;
  return typeof href === "string" && parseRecordUrl(href) && isVersion ? { href, version } : undefined;
}

/**
 * Proves a signed report (untrusted) by keys that the caller has from elsewhere, and reads it. It says what was found then; it is no
 * evidence of the record. Throws `token_invalid` naming the claim, and what `verifyJws` throws.
 */
export async function verifySignedReport(text: string, keys: readonly PublicKey[]): Promise<SignedReport> {
  const { payload } = await verifyJws(text, { typ: SIGNED_REPORT_TYPE, keys });
  const { iss, required, record } = payload;
  const verdict = VERDICTS.find((known) => known === payload.verdict);
  if (typeof iss !== "string" || !URL.canParse(iss)) throw invalid("iss", "must be a URL");
  if (verdict === undefined) throw invalid("verdict", `must be one of ${VERDICTS.join(", ")}`);
  if (!Array.isArray(required) || !required.every(isCheckName)) throw invalid("required", "must be a list of checks");
  const checks = readChecks(payload.checks);
  const isPassed = checks.every(({ check, result }) => result === "pass" || !required.includes(check));
  // Or a signer's slip would be shown as a yes.
  if ((verdict === "valid") !== (record !== undefined) || (verdict === "valid" && !isPassed))
    throw invalid("verdict", "contradicts the checks or the record");
  const proved = record === undefined ? undefined : readRecord(record);
  return {
    verifier: iss,
    signedAt: readSeconds(payload.iat, "iat"),
    judgedAt: readSeconds(payload.judged_at, "judged_at"),
    evidence: readDigest(payload.evidence, "evidence"),
    policy: readDigest(payload.policy, "policy"),
    verdict,
    required,
    checks,
    ...(proved && { record: proved }),
    ...readAsked(payload, proved),
  };
}
