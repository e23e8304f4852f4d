// Checks input of requests against JSON Schemas of the declarations, and says in words what is wrong. Never repeats a value.
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { ErrorDetail } from "../errors.ts";
import { REQUEST_FAULTS_MAX } from "../limits.ts";
import { readSchema } from "../schema-files.ts";
import type { Schema } from "./operation.ts";

export interface SchemaFaults {
  readonly details: readonly ErrorDetail[];
  /** There are too many elements somewhere, rather than wrong ones. */
  readonly isTooMany: boolean;
}

// A file of schemas/, or a place in one.
const FILE = /^([a-z-]+)\.schema\.json(#.*)?$/;

/** Compiles a schema of this program at its first use. The check gives undefined for a value that keeps to the schema. */
export function createSchemaCheck(schema: Schema): (value: unknown) => SchemaFaults | undefined {
  let quick: ValidateFunction | undefined;
  let thorough: ValidateFunction | undefined;
  return (value) => {
    quick ??= compile(schema, false);
    if (quick(value)) return undefined;
    // Elements beyond the allowed number are not looked at one by one.
    if (quick.errors?.some(isTooMany)) return describeFaults(quick.errors);
    thorough ??= compile(schema, true);
    thorough(value);
    return describeFaults(thorough.errors ?? []);
  };
}

function compile(schema: Schema, allErrors: boolean): ValidateFunction {
  // `ownProperties`: or a member named "constructor" would be found in every object.
  const ajv = new Ajv2020({
    allErrors,
    strict: true,
    strictTypes: false,
    strictRequired: false,
    ownProperties: true,
    verbose: true,
  });
  (formats as unknown as (instance: Ajv2020) => void)(ajv);
  ajv.addVocabulary(["example"]);
  for (const [name, file] of collectFiles(schema)) ajv.addSchema(file, name);
  return ajv.compile(schema);
}

// They do not change while the program runs, and nobody may change them.
const sources = new Map<string, object>();

/** A file of schemas/, read once. */
export function readSource(file: string): Schema {
  const source = sources.get(file) ?? readSchema(file);
  sources.set(file, source);
  return source as Schema;
}

/** The files that a schema refers to, and those that they refer to, by their names. */
export function collectFiles(schema: unknown, files = new Map<string, object>()): Map<string, object> {
  if (typeof schema !== "object" || schema === null) return files;
  for (const [keyword, value] of Object.entries(schema)) {
    const name = keyword === "$ref" && typeof value === "string" ? FILE.exec(value)?.[1] : undefined;
    if (name === undefined) {
      collectFiles(value, files);
      continue;
    }
    const address = `${name}.schema.json`;
    if (!files.has(address)) {
      const file = readSource(name);
      files.set(address, file);
      collectFiles(file, files);
    }
  }
  return files;
}

function isTooMany({ keyword }: ErrorObject): boolean {
  return keyword === "maxItems";
}

function describeFaults(errors: readonly ErrorObject[]): SchemaFaults {
  const choices = errors.filter(({ keyword }) => keyword === "oneOf" || keyword === "anyOf");
  // What is wrong by each of several alternatives would contradict itself; only that none of them fits is told.
  const told = errors.filter(
    (error) => !choices.some((choice) => choice !== error && error.schemaPath.startsWith(`${choice.schemaPath}/`)),
  );
  return {
    details: told.slice(0, REQUEST_FAULTS_MAX).map(describeFault),
    isTooMany: told.some(isTooMany),
  };
}

function describeFault(error: ErrorObject): ErrorDetail {
  const { instancePath, params, parentSchema } = error;
  const field = instancePath === "" ? "/" : instancePath;
  const description = typeof parentSchema?.description === "string" ? ` (${parentSchema.description})` : "";
  switch (error.keyword) {
    case "required":
      return { field: `${instancePath}/${params.missingProperty}`, message: "is required" };
    case "additionalProperties":
    case "unevaluatedProperties": {
      const name = String(params.additionalProperty ?? params.unevaluatedProperty).slice(0, 80);
      const known = Object.keys((parentSchema?.properties as object | undefined) ?? {});
      return { field: `${instancePath}/${name}`, message: `is unknown; allowed: ${known.join(", ") || "nothing"}` };
    }
    case "enum":
      return { field, message: `must be one of ${(params.allowedValues as unknown[]).join(", ")}` };
    case "oneOf":
    case "anyOf":
      return { field, message: `has none of the forms allowed${description}` };
    default:
      return { field, message: `${error.message ?? "is not valid"}${description}` };
  }
}
