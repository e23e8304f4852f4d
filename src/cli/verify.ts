// `attestry verify`: judges evidence files, tokens, printed codes and links by a policy that stands before anything is read. Trusts no node.
import { Command } from "commander";
import { currentSeconds } from "../clock.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { parseEffectiveTime } from "../records/effective-time.ts";
import { parseRecordLink, type RecordLink } from "../verification/given-text.ts";
import type { Verdict } from "../verification/report.ts";
import { createVerifier } from "../verification/verifier.ts";
import { readRecordLink } from "./evidence.ts";
import { readInputText } from "./input-file.ts";
import { writeOutputFile } from "./output-file.ts";
import { EXIT, printFailure } from "./terminal.ts";
import { createTrustedHomes, type TrustedHomes } from "./trusted-homes.ts";
import { runBatch } from "./verify/batch-run.ts";
import { describeCheck, type Paint } from "./verify/check-lines.ts";
import { fetchHomeEvidence, fetchNamedEvidence } from "./verify/evidence-client.ts";
import {
  checkInput,
  formatCheck,
  type InputCheck,
  isJsonFile,
  readEvidenceFile,
  worstOf,
} from "./verify/input-check.ts";
import { readReportSigner, signKeptReport } from "./verify/kept-report.ts";
import { type CheckRecord, createRecordCheck } from "./verify/record-check.ts";
import { readTrust, type TrustOptions } from "./verify/trust-source.ts";

export interface VerifyOptions extends TrustOptions {
  readonly version?: string;
  readonly offline?: boolean;
  readonly at?: string;
  readonly batch?: string;
  readonly tokenFile?: string;
  readonly report?: string;
  readonly reportKey?: string;
  readonly verifier?: string;
  readonly keep?: string;
  readonly json?: boolean;
}

/** What the exit code says: 0 valid, 1 not valid, 2 could not decide; of several inputs the worst. */
const VERDICT_EXIT: Readonly<Record<Verdict, number>> = {
  valid: EXIT.ok,
  invalid: EXIT.failed,
  undecided: EXIT.incomplete,
};

const COLOURS = { green: "\u001b[32m", red: "\u001b[31m", yellow: "\u001b[33m" } as const;

/** Colours for a terminal that shows them and is not told otherwise (NO_COLOR). */
function createPaint(stream: NodeJS.WriteStream): Paint {
  const isColourful = stream.isTTY === true && stream.hasColors();
  return (text, colour) => (isColourful ? `${COLOURS[colour]}${text}\u001b[39m` : text);
}

/** Unix seconds; undefined where nobody asked for another moment than now. */
function readMoment(at: string | undefined): number | undefined {
  if (at === undefined) return undefined;
  const seconds = parseEffectiveTime(at, "start");
  if (seconds !== undefined) return seconds;
  throw new AttestryError(
    "request_invalid",
    `--at is "${at.slice(0, 40)}"; it must be a date or a time with its zone, such as 2026-11-27T08:00:00Z`,
  );
}

interface Judge {
  readonly check: CheckRecord;
  readonly homes: TrustedHomes | undefined;
  readonly options: VerifyOptions;
}

async function readToken(tokenFile: string): Promise<string | undefined> {
  return (await import("../config.ts")).readBearerToken(tokenFile);
}

/** Where the named node is gone, its anchors may know where its records are now. Throws what the named node's silence threw. */
async function fetchLinked(link: RecordLink, { homes, options }: Judge): Promise<string> {
  if (homes === undefined)
    throw new AttestryError(
      "request_invalid",
      "a link has to be fetched: leave --offline and --at out, or save the evidence first with: attestry evidence URL --output FILE",
    );
  const token = options.tokenFile === undefined ? undefined : await readToken(options.tokenFile);
  try {
    return await fetchNamedEvidence(link, token);
  } catch (error) {
    const isSilent = isAttestryError(error, "peer_unreachable") || isAttestryError(error, "peer_timeout");
    const moved = isSilent ? await fetchHomeEvidence(link, homes).catch(() => undefined) : undefined;
    if (moved === undefined) throw error;
    return JSON.stringify(moved.value);
  }
}

function checkLink(input: string, link: RecordLink, judge: Judge): Promise<InputCheck> {
  const { check } = judge;
  return checkInput(input, () => fetchLinked(link, judge), { check, expected: link });
}

async function checkArgument(argument: string, judge: Judge): Promise<InputCheck> {
  const { check, options } = judge;
  if (/^https?:\/\//i.test(argument)) return checkLink(argument, readRecordLink(argument, options.version), judge);
  const isToken = argument.startsWith("ATTESTRY1:") || /^[\w-]{20,}\.[\w-]{20,}\.[\w-]+~/.test(argument);
  if (isToken) return checkInput(`${argument.slice(0, 24)}…`, async () => argument, { check });
  if (argument !== "-")
    return checkInput(argument, () => readEvidenceFile(argument), { check, isJson: isJsonFile(argument) });
  const text = readInputText("-", "request_invalid");
  // A scanner writes what a printed code says, and that may be the link of a certificate.
  const link = parseRecordLink(text.trim());
  return link ? checkLink(text.trim(), link, judge) : checkInput("standard input", async () => text, { check });
}

async function verifyArguments(inputs: readonly string[], options: VerifyOptions): Promise<Verdict> {
  const trust = await readTrust(options);
  const at = readMoment(options.at);
  const isOffline = options.offline === true || at !== undefined;
  const homes = isOffline ? undefined : createTrustedHomes(trust.policy.anchors, trust.reach);
  const now = at === undefined ? currentSeconds : () => at;
  const paint = createPaint(process.stdout);
  const signer = options.report === undefined ? undefined : await readReportSigner(options);
  const reports: string[] = [];
  try {
    const check = createRecordCheck({ verifier: createVerifier(trust.policy), now, homes, reader: trust.reader });
    const verdicts: Verdict[] = [];
    for (const input of inputs) {
      const found = await checkArgument(input, { check, homes, options });
      const lines = describeCheck(found, { at: now(), trust: trust.description, paint });
      const shown = options.json ? [formatCheck(found)] : [...(verdicts.length > 0 ? [""] : []), ...lines];
      process.stdout.write(`${shown.join("\n")}\n`);
      verdicts.push(found.verdict);
      if ("error" in found) continue;
      if (options.keep !== undefined) writeOutputFile(options.keep, found.judgedText);
      if (signer) reports.push(await signKeptReport(found, { ...signer, policy: trust.policy, judgedAt: now() }));
    }
    if (options.report !== undefined) writeOutputFile(options.report, reports.map((text) => `${text}\n`).join(""));
    return worstOf(verdicts);
  } finally {
    homes?.close();
  }
}

async function verify(inputs: string[], options: VerifyOptions): Promise<void> {
  try {
    if ((options.batch === undefined) === (inputs.length === 0))
      throw new AttestryError(
        "request_invalid",
        "name what to verify: files, links, tokens or - ; or --batch DIR, all files in a directory",
      );
    if (options.keep !== undefined && inputs.length !== 1)
      throw new AttestryError("request_invalid", "--keep is for one input: each has evidence of its own");
    if (options.report !== undefined && options.batch !== undefined)
      throw new AttestryError("request_invalid", "--report is for inputs that are named, not for --batch");
    const verdict =
      options.batch === undefined
        ? await verifyArguments(inputs, options)
        : await runBatch({
            directory: options.batch,
            trust: await readTrust(options),
            at: readMoment(options.at),
            isOffline: options.offline === true,
            json: options.json === true,
            paint: createPaint(process.stdout),
          });
    process.exitCode = VERDICT_EXIT[verdict];
  } catch (error) {
    printFailure(error, { json: options.json === true });
    // 1 would say that something was judged and found not valid.
    process.exitCode = EXIT.incomplete;
  }
}

export function verifyCommand(): Command {
  return new Command("verify")
    .description(
      "verify records by their evidence: exit code 0 valid, 1 not valid, 2 could not decide; of several the worst",
    )
    .argument("[input...]", "evidence files, tokens, texts of printed QR codes, records' URLs, or - for standard input")
    .option("--policy <file>", "verifier's policy: whom to trust, and what is required (JSON)")
    .option("--anchors <file>", "instead: only the pinned anchors, with the checks required by default")
    .option("--data <directory>", "instead: the anchors of a node (default: $ATTESTRY_DATA or .attestry)")
    .option("--node <name>", "the node, if the data directory holds several")
    .option(
      "--reader <entity>",
      "who you are: what a person shared with this node alone is for you (default: the node of --data)",
    )
    .option("--version <number>", "of a link: this version, also if there is a newer one")
    .option("--offline", "ask nobody: what is missing or too old stays so")
    .option("--at <time>", "judge as of then, by what the evidence holds (asks nobody)")
    .option("--batch <dir>", "every file in a directory and below, over all cores; .ndjson has one evidence a line")
    .option("--report <file>", "keep a signed report without content: record, version, digest, checks, time")
    .option("--report-key <file>", "Ed25519 key (PEM) that signs it (default: the request key of the node of --data)")
    .option("--verifier <url>", "with --report-key: who says so")
    .option("--keep <file>", "keep the evidence as it was judged, with the proofs that were fetched")
    .option("--token-file <file>", "file with a bearer token for a link into a registry that is not public")
    .option(
      "--private-host <host>",
      "a host inside your own network that may be asked; repeatable",
      (host: string, all: string[]) => [...all, host],
      [],
    )
    .option("--development", "allow http on loopback")
    .option("--json", "print one JSON object a line for each input")
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : EXIT.incomplete))
    .action((inputs: string[], options: VerifyOptions) => verify(inputs, options));
}
