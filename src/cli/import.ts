// attestry import: reads the command line, runs the import, prints what became of it. Knows no row.
import { Command, InvalidArgumentError, Option } from "commander";
import { readBearerToken } from "../config.ts";
import { AttestryError } from "../errors.ts";
import {
  COMMAND_MODES,
  type CommandMode,
  type ImportResult,
  type ImportSummary,
  runImport,
} from "./import/import-run.ts";
import type { MissingOptions, MissingSummary } from "./import/missing-records.ts";
import { createProgress, EXIT, formatCount, formatTable, printFailure } from "./terminal.ts";

interface Flags {
  readonly url: string;
  readonly map?: string;
  readonly mode: CommandMode;
  readonly onMissing?: MissingOptions["operation"];
  readonly reason?: string;
  readonly instrument?: string;
  readonly distinct?: string;
  readonly dryRun?: true;
  readonly report?: string;
  readonly node: ReadonlyMap<string, string>;
  readonly tokenFile?: string;
  readonly json?: true;
}

/** `attestry import REGISTRY FILE`; exit codes: 0 all rows in, 2 some refused, 1 failed, 130 interrupted. */
export function importCommand(): Command {
  return new Command("import")
    .description("import a CSV or NDJSON file into a registry of a running node")
    .argument("<registry>", "name of the registry")
    .argument("<file>", "FILE.csv, FILE.ndjson or FILE.jsonl")
    .requiredOption("--url <url>", "the node's base URL")
    .option("--map <file>", "which column fills which field; what `attestry export` wrote needs none (docs/import.md)")
    .addOption(
      new Option("--mode <mode>", "what to do with records that exist").choices(COMMAND_MODES).default("create"),
    )
    .addOption(
      new Option("--on-missing <what>", "with --mode sync: what to do with records that the file lacks").choices([
        "end",
        "revoke",
      ]),
    )
    .option("--reason <code>", "on which ground missing records are ended or revoked")
    .option("--instrument <text>", "the legal instrument of it")
    .option("--distinct <text>", "why records of this file are no duplicates of those that look alike")
    .option("--dry-run", "say what would happen; write nothing")
    .option("--report <file>", "name each refused row here, .ndjson or .csv (default: FILE.refused.ndjson, if any)")
    .addOption(
      new Option("--node <registry=url>", "where the map's references to a registry are looked up, repeatable")
        .argParser(addNode)
        .default(new Map(), "as the map says"),
    )
    .option("--token-file <file>", "file with the bearer token of a registrar (default: $ATTESTRY_TOKEN)")
    .option("--json", "print one JSON object")
    .action(runCommand);
}

function addNode(text: string, nodes: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const [, registry, url] = /^([a-z][a-z0-9-]*)=(https?:\/\/.+)$/.exec(text) ?? [];
  if (registry === undefined || url === undefined) throw new InvalidArgumentError("It must be REGISTRY=URL.");
  return new Map([...nodes, [registry, url]]);
}

async function runCommand(registry: string, filePath: string, flags: Flags): Promise<void> {
  const json = flags.json === true;
  const stopping = new AbortController();
  // Only the first Ctrl-C is caught: what was sent is waited for. The second ends the process at once.
  const onInterrupt = (): void => {
    process.stderr.write("\nstopping: waiting for what was sent\n");
    stopping.abort();
  };
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  try {
    const onMissing = readMissingOptions(flags);
    const result = await runImport({
      registry,
      filePath,
      mapPath: flags.map,
      url: flags.url,
      token: readBearerToken(flags.tokenFile),
      mode: flags.mode,
      isDryRun: flags.dryRun === true,
      reportPath: flags.report,
      onMissing,
      distinct: flags.distinct,
      nodes: flags.node,
      signal: stopping.signal,
      createProgress: (label) => createProgress({ label, unit: "rows", stream: process.stderr }),
      warn: (text) => process.stderr.write(`warning: ${text}\n`),
    });
    printResult(result, json);
  } catch (error) {
    printFailure(error, { json });
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

function readMissingOptions(flags: Flags): MissingOptions | undefined {
  const { onMissing: operation, reason, instrument } = flags;
  if (operation === undefined) {
    if (reason === undefined && instrument === undefined) return undefined;
    throw new AttestryError("request_invalid", "--reason and --instrument belong to --on-missing");
  }
  if (flags.mode !== "sync") throw new AttestryError("request_invalid", "--on-missing belongs to --mode sync");
  if (reason === undefined) throw new AttestryError("request_invalid", `--on-missing ${operation} needs a --reason`);
  return { operation, reason, ...(instrument !== undefined && { instrument }) };
}

function printResult({ summary, error }: ImportResult, json: boolean): void {
  process.exitCode = exitCodeOf(summary);
  // A table of noughts would only push the error out of sight.
  const hasNothing = summary.state === "failed" && summary.rows === 0;
  if (json || !hasNothing) process.stdout.write(json ? `${JSON.stringify(summary)}\n` : formatSummary(summary));
  if (summary.state === "failed") printFailure(error, { json });
}

function exitCodeOf({ state, refused, missing }: ImportSummary): number {
  if (state === "failed") return EXIT.failed;
  if (state === "interrupted") return EXIT.interrupted;
  return refused > 0 || missing?.withheld || (missing?.refused ?? 0) > 0 ? EXIT.incomplete : EXIT.ok;
}

function formatSummary(summary: ImportSummary): string {
  const { state, rows, created, amended, unchanged, proposed, refused, seconds, report } = summary;
  const endings = {
    done: summary.dry_run ? "dry run, nothing was written; this would happen:\n" : "",
    interrupted: "interrupted; run the same command again to go on. So far:\n",
    failed: "failed; what follows was done before:\n",
  };
  const counts = formatTable([
    ["records created", created],
    ["records amended", amended],
    ["records unchanged", unchanged],
    ...(proposed > 0 ? [["records proposed", proposed] as const] : []),
    ["rows refused", refused],
    ["rows in all", rows],
  ]);
  const rate = seconds > 0 ? `, ${Math.round(rows / seconds)} rows/s` : "";
  const refusals = report === null ? "" : `refused rows are named in ${report}\n`;
  const missing = summary.missing ? formatMissing(summary.missing, summary.dry_run) : "";
  const waiting = proposed > 0 ? "others must approve what was proposed: see /console/proposals of the node\n" : "";
  return `${endings[state]}${counts}in ${seconds.toFixed(1)} s${rate}\n${refusals}${waiting}${missing}`;
}

function formatMissing(
  { count, report, operation, settled, refused, withheld }: MissingSummary,
  isDryRun: boolean,
): string {
  if (count === 0) return "no record is missing in the file\n";
  const records = `${formatCount(count)} ${count === 1 ? "record" : "records"}`;
  const named = `${records} of the registry are not in the file; they are named in ${report}\n`;
  if (operation === null) return named;
  if (withheld !== null) return `${named}none of them was changed: ${withheld}\n`;
  const done = operation === "end" ? "ended" : "revoked";
  if (isDryRun) return `${named}they would be ${done}\n`;
  return `${named}${formatCount(settled)} of them were ${done}${refused > 0 ? `, ${formatCount(refused)} were refused` : ""}\n`;
}
