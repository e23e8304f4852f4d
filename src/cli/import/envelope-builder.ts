// From rows that are envelopes already (our own NDJSON, or the CSV of an export) to records ready to be sent. Needs no map.
import { isJsonObject, type JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { type CsvDecoder, createCsvDecoder } from "../../records/bulk/export-csv.ts";
import { readEnvelopeRow } from "../../records/bulk/import-envelope.ts";
import { type KeyRules, readKeyValues } from "../../records/bulk/import-keys.ts";
import { mapInvalid } from "../../records/bulk/import-map.ts";
import type { FileRow, Refusal } from "../../records/bulk/import-row.ts";
import type { BuildGroups } from "./record-builder.ts";
import type { RowKey } from "./row-groups.ts";

export interface EnvelopeReader {
  /** The envelope that a row is, or why it is none. */
  read(row: FileRow): JsonObject | Refusal;
}

/** Throws `import_map_invalid` where the file's columns are not those of an export. */
export function createEnvelopeReader(options: {
  readonly header: readonly string[] | undefined;
  readonly schema: JsonObject;
  readonly rules: KeyRules;
}): EnvelopeReader {
  const { header, schema, rules } = options;
  const decoder: CsvDecoder | undefined = header && createCsvDecoder(header, schema);
  if (header && !decoder) {
    throw mapInvalid(
      "the file's columns are not those that an export writes (record:href, …), so a map must say which of them fills which field: --map",
      [],
    );
  }
  function decode(row: FileRow): JsonObject {
    const { cells } = row;
    const value = decoder ? decoder.decode(cells as string[]) : cells;
    const { body } = readEnvelopeRow(value, row.line);
    if (!isJsonObject(body)) throw new AttestryError("import_file_invalid", "the line is no JSON object");
    // An identifier that is a field stands in the data; a CSV file names it beside them, too.
    if (decoder && !rules.hasIdentifier) delete body.identifier;
    return body;
  }
  return {
    read(row) {
      try {
        return decode(row);
      } catch (error) {
        if (!(error instanceof AttestryError)) throw error;
        const field = (error.details[0]?.field ?? "").replace(/^\//, "");
        return { line: row.line, field, code: error.code, reason: error.message };
      }
    },
  };
}

/** The first unique value of a row, so that of two rows about one record only the first is taken. */
export function createEnvelopeKey(reader: EnvelopeReader, rules: KeyRules): RowKey {
  const label = [...(rules.hasIdentifier ? ["identifier"] : []), ...rules.uniqueKeys.map(({ name }) => name)].join(
    " or ",
  );
  return {
    label,
    isRequired: false,
    read(row) {
      const envelope = reader.read(row);
      return isRefusal(envelope) ? undefined : readKeyValues(rules, envelope)[0]?.text;
    },
  };
}

export function createEnvelopeBuilder(reader: EnvelopeReader): BuildGroups {
  return async (groups) =>
    groups.map((rows) => {
      const [row] = rows;
      if (!row) throw new Error("a group without rows");
      const envelope = reader.read(row);
      const lines = [row.line];
      return isRefusal(envelope)
        ? { lines, envelope: undefined, refusals: [envelope] }
        : { lines, envelope, refusals: [] };
    });
}

// An envelope has no member "line" that is a number together with a "reason": the node would refuse it by name.
function isRefusal(value: JsonObject | Refusal): value is Refusal {
  return "reason" in value && "line" in value;
}
