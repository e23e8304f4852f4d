// Tiles and bundles of a log built here: every node found in them, every malformed path and bundle refused.
import { describe, expect, it } from "vitest";
import { concatBytes, encodeUtf8, equalBytes } from "../../src/crypto/hash.ts";
import {
  appendLeaf,
  EMPTY_FRONTIER,
  frontierRoot,
  inclusionProof,
  leafHash,
  verifyInclusion,
} from "../../src/log/merkle.ts";
import { buildTileTree, findTileNode } from "../../src/log/tile-tree.ts";
import {
  decodeBundle,
  encodeBundle,
  locateNode,
  parseTilePath,
  splitTile,
  tilePath,
  tileWidth,
} from "../../src/log/tiles.ts";
import { caughtCode } from "../caught-code.ts";

describe("a tile", () => {
  it("gives each node of an inclusion proof, so that proofs need tiles only", () => {
    const leaves = Array.from({ length: 300 }, (_, i) => leafHash(encodeUtf8(`leaf ${i}`)));
    const fullRoot = frontierRoot(leaves.slice(0, 256).reduce(appendLeaf, EMPTY_FRONTIER));
    const tiles = new Map([
      ["0/0", buildTileTree(concatBytes(...leaves.slice(0, 256)))],
      ["0/1", buildTileTree(concatBytes(...leaves.slice(256)))],
      ["1/0", buildTileTree(fullRoot)],
    ]);
    const readNode = (level: number, index: number) => {
      const { tile, ...node } = locateNode({ level, index });
      return findTileNode(tiles.get(`${tile.level}/${tile.index}`)!, node.level, node.index)!;
    };
    const root = frontierRoot(leaves.reduce(appendLeaf, EMPTY_FRONTIER));
    for (const index of [0, 5, 255, 256, 287, 288, 299]) {
      const proof = inclusionProof(index, 300, readNode);
      expect(
        caughtCode(() => verifyInclusion({ index, size: 300, leaf: leaves[index]!, proof, root })),
      ).toBeUndefined();
    }
  });

  it("that holds no whole number of hashes from 1 to 256 is refused", () => {
    for (const length of [0, 31, 33, 257 * 32]) {
      expect(
        caughtCode(() => splitTile(new Uint8Array(length))),
        `${length}`,
      ).toBe("log_inconsistent");
    }
  });

  it("has a width at sizes up to 2^53-1", () => {
    expect(tileWidth(0, 2 ** 45 - 1, 2 ** 53 - 1)).toBe(255);
    expect(tileWidth(6, 0, 2 ** 53 - 1)).toBe(31);
    expect(tileWidth(7, 0, 2 ** 53 - 1)).toBe(0);
    expect(tileWidth("entries", 0, 0)).toBe(0);
  });
});

describe("a tile path", () => {
  it("is read back from what is written, and written in one way only", () => {
    for (const index of [0, 999, 1000, 999_999, 1_000_000, 2 ** 45]) {
      for (const level of [0, 6, 63, "entries"] as const) {
        for (const width of [1, 255, 256]) {
          expect(parseTilePath(tilePath(level, index, width))).toEqual({ level, index, width });
        }
      }
    }
  });

  it.each([
    "tile/0/x000/001",
    "tile/00/001",
    "tile/01/001",
    "tile/0/001.p/0",
    "tile/0/001.p/01",
    "tile/0/001/",
    "/tile/0/001",
    "tile/0/001\n",
    "tile/0/../001",
    "tile/entries/1",
    "tile/data/001",
    "tile/0/x009/x007/x199/x254/x740/992",
    "checkpoint",
    "",
  ])("%j names no tile", (path) => {
    expect(caughtCode(() => parseTilePath(path))).toBe("not_found");
  });

  it("is not written for what no log has", () => {
    for (const [level, index, width] of [
      [64, 0, 1],
      [-1, 0, 1],
      [0.5, 0, 1],
      [0, -1, 1],
      [0, 2 ** 53, 1],
      [0, 0, 0],
      [0, 0, 257],
    ] as const) {
      expect(caughtCode(() => tilePath(level, index, width))).toBe("not_found");
    }
  });
});

describe("an entry bundle", () => {
  it("gives back its entries, empty and longest ones too, and grows by concatenation", () => {
    const entries = [encodeUtf8("one"), new Uint8Array(), new Uint8Array(65_535).fill(9)];
    const decoded = decodeBundle(encodeBundle(entries));
    expect(decoded.map((entry, i) => equalBytes(entry, entries[i]!))).toEqual([true, true, true]);
    const joined = concatBytes(encodeBundle(entries.slice(0, 1)), encodeBundle(entries.slice(1)));
    expect(equalBytes(joined, encodeBundle(entries))).toBe(true);
    expect(decodeBundle(encodeBundle(new Array<Uint8Array>(256).fill(entries[0]!)))).toHaveLength(256);
  });

  it("is refused when empty, cut, or longer than 256 entries", () => {
    const bundle = encodeBundle([encodeUtf8("one"), encodeUtf8("two")]);
    for (const bad of [
      new Uint8Array(),
      bundle.slice(0, -1),
      bundle.slice(0, 6),
      concatBytes(bundle, Uint8Array.of(0)),
    ]) {
      expect(caughtCode(() => decodeBundle(bad))).toBe("log_entry_invalid");
    }
    expect(caughtCode(() => decodeBundle(new Uint8Array(257 * 2)))).toBe("log_entry_invalid");
  });

  it("is not made of none, too many or too long entries", () => {
    for (const bad of [[], new Array<Uint8Array>(257).fill(new Uint8Array()), [new Uint8Array(65_536)]]) {
      expect(caughtCode(() => encodeBundle(bad))).toBe("log_entry_invalid");
    }
  });
});
