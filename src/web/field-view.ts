// A definition's fields as people read them: names, kinds, choices, who sees them. Pure.
import { isJsonObject, type JsonObject } from "../crypto/json.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { findFieldTexts } from "../registries/field-texts.ts";
import type { LocalizedText } from "../registries/localized-text.ts";

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
  /** The title with those of the groups that it is in, for where it stands alone. */
  readonly fullTitle: LocalizedText;
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
  /** As the definition has it; an element with the annotations that stand at its list. */
  readonly schema: JsonObject;
}

const YEAR_MIN = 1_000;
const YEAR_MAX = 9_999;

function pickText(text: LocalizedText, language: string): string {
  return typeof text === "string" ? text : (text[language] ?? text.en ?? Object.values(text)[0] ?? "");
}

/** Two texts as one, in each language that one of them is in. */
export function joinTexts(first: LocalizedText, second: LocalizedText, between: string): LocalizedText {
  if (typeof first === "string" && typeof second === "string") return `${first}${between}${second}`;
  const languages = [first, second].flatMap((text) => (typeof text === "string" ? [] : Object.keys(text)));
  return Object.fromEntries(
    [...new Set(languages)].map((language) => [
      language,
      `${pickText(first, language)}${between}${pickText(second, language)}`,
    ]),
  );
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

function namesSomething(schema: JsonObject, named: boolean): boolean {
  const { minimum, maximum } = schema;
  const isYear =
    typeof minimum === "number" && minimum >= YEAR_MIN && typeof maximum === "number" && maximum <= YEAR_MAX;
  return named || isYear || schema.enum !== undefined || schema["x-labels"] !== undefined;
}

/** The fields of a definition, the most telling first. */
export function listFields(compiled: Pick<CompiledDefinition, "annotations" | "definition">): FieldView[] {
  const { annotations, definition } = compiled;
  const uniques = new Set(
    annotations.uniqueKeys.flatMap(({ fields }) => (fields.length === 1 ? [fields[0]!.join(".")] : [])),
  );
  // Quantities are searched by their range; a number that is searched exactly is a code.
  const codes = new Set([
    ...annotations.uniqueKeys.flatMap(({ fields }) => fields.map((path) => path.join("."))),
    ...annotations.searchFields.filter(({ match }) => match === "exact").map(({ name }) => name),
  ]);

  // `group`: what stands around a field, undefined for those of the record itself.
  function elementOf(schema: JsonObject, path: readonly string[], group: LocalizedText): FieldView[] {
    if (schema.type !== "array" || !isJsonObject(schema.items)) return [];
    // What refers or is attached may be annotated at the array or at its items.
    const inherited = Object.fromEntries(
      ["x-reference", "x-attachment"].flatMap((key) => (schema[key] === undefined ? [] : [[key, schema[key]]])),
    );
    return [describe({ ...inherited, ...schema.items }, [...path, "*"], { required: false, group })];
  }

  function describe(
    schema: JsonObject,
    path: readonly string[],
    place: { required: boolean; group: LocalizedText | undefined },
  ): FieldView {
    const name = path.filter((part) => part !== "*").join(".");
    const member = path.findLast((part) => part !== "*") ?? "";
    const reference = schema["x-reference"];
    const kind = kindOf(schema);
    const identifier = definition.identifier;
    const isIdentifier = typeof identifier === "object" && identifier.field === name;
    const { title, description, labels } = findFieldTexts(definition, path);
    const isElement = path.at(-1) === "*";
    const { required, group } = place;
    const fullTitle = group === undefined ? title : isElement ? group : joinTexts(group, title, ", ");
    return {
      name,
      member,
      title,
      fullTitle,
      description,
      kind,
      personal: annotations.isPersonal(path.map((part) => (part === "*" ? 0 : part))),
      unique: uniques.has(name),
      required,
      isCode: namesSomething(schema, codes.has(name) || isIdentifier),
      referenceType: isJsonObject(reference) && typeof reference.type === "string" ? reference.type : undefined,
      choices: readChoices(schema),
      labels,
      members: kind === "group" ? membersOf(schema, path, fullTitle) : elementOf(schema, path, fullTitle),
      schema,
    };
  }

  function membersOf(schema: JsonObject, path: readonly string[], group: LocalizedText | undefined): FieldView[] {
    if (!isJsonObject(schema.properties)) return [];
    const required = Array.isArray(schema.required) ? schema.required.filter((one) => typeof one === "string") : [];
    return Object.entries(schema.properties)
      .flatMap(([member, child]) =>
        isJsonObject(child) ? [describe(child, [...path, member], { required: required.includes(member), group })] : [],
      )
      .toSorted((a, b) => placeOf(a, required) - placeOf(b, required));
  }

  return membersOf(definition.schema, [], undefined);
}

/**
 * A definition is kept as canonical JSON, which forgets the order of its members but not that of lists: what is required comes
 * first, in the order in which it is required; then the simple fields, then those with something inside.
 */
function placeOf(field: FieldView, required: readonly string[]): number {
  const place = required.indexOf(field.member);
  if (place >= 0) return place;
  return required.length + (field.kind === "group" || field.kind === "list" ? 1 : 0);
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
