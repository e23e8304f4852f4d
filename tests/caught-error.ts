// What a call fails with, whole, for tests of the details; a bug's error passes through, so that it never counts as a refusal.
import { type AttestryError, isAttestryError } from "../src/errors.ts";

/** The AttestryError that `run` throws; fails where it throws nothing. */
export function caughtError(run: () => unknown): AttestryError {
  try {
    run();
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return error;
  }
  throw new Error("nothing was refused");
}
