// Which input a field of a definition gets in a form, and the rules of that input. Pure.
import type { Json, JsonObject } from "../../crypto/json.ts";
import { samplePattern } from "../../registries/pattern-sample.ts";
import type { FieldView } from "../field-view.ts";
import type { FieldRules } from "./field-rules.ts";

/** "area": a text of several lines; "json": what no input fits, written as JSON. */
export type Control =
  | "group"
  | "list"
  | "reference"
  | "attachment"
  | "choice"
  | "number"
  | "date"
  | "instant"
  | "url"
  | "text"
  | "area"
  | "json";

/** A text that may be longer is written into several lines. */
const LINE_CHARS_MAX = 250;

/** The one type that is not "null"; undefined where there are several, or none is named. */
function singleType(schema: JsonObject): Json | undefined {
  const types = [schema.type].flat().filter((type) => type !== "null" && type !== undefined);
  return types.length === 1 ? types[0] : undefined;
}

function isLong(field: FieldView): boolean {
  const { maxLength, pattern } = field.schema;
  if (typeof maxLength === "number") return maxLength > LINE_CHARS_MAX;
  // What is searched by, unique or always stated is a name or a code; what is none of these may be a remark.
  const isName = field.unique || field.required || field.schema["x-search"] !== undefined || pattern !== undefined;
  return !isName;
}

export function controlOf(field: FieldView): Control {
  const { schema } = field;
  if (field.kind === "reference" || field.kind === "attachment") return field.kind;
  if (field.kind === "group") return field.members.length === 0 ? "json" : "group";
  if (field.kind === "list") {
    const [element] = field.members;
    return element === undefined || element.kind === "list" || schema.prefixItems !== undefined ? "json" : "list";
  }
  const type = singleType(schema);
  if (type === "boolean" || field.choices !== undefined) return "choice";
  if (type === "number" || type === "integer") return "number";
  if (type !== "string") return "json";
  if (field.kind === "day") return "date";
  if (field.kind === "instant") return "instant";
  if (field.kind === "address") return "url";
  return isLong(field) ? "area" : "text";
}

/** The values that a field may have, as texts. */
export function choicesOf(field: FieldView): string[] {
  return field.choices?.map(String) ?? ["true", "false"];
}

/** The value that a choice stands for; undefined where it is none of them. */
export function choiceValue(field: FieldView, text: string): Json | undefined {
  if (field.choices !== undefined) return field.choices.find((choice) => String(choice) === text);
  return text === "true" ? true : text === "false" ? false : undefined;
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

const KINDS: Partial<Record<Control, FieldRules["kind"]>> = {
  choice: "choice",
  number: "number",
  date: "date",
  instant: "instant",
  url: "url",
  reference: "url",
  json: "json",
  attachment: "json",
};

/** `required`: as the field's place in the form makes it. */
export function rulesOf(field: FieldView, required: FieldRules["required"]): FieldRules {
  const { schema } = field;
  const control = controlOf(field);
  const pattern = typeof schema.pattern === "string" ? schema.pattern : undefined;
  const rules = {
    kind: KINDS[control] ?? "text",
    required,
    isWhole: singleType(schema) === "integer" || undefined,
    // A text of one character at least is one that is stated.
    charsMin: numberOf(schema.minLength),
    charsMax: numberOf(schema.maxLength),
    pattern,
    sample: pattern === undefined ? undefined : samplePattern(pattern),
    least: numberOf(schema.minimum),
    most: numberOf(schema.maximum),
    above: numberOf(schema.exclusiveMinimum),
    below: numberOf(schema.exclusiveMaximum),
    step: numberOf(schema.multipleOf),
  };
  return Object.fromEntries(Object.entries(rules).filter(([, value]) => value !== undefined)) as unknown as FieldRules;
}
