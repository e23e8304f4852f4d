// Verifies one text, and, where it lacks or outlived something that its home node hands out, once more with that. Decides nothing itself.
import { isAttestryError } from "../../errors.ts";
import { parseEvidenceText } from "../../verification/evidence.ts";
import { findHomeOf, findMendable, joinFreshProof } from "../../verification/fresh-proof.ts";
import { type Given, parseGiven } from "../../verification/given-text.ts";
import type { CheckName, Expectation, VerifyOptions } from "../../verification/policy.ts";
import type { CheckOutcome, Verdict, VerificationReport } from "../../verification/report.ts";
import type { Verifier } from "../../verification/verifier.ts";
import type { TrustedHomes } from "../trusted-homes.ts";
import { fetchHomeEvidence } from "./evidence-client.ts";

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
  /** What the report is about: what was given, or, where proofs were fetched, it and they as one evidence file. */
  readonly judgedText: string;
  /** Why the text is no evidence at all. */
  readonly unreadable?: Failure;
  readonly online?: OnlineStep;
}

export interface Asked {
  readonly expected?: Expectation | undefined;
  /** What calls itself JSON has to be an evidence file; any other text may be a token or a printed code. */
  readonly isJson?: boolean;
}

export type CheckRecord = (text: string, asked?: Asked) => Promise<RecordCheck>;

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
  /** As whom it is judged, by entity identifier. */
  readonly reader?: string | undefined;
}): CheckRecord {
  const { verifier, homes, reader } = deps;

  async function mend(
    given: unknown,
    before: VerificationReport,
    { expected, homes }: { readonly expected: Expectation | undefined; readonly homes: TrustedHomes },
  ): Promise<Pick<RecordCheck, "report" | "online"> & { readonly judged?: unknown }> {
    const home = findHomeOf(given);
    if (home === undefined) return { report: before };
    try {
      const { value, from } = await fetchHomeEvidence(home, homes);
      const options: VerifyOptions = { now: deps.now(), reader, ...(expected && { expected }) };
      const judged = joinFreshProof(given, value);
      const report = await verifier.verify(judged, options);
      return { report, judged, online: { from, decided: findChanged(before.checks, report.checks) } };
    } catch (error) {
      return { report: before, online: { error: describeFailure(error) } };
    }
  }

  return async (text, { expected, isJson } = {}) => {
    const options: VerifyOptions = { now: deps.now(), reader, ...(expected && { expected }) };
    const other: Given | undefined = isJson || text.trimStart().startsWith("{") ? undefined : await parseGiven(text);
    const token = other?.kind === "token" ? { token: other.token } : undefined;
    const report = await (token ? verifier.verify(token, options) : verifier.verifyText(text, options));
    const { verdict } = report;
    if (other?.kind === "unreadable")
      return { verdict, report, judgedText: text, unreadable: { code: "evidence_invalid", message: other.reason } };
    if (homes === undefined || findMendable(report).length === 0) return { verdict, report, judgedText: text };
    const { judged, ...mended } = await mend(token ?? parseEvidenceText(text), report, { expected, homes });
    const judgedText = judged === undefined ? text : JSON.stringify(judged);
    return { verdict: mended.report.verdict, judgedText, ...mended };
  };
}
