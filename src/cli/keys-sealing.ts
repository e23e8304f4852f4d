// `attestry keys rotate sealing`: the next keys that seal and hash what the database holds, and the end of the former ones. The node itself makes everything anew.
import { readPassphrase } from "../config.ts";
import { unlockSecrets } from "../crypto/key-file.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { SealingProgress } from "../records/sealing/sealing-rotation-service.ts";
import { addSealingGeneration, dropFormerSealing, restoreFormerSealing, type Secrets } from "../secrets.ts";
import { readInputJson } from "./input-file.ts";
import { changeSecrets } from "./key-file-change.ts";
import { isoTime, type Opened, openKeys } from "./keys-change.ts";
import type { RotateOptions } from "./keys-rotation.ts";
import { formatCount, printResult } from "./terminal.ts";

export async function rotateSealing(options: RotateOptions): Promise<void> {
  if (options.now || options.start || options.force)
    throw new AttestryError(
      "request_invalid",
      "--now, --start and --force are for keys that sign; sealing keys take over at the next start of the node",
    );
  const opened = openKeys(options);
  if (options.finish) return finish(opened, options);
  if (options.former !== undefined) return restore(opened, options, options.former);
  const { sealing } = await changeSecrets(opened.config, addSealingGeneration);
  const { current, former } = sealing;
  printResult({
    json: options.json,
    value: { role: "sealing", generation: current.number, former: former!.number, state: "next" },
    lines: [
      `Generation ${current.number} of the sealing keys is in the file. Nothing goes by it yet.`,
      "1. Back up keys.json now: what is sealed by the new keys can never be read without them.",
      "2. Stop every process of the node, and start them again. The node then seals and hashes by the new keys, and makes everything of before anew while it works; a process that still runs with the old file writes nothing more.",
      "3. See how far it is: attestry keys list",
      "4. Then take the old keys out of the file: attestry keys rotate sealing --finish",
    ],
  });
}

/** A database of before a rotation that has ended, and today's signing keys: what only an older key file has is put beside them. */
async function restore({ config }: Opened, options: RotateOptions, path: string): Promise<void> {
  const locked = readInputJson(path, "config_invalid");
  const older = await unlockSecrets({ passphrase: readPassphrase(config.directory), locked });
  const { sealing } = await changeSecrets(config, (unlocked) => restoreFormerSealing(unlocked, older));
  const [current, former] = [sealing.current.number, sealing.former!.number];
  printResult({
    json: options.json,
    value: { role: "sealing", generation: current, former, state: "next" },
    lines: [
      `Generation ${former} of the sealing keys is in keys.json again, beside ${current}.`,
      "Start the node: it makes everything of the restored database anew by the present keys, as in a rotation.",
    ],
  });
}

async function finish({ config, withNode }: Opened, options: RotateOptions): Promise<void> {
  await withNode((node) => node.sealingRotation.finish());
  // Only now: nothing in the database needs what is destroyed here.
  const { sealing } = await changeSecrets(config, dropFormerSealing);
  const { number } = sealing.current;
  printResult({
    json: options.json,
    value: { role: "sealing", generation: number, former: null, state: "current" },
    lines: [
      `Nothing goes by generation ${number - 1} of the sealing keys any more, and keys.json has only ${number}.`,
      "Restart the node when it suits: until then its memory has the old keys. Back up keys.json again.",
      "Backups of the database from before now need the keys.json of then: keep it as long as them, apart from them, and destroy both together.",
    ],
  });
}

/** What `attestry keys list` says of the sealing keys. Asks the database only while they are being replaced. */
export async function describeSealing(
  { withNode }: Opened,
  { sealing: { current, former } }: Secrets,
): Promise<{ value: object; lines: string[] }> {
  const generations = { generation: current.number, former: former?.number ?? null };
  if (former === undefined)
    return { value: { ...generations, progress: null }, lines: [`Sealing keys: generation ${current.number}.`] };
  const replaced = `Sealing keys: generation ${current.number} replaces ${former.number}`;
  try {
    const progress = await withNode((node) => node.sealingRotation.readProgress());
    if (progress === undefined) return { value: { ...generations, progress: null }, lines: [`${replaced}.`] };
    return {
      value: { ...generations, progress: formatProgress(progress) },
      lines: sayProgress(replaced, progress, current.number),
    };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return {
      value: { ...generations, progress: null },
      lines: [`${replaced}; how far could not be seen now (${error.code}: ${error.message}).`],
    };
  }
}

function formatProgress({ generation, done, total, complete, parts, passing }: SealingProgress): object {
  return {
    begun: total > 0 || parts.length > 0,
    database_generation: generation,
    done,
    total,
    complete,
    parts: parts.map((part) => ({ ...part })),
    requests_remembered: passing?.count ?? 0,
    finish_from: isoTime(passing?.until) ?? null,
  };
}

function sayProgress(
  replaced: string,
  { generation, done, total, complete, parts, passing }: SealingProgress,
  current: number,
): string[] {
  if (generation !== current) return [`${replaced}; the node has not begun: restart it.`];
  const counts = parts.map(({ part, registry, done: some, total: all }) => {
    const name = registry === undefined ? part : `${part} of "${registry}"`;
    return `  ${name}: ${formatCount(some)} of ${formatCount(all)}`;
  });
  const end = !complete
    ? "The node goes on while it runs."
    : passing
      ? `All is made anew. Requests from before are remembered by the old keys until ${isoTime(passing.until)!}; then: attestry keys rotate sealing --finish`
      : "All is made anew. Now: attestry keys rotate sealing --finish";
  return [`${replaced}: ${formatCount(done)} of ${formatCount(total)} made anew.`, ...counts, end];
}
