// How an applicant proves that it holds its federation key: a JWS over the superior's challenge. Pure.
import type { JsonObject } from "../crypto/json.ts";
import { signJws, verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { CLOCK_SKEW_SECONDS, ENROLMENT_PROOF_SECONDS_MAX } from "../limits.ts";

export const ENROLMENT_PROOF_TYPE = "attestry-enrolment+jwt";

/** What a proof says; times in Unix seconds. `code`: a one-time code of the superior, by which it accepts at once. */
export interface EnrolmentClaims {
  readonly entity: string;
  readonly superior: string;
  readonly nonce: string;
  readonly code?: string | undefined;
}

export function signEnrolmentProof(claims: EnrolmentClaims, signer: Signer, now: number): Promise<string> {
  const payload: JsonObject = {
    iss: claims.entity,
    aud: claims.superior,
    nonce: claims.nonce,
    iat: now,
    exp: now + ENROLMENT_PROOF_SECONDS_MAX,
    ...(claims.code !== undefined && { code: claims.code }),
  };
  return signJws({ signer, typ: ENROLMENT_PROOF_TYPE, payload });
}

function refuse(reason: string, cause?: unknown): never {
  throw new AttestryError("enrolment_proof_invalid", `the proof of the applicant's key: ${reason}`, { cause });
}

/** The one-time code of a proof, if it has one. `text` is untrusted. Throws `enrolment_proof_invalid`. */
export async function verifyEnrolmentProof(
  text: string,
  expected: Omit<EnrolmentClaims, "code">,
  { keys, now }: { keys: readonly PublicKey[]; now: number },
): Promise<string | undefined> {
  let payload: JsonObject;
  try {
    ({ payload } = await verifyJws(text, { typ: ENROLMENT_PROOF_TYPE, keys }));
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return refuse(`${error.code}: it is no JWS of type ${ENROLMENT_PROOF_TYPE} by a key of the configuration`, error);
  }
  const { iss, aud, nonce, iat, exp, code } = payload;
  if (iss !== expected.entity) refuse("iss is not the applicant");
  // Else a superior could pass on to another what was said to itself.
  if (aud !== expected.superior) refuse(`aud is not ${expected.superior}`);
  if (nonce !== expected.nonce) refuse("nonce is not the challenge");
  if (!Number.isSafeInteger(iat) || !Number.isSafeInteger(exp)) refuse("iat or exp is no whole number of seconds");
  const [from, until] = [iat as number, exp as number];
  if (until <= from || until - from > ENROLMENT_PROOF_SECONDS_MAX)
    refuse(`it does not hold for 1 to ${ENROLMENT_PROOF_SECONDS_MAX} seconds`);
  if (from > now + CLOCK_SKEW_SECONDS || until <= now) refuse("it is from the future, or has expired");
  if (code !== undefined && typeof code !== "string") refuse("code is no text");
  return code;
}
