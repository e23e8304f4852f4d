// What changed from one version of a record to the next, field by field, as far as a reader knows both. Pure.
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";

/** `before` or `after` is missing where the field was not there. */
export interface FieldChange {
  /** JSON Pointer into the record: `/data/address/city`, `/valid_until`. */
  readonly field: string;
  readonly label?: string;
  readonly before?: Json;
  readonly after?: Json;
}

/** What is compared of a version. */
export interface ComparedVersion {
  readonly data: JsonObject;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
}

/** The changed fields in the order of their names; objects are compared member by member, lists and attachments as a whole. `labelOf`: a field of `data` as people call it. */
export function findChanges(
  before: ComparedVersion,
  after: ComparedVersion,
  labelOf: (path: readonly string[]) => string | undefined,
): FieldChange[] {
  const changes: FieldChange[] = [];
  const add = (field: string, label: string | undefined, old: Json | undefined, next: Json | undefined) => {
    changes.push({
      field,
      ...(label !== undefined && { label }),
      ...(old !== undefined && { before: old }),
      ...(next !== undefined && { after: next }),
    });
  };
  const compare = (old: Json | undefined, next: Json | undefined, path: readonly string[]): void => {
    const isGroup = (value: Json | undefined) => value === undefined || isJsonObject(value);
    if (path.length === 0 || (isGroup(old) && isGroup(next) && !isAttachment(old) && !isAttachment(next))) {
      const names = new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {})]);
      for (const name of [...names].sort()) compare(memberOf(old, name), memberOf(next, name), [...path, name]);
      // An empty group has no member by which it could be seen to come or go.
      if (names.size === 0 && old !== next && path.length > 0 && (old === undefined || next === undefined))
        add(pointerOf(path), labelOf(path), old, next);
    } else if (old === undefined || next === undefined || canonicalJson(old) !== canonicalJson(next)) {
      add(pointerOf(path), labelOf(path), old, next);
    }
  };
  compare(before.data, after.data, []);
  for (const [field, old, next] of [
    ["/valid_from", before.validFrom, after.validFrom],
    ["/valid_until", before.validUntil, after.validUntil],
  ] as const)
    if (old !== next) add(field, undefined, old, next);
  return changes;
}

/** The fields of `data` that changed, nested ones with dots. */
export function changedFields(changes: readonly FieldChange[]): string[] {
  const prefix = "/data/";
  return changes.flatMap(({ field }) =>
    field.startsWith(prefix)
      ? [
          field
            .slice(prefix.length)
            .split("/")
            // RFC 6901 §4.
            .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"))
            .join("."),
        ]
      : [],
  );
}

// As definitions have it: a file that is exchanged is one change, not one of its digest, type and size each.
function isAttachment(value: Json | undefined): boolean {
  const names = ["digest", "mediaType", "bytes", "href"];
  return isJsonObject(value) && Object.keys(value).length === names.length && names.every((name) => name in value);
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

// RFC 6901 §3
function pointerOf(path: readonly string[]): string {
  return `/data/${path.map((name) => name.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`;
}
