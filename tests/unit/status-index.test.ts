// Places in status lists: every running number its own place, and nothing to be told from neighbours.
import { describe, expect, it } from "vitest";
import { STATUS_LIST_ENTRIES } from "../../src/limits.ts";
import { createStatusPlacer } from "../../src/records/status-index.ts";

const key = (byte: number) => new Uint8Array(32).fill(byte);

function placesOf(list: number, byte: number): number[] {
  const place = createStatusPlacer(key(byte));
  return Array.from({ length: STATUS_LIST_ENTRIES }, (_, i) => place(list * STATUS_LIST_ENTRIES + i).index);
}

describe("the places of a list", () => {
  it.each([0, 1, 7])("are all there and each given once, in list %i", (list) => {
    const places = placesOf(list, 1);
    expect(new Set(places).size).toBe(STATUS_LIST_ENTRIES);
    expect(places.every((place) => place >= 0 && place < STATUS_LIST_ENTRIES)).toBe(true);
  });

  it("stand in an order that is the key's and the list's own", () => {
    const [one, two, otherKey] = [placesOf(0, 1), placesOf(1, 1), placesOf(0, 2)];
    const same = (a: number[], b: number[]) => a.filter((place, i) => place === b[i]).length;
    // Two random orders agree in about one place.
    expect(same(one, two)).toBeLessThan(12);
    expect(same(one, otherKey)).toBeLessThan(12);
    expect(one).toEqual(placesOf(0, 1));
  });

  it("do not put neighbours in time beside each other", () => {
    const places = placesOf(0, 1);
    const near = places.filter((place, i) => i > 0 && Math.abs(place - places[i - 1]!) <= 10).length;
    // Of 131,072 random pairs about 20 in 131,072 are that near.
    expect(near).toBeLessThan(60);
  });

  it("go on in the next list when one is full, whichever lists were used before", () => {
    const place = createStatusPlacer(key(1));
    const first = place(0);
    expect(place(STATUS_LIST_ENTRIES - 1).list).toBe(0);
    expect(place(STATUS_LIST_ENTRIES).list).toBe(1);
    expect(place(5 * STATUS_LIST_ENTRIES + 3).list).toBe(5);
    expect(place(0)).toEqual(first);
  });
});
