// `attestry init`: makes a node, or brings an existing one's database up to date.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import {
  type NodeConfig,
  type NodeConfigFile,
  nodeDirectory,
  type ProcessConfig,
  parseNodeConfig,
  readEnvironmentPassphrase,
  readNodeConfig,
  readProcessConfig,
} from "../config.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { lockSecrets } from "../crypto/key-file.ts";
import { randomBytes } from "../crypto/random.ts";
import { AttestryError } from "../errors.ts";
import { readSecrets, writeKeyFile } from "../node.ts";
import { generateSecrets, parseSecrets, type Secrets } from "../secrets.ts";
import { readInputText } from "./input-file.ts";
import { parseListenAddress } from "./listen-address.ts";
import { prepareDatabase } from "./node-process.ts";
import { recoveryKit } from "./recovery-kit.ts";
import { printResult } from "./terminal.ts";

/** What a new node is to be; of an existing one only its name. */
export interface NewNodeOptions {
  readonly node: string;
  readonly entity?: string;
  readonly organization?: string;
  readonly contact: string[];
  readonly listen?: string;
  readonly superior: string[];
  readonly anchors?: string;
  readonly development?: boolean;
  /** Whether it keeps no registries. */
  readonly consumer?: boolean;
  readonly passphraseFile?: string;
  readonly unlockFile: boolean;
}

interface InitOptions extends NewNodeOptions {
  readonly data?: string;
  readonly json?: boolean;
}

const PASSPHRASE_BYTES = 24;

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

/** Where to listen: as told, or where the entity identifier points to when that is loopback, else 127.0.0.1:8080 behind a proxy. */
function chooseListen(entity: URL, listen: string | undefined): { host: string; port: number } {
  return parseListenAddress(listen ?? (entity.protocol === "http:" ? entity.host : "127.0.0.1:8080"));
}

function readNewConfig(options: NewNodeOptions, directory: string): NodeConfigFile {
  if (options.entity === undefined || options.organization === undefined) {
    throw new AttestryError("config_invalid", "a new node needs --entity URL (its base URL) and --organization NAME");
  }
  if (!URL.canParse(options.entity))
    throw new AttestryError("config_invalid", `--entity is "${options.entity}"; it must be a URL`);
  const file: NodeConfigFile = {
    entity: options.entity.replace(/\/$/, ""),
    organization_name: options.organization,
    ...(options.contact.length > 0 && { contacts: options.contact }),
    listen: chooseListen(new URL(options.entity), options.listen),
    database: `attestry_${options.node.replaceAll("-", "_")}`,
    ...(options.superior.length > 0 && { superiors: options.superior }),
    ...(options.anchors !== undefined && { anchors: "anchors.json" }),
    ...(options.development && { development: true }),
    ...(options.consumer && { consumer: true }),
  };
  if (options.anchors !== undefined) {
    const source = resolve(options.anchors);
    if (!existsSync(source))
      throw new AttestryError("config_invalid", `--anchors names ${source}, which does not exist`);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, "anchors.json"), readFileSync(source));
  }
  parseNodeConfig({ name: options.node, directory, file });
  return file;
}

/** What others need to pin this node as their trust anchor: its entity identifier and federation key. */
function anchorPin(entity: string, secrets: Secrets): object {
  return { entity, jwks: { keys: [secrets.signers.federation.publicKey.jwk] }, registry_types: [] };
}

/** Where `init` leaves the pin, without registry types: those are for whoever pins. */
export function anchorPinPath(directory: string): string {
  return join(directory, "anchor-pin.json");
}

/** Makes keys under the passphrase that the operator gave, or under a new one, which then stands in the recovery kit. */
async function createKeys(
  options: NewNodeOptions,
  directory: string,
  entity: string,
): Promise<{ secrets: Secrets; kit: string }> {
  const given =
    options.passphraseFile === undefined
      ? readEnvironmentPassphrase()
      : readInputText(options.passphraseFile, "config_invalid").trim();
  const passphrase = given ?? encodeBase64url(randomBytes(PASSPHRASE_BYTES));
  const generated = generateSecrets();
  const secrets = parseSecrets(generated);
  writeKeyFile(directory, await lockSecrets({ passphrase, secrets: generated }));
  if (options.unlockFile && given === undefined)
    writeFileSync(join(directory, "unlock"), `${passphrase}\n`, { mode: 0o600, flag: "wx" });
  const kit = join(directory, "recovery-kit.txt");
  const shown = given === undefined ? passphrase : undefined;
  writeFileSync(kit, recoveryKit({ entity, directory, passphrase: shown, secrets }), { mode: 0o600, flag: "wx" });
  writeFileSync(anchorPinPath(directory), `${JSON.stringify([anchorPin(entity, secrets)], null, 2)}\n`);
  return { secrets, kit };
}

/** A node after `initializeNodeDirectory`. */
export interface InitializedNode {
  readonly config: NodeConfig;
  /** Path of the recovery kit; undefined where the node was there before. */
  readonly recoveryKit: string | undefined;
  readonly migrations: readonly string[];
}

/**
 * Makes the node where it is new, and brings its database up to date in any case. Throws `config_invalid`, `node_exists` where
 * an existing node is given an entity again, `database_*`.
 */
export async function initializeNodeDirectory(
  process: ProcessConfig,
  options: NewNodeOptions,
): Promise<InitializedNode> {
  const directory = nodeDirectory(process.dataDirectory, options.node);
  const configPath = join(directory, "config.json");
  const isNew = !existsSync(configPath);
  if (!isNew && options.entity !== undefined) {
    throw new AttestryError(
      "node_exists",
      `${configPath} exists; edit it to change settings, or choose another --node NAME (without --entity, init brings the database up to date)`,
    );
  }
  // It may have registries, and whoever runs init again does not mean to close them.
  if (!isNew && options.consumer && !readNodeConfig(process.dataDirectory, options.node).isConsumer) {
    throw new AttestryError(
      "node_exists",
      `${configPath} is of a node that keeps registries, and init turns none into a consumer; choose another --node NAME for one, with --entity and --organization`,
    );
  }
  let created: { secrets: Secrets; kit: string } | undefined;
  if (isNew) {
    const file = readNewConfig(options, directory);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    created = await createKeys(options, directory, file.entity);
    // Last, so that a node without keys is never taken for a node.
    writeFileSync(configPath, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  }
  const config = readNodeConfig(process.dataDirectory, options.node);
  const secrets = created?.secrets ?? (await readSecrets(config));
  const migrations = await prepareDatabase({ process, config, secrets });
  return { config, recoveryKit: created?.kit, migrations };
}

function inNode(command: string, { name }: NodeConfig, dataDirectory: string): string {
  return `${command} --data ${dataDirectory} --node ${name}`;
}

/** What is left to do until a clerk can check a record: whom to believe, who vouches, who signs in. */
function consumerSteps(config: NodeConfig, dataDirectory: string): string[] {
  const path = join(config.directory, "config.json");
  const steps = [
    ...(config.anchorsPath === undefined
      ? [
          `Pin the trust anchor: get its pin from its operator, compare the key by telephone, save it as ${join(config.directory, "anchors.json")}, and add "anchors": "anchors.json" to ${path}`,
        ]
      : []),
    `Join the federation, to see what members show each other: ${inNode("attestry federation join SUPERIOR_URL", config, dataDirectory)}`,
    `Let staff sign in: add "sign_in" to ${path} (docs/people.md); give clerks the role reader`,
    `Start it: ${inNode("attestry serve", config, dataDirectory)}`,
    `Then clerks check records at ${config.entity}/console/check`,
  ];
  return [
    "It keeps no registries; it checks the records of others. Next:",
    ...steps.map((step, at) => `  ${at + 1}. ${step}`),
  ];
}

async function init(options: InitOptions): Promise<void> {
  const process = readProcessConfig({ data: options.data });
  const { config, recoveryKit: kit, migrations } = await initializeNodeDirectory(process, options);
  const lines =
    kit !== undefined
      ? [
          `Node "${options.node}" is ready: ${config.entity}`,
          `Recovery kit: ${kit}`,
          "  Print it, keep it apart from the backups, then delete the file: without the passphrase in it the keys are lost.",
          ...(config.isConsumer
            ? consumerSteps(config, process.dataDirectory)
            : [
                `To let others pin this node as trust anchor, give them ${anchorPinPath(config.directory)} with the registry types filled in.`,
                `Start it with: ${inNode("attestry serve", config, process.dataDirectory)}`,
              ]),
        ]
      : [`Node "${options.node}" is up to date; migrations applied: ${migrations.join(", ") || "none"}`];
  printResult({
    json: options.json,
    value: {
      node: options.node,
      entity: config.entity,
      directory: config.directory,
      created: kit !== undefined,
      consumer: config.isConsumer,
      migrations,
      recovery_kit: kit ?? null,
    },
    lines,
  });
}

export function initCommand(): Command {
  return new Command("init")
    .description(
      "make a node: data directory, keys, recovery kit, config, database; on an existing node, bring its database up to date",
    )
    .option("--data <directory>", "data directory (default: $ATTESTRY_DATA or .attestry)")
    .option("--node <name>", "name of the node within the data directory", "node")
    .option(
      "--entity <url>",
      "entity identifier: the node's base URL, https; http only for loopback with --development",
    )
    .option("--organization <name>", "name of the department")
    .addOption(
      new Option("--contact <text>", "contact published with the node, repeatable")
        .argParser(collect)
        .default([], "none"),
    )
    .option(
      "--listen <host:port>",
      "where to listen (default: the entity's host for http, else 127.0.0.1:8080 behind a TLS proxy)",
    )
    .addOption(
      new Option("--superior <url>", "entity identifier of a superior, repeatable")
        .argParser(collect)
        .default([], "none"),
    )
    .option("--anchors <file>", "file with the pinned trust anchors; copied into the node's directory")
    .option("--development", "allow http on loopback")
    .option("--consumer", "keep no registries: check the records of others, on pages and by the API")
    .option(
      "--passphrase-file <file>",
      "use this passphrase for the keys instead of making one; it is not written anywhere",
    )
    .option(
      "--no-unlock-file",
      "do not keep the passphrase beside the keys; give it at start by ATTESTRY_PASSPHRASE_FILE",
    )
    .option("--json", "print one JSON object")
    .action((options: InitOptions) => init(options));
}
