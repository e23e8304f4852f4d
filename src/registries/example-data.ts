// A plausible record of a registry, made of its schema alone: always the same, and none where the schema's rules are beyond that. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import type { CompiledDefinition } from "./compiled-definition.ts";
import { samplePattern } from "./pattern-sample.ts";

const RID = "d2a1f7c3-0b5e-8e11-a6c4-51f09e3b7d28";
const DEPTH_MAX = 8;

const OF_FORMAT: Readonly<Record<string, string>> = {
  date: "2026-03-31",
  "date-time": "2026-03-31T09:00:00Z",
  time: "09:00:00Z",
  duration: "P1Y",
  email: "office@department.example",
  uri: "https://department.example/",
  "uri-reference": "/",
  uuid: "4f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60",
  hostname: "department.example",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
};

interface Making {
  readonly root: JsonObject;
  readonly entity: string;
  readonly requiredOnly: boolean;
}

/** With all fields if that is valid, else with the required ones; undefined if neither is. */
export function makeExampleData(entity: string, compiled: CompiledDefinition): JsonObject | undefined {
  const root = compiled.definition.schema;
  for (const requiredOnly of [false, true]) {
    const data = makeValue(root, { root, entity, requiredOnly }, "", 0);
    if (isJsonObject(data) && compiled.findFaults(data).length === 0) return data;
  }
  return undefined;
}

function makeValue(schema: Json | undefined, making: Making, name: string, depth: number): Json {
  if (!isJsonObject(schema) || depth > DEPTH_MAX) return "…";
  const { examples } = schema;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (Array.isArray(examples) && examples[0] !== undefined) return examples[0];
  if (schema.default !== undefined) return schema.default;
  const within = merge(schema, making.root);
  switch ([within.type].flat().find((type) => type !== "null")) {
    case "object":
      return makeObject(within, making, depth);
    case "array":
      return makeArray(within, making, name, depth);
    case "integer":
    case "number":
      return makeNumber(within);
    case "boolean":
      return true;
    case "string":
      return makeText(within, making, name);
    default:
      return within.properties === undefined ? makeText(within, making, name) : makeObject(within, making, depth);
  }
}

/** A schema with what it refers to, and the first of each choice, beside its own keywords. */
function merge(schema: JsonObject, root: JsonObject): JsonObject {
  const first = (value: Json | undefined): Json[] => (Array.isArray(value) ? value.slice(0, 1) : []);
  const parts = [
    ...(typeof schema.$ref === "string" ? [findLocal(schema.$ref, root)] : []),
    ...(Array.isArray(schema.allOf) ? schema.allOf : []),
    ...first(schema.anyOf),
    ...first(schema.oneOf),
  ].filter(isJsonObject);
  if (parts.length === 0) return schema;
  const merged: JsonObject = {};
  for (const { properties, required, ...rest } of [...parts, schema]) {
    Object.assign(merged, rest);
    if (isJsonObject(properties))
      merged.properties = { ...(merged.properties as JsonObject | undefined), ...properties };
    if (Array.isArray(required)) merged.required = [...((merged.required as Json[] | undefined) ?? []), ...required];
  }
  return merged;
}

/** What a JSON Pointer within the schema leads to. */
function findLocal(reference: string, root: JsonObject): Json | undefined {
  if (!reference.startsWith("#/")) return undefined;
  let node: Json | undefined = root;
  for (const part of reference.slice(2).split("/")) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    node = isJsonObject(node) && Object.hasOwn(node, name) ? node[name] : undefined;
  }
  return node;
}

function makeObject({ properties, required }: JsonObject, making: Making, depth: number): JsonObject {
  const needed = new Set(Array.isArray(required) ? required : []);
  const members = Object.entries(isJsonObject(properties) ? properties : {}).filter(([name, schema]) => {
    if (needed.has(name)) return true;
    // A file would have to be uploaded first.
    return !making.requiredOnly && !(isJsonObject(schema) && JSON.stringify(schema).includes('"x-attachment"'));
  });
  return Object.fromEntries(members.map(([name, schema]) => [name, makeValue(schema, making, name, depth + 1)]));
}

function makeArray(schema: JsonObject, making: Making, name: string, depth: number): Json[] {
  if (Array.isArray(schema.prefixItems))
    return schema.prefixItems.map((one) => makeValue(one, making, name, depth + 1));
  const count = Math.max(typeof schema.minItems === "number" ? schema.minItems : 0, 1);
  const items = isJsonObject(schema.items) ? schema.items : {};
  // What stands at the array stands for each of its elements.
  const reference = schema["x-reference"];
  const one = makeValue(
    reference === undefined ? items : { ...items, "x-reference": reference },
    making,
    name,
    depth + 1,
  );
  return Array.from({ length: Math.min(count, 20) }, () => one);
}

function makeNumber(schema: JsonObject): number {
  const { minimum, exclusiveMinimum, maximum, multipleOf } = schema;
  const step = typeof multipleOf === "number" ? multipleOf : 1;
  if (typeof minimum === "number") return Math.ceil(minimum / step) * step;
  if (typeof exclusiveMinimum === "number") return (Math.floor(exclusiveMinimum / step) + 1) * step;
  if (typeof maximum === "number" && maximum < step) return Math.floor(maximum / step) * step;
  return step;
}

function makeText(schema: JsonObject, { entity }: Making, name: string): string {
  const reference = schema["x-reference"];
  if (isJsonObject(reference)) {
    const registry =
      typeof reference.registry === "string" ? reference.registry : `${entity}/registries/${String(reference.type)}`;
    return `${registry}/records/${RID}`;
  }
  const format = typeof schema.format === "string" ? OF_FORMAT[schema.format] : undefined;
  const sample = typeof schema.pattern === "string" ? samplePattern(schema.pattern) : undefined;
  const text = format ?? sample ?? `Example ${name}`.trim();
  const { minLength, maxLength } = schema;
  const padded = typeof minLength === "number" ? text.padEnd(minLength, "x") : text;
  return typeof maxLength === "number" ? padded.slice(0, maxLength) : padded;
}
