// Records as rows of a CSV file and back, without loss: which columns a definition gives, what stands in a cell. Pure.
import { isJsonObject, type Json, type JsonObject, parseJson } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";

/** How a column's cells are written: a text as it is, a single value as its JSON, anything else as JSON under a header that says so. */
export type CsvCellKind = "text" | "plain" | "json";

export interface CsvColumn {
  readonly header: string;
  /** Property names into the record's data. */
  readonly path: readonly string[];
  readonly kind: CsvCellKind;
}

/** A record as an export tells it: the envelope that an import takes, and what it is at its home. */
export interface ExportedRecord extends Readonly<Record<string, Json>> {
  readonly record: JsonObject;
  readonly data: JsonObject;
}

const INFORMED = ["href", "version", "state"] as const;
const ENVELOPE = ["identifier", "valid_from", "valid_until"] as const;
// Neither stands in a field's header as it is: those with a colon are written as JSON Pointers.
const PREFIX = "record:";
const JSON_SUFFIX = ":json";
/** What of the data no column can say, as JSON. */
const REST = "record:rest";
const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_ -]*$/u;
const NESTING_MAX = 8;

// A spreadsheet runs a cell that begins like this, leading white space apart (OWASP, CSV injection). The quote ahead of it is what
// spreadsheets take for "this is text"; as a quote that was there is written twice, it can be taken away again.
const NEEDS_QUOTE = /^['\s]*['=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]|^\s|^$/u;
// What a reader of CSV may refuse or change: control characters, the byte order mark, the sign for a byte that was none.
const UNSAFE_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufeff\ufffd]/;

/** The columns of a definition's schema: each field of a simple type by itself, of nested objects too; lists and unions as JSON. */
export function listCsvColumns(schema: JsonObject): CsvColumn[] {
  const columns: CsvColumn[] = [];
  const walk = (node: JsonObject, path: readonly string[]): void => {
    for (const [name, child] of Object.entries(isJsonObject(node.properties) ? node.properties : {})) {
      const inner = [...path, name];
      const isNested = isJsonObject(child) && child.type === "object" && isJsonObject(child.properties);
      if (isNested && inner.length < NESTING_MAX) walk(child, inner);
      else columns.push(describeColumn(inner, kindOf(child)));
    }
  };
  walk(schema, []);
  return columns;
}

function kindOf(schema: Json): CsvCellKind {
  const types = isJsonObject(schema) ? [schema.type].flat().filter((type) => type !== "null") : [];
  if (types.length !== 1) return "json";
  if (types[0] === "string") return "text";
  return ["integer", "number", "boolean"].includes(String(types[0])) ? "plain" : "json";
}

function describeColumn(path: readonly string[], kind: CsvCellKind): CsvColumn {
  const isPlain = path.every((name) => PLAIN_NAME.test(name) && name.trim() === name);
  const pointer = path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  return { header: `${isPlain ? path.join(".") : pointer}${kind === "json" ? JSON_SUFFIX : ""}`, path, kind };
}

/** The header of an export. Without `isWhole` (some fields only) it lacks the column for the rest. */
export function formatCsvHeader(columns: readonly CsvColumn[], isWhole: boolean): string {
  const cells = [
    ...[...INFORMED, ...ENVELOPE, "replaces"].map((name) => `${PREFIX}${name}`),
    ...columns.map(({ header }) => header),
    ...(isWhole ? [REST] : []),
  ];
  return formatLine(cells);
}

/** One record as a line of CSV (RFC 4180). */
export function formatCsvRecord(
  columns: readonly CsvColumn[],
  { record, data, ...envelope }: ExportedRecord,
  isWhole: boolean,
): string {
  const rest = structuredClone(data);
  const cells = columns.map(({ path, kind }) => {
    const value = valueAt(rest, path);
    const cell = value === undefined ? undefined : formatCell(value, kind);
    if (cell !== undefined) removeAt(rest, path);
    return cell ?? "";
  });
  for (const { path } of columns) dropEmpty(rest, data, path);
  // An identifier that is a field stands beside the record, and is not imported.
  const texts = ENVELOPE.map((name) => quoteText(String(envelope[name] ?? (record[name] as Json | undefined) ?? "")));
  return formatLine([
    ...INFORMED.map((name) => quoteText(String(record[name] ?? ""))),
    ...texts.map((text) => (text === "'" ? "" : text)),
    envelope.replaces === undefined ? "" : escapeJson(envelope.replaces),
    ...cells,
    ...(isWhole ? [Object.keys(rest).length === 0 ? "" : escapeJson(rest)] : []),
  ]);
}

/** Undefined where the column cannot say this value; it then goes to the rest. */
function formatCell(value: Json, kind: CsvCellKind): string | undefined {
  if (kind === "json") return escapeJson(value);
  if (kind === "text") return typeof value === "string" && !UNSAFE_TEXT.test(value) ? quoteText(value) : undefined;
  return typeof value === "number" || typeof value === "boolean" ? JSON.stringify(value) : undefined;
}

function quoteText(text: string): string {
  return NEEDS_QUOTE.test(text) ? `'${text}` : text;
}

function escapeJson(value: Json): string {
  return JSON.stringify(value).replace(
    /[\u007f\ufeff\ufffd]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function formatLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",;\t\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\r\n`;
}

function valueAt(data: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = data;
  for (const name of path) value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

function removeAt(data: JsonObject, path: readonly string[]): void {
  const parent = valueAt(data, path.slice(0, -1));
  if (isJsonObject(parent)) delete parent[path.at(-1)!];
}

/** Takes away the objects of `rest` on a path that the columns emptied; one that was empty in the record stays: it says that it is there. */
function dropEmpty(rest: JsonObject, data: JsonObject, path: readonly string[]): void {
  for (let depth = path.length - 1; depth > 0; depth--) {
    const parent = path.slice(0, depth);
    const now = valueAt(rest, parent);
    const before = valueAt(data, parent);
    if (isJsonObject(now) && Object.keys(now).length === 0 && Object.keys(before as JsonObject).length > 0) {
      // Only where something below it stands in a column: an object that holds but an empty one is told by that one.
      removeAt(rest, parent);
    }
  }
}

/** Reads the rows of a file that an export wrote. */
export interface CsvDecoder {
  /** The envelope of a row, with `record`. Throws `record_invalid` naming the column, never the cell. */
  decode(cells: readonly string[]): JsonObject;
}

/** Undefined where the header is not that of an export. `schema`: of the registry imported into. Throws `import_file_invalid`. */
export function createCsvDecoder(header: readonly string[], schema: JsonObject): CsvDecoder | undefined {
  if (!header.some((text) => text.trim().startsWith(PREFIX))) return undefined;
  const known = new Map(listCsvColumns(schema).map((column) => [column.header, column]));
  const columns = header.map((text) => (text.startsWith(PREFIX) ? text : (known.get(text) ?? readHeader(text))));
  return {
    decode(cells) {
      const envelope: JsonObject = {};
      const record: JsonObject = {};
      const data: JsonObject = {};
      for (const [at, column] of columns.entries()) {
        const cell = cells[at] ?? "";
        if (cell === "") continue;
        if (typeof column !== "string") setAt(data, column.path, readCell(cell, column));
        else if (column === REST) mergeRest(data, readJson(cell, REST));
        else if (column === `${PREFIX}replaces`) envelope.replaces = readJson(cell, column);
        else {
          const name = column.slice(PREFIX.length);
          if ((ENVELOPE as readonly string[]).includes(name)) envelope[name] = unquoteText(cell);
          else if ((INFORMED as readonly string[]).includes(name)) record[name] = unquoteText(cell);
        }
      }
      return { ...envelope, record, data };
    },
  };
}

/** A column of which the definition knows nothing: what it says goes in all the same, and the node refuses it by name. */
function readHeader(text: string): CsvColumn {
  const isJson = text.endsWith(JSON_SUFFIX);
  const name = isJson ? text.slice(0, -JSON_SUFFIX.length) : text;
  const path = name.startsWith("/")
    ? name
        .slice(1)
        .split("/")
        .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    : name.split(".");
  return { header: text, path, kind: isJson ? "json" : "text" };
}

function readCell(cell: string, { kind, header }: CsvColumn): Json {
  return kind === "text" ? unquoteText(cell) : readJson(cell, header);
}

function unquoteText(cell: string): string {
  return cell.startsWith("'") ? cell.slice(1) : cell;
}

function readJson(cell: string, header: string): Json {
  try {
    return parseJson(cell);
  } catch {
    throw new AttestryError("record_invalid", `column "${header}" is not the JSON that an export writes there`, {
      details: [{ field: `/${header}`, message: "must be JSON" }],
    });
  }
}

function setAt(data: JsonObject, path: readonly string[], value: Json): void {
  let node = data;
  for (const name of path.slice(0, -1)) {
    const child = node[name];
    const inner = isJsonObject(child) ? child : {};
    node[name] = inner;
    node = inner;
  }
  node[path.at(-1)!] = value;
}

/** What the columns said is nowhere in the rest, so nothing is overwritten. */
function mergeRest(data: JsonObject, rest: Json): void {
  if (!isJsonObject(rest)) throw new AttestryError("record_invalid", `column "${REST}" is not an object`);
  for (const [name, value] of Object.entries(rest)) {
    const known = data[name];
    if (isJsonObject(known) && isJsonObject(value)) mergeRest(known, value);
    else data[name] = value;
  }
}
