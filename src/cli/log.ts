// `attestry log audit`: reads a whole log from outside and recomputes everything.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { decodeUtf8 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { parseAnchorPins } from "../federation/anchor-pins.ts";
import { createChainService } from "../federation/chain-service.ts";
import { parseEntityStatement } from "../federation/entity-statement.ts";
import { createHttpClient, type HttpClient } from "../federation/http-client.ts";
import { parseNodeMetadata, REGISTRY_NODE } from "../federation/node-metadata.ts";
import { type AuditReport, auditLog, type LogSource } from "../log/audit.ts";
import { type NoteVerifier, parseVerifierKey } from "../log/note.ts";
import { currentSeconds } from "../node.ts";
import { readInputJson } from "./input-file.ts";
import { createProgress, EXIT, formatCount, printable, printResult } from "./terminal.ts";

interface AuditCommandOptions {
  readonly vkey?: string[];
  readonly anchors?: string;
  readonly state?: string;
  readonly json?: boolean;
}

const LOG_URL = /^(https?:\/\/.+)\/log\/[a-z]+$/;

/** A log's files by its URL. Throws `peer_*`. */
export function createLogSource(http: HttpClient, logUrl: string): LogSource {
  const get = async (path: string): Promise<Uint8Array | undefined> => {
    const response = await http.send({ method: "GET", url: `${logUrl}/${path}` });
    if (response.status === 200) return response.body;
    if (response.status === 404) return undefined;
    throw new AttestryError("peer_response_invalid", `${logUrl}/${path} answered ${response.status}`);
  };
  return {
    async checkpoint() {
      const note = await get("checkpoint");
      if (note === undefined)
        throw new AttestryError("peer_response_invalid", `${logUrl} has no checkpoint; is it the URL of a log?`);
      return decodeUtf8(note);
    },
    tile: get,
    bundle: get,
  };
}

/** The log's keys: given, or proved by a pinned anchor, or, last, what the node says of itself. */
async function findVerifiers(
  http: HttpClient,
  logUrl: string,
  options: AuditCommandOptions,
): Promise<{ verifiers: NoteVerifier[]; source: string }> {
  if (options.vkey) return { verifiers: options.vkey.map(parseVerifierKey), source: "given" };
  const entity = LOG_URL.exec(logUrl)![1]!;
  if (options.anchors !== undefined) {
    const anchors = parseAnchorPins(readInputJson(options.anchors, "config_invalid"));
    const chains = createChainService({ anchors, httpClient: http, clock: currentSeconds, allowLoopbackHttp: true });
    const { metadata, anchor } = await chains.getChain(entity);
    return { verifiers: metadata.logs.records.vkeys.map(parseVerifierKey), source: `proved by ${anchor}` };
  }
  const statement = parseEntityStatement(await http.getStatement(`${entity}/.well-known/openid-federation`));
  const { metadata } = parseNodeMetadata(entity, statement.metadata.get(REGISTRY_NODE) ?? {});
  return {
    verifiers: metadata.logs.records.vkeys.map(parseVerifierKey),
    source: "the node's own word: pin it with --vkey or --anchors",
  };
}

function describeReport(report: AuditReport, source: string): string[] {
  const { tree, counts, operations, problems } = report;
  const operationText = Object.entries(operations)
    .map(([name, count]) => `${name} ${formatCount(count)}`)
    .join(", ");
  return [
    tree ? `Log of ${formatCount(tree.size)} entries, root ${tree.root}` : "The log has no checkpoint that verifies",
    `Key: ${source}`,
    `Recomputed: ${formatCount(counts.entries)} entries, ${formatCount(counts.bundles)} bundles, ${formatCount(counts.tiles)} tiles`,
    `Operations: ${operationText || "none"}`,
    ...problems.map(({ code, message }) => `PROBLEM ${code}: ${printable(message)}`),
    report.ok ? "The log is whole: every hash, tag and signature agrees." : "The log is NOT in order.",
  ];
}

async function audit(url: string, options: AuditCommandOptions): Promise<void> {
  const trimmed = url.replace(/\/+$/, "");
  const logUrl = LOG_URL.test(trimmed) ? trimmed : `${trimmed}/log/records`;
  if (!URL.canParse(logUrl))
    throw new AttestryError("request_invalid", `"${printable(url)}" is no URL of a log or node`);
  // The operator names the address, so a private one is meant.
  const http = createHttpClient({ development: true, allowedPrivateHosts: [new URL(logUrl).hostname] });
  const progress = createProgress({ label: "audit", unit: "entries", stream: process.stderr });
  try {
    const { verifiers, source } = await findVerifiers(http, logUrl, options);
    const previous =
      options.state !== undefined && existsSync(options.state) ? readFileSync(options.state, "utf8") : undefined;
    const report = await auditLog(createLogSource(http, logUrl), {
      origin: logUrl.replace(/^https?:\/\//, ""),
      verifiers,
      ...(previous !== undefined && { previous }),
      onProgress: ({ entries, size }) => progress.update(entries, size),
    });
    progress.end();
    if (report.ok && options.state !== undefined) writeFileSync(options.state, report.checkpoint);
    printResult({
      json: options.json,
      value: { log: logUrl, key: source, ...report },
      lines: describeReport(report, source),
    });
    if (!report.ok) process.exitCode = report.complete ? EXIT.failed : EXIT.incomplete;
  } finally {
    progress.end();
    http.close();
  }
}

export function logCommand(): Command {
  return new Command("log").description("transparency logs").addCommand(
    new Command("audit")
      .description(
        "read a whole log and recompute everything: entries, tiles, root, signature, duplicate tags. Exit code 0 in order, 1 not, 2 could not be read to the end",
      )
      .argument("<url>", "URL of a node or of its log (…/log/records)")
      .option("--vkey <key...>", "verifier keys of the log (default: taken from the node's entity configuration)")
      .option("--anchors <file>", "prove the log's keys by these pinned anchors")
      .option(
        "--state <file>",
        "remember the checkpoint here; the next audit proves that nothing before it was rewritten",
      )
      .option("--json", "print one JSON object")
      .action((url: string, options: AuditCommandOptions) => audit(url, options)),
  );
}
