// What was found of a record, as a report of every check, also where its home node gave no record to judge. Pure.
import { isStateOutcome, type StateOutcome } from "../records/state-outcome.ts";
import { CHECK_NAMES, type CheckName } from "../verification/policy.ts";
import {
  type CheckOutcome,
  failed,
  notChecked,
  passed,
  type VerificationCode,
  type VerificationReport,
} from "../verification/report.ts";
import type { JudgedRecord, ResolvedRecord } from "./resolution-service.ts";

// As the status of the record's version would say it.
const STATUS_CODES: Readonly<Record<StateOutcome, VerificationCode>> = {
  record_revoked: "status_revoked",
  record_erased: "status_revoked",
  version_erased: "status_revoked",
  record_suspended: "status_suspended",
  record_ended: "status_superseded",
  record_replaced: "status_superseded",
};

function reportWithoutRecord(required: readonly CheckName[], outcomes: readonly CheckOutcome[]): VerificationReport {
  const checks = CHECK_NAMES.map(
    (name) => outcomes.find(({ check }) => check === name) ?? notChecked(name, "prerequisite_failed"),
  );
  const isRefused = checks.some(({ check, result }) => result === "fail" && required.includes(check));
  return { verdict: isRefused ? "invalid" : "undecided", valid: false, required, checks };
}

/** `required`: which checks the policy demands. */
export function describeFinding(
  { outcome }: Pick<ResolvedRecord, "outcome">,
  judged: JudgedRecord | undefined,
  required: readonly CheckName[],
): VerificationReport {
  if (judged?.report) return judged.report;
  const format = notChecked("format", "record_not_had");
  // The home node's own word on a record's state counts only where its statement proves it.
  if (judged?.state && isStateOutcome(outcome))
    return reportWithoutRecord(required, [format, passed("issuer"), failed("status", STATUS_CODES[outcome])]);
  return reportWithoutRecord(required, [format]);
}

/** The text whose digest the report names: the evidence as it was judged; empty where there was none. */
export function formatJudgedText(judged: JudgedRecord | undefined): string {
  if (judged?.evidence) return JSON.stringify(judged.evidence);
  return judged?.state ? JSON.stringify({ ...judged.state.evidence, chain: judged.state.chain }) : "";
}
