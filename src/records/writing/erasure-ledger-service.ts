// The list of erased records and versions outside the database, so that a restored backup can be made to forget what was erased since. Holds nothing personal.
import { createReadStream } from "node:fs";
import { appendFile } from "node:fs/promises";
import { AttestryError } from "../../errors.ts";
import { ERASURE_PAGE_ROWS } from "../../limits.ts";
import type { Logger } from "../../logger.ts";
import type { Database } from "../../storage/database.ts";
import { type Erasure, listErasures } from "./erasure-store.ts";
import { formatLedgerLine, parseLedgerLine } from "./ledger-line.ts";

export interface ErasureLedger {
  /**
   * Adds an erasure that is committed. Never rejects: what could not be added is logged, and added by the next `reconcile`. A line may
   * stand twice, if that runs meanwhile: it says the same.
   */
  add(erasure: Erasure): Promise<void>;
  /** Adds what the database knows as erased and the ledger does not; gives how many. At every start, and from time to time. */
  reconcile(): Promise<number>;
}

/** @param path the ledger: NDJSON, a line `{rid, registry, version?, at, log_index, mac}` per erasure, `at` as RFC 3339; with `version` it is of that version alone. */
export function createErasureLedger(deps: {
  path: string;
  /** Of `deriveLedgerKey`. */
  key: Uint8Array;
  database: Database;
  logger: Pick<Logger, "error">;
}): ErasureLedger {
  const { path, key, database, logger } = deps;

  // One write per call: lines of processes that share the directory do not run into each other.
  async function append(erasures: readonly Erasure[]): Promise<void> {
    const lines = erasures.map((erasure) => formatLedgerLine(key, erasure));
    // A line that a crash cut short is left to itself.
    await appendFile(path, lines.map((line) => `${line}\n`).join(""), { mode: 0o600, flush: true });
  }

  /** The log indices after `after` that the ledger has, read as a stream: it grows for as long as the node lives. */
  async function readIndices(after: number): Promise<{ indices: Set<number>; endsInLine: boolean }> {
    const indices = new Set<number>();
    let rest = "";
    const takeLine = (line: string): void => {
      const read = parseLedgerLine(key, line);
      // One without the node's code says nothing: what the database knows of it is added anew, with one.
      if (read?.isOwn && read.logIndex > after) indices.add(read.logIndex);
    };
    try {
      for await (const chunk of createReadStream(path, "utf8")) {
        const lines = `${rest}${String(chunk)}`.split("\n");
        rest = lines.pop()!;
        lines.forEach(takeLine);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT")
        throw new AttestryError("config_invalid", `the erasure ledger ${path} cannot be read (${code})`);
    }
    takeLine(rest);
    return { indices, endsInLine: rest !== "" };
  }

  // Up to which log index all erasures are in the ledger, as far as this process has seen to it.
  let reconciled = -1;

  return {
    async add(erasure) {
      try {
        await append([erasure]);
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        logger.error({ err: cause, logIndex: erasure.logIndex }, "an erasure could not be added to the ledger");
      }
    },

    async reconcile() {
      let added = 0;
      let known: Awaited<ReturnType<typeof readIndices>> | undefined;
      for (;;) {
        const page = await listErasures(database, { after: reconciled, limit: ERASURE_PAGE_ROWS });
        const last = page.at(-1);
        if (last === undefined) return added;
        if (known === undefined) {
          known = await readIndices(reconciled);
          if (known.endsInLine) await appendFile(path, "\n");
        }
        const { indices } = known;
        const missing = page.filter(({ logIndex }) => !indices.has(logIndex));
        if (missing.length > 0) await append(missing);
        added += missing.length;
        reconciled = last.logIndex;
      }
    },
  };
}
