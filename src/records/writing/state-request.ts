// What a writer sends to change a record's state: unknown JSON in, a checked request out. Pure.

import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import type { ErrorDetail } from "../../errors.ts";
import { REPLACE_RECORDS_MAX } from "../../limits.ts";
import type { WriteGround } from "../record-act.ts";
import { OPERATION_EFFECTS, type StateOperation } from "../record-states.ts";
import { isRid } from "../rid.ts";
import {
  isRecordUrl,
  type RecordRequest,
  readAct,
  readDate,
  readEnvelope,
  readRecordRequest,
  requestInvalid,
} from "./record-request.ts";

export interface StateRequest {
  readonly act: WriteGround;
  /** Since when the state holds, a date or a time; now, if it is missing. */
  readonly effective: string | undefined;
}

export interface ReplaceRequest extends StateRequest {
  /** The successors: URLs of records that are there, and records to create. */
  readonly by: readonly (string | RecordRequest)[];
  /** Further records of the same registry that are replaced by them; `version`: the one that the writer read. */
  readonly also: readonly { readonly rid: string; readonly version: number | undefined }[];
}

const REPLACE_MEMBERS = ["by", "also", "effective", "act"];

function readGround(envelope: JsonObject, operation: StateOperation, details: ErrorDetail[]): WriteGround {
  const act = readAct(envelope.act, details);
  // Everything else that is said of the record goes with it; this would stay.
  if (operation === "erase" && act.note !== undefined)
    details.push({ field: "/act/note", message: "is not taken: what is said of an erasure outlives the record" });
  if (act.distinct !== undefined && operation !== "replace")
    details.push({
      field: "/act/distinct",
      message: "is said of a record that is created or amended, or of a replacement",
    });
  return act;
}

/** The body of an operation that changes a state: `{"effective"?: …, "act"?: …}`, or nothing. Throws `request_invalid`. */
export function parseStateRequest(body: Json | undefined, operation: StateOperation): StateRequest {
  if (body === undefined) return { act: {}, effective: undefined };
  const members = OPERATION_EFFECTS[operation].isTimed ? ["effective", "act"] : ["act"];
  const details: ErrorDetail[] = [];
  const envelope = readEnvelope(body, members, details);
  const act = readGround(envelope, operation, details);
  const effective = readDate(envelope, "effective", details) ?? undefined;
  if (details.length > 0) throw requestInvalid(members, details);
  return { act, effective };
}

/** The body of a replacement: `{"by": […], "also"?: […], "effective"?: …, "act"?: …}`. Throws `request_invalid`. */
export function parseReplaceRequest(body: Json): ReplaceRequest {
  const details: ErrorDetail[] = [];
  const envelope = readEnvelope(body, REPLACE_MEMBERS, details);
  const act = readGround(envelope, "replace", details);
  const effective = readDate(envelope, "effective", details) ?? undefined;
  const by = readSuccessors(envelope.by, details);
  const also = readAlso(envelope.also, details);
  if (details.length > 0) throw requestInvalid(REPLACE_MEMBERS, details);
  return { by, also, effective, act };
}

function readSuccessors(value: Json | undefined, details: ErrorDetail[]): ReplaceRequest["by"] {
  if (!Array.isArray(value) || value.length === 0 || value.length > REPLACE_RECORDS_MAX) {
    details.push({
      field: "/by",
      message: `must be a list of 1 to ${REPLACE_RECORDS_MAX} successors, each the URL of a record or {"data": …}`,
    });
    return [];
  }
  const urls = value.filter((one) => typeof one === "string");
  if (new Set(urls).size < urls.length) details.push({ field: "/by", message: "names a successor twice" });
  return value.flatMap((one, at): (string | RecordRequest)[] => {
    const place = `/by/${at}`;
    if (typeof one === "string") {
      if (isRecordUrl(one)) return [one];
      details.push({ field: place, message: "must be the URL of a record" });
      return [];
    }
    if (!isJsonObject(one)) {
      details.push({ field: place, message: 'must be the URL of a record or {"data": …}' });
      return [];
    }
    const found: ErrorDetail[] = [];
    for (const name of ["act", "replaces"])
      if (one[name] !== undefined) found.push({ field: `/${name}`, message: "is said once, of the whole replacement" });
    const request = readRecordRequest(one, found);
    details.push(...found.map(({ field, message }) => ({ field: `${place}${field === "/" ? "" : field}`, message })));
    return [request];
  });
}

function readAlso(value: Json | undefined, details: ErrorDetail[]): ReplaceRequest["also"] {
  if (value === undefined) return [];
  const message = `must be a list of at most ${REPLACE_RECORDS_MAX - 1} records, each {"rid", "version"?} and named once`;
  const also = Array.isArray(value) && value.length < REPLACE_RECORDS_MAX ? value.map(readReplaced) : [undefined];
  const known = also.filter((one) => one !== undefined);
  if (known.length === also.length && new Set(known.map(({ rid }) => rid)).size === known.length) return known;
  details.push({ field: "/also", message });
  return [];
}

function readReplaced(value: Json): ReplaceRequest["also"][number] | undefined {
  if (!isJsonObject(value)) return undefined;
  const { rid, version, ...rest } = value;
  if (typeof rid !== "string" || !isRid(rid) || Object.keys(rest).length > 0) return undefined;
  if (version !== undefined && !(Number.isSafeInteger(version) && (version as number) > 0)) return undefined;
  return { rid, version: version as number | undefined };
}
