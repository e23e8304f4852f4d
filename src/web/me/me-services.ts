// What a citizen's pages ask of the access log. Each answers for the citizen that is given and for nobody else. Types only; times in Unix seconds.
import type { Citizen } from "../../identity/caller.ts";
import type { LocalizedText } from "../../registries/localized-text.ts";

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
