// What the access log's events decided about consents, held against what the consents' rows say. Pure.
import type { AccessContent } from "./access-event.ts";

/** A consent's row, for the audit. `isIntact`: it says what the node wrote into it last. `terms`: digest of those that it was given by, if it was. */
export interface ConsentRow {
  readonly id: string;
  readonly state: string;
  readonly logIndex: number | null;
  readonly isIntact: boolean;
  readonly terms: string | undefined;
}

export interface ConsentProblem {
  readonly code: "consent_state_wrong" | "consent_missing";
  readonly message: string;
  readonly index?: number;
  readonly consent: string;
}

export interface DecidedConsents {
  /** In the order of the log. */
  see(index: number, content: Pick<AccessContent, "consent">): void;
  /** What is wrong with a row; `isLater`: it was decided by an entry that was written since the events were seen. */
  judge(row: ConsentRow, isLater: boolean): ConsentProblem | undefined;
  /** Of those that were decided, which have no row. */
  findMissing(): ConsentProblem[];
}

/** Nothing that ends by the clock alone is in a row: a consent that is over stands there as it was decided last. */
export function createDecidedConsents(): DecidedConsents {
  const last = new Map<string, { state: string; index: number; terms: string | undefined }>();
  const judged = new Set<string>();
  return {
    see(index, { consent }) {
      if (consent) last.set(consent.id, { state: consent.state, index, terms: consent.terms });
    },
    judge({ id, state, logIndex, isIntact, terms }, isLater) {
      judged.add(id);
      const problem = (message: string, index?: number): ConsentProblem => ({
        code: "consent_state_wrong",
        message,
        ...(index !== undefined && { index }),
        consent: id,
      });
      const decided = last.get(id);
      const wanted = decided?.state ?? "requested";
      if (!isLater && (state !== wanted || logIndex !== (decided?.index ?? null)))
        return problem(`the row says ${state}, the last decision in the log ${wanted}`, decided?.index);
      // Each decision names the terms that there are by then.
      if (!isLater && isIntact && terms !== decided?.terms)
        return problem("the row has other terms than the last decision in the log names", decided?.index);
      if (!isIntact) return problem("the row was changed by somebody else than the node", decided?.index);
      return undefined;
    },
    findMissing: () =>
      [...last]
        .filter(([id]) => !judged.has(id))
        .map(([id, { index }]) => ({
          code: "consent_missing",
          message: "the row of a consent that was decided about is gone",
          index,
          consent: id,
        })),
  };
}
