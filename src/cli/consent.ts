// `attestry consent`: asks people of other departments for consent through a node of one's own, and shows how it stands.
import { Command, Option } from "commander";
import { currentSeconds } from "../clock.ts";
import { readBearerToken } from "../config.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { randomBytes } from "../crypto/random.ts";
import { parseDuration } from "./duration.ts";
import { createNodeClient, type NodeClient } from "./node-client.ts";
import { type LineInput, readSecretLine } from "./secret-line.ts";
import { isoTime, printable, printResult, tableLines } from "./terminal.ts";

interface NodeOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

interface RequestOptions extends NodeOptions {
  readonly registry: string;
  readonly claim: string;
  readonly purpose: string;
  readonly field: string[];
  readonly expires: string;
  readonly oneTime?: boolean;
  readonly case?: string;
  readonly note?: string;
  readonly requestId?: string;
}

interface StatusOptions extends NodeOptions {
  readonly case?: string;
}

const STATES: Readonly<Record<string, string>> = {
  requested: "not decided yet",
  given: "given",
  refused: "refused",
  paused: "paused by the person",
  withdrawn: "withdrawn: nothing more is read by it",
  expired: "over",
  invalidated: "declared invalid",
};

const clientOf = ({ url, tokenFile }: NodeOptions): NodeClient =>
  createNodeClient({ baseUrl: url, token: readBearerToken(tokenFile) });

const stateOf = (consent: JsonObject): string =>
  consent.state === "given" && consent.one_time === true && consent.used === true
    ? "used"
    : (STATES[String(consent.state)] ?? String(consent.state));

const namesOf = (fields: Json | undefined): string => (Array.isArray(fields) ? fields.join(", ") : "");

function describe(consent: JsonObject): string[] {
  const isGiven = consent.state === "given" || consent.state === "paused";
  return [
    `${String(consent.href)}: ${stateOf(consent)}`,
    `  fields ${isGiven ? namesOf(consent.fields) : namesOf(consent.requested_fields)}, for "${String(consent.purpose)}", until ${isoTime(Number(consent.expires_at))}`,
    `  attestry consent status ${String(consent.id)}`,
  ].map(printable);
}

async function request(home: string, options: RequestOptions, input: LineInput): Promise<void> {
  const value = await readSecretLine(input, `The person's ${options.claim}`);
  const { registry, claim, purpose, field: fields, oneTime, note, requestId } = options;
  const body = {
    home,
    registry,
    subject: { claim, value },
    purpose,
    fields,
    expires_at: currentSeconds() + parseDuration(options.expires),
    ...(oneTime && { one_time: true }),
    ...(options.case !== undefined && { case: options.case }),
    ...(note !== undefined && { note }),
    // With a number of its own it can be sent again without being asked twice.
    request_id: requestId ?? encodeBase64url(randomBytes(16)),
  };
  const answer = parseJson(
    await clientOf(options).send({
      method: "POST",
      path: "/asked-consents",
      body: JSON.stringify(body),
      contentType: "application/json",
      isRepeatable: true,
    }),
  ) as JsonObject;
  printResult({ json: options.json, value: answer, lines: describe(answer) });
}

async function status(id: string | undefined, options: StatusOptions): Promise<void> {
  const client = clientOf(options);
  if (id !== undefined) {
    const path = `/asked-consents/${encodeURIComponent(id)}/refresh`;
    const answer = parseJson(await client.send({ method: "POST", path, isRepeatable: true })) as JsonObject;
    printResult({ json: options.json, value: answer, lines: describe(answer) });
    return;
  }
  const query = options.case === undefined ? {} : { case: options.case };
  const answer = await client.getJson("/asked-consents", { query });
  const consents = isJsonObject(answer) && Array.isArray(answer.consents) ? answer.consents.filter(isJsonObject) : [];
  const rows = consents.map((one) => [
    String(one.id),
    String(one.case ?? ""),
    String(one.registry),
    stateOf(one),
    isoTime(Number(one.expires_at)),
  ]);
  printResult({
    json: options.json,
    value: answer,
    lines:
      rows.length === 0 ? ["Nothing was asked."] : tableLines([["id", "case", "registry", "state", "until"], ...rows]),
  });
}

function withNode(command: Command): Command {
  return command
    .requiredOption("--url <url>", "your node")
    .option("--token-file <file>", "file with a bearer token of it, of a reader (default: $ATTESTRY_TOKEN)")
    .option("--json", "print one JSON object");
}

/** `input`: where the person's number is read from. */
export function consentCommand(input: LineInput = process.stdin): Command {
  const requestOption = new Option("--field <name>", "a field that is needed; repeatable")
    .argParser((value: string, all: string[]) => [...all, value])
    .default([], "none");
  return new Command("consent")
    .description("ask people of other departments for consent to read their records, and see how it stands")
    .addCommand(
      withNode(
        new Command("request")
          .description("ask a person; who it is, is typed at a prompt or piped in, never written as an argument")
          .argument("<home>", "entity identifier of the department's node")
          .requiredOption("--registry <name>", "registry there")
          .requiredOption("--claim <name>", "by what the registry knows people, such as national_id")
          .requiredOption("--purpose <code>", "one of the registry's purposes")
          .addOption(requestOption)
          .requiredOption("--expires <duration>", "how long from now, such as 30d")
          .option("--one-time", "for one reading only")
          .option("--case <number>", "of your file; the person sees it")
          .option("--note <text>", "why, in your words; the person reads it")
          .option("--request-id <id>", "your number of the request: the same again is the same request"),
      ).action((home: string, options: RequestOptions) => request(home, options, input)),
    )
    .addCommand(
      withNode(
        new Command("status")
          .description("ask the home node how one stands; without ID, list what was asked, as last known")
          .argument("[id]", "as the answer to request gives it")
          .option("--case <number>", "of this case alone"),
      ).action(status),
    );
}
