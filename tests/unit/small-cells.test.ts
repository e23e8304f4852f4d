// Suppression of small counts, attacked: from what is shown, no hidden count may follow.
import { describe, expect, it } from "vitest";
import { type CountTable, suppressSmallCells } from "../../src/records/search/small-cells.ts";

type Person = Readonly<Record<string, string>>;

function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

function tabulate(people: readonly Person[], fields: readonly string[], smallest: number): CountTable {
  const counts = new Map<string, number>();
  for (const person of people) {
    const key = JSON.stringify(fields.map((field) => person[field]!));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return {
    fields,
    smallest,
    cells: [...counts].map(([key, count]) => ({ values: JSON.parse(key) as string[], count })),
  };
}

/** Row space of equations over a prime: enough to tell what follows from sums and differences. */
const PRIME = 2_147_483_629n;
const mod = (value: bigint) => ((value % PRIME) + PRIME) % PRIME;
function inverse(value: bigint): bigint {
  let result = 1n;
  for (let base = mod(value), power = PRIME - 2n; power > 0n; power >>= 1n, base = mod(base * base))
    if (power & 1n) result = mod(result * base);
  return result;
}
class RowSpace {
  readonly #rows = new Map<number, bigint[]>();
  reduce(row: readonly bigint[]): bigint[] {
    let left = row.map(mod);
    for (const [pivot, known] of this.#rows) {
      const factor = left[pivot]!;
      if (factor !== 0n) left = left.map((value, at) => mod(value - factor * known[at]!));
    }
    return left;
  }
  add(row: readonly bigint[]): void {
    const left = this.reduce(row);
    const pivot = left.findIndex((value) => value !== 0n);
    if (pivot < 0) return;
    const scale = inverse(left[pivot]!);
    const scaled = left.map((value) => mod(value * scale));
    for (const [at, known] of this.#rows) {
      const factor = known[pivot]!;
      this.#rows.set(
        at,
        known.map((value, i) => mod(value - factor * scaled[i]!)),
      );
    }
    this.#rows.set(pivot, scaled);
  }
  has(row: readonly bigint[]): boolean {
    return this.reduce(row).every((value) => value === 0n);
  }
}

const FIELDS = ["a", "b", "c"];
const TABLES = [["a"], ["b"], ["a", "b"], ["c", "a"], ["a", "b", "c"], ["b", "c"]];

/** The small counts that follow, as sums and differences, from the shown ones and the total. */
function findGivenAway(
  tables: readonly CountTable[],
  shown: ReturnType<typeof suppressSmallCells>,
  domains: string[][],
): string[] {
  const worlds = domains.reduce<string[][]>(
    (all, values) => all.flatMap((some) => values.map((value) => [...some, value])),
    [[]],
  );
  const rowOf = (fields: readonly string[], values: readonly string[]) =>
    worlds.map((world) => (fields.every((field, at) => world[FIELDS.indexOf(field)] === values[at]) ? 1n : 0n));
  const known = new RowSpace();
  known.add(worlds.map(() => 1n));
  tables.forEach(({ fields }, at) => {
    for (const { values } of shown[at]!) known.add(rowOf(fields, values));
  });
  return tables.flatMap(({ fields, cells, smallest }) =>
    cells
      .filter(({ count }) => count < smallest)
      .filter(({ values }) => known.has(rowOf(fields, values)))
      .map(({ values }) => `${fields}=${values}`),
  );
}

function makePeople(random: () => number, count: number, sizes: readonly number[]): Person[] {
  // Squared, so that some values are rare.
  return Array.from({ length: count }, () =>
    Object.fromEntries(FIELDS.map((field, at) => [field, `${field}${Math.floor(random() ** 2 * sizes[at]!)}`])),
  );
}

describe("small cells", () => {
  it("are hidden with another one along each field, and large ones stay", () => {
    const table = {
      fields: ["district", "sex"],
      smallest: 5,
      cells: [
        { values: ["A", "f"], count: 2 },
        { values: ["A", "m"], count: 40 },
        { values: ["B", "f"], count: 30 },
        { values: ["B", "m"], count: 20 },
        { values: ["C", "f"], count: 90 },
        { values: ["C", "m"], count: 80 },
      ],
    };
    expect(suppressSmallCells([table])).toEqual([table.cells.slice(4)]);
  });

  it("hide nothing where all are large, or one is allowed to be small", () => {
    const cells = [
      { values: ["A"], count: 1 },
      { values: ["B"], count: 7 },
    ];
    expect(suppressSmallCells([{ fields: ["x"], smallest: 1, cells }])).toEqual([cells]);
    expect(suppressSmallCells([{ fields: ["x"], smallest: 2, cells }])).toEqual([[]]);
    expect(suppressSmallCells([])).toEqual([]);
  });

  it("are hidden with all others where finding what to hide beside them takes too long", () => {
    const random = createRandom(7);
    const cells = Array.from({ length: 1_000 }, (_, at) => ({
      values: [at % 30, Math.floor(at / 30), Math.floor(random() * 30)].map(String),
      count: 1 + Math.floor(random() * 3),
    }));
    const began = performance.now();
    expect(suppressSmallCells([{ fields: ["a", "b", "c"], smallest: 10, cells }])).toEqual([[]]);
    expect(performance.now() - began).toBeLessThan(3_000);
    const few = tabulate([...Array(9).fill({ a: "1" }), { a: "2" }, ...Array(5).fill({ a: "3" })], ["a"], 2);
    expect(suppressSmallCells([few]).flat()).toHaveLength(1);
    expect(suppressSmallCells([few], 1)).toEqual([[]]);
  });

  it("do not follow from another statistic that counts by the same field and more", () => {
    const groups = [
      ["rare", "f", 2],
      ["often", "f", 6],
      ["often", "m", 6],
      ["often", "x", 58],
      ["usual", "f", 25],
      ["usual", "m", 25],
    ] as const;
    const people = groups.flatMap(([a, b, count]) => Array.from({ length: count }, () => ({ a, b, c: "x" })));
    const tables = [tabulate(people, ["a"], 5), tabulate(people, ["a", "b"], 5)];
    // By itself, the finer one would hide some of "often", and show both cells of "usual": together as many as `a` hides.
    expect(suppressSmallCells([tables[1]!])[0]!.filter(({ values }) => values[0] === "usual")).toHaveLength(2);
    const shown = suppressSmallCells(tables);
    expect(shown[0]!.map(({ values }) => values[0])).toEqual(["often"]);
    expect(shown[1]!.filter(({ values }) => values[0] === "usual").length).toBeLessThan(2);
    expect(findGivenAway(tables, shown, [["rare", "often", "usual"], ["f", "m", "x"], ["x"]])).toEqual([]);
  });

  it.each(Array.from({ length: 60 }, (_, seed) => [seed]))(
    "follow from nothing shown, in random registries: seed %i",
    (seed) => {
      const random = createRandom(seed + 1);
      const sizes = [2 + (seed % 4), 1 + (seed % 3), 2 + ((seed >> 2) % 3)];
      const people = makePeople(random, 5 + Math.floor(random() * 200), sizes);
      const smallest = 2 + (seed % 6);
      const chosen = TABLES.filter(() => random() < 0.6);
      const tables = chosen.map((fields) => tabulate(people, fields, smallest));
      const shown = suppressSmallCells(tables);
      const domains = FIELDS.map((field) => [...new Set(people.map((person) => person[field]!))]);
      shown.forEach((cells, at) => {
        for (const { values, count } of cells) {
          expect(count).toBeGreaterThanOrEqual(smallest);
          expect(tables[at]!.cells).toContainEqual({ values, count });
        }
      });
      if (shown.some((cells) => cells.length > 0)) expect(findGivenAway(tables, shown, domains)).toEqual([]);
    },
  );

  it("can be other counts for real: a set of people exists of whom all that is shown is true", () => {
    // Small enough to go through every set of people: of each hidden small count, another one fits.
    const people = ["00", "00", "00", "01", "01", "10", "10", "11"].map(([a, b]) => ({ a: a!, b: b! }));
    const [table] = [tabulate(people, ["a", "b"], 3)];
    const shown = suppressSmallCells([table!])[0]!;
    const keys = ["00", "01", "10", "11"];
    const possible = new Map(keys.map((key) => [key, new Set<number>()]));
    for (let x = 0; x <= 8; x++)
      for (let y = 0; x + y <= 8; y++)
        for (let z = 0; x + y + z <= 8; z++) {
          const world = [x, y, z, 8 - x - y - z];
          const rows = [world[0]! + world[1]!, world[0]! + world[2]!];
          const fits = shown.every(({ values, count }) => world[keys.indexOf(values.join(""))] === count);
          // Totals along each field are known besides.
          if (fits && rows[0] === 5 && rows[1] === 5)
            for (const [at, key] of keys.entries()) possible.get(key)!.add(world[at]!);
        }
    for (const { values, count } of table!.cells)
      if (count < 3) expect(possible.get(values.join(""))!.size, values.join("")).toBeGreaterThan(1);
  });
});
