// Whose fault a failed batch is, and what its callers are told. Values in, verdict out: no SQL, no I/O.
import { AttestryError, type ErrorCode } from "../errors.ts";
import { TAG_CONSTRAINT } from "./log-table.ts";

/**
 * `item`: one of the items, or a bug that only some meet: the others can still be written. `duplicate`: a tag that the log
 * has, not yet known whose. `conflict`: try the same again. `batch`: nobody's in particular, all are refused.
 */
export type BatchFault = "item" | "duplicate" | "conflict" | "batch";

const BATCH_CODES: readonly ErrorCode[] = [
  "log_inconsistent",
  "log_outcome_unknown",
  "log_write_failed",
  "database_unavailable",
  "keys_outdated",
];

// SQLSTATE (PostgreSQL appendix A). 08 connection, 53 resources, 57 operator intervention, 58 system, F0, XX internal.
const SERVER_TROUBLE = /^(08|53|57|58|F0|XX)|^55P03$/;
const CONFLICT = /^(40001|40P01)$/;
// What the stored values break: 22 data exception, 23 integrity constraint, 54 program limit, P0 raised by a trigger.
const DATA_REFUSED = /^(22|23|54|P0)/;
const UNIQUE_VIOLATION = "23505";
const SQLSTATE = /^[0-9A-Z]{5}$/;
// postgres.js and Node name what happens to a connection.
const CONNECTION_TROUBLE = /^(CONNECTION_|CONNECT_TIMEOUT$|E[A-Z]{3,}$)/;

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : "";
}

export function findFault(error: unknown): BatchFault {
  if (error instanceof AttestryError) return BATCH_CODES.includes(error.code) ? "batch" : "item";
  const code = codeOf(error);
  if (CONFLICT.test(code)) return "conflict";
  if (CONNECTION_TROUBLE.test(code) || (SQLSTATE.test(code) && SERVER_TROUBLE.test(code))) return "batch";
  const constraint = (error as { constraint_name?: unknown } | null | undefined)?.constraint_name;
  return code === UNIQUE_VIOLATION && constraint === TAG_CONSTRAINT ? "duplicate" : "item";
}

/** What every caller of a batch is told after a fault `batch` or `conflict`. */
export function explainBatchError(error: unknown): AttestryError {
  if (error instanceof AttestryError) return error;
  const message = `nothing was written: the database is unavailable (${codeOf(error)})`;
  return new AttestryError("database_unavailable", message, { cause: error });
}

/** What the caller of the one faulty item is told. The database's own message may hold personal values and is left out. */
export function explainItemError(error: unknown): AttestryError {
  if (error instanceof AttestryError) return error;
  const code = codeOf(error);
  if (!DATA_REFUSED.test(code) || !SQLSTATE.test(code)) {
    return new AttestryError("log_write_failed", "nothing was written: an internal error", { cause: error });
  }
  const constraint = (error as { constraint_name?: unknown }).constraint_name;
  const place = typeof constraint === "string" ? `, constraint ${constraint}` : "";
  return new AttestryError(
    code === UNIQUE_VIOLATION ? "value_not_unique" : "request_invalid",
    `nothing was written: the database refuses the data (SQLSTATE ${code}${place})`,
  );
}
