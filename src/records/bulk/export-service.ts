// Gives a registry's records out as text, page by page, as of one size of the log: a long download needs no open transaction and no memory.
import type { JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import { EXPORT_FIELDS_MAX, EXPORT_PAGE_RECORDS } from "../../limits.ts";
import { findFieldSchema } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import type { LogReadings, ShownRecord } from "../record-readings.ts";
import type { RecordSealer } from "../record-sealer.ts";
import type { RecordSight } from "../record-sight.ts";
import type { TimeCoordinates } from "../record-timeline.ts";
import { type ExportedRecord, formatCsvHeader, formatCsvRecord, listCsvColumns } from "./export-csv.ts";
import {
  describeExported,
  describeStatement,
  describeVersion,
  type ExportReader,
  findExportedShown,
} from "./export-record.ts";
import * as store from "./export-store.ts";

export const EXPORT_FORMATS = ["ndjson", "csv"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export const EXPORT_STATES = ["active", "suspended", "revoked", "ended", "replaced"] as const;

export interface ExportOptions {
  readonly caller: Caller;
  readonly registry: string;
  readonly at?: TimeCoordinates | undefined;
  /** Which records, by their state at the times asked for; active ones where it is not given. */
  readonly states?: readonly string[] | undefined;
  /** Dotted paths that the data is cut down to. */
  readonly fields?: readonly string[] | undefined;
  /** To go on: what the part before gave as `next`, and the size that it gave. */
  readonly after?: number | undefined;
  readonly size?: number | undefined;
  /** Records looked at in this part; all where it is not given. */
  readonly limit?: number | undefined;
}

/** A part of an export, or all of it. */
export interface Export {
  /** Entries of the log that it is as of. */
  readonly size: number;
  /** Where the next part begins; undefined: nothing is left. */
  readonly next: number | undefined;
  /** Text, some pages at a time, as fast as it is taken. Each with the number of its rows. */
  readonly chunks: AsyncGenerator<ExportChunk>;
}

export interface ExportChunk {
  readonly text: string;
  readonly rows: number;
}

export interface ExportService {
  /** Throws `registry_unknown`, `permission_denied`, `authentication_required`, `query_invalid`. */
  open(options: ExportOptions & { format: ExportFormat }): Promise<Export>;
  /** Every version and statement of every record, erased ones' statements too, as NDJSON. */
  openHistory(options: Omit<ExportOptions, "states" | "fields">): Promise<Export>;
  /** One pass over the open fields of active records, in every format at once. */
  readPublic(options: {
    compiled: CompiledDefinition;
    size: number;
  }): AsyncGenerator<Readonly<Record<ExportFormat, string>> & { rows: number }>;
}

/** What is shown of records, by rid; others are left out. `note`: of a page, before it is given out. */
type Look = (rids: readonly string[]) => Promise<{
  readonly readable: ReadonlySet<string>;
  readonly reader: ExportReader;
  note(shown: readonly ShownRecord[]): Promise<unknown>;
}>;

export function createExportService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  sealer: RecordSealer;
  sight: RecordSight;
  /** Entries of the log that everyone may see. */
  readSize: () => Promise<number>;
  logReadings: LogReadings;
}): ExportService {
  const { entity, database, registries, sealer, sight } = deps;

  async function prepare(options: ExportOptions) {
    const { caller, registry } = options;
    const compiled = await registries.getCurrent(registry);
    checkPermitted({ caller, action: "record.read", registry, access: compiled.definition.access });
    const known = await deps.readSize();
    const size = options.size ?? known;
    if (size > known) throw new AttestryError("query_invalid", `the log has ${known} entries, not ${size}`);
    const after = options.after ?? -1;
    const look: Look = async (rids) => {
      const asked = { caller, compiled, rids };
      const [readable, inspected] = await Promise.all([sight.findReadable(asked), sight.findInspected(asked)]);
      const reader = { entity, sealer, compiled, inspected };
      return { readable, reader, note: (shown) => deps.logReadings(shown, caller, "export") };
    };
    const range = { registry, after, size };
    const { limit } = options;
    const end = limit === undefined ? undefined : await store.findRangeEnd(database, { ...range, limit });
    const next = end && end.count === limit ? end.last : undefined;
    return {
      compiled,
      look,
      range,
      size,
      next,
      last: limit === undefined ? Number.POSITIVE_INFINITY : (end?.last ?? -1),
    };
  }

  /** The runs of a part, each small enough for memory. */
  async function* runs(range: Omit<store.ExportRange, "limit">, last: number): AsyncGenerator<store.ExportRange> {
    // A run never goes beyond the part: its records are those created before the entry after the part's last one.
    const size = Math.min(range.size, last + 1);
    for (let after = range.after; ; ) {
      const run = { ...range, after, limit: EXPORT_PAGE_RECORDS };
      const end = await store.findRangeEnd(database, { ...run, size });
      if (!end) return;
      yield { ...run, limit: end.count };
      after = end.last;
    }
  }

  async function* readRecords(options: {
    look: Look;
    range: Omit<store.ExportRange, "limit">;
    last: number;
    at?: TimeCoordinates | undefined;
    states: readonly string[];
    fields?: readonly string[] | undefined;
  }): AsyncGenerator<ExportedRecord[]> {
    const { look, range, last, at, states, fields } = options;
    for await (const run of runs(range, last)) {
      const rows = await store.listRange(database, run, at);
      const { readable, reader, note } = await look(rows.map(({ record }) => record.rid));
      const meant = rows.filter(
        ({ record, change }) => readable.has(record.rid) && states.includes(change?.state ?? "active"),
      );
      await note(meant.flatMap((row) => findExportedShown(reader, row, fields)));
      yield meant.map((row) => describeExported(reader, row, fields));
    }
  }

  return {
    async open(options) {
      const { format, fields, at, states = ["active"] } = options;
      const unknown = states.find((state) => !(EXPORT_STATES as readonly string[]).includes(state));
      if (unknown !== undefined) {
        const allowed = EXPORT_STATES.join(", ");
        throw new AttestryError("query_invalid", `states: "${unknown.slice(0, 40)}" is none; allowed: ${allowed}`);
      }
      const { compiled, look, range, size, next, last } = await prepare(options);
      checkFields(compiled, fields);
      const formatter = createFormatter(compiled, format, fields);
      const records = readRecords({ look, range, last, at, states, fields });
      async function* write(): AsyncGenerator<ExportChunk> {
        // Only ahead of the first part, so that the parts put together are one file.
        if (range.after < 0 && formatter.header !== "") yield { text: formatter.header, rows: 0 };
        for await (const page of records) yield { text: page.map(formatter.line).join(""), rows: page.length };
      }
      return { size, next, chunks: write() };
    },

    async openHistory(options) {
      if (options.at?.validAt) {
        throw new AttestryError(
          "query_invalid",
          "a history has every version, whenever it was in effect; leave out validAt",
        );
      }
      const { look, range, size, next, last } = await prepare(options);
      const recordedBy = options.at?.asOf?.seconds ?? Number.MAX_SAFE_INTEGER;
      async function* write(): AsyncGenerator<ExportChunk> {
        for await (const run of runs(range, last)) {
          const found = await store.listRangeHistory(database, run, recordedBy);
          const { readable, reader, note } = await look(found.records.map(({ rid }) => rid));
          const records = found.records.filter(({ rid }) => readable.has(rid));
          const heads = new Map(records.map((record) => [record.rid, record]));
          await note(
            found.versions.flatMap((version) => {
              const record = heads.get(version.rid);
              return record ? findExportedShown(reader, { record, version }, undefined) : [];
            }),
          );
          const events = describeHistory(reader, { ...found, records });
          yield { text: events.map(formatJsonLine).join(""), rows: events.length };
        }
      }
      return { size, next, chunks: write() };
    },

    async *readPublic({ compiled, size }) {
      const inspected: ReadonlySet<string> = new Set();
      const look: Look = async (rids) => ({
        readable: new Set(rids),
        reader: { entity, sealer, compiled, inspected },
        // Nothing personal is in it.
        note: async () => {},
      });
      const range = { registry: compiled.definition.name, after: -1, size };
      const [csv, ndjson] = [
        createFormatter(compiled, "csv", undefined),
        createFormatter(compiled, "ndjson", undefined),
      ];
      yield { csv: csv.header, ndjson: "", rows: 0 };
      const all = { look, range, last: Number.POSITIVE_INFINITY, states: ["active"] };
      for await (const page of readRecords(all)) {
        yield { csv: page.map(csv.line).join(""), ndjson: page.map(ndjson.line).join(""), rows: page.length };
      }
    },
  };
}

type ExportedHistory = {
  readonly [List in keyof Awaited<ReturnType<typeof store.listRangeHistory>>]: readonly Awaited<
    ReturnType<typeof store.listRangeHistory>
  >[List][number][];
};

function describeHistory(reader: ExportReader, { records, versions, statements }: ExportedHistory): JsonObject[] {
  const versionsOf = groupByRid(versions);
  const statementsOf = groupByRid(statements);
  return records.flatMap((head) => {
    const events = [
      ...(versionsOf.get(head.rid) ?? []).map((one) => [one.logIndex, describeVersion(reader, head, one)] as const),
      ...(statementsOf.get(head.rid) ?? []).map((one) => [one.logIndex, describeStatement(reader, head, one)] as const),
    ];
    return events.sort(([a], [b]) => a - b).map(([, event]) => event);
  });
}

function groupByRid<Item extends { readonly rid: string }>(items: readonly Item[]): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(item.rid, [...(groups.get(item.rid) ?? []), item]);
  return groups;
}

const formatJsonLine = (value: JsonObject | ExportedRecord): string => `${JSON.stringify(value)}\n`;

function createFormatter(
  { definition }: CompiledDefinition,
  format: ExportFormat,
  fields: readonly string[] | undefined,
): { readonly header: string; line(record: ExportedRecord): string } {
  if (format === "ndjson") return { header: "", line: formatJsonLine };
  const all = listCsvColumns(definition.schema);
  const isWanted = (path: readonly string[]): boolean =>
    fields === undefined || fields.some((field) => `${path.join(".")}.`.startsWith(`${field}.`));
  const columns = all.filter(({ path }) => isWanted(path));
  const isWhole = fields === undefined;
  return {
    header: formatCsvHeader(columns, isWhole),
    line: (record) => formatCsvRecord(columns, record, isWhole),
  };
}

function checkFields({ definition }: CompiledDefinition, fields: readonly string[] | undefined): void {
  if (fields === undefined) return;
  if (fields.length > EXPORT_FIELDS_MAX) {
    throw new AttestryError("query_invalid", `${fields.length} fields; at most ${EXPORT_FIELDS_MAX} are allowed`);
  }
  const unknown = fields.filter((field) => !findFieldSchema(definition.schema, field.split(".")));
  if (unknown.length === 0) return;
  const named = unknown.slice(0, 10).map((field) => `"${field.slice(0, 80)}"`);
  const known = Object.keys((definition.schema.properties ?? {}) as JsonObject).slice(0, 50);
  throw new AttestryError(
    "query_invalid",
    `no field of "${definition.name}": ${named.join(", ")}; it has: ${known.join(", ")}`,
  );
}
