// What a person shares by a link and a code: what may be shared for how long, how its code is made and read, and what stands against opening it. Pure.
import { decodeJws } from "../crypto/jws.ts";
import { AttestryError } from "../errors.ts";
import {
  SHARE_CODE_DIGITS,
  SHARE_DAYS_MAX,
  SHARE_OPENINGS_MAX,
  SHARE_TEXT_CHARS_MAX,
  SHARE_WRONG_CODES_MAX,
} from "../limits.ts";

export const SHARE_TYPE = "attestry-share+jwt";

/** As stored, but for what is sealed. Times in Unix seconds. */
export interface ShareFacts {
  readonly id: string;
  readonly registry: string;
  readonly rid: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly isOneTime: boolean;
  readonly endedAt: number | null;
  readonly wrongCodes: number;
  readonly openings: number;
  /** By which reading it was opened, of one for one time. */
  readonly used: string | null;
}

/** `closed`: too many wrong codes were tried. */
export type ShareState = "open" | "used" | "ended" | "expired" | "closed";

/** What the person signs off. */
export interface ShareDraft {
  /** Of the form that asks for it, so that one that is sent twice shares once. */
  readonly id: string;
  readonly registry: string;
  readonly rid: string;
  readonly fields: readonly string[];
  /** For whom, in the person's words. */
  readonly recipient: string;
  /** The recipient's entity identifier, where that is a node. */
  readonly entity?: string | undefined;
  readonly purpose: string;
  readonly expiresAt: number;
  readonly isOneTime: boolean;
  /** In which the person read what sharing means (BCP 47). */
  readonly language: string;
}

export type ShareFault = "id" | "fields" | "recipient" | "entity" | "purpose" | "expires_at";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DAY_SECONDS = 86_400;

export function isShareId(text: string): boolean {
  return UUID.test(text);
}

/** The last second at which something may end that is shared now: the end of that day (UTC). */
export function latestEnd(now: number): number {
  return now - (now % DAY_SECONDS) + (SHARE_DAYS_MAX + 1) * DAY_SECONDS - 1;
}

export function refuseShare(field: ShareFault, message: string): AttestryError {
  return new AttestryError("share_invalid", `${field} ${message}`, { details: [{ field: `/${field}`, message }] });
}

/** What of a draft needs no record to be judged. Throws `share_invalid` with the field. */
export function checkShareDraft(draft: ShareDraft, now: number): void {
  if (!isShareId(draft.id)) throw refuseShare("id", "must be a UUID");
  for (const field of ["recipient", "purpose"] as const) {
    const text = draft[field];
    if (text.trim() === "" || text.length > SHARE_TEXT_CHARS_MAX)
      throw refuseShare(field, `must have 1 to ${SHARE_TEXT_CHARS_MAX} characters`);
  }
  if (draft.fields.length === 0) throw refuseShare("fields", "must name at least one");
  if (!(draft.expiresAt > now && draft.expiresAt <= latestEnd(now)))
    throw refuseShare("expires_at", `must be after now and within ${SHARE_DAYS_MAX} days`);
}

/** What it is at a moment. */
export function shareStateAt(facts: ShareFacts, now: number): ShareState {
  if (facts.endedAt !== null) return "ended";
  if (facts.wrongCodes >= SHARE_WRONG_CODES_MAX) return "closed";
  if ((facts.isOneTime && facts.used !== null) || facts.openings >= SHARE_OPENINGS_MAX) return "used";
  return now >= facts.expiresAt ? "expired" : "open";
}

/** One answer for all that a stranger may not tell apart. */
export function shareUnknown(): AttestryError {
  return new AttestryError("share_unknown", "no link that was shared fits this code; check both");
}

/** What stands, at this moment, against opening it; `reading` is the one that asks. For who has the right code. */
export function findOpeningRefusal(facts: ShareFacts, reading: string, now: number): AttestryError | undefined {
  if (facts.wrongCodes >= SHARE_WRONG_CODES_MAX) return shareUnknown();
  if (facts.endedAt !== null) return new AttestryError("share_ended", "the person ended it");
  if (now >= facts.expiresAt) return new AttestryError("share_expired", "the time that it was shared for is over");
  if (shareStateAt(facts, now) === "used" && facts.used !== reading)
    return new AttestryError("share_used", "it was opened as often as the person allowed");
  return undefined;
}

/** Whether a row still says what was signed off. */
export function isAsSigned(facts: ShareFacts, terms: string): boolean {
  const { jti, registry, rid, exp, one_time, nbf } = decodeJws(terms).payload;
  const isSame = jti === facts.id && registry === facts.registry && rid === facts.rid && nbf === facts.createdAt;
  return isSame && exp === facts.expiresAt && one_time === facts.isOneTime;
}

// Each byte below gives one digit as likely as any other.
const BYTE_BELOW = 250;

/** Digits alone: said and typed alike in every language. `random` gives bytes. */
export function createShareCode(random: (length: number) => Uint8Array): string {
  let code = "";
  while (code.length < SHARE_CODE_DIGITS)
    for (const byte of random(SHARE_CODE_DIGITS)) if (byte < BYTE_BELOW) code += String(byte % 10);
  return code.slice(0, SHARE_CODE_DIGITS);
}

/** In groups, as it is read aloud. */
export function formatShareCode(code: string): string {
  return (code.match(/.{1,3}/g) ?? []).join(" ");
}

/** Of how people write it: groups however parted, digits of other scripts. Undefined where it can be no code. */
export function readShareCode(text: string): string | undefined {
  if (text.length > 4 * SHARE_CODE_DIGITS) return undefined;
  const digits = text
    .normalize("NFKC")
    .replaceAll(/[\s.,–—-]+/g, "")
    // Each script has its ten digits in a row, the zero first (Unicode, General Category Nd).
    .replaceAll(/\p{Nd}/gu, (digit) => String(digitValue(digit.codePointAt(0)!)));
  return /^[0-9]+$/.test(digits) && digits.length === SHARE_CODE_DIGITS ? digits : undefined;
}

function digitValue(point: number): number {
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(point - value - 1))) value++;
  return value;
}
