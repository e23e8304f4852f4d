// The `witness` check, and how fresh a checkpoint is by the clocks of witnesses. Whom to ask for cosignatures is not its business.
import { equalBytes } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { entityWithoutScheme } from "../federation/entity-identifier.ts";
import { CLOCK_SKEW_SECONDS } from "../limits.ts";
import { findCosignatures } from "../log/cosignature.ts";
import { findQuorum, type QuorumTimes, type Witness, type WitnessPolicy } from "../log/witness-policy.ts";
import type { IssuerTrust } from "./issuer-trust.ts";
import { type CheckOutcome, failed, notChecked, passed } from "./report.ts";
import type { RecordClaims } from "./token-claims.ts";

export interface WitnessQuestion {
  /** The log's signed state in the newest receipt, its signature by the log verified. */
  readonly checkpoint: string;
  readonly claims: Pick<RecordClaims, "issuer">;
  readonly trust: IssuerTrust;
  /** Unix seconds. */
  readonly now: number;
}

/** `times`: where a quorum cosigned. */
export interface WitnessAnswer {
  readonly outcome: CheckOutcome;
  readonly times?: QuorumTimes;
}

function isOf(entity: string, { url, verifier }: Witness): boolean {
  const name = entityWithoutScheme(entity);
  const isBelow = (text: string, root: string): boolean => text === root || text.startsWith(`${root}/`);
  return isBelow(verifier.name, name) || (url !== undefined && isBelow(url, entity));
}

/** A witness never counts for its own entity (DESIGN section 9), by whatever of the two is its own: name, address or key. */
function isIndependent(witness: Witness, { claims, trust }: WitnessQuestion): boolean {
  const { chain, logVerifiers } = trust;
  if (isOf(claims.issuer, witness) || isOf(chain.entity, witness)) return false;
  return !logVerifiers.some(({ raw }) => equalBytes(raw, witness.verifier.raw));
}

/** Runs the check by a policy that was read before any evidence was parsed. */
export function checkWitness(policy: WitnessPolicy | undefined, question: WitnessQuestion): WitnessAnswer {
  if (policy?.quorum === undefined) return { outcome: notChecked("witness", "witness_policy_missing") };
  const independent = [...policy.witnesses].filter(([, witness]) => isIndependent(witness, question));
  try {
    const keys = independent.map(([, { verifier }]) => verifier);
    const cosignatures = findCosignatures(question.checkpoint, keys)
      // Nobody has seen anything tomorrow.
      .filter(({ time }) => time <= question.now + CLOCK_SKEW_SECONDS);
    const nameOf = new Map(independent.map(([name, { verifier }]) => [verifier, name]));
    const seen = new Map(cosignatures.map(({ witness, time }) => [nameOf.get(witness)!, time]));
    const times = findQuorum(policy, seen);
    const detail = `${seen.size} of ${policy.witnesses.size} witnesses`;
    if (times === undefined) return { outcome: failed("witness", "witness_quorum_missed", detail) };
    const since = new Date(times.since * 1_000).toISOString();
    return { outcome: passed("witness", "passed", `${detail}, by ${since}`), times };
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    return { outcome: failed("witness", "witness_signature_invalid", error.message) };
  }
}

/** The `freshness` check: of the checkpoint where the policy sets an age, else of the status list, which was found fresh before. */
export function checkFreshness(options: {
  readonly checkpointMaxAgeSeconds: number | undefined;
  readonly times: QuorumTimes | undefined;
  readonly now: number;
}): CheckOutcome {
  const { checkpointMaxAgeSeconds: maxAge, times, now } = options;
  if (maxAge === undefined) return passed("freshness", "fresh_by_status");
  // DESIGN section 6: only cosignatures tell when a checkpoint existed.
  if (times === undefined) return notChecked("freshness", "checkpoint_time_unknown");
  const age = now - times.last;
  if (age > maxAge) return failed("freshness", "checkpoint_stale", `seen ${age} seconds ago; ${maxAge} are allowed`);
  return passed("freshness", "fresh_by_witnesses");
}
