// A node's secrets: its private keys, one ring per role, and the key that everything sealed hangs on. Apart from Config, so that logging a Config leaks nothing.
import { decodeBase64url, encodeBase64url } from "./crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject } from "./crypto/json.ts";
import type { KeyGenerations } from "./crypto/key-generations.ts";
import { createRingSigner, firstKeyRing, formatKeyRing, type KeyRing, parseKeyRing } from "./crypto/key-ring.ts";
import { deriveKey } from "./crypto/seal.ts";
import { generateSeed, type Signer } from "./crypto/signer.ts";
import { AttestryError } from "./errors.ts";

/** One key, one role (DESIGN section 3). */
export const KEY_ROLES = ["federation", "record", "log", "status", "request", "witness"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

export type KeyRings = Readonly<Record<KeyRole, KeyRing>>;

/** A generation of the keys that seal and hash what the database holds. `fingerprint` tells it from another with its number, and nothing else. */
export interface SealingGeneration {
  readonly number: number;
  readonly fingerprint: string;
}

export interface Secrets {
  /** Each signs with its role's current key, as of the last `followKeys`. */
  readonly signers: Readonly<Record<KeyRole, Signer>>;
  readonly rings: KeyRings;
  /** Lets keys whose time has come take over. `now`: Unix seconds. */
  followKeys(now: number): void;
  /** Which generations the two keys below are of; `former` while what goes by it is made anew. */
  readonly sealing: { readonly current: SealingGeneration; readonly former: SealingGeneration | undefined };
  /** Wraps every record's data key. */
  readonly wrappingKey: KeyGenerations;
  /** Keys the hashes by which records are found. */
  readonly searchKey: KeyGenerations;
  /** Keys the permutation of the status lists. */
  readonly statusKey: Uint8Array;
  /** Keys the pseudonyms of staff in tokens. */
  readonly pseudonymKey: Uint8Array;
}

const MASTER_BYTES = 32;
const FINGERPRINT_CHARS = 16;

/** New secrets, in the form in which the key file holds them until a key is rotated. */
export function generateSecrets(): JsonObject {
  const seeds = Object.fromEntries(KEY_ROLES.map((role) => [role, encodeBase64url(generateSeed())]));
  return { version: 1, seeds, node: encodeBase64url(generateSeed()) };
}

/** Reads the rings of unlocked secrets, of any version. Throws `config_invalid`, `key_role_conflict`. */
export function parseKeyRings({ version, seeds, keys }: JsonObject): KeyRings {
  const rings = Object.fromEntries(
    KEY_ROLES.map((role): [KeyRole, KeyRing] => {
      if ((version === 2 || version === 3) && isJsonObject(keys)) return [role, parseKeyRing(keys[role])];
      const seed = version === 1 && isJsonObject(seeds) ? seeds[role] : undefined;
      if (typeof seed !== "string") throw new AttestryError("config_invalid", `the key file has no ${role} key`);
      return [role, firstKeyRing(seed)];
    }),
  ) as Record<KeyRole, KeyRing>;
  const kids = Object.values(rings).flatMap((ring) => ring.map(({ publicKey }) => publicKey.kid));
  if (new Set(kids).size !== kids.length)
    throw new AttestryError("key_role_conflict", "the key file has one key in two roles, or twice");
  return rings;
}

/** The same secrets with other rings, as the key file holds them. */
export function replaceKeyRings(unlocked: JsonObject, rings: KeyRings): JsonObject {
  const keys = Object.fromEntries(KEY_ROLES.map((role) => [role, formatKeyRing(rings[role])]));
  const { version: _version, seeds: _seeds, ...rest } = unlocked;
  return { ...rest, version: isJsonObject(unlocked.sealing) ? 3 : 2, keys };
}

function refuse(reason: string): never {
  throw new AttestryError("config_invalid", `the key file${reason}`);
}

function readSecret(value: Json | undefined, name: string): Uint8Array {
  if (typeof value !== "string") return refuse(` has no ${name} secret`);
  const secret = decodeBase64url(value);
  if (secret.length === MASTER_BYTES) return secret;
  return refuse(`'s ${name} secret has ${secret.length} bytes, not ${MASTER_BYTES}`);
}

interface MasterSecrets {
  readonly sealing: readonly { readonly number: number; readonly secret: Uint8Array }[];
  readonly statusKey: Uint8Array;
  readonly pseudonymKey: Uint8Array;
}

/**
 * Until the sealing keys are rotated one secret, `node`, is behind everything. A file of version 3 has one secret per generation, of which
 * `node` is the first, and apart from them what never changes: lists and tokens out there hang on it. The newest generation last.
 */
function readMasters({ version, node, sealing, status, pseudonym }: JsonObject): MasterSecrets {
  if (version !== 3) {
    const master = readSecret(node, "node");
    return {
      sealing: [{ number: 1, secret: master }],
      statusKey: deriveKey(master, "attestry/status/v1"),
      pseudonymKey: deriveKey(master, "attestry/pseudonym/v1"),
    };
  }
  if (!isJsonObject(sealing)) return refuse(" has no sealing keys");
  const generations = Object.entries(sealing)
    .map(([number, secret]) => ({ number: Number(number), secret: readSecret(secret, `sealing ${number}`) }))
    .sort((a, b) => a.number - b.number);
  const [first, second] = generations;
  const isRow = first !== undefined && Number.isSafeInteger(first.number) && first.number >= 1;
  if (!isRow || generations.length > 2 || (second && !Number.isSafeInteger(second.number)))
    return refuse(" holds other sealing keys than one generation, or two");
  return {
    sealing: generations,
    statusKey: readSecret(status, "status"),
    pseudonymKey: readSecret(pseudonym, "pseudonym"),
  };
}

function formatMasters(
  { node: _node, ...rest }: JsonObject,
  { sealing, statusKey, pseudonymKey }: MasterSecrets,
): JsonObject {
  return replaceKeyRings(
    {
      ...rest,
      sealing: Object.fromEntries(sealing.map(({ number, secret }) => [number, encodeBase64url(secret)])),
      status: encodeBase64url(statusKey),
      pseudonym: encodeBase64url(pseudonymKey),
    },
    parseKeyRings(rest),
  );
}

/** The same secrets with a next generation of sealing keys, current from now on. Throws `request_invalid` while one is being replaced. */
export function addSealingGeneration(unlocked: JsonObject): JsonObject {
  const masters = readMasters(unlocked);
  const [current, ...more] = masters.sealing;
  if (more.length > 0)
    throw new AttestryError(
      "request_invalid",
      `the sealing keys of generation ${current!.number} are being replaced; first end that with: attestry keys rotate sealing --finish`,
    );
  const next = { number: current!.number + 1, secret: generateSeed() };
  return formatMasters(unlocked, { ...masters, sealing: [current!, next] });
}

/** The same secrets without the former generation. Whoever calls it has seen that nothing goes by it any more. */
export function dropFormerSealing(unlocked: JsonObject): JsonObject {
  const masters = readMasters(unlocked);
  return formatMasters(unlocked, { ...masters, sealing: masters.sealing.slice(-1) });
}

/**
 * The same secrets with the generation of an older key file beside their own, for a database that was restored from then. Throws
 * `request_invalid` where the older file is another node's, or has no older generation.
 */
export function restoreFormerSealing(unlocked: JsonObject, older: JsonObject): JsonObject {
  const [masters, then] = [readMasters(unlocked), readMasters(older)];
  const [current, ...more] = masters.sealing;
  if (more.length > 0)
    throw new AttestryError("request_invalid", "the key file has two generations of sealing keys already");
  if (encodeBase64url(masters.statusKey) !== encodeBase64url(then.statusKey))
    throw new AttestryError("request_invalid", "the older key file is of another node");
  const former = then.sealing.findLast(({ number }) => number < current!.number);
  if (former === undefined)
    throw new AttestryError(
      "request_invalid",
      `the older key file has no generation of sealing keys before ${current!.number}`,
    );
  return formatMasters(unlocked, { ...masters, sealing: [former, current!] });
}

/** Reads unlocked secrets; `now` (Unix seconds) says which keys sign. Throws `config_invalid` or `key_role_conflict`. */
export function parseSecrets(unlocked: JsonObject, now: number = Math.floor(Date.now() / 1_000)): Secrets {
  const { version } = unlocked;
  if (version !== 1 && version !== 2 && version !== 3) return refuse(" does not hold this version's secrets");
  const rings = parseKeyRings(unlocked);
  const following = KEY_ROLES.map((role) => ({ role, ...createRingSigner(rings[role], now) }));
  const { sealing, statusKey, pseudonymKey } = readMasters(unlocked);
  const current = sealing.at(-1)!;
  const former = sealing.at(-2);
  const derive = (info: string): KeyGenerations => ({
    current: deriveKey(current.secret, info),
    former: former && deriveKey(former.secret, info),
  });
  return {
    signers: Object.fromEntries(following.map(({ role, signer }) => [role, signer])) as Record<KeyRole, Signer>,
    rings,
    followKeys(at) {
      for (const { follow } of following) follow(at);
    },
    sealing: { current: describeGeneration(current), former: former && describeGeneration(former) },
    wrappingKey: derive("attestry/wrapping/v1"),
    searchKey: derive("attestry/search/v1"),
    statusKey,
    pseudonymKey,
  };
}

function describeGeneration({ number, secret }: MasterSecrets["sealing"][number]): SealingGeneration {
  const fingerprint = encodeBase64url(deriveKey(secret, "attestry/generation/v1")).slice(0, FINGERPRINT_CHARS);
  return { number, fingerprint };
}
