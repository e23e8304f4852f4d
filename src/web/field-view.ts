// A definition's fields as people read them: names, kinds, choices, who sees them. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { LocalizedText } from "../registries/definition.ts";

export type FieldKind =
  | "text"
  | "number"
  | "yes-no"
  | "day"
  | "instant"
  | "address"
  | "reference"
  | "attachment"
  | "group"
  | "list";

export interface FieldView {
  /** `address.city`, as searches and templates name it. */
  readonly name: string;
  /** The last part of the name: the member of its object. */
  readonly member: string;
  readonly title: LocalizedText;
  readonly description: LocalizedText | undefined;
  readonly kind: FieldKind;
  readonly personal: boolean;
  readonly unique: boolean;
  readonly required: boolean;
  /** Whether a number is a name (a code, a year) and is written without separators. */
  readonly isCode: boolean;
  readonly referenceType: string | undefined;
  /** The values that are allowed, where these are few and named. */
  readonly choices: readonly (string | number)[] | undefined;
  readonly labels: ReadonlyMap<string, LocalizedText>;
  /** Of a group its members; of a list what each of its elements is. */
  readonly members: readonly FieldView[];
}

const YEAR_MIN = 1_000;
const YEAR_MAX = 9_999;

function isText(value: Json | undefined): value is LocalizedText & Json {
  return typeof value === "string" || (isJsonObject(value) && Object.values(value).every((v) => typeof v === "string"));
}

function firstText(...candidates: (Json | undefined)[]): LocalizedText | undefined {
  return candidates.find(isText);
}

/** `validFrom` and `valid_from` as words: a definition without titles is readable all the same. */
export function spellOut(member: string): string {
  const words = member
    .replaceAll(/[_-]+/g, " ")
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, (_all, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function readLabels(schema: JsonObject): ReadonlyMap<string, LocalizedText> {
  const labels = schema["x-labels"];
  if (!isJsonObject(labels)) return new Map();
  return new Map(Object.entries(labels).flatMap(([value, text]) => (isText(text) ? [[value, text] as const] : [])));
}

function readChoices(schema: JsonObject): (string | number)[] | undefined {
  if (!Array.isArray(schema.enum)) return undefined;
  const values = schema.enum.filter((value) => typeof value === "string" || typeof value === "number");
  return values.length > 0 ? values : undefined;
}

function kindOf(schema: JsonObject): FieldKind {
  if (schema["x-reference"] !== undefined && schema.type !== "array") return "reference";
  if (schema["x-attachment"] !== undefined && schema.type !== "array") return "attachment";
  if (schema.type === "array") return "list";
  if (schema.type === "object" || isJsonObject(schema.properties)) return "group";
  if (schema.type === "boolean") return "yes-no";
  if (schema.type === "number" || schema.type === "integer") return "number";
  if (schema.format === "date") return "day";
  if (schema.format === "date-time") return "instant";
  if (schema.format === "uri" || schema.format === "iri") return "address";
  return "text";
}

function namesSomething(schema: JsonObject, unique: boolean): boolean {
  const { minimum, maximum } = schema;
  const isYear =
    typeof minimum === "number" && minimum >= YEAR_MIN && typeof maximum === "number" && maximum <= YEAR_MAX;
  return (
    unique || isYear || schema.enum !== undefined || schema["x-labels"] !== undefined || schema["x-search"] === "exact"
  );
}

/** The fields of a definition in the order it has them. */
export function listFields(compiled: CompiledDefinition): FieldView[] {
  const { annotations, definition } = compiled;
  const uniques = new Set(
    annotations.uniqueKeys.flatMap(({ fields }) => (fields.length === 1 ? [fields[0]!.join(".")] : [])),
  );
  const inKeys = new Set(annotations.uniqueKeys.flatMap(({ fields }) => fields.map((path) => path.join("."))));

  function elementOf(schema: JsonObject, path: readonly string[]): FieldView[] {
    if (schema.type !== "array" || !isJsonObject(schema.items)) return [];
    // What refers or is attached may be annotated at the array or at its items.
    const inherited = Object.fromEntries(
      ["x-reference", "x-attachment", "x-labels"].flatMap((key) =>
        schema[key] === undefined ? [] : [[key, schema[key]]],
      ),
    );
    return [describe({ ...inherited, ...schema.items }, [...path, "*"], false)];
  }

  function describe(schema: JsonObject, path: readonly string[], required: boolean): FieldView {
    const name = path.filter((part) => part !== "*").join(".");
    const member = path.findLast((part) => part !== "*") ?? "";
    const reference = schema["x-reference"];
    const kind = kindOf(schema);
    const identifier = definition.identifier;
    const isIdentifier = typeof identifier === "object" && identifier.field === name;
    return {
      name,
      member,
      title: firstText(schema["x-title"], schema.title) ?? spellOut(member),
      description: firstText(schema["x-description"], schema.description),
      kind,
      personal: annotations.isPersonal(path.map((part) => (part === "*" ? 0 : part))),
      unique: uniques.has(name),
      required,
      isCode: namesSomething(schema, inKeys.has(name) || isIdentifier),
      referenceType: isJsonObject(reference) && typeof reference.type === "string" ? reference.type : undefined,
      choices: readChoices(schema),
      labels: readLabels(schema),
      members: kind === "group" ? membersOf(schema, path) : elementOf(schema, path),
    };
  }

  function membersOf(schema: JsonObject, path: readonly string[]): FieldView[] {
    if (!isJsonObject(schema.properties)) return [];
    const required = Array.isArray(schema.required) ? schema.required : [];
    return Object.entries(schema.properties).flatMap(([member, child]) =>
      isJsonObject(child) ? [describe(child, [...path, member], required.includes(member))] : [],
    );
  }

  return membersOf(definition.schema, []);
}

/** The fields with those inside groups and lists, each once. */
export function flattenFields(fields: readonly FieldView[]): FieldView[] {
  return fields.flatMap((field) => [
    field,
    ...flattenFields(field.members).filter((member) => member.name !== field.name),
  ]);
}

const KIND_IN_WORDS: Readonly<Record<FieldKind, string>> = {
  text: "Text",
  number: "Number",
  "yes-no": "Yes or no",
  day: "Date",
  instant: "Date and time",
  address: "Web address",
  reference: "Reference",
  attachment: "Document",
  group: "Group",
  list: "List",
};

export function describeKind(field: FieldView): string {
  if (field.kind === "list") {
    const [element] = field.members;
    return element === undefined ? "List" : `List: ${describeKind(element).toLowerCase()}`;
  }
  if (field.kind === "reference") return `Reference to a record of type “${field.referenceType}”`;
  if (field.choices !== undefined) return `One of ${field.choices.length} values`;
  return KIND_IN_WORDS[field.kind];
}
