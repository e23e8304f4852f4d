// Public keys and key sets: only keys on which every verifier agrees, named by what they are.
import { describe, expect, test } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { verifyEd25519Native, verifyEd25519Portable } from "../../src/crypto/ed25519.ts";
import { jwkThumbprint, parseKeySet, parsePublicKey } from "../../src/crypto/keys.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { KEY_SET_KEYS_MAX } from "../../src/limits.ts";

const withCode = (code: ErrorCode) => expect.objectContaining({ name: "AttestryError", code });
const fromHex = (hex: string) => encodeBase64url(Buffer.from(hex, "hex"));

// RFC 8037 appendix A.2 and A.3
const X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
const JWK = { kty: "OKP", crv: "Ed25519", x: X };

describe("parsePublicKey", () => {
  test("gives the RFC 7638 thumbprint of RFC 8037 A.3", () => {
    const key = parsePublicKey(JWK);
    expect(key.kid).toBe(KID);
    expect(jwkThumbprint(key.raw)).toBe(KID);
    expect(key.jwk).toEqual({ ...JWK, kid: KID });
  });

  test("keeps use and alg and leaves out what it does not know", () => {
    const key = parsePublicKey({ ...JWK, kid: KID, use: "sig", alg: "Ed25519", x5u: "https://evil.example" });
    expect(key.jwk).toEqual({ ...JWK, kid: KID, use: "sig", alg: "Ed25519" });
  });

  // The last character of x holds two bits that no byte uses.
  const slack = `${X.slice(0, -1)}p`;
  const refused: [what: string, jwk: unknown][] = [
    ["null", null],
    ["an array", [JWK]],
    ["text", JSON.stringify(JWK)],
    ["another key type", { ...JWK, kty: "EC" }],
    ["another curve", { ...JWK, crv: "X25519" }],
    ["a private key", { ...JWK, d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" }],
    ["encryption use", { ...JWK, use: "enc" }],
    ["another algorithm", { ...JWK, alg: "HS256" }],
    ["another kid", { ...JWK, kid: "key-1" }],
    ["an empty kid", { ...JWK, kid: "" }],
    ["no x", { kty: "OKP", crv: "Ed25519" }],
    ["x as a number", { ...JWK, x: 1 }],
    ["x with slack bits", { ...JWK, x: slack }],
    ["x with padding", { ...JWK, x: `${X}=` }],
    ["x with 31 bytes", { ...JWK, x: fromHex("11".repeat(31)) }],
    ["x with 33 bytes", { ...JWK, x: fromHex("11".repeat(33)) }],
    ["a point off the curve", { ...JWK, x: fromHex(`02${"00".repeat(31)}`) }],
    ["the neutral element", { ...JWK, x: fromHex(`01${"00".repeat(31)}`) }],
    ["a point of order 4", { ...JWK, x: fromHex("00".repeat(32)) }],
    ["a point of order 8", { ...JWK, x: fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05") }],
    ["y not below p", { ...JWK, x: fromHex(`ee${"ff".repeat(30)}7f`) }],
  ];

  test.each(refused)("refuses %s", (_what, jwk) => {
    expect(() => parsePublicKey(jwk)).toThrow(withCode("key_invalid"));
  });
});

describe("parseKeySet", () => {
  const other = createSigner(generateSeed()).publicKey.jwk;

  test("gives the keys in their order", () => {
    expect(parseKeySet({ keys: [JWK, other] }).map((key) => key.kid)).toEqual([KID, other.kid]);
  });

  const refused: [what: string, jwks: unknown][] = [
    ["an array", [JWK]],
    ["no keys", {}],
    ["keys that are no array", { keys: JWK }],
    ["an empty set", { keys: [] }],
    ["a key twice", { keys: [JWK, other, { ...JWK, use: "sig" }] }],
    ["one bad key among good ones", { keys: [JWK, { ...other, crv: "Ed448" }] }],
  ];

  test.each(refused)("refuses %s", (_what, jwks) => {
    expect(() => parseKeySet(jwks)).toThrow(withCode("key_invalid"));
  });
});

describe("parseKeySet with as many keys as allowed", () => {
  const keys = Array.from({ length: KEY_SET_KEYS_MAX + 1 }, () => createSigner(generateSeed()).publicKey.jwk);

  test("gives them all, and refuses one more", () => {
    expect(parseKeySet({ keys: keys.slice(1) })).toHaveLength(KEY_SET_KEYS_MAX);
    expect(() => parseKeySet({ keys })).toThrow(withCode("key_invalid"));
  });
});

describe("both verifiers", () => {
  test("call wrong lengths a false signature", () => {
    const { raw } = parsePublicKey(JWK);
    for (const verify of [verifyEd25519Native!, verifyEd25519Portable]) {
      expect(verify(raw, new Uint8Array(1), new Uint8Array(63))).toBe(false);
      expect(verify(raw, new Uint8Array(1), new Uint8Array(65))).toBe(false);
      expect(verify(raw.subarray(1), new Uint8Array(1), new Uint8Array(64))).toBe(false);
    }
  });
});
