// Changes the keys in a node's key file: one process at a time, and the file is the old one or the new one, whatever happens. Knows no rule about keys.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkPrivateFile, type NodeConfig, readPassphrase } from "../config.ts";
import { type JsonObject, parseJson } from "../crypto/json.ts";
import { lockSecrets, unlockSecrets } from "../crypto/key-file.ts";
import { KEY_FILE_LOCK_MS } from "../limits.ts";
import { KEY_FILE } from "../node.ts";
import { type KeyRings, parseKeyRings, parseSecrets, replaceKeyRings, type Secrets } from "../secrets.ts";
import { withFileLock } from "../storage/file-lock.ts";

function replaceFile(path: string, text: string): void {
  const draft = `${path}.new`;
  // What a process left behind that ended here.
  rmSync(draft, { force: true });
  const file = openSync(draft, "wx", 0o600);
  try {
    writeSync(file, text);
    // Else the rename may reach the disk before what it names.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  if (process.platform === "win32") return;
  const directory = openSync(dirname(path), "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

/** Replaces the rings by what `change` makes of them. Throws what it throws, `config_invalid`, `passphrase_wrong`. */
export function changeKeyFile(config: NodeConfig, change: (rings: KeyRings) => KeyRings): Promise<Secrets> {
  return changeSecrets(config, (unlocked) => replaceKeyRings(unlocked, change(parseKeyRings(unlocked))));
}

/** As `changeKeyFile`, of all that the file holds. */
export async function changeSecrets(
  config: NodeConfig,
  change: (unlocked: JsonObject) => JsonObject,
): Promise<Secrets> {
  const path = join(config.directory, KEY_FILE);
  checkPrivateFile(path);
  return withFileLock({ path: `${path}.lock`, timeoutMs: KEY_FILE_LOCK_MS }, async () => {
    const passphrase = readPassphrase(config.directory);
    const unlocked = await unlockSecrets({ passphrase, locked: parseJson(readFileSync(path, "utf8")) });
    const changed = change(unlocked);
    // Read back before it is written: a file that does not open would be the loss of the node.
    const secrets = parseSecrets(changed);
    replaceFile(path, `${JSON.stringify(await lockSecrets({ passphrase, secrets: changed }), null, 2)}\n`);
    return secrets;
  });
}
