// The `binding` check: this token was given to this reader, for this question, and the reading is in the issuer's access log. Knows no policy but what was expected.
import { verifyEd25519 } from "../crypto/ed25519.ts";
import { encodeUtf8 } from "../crypto/hash.ts";
import { type DecodedJws, decodeJws } from "../crypto/jws.ts";
import { AttestryError } from "../errors.ts";
import { CLOCK_SKEW_SECONDS } from "../limits.ts";
import type { IssuerTrust } from "./issuer-trust.ts";
import type { Expectation } from "./policy.ts";
import {
  PRESENTATION_TYPE,
  PRINT_AUDIENCE,
  type Presentation,
  type PresentationClaims,
  parsePresentation,
  sdHash,
  shareAddress,
} from "./presentation.ts";
import { findReceiptFault } from "./reading-receipt.ts";
import { type CheckOutcome, failed, notChecked, passed } from "./report.ts";

function readPresentation(text: string): { decoded: DecodedJws; claims: PresentationClaims } | CheckOutcome {
  try {
    const decoded = decodeJws(text);
    if (decoded.header.typ !== PRESENTATION_TYPE || decoded.header.alg !== "Ed25519")
      return failed("binding", "presentation_malformed", "it is a token of another type");
    return { decoded, claims: parsePresentation(decoded.payload) };
  } catch (error) {
    if (error instanceof AttestryError) return failed("binding", "presentation_malformed", error.message);
    throw error;
  }
}

/**
 * Whether it was given to who is meant, and for the question that was asked. What a person shares and a person's own copy answer no
 * question of the verifier's: whoever shows them got them from the person, and that is for people to judge.
 */
function judgeReader(
  { aud, nonce, basis }: PresentationClaims,
  { issuer, expected, reader }: { issuer: string; expected: Expectation; reader: string | undefined },
): CheckOutcome {
  const isFromPerson = "share" in basis || "own" in basis;
  if (!isFromPerson && (expected.audience === undefined || expected.nonce === undefined))
    return notChecked("binding", "presentation_audience_not_given");
  if (expected.audience !== undefined && aud !== expected.audience)
    return failed("binding", "presentation_audience_wrong");
  if (expected.nonce !== undefined && nonce !== expected.nonce) return failed("binding", "presentation_nonce_wrong");
  if (aud === PRINT_AUDIENCE) return passed("binding", "passed_as_copy");
  if (!("share" in basis)) return passed("binding");
  const isMeant =
    expected.audience !== undefined || aud === shareAddress({ issuer, id: basis.share }) || aud === reader;
  return isMeant
    ? passed("binding", "passed_by_share")
    : notChecked("binding", "presentation_audience_not_given", `the person shared them with ${aud}`);
}

/**
 * `token`: the SD-JWT as it was verified; `issuer`: its `iss`. Audience and nonce are those that the verifier expects: without them nobody
 * can tell whom the fields were given to. `reader`: as whom the verifier may be meant by what a person shares. `now`: Unix seconds.
 */
export function checkBinding(options: {
  presentation: Presentation | undefined;
  token: string;
  issuer: string;
  trust: IssuerTrust;
  expected: Expectation;
  reader?: string | undefined;
  now: number;
}): CheckOutcome {
  const { presentation, token, issuer, trust, expected, reader, now } = options;
  if (presentation === undefined) return notChecked("binding", "presentation_missing");
  const read = readPresentation(presentation.token);
  if ("check" in read) return read;
  const { decoded, claims } = read;
  const key = trust.chain.keys.record.find(({ kid }) => kid === decoded.header.kid);
  if (key === undefined)
    return failed("binding", "presentation_signature_invalid", "by none of the issuer's record keys");
  const { parts, signature } = decoded;
  if (!verifyEd25519(key.raw, encodeUtf8(`${parts.header}.${parts.payload}`), signature))
    return failed("binding", "presentation_signature_invalid");
  if (claims.iss !== issuer) return failed("binding", "presentation_foreign");
  if (claims.sd_hash !== sdHash(token)) return failed("binding", "presentation_token_mismatch");
  if (claims.iat > now + CLOCK_SKEW_SECONDS || claims.exp <= now) return failed("binding", "presentation_expired");
  const judged = judgeReader(claims, { issuer, expected, reader });
  if (judged.result !== "pass") return judged;
  const fault = findReceiptFault(presentation.receipt, claims.event, trust.chain);
  return fault === undefined ? judged : failed("binding", "reading_not_logged", fault);
}
