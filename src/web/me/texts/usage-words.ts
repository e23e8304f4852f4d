// What a sentence about a look at somebody's data is made of, each part ready to be read in the sentence's language. Types only.

export type UsageVerb = "read" | "answer" | "received" | "search" | "export" | "change" | "open";

export interface UsageWords {
  readonly day: string;
  readonly who: string;
  /** Whether the person did it. */
  readonly isOwn: boolean;
  readonly verb: UsageVerb;
  /** Of a yes or no: since how many years. */
  readonly years: number | undefined;
  /** What people call the fields; none where the record as a whole is meant. */
  readonly fields: readonly string[];
  /** What people call the registry. */
  readonly registry: string;
  readonly purpose: string | undefined;
  /** The reader's own number of the matter. */
  readonly matter: string | undefined;
  /** `givenOn` is left out where it is not known. */
  readonly basis:
    | { readonly givenOn: string | undefined }
    | { readonly law: string }
    | { readonly office: true }
    | undefined;
}

export type Decision = "give" | "refuse" | "pause" | "resume" | "withdraw" | "invalidate";

/** What the person shared, or ended. */
export interface ShareWords {
  readonly day: string;
  readonly isEnd: boolean;
  /** With whom, in the person's own words. */
  readonly recipient: string;
  readonly fields: readonly string[];
  readonly purpose: string | undefined;
}

/** A decision about a permission, which stands among the looks. */
export interface DecisionWords {
  readonly day: string;
  /** Undefined where it was the person. */
  readonly who: string | undefined;
  readonly decision: Decision;
  /** Who asked; undefined where the permission is not known any more. */
  readonly consumer: string | undefined;
  readonly purpose: string | undefined;
}
