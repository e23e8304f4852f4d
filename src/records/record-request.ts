// What a writer sends: the envelope around a record's data. Pure: unknown JSON in, a checked request out.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import { parseEffectiveTime } from "./effective-time.ts";

export interface WriteGround {
  readonly reason?: string;
  readonly instrument?: string;
}

export interface RecordRequest {
  readonly data: JsonObject;
  readonly validFrom: string | undefined;
  readonly validUntil: string | undefined;
  readonly act: WriteGround;
}

/** `data` is a merge patch; `undefined` leaves a date as it is, `null` takes it away. */
export interface PatchRequest {
  readonly data: JsonObject | undefined;
  readonly validFrom: string | null | undefined;
  readonly validUntil: string | null | undefined;
  readonly act: WriteGround;
}

const MEMBERS = ["data", "valid_from", "valid_until", "act"];
const ACT_MEMBERS = ["reason", "instrument"];
const TEXT_CHARS_MAX = 500;

function invalid(details: ErrorDetail[]): AttestryError {
  return new AttestryError(
    "request_invalid",
    'the body must be {"data": {…}, "valid_from"?, "valid_until"?, "act"?: {"reason"?, "instrument"?}}',
    { details },
  );
}

/** Whether a record that begins and ends at these dates, as `readDate` gives them, would be in effect at some time. */
export function isDateOrder(from: string | undefined, until: string | undefined): boolean {
  return from === undefined || until === undefined || Date.parse(from) <= Date.parse(until);
}

function readDate(body: JsonObject, name: string, details: ErrorDetail[]): string | null | undefined {
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
function readAct(value: Json | undefined, details: ErrorDetail[]): WriteGround {
  if (value === undefined) return {};
  if (!isJsonObject(value)) {
    details.push({ field: "/act", message: "must be an object" });
    return {};
  }
  for (const [name, text] of Object.entries(value)) {
    if (!ACT_MEMBERS.includes(name))
      details.push({ field: `/act/${name}`, message: "is unknown; allowed: reason, instrument" });
    else if (typeof text !== "string" || text === "" || text.length > TEXT_CHARS_MAX) {
      details.push({ field: `/act/${name}`, message: `must be a text of 1 to ${TEXT_CHARS_MAX} characters` });
    }
  }
  return value as WriteGround;
}

function readEnvelope(body: Json, details: ErrorDetail[]): JsonObject {
  if (!isJsonObject(body)) throw invalid([{ field: "/", message: "must be an object" }]);
  for (const name of Object.keys(body)) {
    if (!MEMBERS.includes(name))
      details.push({ field: `/${name}`, message: `is unknown; allowed: ${MEMBERS.join(", ")}` });
  }
  return body;
}

/** Throws `request_invalid` with a detail per fault. */
export function parseRecordRequest(body: Json): RecordRequest {
  const details: ErrorDetail[] = [];
  const envelope = readEnvelope(body, details);
  const act = readAct(envelope.act, details);
  const validFrom = readDate(envelope, "valid_from", details) ?? undefined;
  const validUntil = readDate(envelope, "valid_until", details) ?? undefined;
  if (!isJsonObject(envelope.data)) details.push({ field: "/data", message: "must be an object" });
  if (!isDateOrder(validFrom, validUntil))
    details.push({ field: "/valid_until", message: "must not be before valid_from" });
  if (details.length > 0) throw invalid(details);
  return { data: envelope.data as JsonObject, validFrom, validUntil, act };
}

/** Throws `request_invalid` or `patch_empty`. */
export function parsePatchRequest(body: Json): PatchRequest {
  const details: ErrorDetail[] = [];
  const envelope = readEnvelope(body, details);
  const act = readAct(envelope.act, details);
  const validFrom = readDate(envelope, "valid_from", details);
  const validUntil = readDate(envelope, "valid_until", details);
  const { data } = envelope;
  if (data !== undefined && !isJsonObject(data))
    details.push({ field: "/data", message: "must be an object: a merge patch of the record's data" });
  if (details.length > 0) throw invalid(details);
  if (data === undefined && validFrom === undefined && validUntil === undefined) {
    throw new AttestryError(
      "patch_empty",
      "the patch changes nothing: it has neither data, valid_from nor valid_until",
    );
  }
  return { data: data as JsonObject | undefined, validFrom, validUntil, act };
}

/** The body of an operation that changes a state: `{"act"?: …}`, or nothing. */
export function parseStateRequest(body: Json | undefined): WriteGround {
  if (body === undefined) return {};
  const details: ErrorDetail[] = [];
  if (!isJsonObject(body) || Object.keys(body).some((name) => name !== "act")) {
    throw new AttestryError("request_invalid", 'the body must be {"act"?: {"reason"?, "instrument"?}}');
  }
  const act = readAct(body.act, details);
  if (details.length > 0) throw invalid(details);
  return act;
}
