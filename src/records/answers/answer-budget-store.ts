// SQL of the budgets against guessing: how much of each was used in its window of time. Knows no rule.
import type { KeyedDigest } from "../../crypto/key-generations.ts";
import type { Database } from "../../storage/database.ts";

/** A window of time, Unix seconds. */
export interface BudgetWindow {
  readonly windowStart: number;
  readonly windowSeconds: number;
}

/** Uses each budget as often as is said, all or none, and says how often each was used in this window, these times included. */
export async function addToBudgets(
  database: Database,
  budgets: readonly (KeyedDigest & { readonly times: number })[],
  { windowStart, windowSeconds }: BudgetWindow,
): Promise<Map<string, number>> {
  // In one order, so that two callers never wait for each other.
  const sorted = [...budgets].sort((a, b) => (a.digest < b.digest ? -1 : 1));
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
    select digest, ${windowStart}::int8, times
    from unnest(${sorted.map(({ digest }) => digest)}::text[], ${sorted.map(({ times }) => times)}::int[]) as item (digest, times) order by digest
    on conflict (digest) do update set
      window_start = case when held.window_start = ${next} then held.window_start else excluded.window_start end,
      used = case when held.window_start in (excluded.window_start, ${next}) then least(held.used, 2000000000) + excluded.used else excluded.used end
    returning digest, used`;
  return new Map(rows.map(({ digest, used }) => [digest, used]));
}

export async function deleteBudgets(database: Database, options: { before: number }): Promise<void> {
  await database.sql`delete from answer_budget where window_start < ${options.before}`;
}
