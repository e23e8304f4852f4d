// What a record is found and counted by, made of its data: unique keys, search values, marks of likeness, cells of statistics. Pure.

import { encodeBase64 } from "../../crypto/base64.ts";
import { encodeUtf8 } from "../../crypto/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../../crypto/json.ts";
import { eachGeneration, type KeyGenerations } from "../../crypto/key-generations.ts";
import { deriveKey, seal } from "../../crypto/seal.ts";
import { valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { CompiledDuplicateRule, CompiledStatistic } from "../../registries/index-rules.ts";
import { jurisdictionMarks } from "./jurisdiction-marks.ts";
import { dataKeys, identifierKeys, type RecordKey } from "./record-keys.ts";
import { encodeSearchValue, encodeWhole, keyedDigest } from "./search-value.ts";
import { subjectMarks } from "./subject-marks.ts";

/** A value under which a record is found; of a personal field a keyed hash. */
export interface SearchValue {
  readonly field: string;
  readonly value: string;
  /** Of a mark of likeness: under which it may stand, too, while keys are being replaced. */
  readonly formerly?: string;
}

/** A cell of a statistic that an active record counts in. `cell` is a keyed hash; `label` tells the values, see `cellLabel`. */
export interface StatisticCell {
  readonly name: string;
  readonly cell: string;
  readonly label: string;
}

export interface RecordIndex {
  readonly keys: readonly RecordKey[];
  /** Of fields, and marks of likeness under the names that `likenessField` gives. */
  readonly search: readonly SearchValue[];
  readonly cells: readonly StatisticCell[];
}

export interface IndexChange {
  readonly removed: RecordIndex;
  readonly added: RecordIndex;
  /** All that the record has from then on; undefined where the change leaves the record's data as they are. */
  readonly after: RecordIndex | undefined;
}

export const EMPTY_INDEX: RecordIndex = { keys: [], search: [], cells: [] };

/** The change of what changes no data: a state, say. */
export const NO_INDEX_CHANGE: IndexChange = { removed: EMPTY_INDEX, added: EMPTY_INDEX, after: undefined };

/** Statistic of the records by their states; its cells are the states' names. */
export const STATE_STATISTIC = "";

// No field that is searched begins like this (annotations.ts refuses it).
const LIKENESS_PREFIX = "~same/";
/** Before the name of a statistic: the field under which its cells stand. */
export const CELL_PREFIX = "~cell/";
/** Under which a key stands that a record had in former versions. */
export const FORMER_KEY_FIELD = "~key";

export interface IndexSource {
  readonly searchKey: KeyGenerations;
  readonly compiled: CompiledDefinition;
  readonly data: JsonObject;
  /** What of the data stands open in the version's token, where that was signed under another definition; all but personal fields otherwise. */
  readonly open?: JsonObject;
  readonly identifier: string | undefined;
}

/** The index of a version's data. `keys`: those of the data, where the caller has made them already. */
export function indexRecord(source: IndexSource & { keys?: readonly RecordKey[] }): RecordIndex {
  return {
    keys: [...(source.keys ?? dataKeys(source)), ...identifierKeys(source)],
    search: [...fieldValues(source), ...likenessMarks(source), ...jurisdictionMarks(source), ...subjectMarks(source)],
    cells: statisticCells(source),
  };
}

/** What changes when a record's index becomes another. */
export function changeIndex(before: RecordIndex, after: RecordIndex): IndexChange {
  return { removed: subtract(before, after), added: subtract(after, before), after };
}

function subtract(from: RecordIndex, taken: RecordIndex): RecordIndex {
  const keys = new Set(taken.keys.map((key) => key.digest));
  const search = new Set(taken.search.map(rowKey));
  const cells = new Set(taken.cells.map((one) => `${one.name}\n${one.cell}`));
  return {
    keys: from.keys.filter((key) => !keys.has(key.digest)),
    search: from.search.filter((one) => !search.has(rowKey(one))),
    cells: from.cells.filter((one) => !cells.has(`${one.name}\n${one.cell}`)),
  };
}

/** One text per row of a record, to compare rows by. */
export function rowKey({ field, value }: SearchValue): string {
  return `${field}\n${value}`;
}

/** The rows under which an index stands in the search table: the cells too, so that it tells what a record counts in. */
export function indexRows(index: RecordIndex): SearchValue[] {
  return [...index.search, ...index.cells.map(({ name, cell }) => ({ field: `${CELL_PREFIX}${name}`, value: cell }))];
}

/** The cell that a row stands for, if it is one of a cell. */
export function readCellRow({ field, value }: SearchValue): { name: string; cell: string } | undefined {
  return field.startsWith(CELL_PREFIX) ? { name: field.slice(CELL_PREFIX.length), cell: value } : undefined;
}

/** The rule of duplicates that a row is a mark of, if it is one. */
export function readLikenessRow({ field }: SearchValue): string | undefined {
  return field.startsWith(LIKENESS_PREFIX) ? field.slice(LIKENESS_PREFIX.length) : undefined;
}

function fieldValues({ searchKey, compiled, data, open = data }: IndexSource): SearchValue[] {
  const registry = compiled.definition.name;
  return compiled.annotations.searchFields.flatMap((field) => {
    // A definition that opens a field opens no value that was sealed before: what is found openly, or sorted by, would tell it.
    const values = valuesAt(field.personal ? data : open, field.path).flatMap(
      (value) => encodeSearchValue({ searchKey, registry }, field, value) ?? [],
    );
    return [...new Set(values)].map((value) => ({ field: field.name, value }));
  });
}

/** A mark per rule of duplicates that the data have all fields of: records with an equal mark are possibly the same. */
export function likenessMarks({ searchKey, compiled, data }: Omit<IndexSource, "identifier">): SearchValue[] {
  const registry = compiled.definition.name;
  return compiled.rules.duplicates.flatMap((rule) => {
    const values = rule.fields.map((field) => {
      const [value] = valuesAt(data, field.path);
      return value === undefined ? undefined : encodeWhole(field, value);
    });
    // What is missing, or has nothing that counts in it, is no likeness.
    if (values.some((value) => value === undefined || value === "")) return [];
    const [value, formerly] = eachGeneration(searchKey).map((one) =>
      keyedDigest({ searchKey: one, registry }, likenessPurpose(rule), values as string[]),
    );
    return { field: likenessField(rule), value: value!, ...(formerly !== undefined && { formerly }) };
  });
}

function likenessField(rule: CompiledDuplicateRule): string {
  return `${LIKENESS_PREFIX}${rule.name}`;
}

function likenessPurpose(rule: CompiledDuplicateRule): string[] {
  return ["likeness", ...rule.fields.flatMap(({ name, normal }) => [name, normal])];
}

function statisticCells({ searchKey, compiled, data, open = data }: IndexSource): StatisticCell[] {
  const registry = compiled.definition.name;
  return compiled.rules.statistics.flatMap((statistic) => {
    const values = statistic.fields.map(({ path }) => valuesAt(data, path)[0] ?? null);
    // Nor is it counted among open values, whose small counts may be shown.
    const isSealed = ({ path }: (typeof statistic.fields)[number]) =>
      valuesAt(data, path).length > 0 && valuesAt(open, path).length === 0;
    if (!statistic.personal && statistic.fields.some(isSealed)) return [];
    const name = statistic.identity;
    const cell = keyedDigest({ searchKey, registry }, ["cell", name], values);
    return [{ name, cell, label: cellLabel({ searchKey, registry, statistic, cell, values }) }];
  });
}

// As the cells say what records say, personal ones are kept as records are: nobody reads them out of the database alone.
function cellLabel(options: {
  searchKey: KeyGenerations;
  registry: string;
  statistic: CompiledStatistic;
  cell: string;
  values: readonly Json[];
}): string {
  const { searchKey, registry, statistic, cell, values } = options;
  const text = canonicalJson([...values]);
  if (!statistic.personal) return text;
  const aad = cellAad({ registry, name: statistic.identity, cell });
  return encodeBase64(seal({ key: cellKey(searchKey.current), aad, plaintext: encodeUtf8(text) }));
}

/** What the label of a personal cell is sealed to. */
export function cellAad({ registry, name, cell }: { registry: string; name: string; cell: string }): string {
  return `${registry}|${name}|${cell}|label`;
}

const cellKeys = new WeakMap<Uint8Array, Uint8Array>();

/** The key, of one generation, under which labels of personal cells are sealed. */
export function cellKey(searchKey: Uint8Array): Uint8Array {
  const known = cellKeys.get(searchKey);
  if (known) return known;
  const key = deriveKey(searchKey, "attestry/statistic/v1");
  cellKeys.set(searchKey, key);
  return key;
}
