// Reads the rows of a CSV or NDJSON file one after the other, each with its line. Interprets no cell; holds one row at a time.
import { createReadStream, type ReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname } from "node:path";
import { pipeline, Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { decodeUtf8 } from "../../crypto/hash.ts";
import { isJsonObject, parseJson } from "../../crypto/json.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../../errors.ts";
import { IMPORT_LINE_BYTES_MAX, IMPORT_ROWS_AHEAD } from "../../limits.ts";
import { createHeaderColumns, createMemberColumns, type FindColumn } from "../../records/bulk/import-columns.ts";
import type { FileRow, Refusal } from "../../records/bulk/import-row.ts";

/** A row, or why the file's text at that line is none. */
export type ReadRow = FileRow | Refusal;

export interface RowReader {
  readonly findColumn: FindColumn;
  /** The header of a CSV file. */
  readonly header: readonly string[] | undefined;
  /** To be walked once. Throws `import_file_invalid` where nothing after a fault can be trusted. */
  readonly rows: AsyncIterable<ReadRow>;
  readonly position: ReadPosition;
  /** Closes the file; needed where `rows` is not walked to its end. */
  close(): void;
}

/** How far the reading is; changes while `rows` is walked. */
export interface ReadPosition {
  readonly bytesTotal: number;
  bytesRead: number;
  rowsRead: number;
  isAtEnd: boolean;
}

const REPLACEMENT = "\ufffd";
const NEWLINE = 0x0a;

const CSV_FAULTS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: "a quote is opened and never closed",
  CSV_INVALID_CLOSING_QUOTE: "a quoted cell goes on after its closing quote",
  INVALID_OPENING_QUOTE: "a quote stands in the middle of a cell that does not begin with one",
  CSV_MAX_RECORD_SIZE: `the row is longer than ${IMPORT_LINE_BYTES_MAX} characters`,
};

/** Opens a file by its ending. Throws `import_file_invalid` for another ending, a missing file and one without a header. */
export async function openRows(path: string): Promise<RowReader> {
  const ending = extname(path).toLowerCase();
  const position: ReadPosition = { bytesTotal: await readSize(path), bytesRead: 0, rowsRead: 0, isAtEnd: false };
  const bytes = createReadStream(path);
  if (ending === ".csv") return openCsv(bytes, position);
  if (ending === ".ndjson" || ending === ".jsonl") return openNdjson(bytes, position);
  bytes.destroy();
  throw new AttestryError("import_file_invalid", `the file ends in "${ending}"; allowed: .csv, .ndjson, .jsonl`);
}

async function readSize(path: string): Promise<number> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found.size;
  } catch (cause) {
    throw new AttestryError("import_file_invalid", `${path} cannot be read`, { cause });
  }
  throw new AttestryError("import_file_invalid", `${path} is not a file`);
}

async function* countBytes(bytes: ReadStream, position: ReadPosition): AsyncGenerator<Buffer> {
  for await (const chunk of bytes as AsyncIterable<Buffer>) {
    position.bytesRead += chunk.length;
    yield chunk;
  }
}

function refuse(line: number, code: ErrorCode, reason: string): Refusal {
  return { line, field: "", code, reason };
}

async function openCsv(bytes: ReadStream, position: ReadPosition): Promise<RowReader> {
  const records = readCsvRecords(bytes, position);
  const first = await records.next();
  if (first.done)
    throw new AttestryError("import_file_invalid", "the file is empty; its first line must be the header");
  const header = first.value.cells;

  async function* walk(): AsyncGenerator<ReadRow> {
    for await (const { line, cells } of records) {
      position.rowsRead++;
      if (cells.length !== header.length) {
        yield refuse(line, "import_file_invalid", `the row has ${cells.length} cells and the header ${header.length}`);
      } else if (cells.some((cell) => cell.includes(REPLACEMENT))) {
        // The parser reads wrong bytes as U+FFFD, and nobody should sign a name that says so.
        yield refuse(line, "encoding_invalid", "the row is not UTF-8, or holds the replacement character U+FFFD");
      } else yield { line, cells };
    }
    position.isAtEnd = true;
  }
  return { findColumn: createHeaderColumns(header), header, rows: walk(), position, close: () => bytes.destroy() };
}

async function* readCsvRecords(
  bytes: ReadStream,
  position: ReadPosition,
): AsyncGenerator<{ line: number; cells: string[] }> {
  // Cells are counted by the caller, who can name the row; RFC 4180 §2 with either line ending.
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    record_delimiter: ["\r\n", "\n"],
    max_record_size: IMPORT_LINE_BYTES_MAX,
  });
  let lastLine = 0;
  pipeline(Readable.from(countBytes(bytes, position), { objectMode: true }), parser, () => undefined);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      lastLine = info.lines;
      const breaks = record.reduce((count, cell) => count + (cell.includes("\n") ? cell.split("\n").length - 1 : 0), 0);
      yield { line: lastLine - breaks, cells: record };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    // The parser's own message repeats the cell.
    const fault = CSV_FAULTS[error.code] ?? error.code;
    const message = `the row that begins after line ${lastLine}: ${fault}; what follows cannot be read`;
    throw new AttestryError("import_file_invalid", message, { cause: error });
  }
}

async function openNdjson(bytes: ReadStream, position: ReadPosition): Promise<RowReader> {
  const rows = readNdjsonRows(bytes, position);
  const ahead: ReadRow[] = [];
  while (ahead.length < IMPORT_ROWS_AHEAD) {
    const next = await rows.next();
    if (next.done) break;
    ahead.push(next.value);
  }
  async function* walk(): AsyncGenerator<ReadRow> {
    yield* ahead.splice(0);
    yield* rows;
    position.isAtEnd = true;
  }
  const read = ahead.flatMap((row) => ("cells" in row ? [row.cells] : []));
  return {
    findColumn: createMemberColumns(read),
    header: undefined,
    rows: walk(),
    position,
    close: () => bytes.destroy(),
  };
}

async function* readNdjsonRows(bytes: ReadStream, position: ReadPosition): AsyncGenerator<ReadRow> {
  let line = 0;
  for await (const content of splitLines(countBytes(bytes, position))) {
    line++;
    if (content === undefined) {
      position.rowsRead++;
      yield refuse(line, "record_too_large", `the line has more than ${IMPORT_LINE_BYTES_MAX} bytes`);
      continue;
    }
    if (content.length === 0) continue;
    position.rowsRead++;
    yield readNdjsonRow(content, line);
  }
}

function readNdjsonRow(content: Uint8Array, line: number): ReadRow {
  try {
    const text = decodeUtf8(content);
    const cells = parseJson(line === 1 ? text.replace(/^\ufeff/, "") : text);
    return isJsonObject(cells) ? { line, cells } : refuse(line, "import_file_invalid", "the line is no JSON object");
  } catch (error) {
    if (isAttestryError(error)) return refuse(line, error.code, error.message);
    throw error;
  }
}

/** Lines without their ending and without white space around them; undefined for one that passes the limit. */
async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (): Buffer | undefined => {
    const line = length > IMPORT_LINE_BYTES_MAX ? undefined : trimLine(Buffer.concat(parts));
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, to));
      length += to - from;
      yield take();
      from = to + 1;
    }
    length += chunk.length - from;
    // Of a line that is too long only its length is kept.
    if (length <= IMPORT_LINE_BYTES_MAX) parts.push(chunk.subarray(from));
    else parts = [];
  }
  if (length > 0) yield take();
}

/** RFC 8259 §2: white space may stand around a value. */
function trimLine(line: Buffer): Buffer {
  const isSpace = (at: number): boolean => [0x20, 0x09, 0x0d].includes(line[at] ?? 0);
  let from = 0;
  let to = line.length;
  while (from < to && isSpace(from)) from++;
  while (to > from && isSpace(to - 1)) to--;
  return line.subarray(from, to);
}
