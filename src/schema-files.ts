// Reads the contract as data: the JSON Schemas of schemas/, found from src/ and from dist/ alike. Knows none of them.
import { readFileSync } from "node:fs";

/** A schema of schemas/, by its file name without `.schema.json`. */
export function readSchema(name: string): object {
  return JSON.parse(readFileSync(new URL(`../schemas/${name}.schema.json`, import.meta.url), "utf8"));
}
