// Status lists against the vectors of draft-ietf-oauth-status-list: 1, 2, 4 and 8 bits, short ones and of 2^20 entries, and the example token.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { equalBytes } from "../../src/crypto/hash.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { AttestryError } from "../../src/errors.ts";
import {
  deflateStatusBytes,
  findStatusValue,
  inflateStatusList,
  packStatusList,
  parseStatusListClaims,
} from "../../src/records/status-list.ts";

const file = new URL("../../../shared/vectors/status-list/status-list.json", import.meta.url);
const isMissing = !existsSync(file);
if (isMissing) console.log("status-list.test.ts: skipped, ../shared/vectors/status-list is absent");

type Bits = 1 | 2 | 4 | 8;
interface Vectors {
  short: { bits: Bits; bytesHex: string; compressedHex: string; lst: string; statuses: number[] }[];
  long: { bits: Bits; size: number; lst: string; nonZero: [number, number][] }[];
  exampleJwt: string;
}
const vectors: Vectors = isMissing
  ? { short: [], long: [], exampleJwt: "" }
  : (JSON.parse(readFileSync(file, "utf8")) as Vectors);

describe.skipIf(isMissing)("the vectors of the status list draft", () => {
  test("are short ones of 1 and 2 bits, and of 2^20 entries those of every width", () => {
    expect(vectors.short.map(({ bits }) => bits)).toEqual([1, 2]);
    expect(vectors.long.map(({ bits }) => bits)).toEqual([1, 2, 4, 8]);
  });

  test.each(vectors.short)(
    "short, $bits bits: the list inflates to its bytes and values, and deflates to its text",
    async (vector) => {
      const bytes = await inflateStatusList(vector.lst);
      expect(Buffer.from(bytes).toString("hex")).toBe(vector.bytesHex);
      expect(vector.statuses.map((_, index) => findStatusValue(bytes, index, vector.bits))).toEqual(vector.statuses);
      expect(findStatusValue(bytes, vector.statuses.length, vector.bits)).toBeUndefined();
      expect(await deflateStatusBytes(bytes)).toBe(vector.lst);
      expect(encodeBase64url(Buffer.from(vector.compressedHex, "hex"))).toBe(vector.lst);
    },
  );

  test.each(vectors.long)(
    "long, $bits bits: every value is the vector's, and the list deflates to as little",
    async (vector) => {
      const bytes = await inflateStatusList(vector.lst);
      expect(bytes.length).toBe((vector.size * vector.bits) / 8);
      const expected = new Map(vector.nonZero);
      const wrong: number[] = [];
      for (let index = 0; index < vector.size; index++)
        if (findStatusValue(bytes, index, vector.bits) !== (expected.get(index) ?? 0)) wrong.push(index);
      expect(wrong).toEqual([]);
      // Not to the same text: what Node deflates these to depends on the processor that its zlib was tuned for.
      const deflated = await deflateStatusBytes(bytes);
      expect(equalBytes(await inflateStatusList(deflated), bytes)).toBe(true);
      expect(deflated.length).toBeLessThan(vector.lst.length * 1.05);
    },
  );

  test("of 2 bits are packed from their values", async () => {
    const short = vectors.short.find(({ bits }) => bits === 2)!;
    expect(await packStatusList(short.statuses)).toBe(short.lst);
    const long = vectors.long.find(({ bits }) => bits === 2)!;
    const values = new Uint8Array(long.size);
    for (const [index, value] of long.nonZero) values[index] = value;
    const packed = await inflateStatusList(await packStatusList(values));
    expect(equalBytes(packed, await inflateStatusList(long.lst))).toBe(true);
  });

  test("the example token is read up to its width, which is none of ours, and refused for that alone", async () => {
    const { header, payload } = decodeJws(vectors.exampleJwt);
    expect(header.typ).toBe("statuslist+jwt");
    const refusal = await parseStatusListClaims(payload).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(AttestryError);
    expect(refusal).toMatchObject({ code: "status_list_invalid", message: expect.stringContaining("2 bits") });
    const short = vectors.short.find(({ bits }) => bits === 2)!;
    const list = await parseStatusListClaims({ ...payload, status_list: { bits: 2, lst: short.lst } });
    expect(list).toMatchObject({ uri: "https://example.com/statuslists/1", issuedAt: 1686920170, ttlSeconds: 43200 });
  });
});
