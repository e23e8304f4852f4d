// Names a record for people by its definition's template, out of what the reader may see. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { DISPLAY_CHARS_MAX } from "../limits.ts";
import { valuesAt } from "./annotations.ts";
import type { Definition } from "./definition.ts";
import { localize } from "./localized-text.ts";

const PLACEHOLDER = /\{([^{}]{1,200})\}/g;
// What surrounds a value that is not there: "Asha ()", "Asha, ".
const EMPTY_BRACKETS = /\(\s*\)|\[\s*\]|\{\s*\}/g;
const LOOSE_ENDS = /^[\s,;:/·|–—-]+|[\s,;:/·|–—-]+$/g;

/** `{field}` and `{address.city}` filled with what stands in `data`; falls back to the identifier, then to the rid. */
export function formatDisplay(options: {
  definition: Pick<Definition, "display">;
  data: JsonObject;
  identifier: string | undefined;
  rid: string;
  languages: readonly string[];
}): string {
  const { definition, data, identifier, rid, languages } = options;
  const fallback = identifier ?? rid;
  if (definition.display === undefined) return fallback;
  let isFilled = false;
  const filled = localize(definition.display, languages).replaceAll(PLACEHOLDER, (_all, field: string) => {
    const text = describeValue(data, field) ?? (field === "identifier" ? (identifier ?? "") : "");
    isFilled ||= text !== "";
    return text;
  });
  if (!isFilled) return fallback;
  const tidy = filled.replaceAll(EMPTY_BRACKETS, "").replaceAll(/\s+/g, " ").replaceAll(LOOSE_ENDS, "");
  return tidy === "" ? fallback : shorten(tidy);
}

/** The fields that a template names. */
export function displayFields(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].map((match) => match[1]!);
}

function describeValue(data: JsonObject, field: string): string | undefined {
  const texts = valuesAt(data, field.split("."))
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .flatMap(describeSimple);
  return texts.length === 0 ? undefined : texts.join(", ");
}

function describeSimple(value: Json): string[] {
  if (value === null || isJsonObject(value) || Array.isArray(value)) return [];
  const text = String(value).trim();
  return text === "" ? [] : [text];
}

function shorten(text: string): string {
  const characters = [...text];
  return characters.length <= DISPLAY_CHARS_MAX ? text : `${characters.slice(0, DISPLAY_CHARS_MAX - 1).join("")}…`;
}
