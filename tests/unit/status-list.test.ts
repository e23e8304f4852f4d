// Status lists of two bits: the draft's vectors, both inflaters, limits.
import { existsSync, readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { STATUS_LIST_INFLATED_BYTES_MAX } from "../../src/limits.ts";

const VECTORS = new URL("../../../shared/vectors/status-list/status-list.json", import.meta.url);
const hasVectors = existsSync(VECTORS);
if (!hasVectors) console.log(`skipped: status list vectors are not at ${VECTORS.pathname}`);

type StatusListModule = typeof import("../../src/records/status-list.ts");

/** The module as Node loads it, or as a browser would: without Node's built-in modules. */
async function loadModule(platform: "node" | "browser"): Promise<StatusListModule> {
  vi.resetModules();
  if (platform === "browser") vi.stubGlobal("process", { ...process, getBuiltinModule: undefined });
  return import("../../src/records/status-list.ts");
}

afterEach(() => vi.unstubAllGlobals());

describe.each(["node", "browser"] as const)("a status list in %s", (platform) => {
  it("gives back the values packed into it", async () => {
    const { packStatusList, inflateStatusList, findStatus } = await loadModule(platform);
    const values = Array.from({ length: 1003 }, (_, i) => (i * 7 + (i >> 3)) % 4);
    const bytes = await inflateStatusList(await packStatusList(values));
    expect(values.map((_, i) => findStatus(bytes, i))).toEqual(values);
    expect(bytes.length).toBe(251);
  });

  it("answers nothing outside its range", async () => {
    const { findStatus } = await loadModule(platform);
    const bytes = Uint8Array.of(0b11_10_01_00);
    expect([0, 1, 2, 3].map((index) => findStatus(bytes, index))).toEqual([0, 1, 2, 3]);
    for (const index of [4, -1, 0.5, Number.NaN, 2 ** 53]) expect(findStatus(bytes, index)).toBeUndefined();
  });

  it("refuses to inflate beyond its limit", async () => {
    const { inflateStatusList } = await loadModule(platform);
    const atLimit = encodeBase64url(deflateSync(new Uint8Array(STATUS_LIST_INFLATED_BYTES_MAX)));
    const beyond = encodeBase64url(deflateSync(new Uint8Array(STATUS_LIST_INFLATED_BYTES_MAX + 1)));
    expect((await inflateStatusList(atLimit)).length).toBe(STATUS_LIST_INFLATED_BYTES_MAX);
    await expect(inflateStatusList(beyond)).rejects.toMatchObject({ code: "status_list_invalid" });
  });

  it.each<[string, Uint8Array]>([
    ["a wrong checksum", Uint8Array.of(...deflateSync(new Uint8Array(8)).subarray(0, -1), 9)],
    ["no end", deflateSync(new Uint8Array(8)).subarray(0, -3)],
    ["no content", new Uint8Array()],
  ])("refuses a list with %s", async (_, bytes) => {
    const { inflateStatusList } = await loadModule(platform);
    await expect(inflateStatusList(encodeBase64url(bytes))).rejects.toMatchObject({ code: "status_list_invalid" });
  });

  it("refuses a value that does not fit two bits", async () => {
    const { packStatusList } = await loadModule(platform);
    for (const value of [4, -1, 1.5]) {
      await expect(packStatusList([value])).rejects.toMatchObject({ code: "status_list_invalid" });
    }
  });
});

describe("a status list with bytes after its end", () => {
  // Browsers refuse it as the Compression standard asks; Node's own DecompressionStream does not, so it cannot stand in for one.
  it("is refused", async () => {
    const { inflateStatusList } = await loadModule("node");
    const lst = encodeBase64url(Uint8Array.of(...deflateSync(new Uint8Array(8)), 0));
    await expect(inflateStatusList(lst)).rejects.toMatchObject({ code: "status_list_invalid" });
  });
});

interface Vectors {
  readonly short: readonly { readonly bits: number; readonly lst: string; readonly statuses: readonly number[] }[];
  readonly long: readonly {
    readonly bits: number;
    readonly lst: string;
    readonly nonZero: readonly [number, number][];
  }[];
}

describe.skipIf(!hasVectors)("the two-bit vectors of the draft", () => {
  const vectors = (hasVectors ? JSON.parse(readFileSync(VECTORS, "utf8")) : { short: [], long: [] }) as Vectors;

  it("are packed to the same text and read to the same values", async () => {
    const { inflateStatusList, packStatusList, findStatus } = await loadModule("node");
    const [vector] = vectors.short.filter(({ bits }) => bits === 2);
    expect(await packStatusList(vector!.statuses)).toBe(vector!.lst);
    const bytes = await inflateStatusList(vector!.lst);
    expect(vector!.statuses.map((_, index) => findStatus(bytes, index))).toEqual(vector!.statuses);
  });

  it("of a million entries are read and packed again", async () => {
    const { inflateStatusList, packStatusList, findStatus } = await loadModule("node");
    const [vector] = vectors.long.filter(({ bits }) => bits === 2);
    const bytes = await inflateStatusList(vector!.lst);
    const values = new Uint8Array(bytes.length * 4);
    for (const [index, value] of vector!.nonZero) {
      expect(findStatus(bytes, index)).toBe(value);
      values[index] = value;
    }
    expect(await packStatusList(values)).toBe(vector!.lst);
  });
});
