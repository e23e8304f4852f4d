// Base45 and the text of a printed code: the vectors of RFC 9285, exact round trips, what hostile paper may hold. By both inflaters.
import { constants, deflateRawSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { decodeBase45, encodeBase45 } from "../../src/crypto/base45.ts";
import { encodeBase64url, encodeBase64urlText } from "../../src/crypto/base64.ts";
import { concatBytes, decodeUtf8, encodeUtf8, sha256 } from "../../src/crypto/hash.ts";
import { TOKEN_CHARS_MAX } from "../../src/limits.ts";

/** Bytes as random as a signature's, the same in every run. */
function noise(length: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => sha256(`print form ${i}`));
  return concatBytes(...blocks).subarray(0, length);
}

const PAYLOAD = encodeBase64urlText(
  JSON.stringify({
    iss: "https://punjab.example/lgd",
    vct: "https://punjab.example/lgd/registries/districts/schema/1",
    status: { status_list: { idx: 7, uri: "https://punjab.example/lgd/status/0" } },
    data: {
      name: "ज़िला",
      state: "https://punjab.example/lgd/registries/states/records/7c9e6679-7425-8de9-944b-e07fc1f90ae7",
    },
  }),
);
const JWT = `${encodeBase64urlText('{"alg":"Ed25519","typ":"dc+sd-jwt"}')}.${PAYLOAD}.${encodeBase64url(noise(64))}`;
const TOKEN = `${JWT}~`;

describe("base45", () => {
  // RFC 9285 §4.3 and §4.4.
  it.each([
    ["AB", "BB8"],
    ["Hello!!", "%69 VD92EX0"],
    ["base-45", "UJCLQE7W581"],
    ["ietf!", "QED8WEX0"],
  ])("writes and reads %j as RFC 9285 does", (text, encoded) => {
    expect(encodeBase45(encodeUtf8(text))).toBe(encoded);
    expect(decodeUtf8(decodeBase45(encoded))).toBe(text);
  });

  it("gives back every byte, alone and in pairs", () => {
    const all = Array.from({ length: 0x10000 }, (_, value) =>
      value < 256 ? Uint8Array.of(value) : Uint8Array.of(value >> 8, value & 0xff),
    );
    expect(all.filter((bytes) => String(decodeBase45(encodeBase45(bytes))) !== String(bytes))).toEqual([]);
    expect(decodeBase45("")).toEqual(new Uint8Array(0));
  });

  // GGW is 65536 (RFC 9285 §6); ":::" the highest that three letters can say; U5 is 255, V5 256.
  it.each(["GGW", ":::", "V5", "::", "A", "BB8A", "bb8", "BB8bb8", "BB,", "BB\u00a0", "ÀB8", "BB8\n", "B\u0000"])(
    "refuses %j",
    (text) => {
      expect(() => decodeBase45(text)).toThrowError(expect.objectContaining({ code: "encoding_invalid" }));
    },
  );

  it("says of a text that was cut off that it was", () => {
    expect(() => decodeBase45("BB8A")).toThrowError(/cut off/);
  });

  it("reads the highest values that are bytes", () => {
    expect(decodeBase45("FGW")).toEqual(Uint8Array.of(255, 255));
    expect(decodeBase45("U5")).toEqual(Uint8Array.of(255));
  });

  it("has one text per byte string", () => {
    const texts = new Set<string>();
    for (const a of "09AZ $%*+-./:") for (const b of "09AZ $%*+-./:") for (const c of "05W:") texts.add(a + b + c);
    for (const text of texts) {
      let bytes: Uint8Array;
      try {
        bytes = decodeBase45(text);
      } catch {
        continue;
      }
      expect(encodeBase45(bytes)).toBe(text);
    }
  });
});

// Also the module that believes itself in a browser: the next file's tests may run in this process.
afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** Which inflater is used is decided once, when the module loads. */
async function loadModule(platform: string): Promise<typeof import("../../src/verification/print-form.ts")> {
  vi.resetModules();
  if (platform === "browser") vi.stubGlobal("process", { ...process, getBuiltinModule: undefined });
  return import("../../src/verification/print-form.ts");
}

/** A code whose compressed bytes are those given. */
const codeOf = (bytes: Uint8Array): string => `ATTESTRY1:${encodeBase45(bytes)}`;
const packed = (...parts: readonly (readonly [Uint8Array, string])[]): Uint8Array =>
  concatBytes(
    ...parts.flatMap(([bytes, sign]) => [
      Uint8Array.of(bytes.length >> 8, bytes.length & 0xff),
      bytes,
      sign === "" ? Uint8Array.of(0) : encodeUtf8(sign),
    ]),
  );

describe.each(["node", "browser"])("the text of a printed code in a %s", (platform) => {
  it.each([
    ["a token", TOKEN],
    ["one with disclosures", `${TOKEN}${encodeBase64url(noise(40))}~${encodeBase64url(noise(33))}~`],
    ["one with a presentation", `${TOKEN}${JWT}`],
    ["a plain JWS", JWT],
    ["one without content", "AA..~~"],
  ])("gives back exactly %s", async (_, token) => {
    const { encodePrintForm, decodePrintForm } = await loadModule(platform);
    expect(await decodePrintForm(await encodePrintForm(token))).toBe(token);
  });

  it("takes a smaller code than the token, in letters that a QR code stores densely", async () => {
    const { encodePrintForm } = await loadModule(platform);
    const text = await encodePrintForm(TOKEN);
    expect(text).toMatch(/^ATTESTRY1:[0-9A-Z $%*+\-./:]+$/);
    expect(text.length * 5.5).toBeLessThan(TOKEN.length * 8 * 0.6);
  });

  it("is the token itself where its parts are not canonical, or nothing is gained", async () => {
    const { encodePrintForm, decodePrintForm } = await loadModule(platform);
    // "AB" leaves bits over that are not zero: decoded, it would come back as "AA".
    for (const token of [`${JWT}~AB~`, "AA.AA", `AA.${"A".repeat(88_000)}~`]) {
      expect(await encodePrintForm(token)).toBe(token);
      expect(await decodePrintForm(token)).toBe(token);
    }
  });

  it.each(["", "hello", "https://punjab.example/verify?of=1", `${TOKEN} `, "~", `attestry1:${encodeBase45(noise(4))}`])(
    "is not made of, and not read from, %j",
    async (text) => {
      const { encodePrintForm, decodePrintForm } = await loadModule(platform);
      await expect(decodePrintForm(text)).rejects.toMatchObject({ code: "encoding_invalid" });
      await expect(encodePrintForm(text)).rejects.toMatchObject({ code: "encoding_invalid" });
    },
  );

  it("is refused when it inflates beyond its limit, however small it is", async () => {
    const { decodePrintForm } = await loadModule(platform);
    const bomb = deflateRawSync(new Uint8Array(64 * 1_048_576), { level: 9 });
    expect(bomb.length).toBeLessThan(70_000);
    await expect(decodePrintForm(codeOf(bomb))).rejects.toMatchObject({
      code: "encoding_invalid",
      message: expect.stringContaining(`inflates to more than ${TOKEN_CHARS_MAX} bytes`),
    });
    await expect(decodePrintForm(`ATTESTRY1:${"0".repeat(TOKEN_CHARS_MAX)}`)).rejects.toMatchObject({
      code: "encoding_invalid",
      message: expect.stringContaining("characters"),
    });
    await expect(decodePrintForm(`AA.${"A".repeat(TOKEN_CHARS_MAX)}`)).rejects.toMatchObject({
      code: "encoding_invalid",
    });
  });

  it("is refused when anything follows the compressed data, or some of it is missing", async () => {
    const { encodePrintForm, decodePrintForm } = await loadModule(platform);
    const bytes = decodeBase45((await encodePrintForm(TOKEN)).slice("ATTESTRY1:".length));
    // Node 20's streams ignore what follows, which the standard forbids; tests/pages asks a real browser.
    const followed = platform === "node" ? [concatBytes(bytes, Uint8Array.of(0)), concatBytes(bytes, bytes)] : [];
    const changed = [...followed, bytes.subarray(0, -1), noise(100)];
    for (const some of changed)
      await expect(decodePrintForm(codeOf(some))).rejects.toMatchObject({ code: "encoding_invalid" });
    await expect(decodePrintForm("ATTESTRY1:")).rejects.toMatchObject({ code: "encoding_invalid" });
  });

  const part = noise(10);
  const whole = packed([part, "."], [part, "."], [part, "~"], [new Uint8Array(0), ""]);
  it.each([
    ["that are cut off", whole.subarray(0, -1)],
    ["with a part longer than what is there", packed([part, "."]).with(0, 0xff)],
    ["with bytes after the last", concatBytes(whole, Uint8Array.of(0))],
    ["with a sign that no token has", packed([part, "!"], [part, ""])],
    ["that are none", new Uint8Array(0)],
    ["that make no token", packed([part, ""])],
    ["that begin with nothing", packed([new Uint8Array(0), "~"], [part, ""])],
  ])("is refused when it holds parts %s", async (_, parts) => {
    const { decodePrintForm } = await loadModule(platform);
    expect(await decodePrintForm(codeOf(deflateRawSync(whole)))).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+~$/);
    await expect(decodePrintForm(codeOf(deflateRawSync(parts)))).rejects.toMatchObject({ code: "encoding_invalid" });
  });

  it("is read however it was compressed", async () => {
    const { decodePrintForm } = await loadModule(platform);
    for (const strategy of [constants.Z_FIXED, constants.Z_HUFFMAN_ONLY])
      expect(await decodePrintForm(codeOf(deflateRawSync(whole, { strategy, level: 1 })))).toMatch(/~$/);
  });
});
