// Carries JSON Schemas into the components of an OpenAPI document: files of schemas/ by name, and a registry's own in place of what stands for it. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { readSchema } from "../schema-files.ts";
import type { Schema } from "./operation.ts";
import { collectFiles } from "./schema-check.ts";

/** Files that stand for what each registry says of its own data. */
export const DATA_FILES = ["record-data", "record-data-patch", "record-data-shown"] as const;
export type DataFile = (typeof DATA_FILES)[number];

/** Schemas of one registry, in place of the general ones; `prefix` sets their names apart. */
export interface RegistrySchemas {
  readonly prefix: string;
  readonly schemas: Readonly<Record<DataFile, JsonObject>>;
}

export interface Components {
  readonly schemas: Record<string, JsonObject>;
  /** A schema as it stands in the document; what it refers to is added to the components. */
  carry(schema: Schema, registry?: RegistrySchemas): JsonObject;
}

const FILE = /^([a-z-]+)\.schema\.json$/;

export function fileOf(reference: unknown): string | undefined {
  return typeof reference === "string" ? FILE.exec(reference)?.[1] : undefined;
}

/** Whether a schema says something that each registry says for itself. */
export function isAboutData(schema: unknown): boolean {
  return DATA_FILES.some((file) => collectFiles(schema).has(`${file}.schema.json`));
}

/** "record-patch" as components are named: "RecordPatch". */
function componentName(file: string): string {
  return file.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export function createComponents(): Components {
  const schemas: Record<string, JsonObject> = {};

  function addFile(file: string, registry: RegistrySchemas | undefined): string {
    const source = readSchema(file) as JsonObject;
    const isOwn = registry !== undefined && isAboutData({ $ref: `${file}.schema.json` });
    const name = isOwn ? `${registry.prefix}_${componentName(file)}` : componentName(file);
    if (schemas[name] !== undefined) return name;
    // Before it is carried, so that a schema may refer to itself.
    schemas[name] = {};
    const own = isOwn ? registry.schemas[file as DataFile] : undefined;
    const { $schema: _, ...said } = own ?? source;
    schemas[name] = carryInto(said, name, registry) as JsonObject;
    return name;
  }

  /** `root`: the component that "#" stands for. */
  function carryInto(value: Json, root: string | undefined, registry: RegistrySchemas | undefined): Json {
    if (Array.isArray(value)) return value.map((one) => carryInto(one, root, registry));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([keyword, child]) => {
        if (keyword !== "$ref" || typeof child !== "string") return [keyword, carryInto(child, root, registry)];
        const file = fileOf(child);
        if (file !== undefined) return [keyword, `#/components/schemas/${addFile(file, registry)}`];
        return [keyword, root !== undefined ? child.replace(/^#/, `#/components/schemas/${root}`) : child];
      }),
    );
  }

  return { schemas, carry: (schema, registry) => carryInto(schema as JsonObject, undefined, registry) as JsonObject };
}
