// Sealing, derived keys, pooled randomness and the key file: nothing opens unless everything is as it was.
import { scryptSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import { canonicalJson } from "../../src/crypto/json.ts";
import { lockSecrets, unlockSecrets } from "../../src/crypto/key-file.ts";
import { randomBytes } from "../../src/crypto/random.ts";
import { deriveKey, seal, unseal } from "../../src/crypto/seal.ts";
import type { ErrorCode } from "../../src/errors.ts";

const withCode = (code: ErrorCode) => expect.objectContaining({ name: "AttestryError", code });

describe("seal", () => {
  const key = randomBytes(32);
  const aad = "https://land.example|rid|1|disclosures";
  const plaintext = encodeUtf8("12 Temple Road");

  test("opens again, also when empty, and has 28 bytes more", () => {
    expect(unseal({ key, aad, sealed: seal({ key, aad, plaintext }) })).toEqual(plaintext);
    expect(unseal({ key, aad, sealed: seal({ key, aad, plaintext: new Uint8Array() }) })).toHaveLength(0);
    expect(seal({ key, aad, plaintext })).toHaveLength(plaintext.length + 28);
  });

  test("never gives the same bytes twice", () => {
    expect(seal({ key, aad, plaintext })).not.toEqual(seal({ key, aad, plaintext }));
  });

  test("is broken by another place, another key and each changed byte", () => {
    const sealed = seal({ key, aad, plaintext });
    expect(() => unseal({ key, aad: `${aad}2`, sealed })).toThrow(withCode("seal_broken"));
    expect(() => unseal({ key: randomBytes(32), aad, sealed })).toThrow(withCode("seal_broken"));
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice();
      changed[i]! ^= 1;
      expect(() => unseal({ key, aad, sealed: changed })).toThrow(withCode("seal_broken"));
    }
  });

  test("is broken when cut to any length", () => {
    const sealed = seal({ key, aad, plaintext });
    for (let length = 0; length < sealed.length; length++) {
      expect(() => unseal({ key, aad, sealed: sealed.subarray(0, length) })).toThrow(withCode("seal_broken"));
    }
  });

  test("takes 32-byte keys only", () => {
    expect(() => seal({ key: randomBytes(16), aad, plaintext })).toThrow(TypeError);
  });
});

describe("deriveKey", () => {
  test("is HKDF-SHA-256 without salt (RFC 5869 appendix A.3)", () => {
    const secret = Buffer.from("0b".repeat(22), "hex");
    expect(Buffer.from(deriveKey(secret, "")).toString("hex")).toBe(
      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
    );
  });

  test("gives another key for another use", () => {
    const secret = randomBytes(32);
    expect(deriveKey(secret, "wrap")).not.toEqual(deriveKey(secret, "search"));
  });
});

describe("randomBytes", () => {
  test("never repeats over several pools, and gives memory of its own", () => {
    const drawn = Array.from({ length: 2_000 }, () => randomBytes(16));
    expect(new Set(drawn.map((bytes) => Buffer.from(bytes).toString("hex"))).size).toBe(2_000);
    expect(drawn.every((bytes) => bytes.buffer.byteLength === 16)).toBe(true);
  });

  test("gives any length, the empty one too", () => {
    for (const length of [0, 1, 1_024, 1_025, 100_000]) expect(randomBytes(length)).toHaveLength(length);
  });
});

describe("locked secrets", () => {
  const passphrase = "correct horse battery staple";
  const secrets = { record: "seed-1", log: { seed: "seed-2" } };

  test("open with their passphrase, however its letters are composed, and say nothing without it", async () => {
    const locked = await lockSecrets({ passphrase: "Zu\u0308rich 1", secrets });
    expect(JSON.stringify(locked)).not.toContain("seed");
    expect(await unlockSecrets({ passphrase: "Z\u00fcrich 1", locked: JSON.parse(JSON.stringify(locked)) })).toEqual(
      secrets,
    );
  });

  test("do not open with another passphrase or after a change", async () => {
    const locked = await lockSecrets({ passphrase, secrets });
    const sealed = String(locked.sealed);
    const changed = { ...locked, sealed: (sealed.startsWith("A") ? "B" : "A") + sealed.slice(1) };
    await expect(unlockSecrets({ passphrase: `${passphrase}.`, locked })).rejects.toThrow(withCode("passphrase_wrong"));
    await expect(unlockSecrets({ passphrase, locked: changed })).rejects.toThrow(withCode("passphrase_wrong"));
    await expect(unlockSecrets({ passphrase, locked: { ...locked, n: 16 } })).rejects.toThrow(
      withCode("config_invalid"),
    );
    await expect(unlockSecrets({ passphrase, locked: { ...locked, x: 1 } })).rejects.toThrow(
      withCode("config_invalid"),
    );
  });

  test("open by scrypt as anybody runs it, and with the salt that they carry alone", async () => {
    const [one, other] = [await lockSecrets({ passphrase, secrets }), await lockSecrets({ passphrase, secrets })];
    // RFC 7914 by Node itself, with the costs that the file says.
    const costs = { N: Number(other.n), r: Number(other.r), p: Number(other.p), maxmem: 2 ** 28 };
    const key = scryptSync(passphrase, Buffer.from(String(other.salt), "base64url"), 32, costs);
    const { sealed, ...open } = other;
    const plaintext = unseal({ key, aad: canonicalJson(open), sealed: Buffer.from(String(sealed), "base64url") });
    expect(JSON.parse(Buffer.from(plaintext).toString("utf8"))).toEqual(secrets);
    await expect(unlockSecrets({ passphrase, locked: { ...other, salt: one.salt! } })).rejects.toThrow(
      withCode("passphrase_wrong"),
    );
  });

  test("are refused in another form, and so is an empty passphrase", async () => {
    for (const locked of [null, [], "x", {}, { form: "attestry-secrets", version: 1 }]) {
      await expect(unlockSecrets({ passphrase, locked })).rejects.toThrow(withCode("config_invalid"));
    }
    await expect(lockSecrets({ passphrase: "", secrets })).rejects.toThrow(withCode("config_invalid"));
  });
});
