// What a sentence about a look at somebody's data is made of, each part ready to be read in the sentence's language. Types only.

export type UsageVerb = "read" | "answer" | "received" | "search" | "change";

export interface UsageWords {
  readonly day: string;
  readonly who: string;
  readonly operation: UsageVerb;
  /** What people call the fields; none where the record as a whole is meant. */
  readonly fields: readonly string[];
  /** What people call the registry. */
  readonly registry: string;
  readonly purpose: string | undefined;
  readonly basis: { readonly givenOn: string } | { readonly law: string } | undefined;
}
