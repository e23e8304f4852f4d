// What people share inside the access log's transaction: it is opened only if it may be at its place in the log, and ended once.
import type { AccessGuard } from "../access/access-log-service.ts";
import { AttestryError } from "../errors.ts";
import { findOpeningRefusal, type ShareFacts, shareStateAt, shareUnknown } from "./share.ts";
import { countOpening, endShare, findShares, insertShare, type StoredShare } from "./share-store.ts";

export type GuardedShare =
  | { readonly kind: "share"; readonly id: string; readonly row: Omit<StoredShare, "logIndex"> }
  | { readonly kind: "end-share"; readonly id: string; readonly at: number }
  | { readonly kind: "open-share"; readonly id: string; readonly reading: string };

export function createShareGuard({ clock }: { readonly clock: () => number }): AccessGuard<GuardedShare> {
  function judge(one: GuardedShare, share: ShareFacts | undefined, now: number): AttestryError | undefined {
    if (one.kind === "share")
      return share && new AttestryError("request_id_reused", "this was shared before, by the same form");
    if (!share) return shareUnknown();
    if (one.kind === "open-share") return findOpeningRefusal(share, one.reading, now);
    const state = shareStateAt(share, now);
    if (state === "open") return undefined;
    return new AttestryError("share_state_conflict", `it is ${state}; only what is open can be ended`);
  }

  function follow(one: GuardedShare, share: ShareFacts | undefined): ShareFacts {
    if (one.kind === "share" || !share) return one.kind === "share" ? one.row : share!;
    if (one.kind === "end-share") return { ...share, endedAt: one.at };
    const used = share.isOneTime ? (share.used ?? one.reading) : share.used;
    return { ...share, openings: share.openings + 1, used };
  }

  return {
    async check(tx, guarded) {
      const found = await findShares(tx, [...new Set(guarded.map(({ id }) => id))]);
      // As the inputs before it in this batch leave it.
      const facts = new Map<string, ShareFacts>(found);
      const now = clock();
      return guarded.map((one) => {
        const refusal = judge(one, facts.get(one.id), now);
        if (refusal === undefined) facts.set(one.id, follow(one, facts.get(one.id)));
        return refusal;
      });
    },
    async store(tx, accepted) {
      for (const { guarded: one, logIndex } of accepted) {
        if (one.kind === "share") await insertShare(tx, { ...one.row, logIndex });
        else if (one.kind === "end-share") await endShare(tx, { id: one.id, endedAt: one.at, logIndex });
        else await countOpening(tx, { id: one.id, used: one.reading });
      }
    },
  };
}
