// The tree inside one tile, kept flat: every complete node over its hashes, computed once. Reads nothing.
import { HASH_BYTES, nodeHash } from "./merkle.ts";

/** Complete nodes of each level, joined: level 0 are the tile's own hashes. 16 KB for a full tile. */
export type TileTree = readonly Uint8Array[];

/** @param tile 1 to 256 hashes, joined. Nodes over hashes that are not there yet are left out. */
export function buildTileTree(tile: Uint8Array): TileTree {
  const levels = [tile];
  for (let below = tile; below.length >= 2 * HASH_BYTES; below = levels.at(-1)!) {
    const count = Math.floor(below.length / (2 * HASH_BYTES));
    const level = new Uint8Array(count * HASH_BYTES);
    for (let index = 0; index < count; index++) {
      const hash = nodeHash(hashAt(below, 2 * index), hashAt(below, 2 * index + 1));
      level.set(hash, index * HASH_BYTES);
    }
    levels.push(level);
  }
  return levels;
}

/** Hash of node `index` of level `level`, 0 to 8, of the small tree; undefined where it is not complete. A view: do not change it. */
export function findTileNode(tree: TileTree, level: number, index: number): Uint8Array | undefined {
  const hashes = tree[level];
  return hashes && index < hashes.length / HASH_BYTES ? hashAt(hashes, index) : undefined;
}

function hashAt(hashes: Uint8Array, index: number): Uint8Array {
  return hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}
