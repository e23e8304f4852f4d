// Keeps processes with other sealing keys than the database's from writing, and lets a database go by the next ones. Makes nothing anew.
import type { Secrets } from "../../secrets.ts";
import type { Database, Transaction } from "../../storage/database.ts";
import { judgeGeneration } from "./sealing-generation.ts";
import { findGeneration, insertGeneration } from "./sealing-store.ts";

export interface SealingGuard {
  /**
   * To be called under the log's lock, before something is written. From the first write by the next generation on no process writes that
   * lacks it: what that one would not find again could be written twice. Throws `keys_outdated`.
   */
  check(tx: Transaction): Promise<void>;
}

export function createSealingGuard(deps: { sealing: Secrets["sealing"]; clock: () => number }): SealingGuard {
  const { sealing, clock } = deps;
  return {
    async check(tx) {
      if (judgeGeneration(await findGeneration(tx), sealing) === "current") return;
      const { number: generation, fingerprint } = sealing.current;
      await insertGeneration(tx, { generation, fingerprint, beganAt: clock(), completedAt: null });
    },
  };
}

/** Refuses to start a node whose key file and database do not go together. Throws `keys_outdated`. */
export async function checkSealingKeys(database: Database, sealing: Secrets["sealing"]): Promise<void> {
  judgeGeneration(await findGeneration(database.sql), sealing);
}

/** A database that is new goes by the keys that there are. */
export async function beginSealing(
  database: Database,
  { current: { number: generation, fingerprint } }: Secrets["sealing"],
  now: number,
): Promise<void> {
  if (generation > 1) await insertGeneration(database.sql, { generation, fingerprint, beganAt: now, completedAt: now });
}
