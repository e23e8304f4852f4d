// `attestry federation leave|move`: a node goes from its superior, or to another address.
import type { Command } from "commander";
import { AttestryError } from "../errors.ts";
import { parseEntityIdentifier } from "../federation/entity-identifier.ts";
import { STATEMENT_SECONDS } from "../limits.ts";
import { type NodeOptions, nodeCommand, withNode } from "./federation-node.ts";
import { parseListenAddress } from "./listen-address.ts";
import { openNodeFiles } from "./node-files.ts";
import { formatDuration, printResult } from "./terminal.ts";

async function leave(superior: string, options: NodeOptions): Promise<void> {
  const files = openNodeFiles(options);
  const entity = superior.replace(/\/$/, "");
  const file = files.readConfig();
  if (!file.superiors?.includes(entity))
    throw new AttestryError("request_invalid", `${files.configPath} does not name ${entity} as superior`);
  await withNode({ ...options, node: files.name }, (node) => node.enrolmentClient.leave(entity));
  const { superiors = [], ...rest } = file;
  const others = superiors.filter((other) => other !== entity);
  files.writeConfig({ ...rest, ...(others.length > 0 && { superiors: others }) });
  printResult({
    json: options.json,
    value: { superior: entity, state: "left" },
    lines: [
      `${entity} no longer vouches for this node; what it handed out before is believed for at most ${formatDuration(STATEMENT_SECONDS * 1_000)} more`,
      "config.json no longer names it: restart the node",
    ],
  });
}

interface MoveOptions extends NodeOptions {
  readonly listen?: string;
}

async function move(to: string, options: MoveOptions): Promise<void> {
  const files = openNodeFiles(options);
  const file = files.readConfig();
  const entity = parseEntityIdentifier(to.replace(/\/$/, ""), { allowLoopbackHttp: file.development === true });
  if (entity === file.entity) throw new AttestryError("request_invalid", `the node is at ${entity} already`);
  const former = file.entity;
  const listen = options.listen === undefined ? file.listen : parseListenAddress(options.listen);
  files.writeConfig({
    ...file,
    entity,
    listen,
    formerly: [...new Set([...(file.formerly ?? []), former])],
  });
  const superiors = file.superiors ?? [];
  printResult({
    json: options.json,
    value: { entity, formerly: former, superiors: [...superiors] },
    lines: [
      `config.json now says that the node is at ${entity}; restart it there. Its records, and references to them, keep their names.`,
      ...(superiors.length === 0
        ? ["It has no superior: whoever pins it as anchor has to pin the new address."]
        : superiors.map(
            (superior) =>
              `Nobody believes the move but from your superior; when the node runs there: attestry federation join ${superior} --formerly ${former}`,
          )),
    ],
  });
}

export function leaveCommand(): Command {
  return nodeCommand("leave", "tell a superior that this node leaves, and take it out of the configuration")
    .argument("<superior>", "the superior's entity identifier")
    .action((superior: string, options: NodeOptions) => leave(superior, options));
}

export function moveCommand(): Command {
  return nodeCommand(
    "move",
    "give the node another address (entity identifier); its superior has to confirm it, and references to the old one still resolve",
  )
    .argument("<entity>", "the new entity identifier")
    .option("--listen <host:port>", "where to listen from now on (default: as before)")
    .action((entity: string, options: MoveOptions) => move(entity, options));
}
