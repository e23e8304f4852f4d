// What a verifier demands, fixed before a byte of evidence is parsed. Takes nothing out of evidence.
import type { AnchorPin } from "../federation/trust-chain.ts";

/** The ordered list of DESIGN section 9; a report names every one of them, in this order. */
export const CHECK_NAMES = [
  "format",
  "signature",
  "issuer",
  "authority",
  "schema",
  "validity",
  "status",
  "inclusion",
  "witness",
  "freshness",
  "binding",
  "references",
] as const;

export type CheckName = (typeof CHECK_NAMES)[number];

/** What every policy file must require: without these three nothing of a record is proved. */
export const REQUIRED_ALWAYS: readonly CheckName[] = ["format", "signature", "issuer"];

/** The checks that can pass so far: what is required where a policy does not say. */
export const REQUIRED_BY_DEFAULT: readonly CheckName[] = [
  "format",
  "signature",
  "issuer",
  "authority",
  "schema",
  "validity",
  "status",
  "inclusion",
  "freshness",
];

/** Which record was asked for. Whatever is given must be met exactly, or the `format` check fails. */
export interface Expectation {
  /** The record's URL. */
  readonly href?: string;
  /** Pins a version: a version superseded since then is accepted as what was asked for. */
  readonly version?: number;
  /** base64url SHA-256 of the issuer JWT, as in a pinned reference and in `prev`. */
  readonly digest?: string;
  readonly registryType?: string;
  /** To whom, and to which question, personal fields must have been given: what `binding` is judged by. */
  readonly audience?: string;
  readonly nonce?: string;
}

export interface VerifierPolicy {
  /** The only roots of trust; an anchor inside evidence counts for nothing. */
  readonly anchors: readonly AnchorPin[];
  readonly required?: readonly CheckName[];
  /** How long ago (seconds) the issuer must have signed the status list. */
  readonly statusMaxAgeSeconds: number;
  /** How old (seconds) the log's checkpoint may be, by the clocks of witnesses. */
  readonly checkpointMaxAgeSeconds?: number;
  /** Which witnesses must have cosigned the log's checkpoint: the text of a C2SP tlog-policy. One of the issuer's own never counts. */
  readonly witnessPolicy?: string;
  /** The status list must be proved to be in the issuer's log; else its receipt is looked at where there is one. */
  readonly requireStatusReceipt?: boolean;
  /** Accepts a version that the issuer has replaced by a later one. */
  readonly allowSuperseded?: boolean;
  /**
   * Where the statements of today are missing, have expired or no longer name the record's key or type, believes those that the log had
   * before the record: for records of years ago. Not by default: until witnesses date the log, an issuer that was expelled could go on
   * issuing into the past. Who has kept a file since verifies it as of then instead (`now`), which takes no such trust.
   */
  readonly allowArchivedChain?: boolean;
  readonly expected?: Expectation;
}

export interface VerifyOptions {
  /** Unix seconds. */
  readonly now: number;
  /** For one call, in place of the policy's: one verifier, and its caches, then serve many references. */
  readonly expected?: Expectation;
  /** The entity identifier of who verifies: what a person shared with just this one is meant for it. */
  readonly reader?: string | undefined;
}

/** The checks that must pass: those that the policy names, else the usual ones, and `witness` where it names witnesses. */
export function requiredBy({ required, witnessPolicy }: VerifierPolicy): readonly CheckName[] {
  if (required !== undefined) return required;
  return CHECK_NAMES.filter(
    (check) => REQUIRED_BY_DEFAULT.includes(check) || (check === "witness" && witnessPolicy !== undefined),
  );
}
