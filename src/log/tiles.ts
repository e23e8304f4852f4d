// The files of a log as C2SP tlog-tiles names and fills them: paths, widths, entry bundles. Reads and writes nothing.
import { AttestryError } from "../errors.ts";
import { LOG_ENTRY_BYTES_MAX } from "../limits.ts";
import { HASH_BYTES, type TreeNode } from "./merkle.ts";

export const TILE_WIDTH = 256;
export const TILE_LEVEL_MAX = 63;
const TILE_HEIGHT = 8; // 2^8 = TILE_WIDTH

/** A tile of hashes at a level (0 = leaf hashes), or the bundle of the entries themselves. */
export type TileLevel = number | "entries";

export interface TileAddress {
  readonly level: TileLevel;
  readonly index: number;
  /** Hashes or entries in it: 1 to 256; below 256 it is partial. */
  readonly width: number;
}

/**
 * Path of a tile or bundle below the log's prefix, e.g. `tile/0/x001/x234/067.p/8` (C2SP tlog-tiles).
 * `width` 1 to 255 names a partial one. Throws `not_found` for what no log can have.
 */
export function tilePath(level: TileLevel, index: number, width: number = TILE_WIDTH): string {
  const levelKnown = level === "entries" || (Number.isInteger(level) && level >= 0 && level <= TILE_LEVEL_MAX);
  const indexKnown = Number.isSafeInteger(index) && index >= 0;
  const widthKnown = Number.isInteger(width) && width >= 1 && width <= TILE_WIDTH;
  if (!levelKnown || !indexKnown || !widthKnown) {
    throw new AttestryError("not_found", `no tile has level ${level}, index ${index} and width ${width}`);
  }
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/[0-9]{3}/g)!;
  const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${level}/${name}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

const TILE_PATH = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/;

/**
 * What a path (untrusted) names. Exactly one path per tile: leading zero groups, `.p/256` and the like are refused, and
 * so are indices beyond 2^53-1, which C2SP can write and this log cannot reach. Throws `not_found`.
 */
export function parseTilePath(text: string): TileAddress {
  const match = TILE_PATH.exec(text);
  if (match) {
    const level = match[1] === "entries" ? "entries" : Number(match[1]);
    const index = Number(match[2]!.replaceAll(/[x/]/g, ""));
    const width = match[3] === undefined ? TILE_WIDTH : Number(match[3]);
    // Formatting again is the test of canonical form: one spelling, so one cache key per tile.
    if (tilePath(level, index, width) === text) return { level, index, width };
  }
  throw new AttestryError("not_found", "no tile has this path");
}

/** Hashes (or entries) that a tile (or bundle) holds in a log of `size` entries: 0 where it does not exist, 256 where full. */
export function tileWidth(level: TileLevel, index: number, size: number): number {
  const leavesPerHash = level === "entries" ? 1 : TILE_WIDTH ** level;
  const hashes = Math.floor(size / leavesPerHash) - index * TILE_WIDTH;
  return Math.max(0, Math.min(TILE_WIDTH, hashes));
}

/** Where a tree node is found: node `index` of level `level` (0 to 7) of the small tree over that tile's hashes. */
export interface NodeLocation {
  readonly tile: { readonly level: number; readonly index: number };
  readonly level: number;
  readonly index: number;
}

/** The tile that holds a tree node, or the hashes it is computed from. */
export function locateNode(node: TreeNode): NodeLocation {
  const level = node.level % TILE_HEIGHT;
  const nodesPerTile = 2 ** (TILE_HEIGHT - level);
  return {
    tile: { level: (node.level - level) / TILE_HEIGHT, index: Math.floor(node.index / nodesPerTile) },
    level,
    index: node.index % nodesPerTile,
  };
}

/** The hashes in a tile's bytes, as views. Throws `log_inconsistent` unless it holds 1 to 256 whole hashes. */
export function splitTile(tile: Uint8Array): Uint8Array[] {
  const width = tile.length / HASH_BYTES;
  if (!Number.isInteger(width) || width < 1 || width > TILE_WIDTH) {
    throw new AttestryError(
      "log_inconsistent",
      `a tile of ${tile.length} bytes does not hold 1 to ${TILE_WIDTH} hashes`,
    );
  }
  return Array.from({ length: width }, (_, i) => tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/**
 * Entry bundle: each entry after its length as two bytes, big end first (C2SP tlog-tiles). Bundles of neighbours join by
 * concatenation. Throws `log_entry_invalid` unless there are 1 to 256 entries of at most 65,535 bytes.
 */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > TILE_WIDTH) throw badBundle(`${entries.length} entries, allowed 1 to 256`);
  const bytes = new Uint8Array(entries.reduce((total, entry) => total + 2 + entry.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > LOG_ENTRY_BYTES_MAX) {
      throw badBundle(`an entry of ${entry.length} bytes, allowed ${LOG_ENTRY_BYTES_MAX}`);
    }
    view.setUint16(at, entry.length);
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/** The entries of a bundle (untrusted), as views. Throws `log_entry_invalid` unless it holds exactly 1 to 256 whole entries. */
export function decodeBundle(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (entries.length === TILE_WIDTH) throw badBundle("more than 256 entries");
    if (at + 2 > bytes.length) throw badBundle("ends inside a length");
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) throw badBundle("ends inside an entry");
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length === 0) throw badBundle("no entries, allowed 1 to 256");
  return entries;
}

function badBundle(message: string): AttestryError {
  return new AttestryError("log_entry_invalid", `entry bundle: ${message}`);
}
