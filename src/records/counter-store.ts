// Running numbers that are never given twice. Numbers may be skipped when a process stops; log indices do not come from here.
import type { Database } from "../storage/database.ts";

export interface Counter {
  /** The next number, from 0. Concurrent callers of one process share one round trip. */
  next(): Promise<number>;
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
