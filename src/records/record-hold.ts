// Holds: a record that must be kept, because of which case, until when. Pure.
import { formatSeconds } from "../clock.ts";
import { AttestryError } from "../errors.ts";

const DAY_SECONDS = 86_400;

/** A hold as it is shown. Of a confidential one, whoever may not place holds is told only that it stands. */
export interface HoldView {
  readonly id: string;
  readonly in_force: boolean;
  readonly since?: string;
  /** The last moment that it holds, as it was written; left out: until it is lifted. */
  readonly until?: string;
  readonly confidential: boolean;
  readonly case?: string;
  readonly reason?: string;
  readonly reason_text?: string;
  readonly instrument?: string;
  readonly role?: string;
  readonly by?: string;
  /** By whom it was lifted, when and on which ground. */
  readonly released?: {
    readonly at: string;
    readonly role?: string;
    readonly by?: string;
    readonly reason?: string;
    readonly instrument?: string;
  };
}

/** What may not be erased, and until when: Unix seconds, null where it ends only by being lifted. */
export interface Standing {
  readonly until: number | null;
}

/** Whether a hold that nobody lifted stands at a time, Unix seconds. */
export function stands({ until }: Standing, now: number): boolean {
  return until === null || until > now;
}

/** The last day, or moment, before the first instant at which a hold is over. */
function formatEnd(until: number): string {
  return until % DAY_SECONDS === 0 ? formatSeconds(until - 1).slice(0, 10) : formatSeconds(until);
}

/** Says until when, and what to do; neither case nor reason, which not everybody may know who meets it. */
export function recordHeld(holds: readonly Standing[]): AttestryError {
  const ends = holds.map(({ until }) => until);
  const last = ends.includes(null) ? undefined : Math.max(...ends.map(Number));
  const when = last === undefined ? "until its hold is lifted" : `until ${formatEnd(last)}`;
  return new AttestryError(
    "record_held",
    `the record must be kept ${when}: ${holds.length === 1 ? "a hold stands" : `${holds.length} holds stand`} on it. Erase it afterwards, or have an approver lift what holds it first`,
  );
}
