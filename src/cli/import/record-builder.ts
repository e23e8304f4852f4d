// From groups of rows to records ready to be sent, or refusals by name, along a map. Looks references up many at a time; sends nothing.
import type { JsonObject } from "../../crypto/json.ts";
import {
  type BoundMap,
  combineRows,
  type FileRow,
  type Refusal,
  type RowValues,
  readRow,
  readSoundCells,
} from "../../records/bulk/import-row.ts";
import type { LookupResult, ReferenceLookup } from "./reference-lookup.ts";

/** What a group of rows became. `envelope` is as far as it came: of a refused group it may lack what was at fault. */
export interface BuiltGroup {
  readonly lines: readonly number[];
  readonly envelope: JsonObject | undefined;
  readonly refusals: readonly Refusal[];
}

/** One result per group, in the order of the groups; a group with a refused row is refused whole, each row by name. */
export type BuildGroups = (groups: readonly (readonly FileRow[])[]) => Promise<readonly BuiltGroup[]>;

/** Builds along a map bound to the file's columns. */
export function createMapBuilder({ bound, lookup }: { bound: BoundMap; lookup: ReferenceLookup }): BuildGroups {
  return async (groups) => {
    const read = groups.map((rows) => rows.map((row) => readRow(bound, row)));
    const queries = read
      .flat()
      .flatMap((row) => ("values" in row ? row.values.flatMap(({ query }) => query ?? []) : []));
    const found = await lookup.findAll(queries);
    const hrefs = new Map(
      [...found].flatMap(([key, result]) => ("href" in result ? [[key, result.href] as const] : [])),
    );
    return read.map((rows, at) => buildRecord({ bound, group: groups[at]!, rows, found, hrefs }));
  };
}

function buildRecord(options: {
  readonly bound: BoundMap;
  readonly group: readonly FileRow[];
  readonly rows: readonly (RowValues | Refusal)[];
  readonly found: ReadonlyMap<string, LookupResult>;
  readonly hrefs: ReadonlyMap<string, string>;
}): BuiltGroup {
  const { bound, group, found, hrefs } = options;
  const lines = group.map(({ line }) => line);
  const rows = options.rows.map((row) => ("values" in row ? (findUnresolved(bound, row, found) ?? row) : row));
  const sound = rows.filter((row): row is RowValues => "values" in row);
  const refuseWith = (refused: readonly (RowValues | Refusal)[]): BuiltGroup => ({
    lines,
    envelope: combineRows(bound, [readSoundCells(bound, group[0]!)], hrefs) as JsonObject,
    refusals: refuseAll(refused),
  });
  if (sound.length < rows.length) return refuseWith(rows);
  const record = combineRows(bound, sound, hrefs);
  if (!("reason" in record)) return { lines, envelope: record, refusals: [] };
  const culprit = record as Refusal;
  return refuseWith(rows.map((row) => (row.line === culprit.line ? culprit : row)));
}

/** A record that lacks one of its rows would be signed as if it were whole, so the other rows are refused with it. */
function refuseAll(rows: readonly (RowValues | Refusal)[]): Refusal[] {
  const culprit = rows.find((row): row is Refusal => "code" in row);
  if (!culprit) throw new Error("no row of the group was refused");
  const reason = `not sent, because line ${culprit.line} of the same record was refused`;
  return rows.map((row) => ("code" in row ? row : { line: row.line, field: "", code: culprit.code, reason }));
}

function findUnresolved(
  bound: BoundMap,
  row: RowValues,
  found: ReadonlyMap<string, LookupResult>,
): Refusal | undefined {
  const faults = row.values.flatMap(({ query }, at) => {
    const result = query && found.get(query.key);
    return result && "fault" in result ? [{ field: bound.fields[at]!.field, fault: result.fault }] : [];
  });
  const [first] = faults;
  if (!first) return undefined;
  const reason = faults.map(({ field, fault }) => (faults.length === 1 ? fault : `${field}: ${fault}`)).join("; ");
  return { line: row.line, field: first.field, code: "reference_unresolved", reason };
}
