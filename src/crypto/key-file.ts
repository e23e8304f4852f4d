// Secrets under a passphrase, as a JSON object that can lie in a file. Reads and writes no file and asks nobody for the passphrase.
import { randomBytes, scrypt } from "node:crypto";
import { AttestryError, isAttestryError } from "../errors.ts";
import { decodeBase64url, encodeBase64url } from "./base64.ts";
import { decodeUtf8, encodeUtf8 } from "./hash.ts";
import { canonicalJson, isJsonObject, type JsonObject, parseJson } from "./json.ts";
import { seal, unseal } from "./seal.ts";

// 128 MiB and about half a second per guess. Fixed by the version: a file that asks for other costs is refused before any work is done for it.
const SCRYPT = { N: 131_072, r: 8, p: 1, maxmem: 160 * 1_048_576 };
const SALT_BYTES = 16;
const FORM = { form: "attestry-secrets", version: 1, kdf: "scrypt", n: SCRYPT.N, r: SCRYPT.r, p: SCRYPT.p } as const;

// What this process derived last, so that a file it opens again costs it nothing: `keys rotate` opens its node's three times. A guess
// costs what it did. A process that opened the file holds the passphrase and what it unlocks anyway.
const derived = new Map<string, Promise<Uint8Array>>();
const DERIVED_MAX = 16;

function deriveFromPassphrase(passphrase: string, salt: Uint8Array): Promise<Uint8Array> {
  if (passphrase === "") throw new AttestryError("config_invalid", "the passphrase is empty");
  // NIST SP 800-63B §5.1.1.2: keyboards and systems compose the same letter differently.
  const text = passphrase.normalize("NFKC");
  const name = `${encodeBase64url(salt)} ${text}`;
  const known = derived.get(name);
  if (known) return known;
  const key = new Promise<Uint8Array>((resolve, reject) => {
    scrypt(text, salt, 32, SCRYPT, (error, bytes) => (error ? reject(error) : resolve(new Uint8Array(bytes))));
  });
  derived.set(name, key);
  key.catch(() => derived.delete(name));
  if (derived.size > DERIVED_MAX) derived.delete(derived.keys().next().value!);
  return key;
}

/**
 * Encrypts secrets under a passphrase: scrypt (RFC 7914) and AES-256-GCM. Everything else in the result is authenticated with them.
 * Throws `config_invalid` on an empty passphrase.
 */
export async function lockSecrets(options: { passphrase: string; secrets: JsonObject }): Promise<JsonObject> {
  const salt = randomBytes(SALT_BYTES);
  const key = await deriveFromPassphrase(options.passphrase, salt);
  const open = { ...FORM, salt: encodeBase64url(salt) };
  const plaintext = encodeUtf8(canonicalJson(options.secrets));
  return { ...open, sealed: encodeBase64url(seal({ key, aad: canonicalJson(open), plaintext })) };
}

/** Opens what `lockSecrets` made. Throws `config_invalid` if it has not that form, `passphrase_wrong` if it does not open. */
export async function unlockSecrets(options: { passphrase: string; locked: unknown }): Promise<JsonObject> {
  if (!isJsonObject(options.locked)) throw new AttestryError("config_invalid", "locked secrets are no JSON object");
  const { sealed, ...open } = options.locked;
  const { salt } = open;
  if (
    typeof sealed !== "string" ||
    typeof salt !== "string" ||
    canonicalJson(open) !== canonicalJson({ ...FORM, salt })
  ) {
    throw new AttestryError(
      "config_invalid",
      `locked secrets are not of the form ${FORM.form} version ${FORM.version}`,
    );
  }
  const key = await deriveFromPassphrase(options.passphrase, decodeBase64url(salt));
  const plaintext = unsealSecrets(key, canonicalJson(open), decodeBase64url(sealed));
  const secrets = parseJson(decodeUtf8(plaintext));
  if (!isJsonObject(secrets)) throw new AttestryError("config_invalid", "locked secrets hold no JSON object");
  return secrets;
}

function unsealSecrets(key: Uint8Array, aad: string, sealed: Uint8Array): Uint8Array {
  try {
    return unseal({ key, aad, sealed });
  } catch (cause) {
    if (!isAttestryError(cause, "seal_broken")) throw cause;
    throw new AttestryError("passphrase_wrong", "the passphrase is wrong, or the locked secrets were changed", {
      cause,
    });
  }
}
