// Compact JWS: what a token may not bring along, each refusal with its code; and the same verdict with and without WebCrypto.
import { createHash, createHmac } from "node:crypto";
import * as noble from "@noble/ed25519";
import { afterEach, describe, expect, test, vi } from "vitest";
import { encodeBase64url, encodeBase64urlText } from "../../src/crypto/base64.ts";
import { concatBytes, encodeUtf8 } from "../../src/crypto/hash.ts";
import { decodeJws, signJws, verifyJws } from "../../src/crypto/jws.ts";
import { type PublicKey, parsePublicKey } from "../../src/crypto/keys.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { JWS_CHARS_MAX } from "../../src/limits.ts";

const withCode = (code: ErrorCode) => expect.objectContaining({ name: "AttestryError", code });
const signer = createSigner(generateSeed());
const { kid } = signer.publicKey;
const typ = "test+jwt";
const rules = { typ, keys: [signer.publicKey] };
const goodHeader = { alg: "Ed25519", typ, kid };

/** Signs any two texts, so that the signature holds and only what is tested is wrong. */
async function signParts(header: unknown, payload = '{"a":1}'): Promise<string> {
  const headerText = typeof header === "string" ? header : JSON.stringify(header);
  const input = `${encodeBase64urlText(headerText)}.${encodeBase64urlText(payload)}`;
  return `${input}.${encodeBase64url(await signer.sign(encodeUtf8(input)))}`;
}

/** Another text whose last character encodes the same bytes with a bit set that no byte uses. */
function setSlackBit(part: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (part.length % 4 === 0) throw new Error("this part has no slack bits");
  return part.slice(0, -1) + alphabet[alphabet.indexOf(part.at(-1)!) + 1];
}

const GROUP_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const sha512 = (bytes: Uint8Array) => Uint8Array.from(createHash("sha512").update(bytes).digest());
const littleEndian = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
const clampByte = (byte: number, at: number) => (at === 0 ? byte & 0xf8 : at === 31 ? (byte & 0x7f) | 0x40 : byte);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("signJws", () => {
  test("makes a token that verifyJws accepts, with header and payload as given", async () => {
    const text = await signJws({ signer, typ, payload: { name: "Zürich €" }, header: { trust_chain: ["x"] } });
    const verified = await verifyJws(text, rules);
    expect(verified.header).toEqual({ trust_chain: ["x"], ...goodHeader });
    expect(verified.payload).toEqual({ name: "Zürich €" });
    expect(verified.key).toBe(signer.publicKey);
  });

  test("signs a payload given as text as it stands, spaces included", async () => {
    const text = await signJws({ signer, typ, payload: '{ "a" : 1 }' });
    expect(text.split(".")[1]).toBe(encodeBase64urlText('{ "a" : 1 }'));
    expect((await verifyJws(text, rules)).payload).toEqual({ a: 1 });
  });

  test("lets no further header member replace alg, typ or kid", async () => {
    const text = await signJws({ signer, typ, payload: {}, header: { alg: "none", typ: "x", kid: "y" } });
    expect(decodeJws(text).header).toEqual(goodHeader);
  });

  test("waits for a signer that answers later, such as an HSM", async () => {
    const slow = { publicKey: signer.publicKey, sign: async (message: Uint8Array) => signer.sign(message) };
    expect((await verifyJws(await signJws({ signer: slow, typ, payload: {} }), rules)).payload).toEqual({});
  });

  test("refuses to make what nobody here would read", async () => {
    const payload = { text: "x".repeat(JWS_CHARS_MAX) };
    await expect(signJws({ signer, typ, payload })).rejects.toThrow(withCode("jws_invalid"));
  });
});

describe("decodeJws refuses", () => {
  const texts: [what: string, make: (parts: string[]) => string, code: ErrorCode][] = [
    ["an empty text", () => "", "jws_invalid"],
    ["two parts", ([h, p]) => `${h}.${p}`, "jws_invalid"],
    ["four parts", ([h, p, s]) => `${h}.${p}.${s}.`, "jws_invalid"],
    ["a leading dot", ([h, p, s]) => `.${h}.${p}.${s}`, "jws_invalid"],
    ["an empty header", ([, p, s]) => `.${p}.${s}`, "jws_invalid"],
    ["an empty payload", ([h, , s]) => `${h}..${s}`, "jws_invalid"],
    ["an empty signature", ([h, p]) => `${h}.${p}.`, "jws_invalid"],
    ["too long a text", ([h, p]) => `${h}.${p}.${"A".repeat(JWS_CHARS_MAX)}`, "jws_invalid"],
    ["padding", ([h, p, s]) => `${h}.${p}.${s}==`, "encoding_invalid"],
    ["a line break at the end", ([h, p, s]) => `${h}.${p}.${s}\n`, "encoding_invalid"],
    ["slack bits in the header", ([h, p, s]) => `${setSlackBit(h!)}.${p}.${s}`, "encoding_invalid"],
    ["slack bits in the payload", ([h, p, s]) => `${h}.${setSlackBit(p!)}.${s}`, "encoding_invalid"],
    ["slack bits in the signature", ([h, p, s]) => `${h}.${p}.${setSlackBit(s!)}`, "encoding_invalid"],
    ["standard base64", ([h, p, s]) => `${h}.${p}.${s!.slice(0, -4)}+/AA`, "encoding_invalid"],
  ];

  test.each(texts)("%s", async (_what, make, code) => {
    // Lengths chosen so that header and payload both have slack bits.
    const text = make((await signParts(JSON.stringify({ ...goodHeader, x: "1" }), '{"a":12}')).split("."));
    expect(() => decodeJws(text)).toThrow(withCode(code));
  });

  const parts: [what: string, header: unknown, payload: string, code: ErrorCode][] = [
    ["a header that is an array", [goodHeader], "{}", "jws_invalid"],
    ["a header that is no JSON", "{", "{}", "json_invalid"],
    ["a header with a member twice", '{"alg":"Ed25519","alg":"none"}', "{}", "json_duplicate_key"],
    ["a payload that is text", goodHeader, '"x"', "jws_invalid"],
    ["a payload with a member twice", goodHeader, '{"a":1,"a":2}', "json_duplicate_key"],
    ["crit", { ...goodHeader, crit: ["exp"], exp: 1 }, "{}", "crit_unsupported"],
    ["an empty crit", { ...goodHeader, crit: [] }, "{}", "crit_unsupported"],
    ["b64 without crit", { ...goodHeader, b64: false }, "{}", "crit_unsupported"],
    ["b64 with crit", { ...goodHeader, b64: false, crit: ["b64"] }, "{}", "crit_unsupported"],
  ];

  test.each(parts)("%s", async (_what, header, payload, code) => {
    const text = await signParts(header, payload);
    expect(() => decodeJws(text)).toThrow(withCode(code));
    await expect(verifyJws(text, rules)).rejects.toThrow(withCode(code));
  });
});

describe("verifyJws refuses", () => {
  test("alg none, with and without a signature", async () => {
    const text = await signParts({ ...goodHeader, alg: "none" });
    await expect(verifyJws(text, rules)).rejects.toThrow(withCode("algorithm_not_allowed"));
    const unsigned = `${text.split(".").slice(0, 2).join(".")}.`;
    await expect(verifyJws(unsigned, rules)).rejects.toThrow(withCode("jws_invalid"));
  });

  test("HS256 keyed with the public key", async () => {
    const input = `${encodeBase64urlText(JSON.stringify({ ...goodHeader, alg: "HS256" }))}.${encodeBase64urlText("{}")}`;
    const mac = createHmac("sha256", signer.publicKey.raw).update(input).digest();
    const text = `${input}.${encodeBase64url(mac)}`;
    await expect(verifyJws(text, rules)).rejects.toThrow(withCode("algorithm_not_allowed"));
  });

  test.each(["ES256", "ed25519", "EDDSA", "Ed448", ["Ed25519"], null, undefined])("alg %s", async (alg) => {
    await expect(verifyJws(await signParts({ ...goodHeader, alg }), rules)).rejects.toThrow(
      withCode("algorithm_not_allowed"),
    );
  });

  test("EdDSA, unless the rules take foreign tokens", async () => {
    const text = await signParts({ ...goodHeader, alg: "EdDSA" });
    await expect(verifyJws(text, rules)).rejects.toThrow(withCode("algorithm_not_allowed"));
    expect((await verifyJws(text, { ...rules, acceptEdDSA: true })).payload).toEqual({ a: 1 });
  });

  test.each(["JWT", "TEST+JWT", "application/test+jwt", [typ], undefined])("typ %s", async (found) => {
    await expect(verifyJws(await signParts({ ...goodHeader, typ: found }), rules)).rejects.toThrow(
      withCode("type_not_allowed"),
    );
  });

  test.each(["other", "", [kid], undefined])("kid %s", async (found) => {
    await expect(verifyJws(await signParts({ ...goodHeader, kid: found }), rules)).rejects.toThrow(
      withCode("key_unknown"),
    );
  });

  test("a key that the token brings along", async () => {
    const thief = createSigner(generateSeed());
    const text = await signJws({ signer: thief, typ, payload: {}, header: { jwk: { ...thief.publicKey.jwk } } });
    await expect(verifyJws(text, rules)).rejects.toThrow(withCode("key_unknown"));
  });

  test("two keys of one kid", async () => {
    const twin: PublicKey = { ...createSigner(generateSeed()).publicKey, kid };
    const text = await signParts(goodHeader);
    await expect(verifyJws(text, { typ, keys: [signer.publicKey, twin] })).rejects.toThrow(withCode("key_unknown"));
  });

  test("any token when there are no keys", async () => {
    await expect(verifyJws(await signParts(goodHeader), { typ, keys: [] })).rejects.toThrow(withCode("key_unknown"));
  });

  test("a signature whose R is the neutral element, though its equation holds", async () => {
    const seed = generateSeed();
    const own = createSigner(seed);
    const input = `${encodeBase64urlText(JSON.stringify({ ...goodHeader, kid: own.publicKey.kid }))}.${encodeBase64urlText("{}")}`;
    const r = Uint8Array.of(1, ...new Uint8Array(31));
    // RFC 8032 §5.1.6 with r = 0: S = k * s mod L.
    const secret = littleEndian(sha512(seed).subarray(0, 32).map(clampByte));
    const k = littleEndian(sha512(concatBytes(r, own.publicKey.raw, encodeUtf8(input))));
    let rest = (k * secret) % GROUP_ORDER;
    const s = Uint8Array.from({ length: 32 }, () => {
      const byte = Number(rest & 0xffn);
      rest >>= 8n;
      return byte;
    });
    const signature = concatBytes(r, s);
    // The equation of RFC 8032 §5.1.7 holds, S * B = R + k * A with R the neutral element, and some versions of OpenSSL accept it.
    const left = noble.Point.BASE.multiply((k * secret) % GROUP_ORDER);
    expect(left.equals(noble.Point.fromBytes(own.publicKey.raw).multiply(k % GROUP_ORDER))).toBe(true);
    const text = `${input}.${encodeBase64url(signature)}`;
    await expect(verifyJws(text, { typ, keys: [own.publicKey] })).rejects.toThrow(withCode("signature_invalid"));
  });

  test("another payload, another header, another signature, a signature of another length", async () => {
    const [header, payload, signature] = (await signParts(goodHeader)).split(".");
    const changed = [
      `${header}.${encodeBase64urlText('{"a":2}')}.${signature}`,
      `${encodeBase64urlText(JSON.stringify({ ...goodHeader, x: 1 }))}.${payload}.${signature}`,
      `${header}.${payload}.${signature!.startsWith("A") ? "B" : "A"}${signature!.slice(1)}`,
      `${header}.${payload}.${encodeBase64url(new Uint8Array(63))}`,
      `${header}.${payload}.${encodeBase64url(new Uint8Array(65))}`,
    ];
    for (const text of changed) await expect(verifyJws(text, rules)).rejects.toThrow(withCode("signature_invalid"));
  });
});

describe("verifyJws where WebCrypto has no Ed25519", () => {
  test("gives the same verdicts", async () => {
    const importKey = vi
      .spyOn(globalThis.crypto.subtle, "importKey")
      .mockRejectedValue(new DOMException("unknown curve", "NotSupportedError"));
    // A key object that was not imported before.
    const key = parsePublicKey(signer.publicKey.jwk);
    const text = await signParts(goodHeader);
    const [header, , signature] = text.split(".");
    expect((await verifyJws(text, { typ, keys: [key] })).payload).toEqual({ a: 1 });
    const changed = `${header}.${encodeBase64urlText('{"a":2}')}.${signature}`;
    await expect(verifyJws(changed, { typ, keys: [key] })).rejects.toThrow(withCode("signature_invalid"));
    expect(importKey).toHaveBeenCalledOnce();
  });
});
