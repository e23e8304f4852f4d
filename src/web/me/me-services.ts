// What a citizen's pages ask of the node. Each of it answers for the citizen that is given and for nobody else. Types only.
import type { JsonObject } from "../../crypto/json.ts";
import type { Citizen } from "../../identity/caller.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { LocalizedText } from "../../registries/localized-text.ts";

export interface OwnRecords {
  /** The records that are surely the citizen's, with all that they say. */
  list(citizen: Citizen, languages: readonly string[]): Promise<readonly RecordView[]>;
  /** The record with everything open in it, and all that proves it. Throws `record_unknown` where it is not the citizen's. */
  evidence(citizen: Citizen, record: { readonly registry: string; readonly rid: string }): Promise<JsonObject>;
}

export type ConsentState = "requested" | "given" | "paused" | "refused" | "withdrawn" | "expired" | "invalidated";

/** Times as RFC 3339. */
export interface ConsentSummary {
  readonly id: string;
  readonly state: ConsentState;
  /** Entity identifier of who asks. */
  readonly consumer: string;
  readonly registry: string;
  readonly purpose: string;
  /** What is allowed, of `requestedFields`. */
  readonly fields: readonly string[];
  readonly requestedFields: readonly string[];
  readonly startsAt: string;
  readonly expiresAt: string;
  readonly oneTime: boolean;
  readonly requestedAt: string;
  readonly decidedAt?: string;
  readonly note?: string;
  readonly notice: {
    readonly language: string;
    readonly title: string;
    readonly text: string;
    readonly hash: string;
  };
}

export interface ConsentTerms {
  readonly fields?: readonly string[];
  readonly expiresAt?: string;
  readonly oneTime?: boolean;
  /** In which the notice was read. */
  readonly language: string;
}

export interface OwnConsents {
  list(citizen: Citizen): Promise<readonly ConsentSummary[]>;
  get(citizen: Citizen, id: string): Promise<ConsentSummary>;
  give(citizen: Citizen, id: string, terms: ConsentTerms): Promise<unknown>;
  refuse(citizen: Citizen, id: string): Promise<unknown>;
  pause(citizen: Citizen, id: string): Promise<unknown>;
  resume(citizen: Citizen, id: string): Promise<unknown>;
  withdraw(citizen: Citizen, id: string): Promise<unknown>;
}

/** One look at somebody's data. */
export interface UsageEntry {
  /** RFC 3339. */
  readonly at: string;
  readonly operation: string;
  readonly by: { readonly entity?: string; readonly role?: string; readonly pseudonym?: string };
  readonly registry: string;
  readonly rid: string;
  readonly fields: readonly string[];
  readonly purpose?: string;
  readonly basis?: { readonly consent: string; readonly given_at: string } | { readonly law: LocalizedText };
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
