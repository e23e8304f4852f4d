// Whether a reader may have fields of a record, and on which basis: deny by default. Pure.
import { type ConsentUse, findTermsRefusal, findUseRefusal } from "../consent/consent.ts";
import type { UsableConsent } from "../consent/consent-service.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import type { Subject } from "../records/subject.ts";
import { type CompiledBasis, type DisclosureRules, expandFields, isCovered } from "../registries/disclosure-rules.ts";

/** What a reading may be refused with, whatever it is of. */
export const READING_REFUSALS = [
  "purpose_required",
  "consent_required",
  "consent_unknown",
  "consent_foreign",
  "consent_not_given",
  "consent_refused",
  "consent_paused",
  "consent_withdrawn",
  "consent_expired",
  "consent_invalidated",
  "consent_not_started",
  "consent_used",
  "consent_purpose_mismatch",
  "consent_registry_mismatch",
  "consent_record_mismatch",
  "consent_fields_exceeded",
  "basis_fields_exceeded",
  "request_id_reused",
  "reading_budget_exceeded",
] as const satisfies readonly ErrorCode[];

/** The basis, and the names of the fields that it allows of those asked for. */
export type Decision =
  | {
      readonly kind: "consent";
      readonly consent: string;
      readonly terms: string;
      /** Who gave it, or for whom it was given. */
      readonly person: Subject;
      readonly fields: readonly string[];
      readonly delaySeconds: 0;
    }
  | {
      readonly kind: "law";
      readonly law: CompiledBasis["law"];
      readonly fields: readonly string[];
      readonly delaySeconds: number;
    };

export interface DecisionQuery extends ConsentUse {
  readonly rules: DisclosureRules;
  /** Unix seconds. */
  readonly now: number;
  /** The consents that the reader names; none of them unknown ones are left out here. */
  readonly consents: readonly { readonly id: string; readonly usable: UsableConsent | undefined }[];
  /** Whether the reader is, or carries the mark that, a basis names. */
  readonly isConsumer: (name: string) => boolean;
}

/** The fields for which consent may be asked, for one purpose or for any. */
export function fieldsToAsk({ purposes }: DisclosureRules, purpose: string | undefined): string[] {
  const wanted = purposes.filter(({ code }) => purpose === undefined || code === purpose);
  return [...new Set(wanted.flatMap(({ fields }) => fields))];
}

/** What the record's registry says to this reading; an error where it is refused, with its own code per cause. */
export function decide(query: DecisionQuery): Decision | AttestryError {
  const { rules, consents, fields } = query;
  // A consent for this registry is what the reader relies on; one for another is of other records in the same reading.
  if (consents.some(({ usable }) => usable?.facts.registry === query.registry)) return decideByConsent(query);
  const bases = rules.bases.filter(
    ({ purpose, consumer }) => purpose === query.purpose && (consumer === undefined || query.isConsumer(consumer)),
  );
  if (bases.length === 0) {
    if (consents.length > 0) return decideByConsent(query);
    const asked = fieldsToAsk(rules, query.purpose);
    return new AttestryError(
      "consent_required",
      `no law that "${query.registry}" names lets you read for "${query.purpose}"; consent may be asked for: ${asked.join(", ") || "nothing"}`,
      { details: asked.map((field) => ({ field, message: "may be asked for" })) },
    );
  }
  return decideByLaw(bases, fields);
}

function decideByConsent(asked: DecisionQuery): Decision | AttestryError {
  const fields = asked.fields && expandFields(asked.fields, asked.rules.fields);
  const query = { ...asked, fields };
  let refusal: AttestryError | undefined;
  for (const { id, usable } of query.consents) {
    if (!usable) {
      refusal ??= new AttestryError("consent_unknown", `there is no consent ${id} at this node`);
      continue;
    }
    const { facts, terms, digest, subject, isVoid } = usable;
    if (isVoid) {
      refusal ??= new AttestryError("consent_invalidated", `consent ${id} does not hold any more`);
      continue;
    }
    // One that was never given has no terms: what became of it is all that is told, whether there is such a record or not.
    const stands = terms
      ? findTermsRefusal(facts, terms, query)
      : (findTermsRefusal(facts, { ...facts, fields: [], rids: [query.rid] }, { ...query, fields: [] }) ??
        findUseRefusal(facts, "", query.now));
    if (stands) {
      // A consent for this very record says more than one for another.
      if (!refusal || refusal.code === "consent_record_mismatch" || refusal.code === "consent_registry_mismatch")
        refusal = stands;
      continue;
    }
    if (!terms || digest === undefined) {
      refusal ??= new AttestryError("consent_invalidated", `consent ${id} has no terms`);
      continue;
    }
    return {
      kind: "consent",
      consent: id,
      terms: digest,
      person: subject,
      fields: query.fields ?? terms.fields,
      delaySeconds: 0,
    };
  }
  return refusal!;
}

function decideByLaw(bases: readonly CompiledBasis[], fields: readonly string[] | undefined): Decision | AttestryError {
  const [first] = bases;
  // One citation a reading: the first that covers all that is asked.
  const basis =
    fields === undefined ? first! : bases.find((one) => fields.every((field) => isCovered(field, one.fields)));
  if (!basis) {
    const exceeded = (fields ?? []).filter((field) => !bases.some((one) => isCovered(field, one.fields)));
    return new AttestryError(
      "basis_fields_exceeded",
      `the law allows you ${[...new Set(bases.flatMap((one) => one.fields))].join(", ")} for "${first!.purpose}", and not ${exceeded.join(", ") || "all of it together"}`,
    );
  }
  return { kind: "law", law: basis.law, fields: fields ?? basis.fields, delaySeconds: basis.delaySeconds };
}

/** A record that an amendment made another person's is none that the first one can speak for. */
export function findForeign(decision: Decision, subject: Subject): AttestryError | undefined {
  if (decision.kind !== "consent") return undefined;
  const { claim, value } = decision.person;
  if (claim === subject.claim && value === subject.value) return undefined;
  return new AttestryError("consent_record_mismatch", "the record is about another person by now");
}
