// A proposal as its reader is shown it. Pure.
import { formatSeconds } from "../clock.ts";
import type { JsonObject } from "../crypto/json.ts";
import type { Staff } from "../identity/caller.ts";
import { type Approval, checkDecider, type NamedPerson, type ProposalContent } from "./proposal.ts";
import { describeReceipt, type ProposalReceipt } from "./proposal-book-service.ts";
import type { StoredProposal } from "./proposal-store.ts";

export interface ShownPerson {
  readonly name: string;
  readonly role: string;
}

export interface ProposalView extends ProposalReceipt {
  /** What people call what would be written. */
  readonly title?: string;
  /** Who has to approve, in this order, and how many have. */
  readonly roles: readonly string[];
  readonly step: number;
  readonly definition_version: number;
  /** Nobody where the record was erased. */
  readonly proposed_by?: ShownPerson;
  readonly approvals: readonly (ShownPerson & { readonly at: string; readonly note?: string })[];
  /** What the reader may do with it now. */
  readonly may: readonly ("approve" | "return" | "withdraw")[];
  readonly decided_at?: string;
  readonly returned_by?: ShownPerson;
  readonly reason?: string;
  /** Why it could not be carried out. */
  readonly code?: string;
  readonly message?: string;
  readonly result?: JsonObject;
  /** What was sent, and what would change by it; only of one proposal at a time. */
  readonly change?: JsonObject;
}

const person = ({ name, role }: NamedPerson): ShownPerson => ({ name, role });
const approval = ({ at, note, ...who }: Approval) => ({ ...person(who), at: formatSeconds(at), ...(note && { note }) });

function mayDecide(proposal: StoredProposal, viewer: { person: string; role: Staff["role"]; now: number }): boolean {
  try {
    checkDecider(proposal, viewer);
    return true;
  } catch {
    return false;
  }
}

/** `viewer.person`: its keyed hash. */
export function describeProposal(options: {
  entity: string;
  proposal: StoredProposal;
  content: ProposalContent | undefined;
  viewer: Pick<Staff, "person" | "role">;
  now: number;
}): ProposalView {
  const { proposal, content, viewer, now } = options;
  const { roles, step, definitionVersion, decidedAt } = proposal;
  const { by, reason, code, message, result } = content?.end ?? {};
  const decides = content?.request !== undefined && mayDecide(proposal, { ...viewer, now });
  const isOwn = proposal.proposer === viewer.person && ["waiting", "returned", "failed"].includes(proposal.state);
  return {
    ...describeReceipt(options.entity, proposal),
    roles,
    step,
    definition_version: definitionVersion,
    ...(content && { proposed_by: person(content.proposer) }),
    approvals: (content?.approvals ?? []).map(approval),
    may: [...(decides ? (["approve", "return"] as const) : []), ...(isOwn ? (["withdraw"] as const) : [])],
    ...(decidedAt !== null && { decided_at: formatSeconds(decidedAt) }),
    ...(by && { returned_by: person(by) }),
    ...(reason !== undefined && { reason }),
    ...(code !== undefined && { code }),
    ...(message !== undefined && { message }),
    ...(result && { result }),
  };
}
