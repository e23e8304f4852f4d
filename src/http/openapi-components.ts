// Carries JSON Schemas into the components of an OpenAPI document: files of schemas/ by name, and a registry's own in place of what stands for it. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import type { Schema } from "./operation.ts";
import { collectFiles, readSource } from "./schema-check.ts";

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

const FILE = /^([a-z-]+)\.schema\.json(?:#(.*))?$/;

/** The file that a reference names, without its ending. */
export function fileOf(reference: unknown): string | undefined {
  return typeof reference === "string" ? FILE.exec(reference)?.[1] : undefined;
}

const aboutData = new WeakMap<object, boolean>();

/** Whether a schema says something that each registry says for itself. */
export function isAboutData(schema: Schema): boolean {
  const known = aboutData.get(schema);
  if (known !== undefined) return known;
  const files = collectFiles(schema);
  const isAbout = DATA_FILES.some((file) => files.has(`${file}.schema.json`));
  aboutData.set(schema, isAbout);
  return isAbout;
}

/** "record-patch" as components are named: "RecordPatch". */
function componentName(file: string): string {
  return file.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

export function createComponents(): Components {
  const schemas: Record<string, JsonObject> = {};

  function addFile(file: string, registry: RegistrySchemas | undefined): string {
    const source = readSource(file) as JsonObject;
    const isData = (DATA_FILES as readonly string[]).includes(file);
    const isOwn = registry !== undefined && (isData || isAboutData(source));
    const name = isOwn ? `${registry.prefix}_${componentName(file)}` : componentName(file);
    if (schemas[name] !== undefined) return name;
    // Before it is carried, so that a schema may refer to itself.
    schemas[name] = {};
    const own = isOwn ? registry.schemas[file as DataFile] : undefined;
    // Examples of files stand at the operations, written for the node and the registry. Generators of clients would take a
    // title for the type's name, and make one up where two are alike.
    const { $schema: _, examples, title, description, ...said } = own ?? source;
    const words = [title, description].filter((text) => typeof text === "string");
    const kept = {
      ...(words.length > 0 && { description: words.join(". ") }),
      ...(own && examples !== undefined && { examples }),
    };
    schemas[name] = { ...kept, ...(carryInto(said, name, registry) as JsonObject) };
    return name;
  }

  /** `root`: the component that "#" stands for. */
  function carryInto(value: Json, root: string | undefined, registry: RegistrySchemas | undefined): Json {
    if (Array.isArray(value)) return value.map((one) => carryInto(one, root, registry));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([keyword, child]) => {
        if (keyword !== "$ref" || typeof child !== "string") return [keyword, carryInto(child, root, registry)];
        const [, file, place = ""] = FILE.exec(child) ?? [];
        if (file !== undefined) return [keyword, `#/components/schemas/${addFile(file, registry)}${place}`];
        return [keyword, root !== undefined ? child.replace(/^#/, `#/components/schemas/${root}`) : child];
      }),
    );
  }

  return { schemas, carry: (schema, registry) => carryInto(schema as JsonObject, undefined, registry) as JsonObject };
}
