// `attestry registry`: publishes and lists definitions on a running node.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { readBearerToken } from "../config.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { createNodeClient } from "./node-client.ts";
import { formatTable, printResult } from "./terminal.ts";

interface RegistryOptions {
  readonly url: string;
  readonly tokenFile?: string;
  readonly allowBreaking?: boolean;
  readonly json?: boolean;
}

async function publish(file: string, options: RegistryOptions): Promise<void> {
  const text = readFileSync(file, "utf8");
  const definition = parseJson(text);
  if (!isJsonObject(definition) || typeof definition.name !== "string") {
    throw new AttestryError("definition_invalid", `${file} is no definition: it has no "name"`);
  }
  const client = createNodeClient({ baseUrl: options.url, token: readBearerToken(options.tokenFile) });
  const answer = parseJson(
    await client.send({
      method: "PUT",
      path: `/registries/${encodeURIComponent(definition.name)}`,
      ...(options.allowBreaking && { query: { "allow-breaking": "true" } }),
      body: text,
      contentType: "application/json",
      isRepeatable: true,
    }),
  ) as JsonObject;
  const what = answer.changed
    ? `published as version ${answer.version}, log index ${answer.log_index}`
    : `is unchanged: version ${answer.version}`;
  printResult({ json: options.json, value: answer, lines: [`${definition.name} ${what}`] });
}

async function list(options: RegistryOptions): Promise<void> {
  const client = createNodeClient({ baseUrl: options.url });
  const { registries } = (await client.getJson("/registries")) as { registries: JsonObject[] };
  const rows = registries.map(({ name, type, access, version }) =>
    [name, type, access, version].map((cell: Json | undefined) => String(cell)),
  );
  const table = formatTable([["REGISTRY", "TYPE", "ACCESS", "VERSION"], ...rows]).trimEnd();
  printResult({
    json: options.json,
    value: { registries },
    lines: [registries.length === 0 ? "This node has no registry yet." : table],
  });
}

export function registryCommand(): Command {
  const url = ["--url <url>", "the node's base URL"] as const;
  return new Command("registry")
    .description("publish and list registry definitions")
    .addCommand(
      new Command("publish")
        .description("publish a definition; a changed one makes the next version")
        .argument("<file>", "JSON file with the definition")
        .requiredOption(...url)
        .option(
          "--allow-breaking",
          "publish although the change breaks what is written or read under the current version",
        )
        .option("--token-file <file>", "file with the bearer token of an operator (default: $ATTESTRY_TOKEN)")
        .option("--json", "print one JSON object")
        .action((file: string, options: RegistryOptions) => publish(file, options)),
    )
    .addCommand(
      new Command("list")
        .description("list the registries of a node")
        .requiredOption(...url)
        .option("--json", "print one JSON object")
        .action((options: RegistryOptions) => list(options)),
    );
}
