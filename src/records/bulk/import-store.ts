// SQL of the import: which rows of it were answered before. Knows no rule.
import type { Database } from "../../storage/database.ts";

/** What a row became when it was first sent. */
export interface AnsweredRow {
  readonly request: string;
  readonly rid: string;
  readonly version: number;
  readonly logIndex: number;
}

/** The rows answered before, by the digests of their idempotency keys. */
export async function findAnsweredRows(
  database: Database,
  digests: readonly string[],
): Promise<Map<string, AnsweredRow>> {
  if (digests.length === 0) return new Map();
  const rows = await database.sql<(AnsweredRow & { digest: string })[]>`
    select i.digest, i.request, i.rid, i.version, v.log_index as "logIndex"
    from idempotency i join record_version v on v.rid = i.rid and v.version = i.version
    where i.digest = any(${digests as string[]})`;
  return new Map(rows.map((row) => [row.digest, row]));
}
