// Work that anybody may ask for, whoever they are: one piece at a time, and no more than a share of one core. Knows not what the work is.
import { AttestryError } from "../errors.ts";

export interface StrangerWork {
  /** Runs `work` when its turn comes. Throws `verification_busy`, or what was given in its place, where too many wait already. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

/**
 * `share`: of one core, above 0 and up to 1. A piece that took long is followed by a rest that makes up for it. `busy`: what is said where too
 * many wait, in place of `verification_busy`.
 */
export function createStrangerWork(limits: {
  readonly share: number;
  readonly waitingMax: number;
  readonly busy?: () => AttestryError;
}): StrangerWork {
  const { share, waitingMax, busy } = limits;
  let waiting = 0;
  let turn: Promise<void> = Promise.resolve();
  return {
    async run(work) {
      if (waiting >= waitingMax)
        throw (
          busy?.() ??
          new AttestryError(
            "verification_busy",
            `${waitingMax} others wait for a verification here already; verify it yourself: attestry verify, or the page /verify, which works in your browser`,
          )
        );
      waiting++;
      const before = turn;
      let end = (): void => {};
      turn = new Promise((resolve) => {
        end = resolve;
      });
      try {
        await before;
      } finally {
        waiting--;
      }
      const startedAt = performance.now();
      try {
        return await work();
      } finally {
        const spentMs = performance.now() - startedAt;
        setTimeout(end, spentMs / share - spentMs).unref();
      }
    },
  };
}
