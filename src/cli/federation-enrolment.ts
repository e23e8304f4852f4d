// `attestry federation join|pending|refuse|code`: both sides of becoming a subordinate.
import type { Command } from "commander";
import { AttestryError } from "../errors.ts";
import type { Enrolment } from "../federation/enrolment-client.ts";
import { parseEntityIdentifier } from "../federation/entity-identifier.ts";
import { parseDuration } from "./duration.ts";
import {
  describeGrant,
  type GrantOptions,
  type NodeOptions,
  nodeCommand,
  PATH_LENGTH_OPTION,
  parseGrant,
  TYPES_OPTION,
  withNode,
} from "./federation-node.ts";
import { type NodeFiles, openNodeFiles } from "./node-files.ts";
import { EXIT, formatTable, printable, printResult } from "./terminal.ts";

interface JoinOptions extends NodeOptions {
  readonly code?: string;
  readonly status?: boolean;
  readonly formerly?: string;
}

/** Names the superior in the node's configuration, without which nobody may vouch for it. What takes that back; undefined where it was named before. */
function nameSuperior(node: NodeFiles, superior: string): (() => void) | undefined {
  const file = node.readConfig();
  if (file.superiors?.includes(superior)) return undefined;
  if (file.anchors === undefined) {
    throw new AttestryError(
      "config_invalid",
      `${node.configPath} pins no anchors, and a node that believes nobody joins nothing: get the anchor's pin from its operator, save it as anchors.json beside the file and add "anchors": "anchors.json"`,
    );
  }
  // A hint that is no entity identifier would make the whole configuration unreadable to others.
  parseEntityIdentifier(superior, { allowLoopbackHttp: file.development === true });
  node.writeConfig({ ...file, superiors: [...(file.superiors ?? []), superior] });
  return () => node.writeConfig(file);
}

const STATE_LINES: Readonly<Record<string, (superior: string, enrolment: Enrolment) => string>> = {
  pending: (superior) =>
    `${superior} has your application; its operator decides: attestry federation join ${superior} --status`,
  accepted: (superior, { registryTypes = [] }) =>
    `${superior} vouches for this node, for: ${printable(describeGrant({ registryTypes }))}`,
  refused: (superior, { reason }) => `${superior} refused: ${printable(reason ?? "no reason was given")}`,
};

async function join(superior: string, options: JoinOptions): Promise<void> {
  const files = openNodeFiles(options);
  const { name } = files;
  const entity = superior.replace(/\/$/, "");
  const known = files.readEnrolments();
  if (options.status && known[entity] === undefined) {
    throw new AttestryError(
      "enrolment_unknown",
      `this node has not applied to ${entity}; apply with: attestry federation join ${entity}`,
    );
  }
  if (options.status) {
    await withNode({ ...options, node: name }, async ({ enrolmentClient }) => {
      printEnrolment(entity, await enrolmentClient.getStatus(known[entity]!), { json: options.json, notes: [] });
    });
    return;
  }
  const takeBack = nameSuperior(files, entity);
  try {
    await withNode({ ...options, node: name }, async ({ enrolmentClient, federation, federationKey }) => {
      const enrolment = await enrolmentClient.apply({
        superior: entity,
        configuration: await federation.getConfiguration(),
        code: options.code,
        formerly: options.formerly,
      });
      files.writeEnrolments({ ...known, [entity]: enrolment.url });
      printEnrolment(entity, enrolment, {
        json: options.json,
        notes: [
          ...(enrolment.state === "pending" ? [`its operator may ask for this node's key: ${federationKey}`] : []),
          ...(takeBack ? [RESTART_NOTE] : []),
        ],
      });
    });
  } catch (error) {
    // Who never took the application is no superior to name to others.
    takeBack?.();
    throw error;
  }
}

const RESTART_NOTE = "config.json now names it as superior: restart the node, so that its configuration says so";

function printEnrolment(
  superior: string,
  enrolment: Enrolment,
  { json, notes }: { json: boolean | undefined; notes: readonly string[] },
): void {
  if (enrolment.state === "refused") process.exitCode = EXIT.incomplete;
  printResult({
    json,
    value: { superior, ...enrolment },
    lines: [STATE_LINES[enrolment.state]!(superior, enrolment), ...notes],
  });
}

async function pending(options: NodeOptions): Promise<void> {
  await withNode(options, async (node) => {
    const applications = (await node.enrolment.listApplications()).map((one) => ({
      entity: one.entity,
      ...(one.organizationName !== undefined && { organization_name: one.organizationName }),
      registry_types: one.registryTypes,
      state: one.state,
      ...(one.reason !== undefined && { reason: one.reason }),
      ...(one.formerly !== undefined && { formerly: one.formerly }),
      key: one.key,
      replaces_key: one.replacesKey,
      applied_at: new Date(one.createdAt * 1_000).toISOString(),
    }));
    const rows = applications.map((one) => [
      one.entity,
      one.organization_name ?? "",
      one.registry_types.join(", ") || "none",
      one.reason === undefined ? one.state : `${one.state}: ${one.reason}`,
      one.key,
      [
        ...(one.replaces_key ? ["another key than the one accepted"] : []),
        ...(one.formerly === undefined ? [] : [`says that it was ${one.formerly}`]),
      ].join("; "),
    ]);
    const header = ["applicant", "organisation", "has registries of", "state", "key", ""];
    printResult({
      json: options.json,
      value: { applications },
      lines:
        rows.length === 0
          ? ["Nobody has applied."]
          : formatTable([header, ...rows])
              .trimEnd()
              .split("\n"),
    });
  });
}

async function refuse(entity: string, options: NodeOptions & { readonly reason: string }): Promise<void> {
  await withNode(options, async (node) => {
    await node.enrolment.refuse({ entity, reason: options.reason });
    printResult({
      json: options.json,
      value: { entity, state: "refused", reason: options.reason },
      lines: [`${entity} is refused, and is told why when it asks`],
    });
  });
}

async function createCode(
  options: GrantOptions & { readonly entity: string; readonly expires: string },
): Promise<void> {
  const grant = parseGrant(options);
  const seconds = parseDuration(options.expires);
  await withNode(options, async (node) => {
    const { code, expiresAt } = await node.enrolment.createCode({ entity: options.entity, grant, seconds });
    const until = new Date(expiresAt * 1_000).toISOString();
    if (!options.json)
      process.stderr.write(
        `Accepts ${options.entity} once, for: ${describeGrant(grant)}, until ${until}. It is shown this once.\n`,
      );
    printResult({
      json: options.json,
      value: { code, entity: options.entity, registry_types: grant.registryTypes, expires_at: until },
      lines: [code],
    });
  });
}

export function joinCommand(): Command {
  return nodeCommand(
    "join",
    "ask a node to vouch for this one: sends the configuration, proves the key, says what became of it",
  )
    .argument("<superior>", "the superior's entity identifier")
    .option("--code <code>", "a one-time code of the superior, which accepts at once")
    .option(
      "--formerly <entity>",
      "what the superior still calls this node, which moved (see: attestry federation move)",
    )
    .option("--status", "only ask what became of the application")
    .action((superior: string, options: JoinOptions) => join(superior, options));
}

export function pendingCommand(): Command {
  return nodeCommand("pending", "list who has applied to this node; decide with accept or refuse").action(
    (options: NodeOptions) => pending(options),
  );
}

export function refuseCommand(): Command {
  return nodeCommand("refuse", "refuse an applicant, with a reason that it is told")
    .argument("<entity>", "the applicant's entity identifier")
    .requiredOption("--reason <text>", "why")
    .action((entity: string, options: NodeOptions & { reason: string }) => refuse(entity, options));
}

export function codeCommand(): Command {
  return nodeCommand("code", "make a one-time code by which one node is accepted as soon as it joins")
    .requiredOption("--entity <entity>", "the node that may use it")
    .option(...TYPES_OPTION)
    .option(...PATH_LENGTH_OPTION)
    .option("--expires <duration>", "how long it holds, such as 8h or 7d", "24h")
    .action((options: GrantOptions & { entity: string; expires: string }) => createCode(options));
}
