// `attestry token`: makes a bearer token for a person or service of this node.
import { Command } from "commander";
import { chooseNodeName, readProcessConfig } from "../config.ts";
import { ROLES } from "../identity/caller.ts";
import { parseRole } from "../identity/identity-service.ts";
import { parseClaims } from "../identity/jurisdiction.ts";
import { BEARER_TOKEN_SECONDS_DEFAULT } from "../limits.ts";
import { currentSeconds } from "../node.ts";
import { parseDuration } from "./duration.ts";
import { openNodes } from "./node-process.ts";
import { printResult } from "./terminal.ts";

interface TokenOptions {
  readonly data?: string;
  readonly node?: string;
  readonly role: string;
  readonly name: string;
  readonly registry?: string[];
  readonly claim?: string[];
  readonly expires?: string;
  readonly json?: boolean;
}

async function makeToken(options: TokenOptions): Promise<void> {
  const role = parseRole(options.role);
  const claims = options.claim === undefined ? undefined : parseClaims(options.claim);
  const config = readProcessConfig({ data: options.data });
  const name = chooseNodeName(config.dataDirectory, options.node);
  const seconds = options.expires === undefined ? BEARER_TOKEN_SECONDS_DEFAULT : parseDuration(options.expires);
  const expiresAt = currentSeconds() + seconds;
  const opened = await openNodes({ process: config, names: [name] });
  try {
    const { registries, identity } = opened.nodes[0]!.node;
    const known = new Set((await registries.list()).map(({ definition }) => definition.name));
    const unknown = (options.registry ?? []).filter((one) => !known.has(one));
    // Not refused: the registrar's token may be made before the registry is published.
    if (unknown.length > 0)
      process.stderr.write(`warning: this node has no registry ${unknown.map((one) => `"${one}"`).join(", ")} yet\n`);
    const token = await identity.createToken({
      name: options.name,
      role,
      registries: options.registry,
      claims,
      expiresAt,
    });
    const until = new Date(expiresAt * 1_000).toISOString();
    if (!options.json)
      process.stderr.write(
        `For ${options.name}, role ${role}, until ${until}. It is shown this once; keep it as you keep a password.\n`,
      );
    printResult({
      json: options.json,
      value: {
        token,
        name: options.name,
        role,
        registries: options.registry ?? null,
        claims: claims ?? null,
        expires_at: until,
      },
      lines: [token],
    });
  } finally {
    await opened.close();
  }
}

export function tokenCommand(): Command {
  return new Command("token")
    .description("make a bearer token that names a person or service of this node")
    .requiredOption("--role <role>", `what the bearer may do: ${ROLES.join(", ")}`)
    .requiredOption("--name <name>", "the person or service; stands in signed records as a pseudonym only")
    .option("--registry <name...>", "limit the token to these registries (default: all)")
    .option(
      "--claim <name=value...>",
      "what binds the bearer to a part of the records, such as district=021; district=* is all of them",
    )
    .option("--expires <duration>", "how long it holds, such as 30m, 8h or 90d (default: 12h)")
    .option("--data <directory>", "data directory (default: $ATTESTRY_DATA or .attestry)")
    .option("--node <name>", "the node, if the data directory holds several")
    .option("--json", "print one JSON object")
    .action((options: TokenOptions) => makeToken(options));
}
