// Before what people share: strangers together take a share of one core, and each refusal takes as long as any other. Knows not what is shared.
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenedShare, ShareOpening, ShareOpeningService } from "../disclosure/share-opening-service.ts";
import { AttestryError } from "../errors.ts";
import { SHARE_OPENING_SHARE, SHARE_OPENINGS_WAITING_MAX, SHARE_REFUSAL_MS } from "../limits.ts";
import { createStrangerWork } from "./stranger-work.ts";

export type OpenShare = (opening: ShareOpening) => Promise<OpenedShare>;

export function createShareDoor(openings: ShareOpeningService): OpenShare {
  const strangers = createStrangerWork({
    share: SHARE_OPENING_SHARE,
    waitingMax: SHARE_OPENINGS_WAITING_MAX,
    busy: () => new AttestryError("share_busy", `${SHARE_OPENINGS_WAITING_MAX} others wait to open what was shared`),
  });
  return async (opening) => {
    const startedAt = performance.now();
    try {
      return await strangers.run(() => openings.open(opening));
    } catch (error) {
      // Not in anybody's turn: whoever guesses keeps nobody else waiting.
      if (error instanceof AttestryError && error.code === "share_unknown")
        await sleep(Math.max(0, SHARE_REFUSAL_MS - (performance.now() - startedAt)));
      throw error;
    }
  };
}
