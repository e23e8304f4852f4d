// The form by which staff ask for consent, read into a request or into what to mend. Pure; the fields are untrusted.
import type { AttestryError, ErrorDetail } from "../errors.ts";
import { CASE_NUMBER_CHARS_MAX, CONSENT_TEXT_CHARS_MAX } from "../limits.ts";
import type { AskedConsentRequest } from "../resolution/asked-consent-service.ts";
import type { ConsentOffer } from "../resolution/consent-offer.ts";

/** As it was filled in, to stand in the form again. */
export interface AskFields {
  readonly person: string;
  readonly fields: readonly string[];
  readonly days: string;
  readonly isOneTime: boolean;
  readonly caseNumber: string;
  readonly note: string;
  readonly requestId: string;
}

const DAY_SECONDS = 86_400;
const DAYS_DEFAULT = 30;
const PERSON_CHARS_MAX = 1_000;
const REQUEST_ID = /^[A-Za-z0-9_-]{16,60}$/;

export function startAskFields({ daysMax }: ConsentOffer, requestId: string): AskFields {
  const days = String(Math.min(DAYS_DEFAULT, daysMax));
  return { person: "", fields: [], days, isOneTime: false, caseNumber: "", note: "", requestId };
}

/** On one line, without what no one can see. */
const readLine = (text: string | null): string => (text ?? "").replaceAll(/[\s\p{Cc}]+/gu, " ").trim();

export interface ParsedAsk {
  readonly fields: AskFields;
  /** `field`: the id of a control. Empty where there is a request. */
  readonly faults: readonly ErrorDetail[];
  readonly request: AskedConsentRequest;
}

/** `now`: Unix seconds. `createId`: for a form that brought none. */
export function parseAskForm(
  form: URLSearchParams,
  { home, offer, now, createId }: { home: string; offer: ConsentOffer; now: number; createId: () => string },
): ParsedAsk {
  const given = form.get("request_id") ?? "";
  const names = offer.fields.map(({ name }) => name);
  const fields: AskFields = {
    person: readLine(form.get("person")),
    fields: [...new Set(form.getAll("fields"))].filter((name) => names.includes(name)),
    days: readLine(form.get("days")),
    isOneTime: form.get("one_time") === "yes",
    caseNumber: readLine(form.get("caseNumber")),
    note: readLine(form.get("note")),
    requestId: REQUEST_ID.test(given) ? given : createId(),
  };
  const faults: ErrorDetail[] = [];
  const fault = (field: string, message: string) => void faults.push({ field, message });
  if (fields.person === "") fault("person", "Write by what the registry knows the person.");
  if (fields.person.length > PERSON_CHARS_MAX) fault("person", `At most ${PERSON_CHARS_MAX} characters.`);
  if (fields.fields.length === 0) fault("fields", "Choose at least one field.");
  const days = /^\d{1,5}$/.test(fields.days) ? Number(fields.days) : 0;
  if (days < 1 || days > offer.daysMax) fault("days", `Write a number of days from 1 to ${offer.daysMax}.`);
  if (fields.caseNumber === "")
    fault("caseNumber", "Give the number of the case: the person sees it, and you find the consent by it.");
  if (fields.caseNumber.length > CASE_NUMBER_CHARS_MAX)
    fault("caseNumber", `At most ${CASE_NUMBER_CHARS_MAX} characters; these are ${fields.caseNumber.length}.`);
  if (fields.note.length > CONSENT_TEXT_CHARS_MAX)
    fault("note", `At most ${CONSENT_TEXT_CHARS_MAX} characters; these are ${fields.note.length}.`);
  return {
    fields,
    faults,
    request: {
      home,
      request_id: fields.requestId,
      registry: offer.registry,
      subject: { claim: offer.claim, value: fields.person },
      purpose: offer.purpose,
      fields: fields.fields,
      expires_at: now + days * DAY_SECONDS,
      case: fields.caseNumber,
      ...(fields.isOneTime && { one_time: true }),
      ...(fields.note !== "" && { note: fields.note }),
    },
  };
}

const CONTROLS: readonly (readonly [string, string])[] = [
  ["/fields", "fields"],
  ["/expires_at", "days"],
  ["/subject", "person"],
  ["/case", "caseNumber"],
  ["/note", "note"],
];

/** What the home node has against single members, at their controls; what is of none stands above the form. */
export function placeFaults({ details = [] }: Pick<AttestryError, "details">): ErrorDetail[] {
  return details.flatMap(({ field, message }) => {
    const control = CONTROLS.find(([pointer]) => field.startsWith(pointer))?.[1];
    return control === undefined ? [] : [{ field: control, message }];
  });
}
