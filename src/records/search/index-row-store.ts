// Stores what writes change in the index: keys, temporal search rows, counts. SQL only, inside the log writer's transaction.
import { everyDigest } from "../../crypto/key-generations.ts";
import type { Transaction } from "../../storage/database.ts";
import { type IndexWrite, OPEN_VERSION } from "./index-write-store.ts";
import {
  CELL_PREFIX,
  FORMER_KEY_FIELD,
  indexRows,
  type RecordIndex,
  readCellRow,
  rowKey,
  type SearchValue,
  STATE_STATISTIC,
} from "./record-index.ts";

interface RowChange extends SearchValue {
  readonly registry: string;
  readonly firstIndex: number;
  readonly since: number;
  until: number;
}

interface CountChange {
  readonly registry: string;
  readonly name: string;
  readonly cell: string;
  readonly label: string;
  count: number;
}

/** A record as the batch finds it, and as its writes change it. `rows`: those of its current version; new ones with their change. */
interface Position {
  readonly firstIndex: number;
  state: string | undefined;
  readonly rows: Map<string, { readonly row: SearchValue; readonly inserted?: RowChange }>;
}

/** What a batch does to the index, gathered so that each table gets one statement. */
interface BatchChanges {
  readonly closed: Omit<RowChange, "since">[];
  readonly inserted: RowChange[];
  readonly counts: Map<string, CountChange>;
  readonly removedKeys: { digest: string; rid: string; firstIndex: number; until: number }[];
  readonly freed: { rid: string; firstIndex: number; until: number }[];
  readonly erased: { rid: string; firstIndex: number }[];
}

/**
 * Stores the index changes of a batch, in its order. Call it before anything else of the batch is stored: it reads in which states the
 * records were. What a record has until now is taken from its rows, not from the write, which may know another definition.
 */
export async function storeIndex(tx: Transaction, writes: readonly IndexWrite[]): Promise<void> {
  const positions = new Map<string, Position>();
  for (const { rid, firstIndex } of writes)
    if (firstIndex !== undefined) positions.set(rid, { firstIndex, state: undefined, rows: new Map() });
  const others = [...new Set(writes.map((write) => write.rid))].filter((rid) => !positions.has(rid));
  if (others.length > 0) for (const [rid, found] of await readIndexPositions(tx, others)) positions.set(rid, found);
  const changes: BatchChanges = { closed: [], inserted: [], counts: new Map(), removedKeys: [], freed: [], erased: [] };
  for (const write of writes) foldWrite(changes, positions.get(write.rid)!, write);
  await storeChanges(tx, changes, writes);
}

/** The open rows and the states of records that are there already. The query is on its way when this returns. */
async function readIndexPositions(tx: Transaction, rids: readonly string[]): Promise<Map<string, Position>> {
  const rows = await tx<
    { rid: string; firstIndex: number; state: string; field: string | null; value: string | null }[]
  >`
    select r.rid, r.first_index as "firstIndex", r.state, s.field, s.value from record r
    left join record_search s on s.first_index = r.first_index and s.until = ${OPEN_VERSION}
    where r.rid = any(${rids as string[]}::uuid[])`.execute();
  const positions = new Map<string, Position>();
  for (const { rid, firstIndex, state, field, value } of rows) {
    const position: Position = positions.get(rid) ?? { firstIndex, state, rows: new Map() };
    positions.set(rid, position);
    if (field !== null && value !== null) position.rows.set(rowKey({ field, value }), { row: { field, value } });
  }
  return positions;
}

function foldWrite(changes: BatchChanges, position: Position, write: IndexWrite): void {
  const { rid, registry, version, index } = write;
  const { firstIndex, state: before } = position;
  const after = write.state ?? before;
  // Of a change of state, the keys that it frees are told by the state.
  if (index.after !== undefined)
    for (const digest of index.removed.keys.flatMap(everyDigest))
      changes.removedKeys.push({ digest, rid, firstIndex, until: version });
  if (index.after !== undefined) foldRows(changes, position, { ...write, after: index.after });
  if (before !== after) {
    if (before !== undefined) count(changes, { registry, name: STATE_STATISTIC, cell: before, label: before }, -1);
    if (after !== undefined) count(changes, { registry, name: STATE_STATISTIC, cell: after, label: after }, 1);
    // A creation's cells were counted with its rows.
    if (before !== undefined && (before === "active") !== (after === "active")) {
      for (const { row } of position.rows.values()) countRow(changes, registry, row, after === "active" ? 1 : -1);
    }
    position.state = after;
  }
  // What was wrong frees its unique values; what was erased leaves nothing to be found by.
  if (after === "revoked") changes.freed.push({ rid, firstIndex, until: version + 1 });
  if (after === "erased") changes.erased.push({ rid, firstIndex });
}

function foldRows(changes: BatchChanges, position: Position, write: IndexWrite & { after: RecordIndex }): void {
  const { registry, version } = write;
  const { firstIndex } = position;
  const counts = (write.state ?? position.state) === "active";
  const labels = new Map(write.after.cells.map((one) => [`${one.name}\n${one.cell}`, one.label]));
  const wanted = new Map(indexRows(write.after).map((row) => [rowKey(row), row]));
  for (const [key, { row, inserted }] of position.rows) {
    if (wanted.has(key)) continue;
    if (inserted) inserted.until = version;
    else changes.closed.push({ registry, ...row, firstIndex, until: version });
    if (counts) countRow(changes, registry, row, -1);
    position.rows.delete(key);
  }
  for (const [key, row] of wanted) {
    if (position.rows.has(key)) continue;
    const inserted = { registry, ...row, firstIndex, since: version, until: OPEN_VERSION };
    changes.inserted.push(inserted);
    position.rows.set(key, { row, inserted });
    if (counts) countRow(changes, registry, row, 1, labels);
  }
}

function countRow(
  changes: Pick<BatchChanges, "counts">,
  registry: string,
  row: SearchValue,
  by: number,
  labels?: ReadonlyMap<string, string>,
): void {
  const cell = readCellRow(row);
  if (cell) count(changes, { registry, ...cell, label: labels?.get(`${cell.name}\n${cell.cell}`) ?? "" }, by);
}

function count(changes: Pick<BatchChanges, "counts">, cell: Omit<CountChange, "count">, by: number): void {
  const key = `${cell.registry}\n${cell.name}\n${cell.cell}`;
  const known = changes.counts.get(key);
  if (!known) changes.counts.set(key, { ...cell, count: by });
  else changes.counts.set(key, { ...cell, label: cell.label || known.label, count: known.count + by });
}

async function storeChanges(tx: Transaction, changes: BatchChanges, writes: readonly IndexWrite[]): Promise<void> {
  const statements: Promise<unknown>[] = [];
  if (changes.removedKeys.length > 0) statements.push(removeKeys(tx, changes.removedKeys));
  if (changes.freed.length > 0) statements.push(freeKeys(tx, changes.freed));
  const added = writes.flatMap(({ rid, registry, index }) =>
    index.added.keys.map((key) => ({ ...key, rid, registry })),
  );
  if (added.length > 0) statements.push(insertKeys(tx, added));
  if (changes.closed.length > 0) statements.push(closeRows(tx, changes.closed));
  if (changes.inserted.length > 0) statements.push(insertRows(tx, changes.inserted));
  if (changes.erased.length > 0) statements.push(eraseRows(tx, changes.erased));
  const counts = [...changes.counts.values()].filter((one) => one.count !== 0);
  if (counts.length > 0) statements.push(addCounts(tx, counts));
  await Promise.all(statements);
}

// What a record was found by in former versions stays with them: a search as of then asks these rows.
async function removeKeys(tx: Transaction, removed: BatchChanges["removedKeys"]): Promise<void> {
  await tx`
    with item as (select * from unnest(
        ${removed.map((key) => key.digest)}::text[], ${removed.map((key) => key.rid)}::uuid[],
        ${removed.map((key) => key.firstIndex)}::int8[], ${removed.map((key) => key.until)}::int[])
      as item (digest, rid, first_index, until)),
    gone as (delete from record_key k using item where k.digest = item.digest and k.rid = item.rid
      returning k.registry, k.digest, item.until, item.first_index)
    insert into record_search (registry, field, value, until, first_index, since)
    select registry, ${FORMER_KEY_FIELD}, digest, until, first_index, 0 from gone on conflict do nothing`;
}

async function freeKeys(tx: Transaction, freed: BatchChanges["freed"]): Promise<void> {
  await tx`
    with item as (select * from unnest(
        ${freed.map((one) => one.rid)}::uuid[], ${freed.map((one) => one.firstIndex)}::int8[], ${freed.map((one) => one.until)}::int[])
      as item (rid, first_index, until)),
    gone as (delete from record_key k using item where k.rid = item.rid returning k.registry, k.digest, item.until, item.first_index)
    insert into record_search (registry, field, value, until, first_index, since)
    select registry, ${FORMER_KEY_FIELD}, digest, until, first_index, 0 from gone on conflict do nothing`;
}

async function insertKeys(
  tx: Transaction,
  added: readonly { digest: string; registry: string; name: string; rid: string }[],
): Promise<void> {
  await tx`
    insert into record_key (digest, registry, name, rid)
    select * from unnest(
      ${added.map((key) => key.digest)}::text[], ${added.map((key) => key.registry)}::text[],
      ${added.map((key) => key.name)}::text[], ${added.map((key) => key.rid)}::uuid[])`;
}

async function closeRows(tx: Transaction, closed: BatchChanges["closed"]): Promise<void> {
  await tx`
    update record_search s set until = item.until
    from unnest(
      ${closed.map((row) => row.registry)}::text[], ${closed.map((row) => row.field)}::text[], ${closed.map((row) => row.value)}::text[],
      ${closed.map((row) => row.firstIndex)}::int8[], ${closed.map((row) => row.until)}::int[])
      as item (registry, field, value, first_index, until)
    where s.registry = item.registry and s.field = item.field and s.value = item.value and s.until = ${OPEN_VERSION}
      and s.first_index = item.first_index`;
}

async function insertRows(tx: Transaction, rows: readonly RowChange[]): Promise<void> {
  await tx`
    insert into record_search (registry, field, value, until, first_index, since)
    select * from unnest(
      ${rows.map((row) => row.registry)}::text[], ${rows.map((row) => row.field)}::text[], ${rows.map((row) => row.value)}::text[],
      ${rows.map((row) => row.until)}::int[], ${rows.map((row) => row.firstIndex)}::int8[], ${rows.map((row) => row.since)}::int[])`;
}

async function eraseRows(tx: Transaction, erased: BatchChanges["erased"]): Promise<void> {
  await Promise.all([
    tx`delete from record_key where rid = any(${erased.map((one) => one.rid)}::uuid[])`,
    tx`delete from record_search where first_index = any(${erased.map((one) => one.firstIndex)}::int8[])`,
  ]);
}

/**
 * Takes one former version out of the rows of its record: a row that only it had goes, one that others had too is theirs alone from then
 * on. Of keys, which stand with the version that they ended in, what the version before has, too (`keptKeys`), ends there.
 */
export async function eraseVersionRows(
  tx: Transaction,
  rid: string,
  { version, keptKeys }: { version: number; keptKeys: { until: number; digests: readonly string[] } | undefined },
): Promise<void> {
  const next = version + 1;
  const [record] = await tx<
    { firstIndex: number }[]
  >`select first_index as "firstIndex" from record where rid = ${rid}`;
  const own = (sql: Transaction) => sql`first_index = ${record!.firstIndex} and field <> ${FORMER_KEY_FIELD}`;
  await tx`
    insert into record_search (registry, field, value, until, first_index, since)
    select registry, field, value, ${version}, first_index, since from record_search
    where ${own(tx)} and since < ${version} and until > ${next}`;
  await tx`update record_search set since = ${next} where ${own(tx)} and since <= ${version} and until > ${next}`;
  await tx`update record_search set until = ${version} where ${own(tx)} and since < ${version} and until = ${next}`;
  await tx`delete from record_search where ${own(tx)} and since = ${version} and until = ${next}`;
  if (keptKeys)
    await tx`
      insert into record_search (registry, field, value, until, first_index, since)
      select registry, field, value, ${keptKeys.until}, first_index, since from record_search
      where first_index = ${record!.firstIndex} and field = ${FORMER_KEY_FIELD} and until = ${next}
        and value = any(${keptKeys.digests as string[]})
      on conflict do nothing`;
  await tx`
    delete from record_search
    where first_index = ${record!.firstIndex} and field = ${FORMER_KEY_FIELD} and until = ${next}`;
}

async function addCounts(tx: Transaction, counts: readonly CountChange[]): Promise<void> {
  await tx`
    insert into record_statistic (registry, name, cell, count, label)
    select * from unnest(
      ${counts.map((one) => one.registry)}::text[], ${counts.map((one) => one.name)}::text[], ${counts.map((one) => one.cell)}::text[],
      ${counts.map((one) => one.count)}::int8[], ${counts.map((one) => one.label)}::text[])
    on conflict (registry, name, cell) do update set count = record_statistic.count + excluded.count`;
}

/** How rows of one record become others, versions and all; counts follow its open rows where it is active. For a rebuild of the index. */
export interface RowReplacement {
  readonly rid: string;
  readonly registry: string;
  readonly isActive: boolean;
  readonly rows: readonly (SearchValue & { readonly since: number; readonly until: number })[];
  /** Labels of cells, by name and cell as in `StatisticCell`. */
  readonly labels: ReadonlyMap<string, string>;
}

/** Replaces all rows of these records but those of former keys. Under the log's lock, which keeps the records still. */
export async function replaceRows(tx: Transaction, replacements: readonly RowReplacement[]): Promise<void> {
  const rids = replacements.map(({ rid }) => rid);
  const before = await readIndexPositions(tx, rids);
  const changes = { counts: new Map<string, CountChange>() };
  for (const { rid, registry, isActive, rows, labels } of replacements) {
    if (isActive) for (const { row } of before.get(rid)!.rows.values()) countRow(changes, registry, row, -1);
    // A cell that a record does not count in gets its label all the same: once it is reinstated, nothing else tells it.
    for (const row of rows) if (row.until === OPEN_VERSION) countRow(changes, registry, row, isActive ? 1 : 0, labels);
  }
  const indices = rids.map((rid) => before.get(rid)!.firstIndex);
  await tx`delete from record_search where first_index = any(${indices}::int8[]) and field <> ${FORMER_KEY_FIELD}`;
  const inserted = replacements.flatMap(({ registry, rows }, at) =>
    rows.map((row) => ({ registry, firstIndex: indices[at]!, ...row })),
  );
  if (inserted.length > 0) await insertRows(tx, inserted);
  const counts = [...changes.counts.values()].filter((one) => one.count !== 0 || one.label !== "");
  if (counts.length > 0) await addCounts(tx, counts);
}

/** Removes the counts of cells that no record stands in any more. */
export async function deleteEmptyCounts(tx: Transaction): Promise<void> {
  await tx`
    delete from record_statistic t where t.count = 0 and t.name <> '' and not exists (
      select 1 from record_search s where s.registry = t.registry and s.field = ${CELL_PREFIX} || t.name and s.value = t.cell and s.until = ${OPEN_VERSION})`;
}
