// Compiles a schema of schemas/ at its first use: most commands of the program never need most of them, and each takes tens of milliseconds.
import { Ajv2020, type Options, type ValidateFunction } from "ajv/dist/2020.js";
import { readSchema } from "./schema-files.ts";

/** Gives the check of one schema, by its file name without `.schema.json`; the same one at every call. */
export function createSchemaValidator<T>(name: string, options: Options = {}): () => ValidateFunction<T> {
  let compiled: ValidateFunction<T> | undefined;
  return () => {
    compiled ??= new Ajv2020({ allErrors: true, ...options }).compile<T>(readSchema(name));
    return compiled;
  };
}
