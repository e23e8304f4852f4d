// A node's secrets: its private keys, one ring per role, and the key that everything sealed hangs on. Apart from Config, so that logging a Config leaks nothing.
import { decodeBase64url, encodeBase64url } from "./crypto/base64.ts";
import { isJsonObject, type JsonObject } from "./crypto/json.ts";
import { createRingSigner, firstKeyRing, formatKeyRing, type KeyRing, parseKeyRing } from "./crypto/key-ring.ts";
import { deriveKey } from "./crypto/seal.ts";
import { generateSeed, type Signer } from "./crypto/signer.ts";
import { AttestryError } from "./errors.ts";

/** One key, one role (DESIGN section 3). */
export const KEY_ROLES = ["federation", "record", "log", "status", "request", "witness"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

export type KeyRings = Readonly<Record<KeyRole, KeyRing>>;

export interface Secrets {
  /** Each signs with its role's current key, as of the last `followKeys`. */
  readonly signers: Readonly<Record<KeyRole, Signer>>;
  readonly rings: KeyRings;
  /** Lets keys whose time has come take over. `now`: Unix seconds. */
  followKeys(now: number): void;
  /** Wraps every record's data key. */
  readonly wrappingKey: Uint8Array;
  /** Keys the hashes by which records are found. */
  readonly searchKey: Uint8Array;
  /** Keys the permutation of the status lists. */
  readonly statusKey: Uint8Array;
  /** Keys the pseudonyms of staff in tokens. */
  readonly pseudonymKey: Uint8Array;
}

const MASTER_BYTES = 32;

/** New secrets, in the form in which the key file holds them until a key is rotated. */
export function generateSecrets(): JsonObject {
  const seeds = Object.fromEntries(KEY_ROLES.map((role) => [role, encodeBase64url(generateSeed())]));
  return { version: 1, seeds, node: encodeBase64url(generateSeed()) };
}

/** Reads the rings of unlocked secrets, of either version. Throws `config_invalid`, `key_role_conflict`. */
export function parseKeyRings({ version, seeds, keys }: JsonObject): KeyRings {
  const rings = Object.fromEntries(
    KEY_ROLES.map((role): [KeyRole, KeyRing] => {
      if (version === 2 && isJsonObject(keys)) return [role, parseKeyRing(keys[role])];
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
  return { version: 2, keys, node: unlocked.node! };
}

/** Reads unlocked secrets; `now` (Unix seconds) says which keys sign. Throws `config_invalid` or `key_role_conflict`. */
export function parseSecrets(unlocked: JsonObject, now: number = Math.floor(Date.now() / 1_000)): Secrets {
  const { version, node } = unlocked;
  if ((version !== 1 && version !== 2) || typeof node !== "string")
    throw new AttestryError("config_invalid", "the key file does not hold this version's secrets");
  const rings = parseKeyRings(unlocked);
  const following = KEY_ROLES.map((role) => ({ role, ...createRingSigner(rings[role], now) }));
  const master = decodeBase64url(node);
  if (master.length !== MASTER_BYTES)
    throw new AttestryError(
      "config_invalid",
      `the key file's node secret has ${master.length} bytes, not ${MASTER_BYTES}`,
    );
  return {
    signers: Object.fromEntries(following.map(({ role, signer }) => [role, signer])) as Record<KeyRole, Signer>,
    rings,
    followKeys(at) {
      for (const { follow } of following) follow(at);
    },
    wrappingKey: deriveKey(master, "attestry/wrapping/v1"),
    searchKey: deriveKey(master, "attestry/search/v1"),
    statusKey: deriveKey(master, "attestry/status/v1"),
    pseudonymKey: deriveKey(master, "attestry/pseudonym/v1"),
  };
}
