// What a record is found and counted by, made of its data: unique keys, search values, cells of statistics. Pure.
import type { JsonObject } from "../crypto/json.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { dataKeys, identifierKeys, type RecordKey } from "./record-keys.ts";

/** A value under which a record is found; of a personal field a keyed hash. */
export interface SearchValue {
  readonly field: string;
  readonly value: string;
}

/** A cell of a statistic that an active record counts in; canonical JSON. */
export interface StatisticCell {
  readonly name: string;
  readonly cell: string;
}

export interface RecordIndex {
  readonly keys: readonly RecordKey[];
  readonly search: readonly SearchValue[];
  readonly cells: readonly StatisticCell[];
}

export interface IndexChange {
  readonly removed: RecordIndex;
  readonly added: RecordIndex;
}

export const EMPTY_INDEX: RecordIndex = { keys: [], search: [], cells: [] };

export interface IndexSource {
  readonly searchKey: Uint8Array;
  readonly compiled: CompiledDefinition;
  readonly data: JsonObject;
  readonly identifier: string | undefined;
}

/** The index of a version's data. `keys`: those of the data, where the caller has made them already. */
export function indexRecord(source: IndexSource & { keys?: readonly RecordKey[] }): RecordIndex {
  return {
    keys: [...(source.keys ?? dataKeys(source)), ...identifierKeys(source)],
    search: [],
    cells: [],
  };
}

/** What changes when a record's index becomes another. */
export function changeIndex(before: RecordIndex, after: RecordIndex): IndexChange {
  return { removed: subtract(before, after), added: subtract(after, before) };
}

function subtract(from: RecordIndex, taken: RecordIndex): RecordIndex {
  const keys = new Set(taken.keys.map((key) => key.digest));
  const search = new Set(taken.search.map((one) => `${one.field}\n${one.value}`));
  const cells = new Set(taken.cells.map((one) => `${one.name}\n${one.cell}`));
  return {
    keys: from.keys.filter((key) => !keys.has(key.digest)),
    search: from.search.filter((one) => !search.has(`${one.field}\n${one.value}`)),
    cells: from.cells.filter((one) => !cells.has(`${one.name}\n${one.cell}`)),
  };
}
