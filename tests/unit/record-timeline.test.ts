// Recorded time and effective time, against a model that keeps the whole grid of both and fills it step by step.
import { describe, expect, it } from "vitest";
import {
  findChangeAt,
  findPredecessor,
  findVersionAt,
  type Instant,
  parseCoordinates,
  type StateChange,
  stateAfter,
  type VersionPeriod,
} from "../../src/records/record-timeline.ts";
import { createRandom } from "../api/seeded-random.ts";
import { caughtError } from "../caught-error.ts";

const TIMES = 7;
const at = (seconds: number | undefined): Instant | undefined =>
  seconds === undefined ? undefined : { seconds, text: String(seconds) };

/**
 * The model: a table of effective times by recorded time, one row per moment at which anything was recorded. A version paints its
 * number over its period, a statement paints its state from its effect on, in this row and all later ones.
 */
function paint(versions: readonly VersionPeriod[], changes: readonly StateChange[]) {
  const grid = Array.from({ length: TIMES }, () =>
    Array.from({ length: TIMES }, () => ({ version: undefined as number | undefined, state: "active" })),
  );
  for (const one of versions)
    for (let recorded = one.recordedAt; recorded < TIMES; recorded++)
      for (let effective = one.validFrom ?? 0; effective < (one.validUntil ?? TIMES); effective++)
        grid[recorded]![effective]!.version = one.version;
  for (const one of changes)
    for (let recorded = one.recordedAt; recorded < TIMES; recorded++)
      for (let effective = one.effectiveAt; effective < TIMES; effective++)
        grid[recorded]![effective]!.state = one.state;
  return grid;
}

describe("the timeline of a record", () => {
  it("gives the version and the state that a painted table of both times has, for every pair of times of 3,000 random lives", () => {
    const random = createRandom(20_181_016);
    for (let life = 0; life < 3_000; life++) {
      let recordedAt = 0;
      const step = () => (recordedAt = Math.min(TIMES - 1, recordedAt + random.below(3)));
      const versions: VersionPeriod[] = [];
      for (let number = 1; number <= 1 + random.below(4); number++) {
        const from = random.chance(0.7) ? random.below(TIMES) : null;
        const until = random.chance(0.5) ? (from ?? 0) + 1 + random.below(TIMES) : null;
        versions.push({
          version: number,
          recordedAt: step(),
          validFrom: from,
          validUntil: until && Math.min(until, TIMES),
        });
      }
      const changes: StateChange[] = [];
      recordedAt = 0;
      for (let number = 1; number <= random.below(4); number++) {
        step();
        const state = random.pick(["suspended", "active", "ended", "revoked"]);
        changes.push({
          number,
          operation: state,
          state,
          recordedAt,
          effectiveAt: state === "revoked" ? 0 : random.below(recordedAt + 1),
        });
      }
      const grid = paint(versions, changes);
      for (let asOf = 0; asOf < TIMES; asOf++)
        for (let validAt = 0; validAt < TIMES; validAt++) {
          const coordinates = { asOf: at(asOf), validAt: at(validAt) };
          const found = {
            version: findVersionAt(versions, coordinates)?.version,
            state: stateAfter(findChangeAt(changes, coordinates)),
          };
          expect(found, JSON.stringify({ versions, changes, asOf, validAt })).toEqual(grid[asOf]![validAt]);
        }
    }
  });

  const renamed: VersionPeriod[] = [
    { version: 1, recordedAt: 100, validFrom: 10, validUntil: null },
    { version: 2, recordedAt: 200, validFrom: 50, validUntil: null },
  ];
  const corrected: VersionPeriod[] = [
    ...renamed,
    { version: 3, recordedAt: 300, validFrom: 10, validUntil: 50 },
    { version: 4, recordedAt: 300, validFrom: 50, validUntil: null },
  ];

  it("gives, without a time of effect, what a plain read answered then", () => {
    const version = (asOf: number) => findVersionAt(corrected, { asOf: at(asOf), validAt: undefined })?.version;
    expect([99, 100, 199, 200, 300].map(version)).toEqual([undefined, 1, 1, 2, 4]);
  });

  it("gives, without a time of recording, all that is known today", () => {
    const version = (validAt: number) => findVersionAt(corrected, { asOf: undefined, validAt: at(validAt) })?.version;
    expect([9, 10, 49, 50].map(version)).toEqual([undefined, 3, 3, 4]);
  });

  it("compares a version with the one whose place it takes, and a correction with the past that it corrects", () => {
    expect(corrected.map((one) => findPredecessor(corrected, one)?.version)).toEqual([undefined, 1, 1, 2]);
  });

  it("compares a version of a time that had none with the one before it", () => {
    const earlier: VersionPeriod = { version: 3, recordedAt: 300, validFrom: 1, validUntil: 5 };
    expect(findPredecessor(renamed, earlier)?.version).toBe(2);
    expect(findPredecessor(renamed, { ...earlier, validFrom: null })?.version).toBe(2);
  });
});

describe("the times of a request", () => {
  it("takes a date as its last instant and a time as itself, in its zone", () => {
    const read = (text: string) => parseCoordinates({ asOf: undefined, validAt: text })?.validAt;
    expect(read("2018-10-16")).toEqual({ seconds: Date.UTC(2018, 9, 16, 23, 59, 59) / 1_000, text: "2018-10-16" });
    expect(read("2018-10-16T05:30:00.75+05:30")?.seconds).toBe(Date.UTC(2018, 9, 16) / 1_000);
    expect(parseCoordinates({ asOf: undefined, validAt: undefined })).toBeUndefined();
  });

  it("refuses what is no time, with the forms that are", () => {
    for (const text of ["", "2018", "2018-02-30", "yesterday", "2018-10-16T09:00", "2018-10-16 09:00:00Z"]) {
      const error = caughtError(() => parseCoordinates({ asOf: text, validAt: undefined }));
      expect(error, text).toMatchObject({ code: "query_invalid" });
      expect(error.message).toContain("2018-10-16T09:00:00Z");
    }
  });
});
