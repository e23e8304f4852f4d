// A check's findings put into words and in the order in which they are read: what was asked for, each followed by what it leads to. Judges nothing.
import type { CheckedRecord, RecordCheck } from "../resolution/record-check-service.ts";
import type { VerifierPolicy } from "../verification/policy.ts";
import type { Verdict } from "../verification/report.ts";
import { type AnswerView, describeAnswer } from "./browser/answer-view.ts";
import { describeOutcome, describeStateMend, describeStateOutcome, VERDICT_WORDS } from "./check-words.ts";
import type { Reader } from "./reader-language.ts";
import type { StateWords } from "./state-words.ts";

export interface FindingView {
  /** Unique on the page. */
  readonly id: string;
  readonly checked: CheckedRecord;
  readonly verdict: Verdict;
  readonly headline: string;
  /** What people call it, where that is proved; else its address. */
  readonly name: string;
  /** How it was come by: the fields that were followed; none where it was asked for. */
  readonly followed: readonly string[];
  readonly sentence: string;
  readonly reasons: readonly string[];
  readonly remarks: readonly string[];
  /** What to do next; undefined where there is nothing to do. */
  readonly mend: string | undefined;
  readonly state: StateWords | undefined;
  /** Of what its home node gave as a record. */
  readonly answer: AnswerView | undefined;
}

const UNDECIDED_MEND = "Check again in a minute. If it stays so, ask the department that keeps the record.";
const INVALID_MEND = "Do not rely on it. Show the reasons below to the department that keeps the record.";

interface Words {
  readonly sentence: string;
  readonly mend: string | undefined;
}

function chooseWords({ record, report }: CheckedRecord, answer: AnswerView | undefined): Words {
  const state = describeStateOutcome(record.outcome);
  if (state) return { sentence: state.meaning, mend: describeStateMend(record.outcome) };
  const known = describeOutcome(record.outcome);
  if (known) return known;
  const mend = { valid: undefined, invalid: INVALID_MEND, undecided: UNDECIDED_MEND }[report.verdict];
  if (answer) return { sentence: answer.sentence, mend };
  return { sentence: "The record could not be checked.", mend };
}

async function describeFinding(
  checked: CheckedRecord,
  { id, followed }: Pick<FindingView, "id" | "followed">,
  context: { policy: VerifierPolicy; now: number; reader: Reader },
): Promise<FindingView> {
  const { record, report, evidence } = checked;
  const answer = evidence && (await describeAnswer(report, { ...context, evidence }));
  return {
    id,
    checked,
    followed,
    verdict: report.verdict,
    headline: VERDICT_WORDS[report.verdict],
    name: answer?.record?.name ?? record.href,
    ...chooseWords(checked, answer),
    reasons: answer?.reasons ?? [],
    remarks: answer?.remarks ?? [],
    state: describeStateOutcome(record.outcome),
    answer,
  };
}

/** Each record once, where it is met first. */
export async function describeCheck(
  { asked, records, checkedAt }: RecordCheck,
  { policy, reader }: { readonly policy: VerifierPolicy; readonly reader: Reader },
): Promise<FindingView[]> {
  const order = new Map<string, readonly string[]>();
  const visit = (key: string, followed: readonly string[]): void => {
    const checked = records.get(key);
    if (!checked || order.has(key)) return;
    order.set(key, followed);
    // What was asked for itself is not shown as what another one leads to.
    for (const [field, keys] of Object.entries(checked.record.links ?? {}))
      for (const linked of keys.filter((one) => !asked.includes(one))) visit(linked, [...followed, field]);
  };
  for (const key of asked) visit(key, []);
  const context = { policy, now: checkedAt, reader };
  return Promise.all(
    [...order].map(([key, followed], at) =>
      describeFinding(records.get(key)!, { id: `record-${at + 1}`, followed }, context),
    ),
  );
}

export function countVerdicts(findings: readonly FindingView[]): string {
  const counts = (["valid", "invalid", "undecided"] as const).flatMap((verdict) => {
    const count = findings.filter((finding) => finding.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${COUNTED[verdict]}`];
  });
  return counts.join(", ");
}

const COUNTED = { valid: "valid", invalid: "not valid", undecided: "not decided" } as const;
