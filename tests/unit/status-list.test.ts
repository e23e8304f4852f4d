// Status lists of two bits: both inflaters, limits, changes in place. The draft's vectors are in tests/conformance.
import { deflateSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { STATUS_LIST_INFLATED_BYTES_MAX } from "../../src/limits.ts";

type StatusListModule = typeof import("../../src/records/status-list.ts");

/** The module as Node loads it, or as a browser would: without Node's built-in modules. */
async function loadModule(platform: "node" | "browser"): Promise<StatusListModule> {
  vi.resetModules();
  if (platform === "browser") vi.stubGlobal("process", { ...process, getBuiltinModule: undefined });
  return import("../../src/records/status-list.ts");
}

// Also the module that believes itself in a browser: the next file's tests may run in this process.
afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

describe.each(["node", "browser"] as const)("a status list in %s", (platform) => {
  it("gives back the values packed into it", async () => {
    const { packStatusList, inflateStatusList, findStatus } = await loadModule(platform);
    const values = Array.from({ length: 1003 }, (_, i) => (i * 7 + (i >> 3)) % 4);
    const bytes = await inflateStatusList(await packStatusList(values));
    expect(values.map((_, i) => findStatus(bytes, i))).toEqual(values);
    expect(bytes.length).toBe(251);
  });

  it("takes a change of one value and leaves its neighbours", async () => {
    const { createStatusBytes, setStatusValue, findStatus } = await loadModule(platform);
    const bytes = createStatusBytes(9);
    expect(bytes.length).toBe(3);
    const steps: [number, number][] = [
      [4, 3],
      [5, 1],
      [4, 0],
      [6, 2],
      [5, 2],
      [8, 3],
    ];
    for (const [index, value] of steps) setStatusValue(bytes, index, value);
    expect(Array.from({ length: 9 }, (_, i) => findStatus(bytes, i))).toEqual([0, 0, 0, 0, 0, 2, 2, 0, 3]);
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
