// `npm run bench -- [ROW...] [--json]`: measures rows against their twins and prints the ratios. Fails only if something cannot be measured.
import type { BenchRow } from "./measure.ts";
import { ROWS } from "./rows.ts";
import { createWorld } from "./world.ts";

const args = process.argv.slice(2);
const json = args.includes("--json");
const known = Object.keys(ROWS) as (keyof typeof ROWS)[];
const names = args.filter((arg) => !arg.startsWith("--"));
const unknown = [
  ...names.filter((name) => !(name in ROWS)),
  ...args.filter((arg) => arg.startsWith("--") && arg !== "--json"),
];
if (unknown.length > 0) {
  process.stderr.write(`unknown: ${unknown.join(", ")}\nusage: npm run bench -- [${known.join("] [")}] [--json]\n`);
  process.exit(64);
}

function describe(row: BenchRow): string {
  const spread = `${row.spread[0]}-${row.spread[1]}`;
  return `${row.row.padEnd(14)} ${String(row.ratio).padStart(6)} x  (goal ${row.goal}, spread ${spread})   ours ${row.ours}, twin ${row.twin} ${row.unit}; ${row.rounds} rounds${row.note ? `; ${row.note}` : ""}`;
}

const world = await createWorld();
try {
  for (const name of names.length > 0 ? (names as (keyof typeof ROWS)[]) : known) {
    if (!json) process.stderr.write(`measuring ${name} …\n`);
    const row = await ROWS[name](world);
    process.stdout.write(`${json ? JSON.stringify(row) : describe(row)}\n`);
  }
} finally {
  await world.close();
}
