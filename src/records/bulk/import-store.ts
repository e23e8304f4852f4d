// SQL of the import: which rows of it were answered before. Knows no rule.
import { everyDigest, type KeyedDigest } from "../../crypto/key-generations.ts";
import type { Database } from "../../storage/database.ts";

/** What a row became when it was first sent. */
export interface AnsweredRow {
  readonly request: string;
  readonly rid: string;
  readonly version: number;
  readonly logIndex: number;
}

/** The rows answered before, by the digests of their idempotency keys as these are now. */
export async function findAnsweredRows(
  database: Database,
  keys: readonly KeyedDigest[],
): Promise<Map<string, AnsweredRow>> {
  if (keys.length === 0) return new Map();
  const digestOf = new Map(keys.flatMap((key) => everyDigest(key).map((stored) => [stored, key.digest])));
  const rows = await database.sql<(AnsweredRow & { digest: string })[]>`
    select i.digest, i.request, i.rid, i.version, v.log_index as "logIndex"
    from idempotency i join record_version v on v.rid = i.rid and v.version = i.version
    where i.digest = any(${[...digestOf.keys()]})`;
  return new Map(rows.map((row) => [digestOf.get(row.digest)!, row]));
}
