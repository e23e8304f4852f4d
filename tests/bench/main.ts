// `npm run bench -- [ROW...] [--json] [--records N] [--data DIR]`: measures rows against their twins and prints the ratios. Fails only if something cannot be measured.
import type { BenchRow } from "./measure.ts";
import { ROWS } from "./rows.ts";
import { createWorld } from "./world.ts";

const args = process.argv.slice(2);
const json = args.includes("--json");
const RECORDS_DEFAULT = 1_000_000;
const recordsAt = args.indexOf("--records");
const records = recordsAt < 0 ? RECORDS_DEFAULT : Number(args.splice(recordsAt, 2)[1]);
const dataAt = args.indexOf("--data");
const directory = dataAt < 0 ? undefined : args.splice(dataAt, 2)[1];
const known = Object.keys(ROWS) as (keyof typeof ROWS)[];
const names = args.filter((arg) => !arg.startsWith("--"));
const unknown = [
  ...names.filter((name) => !(name in ROWS)),
  ...args.filter((arg) => arg.startsWith("--") && arg !== "--json"),
];
if (unknown.length > 0 || !Number.isSafeInteger(records) || records < 1) {
  process.stderr.write(
    `unknown: ${unknown.join(", ")}\nusage: npm run bench -- [${known.join("] [")}] [--json] [--records N] [--data DIR]\n`,
  );
  process.exit(64);
}

function describe(row: BenchRow): string {
  const spread = `${row.spread[0]}-${row.spread[1]}`;
  return `${row.row.padEnd(20)} ${String(row.ratio).padStart(6)} x  (goal ${row.goal}, spread ${spread})   ours ${row.ours}, twin ${row.twin} ${row.unit}; ${row.rounds} rounds${row.note ? `; ${row.note}` : ""}`;
}

const world = await createWorld({ records, directory });
try {
  for (const name of names.length > 0 ? (names as (keyof typeof ROWS)[]) : known) {
    if (!json) process.stderr.write(`measuring ${name} …\n`);
    for (const row of [await ROWS[name](world)].flat())
      process.stdout.write(`${json ? JSON.stringify(row) : describe(row)}\n`);
  }
} finally {
  await world.close();
}
