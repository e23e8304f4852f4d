// The disclosures of SD-JWT: every rule by which they go back into a payload (RFC 9901 §7.1). Runs in browsers; sees no signature.
import { AttestryError } from "../errors.ts";
import { DISCLOSURES_MAX, JSON_DEPTH_MAX } from "../limits.ts";
import { decodeBase64url } from "./base64.ts";
import { decodeUtf8, sha256Base64url } from "./hash.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "./json.ts";

/** Of the random salt of a disclosure that this software makes: RFC 9901 §9.3 asks for 128 bits. */
export const DISCLOSURE_SALT_BYTES = 16;

// draft-ietf-oauth-sd-jwt-vc §2.2.2.2: what decides on validity is neither hidden nor slipped in later, nor is anything inside it.
const NEVER_DISCLOSED: ReadonlySet<string> = new Set([
  "iss",
  "nbf",
  "exp",
  "cnf",
  "vct",
  "vct#integrity",
  "aka_vcts",
  "status",
]);
const RESERVED_NAMES: ReadonlySet<string> = new Set(["_sd", "...", "_sd_alg"]);

export function isNeverDisclosed(topLevelName: string): boolean {
  return NEVER_DISCLOSED.has(topLevelName);
}

/** Names that carry digests (RFC 9901 §4.1) and so cannot be names of claims. */
export function isReservedName(name: string): boolean {
  return RESERVED_NAMES.has(name);
}

/** base64url SHA-256 of a disclosure's text, not of the bytes it encodes (RFC 9901 §4.2.3). */
export function disclosureDigest(disclosure: string): string {
  return sha256Base64url(disclosure);
}

export function checkDisclosureCount(count: number): void {
  if (count > DISCLOSURES_MAX) {
    throw new AttestryError("too_many_items", `SD-JWT has ${count} disclosures; ${DISCLOSURES_MAX} are allowed`);
  }
}

function refuse(message: string): never {
  throw new AttestryError("disclosure_invalid", message);
}

interface Disclosure {
  readonly name: string | undefined;
  readonly value: Json;
  isUsed: boolean;
}

function decodeDisclosure(text: string): Disclosure {
  const decoded = parseJson(decodeUtf8(decodeBase64url(text)));
  if (!Array.isArray(decoded)) return refuse("disclosure is not a JSON array");
  const [salt, second, third] = decoded;
  if (typeof salt !== "string") return refuse("salt of disclosure is not text");
  if (decoded.length === 2) return { name: undefined, value: second!, isUsed: false };
  if (decoded.length !== 3) return refuse(`disclosure has ${decoded.length} elements; 2 or 3 are allowed`);
  if (typeof second !== "string") return refuse("claim name of disclosure is not text");
  // RFC 9901 §7.1 step 3.c.ii.2
  if (isReservedName(second)) return refuse("disclosure names a reserved claim");
  // The strict parser sees it as a value; here it becomes a member's name.
  if (second === "__proto__") throw new AttestryError("json_forbidden_key", "disclosure names a claim __proto__");
  return { name: second, value: third!, isUsed: false };
}

/** Puts disclosures back where the payload has their digests; each is used exactly once. */
class DisclosureWalk {
  private readonly byDigest = new Map<string, Disclosure>();
  private readonly seenDigests = new Set<string>();
  undisclosedCount = 0;
  readonly undisclosedByMember = new Map<string, number>();

  constructor(disclosures: readonly string[]) {
    for (const text of disclosures) {
      const digest = disclosureDigest(text);
      if (this.byDigest.has(digest)) refuse("SD-JWT repeats a disclosure");
      this.byDigest.set(digest, decodeDisclosure(text));
    }
  }

  take(digest: Json, canHide: boolean): Disclosure | undefined {
    if (typeof digest !== "string") return refuse("digest in SD-JWT is not text");
    if (!canHide) return refuse("a claim that must always be visible has a digest inside");
    // RFC 9901 §7.1 step 4, of disclosed and undisclosed digests alike
    if (this.seenDigests.has(digest)) return refuse("SD-JWT has a digest twice");
    this.seenDigests.add(digest);
    const disclosure = this.byDigest.get(digest);
    if (disclosure === undefined) this.undisclosedCount++;
    else disclosure.isUsed = true;
    return disclosure;
  }

  // depth 1 is the payload itself. canHide: whether what stands here may be selectively disclosable at all.
  readValue(value: Json, depth: number, canHide: boolean): Json {
    if (typeof value !== "object" || value === null) return value;
    // Disclosures nest in each other, so text within the limit can add up to a value beyond it.
    if (depth > JSON_DEPTH_MAX) throw new AttestryError("json_too_deep", "disclosed values are nested too deep");
    return Array.isArray(value) ? this.readArray(value, depth, canHide) : this.readObject(value, depth, canHide);
  }

  readArray(values: readonly Json[], depth: number, canHide: boolean): Json[] {
    const read: Json[] = [];
    for (const value of values) {
      if (!isJsonObject(value) || !Object.hasOwn(value, "...")) {
        read.push(this.readValue(value, depth + 1, canHide));
        continue;
      }
      // RFC 9901 §4.2.4.2: there must be no other member beside the digest.
      if (Object.keys(value).length !== 1) refuse("placeholder of an array element has other members");
      const disclosure = this.take(value["..."]!, canHide);
      if (disclosure === undefined) continue;
      if (disclosure.name !== undefined) refuse("disclosure of a claim stands for an array element");
      read.push(this.readValue(disclosure.value, depth + 1, canHide));
    }
    return read;
  }

  readObject(object: JsonObject, depth: number, canHide: boolean): JsonObject {
    const read: JsonObject = {};
    for (const name of Object.keys(object)) {
      if (name === "_sd") continue;
      if (name === "_sd_alg" && depth === 1) continue;
      if (isReservedName(name)) refuse("a reserved name stands where no digest can be");
      const canHideInside = canHide && !(depth === 1 && isNeverDisclosed(name));
      const countBefore = this.undisclosedCount;
      read[name] = this.readValue(object[name]!, depth + 1, canHideInside);
      if (depth === 1) this.undisclosedByMember.set(name, this.undisclosedCount - countBefore);
    }
    if (!Object.hasOwn(object, "_sd")) return read;
    const digests = object._sd;
    if (!Array.isArray(digests)) return refuse("_sd is not an array");
    for (const digest of digests) {
      const disclosure = this.take(digest, canHide);
      if (disclosure === undefined) continue;
      const { name } = disclosure;
      if (name === undefined) return refuse("disclosure of an array element stands for a claim");
      // RFC 9901 §7.1 step 3.c.ii.3
      if (Object.hasOwn(read, name)) return refuse("disclosure names a claim that is there already");
      if (depth === 1 && isNeverDisclosed(name)) return refuse(`${name} must not be in a disclosure`);
      read[name] = this.readValue(disclosure.value, depth + 1, canHide);
    }
    return read;
  }

  // RFC 9901 §7.1 step 5
  checkAllUsed(): void {
    for (const { isUsed } of this.byDigest.values())
      if (!isUsed) refuse("SD-JWT has a disclosure that no digest names");
  }
}

/**
 * RFC 9901 §7.1 steps 2.e to 5 on an issuer's payload, with the prohibitions of SD-JWT VC. Order of members in `claims`: open ones first.
 * `undisclosedByMember`: how many digests without a disclosure stand inside each member that the payload itself has.
 * Throws `disclosure_invalid`, `too_many_items`, and of each disclosure `encoding_invalid` and `json_*`; `sd_jwt_invalid` for another `_sd_alg`.
 */
export function processDisclosures(
  payload: JsonObject,
  disclosures: readonly string[],
): { claims: JsonObject; undisclosedCount: number; undisclosedByMember: ReadonlyMap<string, number> } {
  if (Object.hasOwn(payload, "_sd_alg") && payload._sd_alg !== "sha-256") {
    throw new AttestryError("sd_jwt_invalid", "_sd_alg of SD-JWT is not sha-256");
  }
  checkDisclosureCount(disclosures.length);
  const walk = new DisclosureWalk(disclosures);
  const claims = walk.readObject(payload, 1, true);
  walk.checkAllUsed();
  const { undisclosedCount, undisclosedByMember } = walk;
  return { claims, undisclosedCount, undisclosedByMember };
}
