// What a verification found, as lines for people: the verdict, the record, each check with its sentence. Decides nothing.
import type { Json } from "../../crypto/json.ts";
import { findMendable } from "../../verification/fresh-proof.ts";
import type { CheckOutcome, CheckResult, Verdict } from "../../verification/report.ts";
import { formatTable, printable, printableLine } from "../terminal.ts";
import type { InputCheck } from "./input-check.ts";

export type Colour = "green" | "red" | "yellow";
/** Colours a text, or leaves it as it is where nobody would see the colour. */
export type Paint = (text: string, colour: Colour) => string;

const VERDICTS: Readonly<Record<Verdict, { readonly text: string; readonly colour: Colour }>> = {
  valid: { text: "VALID", colour: "green" },
  invalid: { text: "NOT VALID", colour: "red" },
  undecided: { text: "COULD NOT DECIDE", colour: "yellow" },
};

const RESULTS: Readonly<Record<CheckResult, { readonly text: string; readonly colour: Colour }>> = {
  pass: { text: "pass", colour: "green" },
  fail: { text: "FAIL", colour: "red" },
  not_checked: { text: "not checked", colour: "yellow" },
};

const FIELDS_SHOWN_MAX = 60;

function isoTime(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace(".000Z", "Z");
}

/** The values of a record's data, each with the way to it. */
function fieldRows(value: Json, path: string): [string, string][] {
  if (typeof value !== "object" || value === null)
    return [[path, typeof value === "string" ? value : JSON.stringify(value)]];
  const entries = Array.isArray(value)
    ? value.map((item, at): [string, Json] => [String(at + 1), item])
    : Object.entries(value);
  return entries.flatMap(([name, item]) => fieldRows(item, path === "" ? name : `${path}.${name}`));
}

function tableLines(rows: readonly (readonly string[])[]): string[] {
  // Values may hold line breaks, which would look like further rows.
  const flat = rows.map((row) => row.map((cell) => cell.replaceAll("\n", " ")));
  return flat.length === 0
    ? []
    : formatTable(flat)
        .trimEnd()
        .split("\n")
        .map((line) => `  ${line}`);
}

function checkLines(checks: readonly CheckOutcome[], required: readonly string[], paint: Paint): string[] {
  const rows = checks.map(({ check, result, message }) => [
    check,
    RESULTS[result].text,
    required.includes(check) ? message : `${message} [not required]`,
  ]);
  const lines = tableLines([["check", "result", "what it says"], ...rows]);
  return lines.map((line, at) => {
    const outcome = checks[at - 1];
    if (!outcome) return line;
    const { text, colour } = RESULTS[outcome.result];
    const isRequired = required.includes(outcome.check);
    return isRequired || outcome.result === "pass" ? line.replace(text, paint(text, colour)) : line;
  });
}

function recordLines(found: InputCheck): string[] {
  if ("error" in found || found.report.record === undefined) return [];
  const { href, issuer, anchor, registryType, version, identifier, digest, data, undisclosedCount } =
    found.report.record;
  const name = identifier === undefined ? registryType : `${registryType} ${identifier}`;
  const fields = fieldRows(data, "");
  return [
    "",
    ...tableLines([
      ["record", href],
      ["what", `${name}, version ${version}`],
      ["signed by", issuer],
      ["vouched for by", anchor],
      ["digest", digest],
    ]),
    "",
    ...tableLines(fields.slice(0, FIELDS_SHOWN_MAX)),
    ...(fields.length > FIELDS_SHOWN_MAX
      ? [`  … and ${fields.length - FIELDS_SHOWN_MAX} values more: see --json`]
      : []),
    ...(undisclosedCount > 0 ? [`  ${undisclosedCount} fields of the record were not shown`] : []),
  ].map(printable);
}

function onlineLines(found: InputCheck): string[] {
  if ("error" in found) return [`  ${found.error.message} (${found.error.code})`];
  const { unreadable, online } = found;
  if (unreadable) return [`  ${unreadable.message} (${unreadable.code})`];
  if (online === undefined) {
    const mendable = findMendable(found.report);
    if (mendable.length === 0) return [];
    return [
      "",
      `  Fresh proofs of its home node may settle: ${mendable.join(", ")}. Nobody was asked (--offline, --at).`,
    ];
  }
  if ("error" in online) return ["", `  Its home node could not help: ${online.error.message} (${online.error.code})`];
  const { from, decided } = online;
  const which = decided.length === 0 ? "no check came out otherwise" : `needed for: ${decided.join(", ")}`;
  return ["", `  Asked over the network: ${from}, for fresh proofs; ${which}.`];
}

/** `at`: the moment that was judged for, Unix seconds. `trust`: whose policy it is judged by. */
export function describeCheck(
  found: InputCheck,
  { at, trust, paint }: { readonly at: number; readonly trust: string; readonly paint: Paint },
): string[] {
  const { text, colour } = VERDICTS[found.verdict];
  return [
    `${paint(text, colour)}  ${printableLine(found.input)}`,
    `  as of ${isoTime(at)}, by ${printableLine(trust)}`,
    ...onlineLines(found).map(printableLine),
    ...recordLines(found),
    ...("error" in found ? [] : ["", ...checkLines(found.report.checks, found.report.required, paint)]),
  ];
}

/** One line: the verdict and the first thing that stands against it. */
export function describeBriefly(found: InputCheck, paint: Paint): string {
  const { text, colour } = VERDICTS[found.verdict];
  return `${paint(text, colour)}  ${printableLine(found.input)}  ${printableLine(findReason(found))}`.trimEnd();
}

function findReason(found: InputCheck): string {
  if ("error" in found) return `${found.error.code}: ${found.error.message}`;
  const { report, unreadable, online } = found;
  if (unreadable) return `${unreadable.code}: ${unreadable.message}`;
  const open = report.checks.filter(({ check, result }) => result !== "pass" && report.required.includes(check));
  const first =
    open.find(({ result }) => result === "fail") ?? open.find(({ code }) => code !== "prerequisite_failed") ?? open[0];
  const asked = online && "error" in online ? ` (its home node: ${online.error.message})` : "";
  return first === undefined ? "" : `${first.check}: ${first.code}: ${first.message}${asked}`;
}
