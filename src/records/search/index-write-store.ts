// The index of records (record-index.ts) inside the log writer's transaction: what is checked under the lock. SQL only; rows are stored by index-row-store.ts.
import { everyDigest } from "../../crypto/key-generations.ts";
import { AttestryError } from "../../errors.ts";
import { DUPLICATE_CANDIDATES_MAX } from "../../limits.ts";
import type { Sql, Transaction } from "../../storage/database.ts";
import { type IndexChange, readLikenessRow, rowKey, type SearchValue } from "./record-index.ts";
import { describeTakenKey } from "./record-keys.ts";

/** Of rows in the search table: the current version has them too. */
export const OPEN_VERSION = 2_147_483_647;

/** States in which a record may be the same as a new one. */
const COMPARED_STATES = ["active", "suspended"];

/** A write as far as its index goes. */
export interface IndexWrite {
  readonly rid: string;
  readonly registry: string;
  /** The first version that has what is added; for a change of state the current one. */
  readonly version: number;
  readonly index: IndexChange;
  /** Log index of a creation; undefined for a record that is there already. */
  readonly firstIndex: number | undefined;
  /** The state from this write on, where it gives one: `active` of a creation. Counts, and what becomes of keys and rows, follow from it. */
  readonly state?: string;
  /** The writer says why the record is no duplicate of those that look alike. */
  readonly isDistinct?: boolean;
  /** Marks that are not compared, as `rowKey` gives them: the record's former data have them too. */
  readonly alikeBefore?: ReadonlySet<string>;
  /** Records that this one succeeds in the same unit: of course it is like them. */
  readonly succeeds?: ReadonlySet<string>;
}

/** Who holds which key, and who is like whom, as of the lock and the writes of the batch accepted so far. */
export interface IndexHolders {
  check(write: IndexWrite): AttestryError | undefined;
  apply(write: IndexWrite): void;
}

/** Reads what the writes of a batch are checked against. */
export async function readHolders(tx: Transaction, writes: readonly IndexWrite[]): Promise<IndexHolders> {
  const digests = writes.flatMap(({ index }) => index.added.keys.flatMap(everyDigest));
  const marks = writes.flatMap((write) => addedMarks(write).map((mark) => ({ registry: write.registry, ...mark })));
  // A write is not compared with its own record nor with those that it succeeds: one more than these must be seen.
  const uncompared = Math.max(0, ...writes.map(({ succeeds }) => succeeds?.size ?? 0));
  const [holders, alike] = await Promise.all([readKeyHolders(tx, digests), readAlike(tx, marks, uncompared)]);
  return {
    check(write) {
      const taken = write.index.added.keys.filter((key) =>
        everyDigest(key).some((digest) => (holders.get(digest) ?? write.rid) !== write.rid),
      );
      if (taken.length > 0)
        return new AttestryError(
          "value_not_unique",
          `another record of "${write.registry}" has the same ${taken.map((key) => key.name).join(", ")}`,
          { details: taken.flatMap(describeTakenKey) },
        );
      const candidates = addedMarks(write).flatMap((mark) =>
        [...(alike.get(markKey(write.registry, mark)) ?? [])]
          .filter((rid) => rid !== write.rid && !write.succeeds?.has(rid))
          .map((rid) => ({ rule: readLikenessRow(mark)!, rid })),
      );
      return candidates.length === 0 ? undefined : possibleDuplicate(write.registry, candidates);
    },
    apply(write) {
      const { rid, registry, index } = write;
      for (const digest of index.removed.keys.flatMap(everyDigest)) holders.delete(digest);
      for (const key of index.added.keys) holders.set(key.digest, rid);
      for (const mark of index.removed.search) alike.get(markKey(registry, mark))?.delete(rid);
      for (const mark of index.added.search.filter(isMark)) {
        const key = markKey(registry, mark);
        alike.set(key, (alike.get(key) ?? new Set<string>()).add(rid));
      }
    },
  };
}

/** The error that names records which a rule finds alike; `field` of a detail is the rule, `rid` the record. */
export function possibleDuplicate(
  registry: string,
  candidates: readonly { rule: string; rid: string }[],
): AttestryError {
  const shown = candidates.slice(0, DUPLICATE_CANDIDATES_MAX);
  return new AttestryError(
    "possible_duplicate",
    `"${registry}" has ${new Set(candidates.map(({ rid }) => rid)).size} record(s) that may be the same; if they are not, say why in act.distinct`,
    { details: shown.map(({ rule, rid }) => ({ field: "/data", message: `rule "${rule}" finds it alike`, rid })) },
  );
}

/** The marks that a write is compared by. */
function addedMarks(write: IndexWrite): SearchValue[] {
  if (write.isDistinct) return [];
  return write.index.added.search.filter((row) => isMark(row) && !write.alikeBefore?.has(rowKey(row)));
}

function isMark(row: SearchValue): boolean {
  return readLikenessRow(row) !== undefined;
}

function markKey(registry: string, mark: { field: string; value: string }): string {
  return `${registry}\n${rowKey(mark)}`;
}

async function readKeyHolders(tx: Transaction, digests: readonly string[]): Promise<Map<string, string>> {
  if (digests.length === 0) return new Map();
  const rows = await tx<{ digest: string; rid: string }[]>`
    select digest, rid from record_key where digest = any(${digests as string[]})`;
  return new Map(rows.map((row) => [row.digest, row.rid]));
}

async function readAlike(
  tx: Transaction,
  marks: Parameters<typeof readLikeRecords>[1],
  uncompared: number,
): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const { rid, ...row } of await readLikeRecords(tx, marks, uncompared)) {
    const key = markKey(row.registry, row);
    found.set(key, (found.get(key) ?? new Set<string>()).add(rid));
  }
  return found;
}

/** The records that have any of these marks, each with its mark, the oldest first: as many as are shown, one more, and `besides`. */
export async function readLikeRecords(
  sql: Sql | Transaction,
  marks: readonly (SearchValue & { readonly registry: string })[],
  besides = 0,
): Promise<readonly { registry: string; field: string; value: string; rid: string }[]> {
  if (marks.length === 0) return [];
  // Of the records that stand under a former generation of the key the mark is told as it is now.
  const asked = marks.flatMap(({ formerly, ...mark }) =>
    everyDigest({ digest: mark.value, ...(formerly !== undefined && { formerly }) }).map((stored) => ({
      ...mark,
      stored,
    })),
  );
  return (sql as Sql)<{ registry: string; field: string; value: string; rid: string }[]>`
    select mark.registry, mark.field, mark.value, alike.rid
    from (select distinct * from unnest(
        ${asked.map((mark) => mark.registry)}::text[], ${asked.map((mark) => mark.field)}::text[],
        ${asked.map((mark) => mark.value)}::text[], ${asked.map((mark) => mark.stored)}::text[])
      as mark (registry, field, value, stored)) mark
    cross join lateral (
      select r.rid from record_search s join record r on r.registry = s.registry and r.first_index = s.first_index
      where s.registry = mark.registry and s.field = mark.field and s.value = mark.stored and s.until = ${OPEN_VERSION}
        and r.state = any(${COMPARED_STATES})
      order by s.first_index limit ${DUPLICATE_CANDIDATES_MAX + 1 + besides}) alike`;
}
