// Logs what another node reads by a basis, before it is answered: budgets first, then one event per person and right (DESIGN section 10).
import type { AccessContent, ReadRecordName } from "../access/access-event.ts";
import { readingKey } from "../access/access-event.ts";
import type { AccessInput, AccessLog, LoggedEvent } from "../access/access-log-service.ts";
import type { AccessSubjects, KnownSubject } from "../access/access-subject-service.ts";
import type { GuardedConsent } from "../consent/consent-guard.ts";
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import { type KeyGenerations, keyDigests } from "../crypto/key-generations.ts";
import { AttestryError } from "../errors.ts";
import type { MemberNode } from "../identity/caller.ts";
import { READING_WINDOW_SECONDS, READINGS_PER_CONSUMER_MAX, READINGS_PER_SUBJECT_MAX } from "../limits.ts";
import type { ReaderBasis } from "../records/answers/answer-question.ts";
import type { UseBudgets } from "../records/answers/budget-service.ts";
import type { ReadAccess } from "../records/record-disclosure.ts";
import type { Subject } from "../records/subject.ts";
import { localize } from "../registries/localized-text.ts";
import type { Decision } from "./disclosure-decision.ts";

/** What of one record is read. */
export interface BasedReading {
  readonly decision: Decision;
  readonly subject: Subject;
  /** Undefined where a question was about a record that is not there. */
  readonly record: (ReadRecordName & { readonly version: number }) | undefined;
  /** Names of the fields that are given, or that a question is about. */
  readonly fields: readonly string[];
}

/** What all readings of one request share. */
export interface ReadingRequest extends Pick<AccessContent, "question"> {
  readonly action: "read" | "answer";
  readonly access: Pick<ReadAccess, "purpose" | "request_id" | "case">;
  readonly caller: MemberNode;
  /** Digest of all that is asked: by the same number nothing else may be read. */
  readonly request: string;
}

/** One outcome per reading. Throws `reading_budget_exceeded` for all of a consumer, and `log_overloaded`. */
export type LogBasedReadings = (
  readings: readonly BasedReading[],
  request: ReadingRequest,
) => Promise<(LoggedEvent | AttestryError)[]>;

/** What the event, and whatever is handed out with it, says of the right. */
export const basisOf = (decision: Decision): ReaderBasis =>
  decision.kind === "consent" ? { consent: decision.consent, terms: decision.terms } : { law: localize(decision.law) };

/** What is read of one person by one right is one event. */
function scopeOf(decision: Decision): string {
  return decision.kind === "consent" ? decision.consent : `law ${decision.delaySeconds} ${localize(decision.law)}`;
}

/** An event to come: the readings of one person by one right. */
interface Group {
  readonly subject: KnownSubject;
  readonly members: BasedReading[];
}

export function createBasedReadings(deps: {
  useBudgets: UseBudgets;
  accessSubjects: AccessSubjects;
  accessLog: AccessLog<GuardedConsent>;
  searchKey: KeyGenerations;
  clock: () => number;
}): LogBasedReadings {
  const { accessLog, searchKey, clock } = deps;

  /** Counted before anything is read, each record as one: also a reading that fails later was one more. Gives the people of whom too much was read. */
  async function useReadings(consumer: string, subjects: readonly KnownSubject[]): Promise<ReadonlySet<string>> {
    const digest = (scope: string) =>
      keyDigests(searchKey, ({ current }) =>
        encodeBase64url(hmacSha256(current, `attestry/reading-budget/v1\n${scope}`)),
      );
    const all = digest(consumer);
    const bySubject = new Map(subjects.map(({ id }) => [id, digest(`${consumer}\n${id}`)]));
    const now = clock();
    const windowStart = now - (now % READING_WINDOW_SECONDS);
    const used = await deps.useBudgets([...subjects.map(() => all), ...bySubject.values()], {
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

  function toInput({ subject, members }: Group, asked: ReadingRequest): AccessInput<GuardedConsent> {
    const { access, caller, action, request, question } = asked;
    const { decision } = members[0]!;
    const reading = readingKey({
      consumer: caller.entity,
      requestId: access.request_id,
      subject: `${subject.id}\n${scopeOf(decision)}`,
    });
    const records = members.flatMap(({ record }) => record ?? []);
    const content: AccessContent = {
      action,
      by: { entity: caller.entity },
      records,
      fields: [...new Set(members.flatMap(({ fields }) => fields))],
      purpose: access.purpose,
      basis: basisOf(decision),
      ...(question !== undefined && { question }),
      ...(access.case !== undefined && { case: access.case }),
      request,
    };
    return {
      subject,
      operation: "read",
      content,
      request: reading,
      ...(decision.delaySeconds > 0 && { shownFrom: clock() + decision.delaySeconds }),
      receivers: records.map(({ rid, version }) => ({
        consumer: caller.entity,
        rid,
        version,
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

  return async (readings, asked) => {
    if (readings.length === 0) return [];
    const known = await deps.accessSubjects.ensure(readings.map(({ subject }) => subject));
    const overBudget = await useReadings(asked.caller.entity, known);
    const groups = new Map<string, Group>();
    readings.forEach((one, at) => {
      const subject = known[at]!;
      if (overBudget.has(subject.id)) return;
      const key = `${subject.id}\n${scopeOf(one.decision)}`;
      const group = groups.get(key) ?? { subject, members: [] };
      group.members.push(one);
      groups.set(key, group);
    });
    const listed = [...groups.values()];
    const logged = await logAll(listed.map((group) => toInput(group, asked)));
    const outcomes = new Map(listed.flatMap(({ members }, at) => members.map((one) => [one, logged[at]!] as const)));
    return readings.map(
      (one) =>
        outcomes.get(one) ??
        new AttestryError(
          "reading_budget_exceeded",
          `more than ${READINGS_PER_SUBJECT_MAX} readings about one person in this hour`,
        ),
    );
  };
}
