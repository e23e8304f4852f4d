// Gives fields of personal records to other nodes: decided by the registry's rules and the person's consents, logged before it is answered, bound to the reader (DESIGN section 10).
import type { AccessBasis, AccessContent } from "../access/access-event.ts";
import { readingKey } from "../access/access-event.ts";
import type { AccessInput, AccessLog, LoggedEvent } from "../access/access-log-service.ts";
import type { AccessSubjects, KnownSubject } from "../access/access-subject-service.ts";
import type { GuardedConsent } from "../consent/consent-guard.ts";
import type { ConsentService } from "../consent/consent-service.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256, sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type JsonObject } from "../crypto/json.ts";
import { type KeyGenerations, keyDigests } from "../crypto/key-generations.ts";
import { formatSdJwt } from "../crypto/sd-jwt.ts";
import { selectDisclosures } from "../crypto/sd-jwt-selection.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import type { MemberNode } from "../identity/caller.ts";
import {
  CONSENT_FIELDS_MAX,
  CONSENT_TEXT_CHARS_MAX,
  CONSENTS_PER_READ_MAX,
  PRESENTATION_SECONDS,
  READING_WINDOW_SECONDS,
  READINGS_PER_CONSUMER_MAX,
  READINGS_PER_SUBJECT_MAX,
} from "../limits.ts";
import { useBudgets } from "../records/answers/answer-budget-store.ts";
import { disclosedFields } from "../records/disclosed-fields.ts";
import type { Disclose, DisclosureItem, DisclosureOutcome, ReadAccess } from "../records/record-disclosure.ts";
import type { RecordSealer } from "../records/record-sealer.ts";
import { openSecrets, readFullData, readOwnPayload } from "../records/record-view.ts";
import { type Subject, subjectOfRecord } from "../records/subject.ts";
import { isCovered } from "../registries/disclosure-rules.ts";
import { localize } from "../registries/localized-text.ts";
import type { Database } from "../storage/database.ts";
import type { PresentedBasis } from "../verification/presentation.ts";
import { type Decision, decide } from "./disclosure-decision.ts";
import type { PresentedReading, Presenter } from "./presentation-service.ts";

/** A record whose reading is allowed, as far as its own rules go. */
interface Allowed {
  readonly item: DisclosureItem;
  readonly decision: Decision;
  readonly disclosures: readonly string[];
  /** Names of the fields that are given. */
  readonly fields: readonly string[];
  readonly subject: Subject;
}

const REQUEST_ID = /^[\x21-\x7e]{8,100}$/;
const NONCE = /^[\x21-\x7e]{16,200}$/;

/** Throws `request_invalid`, `purpose_required`. */
export function checkReadAccess(access: ReadAccess): void {
  const invalid = (field: string, message: string) =>
    new AttestryError("request_invalid", `access: ${field} ${message}`, {
      details: [{ field: `/access/${field}`, message }],
    });
  if (access.purpose.trim() === "") throw new AttestryError("purpose_required", "access: the purpose is empty");
  if (!REQUEST_ID.test(access.request_id)) throw invalid("request_id", "must be 8 to 100 visible characters");
  if (!NONCE.test(access.nonce)) throw invalid("nonce", "must be 16 to 200 visible characters");
  if ((access.consents?.length ?? 0) > CONSENTS_PER_READ_MAX)
    throw invalid("consents", `names more than ${CONSENTS_PER_READ_MAX}`);
  if ((access.fields?.length ?? 0) > CONSENT_FIELDS_MAX)
    throw invalid("fields", `names more than ${CONSENT_FIELDS_MAX}`);
  if ((access.case?.length ?? 0) > CONSENT_TEXT_CHARS_MAX)
    throw invalid("case", `has more than ${CONSENT_TEXT_CHARS_MAX} characters`);
}

export function createDisclosureService(deps: {
  database: Database;
  consents: Pick<ConsentService, "findUsable">;
  accessSubjects: AccessSubjects;
  accessLog: AccessLog<GuardedConsent>;
  presenter: Pick<Presenter, "present">;
  sealer: RecordSealer;
  searchKey: KeyGenerations;
  /** Whether a node carries a trust mark of a type. */
  hasMark: (entity: string, type: string) => Promise<boolean>;
  clock: () => number;
}): Disclose {
  const { database, accessLog, sealer, searchKey, clock } = deps;

  async function decideAll(
    items: readonly DisclosureItem[],
    access: ReadAccess,
    caller: MemberNode,
  ): Promise<(Allowed | AttestryError)[]> {
    const usable = await deps.consents.findUsable(access.consents ?? []);
    const consents = (access.consents ?? []).map((id) => ({ id, usable: usable.get(id) }));
    const marks = new Map<string, boolean>();
    for (const { compiled } of items)
      for (const { consumer, purpose } of compiled.disclosure.bases)
        if (consumer !== undefined && purpose === access.purpose && consumer !== caller.entity && !marks.has(consumer))
          marks.set(consumer, await deps.hasMark(caller.entity, consumer));
    return items.map((item) => {
      const { registry, rid, compiled } = item;
      const decision = decide({
        rules: compiled.disclosure,
        now: clock(),
        consumer: caller.entity,
        registry,
        rid,
        purpose: access.purpose,
        fields: access.fields,
        consents,
        isConsumer: (name) => name === caller.entity || marks.get(name) === true,
      });
      if (decision instanceof AttestryError) return decision;
      return allow(item, decision);
    });
  }

  function allow(item: DisclosureItem, decision: Decision): Allowed | AttestryError {
    const { row, rid, compiled } = item;
    if (row === undefined) return new AttestryError("record_unknown", "there is no such record");
    const { disclosures: all } = openSecrets(sealer, row).secrets;
    const payload = readOwnPayload(row.version.jwt);
    const disclosures = item.isStateOnly
      ? []
      : selectDisclosures({
          payload,
          disclosures: all,
          isChosen: ([member, ...path]) => member === "data" && isCovered(path.join("."), decision.fields),
        });
    const subject = subjectOfRecord(compiled, { rid, data: readFullData(row.version.jwt, all) });
    // A record that an amendment made another person's is none that the first one can speak for.
    const isOther = ({ claim, value }: Subject) => claim !== subject.claim || value !== subject.value;
    if (decision.kind === "consent" && isOther(decision.person))
      return new AttestryError("consent_record_mismatch", "the record is about another person by now");
    return { item, decision, disclosures, fields: disclosedFields(payload, disclosures), subject };
  }

  /** Counted before anything is read: also a reading that fails later was one more. */
  async function useReadings(consumer: string, subjects: readonly KnownSubject[]): Promise<ReadonlySet<string>> {
    const digest = (scope: string) =>
      keyDigests(searchKey, ({ current }) =>
        encodeBase64url(hmacSha256(current, `attestry/reading-budget/v1\n${scope}`)),
      );
    const all = digest(consumer);
    const bySubject = new Map(subjects.map(({ id }) => [id, digest(`${consumer}\n${id}`)]));
    const now = clock();
    const windowStart = now - (now % READING_WINDOW_SECONDS);
    const used = await useBudgets(database, {
      budgets: [all, ...bySubject.values()],
      windowStart,
      windowSeconds: READING_WINDOW_SECONDS,
    });
    const retryAfterSeconds = windowStart + READING_WINDOW_SECONDS - now;
    if (used.get(all.digest)! > READINGS_PER_CONSUMER_MAX)
      throw new AttestryError(
        "reading_budget_exceeded",
        `more than ${READINGS_PER_CONSUMER_MAX} readings in this hour`,
        { retryAfterSeconds },
      );
    return new Set(
      [...bySubject].filter(([, one]) => used.get(one.digest)! > READINGS_PER_SUBJECT_MAX).map(([id]) => id),
    );
  }

  const basisOf = (decision: Decision): AccessBasis & PresentedBasis =>
    decision.kind === "consent"
      ? { consent: decision.consent, terms: decision.terms }
      : { law: localize(decision.law) };

  /** One event per person and basis. */
  function toInput(
    group: readonly Allowed[],
    subject: KnownSubject,
    { access, caller, request }: { access: ReadAccess; caller: MemberNode; request: string },
  ): AccessInput<GuardedConsent> {
    const { decision } = group[0]!;
    const scope = scopeOf(decision);
    const reading = readingKey({
      consumer: caller.entity,
      requestId: access.request_id,
      subject: `${subject.id}\n${scope}`,
    });
    const content: AccessContent = {
      action: "read",
      by: { entity: caller.entity },
      records: group.map(({ item: { registry, rid, row } }) => ({ registry, rid, version: row!.version.version })),
      fields: [...new Set(group.flatMap(({ fields }) => fields))],
      purpose: access.purpose,
      basis: basisOf(decision),
      ...(access.case !== undefined && { case: access.case }),
      request,
    };
    return {
      subject,
      operation: "read",
      content,
      request: reading,
      ...(decision.delaySeconds > 0 && { shownFrom: clock() + decision.delaySeconds }),
      receivers: group.map(({ item: { rid } }) => ({
        consumer: caller.entity,
        rid,
        consent: decision.kind === "consent" ? decision.consent : null,
        purpose: access.purpose,
      })),
      ...(decision.kind === "consent" && { guarded: { kind: "use", id: decision.consent, reading } }),
    };
  }

  /** The events of readings that are new, and those of readings that are made once more. */
  async function logAll(inputs: readonly AccessInput<GuardedConsent>[]): Promise<(LoggedEvent | AttestryError)[]> {
    const outcomes = await accessLog.append(inputs);
    const repeated = inputs.filter((_, at) => {
      const outcome = outcomes[at];
      return outcome instanceof AttestryError && outcome.code === "reading_repeated";
    });
    if (repeated.length === 0) return outcomes;
    const again = await accessLog.confirm(repeated);
    return outcomes.map((outcome, at) => {
      const place = repeated.indexOf(inputs[at]!);
      return place === -1 ? outcome : again[place]!;
    });
  }

  function describe(
    allowed: Allowed,
    event: LoggedEvent,
    { access, caller }: { access: ReadAccess; caller: MemberNode },
  ): PresentedReading {
    return {
      token: formatSdJwt(allowed.item.row!.version.jwt, allowed.disclosures),
      audience: caller.entity,
      nonce: access.nonce,
      purpose: access.purpose,
      basis: basisOf(allowed.decision),
      commitment: event.commitment,
      logIndex: event.logIndex,
      end: { seconds: PRESENTATION_SECONDS },
    };
  }

  return async (items, access, caller) => {
    checkReadAccess(access);
    const decided = await decideAll(items, access, caller);
    const allowed = decided.filter((one): one is Allowed => !(one instanceof AttestryError));
    const known = await deps.accessSubjects.ensure(allowed.map(({ subject }) => subject));
    const overBudget = allowed.length === 0 ? new Set<string>() : await useReadings(caller.entity, known);
    const { nonce: _nonce, ...asked } = access;
    const hrefs = items.map(({ registry, rid, row }) => `${registry}/${rid}/${row?.version.version ?? 0}`);
    const request = sha256Base64url(canonicalJson({ ...asked, hrefs } as unknown as JsonObject));
    const groups = new Map<string, { subject: KnownSubject; members: Allowed[] }>();
    allowed.forEach((one, at) => {
      const subject = known[at]!;
      if (overBudget.has(subject.id)) return;
      const key = `${subject.id}\n${scopeOf(one.decision)}`;
      const group = groups.get(key) ?? { subject, members: [] };
      group.members.push(one);
      groups.set(key, group);
    });
    const listed = [...groups.values()];
    const logged = await logAll(
      listed.map(({ subject, members }) => toInput(members, subject, { access, caller, request })),
    );
    const outcomes = new Map<Allowed, DisclosureOutcome>();
    const given: { readonly one: Allowed; readonly reading: PresentedReading }[] = [];
    for (const [at, { members }] of listed.entries()) {
      const event = logged[at]!;
      for (const one of members) {
        if (event instanceof AttestryError) outcomes.set(one, refusal(event));
        else given.push({ one, reading: describe(one, event, { access, caller }) });
      }
    }
    const presentations = await deps.presenter.present(given.map(({ reading }) => reading));
    given.forEach(({ one }, at) => {
      outcomes.set(one, { disclosures: one.disclosures, presentation: presentations[at]! });
    });
    const tooMany = new AttestryError(
      "reading_budget_exceeded",
      `more than ${READINGS_PER_SUBJECT_MAX} readings about one person in this hour`,
    );
    return decided.map((one) =>
      one instanceof AttestryError ? refusal(one) : (outcomes.get(one) ?? refusal(tooMany)),
    );
  };
}

/** What is read of one person by one right is one event. */
function scopeOf(decision: Decision): string {
  return decision.kind === "consent" ? decision.consent : `law ${decision.delaySeconds} ${localize(decision.law)}`;
}

function refusal({ code, message, details }: AttestryError): DisclosureOutcome {
  return {
    code: code as ErrorCode,
    message,
    fields: code === "consent_required" ? details.map(({ field }) => field ?? "") : [],
  };
}
