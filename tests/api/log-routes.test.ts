// What a log serves: tiles, bundles and proofs at the edges of tiles, their headers, and receipts. On real PostgreSQL.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBase64 } from "../../src/crypto/base64.ts";
import { concatBytes } from "../../src/crypto/hash.ts";
import { verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { formatEntry } from "../../src/log/entry.ts";
import {
  appendLeaf,
  EMPTY_FRONTIER,
  type Frontier,
  frontierRoot,
  leafHash,
  verifyConsistency,
} from "../../src/log/merkle.ts";
import { decodeBundle, tilePath } from "../../src/log/tiles.ts";
import type { LogWriter } from "../../src/log/writer-service.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { acceptAll, makeItems, ORIGIN, outcomeCode, startLog, type TestLog } from "../log-fixture.ts";

let test: TestDatabase;
let log: TestLog;
let writer: LogWriter;
const entries: Uint8Array[] = [];
const leaves: Uint8Array[] = [];
const checkpoints = new Map<number, string>();

/** Roots of every size, by the plain frontier: independent of tiles. */
const roots = new Map<number, Uint8Array>();
let frontier: Frontier = EMPTY_FRONTIER;

async function growTo(size: number): Promise<void> {
  while (entries.length < size) await grow(Math.min(5_000, size - entries.length));
  roots.set(size, frontierRoot(frontier));
  checkpoints.set(size, await log.reader.checkpoint());
}

async function grow(count: number): Promise<void> {
  const items = makeItems(count);
  const outcomes = await writer.appendAll(acceptAll, items);
  expect(outcomes).toEqual(items.map((_, i) => ({ logIndex: entries.length + i })));
  for (const { entry } of items) {
    const bytes = formatEntry(entry);
    entries.push(bytes);
    leaves.push(leafHash(bytes));
    frontier = appendLeaf(frontier, leaves.at(-1)!);
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

const get = (path: string) => log.app.request(`/log/records/${path}`);

async function getBytes(path: string): Promise<Uint8Array> {
  const response = await get(path);
  expect([path, response.status]).toEqual([path, 200]);
  return new Uint8Array(await response.arrayBuffer());
}

beforeAll(async () => {
  test = await createTestDatabase();
  log = await startLog(test.database);
  writer = log.openWriter();
});

afterAll(() => test.drop());

describe.sequential("a log that grows over the edges of its tiles", () => {
  it.each([1, 255, 256, 257, 511, 512, 513, 700])(
    "signs the right root at %i entries and serves what an audit recomputes",
    async (size) => {
      await growTo(size);
      const signed = verifyCheckpoint(checkpoints.get(size)!, { origin: ORIGIN, verifiers: [log.verifier] });
      expect([signed.size, hex(signed.root)]).toEqual([size, hex(roots.get(size)!)]);
      expect(await log.audit()).toMatchObject({ ok: true, tree: { size } });
    },
  );

  it("serves every partial width that a checkpoint covers, also of a tile that is full by now, and no other", async () => {
    for (const width of [1, 2, 100, 255]) {
      expect(await getBytes(tilePath(0, 0, width))).toEqual(concatBytes(...leaves.slice(0, width)));
      expect(decodeBundle(await getBytes(tilePath("entries", 0, width)))).toEqual(entries.slice(0, width));
    }
    expect(await getBytes(tilePath(0, 0))).toEqual(concatBytes(...leaves.slice(0, 256)));
    expect(await getBytes(tilePath(0, 2, 188))).toEqual(concatBytes(...leaves.slice(512, 700)));
    expect(await getBytes(tilePath(1, 0, 2))).toHaveLength(64);
    for (const path of [
      tilePath(0, 2, 189),
      tilePath(0, 2),
      tilePath("entries", 2, 189),
      tilePath("entries", 2),
      tilePath(1, 0, 3),
      tilePath(1, 0),
      tilePath(2, 0, 1),
      tilePath(0, 3, 1),
      tilePath(63, 0, 1),
      "tile/0/x999/x999/x999/x999/x999/999",
    ]) {
      const response = await get(path);
      expect([path, response.status, await response.json()]).toEqual([path, 404, { code: "not_found" }]);
    }
  });

  it("sends the headers of tlog-tiles", async () => {
    const expected = [
      ["checkpoint", "text/plain; charset=utf-8", "no-cache"],
      [tilePath(0, 0), "application/octet-stream", "public, max-age=604800, immutable"],
      [tilePath(0, 2, 5), "application/octet-stream", "public, max-age=604800, immutable"],
      [tilePath("entries", 0), "application/octet-stream", "public, max-age=604800, immutable"],
      ["consistency?from=1&to=700", "text/plain; charset=utf-8", "public, max-age=604800, immutable"],
    ];
    for (const [path, type, cache] of expected) {
      const { headers } = await get(path!);
      expect([
        path,
        headers.get("content-type"),
        headers.get("cache-control"),
        headers.get("access-control-allow-origin"),
      ]).toEqual([path, type, cache, "*"]);
    }
    const missing = await get("tile/0/999");
    expect(missing.headers.get("access-control-allow-origin")).toBe("*");
    expect(missing.headers.get("cache-control")).toBeNull();
  });

  it.each([
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/05",
    "tile/00/000",
    "tile/0/x000/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/entries/1",
    "tile/0/000/",
    "tile/x/000",
    "nothing",
  ])("answers 404 for the path %s that no log has", async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  it("answers 404 for a log that the node has not, whatever its name", async () => {
    for (const name of ["access", "constructor", "__proto__", "RECORDS"]) {
      expect((await log.app.request(`/log/${name}/checkpoint`)).status).toBe(404);
    }
  });

  it("proves consistency between every two checkpoints it ever signed", async () => {
    const sizes = [...checkpoints.keys()];
    for (const from of sizes) {
      for (const to of sizes.filter((size) => size >= from)) {
        const text = Buffer.from(await getBytes(`consistency?from=${from}&to=${to}`)).toString();
        const proof = text.split("\n").slice(0, -1).map(decodeBase64);
        const claim = { size1: from, root1: roots.get(from)!, size2: to, root2: roots.get(to)!, proof };
        expect(() => verifyConsistency(claim)).not.toThrow();
      }
    }
    expect(await getBytes("consistency?from=0&to=700")).toHaveLength(0);
  });

  it.each([
    "",
    "?from=1",
    "?from=2&to=1",
    "?from=-1&to=2",
    "?from=01&to=2",
    "?from=1&to=2.0",
    "?from=1&to=9007199254740992",
    "?from=1e0&to=2",
  ])("refuses the consistency query '%s'", async (query) => {
    const response = await get(`consistency${query}`);
    expect([response.status, await response.json()]).toEqual([400, { code: "query_invalid" }]);
  });

  it("answers 404 for consistency with a size that it has not", async () => {
    expect((await get("consistency?from=1&to=701")).status).toBe(404);
  });

  it("gives receipts of one checkpoint for all entries at once, from cold and warm caches alike", async () => {
    for (let round = 0; round < 2; round++) {
      const receipts = await log.reader.receipts(entries.map((_, index) => index));
      expect(new Set(receipts.map((receipt) => receipt.checkpoint))).toEqual(new Set([checkpoints.get(700)]));
      for (const [index, receipt] of receipts.entries()) {
        expect(hex(receipt.entry)).toBe(hex(entries[index]!));
        log.verifyReceipt(receipt);
      }
    }
  });

  it("gives no receipt for what is not there", async () => {
    for (const index of [700, -1, 0.5, Number.NaN, 2 ** 53]) {
      expect(await outcomeCode(log.reader.receipt(index))).toBe("not_found");
    }
    expect(await outcomeCode(log.reader.receipts([1, 2, 700]))).toBe("not_found");
    expect(await log.reader.receipts([])).toEqual([]);
  });

  it("completes a tile of the second level at 65,536 entries, and goes on", async () => {
    await growTo(65_535);
    expect((await get(tilePath(1, 0))).status).toBe(404);
    for (const size of [65_536, 65_537, 66_000]) {
      await growTo(size);
      const signed = verifyCheckpoint(checkpoints.get(size)!, { origin: ORIGIN, verifiers: [log.verifier] });
      expect([signed.size, hex(signed.root)]).toEqual([size, hex(roots.get(size)!)]);
    }
    expect(await getBytes(tilePath(1, 0))).toHaveLength(8_192);
    expect(await getBytes(tilePath(2, 0, 1))).toHaveLength(32);
    expect(await log.audit(checkpoints.get(700))).toMatchObject({ ok: true, tree: { size: 66_000 } });
    const indices = Array.from({ length: 1_000 }, (_, i) => i * 66);
    for (const receipt of await log.reader.receipts(indices)) log.verifyReceipt(receipt);
    // A writer that has seen nothing of this log takes it up from what is stored.
    writer = log.openWriter();
    await growTo(66_001);
    expect((await log.audit()).ok).toBe(true);
  }, 300_000);
});
