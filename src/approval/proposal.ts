// What a proposal is, and the rules of deciding on one. Pure.
import type { JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { ApprovedProposal, Approver, Role, Staff } from "../identity/caller.ts";

export const PROPOSAL_KINDS = [
  "create",
  "amend",
  "suspend",
  "reinstate",
  "revoke",
  "end",
  "replace",
  "erase",
  "erase_version",
  "import",
  "migrate",
  "define",
] as const;
export type ProposalKind = (typeof PROPOSAL_KINDS)[number];

/**
 * waiting: for the next approval. returned: by an approver, with a reason. withdrawn: by who proposed it. expired: nobody decided in time.
 * carrying_out: approved, and being written row by row. done: written. failed: approved, but what it is about had changed.
 */
export const PROPOSAL_STATES = [
  "waiting",
  "returned",
  "withdrawn",
  "expired",
  "carrying_out",
  "done",
  "failed",
] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];

/** Which roles may be named in a definition's `approval`. */
export const APPROVING_ROLES = ["registrar", "approver"] as const satisfies readonly Role[];
export type ApprovingRole = (typeof APPROVING_ROLES)[number];

/** A person as colleagues know them. */
export interface NamedPerson {
  readonly person: string;
  readonly name: string;
  readonly role: Role;
}

export interface Approval extends NamedPerson {
  readonly at: number;
  readonly note?: string;
}

/** How it ended. `by`: who returned it; `code`, `message`: why it failed; `result`: what became of it, such as the record or counts of rows. */
export interface ProposalEnd {
  readonly by?: NamedPerson;
  readonly reason?: string;
  readonly code?: string;
  readonly message?: string;
  readonly result?: JsonObject;
}

/** What is sealed of a proposal. `request` goes once it can no longer be carried out or proposed anew. */
export interface ProposalContent {
  readonly request?: JsonObject;
  readonly proposer: Omit<Staff, "approved">;
  readonly approvals: readonly Approval[];
  readonly end?: ProposalEnd;
}

/** Who must approve a write, and who did. */
export interface WriteApproval {
  readonly required: readonly string[];
  readonly approved: ApprovedProposal | undefined;
}

/** Throws nothing: what stands against writing this, whoever asked for it. Called under the log's lock. */
export function findApprovalRefusal(
  registry: string,
  { required, approved }: WriteApproval,
): AttestryError | undefined {
  if (approved === undefined) {
    if (required.length === 0) return undefined;
    return new AttestryError(
      "approval_required",
      `in "${registry}" others must approve this (${required.join(", then ")}), and it cannot be proposed this way`,
    );
  }
  const given = approved.approvers.map(({ role }) => role);
  if (required.every((role, at) => given[at] === role)) return undefined;
  return new AttestryError(
    "version_conflict",
    `the definition of "${registry}" asks for other approvals now (${required.join(", then ")}); propose it again`,
  );
}

export interface DecisionQuestion {
  readonly id: string;
  readonly state: ProposalState;
  readonly roles: readonly string[];
  readonly step: number;
  readonly proposer: string;
  readonly approvers: readonly string[];
  readonly expiresAt: number;
}

export function proposalDecided({ id, state }: Pick<DecisionQuestion, "id" | "state">): AttestryError {
  const words: Readonly<Record<ProposalState, string>> = {
    waiting: "is waiting for another approval now; look at it again",
    returned: "was returned meanwhile",
    withdrawn: "was withdrawn by who proposed it",
    expired: "has expired; propose it again",
    carrying_out: "was approved already and is being carried out",
    done: "was approved and carried out already",
    failed: "was approved, but could not be carried out",
  };
  return new AttestryError("proposal_decided", `proposal "${id}" ${words[state]}`);
}

/** Whether a person may decide on it now, whatever the registry; `person`: the keyed hash. Throws `proposal_decided`, `proposal_own`, `permission_denied`. */
export function checkDecider(
  proposal: DecisionQuestion,
  { person, role, now }: { person: string; role: Role; now: number },
): void {
  if (proposal.state !== "waiting") throw proposalDecided(proposal);
  if (proposal.expiresAt <= now) throw proposalDecided({ id: proposal.id, state: "expired" });
  if (proposal.proposer === person)
    throw new AttestryError("proposal_own", "who proposes a change does not decide on it; a colleague must");
  if (proposal.approvers.includes(person))
    throw new AttestryError("proposal_own", "you approved this already; the next approval is another person's");
  const needed = proposal.roles[proposal.step];
  if (role !== needed)
    throw new AttestryError(
      "permission_denied",
      `the proposal waits for a person in role ${needed}; you act as ${role}`,
    );
}

export const nameApprover = ({ role, person }: Approval): Approver => ({ role, person });
