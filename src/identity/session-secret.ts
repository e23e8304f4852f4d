// What a browser holds of a session, and what its forms bring: rules of staff's and of citizens' sessions alike. Pure.
import { encodeBase64url } from "../crypto/base64.ts";
import { equalBytes, hmacSha256, sha256 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";

/** Bytes of a session's secret, which a browser holds as base64url. */
export const SESSION_SECRET_BYTES = 32;

const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** Whether a cookie's value (untrusted) could be a secret at all. */
export function isSessionSecret(text: string | undefined): text is string {
  return text !== undefined && SECRET.test(text);
}

/** Under what a session is kept. */
export function hashSessionSecret(secret: string): string {
  return encodeBase64url(sha256(secret));
}

/** Derived, so that it is nowhere kept, and differs from session to session. */
export function formTokenOf(secret: string): string {
  return encodeBase64url(hmacSha256(sha256(`attestry/form/v1\n${secret}`), "form"));
}

/** Throws `form_token_invalid`. */
export function checkFormToken(session: { readonly formToken: string }, formToken: string | undefined): void {
  if (formToken !== undefined && equalBytes(sha256(formToken), sha256(session.formToken))) return;
  throw new AttestryError(
    "form_token_invalid",
    "the form is not of this session; go back, load the page again and send the form once more",
  );
}
