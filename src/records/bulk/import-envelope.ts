// A row of an import as it arrives: the envelope of a creation, and beside it what names the row and what an export told. Pure.
import { isJsonObject, type Json } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { IMPORT_ROW_NAME_CHARS_MAX } from "../../limits.ts";

export interface ImportEnvelope {
  /** What the row is called within its import: a retry under the same name is the same row. */
  readonly name: string;
  /** What a creation takes, still unchecked. */
  readonly body: Json;
}

/**
 * Takes `row` (the row's name; its place in the request where it has none) and `record` off a row. `record` is what an export
 * tells about a record at its home: it is not imported, but a record that is not active there would become active here, so it
 * is refused. Throws `request_invalid`, `record_invalid`.
 */
export function readEnvelopeRow(value: Json, place: number): ImportEnvelope {
  if (!isJsonObject(value)) return { name: String(place), body: value };
  const { row, record, ...body } = value;
  if (record !== undefined) checkActive(record);
  if (row === undefined) return { name: String(place), body };
  const isName = typeof row === "string" && row !== "" && row.length <= IMPORT_ROW_NAME_CHARS_MAX;
  if (!isName && !(typeof row === "number" && Number.isSafeInteger(row))) {
    const message = `must be a whole number or a text of 1 to ${IMPORT_ROW_NAME_CHARS_MAX} characters`;
    throw new AttestryError("request_invalid", "the row's name cannot be read", {
      details: [{ field: "/row", message }],
    });
  }
  return { name: String(row), body };
}

function checkActive(record: Json): void {
  const state = isJsonObject(record) ? record.state : undefined;
  if (state === undefined || state === "active") return;
  throw new AttestryError(
    "record_invalid",
    `the record is ${typeof state === "string" ? state.slice(0, 20) : "of no known state"} at its home, and an import would make it active; export active records only`,
  );
}
