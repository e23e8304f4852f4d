// What a call fails with, as a stable code; a bug's error passes through, so that it never counts as a refusal.
import { type ErrorCode, isAttestryError } from "../src/errors.ts";

/** The code of the AttestryError that `run` throws; undefined if it throws nothing. */
export function caughtCode(run: () => unknown): ErrorCode | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return error.code;
  }
}

/** The code of the AttestryError that `attempt` rejects with, "accepted" where it does not. */
export async function settledCode(attempt: Promise<unknown>): Promise<ErrorCode | "accepted"> {
  try {
    await attempt;
    return "accepted";
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return error.code;
  }
}
