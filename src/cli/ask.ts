// `attestry ask`: asks another department's node for a signed yes or no, through a node of one's own.
import { Command } from "commander";
import { readBearerToken } from "../config.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { randomBytes } from "../crypto/random.ts";
import { AttestryError } from "../errors.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import { createNodeClient } from "./node-client.ts";
import { type LineInput, readSecretLine } from "./secret-line.ts";
import { isoTime, printable, printResult } from "./terminal.ts";

interface AskOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
  readonly registry?: string;
  readonly by?: string;
  readonly exists?: boolean;
  readonly years?: string;
  readonly is: string[];
  readonly purpose?: string;
  readonly consent: string[];
  readonly case?: string;
  readonly requestId?: string;
}

const invalid = (message: string) => new AttestryError("request_invalid", message);

/** Splits `field=value` at its first "=". */
function readPair(text: string, option: string): [string, string] {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw invalid(`${option} "${printable(text.slice(0, 80))}" is not FIELD=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

/** A value as the field has it: "12" is the number where it reads as one, and a text in quotes is a text. */
function readValue(text: string): Json {
  return /^(?:true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|".*")$/.test(text) ? parseJson(text) : text;
}

function readQuestion({ exists, years, is }: AskOptions): JsonObject {
  const kinds = [exists === true, years !== undefined, is.length > 0].filter(Boolean).length;
  if (kinds !== 1) throw invalid("ask one thing: --exists, --years FIELD=NUMBER, or --is FIELD=VALUE");
  if (exists) return { kind: "exists" };
  if (years === undefined)
    return {
      kind: "matches",
      values: Object.fromEntries(
        is.map((text) => readPair(text, "--is")).map(([name, text]) => [name, readValue(text)]),
      ),
    };
  const [field, number] = readPair(years, "--years");
  if (!/^[1-9][0-9]{0,2}$/.test(number))
    throw invalid(`--years "${printable(number.slice(0, 20))}" is no number of years`);
  return { kind: "age", field, years: Number(number) };
}

/** Which record: by its URL, or by a key whose value is typed or piped in. */
async function readTarget(target: string, { registry, by }: AskOptions, input: LineInput): Promise<JsonObject> {
  if (parseRecordUrl(target)) {
    if (registry !== undefined || by !== undefined)
      throw invalid("the URL says which record; leave out --registry and --by");
    return { question: { record: target } };
  }
  if (registry === undefined || by === undefined)
    throw invalid("give the URL of a record, or the department's node with --registry and --by");
  const value = await readSecretLine(input, `The ${printable(by)}`);
  return { home: target, question: { registry, key: { [by]: value } } };
}

async function ask(target: string, options: AskOptions, input: LineInput): Promise<void> {
  const what = readQuestion(options);
  const { purpose, consent, case: matter, requestId } = options;
  if (purpose === undefined && (consent.length > 0 || matter !== undefined || requestId !== undefined))
    throw invalid("say what for: --purpose");
  const { question, ...rest } = await readTarget(target, options, input);
  const body = {
    ...rest,
    question: { ...what, ...(question as JsonObject) },
    ...(purpose !== undefined && {
      access: {
        purpose,
        // With a number of its own it can be sent again, and uses nothing up twice.
        request_id: requestId ?? encodeBase64url(randomBytes(16)),
        ...(consent.length > 0 && { consents: consent }),
        ...(matter !== undefined && { case: matter }),
      },
    }),
  };
  const client = createNodeClient({ baseUrl: options.url, token: readBearerToken(options.tokenFile) });
  const answer = parseJson(
    await client.send({
      method: "POST",
      path: "/asked-answers",
      body: JSON.stringify(body),
      contentType: "application/json",
      isRepeatable: true,
    }),
  ) as JsonObject;
  const lines = [
    answer.answer === true ? "yes" : "no",
    `  the word of ${String(answer.issuer)}, verified; it may be shown until ${isoTime(Number(answer.expires_at))}`,
  ];
  printResult({ json: options.json, value: answer, lines: lines.map(printable) });
}

const collect = (value: string, all: string[]) => [...all, value];

/** `input`: where the value of a key is read from. */
export function askCommand(input: LineInput = process.stdin): Command {
  return new Command("ask")
    .description("ask another department for a signed yes or no about a record, through a node of yours")
    .argument(
      "<target>",
      "URL of the record; or the entity identifier of the department's node, with --registry and --by",
    )
    .requiredOption("--url <url>", "your node")
    .option("--token-file <file>", "file with a bearer token of it, of a reader (default: $ATTESTRY_TOKEN)")
    .option("--registry <name>", "registry there")
    .option("--by <field>", "by which field; its value is typed at a prompt or piped in, never written as an argument")
    .option("--exists", "ask whether there is such a record, in force")
    .option("--is <field=value>", "ask whether a field has this value; repeatable, all must be so", collect, [])
    .option("--years <field=number>", "ask whether a date is so many years ago, such as date_of_birth=18")
    .option("--purpose <code>", "about people: what for, one of the registry's purposes")
    .option("--consent <url>", "URL of a consent; without one, a law that the registry names; repeatable", collect, [])
    .option("--case <number>", "of your file; the person sees it")
    .option("--request-id <id>", "your number of the question: the same again is the same question")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nNo means only that it is not yes: also where there is no such record, or it is not in force.",
    )
    .action((target: string, options: AskOptions) => ask(target, options, input));
}
