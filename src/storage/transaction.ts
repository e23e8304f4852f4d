// One transaction on a connection that may die at any moment. Knows no table.
import { setImmediate } from "node:timers/promises";
import { AttestryError } from "../errors.ts";
import { DATABASE_BEGIN_ATTEMPTS_MAX } from "../limits.ts";
import type { Database, Transaction } from "./database.ts";

// A pooled connection that died unnoticed, or the stale error of one that was ended: postgres.js 3.4.9 hands both to the next BEGIN.
const STALE_CONNECTION = /^(CONNECTION_CLOSED|ECONNRESET|EPIPE|57P01)$/;

/**
 * Runs `body` in one READ COMMITTED transaction: commits when it resolves, rolls back when it rejects, and gives what it gave.
 * A query through `tx` after `body` has settled or the connection was lost is refused with `database_unavailable`.
 *
 * `sql.begin` alone is not enough: when the connection dies, postgres.js 3.4.9 still sends ROLLBACK, or a query that comes late,
 * to the dead socket, which ends the process, or to the connection that took its place, where it would run outside any
 * transaction. So `body` must not catch what its queries reject with.
 */
export async function runTransaction<Result>(
  database: Database,
  body: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    let begun = false;
    try {
      return await attemptTransaction(database, (tx) => {
        begun = true;
        return body(tx);
      });
    } catch (error) {
      // Where BEGIN itself failed nothing was done, and it can be asked of another connection.
      const stale = !begun && STALE_CONNECTION.test(String((error as { code?: unknown }).code));
      if (!stale || attempt === DATABASE_BEGIN_ATTEMPTS_MAX) throw error;
    }
  }
}

async function attemptTransaction<Result>(
  database: Database,
  body: (tx: Transaction) => Promise<Result>,
): Promise<Result> {
  let over = false;
  let settled = false;
  let result: Result;
  try {
    await database.sql.begin("isolation level read committed", async (tx) => {
      try {
        result = await body(refuseWhen(tx, () => settled || over));
        settled = true;
        if (!over) return;
      } catch (error) {
        settled = true;
        // A lost connection rejects its queries up to one turn of the event loop before `begin` hears that it closed.
        await setImmediate();
        await setImmediate();
        if (!over) throw error;
      }
      // Settling would send COMMIT or ROLLBACK. `begin` has rejected already, so nobody waits for this.
      await new Promise<never>(() => {});
    });
    return result!;
  } finally {
    over = true;
  }
}

function refuseWhen(tx: Transaction, isOver: () => boolean): Transaction {
  function assertOpen(): void {
    if (isOver())
      throw new AttestryError("database_unavailable", "the transaction is over, or its connection was lost");
  }
  return new Proxy(tx, {
    apply(target, self, parameters) {
      assertOpen();
      return Reflect.apply(target, self, parameters);
    },
    get(target, key) {
      assertOpen();
      return Reflect.get(target, key);
    },
  });
}
