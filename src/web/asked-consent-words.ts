// Consents as the staff who asked for them read them: each state, what it means and what to do; why asking failed, and how to mend it. Pure.
import type { ConsentState } from "../consent/consent.ts";
import type { AttestryError, ErrorCode } from "../errors.ts";
import { type AskedConsent, isSpent } from "../resolution/asked-consent-service.ts";

export interface ConsentWords {
  readonly name: string;
  readonly tone: "" | "careful" | "over";
  readonly meaning: string;
}

const STATES: Readonly<Record<ConsentState, ConsentWords>> = {
  requested: {
    name: "Not decided yet",
    tone: "careful",
    meaning:
      "The person sees your request on the page of the department that keeps the records, and decides there or at its counter. Nothing can be read until then.",
  },
  given: {
    name: "Given",
    tone: "",
    meaning: "You may read these fields for this purpose. The person sees every reading, and may withdraw at any time.",
  },
  refused: {
    name: "Refused",
    tone: "over",
    meaning:
      "The person said no, and owes nobody a reason. Decide by what you have, ask for papers, or ask once more for less.",
  },
  paused: {
    name: "Paused",
    tone: "careful",
    meaning: "The person has stopped readings for now, and may let them go on. Nothing can be read until then.",
  },
  withdrawn: {
    name: "Withdrawn",
    tone: "over",
    meaning:
      "From that moment nothing more is read by it. What was read before, you may keep for what it was read for, and as long as your rules say; for anything else, ask anew.",
  },
  expired: {
    name: "Over",
    tone: "over",
    meaning: "Its time has passed, or that in which the person could decide. Ask anew if you still need it.",
  },
  invalidated: {
    name: "Declared invalid",
    tone: "over",
    meaning:
      "The department that keeps the records says that it never held. Show this to whoever decides by what you read, and ask anew if you need it.",
  },
};

const USED: ConsentWords = {
  name: "Used",
  tone: "over",
  meaning: "It was given for one reading, and that was made. Ask anew if you need another.",
};

export function describeConsentState(consent: Pick<AskedConsent, "state" | "isOneTime" | "isUsed">): ConsentWords {
  return consent.state === "given" && isSpent(consent) ? USED : STATES[consent.state];
}

const MENDS: Partial<Record<ErrorCode, string>> = {
  entity_identifier_invalid: "Choose the department from the list, or copy the address of its node in full.",
  chain_not_found:
    "No trust anchor of this node vouches for that department. Compare the address; if it is right, ask your operator whether it is in the federation.",
  peer_unreachable: "The department does not answer just now. Try again later.",
  peer_timeout: "The department did not answer in time. Send it again as it is: it will not be asked twice.",
  peer_head_timeout: "The department did not answer in time. Send it again as it is: it will not be asked twice.",
  peer_busy: "The department is busy. Send it again in a minute.",
  peer_address_refused: "This node sends nothing to that address. Ask your operator.",
  registry_unknown: "The department has no such registry any more. Begin again by choosing the department.",
  purpose_unknown: "The department changed its purposes. Begin again by choosing the department.",
  consent_fields_unknown: "The department changed what may be asked. Begin again by choosing the department.",
  consent_term_invalid: "Ask for fewer days.",
  consents_too_many: "Too many requests wait for an answer. Wait until some are decided; asking again does not help.",
  request_id_reused:
    "An earlier attempt of this form arrived with other content. Send it once more: it is a new request now.",
  consent_unknown: "The department does not know this consent any more. Ask your operator, or ask the person anew.",
};

/** What to do about it. */
export function describeAskMend({ code }: AttestryError): string {
  return (
    MENDS[code] ??
    (code.startsWith("peer_")
      ? "What answered under the department's address cannot be believed, or does not take this node for a member. Tell your operator."
      : "Look at what is said above, and send it again.")
  );
}
