// `attestry registry`: publishes, lists and retires definitions on a running node; drafts and migrations stand beside.
import { Command } from "commander";
import { readBearerToken } from "../config.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { parseInputJson, readInputText } from "./input-file.ts";
import { createNodeClient } from "./node-client.ts";
import { describeProposed } from "./proposed.ts";
import { draftCommand } from "./registry-draft.ts";
import { describeCounts, migrateCommand, readObjects } from "./registry-migrate.ts";
import { formatTable, printable, printResult } from "./terminal.ts";

interface RegistryOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly allowBreaking?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

interface RetireOptions extends RegistryOptions {
  readonly successor?: string;
  readonly reason?: string;
}

async function publish(file: string, options: RegistryOptions): Promise<void> {
  const text = readInputText(file, "definition_invalid");
  const definition = parseInputJson(file, text);
  if (!isJsonObject(definition) || typeof definition.name !== "string") {
    throw new AttestryError("definition_invalid", `${file} is no definition: it has no "name"`);
  }
  const answer = await putDefinition(definition.name, text, options);
  printResult({ json: options.json, value: answer, lines: describePublish(definition.name, answer) });
}

async function putDefinition(name: string, text: string, options: RegistryOptions): Promise<JsonObject> {
  const client = createNodeClient({ baseUrl: options.url, token: readBearerToken(options.tokenFile) });
  const query = {
    ...(options.allowBreaking && { "allow-breaking": "true" }),
    ...(options.dryRun && { dryRun: "true" }),
  };
  const answer = await client.send({
    method: "PUT",
    path: `/registries/${encodeURIComponent(name)}`,
    query,
    body: text,
    contentType: "application/json",
    isRepeatable: true,
  });
  return parseJson(answer) as JsonObject;
}

function describePublish(name: string, answer: JsonObject): string[] {
  const proposed = describeProposed(answer);
  if (proposed) return proposed;
  const { version, changed, dry_run: isDryRun } = answer;
  const changes = readObjects(answer.changes);
  const lines = changes.map(({ kind, field, message }) => `  ${kind}  ${field}: ${message}`).map(printable);
  if (!changed) return [`${name} is unchanged: version ${version}`];
  if (!isDryRun) return [`${name} published as version ${version}, log index ${answer.log_index}`, ...lines];
  const isBreaking = changes.some(({ kind }) => kind === "breaking");
  return [
    `${name} would be published as version ${version}; dry run, nothing was published`,
    ...lines,
    ...(isBreaking ? ["publishing this needs --allow-breaking"] : []),
    ...describeCounts(readObjects(answer.records)),
  ];
}

async function retire(name: string, options: RetireOptions): Promise<void> {
  const client = createNodeClient({ baseUrl: options.url });
  const current = (await client.getJson(`/registries/${encodeURIComponent(name)}`)) as JsonObject;
  // The node adds these to the definition that was published.
  const { version: _version, integrity: _integrity, links: _links, ...definition } = current;
  const retired = {
    ...(options.reason !== undefined && { reason: options.reason }),
    ...(options.successor !== undefined && { successor: options.successor }),
  };
  // Retiring breaks whoever creates records, and that is what was asked for.
  const answer = await putDefinition(name, JSON.stringify({ ...definition, retired }), {
    ...options,
    allowBreaking: true,
  });
  const lines = describeProposed(answer) ?? [
    `${name} is retired by version ${answer.version}: it takes no new records; those there are stay`,
    'to open it again, publish its definition without "retired"',
  ];
  printResult({ json: options.json, value: answer, lines });
}

async function list(options: RegistryOptions): Promise<void> {
  const client = createNodeClient({ baseUrl: options.url });
  const { registries } = (await client.getJson("/registries")) as { registries: JsonObject[] };
  const rows = registries.map(({ name, type, access, version, retired }) =>
    [name, type, access, version, retired === undefined ? "" : "retired"].map((cell: Json | undefined) => String(cell)),
  );
  const table = formatTable([["REGISTRY", "TYPE", "ACCESS", "VERSION", ""], ...rows]).trimEnd();
  printResult({
    json: options.json,
    value: { registries },
    lines: [registries.length === 0 ? "This node has no registry yet." : table],
  });
}

export function registryCommand(): Command {
  const url = ["--url <url>", "the node's base URL"] as const;
  return new Command("registry")
    .description("draft, publish, list and retire registry definitions; migrate records to them")
    .addCommand(draftCommand())
    .addCommand(
      new Command("publish")
        .description("publish a definition; a changed one makes the next version")
        .argument("<file>", "JSON file with the definition")
        .requiredOption(...url)
        .option(
          "--allow-breaking",
          "publish although the change breaks what is written or read under the current version",
        )
        .option("--dry-run", "publish nothing: show what changes, and how many records are under which version")
        .option("--token-file <file>", "file with the bearer token of an operator (default: $ATTESTRY_TOKEN)")
        .option("--json", "print one JSON object")
        .action((file: string, options: RegistryOptions) => publish(file, options)),
    )
    .addCommand(migrateCommand())
    .addCommand(
      new Command("retire")
        .description("take no new records; those there are stay and can be read, amended and ended")
        .argument("<registry>", "name of the registry")
        .requiredOption(...url)
        .option("--successor <url>", "URL of the registry that goes on")
        .option("--reason <text>", "why, for people")
        .option("--token-file <file>", "file with the bearer token of an operator (default: $ATTESTRY_TOKEN)")
        .option("--json", "print one JSON object")
        .action((name: string, options: RetireOptions) => retire(name, options)),
    )
    .addCommand(
      new Command("list")
        .description("list the registries of a node")
        .requiredOption(...url)
        .option("--json", "print one JSON object")
        .action((options: RegistryOptions) => list(options)),
    );
}
