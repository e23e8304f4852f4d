// The files of one node that commands change: its configuration, and where superiors tell what became of its applications.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chooseNodeName, type NodeConfigFile, nodeDirectory, parseNodeConfig, readProcessConfig } from "../config.ts";

export interface NodeFiles {
  readonly name: string;
  readonly configPath: string;
  readConfig(): NodeConfigFile;
  /** Checks it first; throws `config_invalid` and leaves the file as it was. */
  writeConfig(file: NodeConfigFile): void;
  /** Addresses of applications, by superior. */
  readEnrolments(): Record<string, string>;
  writeEnrolments(urls: Record<string, string>): void;
}

// A crash leaves the old file or the new one, never half of it.
function replaceFile(path: string, value: unknown): void {
  const draft = `${path}.new`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

function readFile<Value>(path: string): Value {
  return JSON.parse(readFileSync(path, "utf8")) as Value;
}

/** Throws `node_unknown`, `config_invalid`. */
export function openNodeFiles(options: { data?: string; node?: string }): NodeFiles {
  const { dataDirectory } = readProcessConfig({ data: options.data });
  return nodeFilesOf(dataDirectory, chooseNodeName(dataDirectory, options.node));
}

/** The files of a node that is known to be there. */
export function nodeFilesOf(dataDirectory: string, name: string): NodeFiles {
  const directory = nodeDirectory(dataDirectory, name);
  const configPath = join(directory, "config.json");
  const enrolmentsPath = join(directory, "enrolments.json");
  return {
    name,
    configPath,
    readConfig: () => readFile<NodeConfigFile>(configPath),
    writeConfig(file) {
      parseNodeConfig({ name, directory, file });
      replaceFile(configPath, file);
    },
    readEnrolments: () => (existsSync(enrolmentsPath) ? readFile(enrolmentsPath) : {}),
    writeEnrolments: (urls) => replaceFile(enrolmentsPath, urls),
  };
}
