// The life of a record as a table: which operation leads from which state to which, and why not. Pure.
import { AttestryError } from "../errors.ts";

export const RECORD_STATES = ["active", "suspended", "revoked", "ended", "replaced", "erased"] as const;
export type RecordState = (typeof RECORD_STATES)[number];

/** The operations that sign a statement in place of a new version. */
export const STATE_OPERATIONS = ["suspend", "reinstate", "revoke", "end", "replace", "erase"] as const;
export type StateOperation = (typeof STATE_OPERATIONS)[number];

/**
 * What a signed statement may be about: a state, or the erasure of one former version, which leaves the record's state as it is. In the
 * log both erasures are `erase`.
 */
export const STATEMENT_OPERATIONS = [...STATE_OPERATIONS, "erase_version"] as const;
export type StatementOperation = (typeof STATEMENT_OPERATIONS)[number];
export type RecordOperation = "create" | "amend" | StatementOperation;

/** Values of a status list (DESIGN section 5). */
export const STATUS_VALID = 0;
export const STATUS_INVALID = 1;
export const STATUS_SUSPENDED = 2;
export const STATUS_SUPERSEDED = 3;

type ChangeOperation = "amend" | StateOperation;

const NEXT: Readonly<Record<RecordState, Partial<Record<ChangeOperation, RecordState>>>> = {
  active: {
    amend: "active",
    suspend: "suspended",
    revoke: "revoked",
    end: "ended",
    replace: "replaced",
    erase: "erased",
  },
  suspended: { reinstate: "active", revoke: "revoked", end: "ended", replace: "replaced", erase: "erased" },
  revoked: { erase: "erased" },
  ended: { erase: "erased" },
  replaced: { erase: "erased" },
  erased: {},
};

const REFUSALS: Readonly<Record<RecordState, string>> = {
  active: "the record is active; only a suspended one can be reinstated",
  suspended: "the record is suspended; reinstate it first",
  revoked: "the record is revoked, for it was wrong; create a right one in its place",
  ended: "the record is ended; what comes after it is a record of its own",
  replaced: "the record is replaced; work on its successors",
  erased: "the record is erased; nothing of it is left to work on",
};

/**
 * What an operation does beside the new state. `status`: the value for the current version, or for all of them. `isTimed`:
 * the statement may say since when it holds; what is not timed was always so. `freesKeys`: its unique values may be given again.
 */
export interface OperationEffect {
  readonly status: number;
  readonly allVersions: boolean;
  readonly isTimed: boolean;
  readonly freesKeys: boolean;
}

const CURRENT = { allVersions: false, isTimed: true, freesKeys: false };
const WHOLE = { status: STATUS_INVALID, allVersions: true, isTimed: false, freesKeys: true };

export const OPERATION_EFFECTS: Readonly<Record<StateOperation, OperationEffect>> = {
  suspend: { ...CURRENT, status: STATUS_SUSPENDED },
  reinstate: { ...CURRENT, status: STATUS_VALID },
  // It was right and no longer is the current word: neither wrong nor valid.
  end: { ...CURRENT, status: STATUS_SUPERSEDED },
  replace: { ...CURRENT, status: STATUS_SUPERSEDED },
  revoke: WHOLE,
  erase: WHOLE,
};

/** The state after an operation; throws `state_conflict` with what to do instead, `record_erased`. */
export function nextState(state: string, operation: ChangeOperation): RecordState {
  const next = NEXT[state as RecordState][operation];
  if (next !== undefined) return next;
  if (state === "suspended" && operation === "suspend")
    throw new AttestryError("state_conflict", "the record is suspended already; nothing need be done, or reinstate it");
  throw new AttestryError(state === "erased" ? "record_erased" : "state_conflict", REFUSALS[state as RecordState]);
}
