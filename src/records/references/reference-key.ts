// A reference written as type and key, `{"type": "districts", "key": "603"}`, in place of the URL that is stored. Pure.
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import type { DataPath } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";

/** A simple value: the identifier, or the value of the only unique field; or the fields of a unique key. */
export type RecordKeyText = string | number | boolean | { readonly [field: string]: Json };

/** A record as it is looked up. `registry`: URL of the registry of another node, where this node has no registry of the type. */
export interface ReferenceQuery {
  readonly type: string;
  readonly key: RecordKeyText;
  readonly registry: string | undefined;
}

/** A reference by key within some data. */
export interface KeyedReference {
  /** JSON Pointer to it. */
  readonly field: string;
  readonly query: ReferenceQuery;
  /** Whether nobody verifies it before the record is signed. */
  readonly isAccepted: boolean;
  /** Says why it cannot be looked up at all. */
  readonly fault: string | undefined;
}

/** One text per query, so that equal ones are looked up once. */
export function queryName({ type, key, registry }: ReferenceQuery): string {
  return canonicalJson([type, key as Json, registry ?? null]);
}

/** The key of `{"type", "key"}`; undefined where another value stands. */
function readKeyed(value: Json): { type: Json | undefined; key: Json } | undefined {
  if (!isJsonObject(value) || value.key === undefined) return undefined;
  const { type, key, ...rest } = value;
  return Object.keys(rest).length === 0 ? { type, key } : undefined;
}

export function isRecordKeyText(key: Json | undefined): key is RecordKeyText {
  if (typeof key === "string" || typeof key === "number" || typeof key === "boolean") return true;
  return isJsonObject(key) && Object.keys(key).length > 0 && Object.values(key).every((one) => typeof one !== "object");
}

/** `data` with every value at the end of `path` replaced by what `change` gives; what is not changed is shared. */
function mapAt(value: Json, path: DataPath, pointer: string, change: (value: Json, pointer: string) => Json): Json {
  const [segment, ...rest] = path;
  if (segment === undefined) return change(value, pointer);
  if (segment === "*")
    return Array.isArray(value) ? value.map((one, at) => mapAt(one, rest, `${pointer}/${at}`, change)) : value;
  if (!isJsonObject(value) || !Object.hasOwn(value, segment)) return value;
  return { ...value, [segment]: mapAt(value[segment]!, rest, `${pointer}/${segment}`, change) };
}

/** The references by key in `data`, which may be a merge patch. */
export function findKeyedReferences(compiled: CompiledDefinition, data: JsonObject): KeyedReference[] {
  const found: KeyedReference[] = [];
  for (const { path, type, registry, onWrite } of compiled.annotations.references) {
    mapAt(data, path, "", (value, field) => {
      const keyed = readKeyed(value);
      if (!keyed) return value;
      const { key } = keyed;
      const fault =
        keyed.type !== type
          ? `must be of type "${type}", as this field refers to nothing else`
          : isRecordKeyText(key)
            ? undefined
            : 'must have a key that is a simple value or {"field": value}';
      const query = { type, key: key as RecordKeyText, registry };
      found.push({ field, query, isAccepted: onWrite === "accept", fault });
      return value;
    });
  }
  return found;
}

/** `data` with the URLs in place of references by key; `hrefOf` knows every one of them by its field. */
export function replaceKeyedReferences(
  compiled: CompiledDefinition,
  data: JsonObject,
  hrefOf: ReadonlyMap<string, string>,
): JsonObject {
  return compiled.annotations.references.reduce<Json>(
    (before, { path }) => mapAt(before, path, "", (value, field) => hrefOf.get(field) ?? value),
    data,
  ) as JsonObject;
}
