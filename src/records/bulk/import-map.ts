// The map of an import: which column fills which field. Parses and checks it; converts nothing (import-row.ts does), no I/O.
import { isJsonObject, type Json, type JsonObject, parseJson } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import { createSchemaValidator } from "../../schema-validator.ts";
import type { WriteGround } from "../record-act.ts";
import { findDateFormatFault } from "./import-cell.ts";

/** A header's text, or a position counted from 1 (`8` or `"#8"`); in NDJSON a member's name or a JSON Pointer. */
export type ColumnSelector = string | number;

export type CellType = "string" | "integer" | "number" | "boolean" | "date" | "json";

/** How one cell becomes a value. */
export interface CellRule {
  readonly column: ColumnSelector;
  /** `string` where it is not given. */
  readonly type?: CellType;
  /** Of a date: `YYYY`, `MM`, `DD`, `M`, `D` and anything between them; `YYYY-MM-DD` where it is not given. */
  readonly format?: string;
  readonly trim?: boolean;
  readonly empty?: "omit" | "keep" | "null" | "refuse";
  readonly values?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Whose URL fills the field: the one record of `registry` at `node` whose fields `by` have the row's values. */
export interface ReferenceRule {
  /** Base URL; where it is not given, the node imported into. */
  readonly node?: string;
  readonly registry: string;
  readonly by: Readonly<Record<string, CellRule>>;
}

/** Exactly one of `column`, `value` and `reference` says where the field's value comes from. */
export interface FieldRule extends Partial<CellRule> {
  /** Dotted path into the record's data. */
  readonly field: string;
  /** The rows of one key are one record, and this field is the array of their values. */
  readonly collect?: boolean;
  readonly value?: Json;
  readonly reference?: ReferenceRule;
}

export interface ImportMap {
  readonly key?: readonly ColumnSelector[];
  readonly fields: readonly FieldRule[];
  readonly valid_from?: Partial<CellRule> & { readonly value?: string };
  readonly valid_until?: Partial<CellRule> & { readonly value?: string };
  readonly act?: WriteGround;
}

const validator = createSchemaValidator<ImportMap>("import-map", { strict: true, allowUnionTypes: true });

/** `import_map_invalid` with a detail per fault. */
export function mapInvalid(message: string, details: readonly ErrorDetail[]): AttestryError {
  return new AttestryError("import_map_invalid", message, { details });
}

/** Turns the text of a map file into an ImportMap; throws `json_*`, or `import_map_invalid` naming every fault. */
export function parseImportMap(text: string): ImportMap {
  const value = parseJson(text);
  const validate = validator();
  if (!validate(value)) {
    const details = (validate.errors ?? []).map((error) => ({
      field: error.instancePath || "/",
      message: `${error.message}${error.params.additionalProperty ? `: "${error.params.additionalProperty}"` : ""}${
        error.params.allowedValues ? `: ${error.params.allowedValues.join(", ")}` : ""
      }`,
    }));
    throw mapInvalid("the map does not follow schemas/import-map.schema.json", details);
  }
  const map = value as unknown as ImportMap;
  const details = [...findSourceFaults(map), ...findTargetFaults(map)];
  if (details.length > 0) throw mapInvalid("the map contradicts itself", details);
  return map;
}

/** Whether rows of one key are gathered into one record. */
export function isGrouping(map: ImportMap): boolean {
  return map.fields.some((rule) => rule.collect === true);
}

function findSourceFaults(map: ImportMap): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  const check = (rule: Partial<FieldRule>, place: string): void => {
    const sources = ["column", "value", "reference"].filter((name) => name in rule);
    if (sources.length !== 1) {
      faults.push({ field: place, message: 'needs exactly one of "column", "value" and "reference"' });
    } else if (rule.column === undefined) {
      const stray = ["type", "format", "trim", "empty", "values"].filter((name) => name in rule);
      if (stray.length > 0) faults.push({ field: place, message: `has ${stray.join(", ")} without a column` });
    }
    if (rule.column !== undefined) checkCell(rule as CellRule, place);
    for (const [name, cell] of Object.entries(rule.reference?.by ?? {}))
      checkCell(cell, `${place}/reference/by/${name}`);
    if (rule.collect === true && map.key === undefined) {
      faults.push({ field: place, message: 'collects the rows of one key, but the map has no "key"' });
    }
  };
  const checkCell = (cell: CellRule, place: string): void => {
    if (cell.format !== undefined && cell.type !== "date") {
      faults.push({ field: place, message: '"format" is for the type date' });
    }
    const fault = cell.format === undefined ? undefined : findDateFormatFault(cell.format);
    if (fault !== undefined) faults.push({ field: `${place}/format`, message: fault });
    if (cell.values !== undefined && cell.type !== undefined) {
      faults.push({ field: place, message: 'has both "type" and "values"; the values say what they are' });
    }
    if (cell.empty === "keep" && (cell.type ?? "string") !== "string") {
      faults.push({ field: place, message: '"empty": "keep" is for the type string' });
    }
  };
  for (const [at, rule] of map.fields.entries()) check(rule, `/fields/${at}`);
  for (const name of ["valid_from", "valid_until"] as const) {
    const rule = map[name];
    if (rule) check(rule.column === undefined ? rule : { ...rule, type: "date" }, `/${name}`);
  }
  return faults;
}

function findTargetFaults(map: ImportMap): ErrorDetail[] {
  const seen = new Map<string, number>();
  return map.fields.flatMap(({ field }, at): ErrorDetail[] => {
    const clash = [...seen].find(
      ([other]) => `${other}.`.startsWith(`${field}.`) || `${field}.`.startsWith(`${other}.`),
    );
    seen.set(field, at);
    return clash ? [{ field: `/fields/${at}`, message: `"${field}" and "${clash[0]}" fill the same field` }] : [];
  });
}

/**
 * Checks the map's targets against the schema of the registry's definition (as its node served it: unknown content).
 * Throws `import_map_invalid` naming each target that is not there, is no array where it collects, and each required field left out.
 */
export function checkMapTargets(map: ImportMap, schema: JsonObject): void {
  const details: ErrorDetail[] = [];
  for (const [at, rule] of map.fields.entries()) {
    const node = findField(schema, rule.field.split("."));
    if (node === undefined) {
      details.push({
        field: `/fields/${at}/field`,
        message: `"${rule.field}" is no field of the registry's definition`,
      });
    } else if (rule.collect === true && node.type !== "array") {
      details.push({
        field: `/fields/${at}/collect`,
        message: `"${rule.field}" is no array in the registry's definition`,
      });
    }
  }
  const filled = new Set(map.fields.map(({ field }) => field.split(".")[0]));
  for (const name of Array.isArray(schema.required) ? schema.required : []) {
    if (!filled.has(String(name)))
      details.push({ field: "/fields", message: `nothing fills the required field "${name}"` });
  }
  if (details.length > 0) throw mapInvalid("the map does not fit the registry's definition", details);
}

/** The schema at a path of property names; looks through local references and combining keywords. */
function findField(root: JsonObject, path: readonly string[]): JsonObject | undefined {
  let nodes = [root];
  for (const name of path) nodes = nodes.flatMap((node) => findProperties(root, node, name));
  return nodes.flatMap((node) => expandSchema(root, node))[0];
}

function findProperties(root: JsonObject, node: JsonObject, name: string): JsonObject[] {
  return expandSchema(root, node).flatMap(({ properties }) => {
    const child = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
    // JSON Schema 2020-12 §4.3.2: `true` is a schema that allows anything.
    return child === true ? [{}] : isJsonObject(child) ? [child] : [];
  });
}

/** The schemas that describe the same place as `node`. `seen` ends references that go in a circle. */
function expandSchema(root: JsonObject, node: JsonObject, seen: ReadonlySet<JsonObject> = new Set()): JsonObject[] {
  if (seen.has(node)) return [];
  const next = new Set([...seen, node]);
  const target = typeof node.$ref === "string" ? /^#\/\$defs\/([^/]+)$/.exec(node.$ref)?.[1] : undefined;
  const named = target !== undefined && isJsonObject(root.$defs) ? root.$defs[target] : undefined;
  const combined = ["allOf", "anyOf", "oneOf"].flatMap((keyword) => node[keyword] ?? []);
  const others = [named, ...combined].filter(isJsonObject);
  const own = "properties" in node || others.length === 0 ? [node] : [];
  return [...own, ...others.flatMap((other) => expandSchema(root, other, next))];
}
