// `attestry token`: this node's own bearer tokens: made, listed, revoked.
import { Command } from "commander";
import { ROLES } from "../identity/caller.ts";
import { parseRole, type StaffTokenSummary } from "../identity/identity-service.ts";
import { formatClaims, parseClaims } from "../identity/jurisdiction.ts";
import { BEARER_CACHE_SECONDS, BEARER_TOKEN_SECONDS_DEFAULT } from "../limits.ts";
import { currentSeconds } from "../node.ts";
import { parseDuration } from "./duration.ts";
import { type NodeOptions, nodeCommand, withNode } from "./federation-node.ts";
import { isoTime, printResult, tableLines } from "./terminal.ts";

interface TokenOptions extends NodeOptions {
  readonly role: string;
  readonly name: string;
  readonly registry?: string[];
  readonly claim?: string[];
  readonly expires?: string;
}

async function makeToken(options: TokenOptions): Promise<void> {
  const role = parseRole(options.role);
  const claims = options.claim === undefined ? undefined : parseClaims(options.claim);
  const seconds = options.expires === undefined ? BEARER_TOKEN_SECONDS_DEFAULT : parseDuration(options.expires);
  const expiresAt = currentSeconds() + seconds;
  await withNode(options, async ({ registries, identity }) => {
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
    if (!options.json)
      process.stderr.write(
        `For ${options.name}, role ${role}, until ${isoTime(expiresAt)}. It is shown this once; keep it as you keep a password.\n`,
      );
    printResult({
      json: options.json,
      value: {
        token,
        name: options.name,
        role,
        registries: options.registry ?? null,
        claims: claims ?? null,
        expires_at: isoTime(expiresAt),
      },
      lines: [token],
    });
  });
}

async function listTokens(options: NodeOptions): Promise<void> {
  await withNode(options, async ({ identity }) => {
    const tokens = await identity.listTokens();
    const stateOf = ({ revokedAt }: StaffTokenSummary) => (revokedAt === undefined ? "local token" : "revoked");
    printResult({
      json: options.json,
      value: {
        tokens: tokens.map((one) => ({
          id: one.id,
          name: one.name,
          role: one.role,
          registries: one.registries ?? null,
          claims: one.claims ?? null,
          made_by: "this node",
          created_at: isoTime(one.createdAt),
          expires_at: isoTime(one.expiresAt),
          revoked_at: one.revokedAt === undefined ? null : isoTime(one.revokedAt),
        })),
      },
      lines:
        tokens.length === 0
          ? ["No token of this node is in force."]
          : tableLines([
              ["id", "for", "role", "registries", "claims", "until", "state"],
              ...tokens.map((one) => [
                one.id,
                one.name,
                one.role,
                one.registries?.join(",") ?? "all",
                formatClaims(one.claims ?? {}),
                isoTime(one.expiresAt),
                stateOf(one),
              ]),
            ]),
    });
  });
}

async function revokeToken(id: string, options: NodeOptions): Promise<void> {
  await withNode(options, async ({ identity }) => {
    await identity.revokeToken(id);
    printResult({
      json: options.json,
      value: { id, revoked: true },
      lines: [`The token ${id} is revoked; a running node refuses it within ${BEARER_CACHE_SECONDS} s.`],
    });
  });
}

function createCommand(): Command {
  return nodeCommand("create", "make a bearer token that names a person or service of this node")
    .requiredOption("--role <role>", `what the bearer may do: ${ROLES.join(", ")}`)
    .requiredOption("--name <name>", "the person or service; stands in signed records as a pseudonym only")
    .option("--registry <name...>", "limit the token to these registries (default: all)")
    .option(
      "--claim <name=value...>",
      "what binds the bearer to a part of the records, such as district=021; district=* is all of them",
    )
    .option("--expires <duration>", "how long it holds, such as 30m, 8h or 90d (default: 12h)")
    .action((options: TokenOptions) => makeToken(options));
}

export function tokenCommand(): Command {
  // `attestry token --role …` makes one, too: so it was before there was more to do with tokens.
  return new Command("token")
    .description("make, list and revoke this node's own bearer tokens, for services and the first steps of a node")
    .addCommand(createCommand(), { isDefault: true })
    .addCommand(nodeCommand("list", "show the tokens that were made here and have not ended").action(listTokens))
    .addCommand(
      nodeCommand("revoke", "end a token before its time")
        .argument("<id>", "as attestry token list shows it")
        .action(revokeToken),
    );
}
