// `attestry federation refresh`: takes over the next federation keys of subordinates, without waiting for the running node to do it.
import type { Command } from "commander";
import { type NodeOptions, nodeCommand, withNode } from "./federation-node.ts";
import { EXIT, formatTable, printResult } from "./terminal.ts";

async function refresh(entity: string | undefined, options: NodeOptions): Promise<void> {
  await withNode(options, async (node) => {
    const refreshed = await node.keyRollover.refreshSubordinates(entity);
    if (refreshed.some(({ outcome }) => outcome === "failed")) process.exitCode = EXIT.incomplete;
    const rows = refreshed.map((one) => [one.entity, one.outcome, one.message ?? `keys: ${one.kids.join(", ")}`]);
    printResult({
      json: options.json,
      value: { subordinates: refreshed },
      lines:
        rows.length === 0
          ? ["This node vouches for nobody."]
          : formatTable([["subordinate", "outcome", ""], ...rows])
              .trimEnd()
              .split("\n"),
    });
  });
}

export function refreshCommand(): Command {
  return nodeCommand(
    "refresh",
    "fetch the configurations of subordinates and take over the federation keys that they list, where a key known before signed them",
  )
    .argument("[entity]", "only this one's")
    .addHelpText("after", "\nExample:\n  attestry federation refresh https://land.example\n")
    .action((entity: string | undefined, options: NodeOptions) => refresh(entity, options));
}
