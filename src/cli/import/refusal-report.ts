// Writes the file that names each refused row. Only what was refused goes in: line, field, code and reason, never a cell.

import { once } from "node:events";
import { createWriteStream, rmSync, type WriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { AttestryError } from "../../errors.ts";
import type { Refusal } from "../../records/import-row.ts";

export interface RefusalReport {
  add(refusal: Refusal): void;
  /** Where the report is, or undefined where there was nothing to report. */
  close(): Promise<string | undefined>;
  /** Resolves when the disk has caught up. */
  drained(): Promise<void>;
}

const CSV_HEADER = "line,field,code,reason\n";

/**
 * A report at `path`, CSV or NDJSON by its ending, one line per refused row. It is made at the first refusal, or at once where
 * `isWanted`; a report of an earlier run is taken away, so that it is never read as this run's.
 */
export function createRefusalReport(options: { readonly path: string; readonly isWanted: boolean }): RefusalReport {
  const { path, isWanted } = options;
  const isCsv = path.toLowerCase().endsWith(".csv");
  let stream: WriteStream | undefined;

  function open(): WriteStream {
    const opened = createWriteStream(path, { mode: 0o600 });
    // Kept for `close`, which throws it; without a listener it would end the process.
    opened.on("error", () => undefined);
    if (isCsv) opened.write(CSV_HEADER);
    return opened;
  }

  function cannotWrite(cause: unknown): AttestryError {
    return new AttestryError("import_file_invalid", `the report ${path} cannot be written`, { cause });
  }

  try {
    rmSync(path, { force: true });
  } catch (cause) {
    throw cannotWrite(cause);
  }
  if (isWanted) stream = open();

  return {
    add(refusal) {
      stream ??= open();
      stream.write(`${isCsv ? formatCsvLine(refusal) : formatJsonLine(refusal)}\n`);
    },
    async drained() {
      if (stream?.writableNeedDrain && !stream.errored) await once(stream, "drain");
    },
    async close() {
      if (!stream) return undefined;
      stream.end();
      await finished(stream).catch((cause: unknown) => {
        throw cannotWrite(cause);
      });
      return path;
    },
  };
}

function formatJsonLine({ line, field, code, reason }: Refusal): string {
  return JSON.stringify({ line, field, code, reason });
}

function formatCsvLine({ line, field, code, reason }: Refusal): string {
  // RFC 4180 §2.6 and §2.7.
  const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  return [line, quote(field), code, quote(reason)].join(",");
}
