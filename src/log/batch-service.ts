// One batch of appends in one transaction: all of it is committed with its signed checkpoint, or none. Knows no queue.
import { decodeBase64url } from "../crypto/base64.ts";
import { equalBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import type { Database, Transaction } from "../storage/database.ts";
import { runTransaction } from "../storage/transaction.ts";
import { formatEntry, type LogEntry } from "./entry.ts";
import { type LogIdentity, loadVerifiedTiles, signCheckpoint } from "./log-state-service.ts";
import {
  findKnownTags,
  insertEntries,
  insertTiles,
  type LogState,
  lockLogState,
  type NewEntry,
  updateLogState,
} from "./log-store.ts";
import { leafHash } from "./merkle.ts";
import { appendLeaves, type OpenTiles, openTilesRoot } from "./open-tiles.ts";

/**
 * How a kind of write behaves inside the batch's transaction. Neither function may catch what a query rejects with (a failed
 * statement ends the transaction), settle while its queries run, or keep `tx`; both may be called again for the same input.
 */
export interface WriteKind<Input> {
  readonly name: string;
  /** Each in a batch of its own: what changes the rules that other writes of a batch are checked by is before or after them, never among them. */
  readonly isAlone?: true;
  /**
   * Called before indices are given, under the log's row lock, with every input of this kind in the batch, in order. One
   * verdict each: undefined to accept, or the error that the input's caller gets.
   */
  check(tx: Transaction, inputs: readonly Input[]): Promise<readonly (AttestryError | undefined)[]>;
  /**
   * Makes the entries of what was accepted, under the log's row lock: for entries that say what came before them. One list per input, in
   * order, of as many entries as the input was handed in with (`DraftedEntries`). Called only for kinds that are handed in so.
   */
  draft?(tx: Transaction, inputs: readonly Input[]): Promise<readonly (readonly LogEntry[])[]>;
  /**
   * Stores what was accepted, in order; `logIndex` is that of an input's first entry, and its further entries follow on. A throw
   * undoes the batch; the writer then finds out whose fault it is.
   */
  store(tx: Transaction, accepted: readonly { readonly input: Input; readonly logIndex: number }[]): Promise<void>;
}

/** An input with its entries, one or more: a unit that is written whole or not at all. */
export interface BatchItem {
  readonly kind: WriteKind<unknown>;
  readonly input: unknown;
  /** Made already, or how many its kind will make under the lock. */
  readonly entries: readonly NewEntry[] | DraftedEntries;
}

/** Instead of entries: how many the kind's `draft` makes of an input. */
export interface DraftedEntries {
  readonly drafted: number;
}

export function entryCount({ entries }: Pick<BatchItem, "entries">): number {
  return "drafted" in entries ? entries.drafted : entries.length;
}

/** The bytes of an entry and what is indexed of them. Throws `log_entry_invalid`. */
export function encodeEntry(entry: LogEntry): NewEntry {
  const bytes = formatEntry(entry);
  return { tag: decodeBase64url(entry.r), leafHash: leafHash(bytes), entry: bytes };
}

/** An item with its entries made. */
type EncodedItem = BatchItem & { readonly entries: readonly NewEntry[] };

/** `logIndex`: that of the item's first entry. */
export type BatchOutcome = { readonly logIndex: number } | AttestryError;

export interface BatchWriter {
  /**
   * Writes the items; resolves after the commit with one outcome each. Rejects if nothing was written, with
   * `log_outcome_unknown` if nobody can tell, and `log_inconsistent` if the stored log does not verify.
   * `findDuplicates` asks the database for tags that the log has: only needed after a violation of `TAG_CONSTRAINT`.
   */
  write(items: readonly BatchItem[], options: { readonly findDuplicates: boolean }): Promise<BatchOutcome[]>;
}

// SQLSTATE classes by which a server refuses a COMMIT that it has not done: data exception, integrity constraint, invalid
// transaction state, transaction rollback. 40003 is statement_completion_unknown (PostgreSQL appendix A).
const COMMIT_REFUSED = /^(22|23|25|40(?!003))/;

export interface BatchDeps {
  readonly database: Database;
  readonly clock: () => number;
  /** Called in each batch's transaction, under the lock: throws where this process may not write any more. */
  readonly guard?: ((tx: Transaction) => Promise<void>) | undefined;
}

export function createBatchWriter(deps: LogIdentity & BatchDeps): BatchWriter {
  const { database, logName, clock } = deps;
  // What this process wrote last. Only a hint: it counts while the locked row says the same.
  let known: { readonly open: OpenTiles; readonly root: Uint8Array } | undefined;

  async function openTilesOf(tx: Transaction, state: LogState | undefined): Promise<OpenTiles> {
    if (state === undefined) throw new AttestryError("log_inconsistent", `log "${logName}" was never initialized`);
    if (known?.open.size === state.size && equalBytes(known.root, state.root)) return known.open;
    return loadVerifiedTiles(tx, deps, state, { countAll: known === undefined });
  }

  async function write(
    items: readonly BatchItem[],
    options: { readonly findDuplicates: boolean },
  ): Promise<BatchOutcome[]> {
    let written: { open: OpenTiles; root: Uint8Array } | undefined;
    let commitMayHaveStarted = false;
    try {
      const outcomes = await runTransaction(database, async (tx) => {
        const locked = lockLogState(tx, logName);
        const [rows, verdicts] = await allSettled([locked, checkItems(tx, items), deps.guard?.(tx)]);
        const state = rows[0];
        const before = await openTilesOf(tx, state);
        const encoded = await draftItems(tx, items, verdicts);
        const refusals = await refuseDuplicates(tx, encoded, verdicts, options);
        const accepted = encoded.filter((_, i) => refusals[i] === undefined);
        if (accepted.length > 0) written = await extendLog(tx, { state: state!, before, accepted });
        else written = { open: before, root: state!.root };
        commitMayHaveStarted = true;
        const indexOf = firstIndices(accepted, before.size);
        return encoded.map((item, i) => refusals[i] ?? { logIndex: indexOf.get(item)! });
      });
      known = written;
      return outcomes;
    } catch (error) {
      if (!commitMayHaveStarted || COMMIT_REFUSED.test(String((error as { code?: unknown }).code))) throw error;
      known = undefined;
      throw new AttestryError("log_outcome_unknown", "the database did not say whether it committed", { cause: error });
    }
  }

  async function refuseDuplicates(
    tx: Transaction,
    items: readonly EncodedItem[],
    verdicts: readonly (AttestryError | undefined)[],
    options: { readonly findDuplicates: boolean },
  ): Promise<(AttestryError | undefined)[]> {
    const tagsOf = (item: EncodedItem) => item.entries.map(({ tag }) => Buffer.from(tag).toString("latin1"));
    const tags = items.flatMap(({ entries }) => entries.map(({ tag }) => tag));
    const known = options.findDuplicates ? await findKnownTags(tx, logName, tags) : undefined;
    // What the log has, and what the items accepted so far will bring.
    const taken = new Set([...(known ?? [])].map((position) => Buffer.from(tags[position]!).toString("latin1")));
    return items.map((item, i) => {
      if (verdicts[i] !== undefined) return verdicts[i];
      const own = tagsOf(item);
      if (own.some((tag) => taken.has(tag)) || new Set(own).size < own.length) {
        return new AttestryError("log_tag_duplicate", "the log already has an entry with this tag");
      }
      for (const tag of own) taken.add(tag);
      return undefined;
    });
  }

  async function extendLog(
    tx: Transaction,
    batch: { readonly state: LogState; readonly before: OpenTiles; readonly accepted: readonly EncodedItem[] },
  ): Promise<{ open: OpenTiles; root: Uint8Array }> {
    const { state, before, accepted } = batch;
    const entries = accepted.flatMap((item) => item.entries);
    const { open, fullTiles } = appendLeaves(
      before,
      entries.map((entry) => entry.leafHash),
    );
    const root = openTilesRoot(open);
    const signing = sign({ size: open.size, root });
    const stores = storeItems(tx, accepted, before.size);
    const inserts = insertEntries(tx, { log: logName, firstIndex: before.size, entries });
    const tiles = fullTiles.length > 0 ? insertTiles(tx, logName, fullTiles) : undefined;
    const update = signing.then(async (checkpoint) => {
      const next = { ...state, size: open.size, root, checkpoint, signedAt: clock() };
      if (!(await updateLogState(tx, next, state.size)))
        throw new Error("the log's locked row is not what was read from it");
    });
    await allSettled([stores, inserts, tiles, update]);
    return { open, root };
  }

  async function sign(tree: { size: number; root: Uint8Array }): Promise<string> {
    try {
      return await signCheckpoint(deps, tree);
    } catch (cause) {
      throw new AttestryError("log_write_failed", `the checkpoint of log "${logName}" could not be signed`, { cause });
    }
  }

  return { write };
}

/** Calls each kind once with all its items; one verdict per item, in the items' order. */
async function checkItems(tx: Transaction, items: readonly BatchItem[]): Promise<(AttestryError | undefined)[]> {
  const verdicts: (AttestryError | undefined)[] = items.map(() => undefined);
  const checks = [...positionsByKind(items)].map(async ([kind, positions]) => {
    const found = await kind.check(
      tx,
      positions.map((position) => items[position]!.input),
    );
    if (found.length !== positions.length) {
      throw new Error(`kind ${kind.name} gave ${found.length} verdicts for ${positions.length} inputs`);
    }
    positions.forEach((position, i) => {
      verdicts[position] = found[i];
    });
  });
  await allSettled(checks);
  return verdicts;
}

/** The items with their entries; what was refused has none if it had none yet. */
async function draftItems(
  tx: Transaction,
  items: readonly BatchItem[],
  verdicts: readonly (AttestryError | undefined)[],
): Promise<EncodedItem[]> {
  const made = new Map<BatchItem, readonly NewEntry[]>();
  const wanted = items.filter((item, i) => "drafted" in item.entries && verdicts[i] === undefined);
  for (const [kind, positions] of positionsByKind(wanted)) {
    const drafted = await kind.draft!(
      tx,
      positions.map((position) => wanted[position]!.input),
    );
    positions.forEach((position, i) => {
      const item = wanted[position]!;
      const entries = drafted[i] ?? [];
      if (entries.length !== entryCount(item))
        throw new Error(`kind ${kind.name} made ${entries.length} entries of ${entryCount(item)}`);
      made.set(item, entries.map(encodeEntry));
    });
  }
  return items.map((item) => ({
    ...item,
    entries: made.get(item) ?? ("drafted" in item.entries ? [] : item.entries),
  }));
}

async function storeItems(tx: Transaction, accepted: readonly EncodedItem[], firstIndex: number): Promise<void> {
  const indexOf = firstIndices(accepted, firstIndex);
  const stores = [...positionsByKind(accepted)].map(async ([kind, positions]) => {
    await kind.store(
      tx,
      positions.map((position) => {
        const item = accepted[position]!;
        return { input: item.input, logIndex: indexOf.get(item)! };
      }),
    );
  });
  await allSettled(stores);
}

/** The index of each item's first entry, where the first of all has index `first`. */
function firstIndices(items: readonly EncodedItem[], first: number): Map<EncodedItem, number> {
  let next = first;
  const indices = new Map<EncodedItem, number>();
  for (const item of items) {
    indices.set(item, next);
    next += item.entries.length;
  }
  return indices;
}

function positionsByKind(items: readonly BatchItem[]): Map<WriteKind<unknown>, number[]> {
  const positions = new Map<WriteKind<unknown>, number[]>();
  items.forEach(({ kind }, position) => {
    const found = positions.get(kind);
    if (found) found.push(position);
    else positions.set(kind, [position]);
  });
  return positions;
}

const IN_FAILED_TRANSACTION = "25P02";

/**
 * Like Promise.all, but rejects only when everything has settled: a query issued after ROLLBACK would run outside the
 * transaction. Rejects with the first cause, not with the refusals of statements that followed it.
 */
export async function allSettled<const Work extends readonly unknown[]>(
  work: Work,
): Promise<{ -readonly [Key in keyof Work]: Awaited<Work[Key]> }> {
  const results = await Promise.allSettled(work);
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as { code?: unknown }] : [],
  );
  if (failures.length > 0) throw failures.find((failure) => failure?.code !== IN_FAILED_TRANSACTION) ?? failures[0];
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as {
    -readonly [Key in keyof Work]: Awaited<Work[Key]>;
  };
}
