// Reads the claims of a record token (DESIGN section 5) into values. Proves no signature and consults no clock.
import type { Json, JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { TIME_SECONDS_MAX } from "../limits.ts";
import { parseEffectiveTime } from "../records/effective-time.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import { isRid } from "../records/rid.ts";

export interface RecordClaims {
  readonly issuer: string;
  /** The record's URL. */
  readonly href: string;
  readonly registryName: string;
  readonly registryType: string;
  /** base64 SHA-256 of the definition's text, as `vct#integrity` has it after "sha256-". */
  readonly definitionHash: string;
  readonly rid: string;
  readonly version: number;
  readonly identifier: string | undefined;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly notBefore: number | undefined;
  readonly expiresAt: number | undefined;
  /** Effective time: Unix seconds, the first instant in effect and the first one that no longer is. */
  readonly effectiveFrom: number | undefined;
  readonly effectiveUntil: number | undefined;
  readonly status: { readonly uri: string; readonly index: number } | undefined;
  /** URLs of the records that this one succeeds. */
  readonly replaces: readonly string[];
  readonly data: JsonObject;
}

// RFC 9901 §7.1 step 9 and SD-JWT VC §3.2.2.2: what decides about trust must stand open under the signature.
const NEVER_DISCLOSED = [
  "iss",
  "vct",
  "vct#integrity",
  "iat",
  "nbf",
  "exp",
  "rid",
  "rver",
  "rtype",
  "prev",
  "status",
  "cnf",
  "valid_from",
  "valid_until",
  "replaces",
  "data",
  "act",
];

const NAME = "[a-z][a-z0-9-]{0,62}";
const VCT_TAIL = new RegExp(`^/registries/(${NAME})/schema/([1-9][0-9]{0,8})$`);
const REGISTRY_TYPE = new RegExp(`^${NAME}$`);
const INTEGRITY = /^sha256-([A-Za-z0-9+/]{43}=)$/;
const SHA256_BASE64URL = /^[A-Za-z0-9_-]{43}$/;

function invalid(claim: string, rule: string): AttestryError {
  return new AttestryError("token_invalid", `${claim} ${rule}`);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(payload: JsonObject, claim: string): string {
  const value = payload[claim];
  if (typeof value !== "string") throw invalid(claim, "must be a text");
  return value;
}

function wholeNumber(value: Json | undefined, claim: string, least: number): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least) {
    throw invalid(claim, `must be a whole number of at least ${least}`);
  }
  return value;
}

function seconds(payload: JsonObject, claim: string): number {
  const value = wholeNumber(payload[claim], claim, 0);
  // What is later is no date, and could be shown to nobody.
  if (value > TIME_SECONDS_MAX) throw invalid(claim, `must be at most ${TIME_SECONDS_MAX} Unix seconds`);
  return value;
}

function optionalSeconds(payload: JsonObject, claim: string): number | undefined {
  return payload[claim] === undefined ? undefined : seconds(payload, claim);
}

/** The first instant in effect, or the first one that no longer is: Unix seconds. */
function effectiveSeconds(payload: JsonObject, claim: string, edge: "start" | "end"): number | undefined {
  if (payload[claim] === undefined) return undefined;
  const moment = parseEffectiveTime(text(payload, claim), edge);
  if (moment === undefined) throw invalid(claim, "must be a date or an RFC 3339 time");
  return moment;
}

function statusReference(payload: JsonObject): RecordClaims["status"] {
  const status = payload.status;
  if (status === undefined) return undefined;
  const reference = isObject(status) ? status.status_list : undefined;
  if (!isObject(reference)) throw invalid("status", "must hold a status_list");
  return { uri: text(reference, "uri"), index: wholeNumber(reference.idx, "status_list.idx", 0) };
}

function succeededRecords(payload: JsonObject): readonly string[] {
  const { replaces } = payload;
  if (replaces === undefined) return [];
  const isUrl = (value: Json): value is string => typeof value === "string" && parseRecordUrl(value) !== undefined;
  if (!Array.isArray(replaces) || replaces.length === 0 || !replaces.every(isUrl))
    throw invalid("replaces", "must be the URLs of records, at least one");
  return replaces;
}

/**
 * Checks the form of a record token's claims. `payload`: what the issuer signed; `claims`: the same with disclosures in
 * their places. Throws `token_invalid`, naming the claim and never its value.
 */
export function parseRecordClaims(payload: JsonObject, claims: JsonObject): RecordClaims {
  for (const claim of NEVER_DISCLOSED) {
    if (payload[claim] === undefined && claims[claim] !== undefined) throw invalid(claim, "must not be a disclosure");
  }
  const issuer = text(payload, "iss");
  const vct = text(payload, "vct");
  const tail = vct.startsWith(issuer) ? VCT_TAIL.exec(vct.slice(issuer.length)) : null;
  if (!tail) throw invalid("vct", "must be the issuer's own <iss>/registries/<name>/schema/<version>");
  const integrity = INTEGRITY.exec(text(payload, "vct#integrity"));
  if (!integrity) throw invalid("vct#integrity", "must be sha256- and 44 characters of base64");
  const rid = text(payload, "rid");
  if (!isRid(rid)) throw invalid("rid", "must be a UUIDv8 in lower case");
  const registryType = text(payload, "rtype");
  if (!REGISTRY_TYPE.test(registryType)) throw invalid("rtype", "must be the name of a registry type");
  const version = wholeNumber(payload.rver, "rver", 1);
  // Each version but the first commits to the one before it.
  if (version === 1 ? payload.prev !== undefined : !SHA256_BASE64URL.test(text(payload, "prev"))) {
    throw invalid("prev", "must be the previous version's SHA-256, and absent in version 1");
  }
  if (!isObject(payload.act)) throw invalid("act", "must be an object");
  // Which operation made the version, and in which role, stands open; who did it, and why, may be disclosures.
  if (payload.act.operation === undefined && isObject(claims.act) && claims.act.operation !== undefined)
    throw invalid("act.operation", "must not be a disclosure");
  if (!isObject(payload.data) || !isObject(claims.data)) throw invalid("data", "must be an object");
  if (claims.identifier !== undefined && typeof claims.identifier !== "string") {
    throw invalid("identifier", "must be a text");
  }
  const registryName = tail[1]!;
  return {
    issuer,
    href: `${issuer}/registries/${registryName}/records/${rid}`,
    registryName,
    registryType,
    definitionHash: integrity[1]!,
    rid,
    version,
    identifier: claims.identifier,
    issuedAt: seconds(payload, "iat"),
    notBefore: optionalSeconds(payload, "nbf"),
    expiresAt: optionalSeconds(payload, "exp"),
    effectiveFrom: effectiveSeconds(payload, "valid_from", "start"),
    effectiveUntil: effectiveSeconds(payload, "valid_until", "end"),
    status: statusReference(payload),
    replaces: succeededRecords(payload),
    data: claims.data,
  };
}
