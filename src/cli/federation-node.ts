// What the commands about a federation share: the options that choose a node, and the node, opened for one command.
import { Command } from "commander";
import { chooseNodeName, readProcessConfig } from "../config.ts";
import { AttestryError } from "../errors.ts";
import type { Grant } from "../federation/applicant.ts";
import type { Node } from "../node.ts";
import { openNodes } from "./node-process.ts";

export interface NodeOptions {
  readonly data?: string;
  readonly node?: string;
  readonly json?: boolean;
}

export interface GrantOptions extends NodeOptions {
  readonly types?: string;
  readonly pathLength?: string;
}

export const DATA_OPTION = ["--data <directory>", "data directory (default: $ATTESTRY_DATA or .attestry)"] as const;
export const NODE_OPTION = ["--node <name>", "the node, if the data directory holds several"] as const;
export const JSON_OPTION = ["--json", "print one JSON object"] as const;
export const TYPES_OPTION = ["--types <types>", "registry types it may sign, comma separated (default: none)"] as const;
export const PATH_LENGTH_OPTION = [
  "--path-length <number>",
  "how many intermediates may stand between this node and those vouched for below: 0, it vouches for nobody; 1, for nodes that vouch for nobody (default: no limit)",
] as const;

/** A command that works on one node's own data directory. */
export function nodeCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option(...DATA_OPTION)
    .option(...NODE_OPTION)
    .option(...JSON_OPTION);
}

/** Opens the chosen node on its own data directory, and closes it whatever happens. */
export async function withNode(options: NodeOptions, use: (node: Node) => Promise<void>): Promise<void> {
  const config = readProcessConfig({ data: options.data });
  const opened = await openNodes({ process: config, names: [chooseNodeName(config.dataDirectory, options.node)] });
  try {
    await use(opened.nodes[0]!.node);
  } finally {
    await opened.close();
  }
}

/** Throws `request_invalid`. */
export function parseGrant({ types, pathLength }: GrantOptions): Grant {
  if (pathLength !== undefined && !/^\d{1,2}$/.test(pathLength))
    throw new AttestryError("request_invalid", `--path-length is "${pathLength}"; it must be 0 or more`);
  return {
    registryTypes: (types ?? "")
      .split(",")
      .map((type) => type.trim())
      .filter((type) => type !== ""),
    maxPathLength: pathLength === undefined ? undefined : Number(pathLength),
  };
}

export function describeGrant({ registryTypes }: Pick<Grant, "registryTypes">): string {
  return registryTypes.length === 0 ? "no registry type" : registryTypes.join(", ");
}
