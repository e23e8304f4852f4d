// SQL of the budgets against guessing: how much of each was used in its window of time. Knows no rule.
import type { KeyedDigest } from "../../crypto/key-generations.ts";
import type { Database } from "../../storage/database.ts";

/** Uses each budget once more, all or none, and says how often it was used in this window (Unix seconds), this time included. */
export async function useBudgets(
  database: Database,
  {
    budgets,
    windowStart,
    windowSeconds,
  }: { budgets: readonly KeyedDigest[]; windowStart: number; windowSeconds: number },
): Promise<Map<string, number>> {
  // In one order, so that two callers never wait for each other.
  const sorted = budgets.map(({ digest }) => digest).sort();
  const renamed = budgets.filter(({ formerly }) => formerly !== undefined);
  // What was used under a former key goes on being used up.
  if (renamed.length > 0)
    await database.sql`
      update answer_budget b set digest = item.digest
      from unnest(${renamed.map(({ digest }) => digest)}::text[], ${renamed.map(({ formerly }) => formerly!)}::text[]) as item (digest, formerly)
      where b.digest = item.formerly and not exists (select 1 from answer_budget other where other.digest = item.digest)`;
  // Of several processes one is in the next window before the others: whom each of the two windows let begin anew would have no limit.
  const next = windowStart + windowSeconds;
  const rows = await database.sql<{ digest: string; used: number }[]>`
    insert into answer_budget as held (digest, window_start, used)
    select digest, ${windowStart}::int8, 1 from unnest(${sorted}::text[]) digest order by digest
    on conflict (digest) do update set
      window_start = case when held.window_start = ${next} then held.window_start else excluded.window_start end,
      used = case when held.window_start in (excluded.window_start, ${next}) then least(held.used, 2000000000) + 1 else 1 end
    returning digest, used`;
  return new Map(rows.map(({ digest, used }) => [digest, used]));
}

export async function deleteBudgets(database: Database, options: { before: number }): Promise<void> {
  await database.sql`delete from answer_budget where window_start < ${options.before}`;
}
