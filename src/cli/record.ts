// `attestry record`: creates, amends and changes the state of single records on their node, as a registrar would over HTTP.
import { Command } from "commander";
import { readBearerToken } from "../config.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { randomBytes } from "../crypto/random.ts";
import { AttestryError } from "../errors.ts";
import { STATE_OPERATIONS, type StateOperation } from "../records/record-states.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import { readInputJson } from "./input-file.ts";
import { createNodeClient, type NodeRequest } from "./node-client.ts";
import { describeProposed } from "./proposed.ts";
import { printable, printResult } from "./terminal.ts";

interface RecordOptions {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly reason?: string;
  readonly instrument?: string;
  readonly note?: string;
  readonly distinct?: string;
  readonly effective?: string;
  readonly json?: boolean;
}

interface HoldCommandOptions extends RecordOptions {
  readonly case: string;
  readonly until?: string;
  readonly confidential?: boolean;
}

const KEY_BYTES = 16;

function readBody(file: string): JsonObject {
  const body = readInputJson(file, "request_invalid");
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new AttestryError("request_invalid", `${file} must hold one JSON object`);
}

const VERSION_DONE = ["created", "amended", "unchanged", "erased"];

/** What the options say of the act, over what the file says. */
function withAct(body: JsonObject, options: RecordOptions): JsonObject {
  const { reason, instrument, note, distinct, effective } = options;
  const given = { reason, instrument, note, distinct };
  const said = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return {
    ...body,
    ...(said.length > 0 && { act: { ...(body.act as JsonObject | undefined), ...Object.fromEntries(said) } }),
    ...(effective !== undefined && { effective }),
  };
}

/** A record's node and its path there; the token goes to that node alone. */
function readAddress(url: string): { entity: string; path: string } {
  const address = parseRecordUrl(url);
  if (address) return { entity: address.entity, path: url.slice(address.entity.length) };
  throw new AttestryError(
    "request_invalid",
    `"${printable(url.slice(0, 200))}" is not the URL of a record (…/registries/NAME/records/RID)`,
  );
}

/** Sends one change. Its Idempotency-Key lets it be tried again without being made twice. */
async function send(entity: string, request: NodeRequest, options: RecordOptions): Promise<JsonObject> {
  const client = createNodeClient({ baseUrl: entity, token: readBearerToken(options.tokenFile) });
  const key = encodeBase64url(randomBytes(KEY_BYTES));
  const headers = { ...request.headers, "idempotency-key": key };
  return parseJson(
    await client.send({ contentType: "application/json", ...request, headers, isRepeatable: true }),
  ) as JsonObject;
}

function show(answer: JsonObject, done: string, { json }: RecordOptions): void {
  const proposed = describeProposed(answer);
  if (proposed) {
    printResult({ json, value: answer, lines: proposed });
    return;
  }
  const successors = Array.isArray(answer.replaced_by) ? answer.replaced_by : [];
  const version = answer.version === undefined ? "" : `, version ${answer.version}`;
  // The log index of an answer is that of the version, or of an erasure; a statement has its own, in the history.
  const hasOwn = answer.version !== undefined && !VERSION_DONE.includes(done);
  const place = hasOwn ? "" : `, log index ${answer.log_index}`;
  printResult({
    json,
    value: answer,
    lines: [
      `${done}: ${printable(String(answer.href))}${version}, ${answer.state}${place}`,
      ...successors.map((url: Json) => `  replaced by ${printable(String(url))}`),
      ...describeBackups(answer),
    ],
  });
}

/** What an erasure did not reach. */
function describeBackups({ backups }: JsonObject): string[] {
  if (!isJsonObject(backups)) return [];
  const until = backups.held_until;
  return [
    until === undefined
      ? `  backups: ${printable(String(backups.mend))}`
      : `  backups hold it until ${printable(String(until))}`,
    `  readable there: ${printable(String(backups.readable_with))}`,
  ];
}

function describeHold(hold: JsonObject): string {
  const ground = [hold.reason_text ?? hold.reason, hold.instrument].filter((one) => one !== undefined).join(", ");
  const until = hold.until === undefined ? "until it is lifted" : `until ${String(hold.until)}`;
  const name = hold.case === undefined ? "confidential" : String(hold.case);
  return `  ${hold.in_force === true ? "stands" : "over"}: ${printable(name)}, ${printable(until)}${ground === "" ? "" : ` (${printable(ground)})`}`;
}

async function changeHold(operation: "hold" | "release", url: string, options: HoldCommandOptions): Promise<void> {
  const { entity, path } = readAddress(url);
  const { case: name, until, confidential, json } = options;
  const said = { case: name, ...(until !== undefined && { until }), ...(confidential === true && { confidential }) };
  const body = JSON.stringify(withAct(said, options));
  const answer = await send(entity, { method: "POST", path: `${path}/${operation}`, body }, options);
  const holds = (answer.holds as JsonObject[]).map(describeHold);
  printResult({
    json,
    value: answer,
    lines: [`${operation === "hold" ? "held" : "lifted"}: ${printable(String(answer.href))}`, ...holds],
  });
}

async function create(registry: string, file: string, options: RecordOptions & { url: string }): Promise<void> {
  const body = JSON.stringify(withAct(readBody(file), options));
  const path = `/registries/${encodeURIComponent(registry)}/records`;
  show(await send(options.url, { method: "POST", path, body }, options), "created", options);
}

async function amend(url: string, file: string, options: RecordOptions): Promise<void> {
  const { entity, path } = readAddress(url);
  const client = createNodeClient({ baseUrl: entity, token: readBearerToken(options.tokenFile) });
  const { headers } = await client.sendFull({ path });
  const body = JSON.stringify(withAct(readBody(file), options));
  const etag = headers.get("etag") ?? "";
  const request = { method: "PATCH", path, body, headers: { "if-match": etag } } as const;
  const answer = await send(entity, request, options);
  show(answer, etag.startsWith(`"${answer.version}.`) ? "unchanged" : "amended", options);
}

const DONE: Readonly<Record<StateOperation, string>> = {
  suspend: "suspended",
  reinstate: "reinstated",
  revoke: "revoked",
  end: "ended",
  replace: "replaced",
  erase: "erased",
};

async function change(
  operation: StateOperation,
  url: string,
  body: JsonObject,
  options: RecordOptions & { ofVersion?: string },
): Promise<void> {
  const { entity, path } = readAddress(url);
  const { ofVersion } = options;
  const request = {
    method: "POST",
    path: `${path}${ofVersion === undefined ? "" : `/versions/${encodeURIComponent(ofVersion)}`}/${operation}`,
    body: JSON.stringify(withAct(body, options)),
  } as const;
  show(await send(entity, request, options), DONE[operation], options);
}

const EXPLAINED: Readonly<Record<StateOperation, string>> = {
  suspend: "a record is not to be relied on for the time being",
  reinstate: "a suspended record is in force again",
  revoke: "a record was wrong, and never should have been",
  end: "a record was right, and is over",
  replace: 'a record is replaced by others; FILE holds {"by": [URL or {"data": …}], "also"?: …}',
  erase: "destroy what a record says, now and for ever",
};

function withCommon(command: Command): Command {
  return command
    .option("--reason <text>", "why, or one of the registry's reason codes")
    .option("--instrument <text>", "the order, act or document it rests on")
    .option("--note <text>", "a note for the staff; kept sealed")
    .option("--token-file <file>", "file with a registrar's bearer token (default: $ATTESTRY_TOKEN)")
    .option("--json", "print one JSON object");
}

function stateCommand(operation: StateOperation): Command {
  const command = withCommon(
    new Command(operation).description(EXPLAINED[operation]).argument("<url>", "the record's URL"),
  );
  if (operation !== "revoke" && operation !== "erase")
    command.option("--effective <date>", "since when it holds (default: now)");
  if (operation === "erase") command.option("--of-version <number>", "only this former version of the record");
  if (operation !== "replace") return command.action((url, options) => change(operation, url, {}, options));
  return command
    .argument("<file>", "JSON file, or - for standard input")
    .action((url, file, options) => change(operation, url, readBody(file), options));
}

function holdCommand(operation: "hold" | "release"): Command {
  const explained =
    operation === "hold"
      ? "a record must be kept: neither it nor one of its versions is erased while the hold stands"
      : "lift the hold of a case";
  const command = withCommon(new Command(operation).description(explained).argument("<url>", "the record's URL"));
  command.requiredOption("--case <text>", "number or name of the case");
  if (operation === "hold")
    command
      .option("--until <date>", "the last day that it holds (default: until it is lifted)")
      .option("--confidential", "tell neither the person whom it is about nor other staff why");
  return command.action((url, options) => changeHold(operation, url, options));
}

export function recordCommand(): Command {
  const distinct = ["--distinct <text>", "why it is no duplicate of a record that looks alike"] as const;
  const record = new Command("record").description("write single records of a running node");
  record.addCommand(
    withCommon(new Command("create").description('create a record; FILE holds {"data": …, "valid_from"?: …, …}'))
      .argument("<registry>", "the registry's name")
      .argument("<file>", "JSON file, or - for standard input")
      .requiredOption("--url <url>", "the node's base URL")
      .option(...distinct)
      .action(create),
  );
  record.addCommand(
    withCommon(
      new Command("amend").description('amend a record; FILE holds {"data": merge patch, "valid_from"?: …, …}'),
    )
      .argument("<url>", "the record's URL")
      .argument("<file>", "JSON file, or - for standard input")
      .option(...distinct)
      .action(amend),
  );
  for (const operation of STATE_OPERATIONS) record.addCommand(stateCommand(operation));
  for (const operation of ["hold", "release"] as const) record.addCommand(holdCommand(operation));
  return record;
}
