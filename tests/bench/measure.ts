// Rounds, medians and spreads. A speed is only ever told as a ratio against its twin in the same run.

export interface Round {
  readonly ours: number;
  readonly twin: number;
}

export interface BenchRow {
  readonly row: string;
  readonly ratio: number;
  /** Lowest and highest ratio of a round. */
  readonly spread: readonly [number, number];
  readonly goal: string;
  readonly ours: number;
  readonly twin: number;
  readonly unit: string;
  readonly rounds: number;
  readonly note?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value below which `percent` of 100 values are. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]!;
}

function digits(value: number): number {
  return Number(value.toPrecision(3));
}

/** The row of a bench: medians over the rounds; the ratio is that of each round, so that a slow moment hits both sides. */
export function summarize(options: {
  row: string;
  goal: string;
  unit: string;
  rounds: readonly Round[];
  note?: string;
}): BenchRow {
  const { row, goal, unit, rounds, note } = options;
  const ratios = rounds.map(({ ours, twin }) => ours / twin);
  return {
    row,
    ratio: digits(median(ratios)),
    spread: [digits(Math.min(...ratios)), digits(Math.max(...ratios))],
    goal,
    ours: digits(median(rounds.map(({ ours }) => ours))),
    twin: digits(median(rounds.map(({ twin }) => twin))),
    unit,
    rounds: rounds.length,
    ...(note !== undefined && { note }),
  };
}

/** Ours and the twin in turns, the first of a pair alternating, after one unmeasured turn each. */
export async function interleave(
  rounds: number,
  sides: { ours: () => Promise<number>; twin: () => Promise<number> },
): Promise<Round[]> {
  await sides.ours();
  await sides.twin();
  const measured: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const ours = await sides.ours();
      measured.push({ ours, twin: await sides.twin() });
    } else {
      const twin = await sides.twin();
      measured.push({ ours: await sides.ours(), twin });
    }
  }
  return measured;
}
