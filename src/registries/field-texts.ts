// What people call a field, a value and a reason, in their language. Pure; texts are checked when a definition is published.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import { FIELD_LABELS_MAX, FIELD_TEXT_CHARS_MAX } from "../limits.ts";
import type { Definition } from "./definition.ts";
import { type LocalizedText, localize } from "./localized-text.ts";

/** A field as its definition puts it; `labels` are by the value, written as text. */
export interface FieldTexts {
  readonly title: LocalizedText;
  readonly description: LocalizedText | undefined;
  readonly labels: ReadonlyMap<string, LocalizedText>;
}

const LANGUAGE = /^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$/;

/** Throws `definition_invalid` naming each `x-title`, `x-description` and `x-labels` that is none. */
export function checkFieldTexts(schema: JsonObject): void {
  const details: ErrorDetail[] = [];
  walkSchemas(schema, "/schema", (node, at) => {
    for (const keyword of ["x-title", "x-description"]) {
      if (node[keyword] !== undefined && !isLocalizedText(node[keyword]))
        details.push({ field: `${at}/${keyword}`, message: TEXT_RULE });
    }
    if (node["x-labels"] !== undefined) details.push(...findLabelFaults(node, `${at}/x-labels`));
  });
  if (details.length > 0)
    throw new AttestryError("definition_invalid", "the definition has texts that are none", { details });
}

const TEXT_RULE = `must be a text of 1 to ${FIELD_TEXT_CHARS_MAX} characters, or an object with one such text per language`;

function findLabelFaults(node: JsonObject, at: string): ErrorDetail[] {
  const labels = node["x-labels"];
  if (!isJsonObject(labels)) return [{ field: at, message: "must be an object with a text per value" }];
  const names = Object.keys(labels);
  if (names.length === 0 || names.length > FIELD_LABELS_MAX)
    return [{ field: at, message: `must have 1 to ${FIELD_LABELS_MAX} values` }];
  // A label that stands at a list is one of its elements.
  const values = node.type === "array" && isJsonObject(node.items) ? node.items : node;
  const allowed = Array.isArray(values.enum) ? values.enum.map(String) : undefined;
  return names.flatMap((name) => {
    const field = `${at}/${name}`;
    if (!isLocalizedText(labels[name])) return [{ field, message: TEXT_RULE }];
    if (allowed && !allowed.includes(name)) return [{ field, message: "is no value that enum allows" }];
    return [];
  });
}

function isText(value: Json | undefined): boolean {
  return typeof value === "string" && value.trim() !== "" && value.length <= FIELD_TEXT_CHARS_MAX;
}

function isLocalizedText(value: Json | undefined): value is Json & LocalizedText {
  if (!isJsonObject(value)) return isText(value);
  const languages = Object.entries(value);
  return languages.length > 0 && languages.every(([language, text]) => LANGUAGE.test(language) && isText(text));
}

function walkSchemas(node: JsonObject, at: string, visit: (node: JsonObject, at: string) => void): void {
  visit(node, at);
  if (isJsonObject(node.items)) walkSchemas(node.items, `${at}/items`, visit);
  for (const [name, child] of Object.entries(isJsonObject(node.properties) ? node.properties : {}))
    if (isJsonObject(child)) walkSchemas(child, `${at}/properties/${name}`, visit);
}

/** The schema at a path of names and `"*"` or indices, through properties and items; undefined where there is none. */
export function findSchemaAt(schema: JsonObject, path: readonly (string | number)[]): JsonObject | undefined {
  let node: Json | undefined = schema;
  for (const step of path) {
    if (!isJsonObject(node)) return undefined;
    const { properties, items }: JsonObject = node;
    if (isJsonObject(properties) && Object.hasOwn(properties, String(step))) node = properties[String(step)];
    else node = step === "*" || typeof step === "number" ? items : undefined;
  }
  return isJsonObject(node) ? node : undefined;
}

/** How a definition calls the field at a path; a field without a title is called by its name. */
export function findFieldTexts(definition: Pick<Definition, "schema">, path: readonly (string | number)[]): FieldTexts {
  const node = findSchemaAt(definition.schema, path) ?? {};
  const name = path.findLast((step) => typeof step === "string" && step !== "*");
  const titles = [node["x-title"], node.title].filter(isLocalizedText);
  const descriptions = [node["x-description"], node.description].filter(isLocalizedText);
  return {
    title: titles[0] ?? spellOut(String(name ?? "")),
    description: descriptions[0],
    labels: readLabels(definition.schema, path),
  };
}

/** Labels stand at the field, or at the list whose element it is. */
function readLabels(schema: JsonObject, path: readonly (string | number)[]): ReadonlyMap<string, LocalizedText> {
  const last = path.at(-1);
  const isElement = last === "*" || typeof last === "number";
  const own = findSchemaAt(schema, path)?.["x-labels"];
  const labels = own ?? (isElement ? findSchemaAt(schema, path.slice(0, -1))?.["x-labels"] : undefined);
  const entries = isJsonObject(labels) ? Object.entries(labels) : [];
  return new Map(entries.flatMap(([value, text]) => (isLocalizedText(text) ? [[value, text] as const] : [])));
}

/** The field's name for a reader of these languages, the most wanted first. */
export function describeField(
  definition: Pick<Definition, "schema">,
  options: { path: readonly (string | number)[]; languages: readonly string[] },
): { title: string; description: string | undefined } {
  const { title, description } = findFieldTexts(definition, options.path);
  return {
    title: localize(title, options.languages),
    description: description && localize(description, options.languages),
  };
}

/** What a value of the field stands for, such as a code; undefined where the definition does not say. */
export function labelOf(
  definition: Pick<Definition, "schema">,
  options: { path: readonly (string | number)[]; value: Json; languages: readonly string[] },
): string | undefined {
  const { path, value, languages } = options;
  if (typeof value === "object") return undefined;
  const label = findFieldTexts(definition, path).labels.get(String(value));
  return label && localize(label, languages);
}

/** The text of a reason code of the definition; undefined for a reason that is none. */
export function describeReason(
  definition: Pick<Definition, "acts">,
  options: { code: string; languages: readonly string[] },
): string | undefined {
  const reasons = definition.acts?.reasons ?? {};
  return Object.hasOwn(reasons, options.code) ? localize(reasons[options.code]!, options.languages) : undefined;
}

/** `validFrom` and `valid_from` as words: a definition without titles is readable all the same. */
export function spellOut(name: string): string {
  const words = name
    .replaceAll(/[_-]+/g, " ")
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, (_all, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
