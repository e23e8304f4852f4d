// SQL of how far the index follows the definitions (index-rebuild-service.ts). Knows no rule.
import type { Database, Transaction } from "../storage/database.ts";

/** A registry's row; one without is indexed by the first version of its definition. */
export interface StoredIndex {
  readonly registry: string;
  readonly definitionVersion: number;
  readonly doneIndex: number;
  readonly done: number;
  readonly total: number;
  readonly complete: boolean;
}

export async function findIndex(database: Database, registry: string): Promise<StoredIndex | undefined> {
  const [row] = await database.sql<StoredIndex[]>`
    select registry, definition_version as "definitionVersion", done_index as "doneIndex", done, total, complete
    from record_index where registry = ${registry}`;
  return row;
}

export async function lockIndex(tx: Transaction, registry: string): Promise<StoredIndex | undefined> {
  const [row] = await tx<StoredIndex[]>`
    select registry, definition_version as "definitionVersion", done_index as "doneIndex", done, total, complete
    from record_index where registry = ${registry} for update`;
  return row;
}

export async function saveIndex(tx: Transaction, index: StoredIndex): Promise<void> {
  await tx`
    insert into record_index (registry, definition_version, done_index, done, total, complete)
    values (${index.registry}, ${index.definitionVersion}, ${index.doneIndex}, ${index.done}, ${index.total}, ${index.complete})
    on conflict (registry) do update set definition_version = excluded.definition_version, done_index = excluded.done_index,
      done = excluded.done, total = excluded.total, complete = excluded.complete`;
}
