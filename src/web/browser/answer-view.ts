// A report put into words for who has to decide something by it. Judges nothing: the verdict is the report's.
import type { JsonObject } from "../../crypto/json.ts";
import { verifyTrustChain } from "../../federation/trust-chain.ts";
import { findHomeOf, findMendable } from "../../verification/fresh-proof.ts";
import type { CheckName, VerifierPolicy } from "../../verification/policy.ts";
import type { CheckOutcome, VerificationCode, VerificationReport, VerifiedRecord } from "../../verification/report.ts";
import { parseToken } from "../../verification/token-check.ts";
import type { RecordClaims } from "../../verification/token-claims.ts";
import type { Reader } from "../reader-language.ts";
import { listLookupTags } from "../reader-language.ts";
import { type DefinitionFields, readDefinitionFields } from "./definition-fields.ts";

export const CHECK_TITLES: Readonly<Record<CheckName, string>> = {
  format: "Well formed",
  signature: "Signature",
  issuer: "Who signed it",
  authority: "Allowed to sign such records",
  schema: "Follows the registry's rules",
  validity: "Dates",
  status: "Not revoked or suspended",
  inclusion: "In the department's log",
  witness: "Log seen by independent witnesses",
  freshness: "Proof is recent",
  binding: "Handed to whoever shows it",
  references: "Records that it refers to",
};

export interface AnswerView {
  readonly verdict: VerificationReport["verdict"];
  readonly headline: string;
  readonly sentence: string;
  /** Sentences of the checks that decided against the record, or could not be made. */
  readonly reasons: readonly string[];
  /** What to know of a record all whose checks passed. */
  readonly remarks: readonly string[];
  /** What must be asked for over the network before there is an answer. */
  readonly openChecks: readonly CheckName[];
  /** The address of the record, where this version of it is no longer the current word. */
  readonly newerAt?: string;
  readonly checks: readonly CheckOutcome[];
  readonly required: readonly CheckName[];
  readonly record?: ProvedView;
  /** What the token says of itself, where that is not proved. */
  readonly claimed?: RecordClaims;
}

export interface ProvedView {
  readonly verified: VerifiedRecord;
  readonly name: string;
  readonly organizationName?: string;
  readonly definition?: DefinitionFields;
  readonly issuedAt: number;
  readonly validFrom?: string;
  readonly validUntil?: string;
}

interface LooseEvidence {
  readonly token?: unknown;
  readonly chain?: unknown;
  readonly definition?: unknown;
}

const HEADLINES = { valid: "Valid", invalid: "Not valid", undecided: "Could not decide" } as const;
const SENTENCES = {
  valid: "This record is genuine and in force.",
  invalid: "Do not rely on this record.",
  undecided: "Nothing speaks against this record, but not everything that is required could be checked.",
} as const;
const TOO_OLD =
  "Do not rely on it as it is: its proof is too old. Nothing speaks against this record, so ask for the proof of today.";
const VALID_WITH_REMARKS = "This record is genuine. Read the remarks before you rely on it.";
const OUTDATED: readonly VerificationCode[] = ["status_stale", "chain_expired"];
const PLAIN_PASSES: readonly VerificationCode[] = ["passed", "fresh_by_status"];
// Its detail is the address of the anchor, which is told beside the issuer.
const SILENT_PASSES: readonly VerificationCode[] = ["passed_without_tag"];

/** The name that the department's superiors vouch for; undefined where that is not proved by the chain of today. */
async function findOrganizationName(chain: unknown, policy: VerifierPolicy, now: number): Promise<string | undefined> {
  if (!Array.isArray(chain)) return undefined;
  try {
    const { metadata } = await verifyTrustChain({ statements: chain as string[], anchors: [...policy.anchors], now });
    return metadata.organization_name;
  } catch {
    return undefined;
  }
}

function optionalText(claims: JsonObject, member: string): string | undefined {
  const value = claims[member];
  return typeof value === "string" ? value : undefined;
}

async function describeProved(
  verified: VerifiedRecord,
  evidence: LooseEvidence,
  context: { policy: VerifierPolicy; now: number; reader: Reader },
): Promise<ProvedView> {
  const { data, identifier, rid, claims } = verified;
  const definition = typeof evidence.definition === "string" ? readDefinitionFields(evidence.definition) : undefined;
  const languages = listLookupTags(context.reader);
  const organizationName = await findOrganizationName(evidence.chain, context.policy, context.now);
  const validFrom = optionalText(claims, "valid_from");
  const validUntil = optionalText(claims, "valid_until");
  return {
    verified,
    name: definition?.display({ data, identifier, rid, languages }) ?? identifier ?? rid,
    issuedAt: Number(claims.iat),
    ...(organizationName !== undefined && { organizationName }),
    ...(definition !== undefined && { definition }),
    ...(validFrom !== undefined && { validFrom }),
    ...(validUntil !== undefined && { validUntil }),
  };
}

function readClaims(token: unknown): RecordClaims | undefined {
  if (typeof token !== "string") return undefined;
  const parsed = parseToken(token);
  return "record" in parsed ? parsed.record : undefined;
}

function findReasons({ verdict, checks, required }: VerificationReport): string[] {
  if (verdict === "valid") return [];
  const wanted = verdict === "invalid" ? "fail" : "not_checked";
  return checks
    .filter(
      ({ check, result, code }) => required.includes(check) && result === wanted && code !== "prerequisite_failed",
    )
    .map(({ message }) => message);
}

function chooseSentence(
  verdict: VerificationReport["verdict"],
  { hasRemarks, isOutdated }: { hasRemarks: boolean; isOutdated: boolean },
): string {
  if (verdict === "valid" && hasRemarks) return VALID_WITH_REMARKS;
  // A file that was right when it was saved: whoever reads this must not take the record for a forged one.
  return verdict === "undecided" && isOutdated ? TOO_OLD : SENTENCES[verdict];
}

export async function describeAnswer(
  report: VerificationReport,
  context: { evidence: unknown; policy: VerifierPolicy; now: number; reader: Reader },
): Promise<AnswerView> {
  const { verdict, checks, required } = report;
  const evidence = (context.evidence ?? {}) as LooseEvidence;
  const home = findHomeOf(context.evidence);
  const remarks =
    verdict !== "valid"
      ? []
      : checks
          .filter(
            ({ result, code }) => result === "pass" && !PLAIN_PASSES.includes(code) && !SILENT_PASSES.includes(code),
          )
          .map(({ message }) => message);
  const isSuperseded = checks.some(({ code }) => code === "status_superseded" || code === "status_superseded_allowed");
  const openChecks = findMendable(report);
  const claimed = report.record ? undefined : readClaims(evidence.token);
  return {
    verdict,
    headline: HEADLINES[verdict],
    sentence: chooseSentence(verdict, {
      hasRemarks: remarks.length > 0,
      isOutdated: report.checks.some(({ code }) => OUTDATED.includes(code)),
    }),
    reasons: findReasons(report),
    remarks,
    openChecks,
    checks,
    required,
    ...(report.record && { record: await describeProved(report.record, evidence, context) }),
    ...(claimed && { claimed }),
    // The signature was checked before the status, so the address is the issuer's own.
    ...(isSuperseded && home && { newerAt: home.href }),
  };
}
