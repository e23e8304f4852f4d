// `attestry federation mark …`: the trust marks that a node issues, and those that it carries.
import { Command } from "commander";
import type { StoredTrustMark } from "../federation/trust-mark-store.ts";
import { parseDuration } from "./duration.ts";
import { type NodeOptions, nodeCommand, withNode } from "./federation-node.ts";
import { readInputText } from "./input-file.ts";
import { EXIT, isoTime, printResult, tableLines } from "./terminal.ts";

interface TypeOptions extends NodeOptions {
  readonly type: string;
}

interface IssueOptions extends TypeOptions {
  readonly expires: string;
  readonly delegation?: string;
}

const TYPE_OPTION = ["--type <type>", "the type of mark, usually a URL"] as const;

/** A mark given as such, or the file that holds it; `-` is standard input. */
function readMark(textOrFile: string): string {
  const isJws = /^[\w-]+\.[\w-]+\.[\w-]+$/.test(textOrFile);
  return isJws ? textOrFile : readInputText(textOrFile, "request_invalid").trim();
}

async function issue(subject: string, options: IssueOptions): Promise<void> {
  const seconds = parseDuration(options.expires);
  const delegation = options.delegation === undefined ? undefined : readMark(options.delegation);
  await withNode(options, async ({ trustMarks, entity }) => {
    const { text, type, expiresAt } = await trustMarks.issue({ type: options.type, subject, seconds, delegation });
    if (!options.json)
      process.stderr.write(
        `${entity} marks ${subject} as ${type} until ${isoTime(expiresAt)}; give it the mark below, for: attestry federation mark add\n`,
      );
    printResult({
      json: options.json,
      value: { subject, type, trust_mark: text, expires_at: isoTime(expiresAt) },
      lines: [text],
    });
  });
}

async function delegate(issuer: string, options: IssueOptions): Promise<void> {
  const seconds = parseDuration(options.expires);
  await withNode(options, async ({ trustMarks }) => {
    const delegation = await trustMarks.delegate({ type: options.type, issuer, seconds });
    printResult({ json: options.json, value: { issuer, type: options.type, delegation }, lines: [delegation] });
  });
}

function describeIssued(row: StoredTrustMark & { readonly status: string }) {
  return {
    subject: row.subject,
    type: row.type,
    status: row.status,
    ...(row.reason !== null && { reason: row.reason }),
    issued_at: isoTime(row.issuedAt),
    expires_at: isoTime(row.expiresAt),
  };
}

async function list(options: NodeOptions): Promise<void> {
  await withNode(options, async ({ trustMarks }) => {
    const issued = (await trustMarks.list()).map(describeIssued);
    const carried = (await trustMarks.listCarried()).map(({ type, text }) => ({ type, trust_mark: text }));
    const rows = issued.map((one) => [
      one.subject,
      one.type,
      one.reason === undefined ? one.status : `${one.status}: ${one.reason}`,
      one.expires_at,
    ]);
    printResult({
      json: options.json,
      value: { issued, carried },
      lines: [
        ...(rows.length === 0
          ? ["This node issued no trust marks."]
          : tableLines([["subject", "type", "state", "until"], ...rows])),
        ...carried.map(({ type }) => `This node carries a mark of type ${type}.`),
      ],
    });
  });
}

async function revoke(subject: string, options: TypeOptions & { readonly reason: string }): Promise<void> {
  const { type, reason } = options;
  await withNode(options, async ({ trustMarks }) => {
    const revoked = await trustMarks.revoke({ type, subject, reason });
    printResult({
      json: options.json,
      value: { subject, type, revoked, reason },
      lines: [
        `${revoked} marks of ${subject} are revoked: whoever asks for their status is told`,
        "who does not ask believes a mark to the end of its time",
      ],
    });
  });
}

async function add(textOrFile: string, options: NodeOptions): Promise<void> {
  await withNode(options, async ({ trustMarks, entity }) => {
    const { type, issuer } = await trustMarks.carry(readMark(textOrFile));
    printResult({
      json: options.json,
      value: { entity, type, issuer },
      lines: [`${entity} now publishes the mark of type ${type} by ${issuer}`],
    });
  });
}

async function drop(options: TypeOptions): Promise<void> {
  await withNode(options, async ({ trustMarks }) => {
    const dropped = await trustMarks.drop(options.type);
    if (dropped === 0) process.exitCode = EXIT.incomplete;
    printResult({
      json: options.json,
      value: { type: options.type, dropped },
      lines: [`${dropped} marks of type ${options.type} are published no longer`],
    });
  });
}

async function check(entity: string, options: NodeOptions): Promise<void> {
  await withNode(options, async ({ chains, trustMarkChecks }) => {
    const chain = await chains.getProvenChain(entity);
    const { held, refused } = await trustMarkChecks.checkMarks(chain, { outgoing: true });
    if (refused.length > 0) process.exitCode = EXIT.incomplete;
    const marks = held.map(({ type, issuer, expiresAt }) => ({
      type,
      issuer,
      ...(expiresAt !== undefined && { expires_at: isoTime(expiresAt) }),
    }));
    printResult({
      json: options.json,
      value: { entity, anchor: chain.anchor.subject, marks, refused },
      lines: [
        ...marks.map(({ type, issuer }) => `✓ ${type}, by ${issuer}`),
        ...refused.map(({ type, code, message }) => `✗ ${type}: ${code}: ${message}`),
        `${marks.length} of ${marks.length + refused.length} marks of ${entity} hold under ${chain.anchor.subject}`,
      ],
    });
  });
}

export function markCommand(): Command {
  return new Command("mark")
    .description("issue, revoke and carry trust marks: what structure alone does not say of a node")
    .addCommand(
      nodeCommand("issue", "sign a trust mark for an entity, and print it")
        .argument("<entity>", "whom it is about")
        .requiredOption(...TYPE_OPTION)
        .option("--expires <duration>", "how long it holds, such as 90d", "90d")
        .option("--delegation <jwt>", "the delegation of the type's owner, or the file that holds it")
        .action((entity: string, options: IssueOptions) => issue(entity, options)),
    )
    .addCommand(
      nodeCommand("delegate", "as the owner of a type: let an entity issue it, by the delegation that is printed")
        .argument("<entity>", "who may issue it")
        .requiredOption(...TYPE_OPTION)
        .option("--expires <duration>", "how long it holds", "365d")
        .action((entity: string, options: IssueOptions) => delegate(entity, options)),
    )
    .addCommand(
      nodeCommand(
        "list",
        "list the marks that were issued, with what became of them, and those that are carried",
      ).action((options: NodeOptions) => list(options)),
    )
    .addCommand(
      nodeCommand("revoke", "take back every mark of a type that an entity has of this node")
        .argument("<entity>", "whom they are about")
        .requiredOption(...TYPE_OPTION)
        .requiredOption("--reason <text>", "why, for those who look at the list later")
        .action((entity: string, options: TypeOptions & { reason: string }) => revoke(entity, options)),
    )
    .addCommand(
      nodeCommand("add", "publish a mark that another issued to this node")
        .argument("<jwt>", "the mark, or the file that holds it (- for standard input)")
        .action((text: string, options: NodeOptions) => add(text, options)),
    )
    .addCommand(
      nodeCommand("drop", "publish the marks of a type no longer")
        .requiredOption(...TYPE_OPTION)
        .action((options: TypeOptions) => drop(options)),
    )
    .addCommand(
      nodeCommand(
        "check",
        "verify the marks that an entity carries, under this node's pinned anchors; exit code 2 if one fails",
      )
        .argument("<entity>", "whose marks")
        .action((entity: string, options: NodeOptions) => check(entity, options)),
    );
}
