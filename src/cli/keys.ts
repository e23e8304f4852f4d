// `attestry keys`: shows a node's keys, rotates them, reports a stolen one. Works on the key file of the node's own data directory; says what each change costs.
import { Command, type OptionValues } from "commander";
import { chooseNodeName, type NodeConfig, readNodeConfig, readProcessConfig } from "../config.ts";
import { encodeBase64urlText } from "../crypto/base64.ts";
import { addKey, currentKey, keyState, reportKey, startNext } from "../crypto/key-ring.ts";
import { AttestryError } from "../errors.ts";
import { describeKeys, type KeyDescription } from "../federation/published-keys.ts";
import { KEY_ANNOUNCE_SECONDS } from "../limits.ts";
import { currentSeconds, type Node, readSecrets } from "../node.ts";
import { countVersionsSigned } from "../records/signed-by-store.ts";
import { KEY_ROLES, type KeyRings, type KeyRole, type Secrets } from "../secrets.ts";
import type { Database } from "../storage/database.ts";
import { DATA_OPTION, JSON_OPTION, NODE_OPTION, type NodeOptions } from "./federation-node.ts";
import { changeKeyFile } from "./key-file-change.ts";
import { openNodes } from "./node-process.ts";
import { formatCount, formatDuration, formatTable, printResult } from "./terminal.ts";

/** The witness key is no part of this: those who count on it name it in their own policies. */
const ROTATED_ROLES = ["federation", "record", "log", "status", "request"] as const satisfies readonly KeyRole[];

const KEPT = { keepsRetired: true } as const;
const keptOf = (role: KeyRole) => (role === "record" ? KEPT : { keepsRetired: false });

interface RotateOptions extends NodeOptions {
  readonly now?: boolean;
  readonly start?: boolean;
  readonly force?: boolean;
}

interface Opened {
  readonly config: NodeConfig;
  /** Opens the node with the keys that now are in the file. */
  withNode<Result>(use: (node: Node, database: Database) => Promise<Result>): Promise<Result>;
}

function open(options: NodeOptions): Opened {
  const process = readProcessConfig({ data: options.data });
  const name = chooseNodeName(process.dataDirectory, options.node);
  return {
    config: readNodeConfig(process.dataDirectory, name),
    async withNode(use) {
      const opened = await openNodes({ process, names: [name] });
      try {
        const { node, database } = opened.nodes[0]!;
        return await use(node, database);
      } finally {
        await opened.close();
      }
    },
  };
}

function isoTime(seconds: number | undefined): string | undefined {
  return seconds === undefined || seconds === 0 ? undefined : new Date(seconds * 1_000).toISOString();
}

function describeForJson(key: KeyDescription): object {
  return {
    role: key.role,
    kid: key.kid,
    state: key.state,
    created_at: isoTime(key.createdAt) ?? null,
    signs_from: isoTime(key.signsFrom) ?? null,
    compromised_since: isoTime(key.reportedSince) ?? null,
    private_key_held: key.isPrivateHeld,
  };
}

function listAll(secrets: Secrets, now: number): KeyDescription[] {
  return KEY_ROLES.flatMap((role) => describeKeys(role, secrets.rings[role], now));
}

async function list(options: NodeOptions): Promise<void> {
  const { config } = open(options);
  const keys = listAll(await readSecrets(config), currentSeconds());
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
    value: { entity: config.entity, keys: keys.map(describeForJson) },
    lines: formatTable([["role", "key (RFC 7638 thumbprint)", "state", ""], ...rows])
      .trimEnd()
      .split("\n"),
  });
}

/** What has to be done, and holds, after a key was added; by role. */
function sayWhatFollows(role: KeyRole, { signsFrom, isNow }: { signsFrom: number; isNow: boolean }): string[] {
  const from = isoTime(signsFrom)!;
  const restart = isNow
    ? "Restart the node now: until then it signs with the old key."
    : `Restart the node within ${formatDuration((KEY_ANNOUNCE_SECONDS * 1_000) / 2)}: it then publishes the new key, and lets it sign from ${from} on by itself.`;
  const early = "Nodes that know this one only from before refuse what the new key signs for up to an hour.";
  const meaning: Partial<Record<KeyRole, string>> = {
    record: "Records signed before keep verifying: the old key stays published, and is never used again.",
    log: "Checkpoints are signed by both keys while the change is under way.",
    status: "Status lists are signed anew every few seconds; nothing else changes.",
    request: "Other nodes check requests by the published keys; nothing else changes.",
  };
  return [meaning[role] ?? "", restart, ...(isNow ? [early] : []), BACKUP].filter((line) => line !== "");
}

const BACKUP = "Back up keys.json again: a backup from before cannot sign as this node does from now on.";

function setRing(rings: KeyRings, role: KeyRole, ring: KeyRings[KeyRole]): KeyRings {
  return { ...rings, [role]: ring };
}

async function rotateFederation(options: RotateOptions): Promise<void> {
  const opened = open(options);
  const { config } = opened;
  if (!options.start) {
    const now = currentSeconds();
    const secrets = await changeKeyFile(config, (rings) =>
      setRing(rings, "federation", addKey(rings.federation, { now, signsFrom: undefined, keepsRetired: false })),
    );
    const kid = secrets.rings.federation.at(-1)!.publicKey.kid;
    await opened.withNode((node) => node.keyHistory.recordEvents());
    const superiors = config.superiors.length > 0;
    printResult({
      json: options.json,
      value: { role: "federation", kid, state: "next", superiors: config.superiors },
      lines: [
        `The next federation key is ${kid}. It signs nothing yet.`,
        "1. Restart the node: its configuration then lists both keys, signed by the old one.",
        superiors
          ? "2. Each superior takes the new key over within minutes, or at once by: attestry federation refresh " +
            config.entity
          : "2. Whoever pins this node as anchor adds the new key to the pin.",
        `3. ${superiors ? "Then" : "When all of them have"}: attestry keys rotate federation --start${superiors ? "" : " --force"}`,
        BACKUP,
      ],
    });
    return;
  }
  await startFederation(opened, options);
}

async function startFederation({ config, withNode }: Opened, options: RotateOptions): Promise<void> {
  const { rings } = await readSecrets(config);
  const next = rings.federation.find((key) => keyState(rings.federation, key, currentSeconds()) === "next");
  if (!next)
    throw new AttestryError("request_invalid", "there is no next federation key; make one first, without --start");
  if (!options.force) {
    if (config.superiors.length === 0)
      throw new AttestryError(
        "request_invalid",
        "this node has no superior that could be asked whether it knows the next key: once everybody who pins this node has pinned it, use --force",
      );
    const lacking = await withNode((node) => node.keyRollover.findLacking(next.publicKey.kid));
    if (lacking.length > 0) {
      throw new AttestryError(
        "request_invalid",
        `the next federation key would not be believed by ${lacking.length} of ${config.superiors.length} superiors; restart the node, then have them run: attestry federation refresh ${config.entity}`,
        { details: lacking.map(({ superior, reason }) => ({ field: superior, message: reason })) },
      );
    }
  }
  const now = currentSeconds();
  await changeKeyFile(config, (before) => setRing(before, "federation", startNext(before.federation, now)));
  await withNode((node) => node.keyHistory.recordEvents());
  printResult({
    json: options.json,
    value: { role: "federation", kid: next.publicKey.kid, state: "current", signs_from: isoTime(now) },
    lines: [
      `The federation key is now ${next.publicKey.kid}.`,
      "Restart the node now: until then it signs with the old key. The old one is listed on for two hours, then only among the historical keys.",
      BACKUP,
    ],
  });
}

async function rotate(role: string, options: RotateOptions): Promise<void> {
  const known = ROTATED_ROLES.find((one) => one === role);
  if (known === undefined)
    throw new AttestryError("request_invalid", `"${role}" is none of the roles: ${ROTATED_ROLES.join(", ")}`);
  if (known === "federation") return rotateFederation(options);
  if (options.start || options.force)
    throw new AttestryError("request_invalid", "--start and --force are for the federation key");
  const opened = open(options);
  const now = currentSeconds();
  const signsFrom = options.now ? now : now + KEY_ANNOUNCE_SECONDS;
  const secrets = await changeKeyFile(opened.config, (rings) =>
    setRing(rings, known, addKey(rings[known], { now, signsFrom, ...keptOf(known) })),
  );
  const kid = secrets.rings[known].at(-1)!.publicKey.kid;
  await opened.withNode((node) => node.keyHistory.recordEvents());
  printResult({
    json: options.json,
    value: { role: known, kid, state: options.now ? "current" : "next", signs_from: isoTime(signsFrom) },
    lines: [`The next ${known} key is ${kid}.`, ...sayWhatFollows(known, { signsFrom, isNow: options.now === true })],
  });
}

function parseSince(text: string): number {
  const milliseconds = Date.parse(text);
  // Without a zone the time would be whatever the machine's is.
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text) || Number.isNaN(milliseconds))
    throw new AttestryError(
      "request_invalid",
      `--compromised-since is "${text}"; it must be a time with its zone, such as 2026-11-27T08:00:00Z`,
    );
  return Math.floor(milliseconds / 1_000);
}

/** The first part of every record token that the key signed, as signJws writes it. */
function tokenHeader(kid: string): string {
  return encodeBase64urlText(JSON.stringify({ alg: "Ed25519", typ: "dc+sd-jwt", kid }));
}

async function report(kid: string, options: NodeOptions & { readonly compromisedSince: string }): Promise<void> {
  const since = parseSince(options.compromisedSince);
  const opened = open(options);
  const { rings } = await readSecrets(opened.config);
  const role = KEY_ROLES.find((one) => rings[one].some(({ publicKey }) => publicKey.kid === kid));
  if (role === undefined)
    throw new AttestryError("key_unknown", `this node has no key "${kid.slice(0, 60)}"; see: attestry keys list`);
  if (role === "witness")
    throw new AttestryError(
      "request_invalid",
      "tell those who count on the witness key; it is in no statement of ours",
    );
  // Before the key is changed: what the log gets from now on is later in any case.
  const logSize = role === "record" ? await opened.withNode((node) => node.reader.sizeBefore(since)) : undefined;
  const now = currentSeconds();
  const secrets = await changeKeyFile(opened.config, (before) => {
    const reported = { since, reportedAt: now, ...(logSize !== undefined && { logSize }) };
    return setRing(before, role, reportKey(before[role], { kid, report: reported, ...keptOf(role) }));
  });
  const current = currentKey(secrets.rings[role], currentSeconds()).publicKey.kid;
  const refused = await opened.withNode(async (node, database) => {
    await node.keyHistory.recordEvents();
    return logSize === undefined
      ? undefined
      : countVersionsSigned(database, { header: tokenHeader(kid), from: logSize });
  });
  printResult({
    json: options.json,
    value: {
      role,
      kid,
      compromised_since: isoTime(since),
      ...(logSize !== undefined && { log_size: logSize, versions_refused: refused }),
      current,
    },
    lines: [
      `The ${role} key ${kid} is reported as compromised since ${isoTime(since)}. The ${role} key is now ${current}.`,
      ...sayWhatReportCosts(role, { logSize, refused }),
      "Restart the node now: until then it goes on as before.",
      "Nodes that hold an older statement of this one learn of it when that ends, within an hour.",
      BACKUP,
    ],
  });
}

function sayWhatReportCosts(
  role: KeyRole,
  { logSize, refused }: { logSize: number | undefined; refused: number | undefined },
): string[] {
  if (role === "federation")
    return [
      "Superiors know only the old key: tell them at once to suspend this node, restart it, apply again (attestry federation join) and have them accept it with --replace-key.",
    ];
  if (logSize === undefined) return [];
  return [
    `What the log had among its first ${formatCount(logSize)} entries keeps verifying; whatever the key signed later is refused everywhere, whatever date it claims.`,
    ...(refused
      ? [
          `${formatCount(refused)} versions of this node's own are among the refused: issue those records anew by amending them.`,
        ]
      : ["None of this node's own versions is among the refused."]),
  ];
}

const EXAMPLES = {
  list: "\nExample:\n  attestry keys list --data /var/lib/attestry --json\n",
  rotate: `
Examples:
  attestry keys rotate record           the next record key signs in two hours, when every node knows it
  attestry keys rotate log --now        a new log key signs as soon as the node is restarted
  attestry keys rotate federation       publish the next federation key ...
  attestry keys rotate federation --start   ... and let it sign, once every superior lists it

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
        .argument("<role>", ROTATED_ROLES.join(", "))
        .option("--now", "let it sign at once, though others do not know it yet (not for federation)")
        .option("--start", "federation: let the next key sign, if every superior lists it")
        .option("--force", "federation, with --start: whether or not they do"),
    )
      .addHelpText("after", EXAMPLES.rotate)
      .action((role: string, options: RotateOptions) => rotate(role, options)),
  );
  keys.addCommand(
    withCommonOptions(
      new Command("report")
        .description("say that somebody else may hold a key, since when; it is replaced at once")
        .argument("<kid>", "the key, as list shows it")
        .requiredOption("--compromised-since <time>", "since when, with the zone, such as 2026-11-27T08:00:00Z"),
    )
      .addHelpText("after", EXAMPLES.report)
      .action((kid: string, options: OptionValues) =>
        report(kid, options as NodeOptions & { compromisedSince: string }),
      ),
  );
  return keys;
}
