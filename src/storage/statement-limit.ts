// How long a statement may take, where a caller decides what it asks. Knows no table.
import type { Transaction } from "./database.ts";

// SQLSTATE 57014 query_canceled
const CANCELED = "57014";

/** Ends every later statement of the transaction that takes longer. */
export async function limitStatements(tx: Transaction, timeoutMs: number): Promise<void> {
  await tx`select set_config('statement_timeout', ${String(timeoutMs)}, true)`;
}

/** Whether a query failed because it took longer than it was allowed to. */
export function isStatementTimeout(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === CANCELED;
}
