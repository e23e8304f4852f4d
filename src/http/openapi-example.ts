// The examples of the document: those of the schemas, written for this node and, where one is meant, for the registry. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { formatDisplay } from "../registries/display-template.ts";
import { DATA_FILES, fileOf } from "./openapi-components.ts";
import type { DescribedRegistry } from "./openapi-registry.ts";
import type { Schema } from "./operation.ts";
import { readSource } from "./schema-check.ts";

// Who the examples of schemas/ and of the declarations speak of.
const ENTITY = "https://lgd.example";
const REGISTRY = "districts";

/** The example of a schema: what it or its file gives, else one put together of those of its parts. */
export function findExample(schema: Schema): Json | undefined {
  const file = fileOf(schema.$ref);
  if (file !== undefined) return findExample(readSource(file));
  if (Array.isArray(schema.examples)) return schema.examples[0] as Json;
  for (const choice of [schema.anyOf, schema.oneOf]) if (Array.isArray(choice)) return findExample(choice[0] as Schema);
  const { properties, required } = schema;
  if (isJsonObject(properties)) {
    const members = Object.entries(properties).flatMap(([name, one]) => {
      const example = findExample(one as Schema);
      return example === undefined ? [] : [[name, example] as const];
    });
    const found = Object.fromEntries(members);
    const isWhole = !Array.isArray(required) || required.every((name) => Object.hasOwn(found, name));
    return isWhole && members.length > 0 ? found : undefined;
  }
  const items = schema.type === "array" && isJsonObject(schema.items) ? findExample(schema.items) : undefined;
  return items === undefined ? undefined : [items];
}

/** An example as this node would give or take it. */
export function adaptExample(
  example: Json,
  options: { readonly entity: string; readonly schema: Schema; readonly registry: DescribedRegistry | undefined },
): Json | undefined {
  const { entity, schema, registry } = options;
  if (registry === undefined) return replaceTexts(example, [[ENTITY, entity]]);
  const adapted = putData(structuredClone(example), schema as JsonObject, registry);
  if (adapted === undefined) return undefined;
  return replaceTexts(adapted, [
    [`${ENTITY}/registries/${REGISTRY}`, `${ENTITY}/registries/${registry.name}`],
    [ENTITY, entity],
  ]);
}

function replaceTexts(value: Json, replacements: readonly (readonly [string, string])[]): Json {
  let text = JSON.stringify(value);
  for (const [from, to] of replacements) text = text.replaceAll(from, to);
  return JSON.parse(text) as Json;
}

/** Puts the registry's data where the schema has the data of a record; undefined if there is none to put. */
function putData(value: Json, schema: Json | undefined, registry: DescribedRegistry): Json | undefined {
  if (!isJsonObject(schema)) return value;
  const file = fileOf(schema.$ref);
  if (file !== undefined) {
    if ((DATA_FILES as readonly string[]).includes(file)) return dataOf(file, registry);
    const put = putData(value, readSource(file) as JsonObject, registry);
    return isJsonObject(put) ? nameRegistry(put, registry) : put;
  }
  if (Array.isArray(value)) {
    const items = value.map((one) => putData(one, schema.items, registry));
    return items.every((one) => one !== undefined) ? items : undefined;
  }
  for (const part of ["allOf", "anyOf", "oneOf"].flatMap((keyword) => (schema[keyword] as Json[] | undefined) ?? [])) {
    if (!isJsonObject(value)) continue;
    const put = putData(value, part, registry);
    if (put === undefined) return undefined;
    Object.assign(value, put);
  }
  const { properties } = schema;
  if (!isJsonObject(value) || !isJsonObject(properties)) return value;
  const members = Object.entries(value).map(([name, one]) => [name, putData(one, properties[name], registry)] as const);
  return members.every(([, one]) => one !== undefined) ? (Object.fromEntries(members) as JsonObject) : undefined;
}

function dataOf(file: string, { example }: DescribedRegistry): JsonObject | undefined {
  if (example === undefined || file !== "record-data-patch") return example;
  // The last field: the first is most often the code, which does not change.
  const [name, value] = Object.entries(example).at(-1) ?? [];
  return name === undefined ? {} : { [name]: value! };
}

/** What an example says of the registry beside the data. */
function nameRegistry(value: JsonObject, { name, compiled }: DescribedRegistry): JsonObject {
  if (value.registry !== REGISTRY) return value;
  const { definition } = compiled;
  const { identifier: _, ...rest } = value;
  const data = isJsonObject(value.data) ? value.data : undefined;
  const rid = String(value.rid);
  return {
    ...rest,
    registry: name,
    ...(value.type !== undefined && { type: definition.type }),
    ...(value.display !== undefined &&
      data && { display: formatDisplay({ definition, data, identifier: undefined, rid, languages: [] }) }),
  };
}
