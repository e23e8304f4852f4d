// What every command shows and how it ends: exit codes, tables, progress, errors. Decides nothing.
import { isAttestryError } from "../errors.ts";

/** What the exit code of a command means. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** Done, but rows were refused, or something could not be decided. */
  incomplete: 2,
  /** 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const;

const REDRAW_MS = 100;
const LINE_MS = 5_000;
const BAR_CHARS = 30;

/** Text of a peer or a file without what steers a terminal (ECMA-48 control characters), line breaks apart. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");
}

/** The same for what stands in one line: a line break in it would begin a line that nobody here wrote. */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", " ");
}

/** A value as one line of JSON that a terminal may show: what would steer it is escaped, so that nothing is lost. */
export function formatJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** `850 ms`, `4.2 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  const pad = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3_600)} h ${pad(Math.floor((seconds % 3_600) / 60))} min`;
}

/** Rows of equally many cells as aligned columns; cells that are numbers stand right. Ends with a line break. */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === "number" ? formatCount(cell) : printable(cell))));
  const widths = (texts[0] ?? []).map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  const align = (text: string, width: number, cell: string | number | undefined): string =>
    typeof cell === "number" ? text.padStart(width) : text.padEnd(width);
  const lines = texts.map((row, at) =>
    row
      .map((text, column) => align(text, widths[column] ?? 0, rows[at]?.[column]))
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** Prints why a command failed, with its code and every detail, to standard error; `json` prints one object instead. Sets the exit code. */
export function printFailure(error: unknown, { json }: { json: boolean }): void {
  process.exitCode = EXIT.failed;
  const known = isAttestryError(error) ? error : undefined;
  const code = known?.code ?? "internal_error";
  const message = printable(error instanceof Error ? error.message : String(error));
  const details = (known?.details ?? []).map((detail) => ({
    field: printable(detail.field),
    message: printable(detail.message),
  }));
  if (json) {
    process.stderr.write(`${JSON.stringify({ error: { code, message, ...(details.length > 0 && { details }) } })}\n`);
    return;
  }
  process.stderr.write(`error: ${message} (${code})\n`);
  for (const { field, message } of details) process.stderr.write(`  ${field}: ${message}\n`);
  if (!known && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
}

export interface Progress {
  /** `total` may be an estimate, or unknown. */
  update(done: number, total: number | undefined): void;
  /** Takes the bar away. Whatever is printed afterwards starts on a clean line. */
  end(): void;
}

/** Shows how far a long task is: a bar on a terminal, a line every few seconds elsewhere, so that a log stays readable. */
export function createProgress(options: {
  readonly label: string;
  readonly unit: string;
  readonly stream: Pick<NodeJS.WriteStream, "write"> & { readonly isTTY?: boolean | undefined };
  readonly now?: () => number;
}): Progress {
  const { label, unit, stream, now = Date.now } = options;
  const startedAt = now();
  const isTerminal = stream.isTTY === true;
  let shownAt = isTerminal ? 0 : startedAt;
  let isBarShown = false;

  function describe(done: number, total: number | undefined): string {
    const elapsed = Math.max(1, now() - startedAt);
    const rate = `${formatCount(Math.round((done * 1_000) / elapsed))} ${unit}/s`;
    if (total === undefined || total <= 0) return `${label} ${formatCount(done)} ${unit}, ${rate}`;
    const share = Math.min(1, done / total);
    const left = done > 0 ? `, ${formatDuration((elapsed * (1 - share)) / share)} left` : "";
    const filled = Math.round(share * BAR_CHARS);
    const bar = isTerminal ? `[${"#".repeat(filled)}${".".repeat(BAR_CHARS - filled)}] ` : "";
    return `${label} ${bar}${Math.floor(share * 100)} %, ${formatCount(done)} ${unit}, ${rate}${left}`;
  }

  return {
    update(done, total) {
      if (now() - shownAt < (isTerminal ? REDRAW_MS : LINE_MS)) return;
      shownAt = now();
      isBarShown = isTerminal;
      stream.write(isTerminal ? `\r\u001b[K${describe(done, total)}` : `${describe(done, total)}\n`);
    },
    end() {
      if (isBarShown) stream.write("\r\u001b[K");
      isBarShown = false;
    },
  };
}

/** A command's answer on standard output: lines for people, or one JSON object for programs. */
export function printResult(result: {
  readonly json: boolean | undefined;
  readonly value: unknown;
  readonly lines: readonly string[];
}): void {
  const { json, value, lines } = result;
  process.stdout.write(json ? `${formatJsonLine(value)}\n` : lines.map((line) => `${line}\n`).join(""));
}
