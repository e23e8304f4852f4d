// What the document says of one registry's data: as it is written, as it is changed, as it is shown, in the reader's language. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { makeExampleData } from "../registries/example-data.ts";
import { type LocalizedText, localize } from "../registries/localized-text.ts";
import type { RegistrySchemas } from "./openapi-components.ts";

/** A registry as the document needs it. */
export interface DescribedRegistry extends RegistrySchemas {
  readonly name: string;
  readonly title: string;
  readonly compiled: CompiledDefinition;
  /** Valid data; undefined where none could be made. */
  readonly example: JsonObject | undefined;
}

const MAPS = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];
// What may not hold any more once members are left out, or given one by one.
const ABOUT_THE_WHOLE = [
  "required",
  "minProperties",
  "maxProperties",
  "dependentRequired",
  "dependentSchemas",
  "allOf",
  "anyOf",
  "oneOf",
  "not",
  "if",
  "then",
  "else",
  "propertyNames",
  "unevaluatedProperties",
];

type Rewrite = (schema: JsonObject, path: readonly (string | number)[]) => JsonObject;

/** `versions`: the schemas of all versions of the definition, which records may have been made under. */
export function describeRegistry(options: {
  readonly entity: string;
  readonly compiled: CompiledDefinition;
  readonly versions: readonly JsonObject[];
  readonly languages: readonly string[];
}): DescribedRegistry {
  const { entity, compiled, versions, languages } = options;
  const { definition } = compiled;
  const title = localize(definition.title, languages);
  const description = definition.description && localize(definition.description, languages);
  const texts = (suffix: string) => ({ title: `${title}${suffix}`, ...(description && { description }) });
  const inWords: Rewrite = (schema) => describeFile(putIntoWords(schema, languages));
  const written = rewrite(definition.schema, inWords);
  const example = makeExampleData(entity, compiled);
  const examples = example && { examples: [example] };
  return {
    name: definition.name,
    title,
    compiled,
    example,
    prefix: definition.name.replaceAll("-", "_"),
    schemas: {
      "record-data": { ...rewrite(written, acceptKeys), ...texts(""), ...examples },
      "record-data-patch": { ...describePatch(written), ...texts(": changes") },
      "record-data-shown": {
        ...describeShown(
          versions.map((one) => rewrite(one, inWords)),
          compiled,
        ),
        ...texts(": as shown"),
        ...examples,
      },
    },
  };
}

/** Applies `change` to a schema and to the schemas of its properties and elements, innermost first. */
function rewrite(schema: JsonObject, change: Rewrite, path: readonly (string | number)[] = []): JsonObject {
  const inner = (value: Json, step?: string | number): Json =>
    isJsonObject(value) ? rewrite(value, change, step === undefined ? path : [...path, step]) : value;
  const rewritten = Object.entries(schema).map(([keyword, value]): [string, Json] => {
    if (MAPS.includes(keyword) && isJsonObject(value))
      return [keyword, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inner(one, name)]))];
    if (keyword === "items") return [keyword, inner(value, 0)];
    return [keyword, value];
  });
  return change(Object.fromEntries(rewritten), path);
}

/** Puts the definition's texts where JSON Schema has them, in one language; labels of values become a list in words. */
function putIntoWords(schema: JsonObject, languages: readonly string[]): JsonObject {
  const { "x-title": title, "x-description": description, "x-labels": labels, ...rest } = schema;
  const say = (text: Json | undefined) => (text === undefined ? undefined : localize(text as LocalizedText, languages));
  const meanings = isJsonObject(labels)
    ? Object.entries(labels).map(([value, text]) => `${value}: ${say(text as Json)}`)
    : [];
  const words = [say(description) ?? schema.description, meanings.join("; ")].filter((text) => text);
  return {
    ...rest,
    ...(title !== undefined && { title: say(title) as string }),
    ...(words.length > 0 && { description: words.join(". ") }),
  };
}

/** What stands in a field for files. */
function describeFile(schema: JsonObject): JsonObject {
  if (schema["x-attachment"] === undefined) return schema;
  const { type: _, ...rest } = schema;
  const file = { $ref: "attachment.schema.json" };
  return schema.type === "array" ? { ...schema, items: file } : { ...rest, ...file };
}

/** A reference may be written as type and key, and is stored as the URL. */
function acceptKeys(schema: JsonObject): JsonObject {
  if (schema["x-reference"] === undefined || schema.type === "array") return schema;
  const { title, description, "x-reference": reference, ...url } = schema;
  return {
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
    "x-reference": reference!,
    anyOf: [url, { $ref: "record-key.schema.json" }],
  };
}

function withoutRules(schema: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !ABOUT_THE_WHOLE.includes(keyword)));
}

/** RFC 7396: any members, null for those that may go; lists and simple values as a whole. */
function describePatch(schema: JsonObject): JsonObject {
  if (!isJsonObject(schema.properties)) return schema;
  const required = new Set(Array.isArray(schema.required) ? schema.required : []);
  const properties = Object.entries(schema.properties).map(([name, one]): [string, Json] => {
    // What stands elsewhere is not taken apart: a patch of it may have any members.
    const isElsewhere = isJsonObject(one) && (one.$ref !== undefined || one.allOf !== undefined);
    const inner = isElsewhere
      ? { description: "A merge patch." }
      : isJsonObject(one)
        ? describePatch(acceptKeys(one))
        : one;
    return [name, required.has(name) || isElsewhere ? inner : { anyOf: [inner, { type: "null" }] }];
  });
  return { ...withoutRules(schema), properties: Object.fromEntries(properties) };
}

/**
 * Data in answers: of any version of the definition, with what the caller may not see left out. A field is there for sure if every
 * version requires it and it is not personal.
 */
function describeShown(versions: readonly JsonObject[], { annotations }: CompiledDefinition): JsonObject {
  const open: Rewrite = (schema, path) => {
    if (!isJsonObject(schema.properties)) return schema;
    const { additionalProperties: _, ...rest } = withoutRules(schema);
    const required = Array.isArray(schema.required)
      ? schema.required.filter((name) => !annotations.isPersonal([...path, String(name)]))
      : [];
    return { ...rest, ...(required.length > 0 && { required }) };
  };
  const opened = versions.map((version) => rewrite(version, open));
  const [current] = opened.slice(-1);
  if (opened.length < 2 || current === undefined) return current ?? {};
  const names = [...new Set(opened.flatMap(({ properties }) => Object.keys(properties as JsonObject)))];
  const properties = names.map((name): [string, Json] => {
    const variants = opened.flatMap(({ properties: of }) => (of as JsonObject)[name] ?? []);
    const distinct = [...new Map(variants.map((one) => [JSON.stringify(one), one])).values()];
    return [name, distinct.length === 1 ? distinct[0]! : { anyOf: distinct.reverse() }];
  });
  const always = opened
    .map(({ required }) => (Array.isArray(required) ? required : []))
    .reduce((left, right) => left.filter((name) => right.includes(name)));
  const { required: _, ...rest } = current;
  return { ...rest, properties: Object.fromEntries(properties), ...(always.length > 0 && { required: always }) };
}
