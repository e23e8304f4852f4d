// Adds up what became of the rows of a file. Pure.
import type { Refusal } from "../../records/bulk/import-row.ts";
import type { RowOutcome } from "../../records/bulk/import-service.ts";
import type { OutgoingRecord } from "./batch-sender.ts";
import type { BatchResult } from "./import-journal.ts";

/** Records are counted by created, amended, unchanged and proposed, rows by refused and rows. */
export interface ImportCounts {
  rows: number;
  created: number;
  amended: number;
  unchanged: number;
  /** Others must approve these first. */
  proposed: number;
  refused: number;
}

export function noCounts(): ImportCounts {
  return { rows: 0, created: 0, amended: 0, unchanged: 0, proposed: 0, refused: 0 };
}

/** What a batch became: `refusals` of its rows that were never sent, and the node's outcomes of the others. */
export function summarizeBatch(options: {
  readonly refusals: readonly Refusal[];
  readonly records: readonly OutgoingRecord[];
  readonly outcomes: readonly RowOutcome[];
}): BatchResult {
  const { records, outcomes } = options;
  const count = (outcome: string): number => outcomes.filter((one) => one.outcome === outcome).length;
  const refused = records.flatMap(({ lines }, at) => {
    const outcome = outcomes[at]!;
    return outcome.outcome === "refused" ? lines.map((line) => describeRefusal(line, outcome)) : [];
  });
  return {
    rows: options.refusals.length + records.reduce((total, { lines }) => total + lines.length, 0),
    created: count("created"),
    amended: count("amended"),
    unchanged: count("unchanged"),
    proposed: count("proposed"),
    refusals: [...options.refusals, ...refused],
  };
}

/** A node's refusal in the report's form: fields as dotted paths, the first of them named, all of them in the reason. */
function describeRefusal(line: number, outcome: RowOutcome): Refusal {
  const details = (outcome.details ?? []).map(({ field, message, href }) => ({
    field: field.replace(/^\//, "").replaceAll("/", "."),
    message: href === undefined ? message : `${message}: ${href}`,
  }));
  const faults = details.map(({ field, message }) => `${field} ${message}`).join("; ");
  const message = outcome.message ?? "refused without a reason";
  return {
    line,
    field: details[0]?.field ?? "",
    code: outcome.code ?? "record_invalid",
    reason: faults === "" ? message : `${message}: ${faults}`,
  };
}
