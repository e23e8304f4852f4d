// What is sent to place or lift a hold: unknown JSON in, a checked request out. Pure.
import type { Json } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import { parseEffectiveTime } from "../effective-time.ts";
import type { WriteGround } from "../record-act.ts";
import { readAct, readDate, readEnvelope, requestInvalid } from "./record-request.ts";

export interface HoldRequest {
  /** Number or name of the case; by it the hold is lifted again. */
  readonly case: string;
  /** Last day or moment that it holds; undefined: until it is lifted. */
  readonly until: string | undefined;
  /** Not told to the person whom the record is about, nor to staff who may not place holds. */
  readonly confidential: boolean;
  readonly act: WriteGround;
}

const HOLD_MEMBERS = ["case", "until", "confidential", "act"];
const RELEASE_MEMBERS = ["case", "act"];
const CASE_CHARS_MAX = 200;

function readCase(value: Json | undefined, details: ErrorDetail[]): string {
  const text = typeof value === "string" ? value.trim() : "";
  if (text === "" || text.length > CASE_CHARS_MAX)
    details.push({
      field: "/case",
      message: `must be the number or name of the case, 1 to ${CASE_CHARS_MAX} characters`,
    });
  return text;
}

function readGround(value: Json | undefined, details: ErrorDetail[]): WriteGround {
  const act = readAct(value, details);
  if (act.distinct !== undefined)
    details.push({ field: "/act/distinct", message: "is said of a record that is created or amended" });
  if (act.note !== undefined)
    details.push({ field: "/act/note", message: "is not taken: a hold has its case, its reason and its order" });
  return act;
}

function checkGround(act: WriteGround): void {
  if (act.reason !== undefined || act.instrument !== undefined) return;
  throw new AttestryError(
    "act_incomplete",
    "a hold is placed and lifted on a ground: say act.reason or act.instrument",
    {
      details: [{ field: "/act/instrument", message: "is required unless there is act.reason" }],
    },
  );
}

/** `now`: Unix seconds. Throws `request_invalid`, `act_incomplete`. */
export function parseHoldRequest(body: Json, now: number): HoldRequest {
  const details: ErrorDetail[] = [];
  const envelope = readEnvelope(body, HOLD_MEMBERS, details);
  const name = readCase(envelope.case, details);
  const until = readDate(envelope, "until", details) ?? undefined;
  if (until !== undefined && parseEffectiveTime(until, "end")! <= now)
    details.push({ field: "/until", message: "is over already: a hold ends in the future" });
  const { confidential = false } = envelope;
  if (typeof confidential !== "boolean") details.push({ field: "/confidential", message: "must be true or false" });
  const act = readGround(envelope.act, details);
  if (details.length > 0) throw requestInvalid(HOLD_MEMBERS, details);
  checkGround(act);
  return { case: name, until, confidential: confidential === true, act };
}

/** Throws `request_invalid`, `act_incomplete`. */
export function parseReleaseRequest(body: Json): Pick<HoldRequest, "case" | "act"> {
  const details: ErrorDetail[] = [];
  const envelope = readEnvelope(body, RELEASE_MEMBERS, details);
  const name = readCase(envelope.case, details);
  const act = readGround(envelope.act, details);
  if (details.length > 0) throw requestInvalid(RELEASE_MEMBERS, details);
  checkGround(act);
  return { case: name, act };
}
