// Which cells of counts may be shown so that the small ones stay unknown, in all statistics of a registry together. Pure.
//
// What is guaranteed. Take everything that is shown of a registry's statistics, and the number of its records. For every small cell,
// and every other one that is hidden for its sake, there is another set of records of which all that is shown is just as true, and in
// which this cell has another count. Where each field has two values or more, even the totals along each field may be known besides.
// So no hidden cell follows from totals, from another statistic by some of the same fields, or from subtracting any of these.
// What is not listed is hidden or nought: which of both is not told.
//
// How. A small cell is hidden together with the corners of a box: in each field another value. Records of every second corner could
// have had the values of the corners between them, and all totals were the same (the hypercube method of statistics offices). Where
// another statistic counts by the same fields, and others, the box is hidden in it too, at one value of those others: else its cells
// would add up to the hidden ones. If a statistic has no room for it, nothing of that statistic is shown. Nor is anything shown where
// so many cells are small that finding what to hide beside them takes too long: hardly any would be left.
import { STATISTIC_CELLS_LOOKED_AT_MAX } from "../../limits.ts";

export interface CountedCell {
  /** By the statistic's fields, in their order: any texts that tell values apart. */
  readonly values: readonly string[];
  readonly count: number;
}

export interface CountTable {
  readonly fields: readonly string[];
  readonly cells: readonly CountedCell[];
  /** Smaller counts are hidden. */
  readonly smallest: number;
}

/** Values of fields, by their names. */
type Corner = ReadonlyMap<string, string>;

/** Records of `from` could have been in `to`. Corners differ in `fields`; `further` is what such a record has in other fields. */
interface Move {
  readonly fields: readonly string[];
  readonly from: readonly Corner[];
  readonly to: readonly Corner[];
  readonly further: Map<string, string>;
}

// So many values of a field are tried for the other corner of a box, the likeliest first, before every cell is.
const PARTNERS_TRIED = 12;

/** The cells that are still looked at: strangers ask for statistics, and all who ask a node wait while it works them out. */
class Effort {
  #left: number;

  constructor(cells: number) {
    this.#left = cells;
  }

  get isSpent(): boolean {
    return this.#left < 0;
  }

  spend(cells: number): void {
    this.#left -= cells;
  }
}

/** The cells of each table that may be shown; the same order of tables. */
export function suppressSmallCells(
  tables: readonly CountTable[],
  cellsLookedAtMax = STATISTIC_CELLS_LOOKED_AT_MAX,
): CountedCell[][] {
  const effort = new Effort(cellsLookedAtMax);
  const sheets = tables.map((table) => new Sheet(table, effort));
  // From the fewest fields to the most: what a table adds to a move is then known to those that have more.
  const order = [...sheets].sort((a, b) => a.table.fields.length - b.table.fields.length);
  for (const sheet of order) {
    for (const cell of sheet.table.cells) {
      if (cell.count === 0 || cell.count >= sheet.table.smallest || sheet.isMoved(cell.values)) continue;
      const move = sheet.findMove(cell.values);
      if (move === undefined) return sheets.map(() => []);
      for (const other of order) if (move.fields.every((field) => other.table.fields.includes(field))) other.hide(move);
      if (effort.isSpent) return sheets.map(() => []);
    }
  }
  return sheets.map((sheet) => sheet.listShown());
}

/** A table, and what of it is hidden so far. */
class Sheet {
  readonly table: CountTable;
  readonly #counts: ReadonlyMap<string, number>;
  readonly #domains: ReadonlyMap<string, readonly string[]>;
  readonly #hidden = new Set<string>();
  readonly #byFields = new Map<string, Map<string, CountedCell[]>>();
  readonly #effort: Effort;
  #isAllHidden = false;

  constructor(table: CountTable, effort: Effort) {
    this.table = table;
    this.#effort = effort;
    this.#counts = new Map(table.cells.map(({ values, count }) => [JSON.stringify(values), count]));
    this.#domains = new Map(
      table.fields.map((field, at) => [field, [...new Set(table.cells.map(({ values }) => values[at]!))]]),
    );
  }

  /** Whether the cell's records could have been elsewhere already, or others here. */
  isMoved(values: readonly string[]): boolean {
    return this.#hidden.has(JSON.stringify(values));
  }

  /** The cheapest box with this cell as a corner, in as many fields as there are two values of. */
  findMove(values: readonly string[]): Move | undefined {
    const corner: Corner = new Map(this.table.fields.map((field, at) => [field, values[at]!]));
    const wide = this.table.fields.filter((field) => this.#domains.get(field)!.length > 1);
    for (const fields of subsets(wide)) {
      const further = new Map([...corner].filter(([field]) => !fields.includes(field)));
      const likely = fields.map((field) => this.#partnersOf(corner, field).slice(0, PARTNERS_TRIED));
      const move = this.#cheapest(corner, { fields, further }, product(likely));
      if (move) return move;
      const opposites = this.table.cells.map((cell) =>
        fields.map((field) => cell.values[this.table.fields.indexOf(field)]!),
      );
      const opposed = opposites.filter((some) => some.every((value, at) => value !== corner.get(fields[at]!)));
      const last = this.#cheapest(corner, { fields, further }, opposed);
      if (last) return last;
    }
    return undefined;
  }

  /** Hides a move here, at one value of each further field; adds those values to it. Hides everything where there is no room. */
  hide(move: Move): void {
    if (this.#isAllHidden) return;
    let best: { corners: string[][]; further: Corner; cost: number } | undefined;
    // Every corner that records leave must have one: the cells at the first of them are all there is to choose from.
    for (const cell of this.#cellsAt(move.fields, move.from[0]!)) {
      const further = new Map(
        this.table.fields.flatMap((field, at) =>
          move.fields.includes(field) ? [] : [[field, cell.values[at]!] as const],
        ),
      );
      if ([...further].some(([field, value]) => (move.further.get(field) ?? value) !== value)) continue;
      const place = (corner: Corner) => this.table.fields.map((field) => (corner.get(field) ?? further.get(field))!);
      this.#effort.spend(move.from.length);
      if (this.#effort.isSpent) return;
      const from = move.from.map(place);
      if (!this.#areCounted(from)) continue;
      const corners = [...from, ...move.to.map(place)];
      const cost = this.#costOf(corners);
      if (best === undefined || cost < best.cost) best = { corners, further, cost };
    }
    if (best === undefined) this.#isAllHidden = true;
    for (const values of best?.corners ?? []) this.#hidden.add(JSON.stringify(values));
    for (const [field, value] of best?.further ?? []) move.further.set(field, value);
  }

  listShown(): CountedCell[] {
    if (this.#isAllHidden) return [];
    return this.table.cells.filter(({ values, count }) => count > 0 && !this.#hidden.has(JSON.stringify(values)));
  }

  #cheapest(
    corner: Corner,
    { fields, further }: Pick<Move, "fields" | "further">,
    others: Iterable<readonly string[]>,
  ): Move | undefined {
    let best: { move: Move; cost: number } | undefined;
    const place = (one: Corner) => this.table.fields.map((field) => (one.get(field) ?? further.get(field))!);
    for (const other of others) {
      this.#effort.spend(1 << fields.length);
      if (this.#effort.isSpent) return undefined;
      const [even, odd] = cornersOf(corner, fields, other);
      // Either the records of the one half could have been in the other half, or the other way round.
      const isOddLeft = this.#areCounted(odd.map(place));
      if (!isOddLeft && !this.#areCounted(even.map(place))) continue;
      const cost = this.#costOf([...even, ...odd].map(place));
      const [from, to] = isOddLeft ? [odd, even] : [even, odd];
      if (best === undefined || cost < best.cost)
        best = { move: { fields, from, to, further: new Map(further) }, cost };
    }
    return best?.move;
  }

  /** Other values of a field, those first whose cell costs least to hide. */
  #partnersOf(corner: Corner, field: string): string[] {
    const weigh = (value: string): number => {
      const values = this.table.fields.map((one) => (one === field ? value : corner.get(one)!));
      const count = this.#counts.get(JSON.stringify(values)) ?? 0;
      return this.isMoved(values) ? -1 : count === 0 ? Number.MAX_SAFE_INTEGER : count;
    };
    const domain = this.#domains.get(field)!;
    this.#effort.spend(domain.length);
    return domain
      .filter((value) => value !== corner.get(field))
      .map((value) => ({ value, weight: weigh(value) }))
      .sort((a, b) => a.weight - b.weight || (a.value < b.value ? -1 : 1))
      .map(({ value }) => value);
  }

  #cellsAt(fields: readonly string[], corner: Corner): readonly CountedCell[] {
    const key = JSON.stringify(fields);
    let index = this.#byFields.get(key);
    if (index === undefined) {
      index = new Map();
      for (const cell of this.table.cells) {
        const at = JSON.stringify(fields.map((field) => cell.values[this.table.fields.indexOf(field)]));
        const known = index.get(at);
        if (known) known.push(cell);
        else index.set(at, [cell]);
      }
      this.#byFields.set(key, index);
    }
    return index.get(JSON.stringify(fields.map((field) => corner.get(field)))) ?? [];
  }

  #areCounted(corners: readonly (readonly string[])[]): boolean {
    return corners.every((values) => (this.#counts.get(JSON.stringify(values)) ?? 0) > 0);
  }

  /** How much of what could have been shown is lost by hiding these. */
  #costOf(corners: readonly (readonly string[])[]): number {
    return corners.reduce((sum, values) => {
      const key = JSON.stringify(values);
      return sum + (this.#hidden.has(key) ? 0 : (this.#counts.get(key) ?? 0));
    }, 0);
  }
}

/** The corners of the box between two opposite ones: those that an even number of fields has from `other`, and the rest. */
function cornersOf(corner: Corner, fields: readonly string[], other: readonly string[]): [Corner[], Corner[]] {
  const even: Corner[] = [];
  const odd: Corner[] = [];
  for (let mask = 0; mask < 1 << fields.length; mask++) {
    const taken = fields.map((_, at) => (mask & (1 << at)) !== 0);
    const values = new Map(fields.map((field, at) => [field, taken[at] ? other[at]! : corner.get(field)!]));
    (taken.filter(Boolean).length % 2 === 0 ? even : odd).push(values);
  }
  return [even, odd];
}

/** All subsets but the empty one, the largest first. */
function subsets<Item>(items: readonly Item[]): Item[][] {
  const all = Array.from({ length: 1 << items.length }, (_, mask) => items.filter((_, at) => mask & (1 << at)));
  return all.filter((some) => some.length > 0).sort((a, b) => b.length - a.length);
}

function* product(lists: readonly (readonly string[])[]): Generator<string[]> {
  const [first, ...rest] = lists;
  if (first === undefined) return void (yield []);
  for (const value of first) for (const more of product(rest)) yield [value, ...more];
}
