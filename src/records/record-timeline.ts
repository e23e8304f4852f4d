// Which version and state of a record hold at a pair of times: when it was recorded, and when it was in effect. Pure.
import { AttestryError } from "../errors.ts";
import { parseEffectiveTime } from "./effective-time.ts";

/** A point in time as somebody asked for it. */
export interface Instant {
  /** Unix seconds. */
  readonly seconds: number;
  readonly text: string;
}

/** `asOf`: what had been recorded by then; `validAt`: what was in effect then. Undefined: not asked for. */
export interface TimeCoordinates {
  readonly asOf: Instant | undefined;
  readonly validAt: Instant | undefined;
}

/**
 * Times are Unix seconds; `validFrom` is the first instant in effect, `validUntil` the first one that no longer is. An erased version has
 * neither: it stands for every time that no later one covers, so that nobody takes an earlier one for what held then.
 */
export interface VersionPeriod {
  readonly version: number;
  readonly recordedAt: number;
  readonly validFrom: number | null;
  readonly validUntil: number | null;
}

export interface StateChange {
  readonly number: number;
  readonly operation: string;
  readonly state: string;
  readonly effectiveAt: number;
  readonly recordedAt: number;
}

const FIRST_STATE = "active";

/** Reads the times of a request; undefined if it has none. A date stands for its last instant. Throws `query_invalid`. */
export function parseCoordinates(options: {
  asOf: string | undefined;
  validAt: string | undefined;
}): TimeCoordinates | undefined {
  const asOf = parseInstant("asOf", options.asOf);
  const validAt = parseInstant("validAt", options.validAt);
  return asOf || validAt ? { asOf, validAt } : undefined;
}

function parseInstant(name: string, text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const end = parseEffectiveTime(text, "end");
  if (end === undefined) {
    throw new AttestryError(
      "query_invalid",
      `"${name}" must be a date (2018-10-16) or a date with time and zone (2018-10-16T09:00:00Z; a "+" of the zone is written %2B in an address)`,
    );
  }
  // Of a date, "end" is the first instant after it.
  return { seconds: text.includes("T") ? end : end - 1, text };
}

/**
 * The version that holds: of those recorded by then, the latest one in effect at the time asked for. Without `validAt`, the latest
 * one recorded by then, which is what a plain read answered at that time. Undefined: nothing was in effect.
 */
export function findVersionAt<Version extends VersionPeriod>(
  versions: readonly Version[],
  { asOf, validAt }: TimeCoordinates,
): Version | undefined {
  return findLatest(
    versions.filter((one) => isRecordedBy(one, asOf) && (validAt === undefined || covers(one, validAt.seconds))),
    (one) => one.version,
  );
}

/** The last change of state recorded by then whose effect had begun; undefined: none, so the record is as it was created. */
export function findChangeAt<Change extends StateChange>(
  changes: readonly Change[],
  { asOf, validAt }: TimeCoordinates,
): Change | undefined {
  return findLatest(
    changes.filter(
      (one) =>
        // The erasure of a version leaves the state as it is.
        one.operation !== "erase_version" &&
        isRecordedBy(one, asOf) &&
        (validAt === undefined || one.effectiveAt <= validAt.seconds),
    ),
    (one) => one.number,
  );
}

export function stateAfter(change: Pick<StateChange, "state"> | undefined): string {
  return change?.state ?? FIRST_STATE;
}

/**
 * The version that a later one is to be compared with: the one that it takes the place of where its period begins. A correction of
 * the past is so compared with the past that it corrects, and not with what is in effect today.
 */
export function findPredecessor<Version extends VersionPeriod>(
  versions: readonly Version[],
  version: VersionPeriod,
): Version | undefined {
  const earlier = versions.filter((one) => one.version < version.version);
  const start = version.validFrom ?? Number.NEGATIVE_INFINITY;
  const byNumber = (one: Version) => one.version;
  return (
    findLatest(
      earlier.filter((one) => covers(one, start)),
      byNumber,
    ) ?? findLatest(earlier, byNumber)
  );
}

function isRecordedBy({ recordedAt }: { readonly recordedAt: number }, asOf: Instant | undefined): boolean {
  return asOf === undefined || recordedAt <= asOf.seconds;
}

function covers({ validFrom, validUntil }: VersionPeriod, seconds: number): boolean {
  return (validFrom === null || validFrom <= seconds) && (validUntil === null || seconds < validUntil);
}

function findLatest<Item>(items: readonly Item[], numberOf: (item: Item) => number): Item | undefined {
  return items.reduce<Item | undefined>(
    (latest, one) => (latest === undefined || numberOf(one) > numberOf(latest) ? one : latest),
    undefined,
  );
}
