// By which searches the records of a registry are found that somebody begins to name. Pure; of definitions of other nodes, too.
import type { JsonObject } from "../../crypto/json.ts";
import { PICK_REGISTRY_QUERIES_MAX } from "../../limits.ts";
import type { Annotations } from "../../registries/annotations.ts";
import { findSchemaAt } from "../../registries/field-texts.ts";

/** What is known of a registry that records are picked from. */
export interface PickedRegistry {
  readonly name: string;
  readonly annotations: Annotations;
  readonly schema: JsonObject;
  /** Whether its records are numbered by the registry. */
  readonly isNumbered: boolean;
}

export interface PickQuery {
  /** Parameters of a search in an address. */
  readonly fields: Readonly<Record<string, string>>;
  /** Whether what is found is looked through for the words that were typed. */
  readonly isListed: boolean;
}

/** The most telling searches first; a few. */
export function planPick(registry: PickedRegistry, typed: string): PickQuery[] {
  if (typed === "") return [{ fields: {}, isListed: false }];
  const { searchFields, uniqueKeys } = registry.annotations;
  const prefixes = searchFields
    .filter(({ match, personal, types, format }) => {
      const isText = types.includes("string") && format === undefined;
      return match === "prefix" && !personal && isText;
    })
    .map(({ name }) => ({ fields: { [`${name}[prefix]`]: typed }, isListed: false }));
  const codes = uniqueKeys
    .filter(({ fields, personal }) => fields.length === 1 && !personal)
    .filter(({ fields }) => findSchemaAt(registry.schema, fields[0]!)?.type === "string")
    .map(({ name }) => ({ fields: { [name]: typed }, isListed: false }));
  const numbers = registry.isNumbered ? [{ fields: { identifier: typed }, isListed: false }] : [];
  // What is searched by no part of a text is read from its beginning on.
  const listed = prefixes.length === 0 ? [{ fields: {}, isListed: true }] : [];
  return [...prefixes.slice(0, 2), ...listed, ...numbers, ...codes].slice(0, PICK_REGISTRY_QUERIES_MAX);
}

/** Whether a record's name has all the words that were typed. */
export function isNamed(label: string, typed: string): boolean {
  const text = label.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
