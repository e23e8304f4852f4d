// What nodes answer each other about a record that is not in force. Pure.
import type { StatementOperation } from "./record-states.ts";

/** The outcome that goes with each operation; a reinstated record is in force, so none goes with it. */
export const STATE_OUTCOMES = {
  suspend: "record_suspended",
  revoke: "record_revoked",
  end: "record_ended",
  replace: "record_replaced",
  erase: "record_erased",
  erase_version: "version_erased",
} as const satisfies Partial<Record<StatementOperation, string>>;

export type StateOutcome = (typeof STATE_OUTCOMES)[keyof typeof STATE_OUTCOMES];

/** The outcome after an operation that was read from a store or a peer; undefined where none goes with it. */
export function findStateOutcome(operation: string): StateOutcome | undefined {
  return Object.hasOwn(STATE_OUTCOMES, operation)
    ? STATE_OUTCOMES[operation as keyof typeof STATE_OUTCOMES]
    : undefined;
}

export function isStateOutcome(outcome: string): outcome is StateOutcome {
  return Object.values<string>(STATE_OUTCOMES).includes(outcome);
}
