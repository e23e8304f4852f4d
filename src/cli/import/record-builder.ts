// From groups of rows to records ready to be sent, or refusals by name. Looks references up many at a time; sends nothing.
import { canonicalJson } from "../../crypto/json.ts";
import { IMPORT_BATCH_ROWS, IMPORT_LINE_BYTES_MAX } from "../../limits.ts";
import {
  type BoundMap,
  combineRows,
  type FileRow,
  type Refusal,
  type RowValues,
  readRow,
} from "../../records/import-row.ts";
import type { OutgoingRecord } from "./batch-sender.ts";
import type { LookupResult, ReferenceLookup } from "./reference-lookup.ts";

interface BuilderOptions {
  readonly groups: AsyncIterable<readonly FileRow[]>;
  readonly bound: BoundMap;
  readonly lookup: ReferenceLookup;
  readonly onRefusal: (refusal: Refusal) => void | Promise<void>;
}

/** One record per group, in the order of the groups; a group with a refused row is refused whole, each row by name. */
export async function* buildRecords(options: BuilderOptions): AsyncGenerator<OutgoingRecord> {
  const { bound, lookup, onRefusal } = options;
  for await (const groups of inChunks(options.groups)) {
    const read = groups.map((rows) => rows.map((row) => readRow(bound, row)));
    const queries = read
      .flat()
      .flatMap((row) => ("values" in row ? row.values.flatMap(({ query }) => query ?? []) : []));
    const found = await lookup.findAll(queries);
    const hrefs = new Map(
      [...found].flatMap(([key, result]) => ("href" in result ? [[key, result.href] as const] : [])),
    );
    for (const rows of read) {
      const result = buildRecord({ bound, rows, found, hrefs });
      if ("text" in result) yield result;
      else for (const refusal of result.refusals) await onRefusal(refusal);
    }
  }
}

function buildRecord(options: {
  readonly bound: BoundMap;
  readonly rows: readonly (RowValues | Refusal)[];
  readonly found: ReadonlyMap<string, LookupResult>;
  readonly hrefs: ReadonlyMap<string, string>;
}): OutgoingRecord | { readonly refusals: readonly Refusal[] } {
  const { bound, found, hrefs } = options;
  const rows = options.rows.map((row) => ("values" in row ? (findUnresolved(bound, row, found) ?? row) : row));
  const sound = rows.filter((row): row is RowValues => "values" in row);
  if (sound.length < rows.length) return { refusals: refuseAll(rows) };
  const record = combineRows(bound, sound, hrefs);
  if ("reason" in record) {
    const culprit = record as Refusal;
    return { refusals: refuseAll(rows.map((row) => (row.line === culprit.line ? culprit : row))) };
  }
  const text = canonicalJson(record);
  // Its length in characters is what the node counts too.
  if (text.length > IMPORT_LINE_BYTES_MAX) {
    const reason = `the record has more than ${IMPORT_LINE_BYTES_MAX} characters`;
    return { refusals: rows.map(({ line }) => ({ line, field: "", code: "record_too_large", reason })) };
  }
  return { lines: rows.map(({ line }) => line), text };
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

/** So many groups that their references are asked for together, and no more than a batch holds. */
async function* inChunks(groups: AsyncIterable<readonly FileRow[]>): AsyncGenerator<readonly (readonly FileRow[])[]> {
  let chunk: (readonly FileRow[])[] = [];
  for await (const group of groups) {
    chunk.push(group);
    if (chunk.length < IMPORT_BATCH_ROWS) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
