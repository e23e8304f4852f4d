// Finds the columns that a map names in a file's header or in its first rows. Pure.
import { isJsonObject, type Json } from "../../crypto/json.ts";
import type { ColumnSelector } from "./import-map.ts";

/** Where a column's cell stands in a row: an index into a list of cells, or names into an object. */
export interface Column {
  /** How reports call it. */
  readonly label: string;
  readonly path: readonly (string | number)[];
}

/** The column a selector means, or a sentence that says why there is none. */
export type FindColumn = (selector: ColumnSelector) => Column | { readonly fault: string };

const POSITION = /^#([1-9]\d{0,5})$/;

/** The cell of a row, or undefined where the row has none. */
export function cellAt(row: Json, column: Column): Json | undefined {
  let value: Json | undefined = row;
  for (const step of column.path) {
    if (typeof step === "number") value = Array.isArray(value) ? value[step] : undefined;
    else value = isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

/** Columns of a file with a header: by trimmed text where only one has it, else by position. */
export function createHeaderColumns(header: readonly string[]): FindColumn {
  const names = header.map((name) => name.trim());
  return (selector) => {
    const position = typeof selector === "number" ? selector : Number(POSITION.exec(selector)?.[1] ?? Number.NaN);
    if (!Number.isNaN(position)) {
      if (position > names.length) return { fault: `there is no column ${position}; the file has ${names.length}` };
      return { label: `${names[position - 1]} (#${position})`, path: [position - 1] };
    }
    const name = String(selector).trim();
    const found = names.flatMap((other, at) => (other === name ? [at] : []));
    if (found.length === 1) return { label: name, path: found };
    if (found.length === 0) return { fault: `there is no column "${name}"; the file has: ${names.join(", ")}` };
    const positions = found.map((at) => `#${at + 1}`).join(" and ");
    return { fault: `"${name}" is the header of ${positions}; choose one of them by its position` };
  };
}

/** Columns of rows that are JSON objects: a member's name or a JSON Pointer (RFC 6901), present in at least one of `rowsAhead`. */
export function createMemberColumns(rowsAhead: readonly Json[]): FindColumn {
  return (selector) => {
    if (typeof selector === "number" || POSITION.test(selector)) {
      return { fault: "is a position, and the rows of this file have names" };
    }
    const path = selector.startsWith("/") ? parsePointer(selector) : [selector];
    const column = { label: selector, path };
    if (rowsAhead.some((row) => cellAt(row, column) !== undefined)) return column;
    return { fault: `none of the first ${rowsAhead.length} rows has "${selector}"` };
  };
}

function parsePointer(pointer: string): string[] {
  // RFC 6901 §4: "~1" before "~0", or "~01" would become "/".
  return pointer
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
