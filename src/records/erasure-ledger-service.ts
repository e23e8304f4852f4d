// The list of erased records outside the database, so that a restored backup can be made to forget what was erased since. Holds nothing personal.
import { appendFile, readFile } from "node:fs/promises";
import { AttestryError } from "../errors.ts";
import { ERASURE_PAGE_ROWS } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { Database } from "../storage/database.ts";
import { type Erasure, listErasures } from "./erasure-store.ts";

export interface ErasureLedger {
  /** Adds an erasure that is committed. Never rejects: what could not be added is logged, and added by the next `reconcile`. */
  add(erasure: Erasure): Promise<void>;
  /** Adds what the database knows as erased and the ledger does not; gives how many. To be called at every start. */
  reconcile(): Promise<number>;
}

/** @param path the ledger: NDJSON, a line `{rid, registry, at, log_index}` per erasure, `at` as RFC 3339. */
export function createErasureLedger(deps: {
  path: string;
  database: Database;
  logger: Pick<Logger, "error">;
}): ErasureLedger {
  const { path, database, logger } = deps;

  // One write per call: lines of processes that share the directory do not run into each other.
  async function append(erasures: readonly Erasure[]): Promise<void> {
    const lines = erasures.map(({ rid, registry, at, logIndex }) =>
      JSON.stringify({ rid, registry, at: new Date(at * 1_000).toISOString(), log_index: logIndex }),
    );
    // A line that a crash cut short is left to itself.
    await appendFile(path, lines.map((line) => `${line}\n`).join(""), { mode: 0o600, flush: true });
  }

  async function readIndices(): Promise<{ indices: Set<number>; endsInLine: boolean }> {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw new AttestryError("config_invalid", `the erasure ledger ${path} cannot be read (${error.code})`);
    });
    const indices = text.split("\n").flatMap((line) => {
      try {
        return [(JSON.parse(line) as { log_index: number }).log_index];
      } catch {
        return [];
      }
    });
    return { indices: new Set(indices), endsInLine: text !== "" && !text.endsWith("\n") };
  }

  return {
    async add(erasure) {
      try {
        await append([erasure]);
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        logger.error({ error: cause, logIndex: erasure.logIndex }, "an erasure could not be added to the ledger");
      }
    },

    async reconcile() {
      const { indices, endsInLine } = await readIndices();
      if (endsInLine) await appendFile(path, "\n");
      let after = -1;
      let added = 0;
      for (;;) {
        const page = await listErasures(database, { after, limit: ERASURE_PAGE_ROWS });
        const missing = page.filter(({ logIndex }) => !indices.has(logIndex));
        if (missing.length > 0) await append(missing);
        added += missing.length;
        const last = page.at(-1);
        if (last === undefined || page.length < ERASURE_PAGE_ROWS) return added;
        after = last.logIndex;
      }
    },
  };
}
