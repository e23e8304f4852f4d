// How a subordinate says that it leaves: a JWS by a federation key that its superior knows it by. Pure.
import { signJws, verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { CLOCK_SKEW_SECONDS, ENROLMENT_PROOF_SECONDS_MAX } from "../limits.ts";

export const DEPARTURE_TYPE = "attestry-departure+jwt";

/** `now`: Unix seconds. */
export function signDeparture(
  { entity, superior }: { entity: string; superior: string },
  { signer, now }: { signer: Signer; now: number },
): Promise<string> {
  const payload = { iss: entity, aud: superior, iat: now, exp: now + ENROLMENT_PROOF_SECONDS_MAX };
  return signJws({ signer, typ: DEPARTURE_TYPE, payload });
}

function refuse(reason: string, cause?: unknown): never {
  throw new AttestryError("departure_invalid", `the departure: ${reason}`, { cause });
}

/**
 * Checks that the entity with these `keys`, accepted at `acceptedAt`, leaves `superior` now. `text` is untrusted. Times in Unix seconds.
 * Throws `departure_invalid`.
 */
export async function verifyDeparture(
  text: string,
  options: { entity: string; superior: string; keys: readonly PublicKey[]; acceptedAt: number; now: number },
): Promise<void> {
  const { keys, acceptedAt, now } = options;
  try {
    const { payload } = await verifyJws(text, { typ: DEPARTURE_TYPE, keys });
    const { iss, aud, iat, exp } = payload;
    if (iss !== options.entity) refuse("iss is another entity");
    if (aud !== options.superior) refuse(`aud is not ${options.superior}`);
    if (typeof iat !== "number" || typeof exp !== "number" || !Number.isSafeInteger(iat) || !Number.isSafeInteger(exp))
      return refuse("iat or exp is no whole number of seconds");
    if (iat > now + CLOCK_SKEW_SECONDS || exp <= now || exp - iat > ENROLMENT_PROOF_SECONDS_MAX)
      refuse("it is not of now");
    // Sent again by somebody after the entity has come back, it must not send it away once more.
    if (iat < acceptedAt - CLOCK_SKEW_SECONDS) refuse("it is older than the subordinate's acceptance");
  } catch (error) {
    if (!isAttestryError(error) || error.code === "departure_invalid") throw error;
    refuse(`${error.code}: it is no JWS of type ${DEPARTURE_TYPE} by a key that the subordinate is known by`, error);
  }
}
