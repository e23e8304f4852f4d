// What a consumer may ask consent for, checked against the registry's definition. Pure.
import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorCode, type ErrorDetail } from "../errors.ts";
import { CONSENT_FIELDS_MAX, CONSENT_TEXT_CHARS_MAX } from "../limits.ts";
import type { Subject } from "../records/subject.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { type CompiledPurpose, isCovered } from "../registries/disclosure-rules.ts";

/** As it arrives; times in Unix seconds. */
export interface ConsentRequest {
  /** The consumer's own number of the request: the same again is the same request. */
  readonly request_id: string;
  readonly registry: string;
  /** Whom it is asked of, by a claim that the registry knows people by. */
  readonly subject: Subject;
  readonly purpose: string;
  readonly fields: readonly string[];
  readonly starts_at?: number;
  readonly expires_at: number;
  readonly one_time?: boolean;
  readonly case?: string;
  readonly note?: string;
}

/** A request that may be asked. */
export interface CheckedRequest {
  readonly purpose: CompiledPurpose;
  readonly startsAt: number;
}

/** What a request that is well formed may be refused with. */
export const CONSENT_REQUEST_REFUSALS = [
  "registry_unknown",
  "purpose_unknown",
  "consent_fields_unknown",
  "consent_term_invalid",
  "request_id_reused",
  "consents_too_many",
] as const satisfies readonly ErrorCode[];

const DAY_SECONDS = 86_400;
const ID = /^[\x21-\x7e]{8,100}$/;

/** Throws `request_invalid`, `purpose_unknown`, `consent_fields_unknown`, `consent_term_invalid`. */
export function checkConsentRequest(
  request: ConsentRequest,
  compiled: CompiledDefinition,
  now: number,
): CheckedRequest {
  const { name } = compiled.definition;
  const { subject: rule, purposes } = compiled.disclosure;
  const invalid = (field: string, message: string) =>
    new AttestryError("request_invalid", `the request for consent: ${field} ${message}`, {
      details: [{ field: `/${field}`, message }],
    });
  if (!ID.test(request.request_id)) throw invalid("request_id", "must be 8 to 100 visible characters");
  for (const member of ["case", "note"] as const)
    if ((request[member]?.length ?? 0) > CONSENT_TEXT_CHARS_MAX)
      throw invalid(member, `has more than ${CONSENT_TEXT_CHARS_MAX} characters`);
  if (rule === undefined) throw invalid("registry", `"${name}" does not say whom its records are about`);
  if (request.subject.claim !== rule.claim) throw invalid("subject/claim", `must be "${rule.claim}" in "${name}"`);
  if (request.subject.value.trim() === "") throw invalid("subject/value", "is empty");
  const purpose = purposes.find(({ code }) => code === request.purpose);
  if (purpose === undefined) {
    const known = purposes.map(({ code }) => `"${code}"`).join(", ") || "none";
    throw new AttestryError("purpose_unknown", `"${name}" takes requests for consent for these purposes: ${known}`);
  }
  checkFields(request.fields, purpose);
  return { purpose, startsAt: checkTerm(request, purpose, now) };
}

function checkFields(fields: readonly string[], purpose: CompiledPurpose): void {
  const details: ErrorDetail[] = fields.flatMap((field, at) =>
    isCovered(field, purpose.fields) ? [] : [{ field: `/fields/${at}`, message: `"${field}" is not among them` }],
  );
  if (new Set(fields).size !== fields.length) details.push({ field: "/fields", message: "names a field twice" });
  if (fields.length === 0 || fields.length > CONSENT_FIELDS_MAX)
    details.push({ field: "/fields", message: `must name 1 to ${CONSENT_FIELDS_MAX} fields` });
  if (details.length === 0) return;
  throw new AttestryError(
    "consent_fields_unknown",
    `for the purpose "${purpose.code}" consent may be asked for: ${purpose.fields.join(", ")}`,
    { details },
  );
}

function checkTerm(request: ConsentRequest, purpose: CompiledPurpose, now: number): number {
  const startsAt = request.starts_at ?? now;
  const refuse = (field: string, message: string) =>
    new AttestryError("consent_term_invalid", `the term of the consent: ${field} ${message}`, {
      details: [{ field: `/${field}`, message }],
    });
  if (request.expires_at <= now) throw refuse("expires_at", "is over already");
  if (request.expires_at <= startsAt) throw refuse("expires_at", "is not after the start");
  const secondsMax = purpose.daysMax * DAY_SECONDS;
  if (request.expires_at - Math.max(startsAt, now) > secondsMax || startsAt - now > secondsMax)
    throw refuse("expires_at", `is too late: at most ${purpose.daysMax} days are allowed for "${purpose.code}"`);
  return startsAt;
}

/** base64url SHA-256 of the request's canonical JSON. */
export function requestHash(request: ConsentRequest): string {
  return sha256Base64url(canonicalJson(JSON.parse(JSON.stringify(request)) as JsonObject));
}
