// What a consent is: its states and who moves it from one to another, its terms, and what stands against its use. Pure.
import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { CONSENT_REQUEST_SECONDS } from "../limits.ts";
import { isCovered } from "../registries/disclosure-rules.ts";
import type { LocalizedText } from "../registries/localized-text.ts";

export const CONSENT_STATES = [
  "requested",
  "given",
  "refused",
  "paused",
  "withdrawn",
  "expired",
  "invalidated",
] as const;
export type ConsentState = (typeof CONSENT_STATES)[number];

/** What is done with one. Terminal states never open again: who changes their mind is asked anew. */
export const CONSENT_ACTIONS = {
  give: { from: ["requested"], to: "given" },
  refuse: { from: ["requested"], to: "refused" },
  pause: { from: ["given"], to: "paused" },
  resume: { from: ["paused"], to: "given" },
  withdraw: { from: ["given", "paused"], to: "withdrawn" },
  invalidate: { from: ["requested", "given", "paused"], to: "invalidated" },
} as const satisfies Record<string, { from: readonly ConsentState[]; to: ConsentState }>;
export type ConsentAction = keyof typeof CONSENT_ACTIONS;

/** As stored, but for what is sealed. Times in Unix seconds. */
export interface ConsentFacts {
  readonly id: string;
  readonly consumer: string;
  readonly registry: string;
  readonly purpose: string;
  readonly state: ConsentState;
  readonly requestedAt: number;
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly isOneTime: boolean;
  /** By which reading it was used. */
  readonly used: string | null;
}

/** What the person is told: the texts as the definition had them when the consent was asked for, which are hashed. */
export interface ConsentNotice {
  readonly title: LocalizedText;
  readonly text: LocalizedText | undefined;
}

/** Who decided. */
export type ConsentGiver =
  | { readonly kind: "subject" }
  | {
      readonly kind: "guardian";
      readonly relation: { readonly registry: string; readonly rid: string; readonly version: number };
    }
  /** At a counter: who wrote it down, who witnessed it, and the digest of the signed paper or recording. */
  | {
      readonly kind: "assisted";
      readonly staff: string;
      readonly role: string;
      readonly witness: string;
      readonly evidence: string;
    };

/** What a person agreed to; from then on it does not change. */
export interface ConsentTerms {
  readonly fields: readonly string[];
  readonly rids: readonly string[];
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly isOneTime: boolean;
}

/** The state at a moment: what time alone ends needs nobody's act. */
export function stateAt(
  { state, requestedAt, expiresAt }: Pick<ConsentFacts, "state" | "requestedAt" | "expiresAt">,
  now: number,
): ConsentState {
  if (state === "requested" && now >= requestedAt + CONSENT_REQUEST_SECONDS) return "expired";
  if ((state === "given" || state === "paused" || state === "requested") && now >= expiresAt) return "expired";
  return state;
}

const UNUSABLE: Readonly<Record<Exclude<ConsentState, "given">, ErrorCode>> = {
  requested: "consent_not_given",
  refused: "consent_refused",
  paused: "consent_paused",
  withdrawn: "consent_withdrawn",
  expired: "consent_expired",
  invalidated: "consent_invalidated",
};

/** What stands, at this moment, against a reading by a consent; `reading` is the one that asks (`readingKey`). */
export function findUseRefusal(facts: ConsentFacts, reading: string, now: number): AttestryError | undefined {
  const state = stateAt(facts, now);
  if (state !== "given") return new AttestryError(UNUSABLE[state], `consent ${facts.id} is ${state}`);
  if (now < facts.startsAt)
    return new AttestryError("consent_not_started", `consent ${facts.id} begins at second ${facts.startsAt}`);
  if (facts.isOneTime && facts.used !== null && facts.used !== reading)
    return new AttestryError("consent_used", `consent ${facts.id} was given for one reading, which was made`);
  return undefined;
}

/** A reading that names a consent. */
export interface ConsentUse {
  readonly consumer: string;
  readonly registry: string;
  readonly rid: string;
  readonly purpose: string;
  /** What is asked for; undefined: all that the consent allows. */
  readonly fields: readonly string[] | undefined;
}

/** What stands against a reading whatever the time: terms never change. */
export function findTermsRefusal(facts: ConsentFacts, terms: ConsentTerms, use: ConsentUse): AttestryError | undefined {
  const refuse = (code: ErrorCode, message: string) => new AttestryError(code, `consent ${facts.id} ${message}`);
  if (facts.consumer !== use.consumer) return refuse("consent_foreign", "is not yours");
  if (facts.registry !== use.registry)
    return refuse("consent_registry_mismatch", `is for records of "${facts.registry}", not of "${use.registry}"`);
  if (facts.purpose !== use.purpose) return refuse("consent_purpose_mismatch", `is for the purpose "${facts.purpose}"`);
  if (!terms.rids.includes(use.rid)) return refuse("consent_record_mismatch", "does not cover this record");
  const exceeded = (use.fields ?? []).filter((field) => !isCovered(field, terms.fields));
  if (exceeded.length > 0)
    return refuse("consent_fields_exceeded", `allows ${terms.fields.join(", ")}, and not ${exceeded.join(", ")}`);
  return undefined;
}

/** Throws `consent_state_conflict` unless the action is one that this state has. */
export function checkAction(id: string, state: ConsentState, action: ConsentAction): void {
  const from: readonly ConsentState[] = CONSENT_ACTIONS[action].from;
  if (from.includes(state)) return;
  throw stateConflict(id, state, action);
}

export function stateConflict(id: string, state: ConsentState, action: ConsentAction): AttestryError {
  return new AttestryError(
    "consent_state_conflict",
    `consent ${id} is ${state}; "${action}" is for one that is ${CONSENT_ACTIONS[action].from.join(" or ")}`,
  );
}

/** base64url SHA-256 of the notice's canonical JSON: what was shown can be proved later, in whichever language it was read. */
export function noticeHash({ title, text }: ConsentNotice): string {
  return sha256Base64url(canonicalJson({ title, ...(text !== undefined && { text }) } as unknown as JsonObject));
}
