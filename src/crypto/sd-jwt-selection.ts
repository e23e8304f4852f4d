// Which disclosures of an SD-JWT show what is chosen of it, and no more. For a payload of our own: what a peer sent is verified first.
import { decodeBase64url } from "./base64.ts";
import { decodeUtf8 } from "./hash.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "./json.ts";
import { disclosureDigest } from "./sd-jwt-disclosures.ts";

/** Names of the members on the way to a value; the elements of an array are on the array's own. */
type IsChosen = (path: readonly string[]) => boolean;

/**
 * The disclosures of what is chosen, and those that these stand inside (RFC 9901 §4.2.6), in the order in which they are given.
 * `isChosen` is asked of every disclosable value, also of those inside a chosen one.
 */
export function selectDisclosures(options: {
  payload: JsonObject;
  disclosures: readonly string[];
  isChosen: IsChosen;
}): string[] {
  const { payload, disclosures, isChosen } = options;
  const byDigest = new Map(disclosures.map((disclosure) => [disclosureDigest(disclosure), disclosure]));
  const kept = new Set<string>();

  /** Whether the disclosure of this digest is kept. */
  function visitDigest(digest: Json, path: readonly string[]): boolean {
    const disclosure = byDigest.get(digest as string);
    if (disclosure === undefined) return false;
    const parts = parseJson(decodeUtf8(decodeBase64url(disclosure))) as Json[];
    const own = parts.length === 3 ? [...path, parts[1] as string] : path;
    const isInsideKept = visit(parts.at(-1)!, own);
    if (!isInsideKept && !isChosen(own)) return false;
    kept.add(disclosure);
    return true;
  }

  /** Whether anything inside is kept. */
  function visit(value: Json, path: readonly string[]): boolean {
    if (Array.isArray(value)) return value.map((element) => visit(element, path)).includes(true);
    if (!isJsonObject(value)) return false;
    return Object.entries(value)
      .map(([name, member]) => {
        if (name === "...") return visitDigest(member, path);
        if (name === "_sd" && Array.isArray(member))
          return member.map((digest) => visitDigest(digest, path)).includes(true);
        return visit(member, [...path, name]);
      })
      .includes(true);
  }

  visit(payload, []);
  return disclosures.filter((disclosure) => kept.has(disclosure));
}
