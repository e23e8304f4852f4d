// SQL of what one key signed: how many versions the log had from an index on. Knows no rule.
import type { Database } from "../storage/database.ts";

/** `header`: the first part of a JWS, which all that one key signed as records share. Erased ones have no token and do not count. */
export async function countVersionsSigned(
  database: Database,
  { header, from }: { readonly header: string; readonly from: number },
): Promise<number> {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::int as count from record_version where log_index >= ${from} and starts_with(jwt, ${`${header}.`})`;
  return row!.count;
}
