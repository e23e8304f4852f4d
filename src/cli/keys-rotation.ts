// `attestry keys rotate`: the next key of a role is published first, and signs when others know it.
import { addKey, keyState, startNext } from "../crypto/key-ring.ts";
import { AttestryError } from "../errors.ts";
import { KEY_ANNOUNCE_SECONDS } from "../limits.ts";
import { currentSeconds, readSecrets } from "../node.ts";
import type { KeyRole } from "../secrets.ts";
import type { NodeOptions } from "./federation-node.ts";
import { anchorPinPath } from "./init.ts";
import { changeKeyFile } from "./key-file-change.ts";
import { BACKUP, isoTime, keptOf, logEvents, type Opened, openKeys, setRing, writeAnchorPin } from "./keys-change.ts";
import { formatDuration, printResult } from "./terminal.ts";

/** The witness key is no part of this: those who count on it name it in their own policies. */
export const ROTATED_ROLES = ["federation", "record", "log", "status", "request"] as const satisfies readonly KeyRole[];

/** What is no role, as it signs nothing: the keys behind what the database holds (keys-sealing.ts). */
export const SEALING = "sealing";

export interface RotateOptions extends NodeOptions {
  readonly now?: boolean;
  readonly start?: boolean;
  readonly force?: boolean;
  readonly finish?: boolean;
  readonly former?: string;
}

/** What has to be done, and holds, after a key was added; by role. */
function sayWhatFollows(role: KeyRole, { signsFrom, isNow }: { signsFrom: number; isNow: boolean }): string[] {
  const from = isoTime(signsFrom)!;
  const restart = isNow
    ? "Restart the node now: until then it signs with the old key."
    : `Restart the node within ${formatDuration((KEY_ANNOUNCE_SECONDS * 1_000) / 2)}: it then publishes the new key, and lets it sign from ${from} on by itself.`;
  const early = "Nodes that know this one only from before refuse what the new key signs for up to an hour.";
  const meaning: Partial<Record<KeyRole, string>> = {
    record: "Records signed before keep verifying: the old key stays published, and is never used again.",
    log: "Checkpoints are signed by both keys while the change is under way.",
    status: "Status lists are signed anew every few seconds; nothing else changes.",
    request: "Other nodes check requests by the published keys; nothing else changes.",
  };
  return [meaning[role] ?? "", restart, ...(isNow ? [early] : []), BACKUP].filter((line) => line !== "");
}

async function rotateFederation(options: RotateOptions): Promise<void> {
  const opened = openKeys(options);
  const { config } = opened;
  if (!options.start) {
    const now = currentSeconds();
    const secrets = await changeKeyFile(config, (rings) =>
      setRing(rings, "federation", addKey(rings.federation, { now, signsFrom: undefined, keepsRetired: false })),
    );
    const kid = secrets.rings.federation.at(-1)!.publicKey.kid;
    writeAnchorPin(config, secrets);
    const { logged, lines } = await logEvents(opened);
    const superiors = config.superiors.length > 0;
    printResult({
      json: options.json,
      value: { role: "federation", kid, state: "next", superiors: config.superiors, logged },
      lines: [
        `The next federation key is ${kid}. It signs nothing yet.`,
        "1. Restart the node: its configuration then lists both keys, signed by the old one.",
        superiors
          ? "2. Each superior takes the new key over within minutes, or at once by: attestry federation refresh " +
            config.entity
          : `2. Whoever pins this node as anchor adds the new key to the pin: ${anchorPinPath(config.directory)} has both.`,
        `3. ${superiors ? "Then" : "When all of them have"}: attestry keys rotate federation --start${superiors ? "" : " --force"}`,
        ...lines,
        BACKUP,
      ],
    });
    return;
  }
  await startFederation(opened, options);
}

async function startFederation(opened: Opened, options: RotateOptions): Promise<void> {
  const { config, withNode } = opened;
  const { rings } = await readSecrets(config);
  const next = rings.federation.find((key) => keyState(rings.federation, key, currentSeconds()) === "next");
  if (!next)
    throw new AttestryError("request_invalid", "there is no next federation key; make one first, without --start");
  if (!options.force) {
    if (config.superiors.length === 0)
      throw new AttestryError(
        "request_invalid",
        "this node has no superior that could be asked whether it knows the next key: once everybody who pins this node has pinned it, use --force",
      );
    const lacking = await withNode((node) => node.keyRollover.findLacking(next.publicKey.kid));
    if (lacking.length > 0) {
      throw new AttestryError(
        "request_invalid",
        `the next federation key would not be believed by ${lacking.length} of ${config.superiors.length} superiors; restart the node, then have them run: attestry federation refresh ${config.entity}`,
        { details: lacking.map(({ superior, reason }) => ({ field: superior, message: reason })) },
      );
    }
  }
  const now = currentSeconds();
  const secrets = await changeKeyFile(config, (before) =>
    setRing(before, "federation", startNext(before.federation, now)),
  );
  writeAnchorPin(config, secrets);
  const { logged, lines } = await logEvents(opened);
  printResult({
    json: options.json,
    value: { role: "federation", kid: next.publicKey.kid, state: "current", signs_from: isoTime(now), logged },
    lines: [
      `The federation key is now ${next.publicKey.kid}.`,
      "Restart the node now: until then it signs with the old key. The old one is listed on for two hours, and among the historical keys from now on.",
      ...lines,
      BACKUP,
    ],
  });
}

export async function rotateKey(role: string, options: RotateOptions): Promise<void> {
  const known = ROTATED_ROLES.find((one) => one === role);
  if (known === undefined)
    throw new AttestryError(
      "request_invalid",
      `"${role}" is none of the roles: ${[...ROTATED_ROLES, SEALING].join(", ")}`,
    );
  if (options.finish || options.former !== undefined)
    throw new AttestryError("request_invalid", "--finish and --former are for the sealing keys");
  if (known === "federation") return rotateFederation(options);
  if (options.start || options.force)
    throw new AttestryError("request_invalid", "--start and --force are for the federation key");
  const opened = openKeys(options);
  const now = currentSeconds();
  const signsFrom = options.now ? now : now + KEY_ANNOUNCE_SECONDS;
  const secrets = await changeKeyFile(opened.config, (rings) =>
    setRing(rings, known, addKey(rings[known], { now, signsFrom, ...keptOf(known) })),
  );
  const kid = secrets.rings[known].at(-1)!.publicKey.kid;
  const { logged, lines } = await logEvents(opened);
  printResult({
    json: options.json,
    value: { role: known, kid, state: options.now ? "current" : "next", signs_from: isoTime(signsFrom), logged },
    lines: [
      `The next ${known} key is ${kid}.`,
      ...sayWhatFollows(known, { signsFrom, isNow: options.now === true }),
      ...lines,
    ],
  });
}
