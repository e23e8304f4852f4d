// What `attestry keys rotate` and `report` share: the node whose key file is changed, and what has to be done and said after it was.
import { writeFileSync } from "node:fs";
import { chooseNodeName, type NodeConfig, readNodeConfig, readProcessConfig } from "../config.ts";
import { publishedKeys } from "../crypto/key-ring.ts";
import { isAttestryError } from "../errors.ts";
import { currentSeconds, type Node } from "../node.ts";
import type { KeyRings, KeyRole, Secrets } from "../secrets.ts";
import type { Database } from "../storage/database.ts";
import type { NodeOptions } from "./federation-node.ts";
import { anchorPinPath } from "./init.ts";
import { openNodes } from "./node-process.ts";
import { EXIT } from "./terminal.ts";

export interface Opened {
  readonly config: NodeConfig;
  /** Opens the node with the keys that now are in the file. */
  withNode<Result>(use: (node: Node, database: Database) => Promise<Result>): Promise<Result>;
}

export function openKeys(options: NodeOptions): Opened {
  const process = readProcessConfig({ data: options.data });
  const name = chooseNodeName(process.dataDirectory, options.node);
  return {
    config: readNodeConfig(process.dataDirectory, name),
    async withNode(use) {
      const opened = await openNodes({ process, names: [name] });
      try {
        const { node, database } = opened.nodes[0]!;
        return await use(node, database);
      } finally {
        await opened.close();
      }
    },
  };
}

export function isoTime(seconds: number | undefined): string | undefined {
  return seconds === undefined || seconds === 0 ? undefined : new Date(seconds * 1_000).toISOString();
}

export const BACKUP = "Back up keys.json again: a backup from before cannot sign as this node does from now on.";

/** Records are never signed again, so that their keys stay published; see published-keys.ts. */
export function keptOf(role: KeyRole): { readonly keepsRetired: boolean } {
  return { keepsRetired: role === "record" };
}

export function setRing(rings: KeyRings, role: KeyRole, ring: KeyRings[KeyRole]): KeyRings {
  return { ...rings, [role]: ring };
}

/** Keeps the file that is handed to whoever pins this node in step; what they filled in on their side is theirs. */
export function writeAnchorPin({ entity, directory }: NodeConfig, secrets: Secrets): void {
  const keys = publishedKeys(secrets.rings.federation, { now: currentSeconds(), keepsRetired: false });
  const pin = { entity, jwks: { keys: keys.map(({ jwk }) => jwk) }, registry_types: [] };
  writeFileSync(anchorPinPath(directory), `${JSON.stringify([pin], null, 2)}\n`);
}

/** Appends what happened to the log. The keys are changed in any case, so a failure is told and not thrown. */
export async function logEvents({ withNode }: Opened): Promise<{ logged: boolean; lines: string[] }> {
  try {
    await withNode((node) => node.keyHistory.recordEvents());
    return { logged: true, lines: [] };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    process.exitCode = EXIT.incomplete;
    const line = `The log could not be told now (${error.code}: ${error.message}); the node does it when it starts.`;
    return { logged: false, lines: [line] };
  }
}
