// Reading one log: checkpoint, tiles, bundles, receipts, consistency. Takes no lock and writes nothing.
import { createBoundedCache } from "../bounded-cache.ts";
import { concatBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { createGatherer } from "../gatherer.ts";
import { LOG_ENTRY_CACHE_ENTRIES_MAX, LOG_OPEN_SIZES_KEPT, LOG_TILE_CACHE_TILES_MAX } from "../limits.ts";
import type { Database } from "../storage/database.ts";
import {
  findEntries,
  findFirstIndexSince,
  findLogState,
  findTiles,
  type LogState,
  listEntries,
  listHashes,
} from "./log-store.ts";
import {
  consistencyNodes,
  consistencyProof,
  inclusionNodes,
  inclusionProof,
  type ReadNode,
  type RightEdge,
  type TreeNode,
} from "./merkle.ts";
import { buildTileTree, findTileNode, type TileTree } from "./tile-tree.ts";
import { encodeBundle, locateNode, TILE_WIDTH, tileWidth } from "./tiles.ts";

/** A receipt without `extra`, which only who holds the record can add, and the entry's bytes. */
export interface EntryReceipt {
  readonly index: number;
  /** Inclusion proof, the leaf's sibling first. */
  readonly proof: readonly Uint8Array[];
  /** The signed note that the proof leads to: the last one stored. */
  readonly checkpoint: string;
  readonly entry: Uint8Array;
}

export interface LogReader {
  /** The last stored checkpoint, a signed note. Throws `not_found` before `initializeLog`. */
  checkpoint(): Promise<string>;
  /** The first `width` (1 to 256) hashes of a tile, joined; undefined where no stored checkpoint covers them. */
  tile(level: number, index: number, width: number): Promise<Uint8Array | undefined>;
  /** The first `width` (1 to 256) entries of a bundle (C2SP tlog-tiles); undefined where no stored checkpoint covers them. */
  bundle(index: number, width: number): Promise<Uint8Array | undefined>;
  /** Throws `not_found` for an index that the last checkpoint does not cover. */
  receipt(index: number): Promise<EntryReceipt>;
  /** Receipts of one checkpoint, in the order asked; tiles that several need are read once. Throws `not_found`. */
  receipts(indices: readonly number[]): Promise<EntryReceipt[]>;
  /** How many entries the log had before the first that says it is of a time (Unix seconds) or later. Looks at every entry. */
  sizeBefore(time: number): Promise<number>;
  /** Proof between two sizes, each up to the last checkpoint's (RFC 6962 §2.1.2); empty from 0. Throws `not_found`, `query_invalid`. */
  consistency(size1: number, size2: number): Promise<Uint8Array[]>;
}

export function createLogReader(deps: {
  readonly database: Database;
  readonly logName: string;
  readonly origin: string;
}): LogReader {
  const { database, logName: log, origin } = deps;
  // A full tile never changes; an open one is the same as long as the size is. Oldest first, so that the longest unused goes.
  const fullTiles = createBoundedCache<TileTree>(LOG_TILE_CACHE_TILES_MAX);
  const knownEntries = createBoundedCache<Uint8Array>(LOG_ENTRY_CACHE_ENTRIES_MAX);
  const openTiles = createBoundedCache<OpenTilesAt>(LOG_OPEN_SIZES_KEPT);

  let asked: Promise<LogState> | undefined;

  async function getState(): Promise<LogState> {
    const state = await findLogState(database, log);
    if (state === undefined) throw new AttestryError("not_found", `log ${origin} has not been started`);
    return state;
  }

  /** The state as of a query under way, if there is one: many readers at once ask the database once. It may be a moment old. */
  function shareState(): Promise<LogState> {
    asked ??= getState().finally(() => {
      asked = undefined;
    });
    return asked;
  }

  /** The state that covers these indices. Whoever was just told of an entry may be ahead of a shared state, not of a new one. */
  async function getStateCovering(indices: readonly number[]): Promise<LogState> {
    const last = Math.max(...indices);
    const shared = await shareState();
    return last < shared.size ? shared : getState();
  }

  // Those whose entries one batch wrote all ask at once.
  const findTogether = createGatherer((indices: readonly number[]) => findEntries(database, log, [...indices]));

  /** Entries never change, so those read lately are kept. */
  async function loadEntries(indices: readonly number[]): Promise<Map<number, Uint8Array>> {
    const found = new Map<number, Uint8Array>();
    const missing = indices.filter((index) => {
      const entry = knownEntries.get(String(index));
      if (entry) found.set(index, entry);
      return entry === undefined;
    });
    if (missing.length > 0) {
      const asked = await findTogether(missing);
      for (const index of missing) {
        const entry = asked.get(index);
        if (entry === undefined) continue;
        found.set(index, entry);
        knownEntries.set(String(index), entry);
      }
    }
    return found;
  }

  async function loadFullTiles(tiles: readonly Tile[]): Promise<Map<string, TileTree>> {
    const found = new Map<string, TileTree>();
    const missing = tiles.filter((tile) => {
      const tree = fullTiles.get(tileKey(tile));
      if (tree) found.set(tileKey(tile), tree);
      return tree === undefined;
    });
    if (missing.length > 0) {
      for (const [key, hashes] of await findTiles(database, log, missing)) found.set(key, buildTileTree(hashes));
    }
    for (const [key, tree] of found) fullTiles.set(key, tree);
    return found;
  }

  /** What was read of the tiles that a tree of this size leaves open. */
  function openTilesAt(size: number): OpenTilesAt {
    const known = openTiles.get(String(size));
    if (known) return known;
    const begun: OpenTilesAt = { trees: new Map(), edge: new Map() };
    openTiles.set(String(size), begun);
    return begun;
  }

  async function readOpenTile(tile: Tile, size: number): Promise<TileTree> {
    const width = tileWidth(tile.level, tile.index, size);
    const start = tile.index * TILE_WIDTH;
    const hashes = await listHashes(database.sql, { log, level: tile.level, start, end: start + width });
    return buildTileTree(concatBytes(...hashes));
  }

  /** Each is read once a size, however many ask for it meanwhile. */
  async function loadOpenTiles(tiles: readonly Tile[], size: number): Promise<Map<string, TileTree>> {
    const { trees } = openTilesAt(size);
    const loaded = tiles.map(async (tile): Promise<[string, TileTree]> => {
      const key = tileKey(tile);
      let tree = trees.get(key);
      if (tree === undefined) {
        tree = readOpenTile(tile, size);
        trees.set(key, tree);
        // What failed is asked for again by the next.
        tree.catch(() => trees.delete(key));
      }
      return [key, await tree];
    });
    return new Map(await Promise.all(loaded));
  }

  /** Fetches what is needed for these nodes of a tree of `size` leaves, so that proofs are then computed without waiting. */
  async function loadNodes(nodes: readonly TreeNode[], size: number): Promise<ReadNode> {
    const tiles = new Map(nodes.map((node) => locateNode(node).tile).map((tile) => [tileKey(tile), tile]));
    const isFull = (tile: Tile) => tileWidth(tile.level, tile.index, size) === TILE_WIDTH;
    const [full, open] = await Promise.all([
      loadFullTiles([...tiles.values()].filter(isFull)),
      loadOpenTiles(
        [...tiles.values()].filter((tile) => !isFull(tile)),
        size,
      ),
    ]);
    return (level, index) => {
      const location = locateNode({ level, index });
      const key = tileKey(location.tile);
      const tree = full.get(key) ?? open.get(key);
      const hash = tree && findTileNode(tree, location.level, location.index);
      if (!hash) throw new AttestryError("log_inconsistent", `log ${origin} lacks hashes of tile ${key}`);
      return hash;
    };
  }

  async function receipts(indices: readonly number[]): Promise<EntryReceipt[]> {
    for (const index of indices) assertCovered(index, Number.MAX_SAFE_INTEGER);
    if (indices.length === 0) return [];
    const [{ size, checkpoint }, entries] = await Promise.all([getStateCovering(indices), loadEntries(indices)]);
    for (const index of indices) assertCovered(index, size);
    const readNode = await loadNodes(
      indices.flatMap((index) => inclusionNodes(index, size)),
      size,
    );
    const { edge } = openTilesAt(size);
    return indices.map((index) => {
      const entry = entries.get(index);
      if (!entry) throw new AttestryError("log_inconsistent", `log ${origin} lacks entry ${index}`);
      return { index, proof: inclusionProof(index, size, readNode, edge), checkpoint, entry };
    });
  }

  function assertCovered(index: number, size: number): void {
    if (Number.isSafeInteger(index) && index >= 0 && index < size) return;
    throw new AttestryError(
      "not_found",
      `log ${origin} has no entry ${index}; entries are numbered from 0 to size - 1`,
    );
  }

  return {
    async checkpoint() {
      return (await getState()).checkpoint;
    },

    async tile(level, index, width) {
      if (width === TILE_WIDTH)
        return (await findTiles(database, log, [{ level, index }])).get(tileKey({ level, index }));
      const start = index * TILE_WIDTH;
      // Rows and the checkpoint that covers them are committed together: a row that is seen is covered.
      const hashes = await listHashes(database.sql, { log, level, start, end: start + width });
      return hashes.length === width ? concatBytes(...hashes) : undefined;
    },

    async bundle(index, width) {
      const start = index * TILE_WIDTH;
      const entries = await listEntries(database, { log, start, end: start + width });
      return entries.length === width ? encodeBundle(entries) : undefined;
    },

    async receipt(index) {
      const [receipt] = await receipts([index]);
      return receipt!;
    },

    receipts,

    async sizeBefore(time) {
      const { size } = await getState();
      return (await findFirstIndexSince(database, log, time)) ?? size;
    },

    async consistency(size1, size2) {
      if (!Number.isSafeInteger(size1) || !Number.isSafeInteger(size2) || size1 < 0 || size1 > size2) {
        throw new AttestryError(
          "query_invalid",
          `no consistency from size ${size1} to ${size2}; allowed: 0 <= from <= to`,
        );
      }
      const { size } = await getState();
      if (size2 > size) throw new AttestryError("not_found", `log ${origin} has ${size} entries, fewer than ${size2}`);
      // Every tree extends the empty one: nothing to prove (RFC 6962 §2.1.2 begins at 1).
      if (size1 === 0) return [];
      const readNode = await loadNodes(consistencyNodes(size1, size2), size);
      return consistencyProof(size1, size2, readNode);
    },
  };
}

/** Trees of open tiles, read or being read, and the hashes on the right edge of the tree. */
interface OpenTilesAt {
  readonly trees: Map<string, Promise<TileTree>>;
  readonly edge: RightEdge;
}

interface Tile {
  readonly level: number;
  readonly index: number;
}

function tileKey(tile: Tile): string {
  return `${tile.level}/${tile.index}`;
}
