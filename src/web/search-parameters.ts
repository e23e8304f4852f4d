// What a registry can be searched by, as the inputs of a form whose names are the parameters of the API. Pure.
import { PAGE_CHOICES_MAX } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { LocalizedText } from "../registries/localized-text.ts";
import { type FieldView, flattenFields, joinTexts } from "./field-view.ts";
import { STATES_IN_WORDS } from "./state-words.ts";

export interface Choice {
  readonly value: string;
  readonly text: LocalizedText;
}

export interface SearchInput {
  /** The parameter: `name`, `name[prefix]`, `population[gte]`. */
  readonly parameter: string;
  /** Which end of a range this is; nothing for the only input of its group. */
  readonly end?: "from" | "to";
  readonly type: "text" | "number" | "date" | "url" | "choice";
  readonly choices: readonly Choice[];
}

/** One condition: a field, and the inputs that say what is wanted of it. */
export interface SearchGroup {
  readonly field: string;
  readonly title: LocalizedText;
  readonly hint: string | undefined;
  readonly inputs: readonly SearchInput[];
  /** The type of record that a reference is to, so that its records may be offered as choices. */
  readonly referenceType: string | undefined;
}

const YES_NO: readonly Choice[] = [
  { value: "true", text: "Yes" },
  { value: "false", text: "No" },
];

function listChoices(field: FieldView): readonly Choice[] {
  if (field.kind === "yes-no") return YES_NO;
  const values = field.choices?.map(String) ?? [...field.labels.keys()];
  if (values.length > PAGE_CHOICES_MAX) return [];
  return values.map((value) => ({ value, text: field.labels.get(value) ?? value }));
}

function inputTypeOf(field: FieldView): SearchInput["type"] {
  if (field.kind === "number") return "number";
  if (field.kind === "day" || field.kind === "instant") return "date";
  return field.kind === "reference" ? "url" : "text";
}

/** The field itself, or what each element of a list is. */
function elementOf(field: FieldView): FieldView {
  return field.kind === "list" ? (field.members[0] ?? field) : field;
}

function describeGroup(listed: FieldView, match: "exact" | "prefix" | "range"): SearchGroup {
  const field = elementOf(listed);
  const choices = listChoices(field);
  const type = inputTypeOf(field);
  const base = { field: listed.name, title: listed.fullTitle, referenceType: field.referenceType };
  if (choices.length > 0) {
    return { ...base, hint: undefined, inputs: [{ parameter: listed.name, type: "choice", choices }] };
  }
  if (match === "range") {
    const inputs: SearchInput[] = [
      { parameter: `${listed.name}[gte]`, end: "from", type, choices },
      { parameter: `${listed.name}[lte]`, end: "to", type, choices },
    ];
    return { ...base, hint: undefined, inputs };
  }
  const isPrefix = match === "prefix";
  const parameter = isPrefix ? `${listed.name}[prefix]` : listed.name;
  return { ...base, hint: isPrefix ? "or how it begins" : undefined, inputs: [{ parameter, type, choices }] };
}

/** The conditions of a registry's search form. Personal fields are none: what is asked for stands in an address. */
export function listSearchGroups(compiled: CompiledDefinition, fields: readonly FieldView[]): SearchGroup[] {
  const { annotations, definition } = compiled;
  const byName = new Map(flattenFields(fields).map((field) => [field.name, field]));
  const searched = new Map(annotations.searchFields.filter(({ personal }) => !personal).map((one) => [one.name, one]));
  const unique = annotations.uniqueKeys
    .filter((key) => !key.personal && key.fields.length === 1 && !searched.has(key.name))
    .map((key) => key.name);
  const groups = [
    ...unique.map((name) => ({ name, match: "exact" as const })),
    ...[...searched.values()].map(({ name, match }) => ({ name, match })),
  ].flatMap(({ name, match }) => {
    const field = byName.get(name);
    return field === undefined ? [] : [describeGroup(field, match)];
  });
  // In the order in which a record shows them.
  const order = [...byName.keys()];
  groups.sort((a, b) => order.indexOf(a.field) - order.indexOf(b.field));
  if (typeof definition.identifier !== "string" || byName.has("identifier")) return groups;
  const identifier: SearchGroup = {
    field: "identifier",
    title: "Identifier",
    hint: undefined,
    inputs: [{ parameter: "identifier", type: "text", choices: [] }],
    referenceType: undefined,
  };
  return [identifier, ...groups];
}

/** What a list may be sorted by: the parameter's value and its text. The first is what holds where none is given. */
export function listSorts(compiled: CompiledDefinition, fields: readonly FieldView[]): Choice[] {
  const byName = new Map(flattenFields(fields).map((field) => [field.name, field]));
  const sortable = compiled.annotations.searchFields.filter(({ personal }) => !personal);
  return [
    { value: "", text: "First recorded first" },
    { value: "-recorded", text: "Last recorded first" },
    ...sortable.flatMap(({ name }) => {
      const field = byName.get(name);
      if (field === undefined || field.kind === "list" || field.kind === "reference") return [];
      return [
        { value: name, text: joinTexts(field.fullTitle, ascendingWord(field), ", ") },
        { value: `-${name}`, text: joinTexts(field.fullTitle, descendingWord(field), ", ") },
      ];
    }),
  ];
}

function ascendingWord(field: FieldView): string {
  if (field.kind === "number") return "smallest first";
  return field.kind === "day" || field.kind === "instant" ? "earliest first" : "A to Z";
}

function descendingWord(field: FieldView): string {
  if (field.kind === "number") return "largest first";
  return field.kind === "day" || field.kind === "instant" ? "latest first" : "Z to A";
}

export const STATE_CHOICES: readonly Choice[] = Object.entries(STATES_IN_WORDS)
  .filter(([state]) => state !== "superseded" && state !== "erased")
  .map(([value, { name }]) => ({ value, text: name }));

/** One thing that was asked for, in words. */
export interface AskedCondition {
  readonly title: LocalizedText;
  readonly relation: "is" | "begins with" | "from" | "to";
  readonly value: LocalizedText;
}

/** What was asked for by the form's inputs, in their order. */
export function listAsked(
  groups: readonly SearchGroup[],
  values: Readonly<Record<string, string>>,
): readonly AskedCondition[] {
  return groups.flatMap(({ title, inputs }) =>
    inputs.flatMap(({ parameter, end, choices }) => {
      const value = values[parameter];
      if (value === undefined) return [];
      const relation = end ?? (parameter.endsWith("[prefix]") ? "begins with" : "is");
      return [{ title, relation, value: choices.find((choice) => choice.value === value)?.text ?? value }];
    }),
  );
}
