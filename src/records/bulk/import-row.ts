// Rows of a file to one record of a registry, along a map bound to the file's columns. Pure: references are looked up by others.
import { canonicalJson, type Json, type JsonObject } from "../../crypto/json.ts";
import type { ErrorCode, ErrorDetail } from "../../errors.ts";
import { type CellResult, createCellReader } from "./import-cell.ts";
import { type Column, cellAt, type FindColumn } from "./import-columns.ts";
import {
  type CellRule,
  type ColumnSelector,
  type FieldRule,
  type ImportMap,
  mapInvalid,
  type ReferenceRule,
} from "./import-map.ts";

/** A row as its file gave it: a list of texts, or an object. `line` counts from 1. */
export interface FileRow {
  readonly line: number;
  readonly cells: Json;
}

/** A row that is not imported, and why. */
export interface Refusal {
  readonly line: number;
  /** Dotted path of the record's field, or "" where the whole row is meant. */
  readonly field: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** The question for a record's URL. Equal questions have equal `key`. */
export interface ReferenceQuery {
  readonly key: string;
  readonly node: string | undefined;
  readonly registry: string;
  readonly by: Readonly<Record<string, string>>;
}

interface FieldValue {
  readonly value: Json | undefined;
  readonly query?: ReferenceQuery;
}

/** A row converted: one value per field of the bound map, in its order. */
export interface RowValues {
  readonly line: number;
  readonly values: readonly FieldValue[];
}

interface BoundField {
  readonly field: string;
  /** Into the line that is sent: `["data", …]`, `["valid_from"]`, `["act"]`. */
  readonly path: readonly string[];
  readonly collect: boolean;
  read(cells: Json): FieldValue | { readonly faults: readonly string[] };
}

/** A map whose columns are found in the file. */
export interface BoundMap {
  readonly fields: readonly BoundField[];
  readonly key: readonly Column[];
}

/** Finds the map's columns in the file. Throws `import_map_invalid` naming each that is not there or stands twice. */
export function bindMap(map: ImportMap, findColumn: FindColumn): BoundMap {
  const details: ErrorDetail[] = [];
  const find = (selector: ColumnSelector, place: string): Column => {
    const column = findColumn(selector);
    if (!("fault" in column)) return column;
    details.push({ field: place, message: column.fault });
    return { label: String(selector), path: [] };
  };
  const bindCell = (rule: CellRule, place: string) => {
    const column = find(rule.column, place);
    const read = createCellReader(rule);
    return (cells: Json): CellResult => {
      const result = read(cellAt(cells, column));
      return "fault" in result ? { fault: `column "${column.label}" ${result.fault}` } : result;
    };
  };
  const bindReference = (rule: ReferenceRule, place: string): BoundField["read"] => {
    const parts = Object.entries(rule.by).map(([name, cell]) => ({
      name,
      read: bindCell(cell, `${place}/by/${name}`),
    }));
    return (cells) =>
      readReference(
        rule,
        parts.map(({ name, read }) => ({ name, result: read(cells) })),
      );
  };
  const bindSource = (rule: Partial<FieldRule>, place: string): BoundField["read"] => {
    const { value, reference } = rule;
    if (reference) return bindReference(reference, `${place}/reference`);
    if (value !== undefined) return () => ({ value });
    const read = bindCell(rule as CellRule, `${place}/column`);
    return (cells) => {
      const result = read(cells);
      return "fault" in result ? { faults: [result.fault] } : result;
    };
  };

  const fields: BoundField[] = map.fields.map((rule, at) => ({
    field: rule.field,
    path: ["data", ...rule.field.split(".")],
    collect: rule.collect === true,
    read: bindSource(rule, `/fields/${at}`),
  }));
  for (const name of ["valid_from", "valid_until"] as const) {
    const rule = map[name];
    if (rule === undefined) continue;
    const read = bindSource(rule.column === undefined ? rule : { ...rule, type: "date" }, `/${name}`);
    fields.push({ field: name, path: [name], collect: false, read });
  }
  const { act } = map;
  if (act) fields.push({ field: "act", path: ["act"], collect: false, read: () => ({ value: { ...act } }) });
  const key = (map.key ?? []).map((selector, at) => find(selector, `/key/${at}`));
  if (details.length > 0) throw mapInvalid("the map does not fit the file", details);
  return { fields, key };
}

function readReference(
  rule: ReferenceRule,
  parts: readonly { readonly name: string; readonly result: CellResult }[],
): FieldValue | { readonly faults: readonly string[] } {
  const faults = parts.flatMap(({ result }) => ("fault" in result ? [result.fault] : []));
  if (faults.length > 0) return { faults };
  const values = parts.flatMap(({ name, result }): [string, string][] =>
    "value" in result && result.value !== undefined && result.value !== null ? [[name, String(result.value)]] : [],
  );
  if (values.length === 0) return { value: undefined };
  if (values.length < parts.length) return { faults: [`a part of the key of ${rule.registry} is empty`] };
  const key = canonicalJson([rule.node ?? null, rule.registry, ...values]);
  return { value: undefined, query: { key, node: rule.node, registry: rule.registry, by: Object.fromEntries(values) } };
}

/** The text that rows about the same record share, or undefined where all its cells are empty. */
export function readKey(bound: BoundMap, cells: Json): string | undefined {
  const texts = bound.key.map((column) => {
    const cell = cellAt(cells, column) ?? "";
    return (typeof cell === "string" ? cell : canonicalJson(cell)).trim();
  });
  return texts.every((text) => text === "") ? undefined : canonicalJson(texts);
}

/** Converts one row. A refusal names every column that does not convert. */
export function readRow(bound: BoundMap, row: FileRow): RowValues | Refusal {
  const values: FieldValue[] = [];
  const faults: { field: string; reason: string }[] = [];
  for (const { field, read } of bound.fields) {
    const result = read(row.cells);
    if ("faults" in result) faults.push(...result.faults.map((reason) => ({ field, reason })));
    else values.push(result);
  }
  if (faults.length === 0) return { line: row.line, values };
  const reason = faults
    .map((fault) => (faults.length === 1 ? fault.reason : `${fault.field}: ${fault.reason}`))
    .join("; ");
  return { line: row.line, field: faults[0]!.field, code: "record_invalid", reason };
}

/** As `readRow`, but a cell that does not convert is left out: what a refused row still tells about its record. */
export function readSoundCells(bound: BoundMap, row: FileRow): RowValues {
  const values = bound.fields.map(({ read }): FieldValue => {
    const result = read(row.cells);
    return "faults" in result ? { value: undefined } : result;
  });
  return { line: row.line, values };
}

/**
 * One record out of the rows of one key (or of a single row), as the line that is sent: `{"data": {…}, "valid_from"?, …}`.
 * Collected fields hold each row's value once, in the order of the rows; in all others the rows must agree, or the one that
 * differs is named. `hrefs` answers the rows' queries.
 */
export function combineRows(
  bound: BoundMap,
  rows: readonly RowValues[],
  hrefs: ReadonlyMap<string, string>,
): JsonObject | Refusal {
  const record: JsonObject = { data: {} };
  for (const [at, { field, path, collect }] of bound.fields.entries()) {
    const values = rows.map(({ values }) => {
      const { value, query } = values[at]!;
      return query ? hrefs.get(query.key) : value;
    });
    const texts = values.map((value) => (value === undefined ? undefined : canonicalJson(value)));
    if (collect) {
      const distinct = new Map(values.flatMap((value, i) => (value === undefined ? [] : [[texts[i], value] as const])));
      if (distinct.size > 0) setAt(record, path, [...distinct.values()]);
      continue;
    }
    const other = texts.findIndex((text) => text !== texts[0]);
    if (other > 0) {
      const reason = `differs from line ${rows[0]!.line}, which has the same key`;
      return { line: rows[other]!.line, field, code: "record_invalid", reason };
    }
    if (values[0] !== undefined) setAt(record, path, values[0]);
  }
  return record;
}

function setAt(record: JsonObject, path: readonly string[], value: Json): void {
  let node = record;
  for (const name of path.slice(0, -1)) {
    node[name] ??= {};
    node = node[name] as JsonObject;
  }
  node[path.at(-1)!] = value;
}
