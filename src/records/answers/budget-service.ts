// Budgets against guessing and flooding, counted in the database. Of those who ask at once one statement counts: all of one consumer's use one row, which only one at a time can change.
import type { KeyedDigest } from "../../crypto/key-generations.ts";
import { BUDGET_CALLS_TOGETHER_MAX } from "../../limits.ts";
import type { Database } from "../../storage/database.ts";
import { addToBudgets, type BudgetWindow } from "./answer-budget-store.ts";

/** Uses each budget once more, all or none, and says how often it was used in this window, this time included; by digest. */
export type UseBudgets = (
  budgets: readonly KeyedDigest[],
  window: BudgetWindow,
) => Promise<ReadonlyMap<string, number>>;

interface Call {
  readonly budgets: readonly KeyedDigest[];
  readonly window: BudgetWindow;
  readonly resolve: (used: ReadonlyMap<string, number>) => void;
  readonly reject: (error: unknown) => void;
}

export function createBudgets(deps: { readonly database: Database }): UseBudgets {
  const waiting: Call[] = [];
  let isCounting = false;

  /** The first that waits, and all of its window that wait with it. */
  function takeTogether(): Call[] {
    const { windowStart, windowSeconds } = waiting[0]!.window;
    const taken = waiting
      .filter(({ window }) => window.windowStart === windowStart && window.windowSeconds === windowSeconds)
      .slice(0, BUDGET_CALLS_TOGETHER_MAX);
    const isTaken = new Set(taken);
    waiting.splice(0, waiting.length, ...waiting.filter((call) => !isTaken.has(call)));
    return taken;
  }

  async function count(calls: readonly Call[]): Promise<void> {
    const times = new Map<string, KeyedDigest & { readonly times: number }>();
    for (const { budgets } of calls)
      for (const one of budgets) times.set(one.digest, { ...one, times: (times.get(one.digest)?.times ?? 0) + 1 });
    try {
      const used = new Map(await addToBudgets(deps.database, [...times.values()], calls[0]!.window));
      // Each is told its own place among those that were counted together.
      for (const [digest, one] of times) used.set(digest, used.get(digest)! - one.times);
      for (const { budgets, resolve } of calls) {
        for (const { digest } of budgets) used.set(digest, used.get(digest)! + 1);
        resolve(new Map(budgets.map(({ digest }) => [digest, used.get(digest)!])));
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  async function countAll(): Promise<void> {
    isCounting = true;
    while (waiting.length > 0) await count(takeTogether());
    isCounting = false;
  }

  return (budgets, window) => {
    if (budgets.length === 0) return Promise.resolve(new Map());
    return new Promise((resolve, reject) => {
      waiting.push({ budgets, window, resolve, reject });
      if (!isCounting) void countAll();
    });
  };
}
