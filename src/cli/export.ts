// attestry export: reads the command line, runs the export, says what was written. Knows no record.
import { extname } from "node:path";
import { Command } from "commander";
import { readBearerToken } from "../config.ts";
import { AttestryError } from "../errors.ts";
import { runExport } from "./export/export-run.ts";
import { downloadOpenData, verifyOpenData } from "./export/open-data-set.ts";
import { createNodeClient } from "./node-client.ts";
import { createProgress, EXIT, formatCount, printFailure, printResult } from "./terminal.ts";

interface Flags {
  readonly url?: string;
  readonly out?: string;
  readonly fields?: string;
  readonly states?: string;
  readonly asOf?: string;
  readonly validAt?: string;
  readonly history?: true;
  readonly openData?: string;
  readonly verify?: string;
  readonly anchors?: string;
  readonly tokenFile?: string;
  readonly json?: true;
}

/** `attestry export`; exit codes: 0 the file is whole, 1 failed (an earlier file of that name is as it was), 130 interrupted. */
export function exportCommand(): Command {
  return new Command("export")
    .description("write a registry's records to a file that an import takes, or fetch and check its open data")
    .argument("[registry]", "name of the registry")
    .option("--url <url>", "the node's base URL")
    .option("--out <file>", "FILE.csv or FILE.ndjson")
    .option("--fields <list>", "only these fields, parted by commas")
    .option("--states <list>", "records in these states, parted by commas (default: active)")
    .option("--as-of <time>", "as recorded then")
    .option("--valid-at <time>", "as in effect then")
    .option("--history", "every version and statement, as NDJSON")
    .option("--open-data <dir>", "fetch the registry's open data with its signed manifest, and check it")
    .option("--verify <dir>", "check open data that was fetched before; asks nobody")
    .option("--anchors <file>", "pinned trust anchors that the manifest's key must be proved by")
    .option(
      "--token-file <file>",
      "file with the bearer token of a reader (default: $ATTESTRY_TOKEN; without either, the open fields)",
    )
    .option("--json", "print one JSON object")
    .action(runCommand);
}

async function runCommand(registry: string | undefined, flags: Flags): Promise<void> {
  try {
    if (flags.verify !== undefined) return await runVerify(flags.verify, flags);
    if (registry === undefined || flags.url === undefined) {
      throw new AttestryError("request_invalid", "an export needs a registry and the --url of its node");
    }
    if (flags.openData !== undefined) return await runOpenData(registry, flags.url, flags.openData, flags);
    await runToFile(registry, flags.url, flags);
  } catch (error) {
    printFailure(error, { json: flags.json === true });
  }
}

async function runToFile(registry: string, url: string, flags: Flags): Promise<void> {
  const { out } = flags;
  const format = out === undefined ? "" : extname(out).slice(1).toLowerCase();
  if (out === undefined || (format !== "csv" && format !== "ndjson")) {
    throw new AttestryError("request_invalid", "--out must name a FILE.csv or FILE.ndjson");
  }
  if (flags.history && format !== "ndjson")
    throw new AttestryError("request_invalid", "--history is written as NDJSON");
  const stopping = new AbortController();
  const onInterrupt = (): void => stopping.abort();
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  try {
    const result = await runExport({
      client: createNodeClient({ baseUrl: url, token: readBearerToken(flags.tokenFile) }),
      registry,
      query: {
        format,
        ...(flags.fields !== undefined && { fields: flags.fields }),
        ...(flags.states !== undefined && { states: flags.states }),
        ...(flags.asOf !== undefined && { asOf: flags.asOf }),
        ...(flags.validAt !== undefined && { validAt: flags.validAt }),
        ...(flags.history && { history: "true" }),
      },
      outPath: out,
      signal: stopping.signal,
      progress: createProgress({ label: "exporting", unit: "bytes", stream: process.stderr }),
    });
    const line =
      result.state === "done"
        ? `${out}: ${formatCount(result.bytes)} bytes, as of ${formatCount(result.log_size ?? 0)} entries of the node's log`
        : "interrupted; nothing was written. Run the same command again";
    printResult({ json: flags.json, value: { registry, out, ...result }, lines: [line] });
    if (result.state === "interrupted") process.exitCode = EXIT.interrupted;
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

async function runOpenData(registry: string, url: string, directory: string, flags: Flags): Promise<void> {
  const report = await downloadOpenData({
    client: createNodeClient({ baseUrl: url }),
    registry,
    directory,
    anchorsPath: flags.anchors,
  });
  printResult({ json: flags.json, value: { directory, ...report }, lines: report.lines });
}

async function runVerify(directory: string, flags: Flags): Promise<void> {
  const report = await verifyOpenData({ directory, anchorsPath: flags.anchors });
  printResult({ json: flags.json, value: { directory, ...report }, lines: report.lines });
}
