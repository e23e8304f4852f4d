// Compares two schemas of a registry, field by field, keyword by keyword. Pure; conservative: what it cannot judge is breaking.
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";

/** One change, in words. Breaking: an old record, or somebody who reads or writes as before, no longer fits. */
export interface DefinitionChange {
  /** JSON Pointer into the definition. */
  readonly field: string;
  readonly kind: "compatible" | "breaking";
  readonly message: string;
}

/** The schema's version, and whether fields are personal that say nothing (those of a `consent` registry). */
export interface SchemaSide {
  readonly schema: JsonObject;
  readonly isPersonal: boolean;
}

/** Collects changes of one definition. */
export interface ChangeList {
  compatible(field: string, message: string): void;
  breaking(field: string, message: string): void;
}

interface Place {
  readonly at: string;
  readonly changes: ChangeList;
  readonly isElement: boolean;
}

type Compare = (options: {
  before: Json | undefined;
  after: Json | undefined;
  at: string;
  changes: ChangeList;
}) => void;

const TEXTS: Readonly<Record<string, string>> = {
  title: "the title",
  description: "the description",
  examples: "the examples",
  default: "the default, which nothing fills in,",
  deprecated: "the mark of being deprecated",
  readOnly: "readOnly, which nothing enforces,",
  writeOnly: "writeOnly, which nothing enforces,",
  $comment: "the comment",
  "x-title": "the title for people",
  "x-description": "the description for people",
  "x-labels": "a label of a value",
};

export function differs(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a !== b;
  return canonicalJson(a) !== canonicalJson(b);
}

export function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

export function asTexts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** Items of `a` that are not in `b`. */
export function missingIn(a: readonly Json[], b: readonly Json[]): Json[] {
  const known = new Set(b.map((item) => canonicalJson(item)));
  return a.filter((item) => !known.has(canonicalJson(item)));
}

function quote(values: readonly Json[]): string {
  const shown = values.slice(0, 5).map((value) => JSON.stringify(value));
  return values.length > 5 ? `${shown.join(", ")} and ${values.length - 5} more` : shown.join(", ");
}

/** A limit of numbers: `sign` 1 where a greater one is stricter. */
function compareLimit(sign: 1 | -1): Compare {
  return ({ before, after, at, changes }) => {
    if (after === undefined) changes.compatible(at, `the limit of ${String(before)} is gone`);
    else if (typeof after !== "number") changes.breaking(at, "is no limit that can be judged");
    else if (before === undefined) changes.breaking(at, `the limit of ${after} is new: values beyond it are refused`);
    else if ((after - Number(before)) * sign > 0)
      changes.breaking(at, `is tightened from ${String(before)} to ${after}: values beyond it are refused`);
    else changes.compatible(at, `is loosened from ${String(before)} to ${after}`);
  };
}

const compareRestriction: Compare = ({ before, after, at, changes }) => {
  if (after === undefined) changes.compatible(at, "is gone: more values are allowed");
  else if (before === undefined) changes.breaking(at, "is new: values that do not follow it are refused");
  else changes.breaking(at, "is another: values that followed the old one may be refused");
};

const compareMultiple: Compare = ({ before, after, at, changes }) => {
  const isLoosened = typeof before === "number" && typeof after === "number" && Number.isInteger(before / after);
  if (isLoosened) changes.compatible(at, `is loosened from ${before} to ${after}`);
  else compareRestriction({ before, after, at, changes });
};

const compareUniqueItems: Compare = ({ after, at, changes }) => {
  if (after === true) changes.breaking(at, "lists with a repeated element are refused");
  else changes.compatible(at, "elements may repeat");
};

const compareType: Compare = ({ before, after, at, changes }) => {
  if (after === undefined) return void changes.compatible(at, "any type is allowed");
  const [old, next] = [before, after].map((type) => (typeof type === "string" ? [type] : asTexts(type)));
  // Every integer is a number, too (JSON Schema 2020-12, 6.1.1).
  const lost = old!.filter((type) => !next!.includes(type) && !(type === "integer" && next!.includes("number")));
  if (before === undefined) changes.breaking(at, `values other than ${next!.join(", ")} are refused`);
  else if (lost.length > 0) changes.breaking(at, `was ${old!.join(", ")}, is ${next!.join(", ")}`);
  else changes.compatible(at, `is widened from ${old!.join(", ")} to ${next!.join(", ")}`);
};

/** `enum`, and `const` as an enum of one. */
function compareChoice(options: { before: JsonObject; after: JsonObject; at: string; changes: ChangeList }): void {
  const { changes } = options;
  const read = (schema: JsonObject): Json[] | undefined => {
    if (schema.const !== undefined) return [schema.const];
    return Array.isArray(schema.enum) ? schema.enum : undefined;
  };
  const [old, next] = [read(options.before), read(options.after)];
  if (old === undefined && next === undefined) return;
  const at = `${options.at}/${(next === undefined ? options.before : options.after).const === undefined ? "enum" : "const"}`;
  if (next === undefined) return void changes.compatible(at, "is gone: any value is allowed");
  if (old === undefined) return void changes.breaking(at, `only ${quote(next)} are allowed`);
  const [lost, gained] = [missingIn(old, next), missingIn(next, old)];
  if (lost.length > 0) changes.breaking(at, `no longer allowed: ${quote(lost)}`);
  if (gained.length > 0) changes.compatible(at, `also allowed: ${quote(gained)}`);
}

const compareUnique: Compare = ({ before, after, at, changes }) => {
  const names = (value: Json | undefined): string[] =>
    Array.isArray(value) ? value.map((key) => asTexts(key).join("+")) : value === true ? ["the value"] : [];
  const [old, next] = [names(before), names(after)];
  for (const name of missingIn(next, old))
    changes.breaking(at, `${String(name)} must be unique; old records have the key as soon as they are migrated`);
  for (const name of missingIn(old, next))
    changes.breaking(
      at,
      `${String(name)} need not be unique; records are no longer found by it, nor matched by imports`,
    );
};

const compareSearch: Compare = ({ before, after, at, changes }) => {
  if (before === undefined) return void changes.compatible(at, "records are found by it");
  if (after === undefined) return void changes.breaking(at, "records are no longer found by it");
  const read = (value: Json): JsonObject => (isJsonObject(value) ? value : { match: value });
  const [old, next] = [read(before), read(after)];
  if (differs(old.normal, next.normal)) changes.breaking(at, "values are compared in another normal form");
  else if (old.match === "exact") changes.compatible(at, `records are found by ${String(next.match)} match, too`);
  else changes.breaking(at, `was ${String(old.match)}, is ${String(next.match)}`);
};

const compareReference: Compare = ({ before, after, at, changes }) => {
  if (before === undefined) return void changes.breaking(at, "values must be references to records");
  if (after === undefined) return void changes.breaking(at, "values are no longer references, and are not followed");
  const [old, next] = [asObject(before), asObject(after)];
  if (differs(old.type, next.type))
    changes.breaking(at, `refers to ${String(next.type)} instead of ${String(old.type)}`);
  if (differs(old.registry, next.registry))
    changes.breaking(at, "references given as type and key are looked up elsewhere");
  if ((old.onWrite ?? "verify") === (next.onWrite ?? "verify")) return;
  if (next.onWrite === "accept") changes.compatible(at, "references are accepted without being verified first");
  else changes.breaking(at, "references are verified before they are accepted");
};

const compareAttachment: Compare = ({ before, after, at, changes }) => {
  if (before === undefined || after === undefined)
    return void changes.breaking(
      at,
      before === undefined ? "values must be attachments" : "values are no attachments any more",
    );
  const [old, next] = [asObject(before), asObject(after)];
  const isWider =
    missingIn(asTexts(old.mediaTypes), asTexts(next.mediaTypes)).length === 0 && old.mediaTypes !== undefined;
  if (differs(old.mediaTypes, next.mediaTypes)) {
    if (isWider && next.mediaTypes !== undefined) changes.compatible(at, "more media types are allowed");
    else changes.breaking(at, "other media types are allowed");
  }
  if (!differs(old.bytesMax, next.bytesMax)) return;
  if (old.bytesMax !== undefined && (next.bytesMax === undefined || Number(next.bytesMax) > Number(old.bytesMax)))
    changes.compatible(at, "larger files are allowed");
  else changes.breaking(at, "only smaller files are allowed");
};

const compareDependents: Compare = ({ before, after, at, changes }) => {
  const [old, next] = [asObject(before), asObject(after)];
  for (const name of new Set([...Object.keys(old), ...Object.keys(next)])) {
    for (const gained of missingIn(asTexts(next[name]), asTexts(old[name])))
      changes.breaking(at, `where "${name}" is, "${String(gained)}" is required`);
    for (const lost of missingIn(asTexts(old[name]), asTexts(next[name])))
      changes.compatible(at, `where "${name}" is, "${String(lost)}" is no longer required`);
  }
};

const compareAdditional: Compare = ({ before, after, at, changes }) => {
  if (before === false) changes.compatible(at, "fields that the schema does not name are allowed");
  else if (after === undefined || after === true) changes.compatible(at, "more is allowed of fields without a name");
  else changes.breaking(at, "fields that the schema does not name may be refused");
};

const COMPARE: Readonly<Record<string, Compare>> = {
  type: compareType,
  ...Object.fromEntries(
    ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"].map((name) => [name, compareLimit(1)]),
  ),
  ...Object.fromEntries(
    ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"].map((name) => [name, compareLimit(-1)]),
  ),
  multipleOf: compareMultiple,
  uniqueItems: compareUniqueItems,
  format: compareRestriction,
  pattern: compareRestriction,
  propertyNames: compareRestriction,
  contains: compareRestriction,
  not: compareRestriction,
  dependentRequired: compareDependents,
  additionalProperties: compareAdditional,
  "x-unique": compareUnique,
  "x-search": compareSearch,
  "x-reference": compareReference,
  "x-attachment": compareAttachment,
};

/** Compared by name, or together with another keyword. */
const APART = ["properties", "required", "items", "enum", "const", "x-personal"];

/** What changes from one schema to the next, below the JSON Pointer `at`. */
export function compareSchemas(before: SchemaSide, after: SchemaSide, place: Omit<Place, "isElement">): void {
  compareNodes(before, after, { ...place, isElement: true });
}

function compareNodes(before: SchemaSide, after: SchemaSide, { at, changes, isElement }: Place): void {
  const [old, next] = [before.schema, after.schema];
  comparePersonal(before, after, { at, changes, isElement });
  compareProperties(before, after, { at, changes });
  compareChoice({ before: old, after: next, at, changes });
  compareItems(before, after, { at, changes });
  for (const keyword of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const [was, is] = [old[keyword], next[keyword]];
    if (APART.includes(keyword) || !differs(was, is)) continue;
    const compare = COMPARE[keyword];
    if (compare) compare({ before: was, after: is, at: `${at}/${keyword}`, changes });
    else if (TEXTS[keyword] !== undefined) changes.compatible(`${at}/${keyword}`, `${TEXTS[keyword]} is another`);
    else changes.breaking(`${at}/${keyword}`, "is another, and what that means cannot be judged");
  }
}

function comparePersonal(before: SchemaSide, after: SchemaSide, { at, changes, isElement }: Place): void {
  const read = ({ schema, isPersonal }: SchemaSide): boolean =>
    typeof schema["x-personal"] === "boolean" ? schema["x-personal"] : isPersonal && !isElement;
  const [was, is] = [read(before), read(after)];
  if (was === is) return;
  if (is) changes.breaking(`${at}/x-personal`, "becomes personal: those who read it openly no longer see it");
  else changes.breaking(`${at}/x-personal`, "is no longer personal: anyone who may read the registry sees it");
}

function compareProperties(before: SchemaSide, after: SchemaSide, { at, changes }: Omit<Place, "isElement">): void {
  const [old, next] = [asObject(before.schema.properties), asObject(after.schema.properties)];
  const [wasRequired, isRequired] = [asTexts(before.schema.required), asTexts(after.schema.required)];
  for (const name of new Set([...Object.keys(old), ...Object.keys(next)])) {
    const field = `${at}/properties/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (!Object.hasOwn(next, name)) changes.breaking(field, "is removed");
    else if (Object.hasOwn(old, name)) {
      compareNodes(
        { ...before, schema: asSchema(old[name]) },
        { ...after, schema: asSchema(next[name]) },
        { at: field, changes, isElement: false },
      );
    } else if (before.schema.additionalProperties !== false)
      changes.breaking(field, "is new, and old records may have something else under this name");
    else if (isRequired.includes(name)) changes.breaking(field, "is new and required");
    else changes.compatible(field, "is new and may be left out");
  }
  for (const name of missingIn(isRequired, wasRequired)) {
    // A new field was named already.
    if (Object.hasOwn(old, String(name)) || !Object.hasOwn(next, String(name)))
      changes.breaking(`${at}/required`, `"${String(name)}" is now required`);
  }
  for (const name of missingIn(wasRequired, isRequired)) {
    if (Object.hasOwn(next, String(name))) changes.compatible(`${at}/required`, `"${String(name)}" may be left out`);
  }
}

function compareItems(before: SchemaSide, after: SchemaSide, { at, changes }: Omit<Place, "isElement">): void {
  const [was, is] = [before.schema.items, after.schema.items];
  if (isJsonObject(was) && isJsonObject(is)) {
    compareNodes({ ...before, schema: was }, { ...after, schema: is }, { at: `${at}/items`, changes, isElement: true });
  } else if (differs(was, is)) compareRestriction({ before: was, after: is, at: `${at}/items`, changes });
}

// `true` allows everything, as {} does; `false` allows nothing.
function asSchema(value: Json | undefined): JsonObject {
  return value === false ? { not: {} } : asObject(value);
}
