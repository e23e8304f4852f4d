// What came of asking for a record, for who has to decide by it: in a sentence, and what to do next. Pure.
import { STATE_OUTCOMES, type StateOutcome } from "../records/state-outcome.ts";
import type { Verdict } from "../verification/report.ts";
import { STATES_IN_WORDS, type StateWords } from "./state-words.ts";

export const VERDICT_WORDS = { valid: "Valid", invalid: "Not valid", undecided: "Could not decide" } as const;
export const VERDICT_SIGNS = { valid: "✓", invalid: "✕", undecided: "?" } as const;
export const VERDICT_BADGES = { valid: "badge", invalid: "badge over", undecided: "badge careful" } as const;

/** A verdict as the database has it. */
export function readVerdict(text: string): Verdict {
  return text === "valid" || text === "invalid" ? text : "undecided";
}

export interface OutcomeWords {
  readonly sentence: string;
  /** What to do next. */
  readonly mend: string;
}

const AWAY: OutcomeWords = {
  sentence: "The department that keeps the record does not answer just now. That says nothing about the record.",
  mend: "Check again later. If it stays so, ask the department; a paper or file from there can be checked without it.",
};
const BUSY: OutcomeWords = {
  sentence: "The department that keeps the record is busy, or answered too late. That says nothing about the record.",
  mend: "Check again in a minute. Where many records are followed, follow fewer.",
};
const WRONG_ANSWER: OutcomeWords = {
  sentence: "What answered under the department's address cannot be believed.",
  mend: "Do not rely on the record. Tell your operator: something on the way, or at the department, is not in order.",
};
const NOT_VOUCHED: OutcomeWords = {
  sentence: "No trust anchor of this node vouches for the department that the link names.",
  mend: "Compare the beginning of the link with the department's own address: a forged paper may lead elsewhere. If it is right, ask your operator whether that department, or this node, has left the federation.",
};
const NO_SUCH_RECORD: OutcomeWords = {
  sentence: "The department that the link names says that it has no such record.",
  mend: "See whether the link was copied in full. If it was, ask whoever gave it to you, or the department.",
};

const WORDS: Readonly<Record<string, OutcomeWords>> = {
  peer_unreachable: AWAY,
  peer_response_truncated: AWAY,
  peer_busy: BUSY,
  peer_timeout: BUSY,
  peer_head_timeout: BUSY,
  budget_exceeded: BUSY,
  chain_not_found: NOT_VOUCHED,
  entity_identifier_invalid: NOT_VOUCHED,
  peer_address_refused: NOT_VOUCHED,
  record_unknown: NO_SUCH_RECORD,
  registry_unknown: NO_SUCH_RECORD,
  version_unknown: NO_SUCH_RECORD,
  reference_foreign: NO_SUCH_RECORD,
  members_only: {
    sentence:
      "The registry is open to members of the federation only, and its department did not take this node for one.",
    mend: "Ask your operator whether this node has joined: attestry federation join. Of this node's own records: you may not read this one.",
  },
  consent_required: {
    sentence: "The record is personal. Reading it needs the person's consent, or a law.",
    mend: "Ask the person: from your desk, under “Ask people for consent”. When it is given, read the record from the consent's own page.",
  },
  consent_not_given: {
    sentence: "The person has not decided yet.",
    mend: "Nothing was read. Wait, or speak with the person.",
  },
  consent_refused: {
    sentence: "The person refused.",
    mend: "Nothing was read. Decide by what you have, or ask for papers.",
  },
  consent_paused: {
    sentence: "The person has paused the consent.",
    mend: "Nothing was read. Try again when the person has let it go on.",
  },
  consent_withdrawn: {
    sentence: "The person withdrew the consent.",
    mend: "Nothing was read. If you still need it, ask anew and say why.",
  },
  consent_expired: {
    sentence: "The time of the consent is over.",
    mend: "Nothing was read. Ask anew if you still need it.",
  },
  consent_invalidated: {
    sentence: "The department that keeps the record declared the consent invalid.",
    mend: "Nothing was read. Ask anew if you still need it.",
  },
  consent_not_started: { sentence: "The consent begins later.", mend: "Nothing was read. Try again from then on." },
  consent_used: {
    sentence: "The consent was for one reading, which was made.",
    mend: "Nothing was read. Ask anew if you need another.",
  },
  consent_fields_exceeded: {
    sentence: "More was asked for than the person allowed.",
    mend: "Nothing was read. Ask for fewer fields.",
  },
  consent_record_mismatch: {
    sentence: "The consent does not cover this record: it is not about the person who gave it, or is newer.",
    mend: "Nothing was read. Compare the link with your file.",
  },
  consent_registry_mismatch: {
    sentence: "The consent is for records of another registry.",
    mend: "Nothing was read. Compare the link with your file.",
  },
  consent_purpose_mismatch: {
    sentence: "The consent is for another purpose.",
    mend: "Nothing was read. Ask anew for this one.",
  },
  consent_foreign: {
    sentence: "The consent was given to another department.",
    mend: "Nothing was read. Ask for one of your own.",
  },
  consent_unknown: {
    sentence: "The department that keeps the record knows no such consent.",
    mend: "Nothing was read. Ask anew, or ask your operator.",
  },
  reference_invalid: {
    sentence: "The field that was followed does not hold the link of a record.",
    mend: "Nothing to do: look at the value in the record above.",
  },
  state_unproved: {
    sentence: "The department says that the record is not in force, and does not prove it.",
    mend: "Do not rely on the record before the department has told you more.",
  },
};

/** Undefined where the checks themselves say what is wrong. */
export function describeOutcome(outcome: string): OutcomeWords | undefined {
  return WORDS[outcome] ?? (outcome.startsWith("peer_") ? WRONG_ANSWER : undefined);
}

const STATES: Readonly<Record<StateOutcome, string>> = {
  record_suspended: "suspended",
  record_revoked: "revoked",
  record_ended: "ended",
  record_replaced: "replaced",
  record_erased: "erased",
  version_erased: "version_erased",
};

/** The state that a proved outcome says a record is in; undefined where it says none. */
export function describeStateOutcome(outcome: string): StateWords | undefined {
  const known = Object.values(STATE_OUTCOMES).find((one) => one === outcome);
  return known && STATES_IN_WORDS[STATES[known]];
}

const STATE_MENDS: Readonly<Record<string, string>> = {
  record_suspended: "Do not rely on it for now. Check again later, or ask the department.",
  record_revoked: "Do not rely on it, whatever paper or file you were shown.",
  record_ended:
    "It does not hold today. Where it matters what held before, ask the department for the version of then.",
  record_replaced: "Check the records that took its place.",
  version_erased: "Do not rely on this version. Ask for the record as it is today.",
  record_erased: "Nobody can say any more what it said. Ask whoever gave you the link.",
};

export function describeStateMend(outcome: string): string {
  return STATE_MENDS[outcome] ?? "";
}
