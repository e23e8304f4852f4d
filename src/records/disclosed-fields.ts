// Which fields of a record's data some disclosures show, by name. Pure.
import { decodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8 } from "../crypto/hash.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { disclosureDigest } from "../crypto/sd-jwt-disclosures.ts";

/** Names of disclosed members of `data`, nested ones with dots, in the order of the payload; an array is one field. */
export function disclosedFields(payload: JsonObject, disclosures: readonly string[]): string[] {
  const byDigest = new Map(disclosures.map((one) => [disclosureDigest(one), one]));
  const found: string[] = [];

  function visit(value: Json | undefined, path: readonly string[]): void {
    if (Array.isArray(value)) {
      for (const element of value)
        if (isJsonObject(element) && typeof element["..."] === "string") open(element["..."], path);
        else visit(element, path);
      return;
    }
    if (!isJsonObject(value)) return;
    for (const [name, member] of Object.entries(value)) {
      if (name === "_sd" && Array.isArray(member)) for (const digest of member) open(digest as string, path);
      else visit(member, [...path, name]);
    }
  }

  function open(digest: string, path: readonly string[]): void {
    const disclosure = byDigest.get(digest);
    if (disclosure === undefined) return;
    const parts = parseJson(decodeUtf8(decodeBase64url(disclosure))) as Json[];
    const own = parts.length === 3 ? [...path, parts[1] as string] : path;
    const value = parts.at(-1)!;
    // What is itself made of disclosures is told by those.
    if (!(isJsonObject(value) && Array.isArray(value._sd)) && own.length > 0) found.push(own.join("."));
    visit(value, own);
  }

  visit(payload.data, []);
  return [...new Set(found)];
}
