// Writes the file that names each refused row, in the order of the file's lines. Only line, field, code and reason go in, never a cell.
import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AttestryError } from "../../errors.ts";
import { IMPORT_REFUSALS_IN_MEMORY_MAX } from "../../limits.ts";
import type { Refusal } from "../../records/bulk/import-row.ts";

export interface RefusalReport {
  add(refusal: Refusal): void;
  /** Writes the report; where it is, or undefined where there was nothing to report. */
  close(): string | undefined;
}

const CSV_HEADER = "line,field,code,reason\n";

/**
 * A report at `path`, CSV or NDJSON by its ending, one line per refused row, sorted by line: however often an import was cut short,
 * its report is the same. A report of an earlier run is taken away at once, so that it is never read as this run's.
 */
export function createRefusalReport(options: {
  readonly path: string;
  /** Whether there is a report even where nothing was refused. */
  readonly isWanted: boolean;
  readonly inMemoryMax?: number;
}): RefusalReport {
  const { path, isWanted, inMemoryMax = IMPORT_REFUSALS_IN_MEMORY_MAX } = options;
  const isCsv = path.toLowerCase().endsWith(".csv");
  let held: Refusal[] = [];
  // Beyond memory: files of so many lines of the input each, so that each can be sorted by itself.
  let spilled: { readonly directory: string; readonly buckets: Set<number> } | undefined;

  const writing = <Result>(write: () => Result): Result => {
    try {
      return write();
    } catch (cause) {
      throw new AttestryError("import_file_invalid", `the report ${path} cannot be written`, { cause });
    }
  };

  function spill(): void {
    spilled ??= { directory: mkdtempSync(join(tmpdir(), "attestry-import-")), buckets: new Set() };
    const texts = new Map<number, string>();
    for (const refusal of held) {
      const bucket = Math.floor(refusal.line / inMemoryMax);
      texts.set(bucket, `${texts.get(bucket) ?? ""}${JSON.stringify(refusal)}\n`);
    }
    for (const [bucket, text] of texts) {
      appendFileSync(join(spilled.directory, String(bucket)), text, { mode: 0o600 });
      spilled.buckets.add(bucket);
    }
    held = [];
  }

  function* sorted(): Generator<Refusal[]> {
    if (!spilled) return yield sortByLine(held);
    spill();
    for (const bucket of [...spilled.buckets].sort((a, b) => a - b)) {
      const lines = readFileSync(join(spilled.directory, String(bucket)), "utf8")
        .trimEnd()
        .split("\n");
      yield sortByLine(lines.map((line) => JSON.parse(line) as Refusal));
    }
  }

  writing(() => rmSync(path, { force: true }));
  // A report that cannot be written is better known before anything is sent.
  if (isWanted) writing(() => closeSync(openSync(path, "w", 0o600)));

  return {
    add(refusal) {
      held.push(refusal);
      if (held.length >= inMemoryMax) writing(spill);
    },
    close() {
      if (!isWanted && !spilled && held.length === 0) return undefined;
      writing(() => {
        const file = openSync(path, "w", 0o600);
        try {
          if (isCsv) writeSync(file, CSV_HEADER);
          const format = isCsv ? formatCsvLine : formatJsonLine;
          for (const refusals of sorted()) writeSync(file, refusals.map((one) => `${format(one)}\n`).join(""));
        } finally {
          closeSync(file);
          if (spilled) rmSync(spilled.directory, { recursive: true, force: true });
        }
      });
      return path;
    },
  };
}

function sortByLine(refusals: readonly Refusal[]): Refusal[] {
  return refusals.toSorted((a, b) => a.line - b.line);
}

function formatJsonLine({ line, field, code, reason }: Refusal): string {
  return JSON.stringify({ line, field, code, reason });
}

function formatCsvLine({ line, field, code, reason }: Refusal): string {
  // RFC 4180 §2.6 and §2.7.
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  return [line, quote(field), code, quote(reason)].join(",");
}
