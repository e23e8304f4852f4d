// Verifies one text, and, where it lacks or outlived something that its home node hands out, once more with that. Decides nothing itself.
import { isJsonObject } from "../../crypto/json.ts";
import { isAttestryError } from "../../errors.ts";
import type { CheckName, Expectation } from "../../verification/policy.ts";
import type { CheckOutcome, Verdict, VerificationCode, VerificationReport } from "../../verification/report.ts";
import { parseToken } from "../../verification/token-check.ts";
import type { Verifier } from "../../verification/verifier.ts";
import type { TrustedHomes } from "../trusted-homes.ts";
import { fetchHomeEvidence } from "./evidence-client.ts";
import { readEvidenceText } from "./evidence-text.ts";

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** What was asked of the home node: which checks came out otherwise with its answer, or why it gave none. */
export type OnlineStep =
  | { readonly from: string; readonly decided: readonly CheckName[] }
  | { readonly error: Failure };

export interface RecordCheck {
  readonly verdict: Verdict;
  readonly report: VerificationReport;
  /** Why the text is no evidence at all. */
  readonly unreadable?: Failure;
  readonly online?: OnlineStep;
}

export type CheckRecord = (text: string, expected?: Expectation) => Promise<RecordCheck>;

/** What fresh proofs of the home node can mend; whatever else failed is a fault of the record or of its signature. */
const MENDABLE: ReadonlySet<VerificationCode> = new Set([
  "prerequisite_failed",
  "receipt_missing",
  "record_key_missing",
  "status_missing",
  "status_stale",
  "chain_missing",
  "chain_expired",
  "definition_missing",
] as const);

function isMendable({ required, checks, valid }: VerificationReport): boolean {
  if (valid) return false;
  const open = checks.filter(({ check, result }) => result !== "pass" && required.includes(check));
  const causes = open.filter(({ code }) => code !== "prerequisite_failed");
  return causes.length > 0 && open.every(({ code }) => MENDABLE.has(code));
}

export function describeFailure(error: unknown): Failure {
  if (!isAttestryError(error)) throw error;
  return { code: error.code, message: error.message };
}

function findChanged(before: readonly CheckOutcome[], after: readonly CheckOutcome[]): CheckName[] {
  return after.filter(({ code }, at) => code !== before[at]!.code).map(({ check }) => check);
}

/** `homes`: undefined offline. `now`: Unix seconds. */
export function createRecordCheck(deps: {
  readonly verifier: Verifier;
  readonly now: () => number;
  readonly homes: TrustedHomes | undefined;
}): CheckRecord {
  const { verifier, homes } = deps;

  async function completeOnline(
    given: unknown,
    before: VerificationReport,
    options: { readonly now: number; readonly expected?: Expectation },
  ): Promise<RecordCheck> {
    const { verdict } = before;
    const text = isJsonObject(given) ? given.token : undefined;
    const token = typeof text === "string" ? parseToken(text) : undefined;
    if (token === undefined || "check" in token || homes === undefined) return { verdict, report: before };
    const { href, version } = token.record;
    try {
      const { value, from } = await fetchHomeEvidence({ href, version }, homes);
      // Only the proofs are the home node's: what is judged stays the token that was given.
      const report = await verifier.verify({ ...(value as object), token: text }, { ...options, now: deps.now() });
      return { verdict: report.verdict, report, online: { from, decided: findChanged(before.checks, report.checks) } };
    } catch (error) {
      return { verdict, report: before, online: { error: describeFailure(error) } };
    }
  }

  return async (text, expected) => {
    const options = { now: deps.now(), ...(expected && { expected }) };
    let value: unknown;
    let unreadable: Failure | undefined;
    try {
      value = await readEvidenceText(text);
    } catch (error) {
      // What is no evidence has a report, too, which says so in the words of its check.
      unreadable = describeFailure(error);
    }
    const report = await verifier.verify(value, options);
    if (unreadable !== undefined) return { verdict: report.verdict, report, unreadable };
    if (homes === undefined || !isMendable(report)) return { verdict: report.verdict, report };
    return completeOnline(value, report, options);
  };
}
