// A node's secrets: its private keys, one per role, and the key that everything sealed hangs on. Apart from Config, so that logging a Config leaks nothing.
import { decodeBase64url, encodeBase64url } from "./crypto/base64.ts";
import { isJsonObject, type JsonObject } from "./crypto/json.ts";
import { deriveKey } from "./crypto/seal.ts";
import { createSigner, generateSeed, type Signer } from "./crypto/signer.ts";
import { AttestryError } from "./errors.ts";

/** One key, one role (DESIGN section 3). */
export const KEY_ROLES = ["federation", "record", "log", "status", "request", "witness"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

export interface Secrets {
  readonly signers: Readonly<Record<KeyRole, Signer>>;
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

/** New secrets, in the form in which the key file holds them. */
export function generateSecrets(): JsonObject {
  const seeds = Object.fromEntries(KEY_ROLES.map((role) => [role, encodeBase64url(generateSeed())]));
  return { version: 1, seeds, node: encodeBase64url(generateSeed()) };
}

/** Reads unlocked secrets; throws `config_invalid` or `key_role_conflict`. */
export function parseSecrets(unlocked: JsonObject): Secrets {
  const { version, seeds, node } = unlocked;
  if (version !== 1 || !isJsonObject(seeds) || typeof node !== "string")
    throw new AttestryError("config_invalid", "the key file does not hold this version's secrets");
  const signers = Object.fromEntries(
    KEY_ROLES.map((role) => {
      const seed = seeds[role];
      if (typeof seed !== "string") throw new AttestryError("config_invalid", `the key file has no ${role} key`);
      return [role, createSigner(decodeBase64url(seed))];
    }),
  ) as unknown as Record<KeyRole, Signer>;
  if (new Set(KEY_ROLES.map((role) => signers[role].publicKey.kid)).size !== KEY_ROLES.length) {
    throw new AttestryError("key_role_conflict", "the key file has one key in two roles");
  }
  const master = decodeBase64url(node);
  if (master.length !== MASTER_BYTES)
    throw new AttestryError(
      "config_invalid",
      `the key file's node secret has ${master.length} bytes, not ${MASTER_BYTES}`,
    );
  return {
    signers,
    wrappingKey: deriveKey(master, "attestry/wrapping/v1"),
    searchKey: deriveKey(master, "attestry/search/v1"),
    statusKey: deriveKey(master, "attestry/status/v1"),
    pseudonymKey: deriveKey(master, "attestry/pseudonym/v1"),
  };
}
