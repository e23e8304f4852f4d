// The states of a record in words that need no glossary. Pure.

export interface StateWords {
  readonly name: string;
  readonly meaning: string;
  /** How it is shown: in force, to be careful with, or no longer to be relied on. */
  readonly tone: "good" | "careful" | "over";
}

export const STATES_IN_WORDS: Readonly<Record<string, StateWords>> = {
  active: { name: "In force", meaning: "This is the department's current word.", tone: "good" },
  suspended: {
    name: "Suspended",
    meaning: "The department asks not to rely on this record for now; it may be reinstated.",
    tone: "careful",
  },
  ended: {
    name: "Ended",
    meaning: "It was right, and what it records is over.",
    tone: "over",
  },
  replaced: {
    name: "Replaced",
    meaning: "It was right, and other records have taken its place.",
    tone: "over",
  },
  revoked: {
    name: "Revoked",
    meaning: "The department withdrew this record: it should not be relied on, for any time.",
    tone: "over",
  },
  superseded: {
    name: "Older version",
    meaning: "A newer version of this record has taken its place.",
    tone: "careful",
  },
  erased: {
    name: "Erased",
    meaning: "The content was destroyed; only the proof that it was there remains.",
    tone: "over",
  },
  version_erased: {
    name: "Version erased",
    meaning: "This version was wrong and was destroyed; the record's other versions are as they were.",
    tone: "over",
  },
};

/** `isThen`: at another time than now, when "current" would be a lie. */
export function describeState(state: string, isThen = false): StateWords {
  if (isThen && state === "active") return { name: "In force", meaning: "It held at that time.", tone: "good" };
  return STATES_IN_WORDS[state] ?? { name: state, meaning: "", tone: "careful" };
}
