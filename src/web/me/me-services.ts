// What a citizen's pages ask of consents and of the access log. Each answers for the citizen that is given and for nobody else. Types only; times in Unix seconds.
import type { Citizen } from "../../identity/caller.ts";
import type { LocalizedText } from "../../registries/localized-text.ts";

export type ConsentState = "requested" | "given" | "paused" | "refused" | "withdrawn" | "expired" | "invalidated";

export interface OwnConsent {
  readonly id: string;
  readonly state: ConsentState;
  /** Entity identifier of who asks. */
  readonly consumer: string;
  readonly registry: string;
  readonly purpose: string;
  /** What is allowed, of `requestedFields`. */
  readonly fields: readonly string[];
  readonly requestedFields: readonly string[];
  readonly requestedAt: number;
  readonly startsAt: number;
  readonly expiresAt: number;
  readonly oneTime: boolean;
  /** Of one that was given for one reading. */
  readonly isUsed: boolean;
  readonly decidedAt?: number;
  readonly case?: string;
  readonly note?: string;
  readonly notice: {
    readonly title: LocalizedText;
    readonly text: LocalizedText | undefined;
    readonly hash: string;
  };
  /** Whom it is about: the citizen, or somebody whom the citizen acts for. */
  readonly subject: { readonly claim: string; readonly value: string };
  readonly isOwn: boolean;
}

export interface ConsentChoice {
  readonly fields?: readonly string[];
  readonly expiresAt?: number;
  readonly oneTime?: boolean;
  /** In which the notice was read (BCP 47). */
  readonly language: string;
}

export interface OwnConsents {
  list(citizen: Citizen): Promise<readonly OwnConsent[]>;
  /** Throws `consent_unknown`. */
  get(citizen: Citizen, id: string): Promise<OwnConsent>;
  give(citizen: Citizen, id: string, choice: ConsentChoice): Promise<OwnConsent>;
  decide(citizen: Citizen, id: string, action: "refuse" | "pause" | "resume" | "withdraw"): Promise<OwnConsent>;
}

/** One look at somebody's data, or a decision about a permission. */
export interface UsageEntry {
  readonly at: number;
  /** In one word: read, search, export, answer, give, withdraw … */
  readonly action: string;
  readonly by:
    | { readonly entity: string }
    | { readonly staff: string; readonly role: string }
    | { readonly citizen: "subject" | "guardian" }
    | { readonly share: string };
  readonly records: readonly { readonly registry: string; readonly rid: string }[];
  readonly fields: readonly string[];
  readonly purpose?: string;
  readonly basis?:
    | { readonly consent: string }
    | { readonly law: LocalizedText }
    | { readonly office: true }
    | { readonly own: true };
  readonly case?: string;
  /** Of a decision about a permission. */
  readonly consent?: { readonly id: string };
  /** The person's running number. */
  readonly number: number;
  readonly logIndex: number;
}

export interface UsageQuery {
  readonly cursor?: string;
  readonly consumer?: string;
  readonly purpose?: string;
}

export interface UsagePage {
  readonly entries: readonly UsageEntry[];
  /** How many more a law keeps secret for now. */
  readonly delayed: number;
  readonly next?: string;
}

export interface OwnUsage {
  list(citizen: Citizen, query: UsageQuery): Promise<UsagePage>;
}
