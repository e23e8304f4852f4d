// A signed answer's question and claims (DESIGN section 10): what may be asked, what the yes or no is about. Pure; portable; signs nothing.
import type { Json, JsonObject } from "../../crypto/json.ts";

/** By record keys only, beside record tokens and state statements (DESIGN section 3: one closed list of `typ` per key). */
export const ANSWER_TYPE = "attestry-answer+jwt";

/** A simple key is the identifier, or the value of the only field that is unique alone. */
export type AnswerKey = string | number | boolean | JsonObject;

/**
 * About the record with this key of this registry, or at this URL. `values`: by the names of fields, nested ones with dots. `field`, `years`:
 * whether the date in the field is that many years ago, or more.
 */
export type AnswerQuestion = (
  | { readonly kind: "exists" }
  | { readonly kind: "matches"; readonly values: Readonly<Record<string, Json>> }
  | { readonly kind: "age"; readonly field: string; readonly years: number }
) &
  (
    | { readonly registry: string; readonly key: AnswerKey; readonly record?: never }
    | { readonly record: string; readonly registry?: never; readonly key?: never }
  );

/** By which right another node reads: a consent and the digest of its signed terms, or a law in the words of the definition. */
export type ReaderBasis = { readonly consent: string; readonly terms: string } | { readonly law: string };

/** Of an answer about a personal record: the purpose, the right, and the event of the access log that the answer is. */
export interface AnswerReading {
  readonly purpose: string;
  readonly basis: ReaderBasis;
  readonly event: { readonly commitment: string; readonly index: number };
}

/** Yes: the record is there, active and in effect, and has exactly these values; no: anything else. Times in Unix seconds. */
export interface AnswerClaims {
  readonly iss: string;
  /** Registry type: what authority is granted over. */
  readonly rtype: string;
  readonly aud: string;
  readonly nonce: string;
  readonly iat: number;
  readonly exp: number;
  /** As it was asked. */
  readonly question: AnswerQuestion;
  readonly answer: boolean;
  readonly reading?: AnswerReading;
}
