// One cell of a file to one value of a record. Pure; a fault says what was expected and never repeats the cell.
import { type Json, parseJson } from "../../crypto/json.ts";
import { isAttestryError } from "../../errors.ts";
import type { CellRule } from "./import-map.ts";

/** What a cell gave: a value, nothing (the field is left out), or a sentence that says why it is refused. */
export type CellResult = { readonly value: Json | undefined } | { readonly fault: string };

const INTEGER = /^[+-]?\d{1,16}$/;
// RFC 8259 §6, and a leading plus sign or zeros, which files have and JSON has not.
const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const DATE_TOKENS = /YYYY|MM|DD|M|D/g;
const DATE_PATTERNS: Readonly<Record<string, string>> = {
  YYYY: "(?<year>\\d{4})",
  MM: "(?<month>\\d{2})",
  M: "(?<month>\\d{1,2})",
  DD: "(?<day>\\d{2})",
  D: "(?<day>\\d{1,2})",
};
const DATE_FORMAT_DEFAULT = "YYYY-MM-DD";

/** Why a text is no format of a date, or undefined. */
export function findDateFormatFault(format: string): string | undefined {
  const tokens = (format.match(DATE_TOKENS) ?? []).map((token) => token[0]).sort();
  return tokens.join("") === "DMY" ? undefined : "must have YYYY, MM (or M) and DD (or D), each once";
}

/** Makes the conversion of one column once, so that a row costs no parsing of rules. */
export function createCellReader(rule: CellRule): (cell: Json | undefined) => CellResult {
  const parse = rule.values ? createValueTable(rule.values) : createParser(rule);
  const { trim = true, empty = "omit" } = rule;
  const readEmpty = (): CellResult => {
    if (empty === "refuse") return { fault: "is empty" };
    return { value: empty === "keep" ? "" : empty === "null" ? null : undefined };
  };
  return (cell) => {
    if (cell === undefined || cell === null) return readEmpty();
    if (typeof cell === "object") {
      return rule.type === "json"
        ? { value: cell }
        : { fault: "holds an object or a list, which only the type json takes" };
    }
    const text = typeof cell === "string" ? cell : String(cell);
    const content = trim ? text.trim() : text;
    return content === "" ? readEmpty() : parse(content);
  };
}

function createParser(rule: CellRule): (text: string) => CellResult {
  switch (rule.type ?? "string") {
    case "string":
      return (text) => ({ value: text });
    case "integer":
      return (text) => {
        const value = INTEGER.test(text) ? Number(text) : Number.NaN;
        return Number.isSafeInteger(value) ? { value: value + 0 } : { fault: "is not a whole number within ±(2^53-1)" };
      };
    case "number":
      return (text) => {
        const value = NUMBER.test(text) ? Number(text) : Number.NaN;
        return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? { value } : { fault: "is not a number within ±(2^53-1)" };
      };
    case "boolean":
      return (text) => {
        const lower = text.toLowerCase();
        if (lower === "true" || lower === "false") return { value: lower === "true" };
        return { fault: 'is neither "true" nor "false"; "values" in the map can say what other texts mean' };
      };
    case "date":
      return createDateParser(rule.format ?? DATE_FORMAT_DEFAULT);
    case "json":
      return parseJsonCell;
  }
}

function parseJsonCell(text: string): CellResult {
  try {
    return { value: parseJson(text) };
  } catch (error) {
    if (isAttestryError(error)) return { fault: `is not JSON: ${error.message}` };
    throw error;
  }
}

function createValueTable(values: NonNullable<CellRule["values"]>): (text: string) => CellResult {
  const table = new Map(Object.entries(values));
  return (text) => {
    const value = table.get(text);
    return value === undefined ? { fault: 'is none of the texts that "values" in the map lists' } : { value };
  };
}

/** To the calendar date of RFC 3339 §5.6 (`full-date`), refusing days that no month has. */
function createDateParser(format: string): (text: string) => CellResult {
  const pattern = format
    .split(/(YYYY|MM|DD|M|D)/)
    .map((part) => DATE_PATTERNS[part] ?? part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
    .join("");
  const expression = new RegExp(`^${pattern}$`);
  return (text) => {
    const { year, month, day } = expression.exec(text)?.groups ?? {};
    const iso = `${year}-${month?.padStart(2, "0")}-${day?.padStart(2, "0")}`;
    const time = Date.parse(`${iso}T00:00:00Z`);
    const isReal = !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso);
    return isReal ? { value: iso } : { fault: `is not a date of the form ${format}` };
  };
}
