// Consents inside the access log's transaction: a reading counts only if its consent holds at its place in the log, and no state is left twice.

import type { AccessGuard } from "../access/access-log-service.ts";
import { AttestryError } from "../errors.ts";
import {
  CONSENT_ACTIONS,
  type ConsentAction,
  type ConsentFacts,
  findUseRefusal,
  stateAt,
  stateConflict,
} from "./consent.ts";
import { findConsents, markUsed, type StoredConsentChange, updateConsents } from "./consent-store.ts";

/** What an event needs of a consent: that it may be used, or that it may change. */
export type GuardedConsent =
  | { readonly kind: "use"; readonly id: string; readonly reading: string }
  | {
      readonly kind: "change";
      readonly id: string;
      readonly action: ConsentAction;
      readonly at: number;
      readonly given?: StoredConsentChange["given"];
    };

export function createConsentGuard(deps: { clock: () => number }): AccessGuard<GuardedConsent> {
  const { clock } = deps;
  return {
    async check(tx, guarded) {
      const found = await findConsents(tx, [...new Set(guarded.map(({ id }) => id))]);
      // As the inputs before it in this batch leave it.
      const facts = new Map<string, ConsentFacts>(found);
      const now = clock();
      return guarded.map((one) => {
        const consent = facts.get(one.id);
        if (!consent) return new AttestryError("consent_unknown", `there is no consent ${one.id}`);
        if (one.kind === "use") {
          const refusal = findUseRefusal(consent, one.reading, now);
          if (refusal) return refusal;
          if (consent.isOneTime) facts.set(one.id, { ...consent, used: consent.used ?? one.reading });
          return undefined;
        }
        const state = stateAt(consent, now);
        const { from, to } = CONSENT_ACTIONS[one.action];
        if (!(from as readonly string[]).includes(state)) return stateConflict(one.id, state, one.action);
        facts.set(one.id, { ...consent, ...one.given, state: to });
        return undefined;
      });
    },
    async store(tx, accepted) {
      const changes = accepted.flatMap(({ guarded: one, logIndex }) =>
        one.kind === "change"
          ? [{ id: one.id, state: CONSENT_ACTIONS[one.action].to, decidedAt: one.at, logIndex, given: one.given }]
          : [],
      );
      const uses = accepted.flatMap(({ guarded: one }) =>
        one.kind === "use" ? [{ id: one.id, used: one.reading }] : [],
      );
      await updateConsents(tx, changes);
      if (uses.length > 0) await markUsed(tx, uses);
    },
  };
}
