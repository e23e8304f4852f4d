// `attestry federation`: what an operator decides about subordinates, on the node's own data directory.
import { Command } from "commander";
import { chooseNodeName, readProcessConfig } from "../config.ts";
import { AttestryError } from "../errors.ts";
import { STATEMENT_SECONDS } from "../limits.ts";
import type { Node } from "../node.ts";
import { openNodes } from "./node-process.ts";
import { formatDuration, formatTable, printResult } from "./terminal.ts";

interface FederationOptions {
  readonly data?: string;
  readonly node?: string;
  readonly types?: string;
  readonly pathLength?: string;
  readonly json?: boolean;
}

async function withNode(options: FederationOptions, use: (node: Node) => Promise<void>): Promise<void> {
  const config = readProcessConfig({ data: options.data });
  const opened = await openNodes({ process: config, names: [chooseNodeName(config.dataDirectory, options.node)] });
  try {
    await use(opened.nodes[0]!.node);
  } finally {
    await opened.close();
  }
}

function parsePathLength(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,2}$/.test(text))
    throw new AttestryError("request_invalid", `--path-length is "${text}"; it must be 0 or more`);
  return Number(text);
}

async function accept(entity: string, options: FederationOptions): Promise<void> {
  const registryTypes = (options.types ?? "")
    .split(",")
    .map((type) => type.trim())
    .filter((type) => type !== "");
  const maxPathLength = parsePathLength(options.pathLength);
  await withNode(options, async (node) => {
    const accepted = await node.federation.acceptSubordinate({
      entity,
      registryTypes,
      ...(maxPathLength !== undefined && { maxPathLength }),
    });
    const granted = registryTypes.length === 0 ? "no registry type" : registryTypes.join(", ");
    printResult({
      json: options.json,
      value: accepted,
      lines: [`${node.entity} now vouches for ${entity}, for: ${granted}`],
    });
  });
}

async function list(options: FederationOptions): Promise<void> {
  await withNode(options, async (node) => {
    const subordinates = (await node.federation.describeSubordinates()).map((one) => ({
      entity: one.entity,
      registry_types: one.registryTypes,
      state: one.state,
      ...(one.stateReason !== null && { reason: one.stateReason }),
      ...(one.maxPathLength !== null && { max_path_length: one.maxPathLength }),
      accepted_at: new Date(one.acceptedAt * 1_000).toISOString(),
    }));
    const rows = subordinates.map(({ entity, registry_types, state, reason }) => [
      entity,
      registry_types.join(", ") || "no type",
      reason === undefined ? state : `${state}: ${reason}`,
    ]);
    printResult({
      json: options.json,
      value: { subordinates },
      lines:
        rows.length === 0
          ? ["This node vouches for nobody."]
          : formatTable([["subordinate", "may sign", "state"], ...rows])
              .trimEnd()
              .split("\n"),
    });
  });
}

async function suspend(entity: string, options: FederationOptions & { readonly reason: string }): Promise<void> {
  await withNode(options, async (node) => {
    await node.federation.suspendSubordinate({ entity, reason: options.reason });
    printResult({
      json: options.json,
      value: { entity, state: "suspended", reason: options.reason },
      lines: [
        `${entity} is suspended: no new statement is signed about it`,
        `statements handed out before are believed for at most ${formatDuration(STATEMENT_SECONDS * 1_000)} more`,
      ],
    });
  });
}

async function resume(entity: string, options: FederationOptions): Promise<void> {
  await withNode(options, async (node) => {
    await node.federation.resumeSubordinate(entity);
    printResult({ json: options.json, value: { entity, state: "active" }, lines: [`${entity} is vouched for again`] });
  });
}

async function remove(entity: string, options: FederationOptions): Promise<void> {
  await withNode(options, async (node) => {
    await node.federation.removeSubordinate(entity);
    printResult({
      json: options.json,
      value: { entity, state: "removed" },
      lines: [`this node no longer vouches for ${entity}, and forgot its keys`],
    });
  });
}

export function federationCommand(): Command {
  const data = ["--data <directory>", "data directory (default: $ATTESTRY_DATA or .attestry)"] as const;
  const node = ["--node <name>", "the node, if the data directory holds several"] as const;
  const json = ["--json", "print one JSON object"] as const;
  return new Command("federation")
    .description("vouch for subordinates")
    .addCommand(
      new Command("accept")
        .description(
          "vouch for a node and grant it registry types; its configuration is fetched and must name this node as superior. Again: changes the grant",
        )
        .argument("<entity>", "the subordinate's entity identifier")
        .option("--types <types>", "registry types it may sign, comma separated (default: none)")
        .option("--path-length <number>", "how many intermediates may stand below it (default: no limit of ours)")
        .option(...data)
        .option(...node)
        .option(...json)
        .action((entity: string, options: FederationOptions) => accept(entity, options)),
    )
    .addCommand(
      new Command("list")
        .description("list the subordinates, what each may sign, and which are suspended")
        .option(...data)
        .option(...node)
        .option(...json)
        .action((options: FederationOptions) => list(options)),
    )
    .addCommand(
      new Command("suspend")
        .description("stop vouching for a subordinate for a while; its keys and its grant stay known")
        .argument("<entity>", "the subordinate's entity identifier")
        .requiredOption("--reason <text>", "why, for those who look at the list later")
        .option(...data)
        .option(...node)
        .option(...json)
        .action((entity: string, options: FederationOptions & { reason: string }) => suspend(entity, options)),
    )
    .addCommand(
      new Command("resume")
        .description("vouch again for a subordinate that was suspended")
        .argument("<entity>", "the subordinate's entity identifier")
        .option(...data)
        .option(...node)
        .option(...json)
        .action((entity: string, options: FederationOptions) => resume(entity, options)),
    )
    .addCommand(
      new Command("remove")
        .description("stop vouching for a subordinate for good")
        .argument("<entity>", "the subordinate's entity identifier")
        .option(...data)
        .option(...node)
        .option(...json)
        .action((entity: string, options: FederationOptions) => remove(entity, options)),
    );
}
