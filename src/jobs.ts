// What a node does without being asked, at intervals. Every job may run on several processes of a node at once.
import {
  ANSWER_WINDOW_SECONDS,
  ATTACHMENT_UNHELD_SECONDS,
  CHAIN_ARCHIVE_CHECK_MS,
  DIRECTORY_JOB_INTERVAL_MS,
  ERASURE_NOTICE_INTERVAL_MS,
  IDEMPOTENCY_SECONDS,
  INDEX_REBUILD_INTERVAL_MS,
  KEY_FOLLOW_INTERVAL_MS,
  NOTIFICATION_INTERVAL_MS,
  OWN_CHAIN_CHECK_MS,
  PROPOSAL_SWEEP_INTERVAL_MS,
  REFERENCE_CHECK_INTERVAL_MS,
  SEALING_INTERVAL_MS,
  SUBORDINATE_KEYS_INTERVAL_MS,
  SWEEP_INTERVAL_MS,
} from "./limits.ts";
import type { Logger } from "./logger.ts";
import { deleteBudgets } from "./records/answers/answer-budget-store.ts";
import { sweepAttachments } from "./records/attachments/attachment-store.ts";
import { deleteIdempotent } from "./records/record-store.ts";
import type { Database } from "./storage/database.ts";

export interface Jobs {
  /** Waits for the job that runs. */
  stop(): Promise<void>;
}

export function startJobs(deps: {
  database: Database;
  clock: () => number;
  logger: Logger;
  /** Verifies references that were accepted unverified: one round. */
  checkReferences: () => Promise<unknown>;
  /** Makes the index of old records follow changed definitions: one round. */
  rebuildIndex: (isStopped: () => boolean) => Promise<void>;
  /** Makes anew what the former sealing keys sealed: one round. Not of a node that only a command has opened. */
  rotateSealing?: (isStopped: () => boolean) => Promise<void>;
  /** Adds erasures that the ledger lacks: a full disk, or a process that stopped between committing one and adding it. */
  reconcileErasures: () => Promise<unknown>;
  /** Forgets the nonces of signed requests that have ended. */
  purgeNonces: () => Promise<unknown>;
  /** Forgets sessions of pages that are over. */
  purgeSessions: () => Promise<unknown>;
  /** Ends proposals that nobody decided in time, and goes on with what was being carried out when a process stopped. */
  sweepProposals: () => Promise<unknown>;
  /** Forgets reports of checks that were kept for long enough. */
  purgeReports: () => Promise<unknown>;
  /** Tells consumers of records that were erased what they have to destroy. */
  sendErasureNotices: () => Promise<unknown>;
  /** Tells people who chose it that something happened. */
  sendNotifications: () => Promise<unknown>;
  /** Lets keys whose time has come sign. */
  followKeys: () => Promise<void>;
  /** Renews the node's own trust chain before it runs out. */
  renewChain: () => Promise<void>;
  /** Archives the trust chain in force, if it changed or a day has passed. */
  archiveChain: () => Promise<unknown>;
  /** Takes over the next federation keys of subordinates: one round. */
  refreshSubordinates: () => Promise<unknown>;
  /** Brings the directory of the federation up to date, where the node keeps one. */
  refreshDirectory?: (isStopped: () => boolean) => Promise<void>;
}): Jobs {
  const { database, clock, logger, refreshDirectory, rotateSealing } = deps;
  let isStopped = false;
  const jobs = [
    startJob(
      {
        everyMs: SWEEP_INTERVAL_MS,
        name: "sweeping old idempotency keys, budgets and files that no record holds",
        logger,
      },
      async () => {
        await deleteIdempotent(database, { before: clock() - IDEMPOTENCY_SECONDS });
        await deleteBudgets(database, { before: clock() - 2 * ANSWER_WINDOW_SECONDS });
        await sweepAttachments(database, { before: clock() - ATTACHMENT_UNHELD_SECONDS });
      },
    ),
    startJob(
      { everyMs: REFERENCE_CHECK_INTERVAL_MS, name: "verifying accepted references", logger },
      deps.checkReferences,
    ),
    startJob({ everyMs: SWEEP_INTERVAL_MS, name: "forgetting nonces of signed requests", logger }, deps.purgeNonces),
    startJob({ everyMs: SWEEP_INTERVAL_MS, name: "forgetting sessions that are over", logger }, deps.purgeSessions),
    startJob({ everyMs: PROPOSAL_SWEEP_INTERVAL_MS, name: "sweeping proposals", logger }, deps.sweepProposals),
    startJob({ everyMs: SWEEP_INTERVAL_MS, name: "forgetting old reports of checks", logger }, deps.purgeReports),
    startJob(
      { everyMs: ERASURE_NOTICE_INTERVAL_MS, name: "sending notices of erasures", logger },
      deps.sendErasureNotices,
    ),
    startJob({ everyMs: NOTIFICATION_INTERVAL_MS, name: "sending notifications", logger }, deps.sendNotifications),
    startJob({ everyMs: SWEEP_INTERVAL_MS, name: "completing the ledger of erasures", logger }, deps.reconcileErasures),
    startJob({ everyMs: KEY_FOLLOW_INTERVAL_MS, name: "letting the next keys sign", logger }, deps.followKeys),
    startJob({ everyMs: OWN_CHAIN_CHECK_MS, name: "renewing the node's own trust chain", logger }, deps.renewChain),
    startJob({ everyMs: CHAIN_ARCHIVE_CHECK_MS, name: "archiving the trust chain", logger }, deps.archiveChain),
    startJob(
      { everyMs: SUBORDINATE_KEYS_INTERVAL_MS, name: "asking subordinates for their next keys", logger },
      deps.refreshSubordinates,
    ),
    startJob({ everyMs: INDEX_REBUILD_INTERVAL_MS, name: "indexing records by a changed definition", logger }, () =>
      deps.rebuildIndex(() => isStopped),
    ),
    ...(rotateSealing
      ? [
          startJob(
            {
              everyMs: SEALING_INTERVAL_MS,
              name: "making everything anew under the next sealing keys",
              logger,
              isAtOnce: true,
            },
            () => rotateSealing(() => isStopped),
          ),
        ]
      : []),
    ...(refreshDirectory
      ? [
          startJob({ everyMs: DIRECTORY_JOB_INTERVAL_MS, name: "refreshing the directory", logger }, () =>
            refreshDirectory(() => isStopped),
          ),
        ]
      : []),
  ];
  return {
    async stop() {
      isStopped = true;
      await Promise.all(jobs.map((job) => job.stop()));
    },
  };
}

/** Runs `job` at intervals, never beside itself. */
function startJob(
  options: { everyMs: number; name: string; logger: Logger; isAtOnce?: boolean },
  job: () => Promise<unknown>,
): Jobs {
  let running: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      await job();
    } catch (error) {
      // The next round tries again; a database that stays away is reported by /readyz.
      options.logger.warn({ err: error }, `${options.name} failed`);
    } finally {
      running = undefined;
    }
  };
  const timer = setInterval(() => {
    running ??= run();
  }, options.everyMs);
  timer.unref();
  if (options.isAtOnce) running = run();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
