// What a writer sends: the envelope around a record's data. Pure: unknown JSON in, a checked request out.
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import { IDENTIFIER_CHARS_MAX, REPLACE_RECORDS_MAX } from "../../limits.ts";
import { parseEffectiveTime } from "../effective-time.ts";
import type { WriteGround } from "../record-act.ts";
import { parseRecordUrl } from "../record-url.ts";

export interface RecordRequest {
  readonly data: JsonObject;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
  /** An official number that the record has already; only where the registry would number it otherwise. */
  readonly identifier?: string;
  /** URLs of the records, of other nodes, that this one succeeds. */
  readonly replaces?: readonly string[];
  readonly act: WriteGround;
}

/** `data` is a merge patch; `undefined` leaves a date as it is, `null` takes it away. */
export interface PatchRequest {
  readonly data: JsonObject | undefined;
  readonly validFrom: string | null | undefined;
  readonly validUntil: string | null | undefined;
  readonly act: WriteGround;
}

const PATCH_MEMBERS = ["data", "valid_from", "valid_until", "act"];
const CREATE_MEMBERS = [...PATCH_MEMBERS, "identifier", "replaces"];
const ACT_MEMBERS = ["reason", "instrument", "note", "distinct"];
const TEXT_CHARS_MAX = 500;

/** `request_invalid` for a body that may have these members. */
export function requestInvalid(members: readonly string[], details: ErrorDetail[]): AttestryError {
  return new AttestryError("request_invalid", `the body must be a JSON object with members of ${members.join(", ")}`, {
    details,
  });
}

/** Whether a record that begins and ends at these dates, as `readDate` gives them, would be in effect at some time. */
export function isDateOrder(from: string | undefined, until: string | undefined): boolean {
  return from === undefined || until === undefined || Date.parse(from) <= Date.parse(until);
}

/** A date of a request, null where it is to be taken away; adds to `details` what is none. */
export function readDate(body: JsonObject, name: string, details: ErrorDetail[]): string | null | undefined {
  const value = body[name];
  if (value === undefined || value === null) return value;
  if (typeof value === "string" && parseEffectiveTime(value, "start") !== undefined) return value;
  details.push({
    field: `/${name}`,
    message: "must be a date (2026-03-31) or a date with time and zone (2026-03-31T09:00:00Z)",
  });
  return undefined;
}

/** Checks the `act` of a request; throws nothing, adds to `details`. */
export function readAct(value: Json | undefined, details: ErrorDetail[]): WriteGround {
  if (value === undefined) return {};
  if (!isJsonObject(value)) {
    details.push({ field: "/act", message: "must be an object" });
    return {};
  }
  for (const [name, text] of Object.entries(value)) {
    if (!ACT_MEMBERS.includes(name))
      details.push({ field: `/act/${name}`, message: `is unknown; allowed: ${ACT_MEMBERS.join(", ")}` });
    else if (typeof text !== "string" || text === "" || text.length > TEXT_CHARS_MAX) {
      details.push({ field: `/act/${name}`, message: `must be a text of 1 to ${TEXT_CHARS_MAX} characters` });
    }
  }
  return value as WriteGround;
}

function readIdentifier(value: Json | undefined, details: ErrorDetail[]): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && value !== "" && value.length <= IDENTIFIER_CHARS_MAX && !/\p{Cc}/u.test(value))
    return value;
  details.push({
    field: "/identifier",
    message: `must be a text of 1 to ${IDENTIFIER_CHARS_MAX} characters, none of them a control character`,
  });
  return undefined;
}

function readReplaces(value: Json | undefined, details: ErrorDetail[]): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const isList = Array.isArray(value) && value.length > 0 && value.length <= REPLACE_RECORDS_MAX;
  if (isList && new Set(value).size === value.length && value.every(isRecordUrl)) return value as string[];
  details.push({
    field: "/replaces",
    message: `must be a list of 1 to ${REPLACE_RECORDS_MAX} URLs of records, each once`,
  });
  return undefined;
}

export function isRecordUrl(value: Json): boolean {
  return typeof value === "string" && parseRecordUrl(value) !== undefined;
}

/** Throws unless the body is an object; adds to `details` its unknown members. */
export function readEnvelope(body: Json, members: readonly string[], details: ErrorDetail[]): JsonObject {
  if (!isJsonObject(body)) throw requestInvalid(members, [{ field: "/", message: "must be an object" }]);
  for (const name of Object.keys(body)) {
    if (!members.includes(name))
      details.push({ field: `/${name}`, message: `is unknown; allowed: ${members.join(", ")}` });
  }
  return body;
}

/** Throws `request_invalid` with a detail per fault. */
export function parseRecordRequest(body: Json): RecordRequest {
  const details: ErrorDetail[] = [];
  const request = readRecordRequest(body, details);
  if (details.length > 0) throw requestInvalid(CREATE_MEMBERS, details);
  return request;
}

/** As `parseRecordRequest`, but adds to `details` what it finds. */
export function readRecordRequest(body: Json, details: ErrorDetail[]): RecordRequest {
  const envelope = readEnvelope(body, CREATE_MEMBERS, details);
  const act = readAct(envelope.act, details);
  const validFrom = readDate(envelope, "valid_from", details) ?? undefined;
  const validUntil = readDate(envelope, "valid_until", details) ?? undefined;
  const identifier = readIdentifier(envelope.identifier, details);
  const replaces = readReplaces(envelope.replaces, details);
  if (!isJsonObject(envelope.data)) details.push({ field: "/data", message: "must be an object" });
  if (!isDateOrder(validFrom, validUntil))
    details.push({ field: "/valid_until", message: "must not be before valid_from" });
  return {
    data: envelope.data as JsonObject,
    validFrom,
    validUntil,
    ...(identifier !== undefined && { identifier }),
    ...(replaces !== undefined && { replaces }),
    act,
  };
}

/** Throws `request_invalid` or `patch_empty`. */
export function parsePatchRequest(body: Json): PatchRequest {
  const details: ErrorDetail[] = [];
  const envelope = readEnvelope(body, PATCH_MEMBERS, details);
  const act = readAct(envelope.act, details);
  const validFrom = readDate(envelope, "valid_from", details);
  const validUntil = readDate(envelope, "valid_until", details);
  const { data } = envelope;
  if (data !== undefined && !isJsonObject(data))
    details.push({ field: "/data", message: "must be an object: a merge patch of the record's data" });
  if (details.length > 0) throw requestInvalid(PATCH_MEMBERS, details);
  if (data === undefined && validFrom === undefined && validUntil === undefined) {
    throw new AttestryError(
      "patch_empty",
      "the patch changes nothing: it has neither data, valid_from nor valid_until",
    );
  }
  return { data: data as JsonObject | undefined, validFrom, validUntil, act };
}
