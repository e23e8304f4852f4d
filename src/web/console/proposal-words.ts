// What proposals are called. Pure.
import type { ProposalKind, ProposalState } from "../../approval/proposal.ts";

/** As a task: "Amend a record". */
export const KIND_WORDS: Readonly<Record<ProposalKind, string>> = {
  create: "New record",
  amend: "Amend",
  suspend: "Suspend",
  reinstate: "Reinstate",
  revoke: "Revoke",
  end: "End",
  replace: "Replace",
  erase: "Erase",
  erase_version: "Erase a version",
  import: "Import",
  migrate: "Carry records over to the new rules",
  define: "Change of the rules",
};

export const STATE_WORDS: Readonly<Record<ProposalState, string>> = {
  waiting: "waiting",
  returned: "returned",
  withdrawn: "withdrawn",
  expired: "expired",
  carrying_out: "being carried out",
  done: "done",
  failed: "could not be done",
};

export const STATE_BADGES: Readonly<Record<ProposalState, string>> = {
  waiting: "careful",
  returned: "over",
  withdrawn: "over",
  expired: "over",
  carrying_out: "careful",
  done: "",
  failed: "over",
};
