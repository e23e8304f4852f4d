// `attestry keys`: the command and its help, and the list of a node's keys. keys-rotation.ts, keys-sealing.ts and keys-report.ts change them.
import { Command, type OptionValues } from "commander";
import { describeKeys, type KeyDescription } from "../federation/published-keys.ts";
import { currentSeconds, readSecrets } from "../node.ts";
import { KEY_ROLES, type Secrets } from "../secrets.ts";
import { DATA_OPTION, JSON_OPTION, NODE_OPTION, type NodeOptions } from "./federation-node.ts";
import { isoTime, openKeys } from "./keys-change.ts";
import { reportStolenKey } from "./keys-report.ts";
import { ROTATED_ROLES, type RotateOptions, rotateKey, SEALING } from "./keys-rotation.ts";
import { describeSealing, rotateSealing } from "./keys-sealing.ts";
import { fetchServedKeys } from "./served-keys.ts";
import { formatTable, printResult } from "./terminal.ts";

/** Whether the served node lists the key; null for what no node lists, and where none answered. */
function isServed(key: KeyDescription, served: ReadonlySet<string> | undefined): boolean | null {
  return served === undefined || key.role === "witness" ? null : served.has(key.x);
}

function describeForJson(key: KeyDescription, served: ReadonlySet<string> | undefined): object {
  return {
    role: key.role,
    kid: key.kid,
    state: key.state,
    created_at: isoTime(key.createdAt) ?? null,
    signs_from: isoTime(key.signsFrom) ?? null,
    compromised_since: isoTime(key.reportedSince) ?? null,
    private_key_held: key.isPrivateHeld,
    served: isServed(key, served),
  };
}

function listAll(secrets: Secrets, now: number): KeyDescription[] {
  return KEY_ROLES.flatMap((role) => describeKeys(role, secrets.rings[role], now));
}

async function list(options: NodeOptions): Promise<void> {
  const opened = openKeys(options);
  const { config } = opened;
  const secrets = await readSecrets(config);
  const keys = listAll(secrets, currentSeconds());
  const sealing = await describeSealing(opened, secrets);
  const served = await fetchServedKeys(config.entity);
  const rows = keys.map((key) => [
    key.role,
    key.kid,
    key.state,
    key.state === "next"
      ? `signs from ${isoTime(key.signsFrom) ?? "when you start it"}`
      : key.reportedSince !== undefined
        ? `since ${isoTime(key.reportedSince)}`
        : `since ${isoTime(key.signsFrom) ?? "the node's beginning"}`,
  ]);
  printResult({
    json: options.json,
    value: {
      entity: config.entity,
      keys: keys.map((key) => describeForJson(key, served)),
      sealing: sealing.value,
    },
    lines: [
      ...formatTable([["role", "key (RFC 7638 thumbprint)", "state", ""], ...rows])
        .trimEnd()
        .split("\n"),
      sayWhatIsServed(keys, served),
      ...sealing.lines,
    ],
  });
}

function sayWhatIsServed(keys: readonly KeyDescription[], served: ReadonlySet<string> | undefined): string {
  if (served === undefined)
    return "The node does not answer at its address now, so whether it knows these keys was not seen.";
  const isWrong = (key: KeyDescription) =>
    isServed(key, served) === (key.state === "compromised") && (key.state !== "retired" || key.role === "record");
  return keys.some((key) => key.role !== "witness" && isWrong(key))
    ? "The served node does not go by this file yet: restart it."
    : "The served node goes by this file.";
}

const EXAMPLES = {
  list: "\nExample:\n  attestry keys list --data /var/lib/attestry --json\n",
  rotate: `
Examples:
  attestry keys rotate record           the next record key signs in two hours, when every node knows it
  attestry keys rotate log --now        a new log key signs as soon as the node is restarted
  attestry keys rotate federation       publish the next federation key ...
  attestry keys rotate federation --start   ... and let it sign, once every superior lists it
  attestry keys rotate sealing          the next keys that seal and hash what the database holds ...
  attestry keys rotate sealing --finish     ... and the end of the old ones, once nothing goes by them

What a rotation costs: the node has to be restarted, and keys.json backed up again. Nothing that was signed is signed again:
records, receipts and evidence of before keep verifying. For a stolen key use "attestry keys report".
`,
  report: `
Example:
  attestry keys report 9vZ1... --compromised-since 2026-11-27T08:00:00Z

What it costs: a stolen record key's signatures count only for what the log had before that time, so records issued since
then have to be issued anew; choose the last time at which you are sure. The key is replaced at once.
`,
} as const;

function withCommonOptions(command: Command): Command {
  return command
    .option(...DATA_OPTION)
    .option(...NODE_OPTION)
    .option(...JSON_OPTION);
}

export function keysCommand(): Command {
  const keys = new Command("keys").description("the node's keys: list them, rotate them, report a stolen one");
  keys.addCommand(
    withCommonOptions(
      new Command("list").description("list the keys of each role: next, current, retired, compromised"),
    )
      .addHelpText("after", EXAMPLES.list)
      .action((options: NodeOptions) => list(options)),
  );
  keys.addCommand(
    withCommonOptions(
      new Command("rotate")
        .description("make the next key of a role: it is published first and signs when others know it")
        .argument("<role>", [...ROTATED_ROLES, SEALING].join(", "))
        .option("--now", "let it sign at once, though others do not know it yet (not for federation)")
        .option("--start", "federation: let the next key sign, if every superior lists it")
        .option("--force", "federation, with --start: whether or not they do")
        .option(
          "--finish",
          "sealing: take the old keys out of the file, if nothing in the database goes by them any more",
        ),
    )
      .option(
        "--former <file>",
        "sealing: put the old keys back out of an older keys.json, for a database restored from then",
      )
      .addHelpText("after", EXAMPLES.rotate)
      .action((role: string, options: RotateOptions) =>
        role === SEALING ? rotateSealing(options) : rotateKey(role, options),
      ),
  );
  keys.addCommand(
    withCommonOptions(
      new Command("report")
        .description("say that somebody else may hold a key, since when; it is replaced at once")
        // One thumbprint in 64 begins with a dash.
        .allowUnknownOption()
        .argument("<kid>", "the key, as list shows it")
        .requiredOption("--compromised-since <time>", "since when, with the zone, such as 2026-11-27T08:00:00Z"),
    )
      .addHelpText("after", EXAMPLES.report)
      .action((kid: string, options: OptionValues) =>
        reportStolenKey(kid, options as NodeOptions & { compromisedSince: string }),
      ),
  );
  return keys;
}
