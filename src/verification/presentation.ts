// The word of a home node that it gave these fields to this reader, for this purpose, on this basis (`attestry-pres+jwt`, DESIGN section 10). Pure; proves nothing.
import { sha256Base64url } from "../crypto/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";

export const PRESENTATION_TYPE = "attestry-pres+jwt";

/**
 * By which right: a consent, or something that the person shares, and the digest of its signed terms; a law in the words of the definition;
 * or the person's own, of the person's own copy.
 */
export type PresentedBasis =
  | { readonly consent: string; readonly terms: string }
  | { readonly share: string; readonly terms: string }
  | { readonly law: string }
  | { readonly own: true };

/** `aud` of a person's own copy, which is shown as a paper copy is: to anybody. */
export const PRINT_AUDIENCE = "print";

/** What a person shares with nobody by name is for whoever has its link; `issuer`: the name that the node's records have. */
export function shareAddress({ issuer, id }: { readonly issuer: string; readonly id: string }): string {
  return `${issuer}/shared/${id}`;
}

export interface PresentationClaims {
  readonly iss: string;
  /** The reader, by its entity identifier; of what is shared by a link, that; of the person's own copy, PRINT_AUDIENCE. */
  readonly aud: string;
  readonly nonce: string;
  readonly iat: number;
  readonly exp: number;
  readonly purpose: string;
  readonly basis: PresentedBasis;
  /** base64url SHA-256 of the token with its disclosures, as in RFC 9901 §4.3.1. */
  readonly sd_hash: string;
  /** The event of the access log that the reading is: what its entry commits to, and its place. */
  readonly event: { readonly commitment: string; readonly index: number };
}

/** What binds a token to its reader, with the proof that the reading is in the issuer's access log. */
export interface Presentation {
  readonly token: string;
  /** A tlog-proof of the event's entry. */
  readonly receipt: string;
}

/** `sd_hash` of an SD-JWT that ends in `~`. */
export function sdHash(token: string): string {
  return sha256Base64url(token);
}

const DIGEST = /^[A-Za-z0-9_-]{43}$/;

function invalid(member: string): AttestryError {
  return new AttestryError("evidence_invalid", `presentation: ${member} is missing or has another form`);
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** Whether it names one right, and no other beside it. */
export function isPresentedBasis(basis: Json | undefined): basis is PresentedBasis & JsonObject {
  if (!isJsonObject(basis)) return false;
  const { consent, share, terms, law, own } = basis;
  const rights = [consent, share, law, own].filter((one) => one !== undefined);
  if (rights.length !== 1) return false;
  return own === true || isText(law) || ((isText(consent) || isText(share)) && isText(terms));
}

/** Whether it names an entry of an access log: what it commits to, and its place. */
export function isEventPlace(event: Json | undefined): event is PresentationClaims["event"] & JsonObject {
  return (
    isJsonObject(event) && typeof event.commitment === "string" && DIGEST.test(event.commitment) && isTime(event.index)
  );
}

/** Reads a presentation's payload (untrusted) in strict form. Throws `evidence_invalid`. */
export function parsePresentation(payload: JsonObject): PresentationClaims {
  const { iss, aud, nonce, iat, exp, purpose, basis, sd_hash, event } = payload;
  for (const [name, value] of Object.entries({ iss, aud, nonce, purpose })) if (!isText(value)) throw invalid(name);
  if (!isTime(iat) || !isTime(exp) || exp <= iat) throw invalid("iat or exp");
  if (typeof sd_hash !== "string" || !DIGEST.test(sd_hash)) throw invalid("sd_hash");
  if (!isPresentedBasis(basis)) throw invalid("basis");
  // A copy for everybody is of the person's own, and of nothing else.
  if ((aud === PRINT_AUDIENCE) !== "own" in basis) throw invalid("aud");
  if (!isEventPlace(event)) throw invalid("event");
  return payload as unknown as PresentationClaims;
}
