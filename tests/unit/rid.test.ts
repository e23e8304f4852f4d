// The record's opaque identifier: a UUIDv8 that its key alone decides.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isRid, ridFromKey } from "../../src/records/rid.ts";
import { caughtCode } from "../caught-code.ts";

/** RFC 9562 §5.8 over the bits written out one by one. */
function ridFromBits(k: Uint8Array): string {
  const digest = createHash("sha256").update("attestry/rid/v1\n").update(k).digest();
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const uuid = `${bits.slice(0, 48)}1000${bits.slice(48, 60)}10${bits.slice(60, 122)}`;
  const hex = (uuid.match(/.{4}/g) ?? []).map((nibble) => Number.parseInt(nibble, 2).toString(16)).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

describe("ridFromKey", () => {
  it("lays the first 122 bits of the hash out as a UUIDv8", () => {
    for (let i = 0; i < 500; i++) {
      const k = createHash("sha256").update(`key ${i}`).digest();
      expect(ridFromKey(k)).toBe(ridFromBits(k));
      expect(isRid(ridFromKey(k))).toBe(true);
    }
  });

  it("gives the identifier that other implementations can check against", () => {
    expect(ridFromKey(new Uint8Array(32))).toBe(ridFromBits(new Uint8Array(32)));
  });

  it("refuses a key of another length", () => {
    for (const length of [0, 31, 33]) expect(caughtCode(() => ridFromKey(new Uint8Array(length)))).toBe("key_invalid");
  });
});

describe("isRid", () => {
  it.each([
    "d8989cce-a4e3-4a7a-b4cc-df2f5e151568",
    "d8989cce-a4e3-8a7a-c4cc-df2f5e151568",
    "D8989CCE-A4E3-8A7A-B4CC-DF2F5E151568",
    "d8989ccea4e38a7ab4ccdf2f5e151568",
    "d8989cce-a4e3-8a7a-b4cc-df2f5e151568\n",
  ])("refuses %j", (text) => {
    expect(isRid(text)).toBe(false);
  });
});
