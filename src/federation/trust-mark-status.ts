// The signed answer to "does this mark still hold?" (OpenID Federation 1.0 §8.4): its form, its signing, its proof. Pure.
import { signJws, verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { CLOCK_SKEW_SECONDS } from "../limits.ts";

export const STATUS_RESPONSE_TYPE = "trust-mark-status-response+jwt";

export type TrustMarkStatus = "active" | "expired" | "revoked" | "invalid";

/** `now`: Unix seconds. */
export function signTrustMarkStatus(terms: {
  readonly signer: Signer;
  readonly issuer: string;
  readonly text: string;
  readonly status: TrustMarkStatus;
  readonly now: number;
}): Promise<string> {
  const payload = { iss: terms.issuer, iat: terms.now, trust_mark: terms.text, status: terms.status };
  return signJws({ signer: terms.signer, typ: STATUS_RESPONSE_TYPE, payload });
}

/** Whether an answer (untrusted) says, now and about this mark, that it holds. Throws `trust_mark_status_open`. */
export async function checkTrustMarkActive(
  answer: string,
  expected: {
    readonly issuer: string;
    readonly keys: readonly PublicKey[];
    readonly text: string;
    readonly now: number;
  },
): Promise<void> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new AttestryError("trust_mark_status_open", `trust mark: ${reason}`, { cause });
  };
  try {
    const { payload } = await verifyJws(answer, { typ: STATUS_RESPONSE_TYPE, keys: expected.keys, acceptEdDSA: true });
    if (payload.iss !== expected.issuer) refuse("its status is told by another than its issuer");
    // Else the answer about one mark could be given for another.
    if (payload.trust_mark !== expected.text) refuse("the status is another mark's");
    // An old answer could be kept and shown after the mark was revoked.
    const isFresh =
      Number.isSafeInteger(payload.iat) && Math.abs((payload.iat as number) - expected.now) <= CLOCK_SKEW_SECONDS;
    if (!isFresh) refuse("its status was not told now");
    if (payload.status !== "active") refuse(`its issuer calls it ${String(payload.status).slice(0, 40)}`);
  } catch (error) {
    if (isAttestryError(error, "trust_mark_status_open") || !isAttestryError(error)) throw error;
    refuse(`${error.code}: the answer about its status cannot be believed`, error);
  }
}
