// Readings by the node's own staff, and by people of their own records, as events of the access log. Decides nothing.
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { LogReadings, ShownRecord } from "../records/record-readings.ts";
import type { AccessActor, AccessBasis, ReadRecordName } from "./access-event.ts";
import type { AccessLog } from "./access-log-service.ts";
import type { AccessSubjects } from "./access-subject-service.ts";

/** One event a person and operation. */
export function createReadingLog<Guarded>(deps: {
  entity: string;
  accessSubjects: AccessSubjects;
  accessLog: Pick<AccessLog<Guarded>, "append">;
  pseudonymOf: (person: string) => string;
}): LogReadings {
  const { entity, accessSubjects, accessLog, pseudonymOf } = deps;

  function describeReader(caller: Caller): { by: AccessActor; basis: AccessBasis } {
    if (caller.kind === "staff")
      return { by: { staff: pseudonymOf(caller.person), role: caller.role }, basis: { office: true } };
    if (caller.kind === "node") return { by: { entity: caller.entity }, basis: { office: true } };
    if (caller.kind === "citizen") return { by: { citizen: "subject" }, basis: { own: true } };
    // Nobody else is ever shown anything personal.
    return { by: { entity }, basis: { office: true } };
  }

  return async (shown, caller, action) => {
    if (shown.length === 0) return [];
    const known = await accessSubjects.ensure(shown.map(({ subject }) => subject));
    const groups = new Map<string, ShownRecord[]>();
    shown.forEach((one, at) => {
      const { id } = known[at]!;
      groups.set(id, [...(groups.get(id) ?? []), one]);
    });
    const subjects = new Map(known.map((subject) => [subject.id, subject]));
    const reader = describeReader(caller);
    const outcomes = await accessLog.append(
      [...groups].map(([id, records]) => ({
        subject: subjects.get(id)!,
        operation: "read" as const,
        content: {
          action,
          ...reader,
          records: nameRecords(records),
          fields: [...new Set(records.flatMap(({ fields }) => fields))],
        },
      })),
    );
    const noted = new Map([...groups.keys()].map((id, at) => [id, outcomes[at]!]));
    return known.map(({ id }) => {
      const outcome = noted.get(id)!;
      if (outcome instanceof AttestryError) throw outcome;
      return outcome;
    });
  };
}

/** Each version once; what is proposed as a new record has no name yet. */
function nameRecords(shown: readonly ShownRecord[]): ReadRecordName[] {
  const named = shown.flatMap(({ registry, rid, version }) =>
    rid === undefined ? [] : [{ registry, rid, ...(version !== undefined && { version }) }],
  );
  return [...new Map(named.map((one) => [`${one.rid}/${one.version ?? ""}`, one])).values()];
}
