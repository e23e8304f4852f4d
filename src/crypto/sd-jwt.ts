// SD-JWT (RFC 9901): the text form, building and verifying. Runs in browsers. Verifies no key binding, judges no time and draws no salts.
import { AttestryError } from "../errors.ts";
import { JSON_DEPTH_MAX, TOKEN_CHARS_MAX } from "../limits.ts";
import { encodeBase64urlText } from "./base64.ts";
import type { Json, JsonObject } from "./json.ts";
import { type JwsRules, type VerifiedJws, verifyJws } from "./jws.ts";
import {
  checkDisclosureCount,
  disclosureDigest,
  isNeverDisclosed,
  isReservedName,
  processDisclosures,
} from "./sd-jwt-disclosures.ts";

/** An SD-JWT taken apart; nothing in it is proved. `keyBinding`: the key binding JWT, not looked into. */
export interface SdJwtParts {
  readonly jwt: string;
  readonly disclosures: readonly string[];
  readonly keyBinding?: string;
}

/** `payload` is what the issuer signed; `claims` is it with the disclosed values in place and no digests. */
export interface VerifiedSdJwt extends VerifiedJws, SdJwtParts {
  readonly claims: JsonObject;
  /** Digests without a disclosure here: values held back, or decoys. */
  readonly undisclosedCount: number;
}

const JWT_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Splits `<JWT>~<disclosure>~...~[<key binding JWT>]` (RFC 9901 §4) and decodes nothing. Throws `sd_jwt_invalid`, `too_many_items`. */
export function parseSdJwt(text: string): SdJwtParts {
  if (text.length > TOKEN_CHARS_MAX) {
    throw new AttestryError("sd_jwt_invalid", `SD-JWT has ${text.length} characters; ${TOKEN_CHARS_MAX} are allowed`);
  }
  const [jwt = "", ...disclosures] = text.split("~");
  const keyBinding = disclosures.pop();
  if (keyBinding === undefined) throw new AttestryError("sd_jwt_invalid", "text without ~ is no SD-JWT");
  if (jwt === "" || disclosures.includes("")) throw new AttestryError("sd_jwt_invalid", "SD-JWT has an empty part");
  checkDisclosureCount(disclosures.length);
  if (keyBinding === "") return { jwt, disclosures };
  // RFC 9901 §4: without key binding the text ends in ~; a last disclosure that lost its ~ must not pass for a key binding.
  if (!JWT_FORM.test(keyBinding)) throw new AttestryError("sd_jwt_invalid", "SD-JWT ends in neither ~ nor a JWT");
  return { jwt, disclosures, keyBinding };
}

/** The inverse of `parseSdJwt` for a token without key binding. */
export function formatSdJwt(jwt: string, disclosures: readonly string[]): string {
  return disclosures.length === 0 ? `${jwt}~` : `${jwt}~${disclosures.join("~")}~`;
}

/**
 * Verifies an SD-JWT up to and without its key binding: format, `verifyJws` on the issuer's JWT, then `processDisclosures`.
 * Throws what those three throw. Whether key binding is needed is the caller's policy (RFC 9901 §7.3), never the token's.
 */
export async function verifySdJwt(text: string, rules: JwsRules): Promise<VerifiedSdJwt> {
  const parts = parseSdJwt(text);
  const verified = await verifyJws(parts.jwt, rules);
  return { ...parts, ...verified, ...processDisclosures(verified.payload, parts.disclosures) };
}

interface Build {
  readonly isDisclosable: (path: readonly (string | number)[]) => boolean;
  readonly salt: () => string;
  readonly path: (string | number)[];
  readonly disclosures: string[];
}

// Gives the digest that stands for the disclosure (RFC 9901 §4.2.1, §4.2.2).
function addDisclosure(build: Build, elements: Json[]): string {
  if (isNeverDisclosed(String(build.path[0]))) {
    throw new AttestryError("sd_jwt_invalid", `${build.path[0]} must not be in a disclosure`);
  }
  const disclosure = encodeBase64urlText(JSON.stringify(elements));
  build.disclosures.push(disclosure);
  return disclosureDigest(disclosure);
}

function buildValue(build: Build, value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (build.path.length >= JSON_DEPTH_MAX) {
    throw new AttestryError("json_too_deep", `payload of SD-JWT is nested deeper than ${JSON_DEPTH_MAX}`);
  }
  return Array.isArray(value) ? buildArray(build, value) : buildObject(build, value);
}

function buildArray(build: Build, values: readonly Json[]): Json[] {
  return values.map((value, index) => {
    build.path.push(index);
    const built = buildValue(build, value);
    const isHidden = build.isDisclosable(build.path);
    const element = isHidden ? { "...": addDisclosure(build, [build.salt(), built]) } : built;
    build.path.pop();
    return element;
  });
}

function buildObject(build: Build, object: JsonObject): JsonObject {
  const built: JsonObject = {};
  const digests: string[] = [];
  for (const name of Object.keys(object)) {
    if (isReservedName(name)) throw new AttestryError("sd_jwt_invalid", "payload has a name reserved by SD-JWT");
    if (name === "__proto__") throw new AttestryError("json_forbidden_key", "payload has a member named __proto__");
    build.path.push(name);
    const value = buildValue(build, object[name]!);
    if (build.isDisclosable(build.path)) digests.push(addDisclosure(build, [build.salt(), name, value]));
    else built[name] = value;
    build.path.pop();
  }
  // RFC 9901 §4.2.4.1: sorted, so that the order tells nothing of which digest is which claim.
  if (digests.length > 0) built._sd = digests.sort();
  return built;
}

/**
 * Replaces by digests what `isDisclosable` says, at every level, inner values first. `payload` is left as it is; names `_sd`, `_sd_alg`, `...` are refused in it.
 * `isDisclosable` gets the path of each member and element; the array is reused, so copy it to keep it.
 * `salt`: a fresh base64url text of 16 random bytes at each call (RFC 9901 §9.3).
 * Throws `sd_jwt_invalid` for a reserved name or a claim that must stay visible, `too_many_items`, `json_too_deep`, `json_forbidden_key`.
 */
export function buildSdJwt(options: {
  payload: JsonObject;
  isDisclosable: (path: readonly (string | number)[]) => boolean;
  salt: () => string;
}): { payload: JsonObject; disclosures: string[] } {
  const { isDisclosable, salt } = options;
  const build: Build = { isDisclosable, salt, path: [], disclosures: [] };
  const payload = buildObject(build, options.payload);
  payload._sd_alg = "sha-256";
  checkDisclosureCount(build.disclosures.length);
  return { payload, disclosures: build.disclosures };
}
