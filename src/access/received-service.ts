// What this node was given of other nodes' personal records, in its own access log: whose reading and where it stands there, never whom it is about (DESIGN section 10).
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { Subject } from "../records/subject.ts";
import type { AccessActor } from "./access-event.ts";
import type { AccessLog } from "./access-log-service.ts";
import type { AccessSubjects } from "./access-subject-service.ts";

/** A reading as its home node logged it. */
export interface ReceivedEvent {
  readonly from: string;
  readonly commitment: string;
  readonly index: number;
  readonly purpose: string;
  readonly case: string | undefined;
}

// One chain of all that was received: it names no person. No claim of a sign-in is called like this.
const RECEIVED: Subject = { claim: "~received", value: "" };

/** Appends one entry a reading; throws what the log throws, so that nothing is shown that is not noted. */
export function createReceivedLog<Guarded>(deps: {
  entity: string;
  accessSubjects: AccessSubjects;
  accessLog: AccessLog<Guarded>;
  pseudonymOf: (person: string) => string;
}): (readings: readonly ReceivedEvent[], caller: Caller) => Promise<void> {
  const { entity, accessLog, pseudonymOf } = deps;
  return async (readings, caller) => {
    const by: AccessActor =
      caller.kind === "staff" ? { staff: pseudonymOf(caller.person), role: caller.role } : { entity };
    const unique = new Map(readings.map((one) => [one.commitment, one]));
    const [subject] = await deps.accessSubjects.ensure([RECEIVED]);
    const outcomes = await accessLog.append(
      [...unique.values()].map(({ from, commitment, index, purpose, case: matter }) => ({
        subject: subject!,
        operation: "received",
        content: {
          action: "received",
          by,
          records: [],
          fields: [],
          purpose,
          ...(matter !== undefined && { case: matter }),
          received: { from, commitment, index },
        },
        reference: commitment,
      })),
    );
    const failed = outcomes.find((one) => one instanceof AttestryError);
    if (failed) throw failed;
  };
}
