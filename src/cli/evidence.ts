// `attestry evidence`: fetches a record's evidence file from its node. Verifies nothing: that is `attestry verify`.
import { Command } from "commander";
import { AttestryError, isAttestryError } from "../errors.ts";
import { VERSION_MAX } from "../limits.ts";
import { parseEvidence, parseEvidenceText } from "../verification/evidence.ts";
import { parseRecordLink, type RecordLink } from "../verification/given-text.ts";
import { writeOutputFile } from "./output-file.ts";
import { printable, printResult } from "./terminal.ts";
import { fetchNamedEvidence } from "./verify/evidence-client.ts";

interface EvidenceOptions {
  readonly version?: string;
  readonly output?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** A record's URL, or a certificate's link, with the version that an option pins. Throws `request_invalid`. */
export function readRecordLink(text: string, version: string | undefined): RecordLink {
  const link = parseRecordLink(text);
  if (!link)
    throw new AttestryError(
      "request_invalid",
      `"${printable(text.slice(0, 200))}" is not the URL of a record (…/registries/NAME/records/RID)`,
    );
  if (version === undefined) return link;
  if (!/^[1-9]\d{0,9}$/.test(version) || Number(version) > VERSION_MAX)
    throw new AttestryError(
      "request_invalid",
      `--version is "${printable(version.slice(0, 20))}"; it must be 1 or more`,
    );
  return { ...link, version: Number(version) };
}

async function fetchEvidence(url: string, options: EvidenceOptions): Promise<void> {
  const link = readRecordLink(url, options.version);
  const { readBearerToken } = await import("../config.ts");
  const text = await fetchNamedEvidence(link, readBearerToken(options.tokenFile));
  try {
    parseEvidence(parseEvidenceText(text));
  } catch (cause) {
    if (!isAttestryError(cause)) throw cause;
    throw new AttestryError("peer_response_invalid", `the node answered no evidence: ${cause.message}`, { cause });
  }
  if (options.output === undefined) {
    process.stdout.write(`${text.trimEnd()}\n`);
    return;
  }
  writeOutputFile(options.output, `${text.trimEnd()}\n`);
  printResult({
    json: options.json,
    value: { href: link.href, output: options.output, bytes: Buffer.byteLength(text) },
    lines: [
      `${options.output}: the evidence of ${printable(link.href)}; check it with: attestry verify ${options.output}`,
    ],
  });
}

export function evidenceCommand(): Command {
  return new Command("evidence")
    .description("fetch a record's evidence file: all that anyone needs to verify it later, offline, without its node")
    .argument("<url>", "the record's URL, or the link on a certificate")
    .option("--version <number>", "of this version (default: the current one)")
    .option("--output <file>", "write it there, whole or not at all (default: standard output)")
    .option(
      "--token-file <file>",
      "file with a bearer token of that node, for registries that are not public (default: $ATTESTRY_TOKEN)",
    )
    .option("--json", "with --output: print one JSON object")
    .action((url: string, options: EvidenceOptions) => fetchEvidence(url, options));
}
