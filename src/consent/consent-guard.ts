// Consents inside the access log's transaction: a reading counts only if its consent holds at its place in the log, and no state is left twice.

import type { AccessGuard } from "../access/access-log-service.ts";
import { AttestryError } from "../errors.ts";
import { CONSENT_ACTIONS, type ConsentAction, findUseRefusal, stateAt, stateConflict } from "./consent.ts";
import type { ConsentSealer } from "./consent-sealer.ts";
import {
  findConsents,
  markUsed,
  type StoredConsent,
  type StoredConsentChange,
  updateConsents,
} from "./consent-store.ts";

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

export function createConsentGuard(deps: {
  clock: () => number;
  sealer: Pick<ConsentSealer, "isIntact" | "stateMac">;
}): AccessGuard<GuardedConsent> {
  const { clock, sealer } = deps;
  // The row as it was read for an input, for what is stored with it in the same transaction.
  const rows = new WeakMap<GuardedConsent, StoredConsent>();

  return {
    async check(tx, guarded) {
      const found = await findConsents(tx, [...new Set(guarded.map(({ id }) => id))]);
      const intact = new Set([...found.values()].filter(sealer.isIntact).map(({ id }) => id));
      // As the inputs before it in this batch leave it.
      const facts = new Map(found);
      const now = clock();
      return guarded.map((one) => {
        const consent = facts.get(one.id);
        if (!consent) return new AttestryError("consent_unknown", `there is no consent ${one.id}`);
        rows.set(one, found.get(one.id)!);
        if (one.kind === "use") {
          // Changed by somebody without the keys: what the row says decides nothing.
          if (!intact.has(one.id)) return new AttestryError("consent_invalidated", `consent ${one.id} is invalidated`);
          const refusal = findUseRefusal(consent, one.reading, now);
          if (refusal) return refusal;
          if (consent.isOneTime) facts.set(one.id, { ...consent, used: consent.used ?? one.reading });
          return undefined;
        }
        const state = intact.has(one.id) ? stateAt(consent, now) : "invalidated";
        const { from, to } = CONSENT_ACTIONS[one.action];
        if (!(from as readonly string[]).includes(state)) return stateConflict(one.id, state, one.action);
        facts.set(one.id, { ...consent, ...one.given, state: to });
        return undefined;
      });
    },

    async store(tx, accepted) {
      const current = new Map<string, StoredConsent>();
      const changes: Omit<StoredConsentChange, "stateMac">[] = [];
      const uses: { id: string; used: string }[] = [];
      for (const { guarded: one, logIndex } of accepted) {
        const { id } = one;
        const before = current.get(id) ?? rows.get(one)!;
        if (one.kind === "change") {
          const { at: decidedAt, given } = one;
          const state = CONSENT_ACTIONS[one.action].to;
          current.set(id, { ...before, ...given, state, decidedAt, logIndex });
          changes.push({ id, state, decidedAt, logIndex, given });
          // The first reading by a consent is kept with it.
        } else if (before.used === null) {
          current.set(id, { ...before, used: one.reading });
          uses.push({ id, used: one.reading });
        }
      }
      const macs = new Map([...current].map(([id, row]) => [id, sealer.stateMac(row)]));
      const withMac = <One extends { readonly id: string }>(one: One) => ({ ...one, stateMac: macs.get(one.id)! });
      await updateConsents(tx, changes.map(withMac));
      if (uses.length > 0) await markUsed(tx, uses.map(withMac));
    },
  };
}
