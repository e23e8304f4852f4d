// What a node does without being asked, at intervals. Every job may run on several processes of a node at once.
import { ATTACHMENT_UNHELD_SECONDS, IDEMPOTENCY_SECONDS, SWEEP_INTERVAL_MS } from "./limits.ts";
import type { Logger } from "./logger.ts";
import { sweepAttachments } from "./records/attachment-store.ts";
import { deleteIdempotent } from "./records/record-store.ts";
import type { Database } from "./storage/database.ts";

export interface Jobs {
  /** Waits for the job that runs. */
  stop(): Promise<void>;
}

export function startJobs(deps: { database: Database; clock: () => number; logger: Logger }): Jobs {
  let running: Promise<void> = Promise.resolve();
  const sweep = async (): Promise<void> => {
    try {
      await deleteIdempotent(deps.database, { before: deps.clock() - IDEMPOTENCY_SECONDS });
      await sweepAttachments(deps.database, { before: deps.clock() - ATTACHMENT_UNHELD_SECONDS });
    } catch (error) {
      // The next round tries again; a database that stays away is reported by /readyz.
      deps.logger.warn(
        { error: error instanceof Error ? error.message : String(error) },
        "sweeping old idempotency keys and files that no record holds failed",
      );
    }
  };
  const timer = setInterval(() => {
    running = running.then(sweep);
  }, SWEEP_INTERVAL_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
