// `attestry log audit`: reads a whole log from outside and recomputes everything; on the node's own data it also holds the access log against its events.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import type { LocalAudit } from "../access/local-audit-service.ts";
import {
  createPersonAudit,
  type PersonAudit,
  type PersonReadings,
  parsePersonReadings,
} from "../access/person-audit.ts";
import { decodeUtf8 } from "../crypto/hash.ts";
import type { Json } from "../crypto/json.ts";
import { type PublicKey, parsePublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { parseAnchorPins } from "../federation/anchor-pins.ts";
import { createChainService } from "../federation/chain-service.ts";
import { parseEntityStatement } from "../federation/entity-statement.ts";
import { createHttpClient, type HttpClient } from "../federation/http-client.ts";
import { type NodeMetadata, parseNodeMetadata, REGISTRY_NODE } from "../federation/node-metadata.ts";
import { type AuditReport, auditLog, type LogSource } from "../log/audit.ts";
import { type NoteVerifier, parseVerifierKey } from "../log/note.ts";
import { currentSeconds } from "../node.ts";
import { type NodeOptions, nodeCommand, withNode } from "./federation-node.ts";
import { readInputJson } from "./input-file.ts";
import { createProgress, EXIT, formatCount, printable, printResult } from "./terminal.ts";

interface AuditCommandOptions extends NodeOptions {
  readonly log?: string;
  readonly person?: string;
  readonly local?: boolean;
  readonly vkey?: string[];
  readonly anchors?: string;
  readonly state?: string;
}

const LOG_URL = /^(https?:\/\/.+)\/log\/([a-z]+)$/;
const LOGS = ["records", "access"] as const;

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

interface FoundKeys {
  readonly verifiers: NoteVerifier[];
  /** Record keys of the node, by which events are signed; none where only the log's keys were given. */
  readonly recordKeys: readonly PublicKey[];
  readonly source: string;
}

/** The log's keys: given, or proved by a pinned anchor, or, last, what the node says of itself. */
async function findKeys(http: HttpClient, logUrl: string, options: AuditCommandOptions): Promise<FoundKeys> {
  if (options.vkey) return { verifiers: options.vkey.map(parseVerifierKey), recordKeys: [], source: "given" };
  const [, entity, name] = LOG_URL.exec(logUrl) as unknown as [string, string, string];
  const pick = ({ logs, jwks }: NodeMetadata, source: string): FoundKeys => {
    const log = name === "access" ? logs.access : logs.records;
    if (!log) throw new AttestryError("peer_response_invalid", `${entity} says no key of its access log`);
    return {
      verifiers: log.vkeys.map(parseVerifierKey),
      recordKeys: jwks.keys.map((jwk) => parsePublicKey(jwk)),
      source,
    };
  };
  if (options.anchors !== undefined) {
    const anchors = parseAnchorPins(readInputJson(options.anchors, "config_invalid"));
    const chains = createChainService({ anchors, httpClient: http, clock: currentSeconds, allowLoopbackHttp: true });
    const { metadata, anchor } = await chains.getChain(entity);
    return pick(metadata, `proved by ${anchor}`);
  }
  const statement = parseEntityStatement(await http.getStatement(`${entity}/.well-known/openid-federation`));
  const { metadata } = parseNodeMetadata(entity, statement.metadata.get(REGISTRY_NODE) ?? {});
  return pick(metadata, "the node's own word: pin it with --vkey or --anchors");
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

function describePerson({ ok, readings, later, problems }: PersonAudit): string[] {
  return [
    `Of the person: ${formatCount(readings)} readings and decisions in the file, ${formatCount(later)} in the log since`,
    ...problems.map(({ code, message }) => `PROBLEM ${code}: ${printable(message)}`),
    ok ? "Each is a leaf of the log, and none is left out." : "The file and the log do NOT agree.",
  ];
}

async function auditOutside(url: string, options: AuditCommandOptions): Promise<void> {
  const trimmed = url.replace(/\/+$/, "");
  const name = options.person === undefined ? (options.log ?? "records") : "access";
  if (!LOGS.some((one) => one === name))
    throw new AttestryError("request_invalid", `--log is "${printable(name)}"; it must be ${LOGS.join(" or ")}`);
  const logUrl = LOG_URL.test(trimmed) ? trimmed : `${trimmed}/log/${name}`;
  const file = options.person === undefined ? undefined : readPerson(options.person);
  if (!URL.canParse(logUrl))
    throw new AttestryError("request_invalid", `"${printable(url)}" is no URL of a log or node`);
  // The operator names the address, so a private one is meant.
  const http = createHttpClient({ development: true, allowedPrivateHosts: [new URL(logUrl).hostname] });
  const progress = createProgress({ label: "audit", unit: "entries", stream: process.stderr });
  try {
    const { verifiers, recordKeys, source } = await findKeys(http, logUrl, options);
    const person = file && createPersonAudit(file, recordKeys);
    const previous =
      options.state !== undefined && existsSync(options.state) ? readFileSync(options.state, "utf8") : undefined;
    const report = await auditLog(createLogSource(http, logUrl), {
      origin: logUrl.replace(/^https?:\/\//, ""),
      verifiers,
      ...(previous !== undefined && { previous }),
      ...(person && { onEntry: person.see }),
      onProgress: ({ entries, size }) => progress.update(entries, size),
    });
    progress.end();
    const found = await person?.finish();
    if (report.ok && options.state !== undefined) writeFileSync(options.state, report.checkpoint);
    printResult({
      json: options.json,
      value: { log: logUrl, key: source, ...report, ...(found && { person: found }) },
      lines: [...describeReport(report, source), ...(found ? describePerson(found) : [])],
    });
    if (!report.complete) process.exitCode = EXIT.incomplete;
    else if (!report.ok || found?.ok === false) process.exitCode = EXIT.failed;
  } finally {
    progress.end();
    http.close();
  }
}

const readPerson = (path: string): PersonReadings =>
  parsePersonReadings(readInputJson(path, "request_invalid") as Json);

function describeLocal({ records, access, events }: LocalAudit): string[] {
  const own = "the node's own";
  return [
    "Records",
    ...describeReport(records, own),
    "",
    "Access",
    ...describeReport(access, own),
    `Events: ${formatCount(events.events)} of ${formatCount(events.people)} people and things`,
    ...events.problems.map(
      ({ code, message, index, person, consent }) =>
        `PROBLEM ${code}: ${message}${index === undefined ? "" : ` (entry ${index})`}${person === undefined ? "" : ` (person ${person})`}${consent === undefined ? "" : ` (consent ${consent})`}`,
    ),
    events.ok
      ? "Every entry has its event, unchanged, in one unbroken chain a person, and every consent stands as it was decided last."
      : "The events are NOT those that were logged.",
  ];
}

/** `--state` holds the checkpoints of both logs: without it, a database that was set back to an earlier state looks whole. */
async function auditLocally(options: AuditCommandOptions): Promise<void> {
  const { state } = options;
  const previous =
    state !== undefined && existsSync(state) ? (JSON.parse(readFileSync(state, "utf8")) as Record<string, string>) : {};
  await withNode(options, async ({ localAudit }) => {
    const progress = createProgress({ label: "audit", unit: "entries", stream: process.stderr });
    const report = await localAudit.audit({ previous, onProgress: (_step, done, of) => progress.update(done, of) });
    progress.end();
    const { records, access } = report;
    if (report.ok && state !== undefined)
      writeFileSync(state, `${JSON.stringify({ records: records.checkpoint, access: access.checkpoint })}\n`);
    printResult({ json: options.json, value: report, lines: describeLocal(report) });
    if (!report.complete) process.exitCode = EXIT.incomplete;
    else if (!report.ok) process.exitCode = EXIT.failed;
  });
}

async function audit(url: string | undefined, options: AuditCommandOptions): Promise<void> {
  if ((options.local === true) === (url !== undefined))
    throw new AttestryError(
      "request_invalid",
      "give the URL of a node or log, or --local to audit this node's own data",
    );
  await (url === undefined ? auditLocally(options) : auditOutside(url, options));
}

export function logCommand(): Command {
  return new Command("log").description("transparency logs").addCommand(
    nodeCommand(
      "audit",

      "read a whole log and recompute everything: entries, tiles, root, signature, duplicate tags. Exit code 0 in order, 1 not, 2 could not be read to the end",
    )
      .argument("[url]", "URL of a node or of its log (…/log/records)")
      .option(
        "--local",
        "this node's own data instead: both logs, and whether every entry of the access log has its event",
      )
      .option("--log <name>", `which log of the node: ${LOGS.join(" or ")} (default: records)`)
      .option(
        "--person <file>",
        "what a person downloaded of the access log: whether each is in it, and none is left out",
      )
      .option("--vkey <key...>", "verifier keys of the log (default: taken from the node's entity configuration)")
      .option("--anchors <file>", "prove the log's keys by these pinned anchors")
      .option(
        "--state <file>",
        "remember the checkpoint here; the next audit proves that nothing before it was rewritten",
      )
      .action((url: string | undefined, options: AuditCommandOptions) => audit(url, options)),
  );
}
