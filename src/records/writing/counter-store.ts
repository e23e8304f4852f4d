// Running numbers that are never given twice. Numbers may be skipped when a process stops; log indices do not come from here.
import type { Database, Transaction } from "../../storage/database.ts";

export interface Counter {
  /** The next number, from 0. Concurrent callers of one process share one round trip. */
  next(): Promise<number>;
}

/** A number that was given by others: the counter goes on beyond it. */
export interface CounterAdvance {
  readonly name: string;
  readonly beyond: number;
}

/** Moves counters beyond numbers that were given without them; never back. In the order of their names, so that two never wait for each other. */
export async function advanceCounters(tx: Transaction, advances: readonly CounterAdvance[]): Promise<void> {
  const furthest = new Map<string, number>();
  for (const { name, beyond } of advances) furthest.set(name, Math.max(beyond, furthest.get(name) ?? 0));
  const names = [...furthest.keys()].sort();
  await tx`
    insert into counter (name, next)
    select * from unnest(${names}::text[], ${names.map((name) => furthest.get(name)!)}::int8[])
    on conflict (name) do update set next = greatest(counter.next, excluded.next)`;
}

async function reserve(database: Database, options: { name: string; count: number }): Promise<number> {
  const rows = await database.sql<{ next: number }[]>`
    insert into counter (name, next) values (${options.name}, ${options.count})
    on conflict (name) do update set next = counter.next + excluded.next
    returning next`;
  return Number(rows[0]!.next) - options.count;
}

/** @param block how many numbers to reserve at least; 1 leaves no gaps but on failed writes. */
export function createCounter(options: { database: Database; name: string; block: number }): Counter {
  let next = 0;
  let end = 0;
  let waiting: { resolve: (value: number) => void; reject: (error: unknown) => void }[] = [];
  let reserving = false;

  async function fill(): Promise<void> {
    reserving = true;
    while (waiting.length > 0) {
      const served = waiting;
      waiting = [];
      try {
        const count = Math.max(options.block, served.length);
        next = await reserve(options.database, { name: options.name, count });
        end = next + count;
        for (const { resolve } of served) resolve(next++);
      } catch (error) {
        for (const { reject } of served) reject(error);
      }
    }
    reserving = false;
  }

  return {
    next() {
      if (!reserving && next < end) return Promise.resolve(next++);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        if (!reserving) void Promise.resolve().then(fill);
      });
    },
  };
}
