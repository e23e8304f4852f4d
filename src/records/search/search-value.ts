// The text under which a value stands in the search index: byte order of the texts is the order of the values. Pure.

import { encodeBase64url } from "../../crypto/base64.ts";
import { hmacSha256, sha256 } from "../../crypto/hash.ts";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import { SEARCH_VALUE_CHARS_MAX } from "../../limits.ts";
import type { SearchField } from "../../registries/annotations.ts";
import { normalizeText } from "../../registries/normal-form.ts";

/** Ends what was cut; smaller than what a text goes on with, and no part of a value that stands whole. */
const CUT = "\u0001";
const DIGEST_CHARS = 22;
const SIGN_BIT = 1n << 63n;
const ALL_BITS = (1n << 64n) - 1n;
// RFC 3339 §5.6, as loosely as its readers are: lower case, or a space for the T; the second 60 of a leap.
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}):(\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:?\d{2})$/;

/** Sixteen hexadecimal digits, sorted as the numbers are. */
export function encodeNumber(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value === 0 ? 0 : value);
  const bits = view.getBigUint64(0);
  // IEEE 754: positive numbers sort as their bits do; of negative ones every bit counts the other way.
  const ordered = bits & SIGN_BIT ? ~bits & ALL_BITS : bits | SIGN_BIT;
  return ordered.toString(16).padStart(16, "0");
}

/** An RFC 3339 time as an instant, sorted as instants are; undefined if it is none. */
export function encodeInstant(text: string): string | undefined {
  const [, day, minute, second, fraction = "", zone] = DATE_TIME.exec(text) ?? [];
  if (day === undefined) return undefined;
  const milliseconds = Date.parse(`${day}T${minute}:00${zone!.toUpperCase()}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return `${encodeNumber(milliseconds / 1_000 + Number(second))}${fraction.replace(/0+$/, "")}`;
}

/** The text of a single open value; undefined where a field has no value to be found by. */
export function encodeOpenValue(field: Pick<SearchField, "normal" | "format">, value: Json): string | undefined {
  const text = encodeWhole(field, value);
  return text === undefined ? undefined : cutText(text);
}

/** The text of a value of the field: of a personal one a keyed hash, into which registry and field are bound. */
export function encodeSearchValue(
  source: { readonly searchKey: KeyGenerations; readonly registry: string },
  field: SearchField,
  value: Json,
): string | undefined {
  if (!field.personal) return encodeOpenValue(field, value);
  const text = encodeWhole(field, value);
  return text === undefined ? undefined : keyedDigest(source, ["search", field.name, field.normal], [text]);
}

/** A keyed hash of values in their normal forms, by the current generation of the key. `purpose` tells it from the hash of the same values elsewhere. */
export function keyedDigest(
  { searchKey, registry }: { readonly searchKey: KeyGenerations; readonly registry: string },
  purpose: readonly string[],
  values: readonly Json[],
): string {
  const digest = hmacSha256(searchKey.current, canonicalJson([registry, [...purpose], [...values]]));
  return encodeBase64url(digest).slice(0, DIGEST_CHARS);
}

/** A value in the normal form of a comparison; undefined where there is nothing to compare. */
export function encodeWhole(field: Pick<SearchField, "normal" | "format">, value: Json): string | undefined {
  if (typeof value === "number") return encodeNumber(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    if (field.format === "date-time") return encodeInstant(value) ?? value;
    return normalizeText(value, field.normal);
  }
  const href = isJsonObject(value) ? (value as JsonObject).href : undefined;
  return typeof href === "string" ? href : undefined;
}

/** Whether a text stands whole in the index, so that beginnings and ranges of it can be compared there. */
export function standsWhole(text: string): boolean {
  return text.length <= SEARCH_VALUE_CHARS_MAX && !text.includes("\0");
}

// A long text, or one with a NUL, which PostgreSQL cannot keep: its beginning, then the hash of all of it. Equal texts stay equal,
// others stay different, and against any text that stands whole the order is right.
function cutText(text: string): string {
  if (standsWhole(text)) return text;
  const beginning = dropHalfCharacter(text.slice(0, SEARCH_VALUE_CHARS_MAX).split("\0", 1)[0]!);
  return `${beginning}${CUT}${encodeBase64url(sha256(text)).slice(0, DIGEST_CHARS)}`;
}

function dropHalfCharacter(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? text.slice(0, -1) : text;
}
