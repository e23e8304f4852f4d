// `attestry federation`: what an operator decides about subordinates, on the node's own data directory.
import { Command } from "commander";
import { AttestryError } from "../errors.ts";
import { STATEMENT_SECONDS } from "../limits.ts";
import { codeCommand, joinCommand, pendingCommand, refuseCommand } from "./federation-enrolment.ts";
import { leaveCommand, moveCommand } from "./federation-leave.ts";
import { markCommand } from "./federation-mark.ts";
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
import { refreshCommand } from "./federation-refresh.ts";
import { treeCommand } from "./federation-tree.ts";
import { formatDuration, formatTable, printResult } from "./terminal.ts";

interface AcceptOptions extends GrantOptions {
  readonly replaceKey?: boolean;
  readonly formerly?: string;
  readonly key?: string;
}

async function accept(entity: string, options: AcceptOptions): Promise<void> {
  const grant = parseGrant(options);
  await withNode(options, async (node) => {
    const { key, formerly } = options;
    const replaceKey = options.replaceKey === true;
    const isApplicant = key !== undefined || (await node.enrolment.isPending(entity));
    if (formerly !== undefined && !isApplicant) {
      throw new AttestryError(
        "enrolment_unknown",
        `${entity} has no application that waits; one that moved applies with: attestry federation join ${node.entity}`,
      );
    }
    // An applicant has named this node in the application; of anybody else the configuration must say so.
    const accepted = isApplicant
      ? await node.enrolment.accept({ entity, grant, replaceKey, key, formerly })
      : await node.federation.acceptSubordinate({
          entity,
          registryTypes: grant.registryTypes,
          replaceKey,
          ...(grant.maxPathLength !== undefined && { maxPathLength: grant.maxPathLength }),
        });
    printResult({
      json: options.json,
      value: accepted,
      lines: [`${node.entity} now vouches for ${entity}, for: ${describeGrant(grant)}`],
    });
  });
}

async function list(options: NodeOptions): Promise<void> {
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

async function suspend(entity: string, options: NodeOptions & { readonly reason: string }): Promise<void> {
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

async function resume(entity: string, options: NodeOptions): Promise<void> {
  await withNode(options, async (node) => {
    await node.federation.resumeSubordinate(entity);
    printResult({ json: options.json, value: { entity, state: "active" }, lines: [`${entity} is vouched for again`] });
  });
}

async function remove(entity: string, options: NodeOptions): Promise<void> {
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
  return new Command("federation")
    .description("become a subordinate, leave or move, vouch for subordinates, see who belongs to the federation")
    .addCommand(joinCommand())
    .addCommand(leaveCommand())
    .addCommand(moveCommand())
    .addCommand(pendingCommand())
    .addCommand(
      nodeCommand(
        "accept",
        "vouch for a node and grant it registry types: one that has applied (see pending), or one whose configuration is fetched and names this node as superior. Again: changes the grant",
      )
        .argument("<entity>", "the subordinate's entity identifier")
        .option(...TYPES_OPTION)
        .option(...PATH_LENGTH_OPTION)
        .option(
          "--formerly <entity>",
          "confirm that the applicant is this subordinate, which moved; it takes its place",
        )
        .option(
          "--replace-key",
          "take its new key in place of the one accepted before, once people have confirmed the loss",
        )
        .option(
          "--key <thumbprint>",
          "the applicant's key, compared by people: its own address is then not asked for it",
        )
        .action((entity: string, options: AcceptOptions) => accept(entity, options)),
    )
    .addCommand(
      nodeCommand("list", "list the subordinates, what each may sign, and which are suspended").action(
        (options: NodeOptions) => list(options),
      ),
    )
    .addCommand(refreshCommand())
    .addCommand(treeCommand())
    .addCommand(refuseCommand())
    .addCommand(markCommand())
    .addCommand(codeCommand())
    .addCommand(
      nodeCommand("suspend", "stop vouching for a subordinate for a while; its keys and its grant stay known")
        .argument("<entity>", "the subordinate's entity identifier")
        .requiredOption("--reason <text>", "why, for those who look at the list later")
        .action((entity: string, options: NodeOptions & { reason: string }) => suspend(entity, options)),
    )
    .addCommand(
      nodeCommand("resume", "vouch again for a subordinate that was suspended")
        .argument("<entity>", "the subordinate's entity identifier")
        .action((entity: string, options: NodeOptions) => resume(entity, options)),
    )
    .addCommand(
      nodeCommand("remove", "stop vouching for a subordinate for good")
        .argument("<entity>", "the subordinate's entity identifier")
        .action((entity: string, options: NodeOptions) => remove(entity, options)),
    );
}
