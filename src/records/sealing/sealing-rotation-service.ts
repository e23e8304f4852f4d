// Makes anew, under the current generation of the sealing keys, what still goes by the former one: a job in small steps that any process may take and resume.
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError } from "../../errors.ts";
import { ANSWER_WINDOW_SECONDS, IDEMPOTENCY_SECONDS, SEALING_PAUSE_MS } from "../../limits.ts";
import type { Logger } from "../../logger.ts";
import type { Secrets } from "../../secrets.ts";
import type { Database, Transaction } from "../../storage/database.ts";
import { runTransaction } from "../../storage/transaction.ts";
import type { SealingGuard } from "./sealing-guard-service.ts";
import type { SealingSteps } from "./sealing-steps-service.ts";
import {
  beginParts,
  completeGeneration,
  findGeneration,
  findPassing,
  forgetProposalRequests,
  listProgress,
  type SealingPart,
  type StoredProgress,
  saveProgress,
} from "./sealing-store.ts";

export interface SealingPartProgress {
  readonly part: SealingPart;
  /** Of records. */
  readonly registry?: string;
  readonly done: number;
  readonly total: number;
  readonly complete: boolean;
}

export interface SealingProgress {
  /** The generation that the database goes by. */
  readonly generation: number;
  readonly done: number;
  readonly total: number;
  readonly parts: readonly SealingPartProgress[];
  /** Whether everything that can be made anew is. */
  readonly complete: boolean;
  /** Keyed hashes of requests that pass by themselves, and when the last of them has (Unix seconds). */
  readonly passing: { readonly count: number; readonly until: number } | undefined;
}

export interface SealingRotationService {
  /** One round: goes on until everything is made anew, unless `isStopped`. Does nothing where the key file has one generation only. */
  run(isStopped: () => boolean): Promise<void>;
  /** undefined: the key file has one generation only. */
  readProgress(): Promise<SealingProgress | undefined>;
  /**
   * Proves that nothing in the database goes by the former generation any more, and notes it: the key file may then forget it. Throws
   * `keys_in_use` where something does, `request_invalid` where there is no former generation.
   */
  finish(): Promise<void>;
}

export function createSealingRotationService(deps: {
  database: Database;
  sealing: Secrets["sealing"];
  guard: SealingGuard;
  steps: SealingSteps;
  /** Takes the lock of the records log until the transaction ends: no record changes meanwhile. */
  lockRecords: (tx: Transaction) => Promise<void>;
  clock: () => number;
  logger: Pick<Logger, "info">;
}): SealingRotationService {
  const { database, sealing, guard, steps, lockRecords, clock, logger } = deps;
  const generation = sealing.current.number;

  /** From here on every writer goes by the current generation, so that what is counted now only gets less. */
  const begin = () =>
    runTransaction(database, async (tx) => {
      await lockRecords(tx);
      await guard.check(tx);
      await beginParts(tx, generation);
    });

  async function run(isStopped: () => boolean): Promise<void> {
    if (sealing.former === undefined) return;
    const stored = await findGeneration(database.sql);
    if (stored?.generation === generation && stored.completedAt !== null) return;
    let parts = await listProgress(database.sql, generation);
    if (stored?.generation !== generation || parts.length === 0) {
      await begin();
      parts = await listProgress(database.sql, generation);
      logger.info({ generation }, "making everything anew under the next sealing keys");
    }
    const open = parts.filter(({ complete }) => !complete);
    for (const part of open) while (!isStopped() && (await steps.take(part))) await sleep(SEALING_PAUSE_MS);
    if (open.length > 0 && (await listProgress(database.sql, generation)).every(({ complete }) => complete))
      logger.info(
        { generation },
        "everything is sealed by the next keys; end it with: attestry keys rotate sealing --finish",
      );
  }

  async function readPassing(beganAt: number): Promise<SealingProgress["passing"]> {
    const { count, until } = await findPassing(database.sql, {
      upTo: beganAt,
      now: clock(),
      requestSeconds: IDEMPOTENCY_SECONDS,
      budgetSeconds: ANSWER_WINDOW_SECONDS,
    });
    return until === null ? undefined : { count, until };
  }

  async function readProgress(): Promise<SealingProgress | undefined> {
    if (sealing.former === undefined) return undefined;
    const stored = await findGeneration(database.sql);
    if (stored?.generation !== generation)
      return { generation: sealing.former.number, done: 0, total: 0, parts: [], complete: false, passing: undefined };
    const rows = await listProgress(database.sql, generation);
    const sum = (of: (row: StoredProgress) => number) => rows.reduce((all, row) => all + of(row), 0);
    return {
      generation,
      done: sum(({ done }) => done),
      total: sum(({ total }) => total),
      parts: rows.map(({ part, registry, done, total, complete }) => ({
        part,
        ...(registry !== "" && { registry }),
        done,
        total,
        complete,
      })),
      complete: rows.length > 0 && rows.every(({ complete }) => complete),
      passing: stored.completedAt === null ? await readPassing(stored.beganAt) : undefined,
    };
  }

  async function finish(): Promise<void> {
    const { former } = sealing;
    if (former === undefined)
      throw new AttestryError(
        "request_invalid",
        "the key file has one generation of sealing keys: nothing is to be ended",
      );
    const inUse = (reason: string) =>
      new AttestryError("keys_in_use", `generation ${former.number} of the sealing keys is still needed: ${reason}`);
    const progress = await readProgress();
    if (progress === undefined || !progress.complete)
      throw inUse(
        progress === undefined || progress.total === 0
          ? "the node has not begun to replace it; restart the node"
          : `${progress.done} of ${progress.total} are made anew; the node goes on while it runs`,
      );
    const left = await steps.findFormer();
    for (const { part, registry, count } of left) {
      const row = (await listProgress(database.sql, generation)).find(
        (one) => one.part === part && one.registry === registry,
      );
      const total = Math.max(row?.total ?? 0, count);
      await saveProgress(database.sql, { generation, part, registry, position: "", done: 0, total, complete: false });
    }
    if (left.length > 0) {
      const named = left.map(({ part, registry, count }) => `${count} ${part}${registry && ` of "${registry}"`}`);
      throw inUse(
        `${named.join(", ")} were written by a process that was not restarted; restart all, and let the node go on`,
      );
    }
    if (progress.passing)
      throw inUse(
        `${progress.passing.count} requests from before are remembered by it (Idempotency-Keys for a day, budgets of questions for an hour) until ${new Date(progress.passing.until * 1_000).toISOString()}; end it then`,
      );
    await runTransaction(database, async (tx) => {
      await lockRecords(tx);
      await guard.check(tx);
      const stored = await findGeneration(tx);
      await forgetProposalRequests(tx, { before: stored!.beganAt });
      await completeGeneration(tx, generation, clock());
    });
  }

  return { run, readProgress, finish };
}
