// The growing edge of a log: per level, the hashes of the tile that is not full yet. Enough to grow the tree; stores nothing.
import { concatBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { appendLeaf, EMPTY_FRONTIER, EMPTY_ROOT, type Frontier, frontierRoot } from "./merkle.ts";
import { TILE_WIDTH } from "./tiles.ts";

interface OpenTile {
  /** 0 to 255 hashes. */
  readonly hashes: readonly Uint8Array[];
  /** The frontier of the small tree over `hashes`. */
  readonly frontier: Frontier;
}

export interface OpenTiles {
  /** Entries in the log. */
  readonly size: number;
  /** Level 0 (leaf hashes) first. */
  readonly levels: readonly OpenTile[];
}

export interface FullTile {
  readonly level: number;
  readonly index: number;
  /** 256 hashes, joined: 8,192 bytes. */
  readonly hashes: Uint8Array;
  /** Hash of the complete subtree over them: 32 bytes. */
  readonly root: Uint8Array;
}

export const EMPTY_OPEN_TILES: OpenTiles = { size: 0, levels: [] };

/** How many hashes the open tile of each level holds in a log of `size` entries, level 0 first; the highest is not 0. */
export function openTileWidths(size: number): number[] {
  const widths: number[] = [];
  for (let hashes = size; hashes > 0; hashes = Math.floor(hashes / TILE_WIDTH)) widths.push(hashes % TILE_WIDTH);
  return widths;
}

/**
 * Open tiles from what a store holds: per level, the hashes of the open tile. Proves nothing about them: compare
 * `openTilesRoot`. Throws `log_inconsistent` where a level has not the number of hashes that `size` asks for.
 */
export function restoreOpenTiles(size: number, hashes: readonly (readonly Uint8Array[])[]): OpenTiles {
  const levels = openTileWidths(size).map((width, level) => {
    const found = hashes[level] ?? [];
    if (found.length !== width) {
      throw new AttestryError(
        "log_inconsistent",
        `the open tile of level ${level} has ${found.length} stored hashes; a log of ${size} entries has ${width}`,
      );
    }
    return { hashes: found, frontier: found.reduce(appendLeaf, EMPTY_FRONTIER) };
  });
  return { size, levels };
}

/** The log with these leaf hashes at its end, and the tiles that became full, in order. What is given is not changed. */
export function appendLeaves(
  open: OpenTiles,
  leaves: readonly Uint8Array[],
): { readonly open: OpenTiles; readonly fullTiles: readonly FullTile[] } {
  const levels = open.levels.map(({ hashes, frontier }) => ({ hashes: [...hashes], frontier }));
  const fullTiles: FullTile[] = [];
  let size = open.size;
  for (const leaf of leaves) {
    size += 1;
    let hash = leaf;
    let tilesAtLevel = size;
    for (let level = 0; ; level++) {
      levels[level] ??= { hashes: [], frontier: EMPTY_FRONTIER };
      const tile = levels[level]!;
      tile.hashes.push(hash);
      tile.frontier = appendLeaf(tile.frontier, hash);
      if (tile.hashes.length < TILE_WIDTH) break;
      // 256 hashes are one perfect subtree: the frontier has shrunk to its root, a hash of the level above.
      const root = frontierRoot(tile.frontier);
      tilesAtLevel = Math.floor(tilesAtLevel / TILE_WIDTH);
      fullTiles.push({ level, index: tilesAtLevel - 1, hashes: concatBytes(...tile.hashes), root });
      levels[level] = { hashes: [], frontier: EMPTY_FRONTIER };
      hash = root;
    }
  }
  return { open: { size, levels }, fullTiles };
}

/** Root hash of the whole log: 32 bytes. */
export function openTilesRoot(open: OpenTiles): Uint8Array {
  if (open.size === 0) return EMPTY_ROOT;
  // A higher level holds larger subtrees, further left: in this order they are the frontier of the whole tree.
  const hashes = open.levels.toReversed().flatMap((tile) => tile.frontier.hashes);
  return frontierRoot({ size: open.size, hashes });
}
