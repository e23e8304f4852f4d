// The audit of a whole log: everything recomputed from its entries, every disagreement named. Fetches only through LogSource.
import { encodeBase64 } from "../crypto/base64.ts";
import { equalBytes } from "../crypto/hash.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";
import { AUDIT_PROBLEMS_MAX } from "../limits.ts";
import { type Checkpoint, verifyCheckpoint } from "./checkpoint.ts";
import { type LogEntry, type LogOperation, parseEntry } from "./entry.ts";
import { appendLeaf, EMPTY_FRONTIER, type Frontier, frontierRoot, leafHash } from "./merkle.ts";
import type { NoteVerifier } from "./note.ts";
import { createTagIndex, type TagIndex } from "./tag-index.ts";
import { decodeBundle, splitTile, TILE_WIDTH, type TileLevel, tilePath, tileWidth } from "./tiles.ts";

/** Where a log is read from. `path` is `tilePath`'s; undefined: there is no such file. What it throws ends the audit. */
export interface LogSource {
  checkpoint(): Promise<string>;
  tile(path: string): Promise<Uint8Array | undefined>;
  bundle(path: string): Promise<Uint8Array | undefined>;
}

export interface AuditOptions {
  readonly origin: string;
  readonly verifiers: readonly NoteVerifier[];
  /** Signed note of an earlier checkpoint, which the log must still contain. */
  readonly previous?: string;
  /** Every entry that can be read, in its order. */
  readonly onEntry?: (index: number, entry: LogEntry) => void;
  readonly onProgress?: (progress: { readonly entries: number; readonly size: number }) => void;
}

export interface AuditProblem {
  readonly code: ErrorCode;
  readonly message: string;
  /** Log index of the entry. */
  readonly index?: number;
  /** The earlier entry with the same tag. */
  readonly otherIndex?: number;
  /** Path of the tile or bundle. */
  readonly path?: string;
}

export interface AuditReport {
  /** Everything was read, and nothing is wrong. */
  readonly ok: boolean;
  /** False where the audit had to stop: see the last problem. */
  readonly complete: boolean;
  /** The log's signed note as served: keep it as the next audit's `previous` if `ok`. */
  readonly checkpoint: string;
  /** What that note says, if it verifies; root in base64. */
  readonly tree?: { readonly size: number; readonly root: string };
  readonly counts: { readonly entries: number; readonly bundles: number; readonly tiles: number };
  readonly operations: Partial<Record<LogOperation, number>>;
  /** At most AUDIT_PROBLEMS_MAX. */
  readonly problems: readonly AuditProblem[];
}

/** An audit under way: what was found, and the state it needs. Only `tags` grows with the log. */
interface Audit {
  readonly source: LogSource;
  readonly tags: TagIndex;
  readonly counts: { entries: number; bundles: number; tiles: number };
  readonly operations: Partial<Record<LogOperation, number>>;
  readonly problems: AuditProblem[];
  /** Levels 1 and up: hashes of the tile that is being filled, bottom first. */
  readonly upper: TileUnderWay[];
  readonly onEntry: AuditOptions["onEntry"];
}

interface TileUnderWay {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  readonly frontier: Frontier;
}

/**
 * Audits a log (untrusted) against its own checkpoint: its signature, every entry, every tile of every level, the root,
 * tags that stand twice, and an earlier checkpoint. Times in entries are not judged. Memory: one bundle, one tile per level, and
 * 53 to 107 bytes per entry for the tags. Problems are reported, not thrown; only what `source` throws is.
 */
export async function auditLog(source: LogSource, options: AuditOptions): Promise<AuditReport> {
  const audit: Audit = {
    source,
    tags: createTagIndex(),
    counts: { entries: 0, bundles: 0, tiles: 0 },
    operations: {},
    problems: [],
    upper: [],
    onEntry: options.onEntry,
  };
  const note = await source.checkpoint();
  const tree = readCheckpoint(audit, note, options, "the log's checkpoint");
  const complete = tree !== undefined && (await auditTree(audit, tree, options));
  const { counts, operations, problems } = audit;
  return {
    ok: complete && problems.length === 0,
    complete,
    checkpoint: note,
    ...(tree ? { tree: { size: tree.size, root: encodeBase64(tree.root) } } : {}),
    counts,
    operations,
    problems,
  };
}

async function auditTree(audit: Audit, tree: Checkpoint, options: AuditOptions): Promise<boolean> {
  const previous = readPrevious(audit, tree, options);
  let last = EMPTY_FRONTIER; // of the last, partial bundle
  for (let index = 0; index * TILE_WIDTH < tree.size; index++) {
    const leaves = await auditBundle(audit, index, tileWidth("entries", index, tree.size));
    if (leaves === undefined || audit.problems.length >= AUDIT_PROBLEMS_MAX) return false;
    let frontier = EMPTY_FRONTIER;
    for (const leaf of leaves) {
      frontier = appendLeaf(frontier, leaf);
      // The root of the same first entries, recomputed, is stronger than a consistency proof and needs none.
      if (index * TILE_WIDTH + frontier.size === previous?.size)
        checkRoot(audit, previous, frontier, "the earlier checkpoint");
    }
    if (frontier.size === TILE_WIDTH) await addToLevel(audit, 1, frontierRoot(frontier));
    else last = frontier;
    options.onProgress?.({ entries: audit.counts.entries, size: tree.size });
  }
  for (const [i, tile] of audit.upper.entries()) {
    if (tile.hashes.length > 0) await auditTile(audit, i + 1, tile);
  }
  checkRoot(audit, tree, last, "the log's checkpoint");
  return true;
}

/** Checks a bundle and the tile of its hashes; gives the leaf hashes, from the entries where they can be read. */
async function auditBundle(audit: Audit, index: number, width: number): Promise<readonly Uint8Array[] | undefined> {
  const [entries, hashes] = await Promise.all([
    readParts(audit, "entries", index, width),
    readParts(audit, 0, index, width),
  ]);
  const first = index * TILE_WIDTH;
  const leaves = entries?.map(leafHash);
  entries?.forEach((entry, i) => {
    auditEntry(audit, first + i, entry);
  });
  leaves?.forEach((leaf, i) => {
    if (hashes && !equalBytes(leaf, hashes[i]!)) {
      const path = tilePath(0, index, width);
      const message = `entry ${first + i} does not hash to its place in ${path}`;
      addProblem(audit, { code: "log_inconsistent", index: first + i, path, message });
    }
  });
  return leaves ?? hashes;
}

function auditEntry(audit: Audit, index: number, bytes: Uint8Array): void {
  audit.counts.entries += 1;
  const entry = attempt(audit, `entry ${index}`, { index }, () => parseEntry(bytes));
  if (entry === undefined) return;
  audit.operations[entry.e] = (audit.operations[entry.e] ?? 0) + 1;
  audit.onEntry?.(index, entry);
  const otherIndex = audit.tags.add(entry.r, index);
  if (otherIndex !== undefined) {
    const message = `entries ${otherIndex} and ${index} have the same tag`;
    addProblem(audit, { code: "log_tag_duplicate", index, otherIndex, message });
  }
}

// A full tile is one hash of the level above (C2SP tlog-tiles); a partial one is never hashed upward.
async function addToLevel(audit: Audit, level: number, hash: Uint8Array): Promise<void> {
  const before = audit.upper[level - 1] ?? { index: 0, hashes: [], frontier: EMPTY_FRONTIER };
  const tile = { ...before, hashes: [...before.hashes, hash], frontier: appendLeaf(before.frontier, hash) };
  if (tile.hashes.length < TILE_WIDTH) {
    audit.upper[level - 1] = tile;
    return;
  }
  await auditTile(audit, level, tile);
  audit.upper[level - 1] = { index: tile.index + 1, hashes: [], frontier: EMPTY_FRONTIER };
  await addToLevel(audit, level + 1, frontierRoot(tile.frontier));
}

async function auditTile(audit: Audit, level: number, tile: TileUnderWay): Promise<void> {
  const served = await readParts(audit, level, tile.index, tile.hashes.length);
  const wrong = served?.findIndex((hash, i) => !equalBytes(hash, tile.hashes[i]!)) ?? -1;
  if (wrong >= 0) {
    const path = tilePath(level, tile.index, tile.hashes.length);
    const message = `hash ${wrong} of ${path} is not the root of the tile below it`;
    addProblem(audit, { code: "log_inconsistent", path, message });
  }
}

function checkRoot(audit: Audit, checkpoint: Checkpoint, last: Frontier, name: string): void {
  const hashes = [...audit.upper.map((tile) => tile.frontier).reverse(), last].flatMap((frontier) => frontier.hashes);
  if (!equalBytes(frontierRoot({ size: checkpoint.size, hashes }), checkpoint.root)) {
    const message = `the root of the first ${checkpoint.size} entries is not the one signed in ${name}`;
    addProblem(audit, { code: "log_inconsistent", message });
  }
}

/** The entries of a bundle or the hashes of a tile, exactly `width`; undefined, and a problem, where they cannot be had. */
async function readParts(
  audit: Audit,
  level: TileLevel,
  index: number,
  width: number,
): Promise<Uint8Array[] | undefined> {
  const path = tilePath(level, index, width);
  const fullPath = tilePath(level, index);
  const read = (from: string) => (level === "entries" ? audit.source.bundle(from) : audit.source.tile(from));
  const exact = await read(path);
  // A log may delete a partial tile once the full one is there (C2SP tlog-tiles).
  const bytes = exact ?? (path === fullPath ? undefined : await read(fullPath));
  if (bytes === undefined) {
    addProblem(audit, { code: "log_inconsistent", path, message: `${path} is missing` });
    return undefined;
  }
  audit.counts[level === "entries" ? "bundles" : "tiles"] += 1;
  const expected = exact === undefined ? TILE_WIDTH : width;
  const parts = attempt(audit, path, { path }, () => {
    const found = level === "entries" ? decodeBundle(bytes) : splitTile(bytes);
    if (found.length === expected) return found;
    throw new AttestryError("log_inconsistent", `it holds ${found.length}, expected ${expected}`);
  });
  return parts?.slice(0, width);
}

function readCheckpoint(audit: Audit, note: string, options: AuditOptions, name: string): Checkpoint | undefined {
  return attempt(audit, name, {}, () => verifyCheckpoint(note, options));
}

function readPrevious(audit: Audit, tree: Checkpoint, options: AuditOptions): Checkpoint | undefined {
  if (options.previous === undefined) return undefined;
  const previous = readCheckpoint(audit, options.previous, options, "the earlier checkpoint");
  if (previous && previous.size > tree.size) {
    const message = `the log has shrunk: ${previous.size} entries at the earlier checkpoint, now ${tree.size}`;
    addProblem(audit, { code: "log_inconsistent", message });
  }
  return previous;
}

function attempt<T>(audit: Audit, name: string, where: Partial<AuditProblem>, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    addProblem(audit, { ...where, code: error.code, message: `${name}: ${error.message}` });
    return undefined;
  }
}

function addProblem(audit: Audit, problem: AuditProblem): void {
  if (audit.problems.length < AUDIT_PROBLEMS_MAX) audit.problems.push(problem);
}
