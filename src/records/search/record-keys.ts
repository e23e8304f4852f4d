// The keyed hashes by which a record is found and held unique. Pure.

import { encodeBase64url } from "../../crypto/base64.ts";
import { hmacSha256 } from "../../crypto/hash.ts";
import { canonicalJson, type Json, type JsonObject } from "../../crypto/json.ts";
import { type KeyedDigest, type KeyGenerations, keyDigests } from "../../crypto/key-generations.ts";
import type { ErrorDetail } from "../../errors.ts";
import { type DataPath, findFieldSchema, type UniqueKey, valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { readSpelled } from "./value-test.ts";

export interface RecordKey extends KeyedDigest {
  readonly name: string;
  /** That it is the record's identifier, not a field that may be named so too. */
  readonly isIdentifier?: true;
}

/** The fields of a key that another record holds, as details of an error. */
export function describeTakenKey({ name, isIdentifier }: RecordKey): ErrorDetail[] {
  if (isIdentifier) return [{ field: TAKEN_IDENTIFIER_FIELD, message: "is the identifier of another record" }];
  const fields = name.split("+");
  const message = `must be unique in this registry${fields.length > 1 ? `, together: ${fields.join(", ")}` : ""}`;
  return fields.map((field) => ({ field: `/${field.replaceAll(".", "/")}`, message }));
}

/** Name of the key under which a record's identifier stands. */
const IDENTIFIER_KEY = "identifier";
/** A field named "identifier" would be "/identifier". */
export const TAKEN_IDENTIFIER_FIELD = "identifier";
/** How a search names such a field beside the identifier that the registry gives. */
const DATA_IDENTIFIER = "data.identifier";

/** By the current generation of the key. */
export function keyDigest(options: {
  searchKey: KeyGenerations;
  registry: string;
  name: string;
  values: readonly Json[];
}): string {
  const { searchKey, registry, name, values } = options;
  return encodeBase64url(hmacSha256(searchKey.current, canonicalJson([registry, name, [...values]])));
}

interface KeySource {
  readonly searchKey: KeyGenerations;
  readonly compiled: CompiledDefinition;
}

/** The keys of a record's data. A key with a missing field does not count, as NULL does not in SQL. */
export function dataKeys(options: KeySource & { data: JsonObject }): RecordKey[] {
  const { searchKey, compiled, data } = options;
  const registry = compiled.definition.name;
  return compiled.annotations.uniqueKeys.flatMap(({ name, fields }) => {
    const values = fields.map((field) => valuesAt(data, field)[0]);
    if (values.includes(undefined)) return [];
    return {
      name,
      ...keyDigests(searchKey, (one) => keyDigest({ searchKey: one, registry, name, values: values as Json[] })),
    };
  });
}

/** The key of a record's identifier, if it has one of its own: an identifier that is a field has that field's key already. */
export function identifierKeys(options: KeySource & { identifier: string | undefined }): RecordKey[] {
  const { searchKey, compiled, identifier } = options;
  if (identifier === undefined || compiled.identifier?.kind !== "sequence") return [];
  const registry = compiled.definition.name;
  return [{ name: IDENTIFIER_KEY, ...identifierDigest({ searchKey, registry, identifier }), isIdentifier: true }];
}

// Apart from all keys of fields, as no registry has the empty name.
function identifierDigest(options: { searchKey: KeyGenerations; registry: string; identifier: Json }): KeyedDigest {
  const { searchKey, registry, identifier } = options;
  const values = [registry, identifier];
  return keyDigests(searchKey, (one) => keyDigest({ searchKey: one, registry: "", name: IDENTIFIER_KEY, values }));
}

/** A keyed hash that a search looks up, and whether the values are personal. */
export interface SearchDigest extends KeyedDigest {
  readonly personal: boolean;
}

/** What a search by these fields looks up: its keyed hash, and whether the values are personal. Undefined if no key has these fields. */
export function searchDigest(options: {
  searchKey: KeyGenerations;
  compiled: CompiledDefinition;
  fields: Readonly<Record<string, Json>>;
  /** Whether the values are texts out of an address, to be read in the types that the fields have. */
  spelled: boolean;
}): SearchDigest | undefined {
  const { searchKey, compiled, fields, spelled } = options;
  const registry = compiled.definition.name;
  const names = Object.keys(fields);
  if (names.length === 1 && names[0] === IDENTIFIER_KEY && compiled.identifier !== undefined) {
    const identifier = fields[IDENTIFIER_KEY]!;
    const template = compiled.identifier;
    const digest =
      template.kind === "field"
        ? keyDigests(searchKey, (one) =>
            keyDigest({ searchKey: one, registry, name: template.field, values: [identifier] }),
          )
        : identifierDigest({ searchKey, registry, identifier });
    return { ...digest, personal: false };
  }
  const wanted = [...names].sort().join("+");
  const key = compiled.annotations.uniqueKeys.find(
    (candidate) => fieldNames(compiled, candidate).sort().join("+") === wanted,
  );
  if (!key) return undefined;
  const values = key.fields.map((path) => {
    const value = fields[searchName(compiled, path)]!;
    return spelled && typeof value === "string"
      ? readSpelled(value, [findFieldSchema(compiled.definition.schema, path)?.type].flat())
      : value;
  });
  const { name, personal } = key;
  return { ...keyDigests(searchKey, (one) => keyDigest({ searchKey: one, registry, name, values })), personal };
}

/**
 * The unique keys that a search by these values looks up so that every name of `others` is in one of them; undefined where there
 * are none. `values` may hold more.
 */
export function chooseKeys(options: {
  searchKey: KeyGenerations;
  compiled: CompiledDefinition;
  values: Readonly<Record<string, Json>>;
  others: readonly string[];
  spelled: boolean;
}): SearchDigest[] | undefined {
  const { values, others, ...source } = options;
  const candidates = searchableFields(options.compiled).filter((names) =>
    names.every((name) => Object.hasOwn(values, name)),
  );
  const chosen: SearchDigest[] = [];
  const left = new Set(others);
  for (const name of others) {
    if (!left.has(name)) continue;
    const names = candidates.find((candidate) => candidate.includes(name));
    if (names === undefined) return undefined;
    const fields = Object.fromEntries(names.map((one) => [one, values[one]!]));
    chosen.push(searchDigest({ ...source, fields })!);
    for (const one of names) left.delete(one);
  }
  return chosen;
}

/** The searches that a registry answers, each as its field names. */
export function searchableFields(compiled: CompiledDefinition): string[][] {
  const keys = compiled.annotations.uniqueKeys.map((key) => fieldNames(compiled, key));
  return compiled.identifier === undefined ? keys : [[IDENTIFIER_KEY], ...keys];
}

function fieldNames(compiled: CompiledDefinition, key: UniqueKey): string[] {
  return key.fields.map((field) => searchName(compiled, field));
}

/** What a search calls a field: its name, but where that already means the identifier that the registry gives its records. */
export function searchName(compiled: CompiledDefinition, path: DataPath): string {
  const name = path.join(".");
  const { identifier } = compiled;
  const isOther = identifier !== undefined && !(identifier.kind === "field" && identifier.field === name);
  return name === IDENTIFIER_KEY && isOther ? DATA_IDENTIFIER : name;
}
