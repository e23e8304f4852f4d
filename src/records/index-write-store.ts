// The index of records (record-index.ts) inside the log writer's transaction: uniqueness checked under the lock, rows stored. SQL only.
import { AttestryError } from "../errors.ts";
import type { Transaction } from "../storage/database.ts";
import type { IndexChange } from "./record-index.ts";
import { describeTakenKey } from "./record-keys.ts";

/** A write as far as its index goes. `version`: the first one that has what is added. */
export interface IndexWrite {
  readonly rid: string;
  readonly registry: string;
  readonly version: number;
  readonly index: IndexChange;
}

/** Who holds which key, as of the lock and the writes of the batch accepted so far. */
export interface IndexHolders {
  check(write: IndexWrite): AttestryError | undefined;
  apply(write: IndexWrite): void;
}

/** Reads what the writes of a batch are checked against. */
export async function readHolders(tx: Transaction, writes: readonly IndexWrite[]): Promise<IndexHolders> {
  const digests = writes.flatMap(({ index }) => index.added.keys.map((key) => key.digest));
  const rows =
    digests.length === 0
      ? []
      : await tx<{ digest: string; rid: string }[]>`
          select digest, rid from record_key where digest = any(${digests})`;
  const holders = new Map(rows.map((row) => [row.digest, row.rid]));
  return {
    check(write) {
      const taken = write.index.added.keys.filter((key) => {
        const holder = holders.get(key.digest);
        return holder !== undefined && holder !== write.rid;
      });
      if (taken.length === 0) return undefined;
      return new AttestryError(
        "value_not_unique",
        `another record of "${write.registry}" has the same ${taken.map((key) => key.name).join(", ")}`,
        { details: taken.flatMap(describeTakenKey) },
      );
    },
    apply({ rid, index }) {
      for (const key of index.removed.keys) holders.delete(key.digest);
      for (const key of index.added.keys) holders.set(key.digest, rid);
    },
  };
}

/** Stores the index changes of a batch, in its order: what is removed first. */
export async function storeIndex(tx: Transaction, writes: readonly IndexWrite[]): Promise<void> {
  const removed = writes.flatMap(({ index }) => index.removed.keys.map((key) => key.digest));
  const added = writes.flatMap(({ rid, registry, index }) =>
    index.added.keys.map((key) => ({ ...key, rid, registry })),
  );
  const statements: Promise<unknown>[] = [];
  if (removed.length > 0) statements.push(tx`delete from record_key where digest = any(${removed})`);
  if (added.length > 0) {
    statements.push(tx`
      insert into record_key (digest, registry, name, rid)
      select * from unnest(
        ${added.map((key) => key.digest)}::text[], ${added.map((key) => key.registry)}::text[],
        ${added.map((key) => key.name)}::text[], ${added.map((key) => key.rid)}::uuid[])`);
  }
  await Promise.all(statements);
}
