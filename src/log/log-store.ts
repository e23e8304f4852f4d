// SQL of the logs: the locked row, entries, full tiles, and the hashes that open tiles are made of. Knows no rule.
import { encodeBase64 } from "../crypto/base64.ts";
import { LOG_TRANSACTION_IDLE_MS } from "../limits.ts";
import type { Database, Sql, Transaction } from "../storage/database.ts";
import type { FullTile } from "./open-tiles.ts";

/** The last signed state of a log. `signedAt`: Unix seconds. */
export interface LogState {
  readonly name: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  readonly checkpoint: string;
  readonly signedAt: number;
}

/** `tag`: the bytes of the entry's tag. `entry`: the entry's bytes. */
export interface NewEntry {
  readonly tag: Uint8Array;
  readonly leafHash: Uint8Array;
  readonly entry: Uint8Array;
}

/** Rows of one log from index `start` up to, but without, `end`. */
interface EntryRange {
  readonly log: string;
  readonly start: number;
  readonly end: number;
}

// base64 has no comma. One text per column beat text[], bytea slices, JSON, VALUES and COPY at 32 and at 512 rows, and is within
// noise of the best for one (postgres.js 3.4.9; bytea[] does not work there).
function joinColumn(values: readonly Uint8Array[]): string {
  return values.map(encodeBase64).join(",");
}

/** Creates the log unless it exists. True if this call created it. */
export async function insertLogState(database: Database, state: LogState): Promise<boolean> {
  const result = await database.sql`
    insert into log_state (name, origin, size, root, checkpoint, signed_at)
    values (${state.name}, ${state.origin}, ${state.size}, ${state.root}, ${state.checkpoint}, ${state.signedAt})
    on conflict (name) do nothing`;
  return result.count === 1;
}

/**
 * Takes the log's row lock until the transaction ends. The query is on its way when this returns, before any query that is
 * issued later on the same transaction: those see what the previous holder of the lock committed.
 */
export function lockLogState(tx: Transaction, log: string): Promise<readonly LogState[]> {
  // A process that stops dead inside its transaction would keep the lock for ever: the server ends its session instead.
  return tx<LogState[]>`
    select name, origin, size, root, checkpoint, signed_at as "signedAt",
           set_config('idle_in_transaction_session_timeout', ${String(LOG_TRANSACTION_IDLE_MS)}, true) as timeout
    from log_state where name = ${log} for update`.execute();
}

export async function findLogState(database: Database, log: string): Promise<LogState | undefined> {
  const rows = await database.sql<LogState[]>`
    select name, origin, size, root, checkpoint, signed_at as "signedAt" from log_state where name = ${log}`;
  return rows[0];
}

/** Replaces the state; the caller holds its lock. False if it was not at `previousSize`. */
export async function updateLogState(tx: Transaction, state: LogState, previousSize: number): Promise<boolean> {
  const result = await tx`
    update log_state set size = ${state.size}, root = ${state.root}, checkpoint = ${state.checkpoint}, signed_at = ${state.signedAt}
    where name = ${state.name} and size = ${previousSize}`;
  return result.count === 1;
}

/** Inserts entries from index `firstIndex` on. A tag that the log has violates TAG_CONSTRAINT (log-table.ts). */
export async function insertEntries(
  tx: Transaction,
  batch: { readonly log: string; readonly firstIndex: number; readonly entries: readonly NewEntry[] },
): Promise<void> {
  const { log, firstIndex, entries } = batch;
  await tx`
    insert into log_entry (log, index, tag, leaf_hash, entry)
    select ${log}, ${firstIndex}::bigint + number - 1, decode(tag, 'base64'), decode(leaf_hash, 'base64'), decode(entry, 'base64')
    from unnest(
      string_to_array(${joinColumn(entries.map((entry) => entry.tag))}, ','),
      string_to_array(${joinColumn(entries.map((entry) => entry.leafHash))}, ','),
      string_to_array(${joinColumn(entries.map((entry) => entry.entry))}, ',')
    ) with ordinality as row (tag, leaf_hash, entry, number)`;
}

export async function insertTiles(tx: Transaction, log: string, tiles: readonly FullTile[]): Promise<void> {
  await tx`
    insert into log_tile (log, level, index, root, hashes)
    select ${log}, level::smallint, index::bigint, decode(root, 'base64'), decode(hashes, 'base64')
    from unnest(
      string_to_array(${tiles.map((tile) => tile.level).join(",")}, ','),
      string_to_array(${tiles.map((tile) => tile.index).join(",")}, ','),
      string_to_array(${joinColumn(tiles.map((tile) => tile.root))}, ','),
      string_to_array(${joinColumn(tiles.map((tile) => tile.hashes))}, ',')
    ) as row (level, index, root, hashes)`;
}

/** Which of these tags the log has: their positions in `tags`. */
export async function findKnownTags(
  tx: Sql | Transaction,
  log: string,
  tags: readonly Uint8Array[],
): Promise<Set<number>> {
  const rows = await tx<{ number: number }[]>`
    select number from unnest(string_to_array(${joinColumn(tags)}, ',')) with ordinality as row (tag, number)
    where exists (select from log_entry where log = ${log} and log_entry.tag = decode(row.tag, 'base64'))`;
  return new Set(rows.map((row) => row.number - 1));
}

/** How many entries there are, and the highest index (-1 for none): one less than the size in a log without gaps. */
export async function countEntries(sql: Sql | Transaction, log: string): Promise<{ count: number; lastIndex: number }> {
  const rows = await sql<{ count: number; lastIndex: number }[]>`
    select count(*) as count, coalesce(max(index), -1) as "lastIndex" from log_entry where log = ${log}`;
  return rows[0]!;
}

/**
 * Stored entries of a range in order; fewer where the log is shorter. Bundles are read with this, too: 256 neighbouring rows take
 * 0.5 ms longer than one stored bundle, which would double what is stored and add a quarter to the cost of writing.
 */
export async function listEntries(database: Database, range: EntryRange): Promise<Uint8Array[]> {
  const rows = await database.sql<{ entry: Uint8Array }[]>`
    select entry from log_entry where log = ${range.log} and index >= ${range.start} and index < ${range.end} order by index`;
  return rows.map((row) => row.entry);
}

/** The least index of an entry that says it is of a time (Unix seconds) or later; undefined where all are earlier. Looks at every entry. */
export async function findFirstIndexSince(database: Database, log: string, time: number): Promise<number | undefined> {
  const [row] = await database.sql<{ index: number | null }[]>`
    select min(index) as index from log_entry
    where log = ${log} and substring(convert_from(entry, 'UTF8') from '"t":([0-9]+)')::bigint >= ${time}`;
  return row?.index ?? undefined;
}

/** Entries of single indices; an index that the log does not have is left out. */
export async function findEntries(
  database: Database,
  log: string,
  indices: readonly number[],
): Promise<Map<number, Uint8Array>> {
  const rows = await database.sql<{ index: number; entry: Uint8Array }[]>`
    select index, entry from log_entry
    where log = ${log} and index = any(string_to_array(${indices.join(",")}, ',')::bigint[])`;
  return new Map(rows.map((row) => [row.index, row.entry]));
}

/**
 * Hashes `start` to `end` - 1 of a level, in order; fewer where the log is shorter. Level 0 are leaf hashes, a higher one the
 * roots of the full tiles below it: never a row that grows.
 */
export async function listHashes(
  sql: Sql | Transaction,
  range: EntryRange & { readonly level: number },
): Promise<Uint8Array[]> {
  const { log, level, start, end } = range;
  const rows =
    level === 0
      ? await sql<{ hash: Uint8Array }[]>`
          select leaf_hash as hash from log_entry where log = ${log} and index >= ${start} and index < ${end} order by index`
      : await sql<{ hash: Uint8Array }[]>`
          select root as hash from log_tile
          where log = ${log} and level = ${level - 1} and index >= ${start} and index < ${end} order by index`;
  return rows.map((row) => row.hash);
}

/** Full tiles: their hashes, joined, under `"<level>/<index>"`. One that is not full yet is left out. */
export async function findTiles(
  database: Database,
  log: string,
  tiles: readonly { readonly level: number; readonly index: number }[],
): Promise<Map<string, Uint8Array>> {
  const rows = await database.sql<{ level: number; index: number; hashes: Uint8Array }[]>`
    select tile.level, tile.index, tile.hashes
    from unnest(
      string_to_array(${tiles.map((tile) => tile.level).join(",")}, ','),
      string_to_array(${tiles.map((tile) => tile.index).join(",")}, ',')
    ) as wanted (level, index)
    join log_tile as tile
      on tile.log = ${log} and tile.level = wanted.level::smallint and tile.index = wanted.index::bigint`;
  return new Map(rows.map((row) => [`${row.level}/${row.index}`, row.hashes]));
}
