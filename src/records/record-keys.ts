// The keyed hashes by which a record is found and held unique. Pure.
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../crypto/json.ts";
import { type UniqueKey, valuesAt } from "../registries/annotations.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";

export interface RecordKey {
  readonly name: string;
  readonly digest: string;
}

/** Name of the key under which a record's identifier stands. */
export const IDENTIFIER_KEY = "identifier";

export function keyDigest(options: {
  searchKey: Uint8Array;
  registry: string;
  name: string;
  values: readonly Json[];
}): string {
  const { searchKey, registry, name, values } = options;
  return encodeBase64url(hmacSha256(searchKey, canonicalJson([registry, name, [...values]])));
}

/** The keys of a record's data, and its identifier. A key with a missing field does not count, as NULL does not in SQL. */
export function recordKeys(options: {
  searchKey: Uint8Array;
  compiled: CompiledDefinition;
  data: JsonObject;
  identifier: string | undefined;
}): RecordKey[] {
  const { searchKey, compiled, data, identifier } = options;
  const registry = compiled.definition.name;
  const keys: RecordKey[] = [];
  const add = (name: string, values: readonly Json[]) =>
    keys.push({ name, digest: keyDigest({ searchKey, registry, name, values }) });
  for (const key of compiled.annotations.uniqueKeys) {
    const values = key.fields.map((field) => valuesAt(data, field)[0]);
    if (values.every((value) => value !== undefined)) add(key.name, values as Json[]);
  }
  if (identifier !== undefined) add(IDENTIFIER_KEY, [identifier]);
  return keys;
}

/** The unique key that a search by these field names can use, its fields in the key's own order. */
export function findSearchKey(compiled: CompiledDefinition, names: readonly string[]): UniqueKey | undefined {
  const wanted = [...names].sort().join("+");
  return compiled.annotations.uniqueKeys.find(
    (key) =>
      key.fields
        .map((field) => field.join("."))
        .sort()
        .join("+") === wanted,
  );
}
