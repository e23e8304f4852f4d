// Approval inside the log writer's transaction: nothing is written that others must approve and did not, and no proposal is carried out twice.
import type { AttestryError } from "../errors.ts";
import type { Transaction } from "../storage/database.ts";
import { findApprovalRefusal, proposalDecided, type WriteApproval } from "./proposal.ts";
import { completeProposals, lockProposals } from "./proposal-store.ts";

export interface GuardedWrite {
  readonly registry: string;
  /** Of the record, where it is one. */
  readonly rid?: string;
  readonly approval: WriteApproval;
}

export interface ApprovalCheck {
  /** What stands against a write, or undefined. */
  check(write: GuardedWrite): AttestryError | undefined;
  /** A later write of the same batch finds its proposal done. */
  accept(write: GuardedWrite): void;
}

/** Reads what the writes of a batch need, in their transaction. */
export async function readApprovals(tx: Transaction, writes: readonly GuardedWrite[]): Promise<ApprovalCheck> {
  const ids = new Set(writes.flatMap(({ approval }) => approval.approved?.id ?? []));
  const found = ids.size === 0 ? undefined : await lockProposals(tx, [...ids].sort());
  const completed = new Set<string>();
  return {
    check({ registry, approval }) {
      const refusal = findApprovalRefusal(registry, approval);
      const { approved } = approval;
      if (refusal || approved === undefined) return refusal;
      const { id, step, completion } = approved;
      const state = completed.has(id) ? "done" : (found?.get(id)?.state ?? "expired");
      const isWaiting = state === "waiting" && found?.get(id)?.step === step;
      if (completion === undefined ? state === "carrying_out" : isWaiting) return undefined;
      return proposalDecided({ id, state });
    },
    accept({ approval: { approved } }) {
      if (approved?.completion) completed.add(approved.id);
    },
  };
}

export async function storeApprovals(tx: Transaction, writes: readonly GuardedWrite[]): Promise<void> {
  const written = writes.flatMap(({ approval: { approved }, rid }) => (approved ? [{ approved, rid }] : []));
  if (written.length > 0) await completeProposals(tx, written);
}
