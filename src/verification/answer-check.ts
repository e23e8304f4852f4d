// Verifies a signed answer (POST /answers): who says yes or no, to whom, to which question. No I/O, no clock; takes no anchor out of what it is shown.
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { verifyJws } from "../crypto/jws.ts";
import { AttestryError } from "../errors.ts";
import { speaksFor } from "../federation/node-metadata.ts";
import { type AnchorPin, type VerifiedChain, verifyTrustChain } from "../federation/trust-chain.ts";
import { ANSWER_CHARS_MAX, ANSWER_SECONDS, CLOCK_SKEW_SECONDS } from "../limits.ts";
import { ANSWER_TYPE, type AnswerQuestion, type AnswerReading } from "../records/answers/answer-question.ts";
import { isEventPlace, isPresentedBasis } from "./presentation.ts";
import { findReceiptFault } from "./reading-receipt.ts";

/** As `POST /answers` gives it; untrusted. */
export interface SignedAnswer {
  readonly answer: string;
  /** Of an answer about a personal record: the proof that it is in the access log. */
  readonly receipt?: string;
  /** Entity statements: the answering node's configuration first, the anchor's last. */
  readonly chain: readonly string[];
}

/** What the verifier knows by itself, before it reads the answer. */
export interface AnswerExpectation {
  readonly anchors: readonly AnchorPin[];
  /** Unix seconds. */
  readonly now: number;
  /** The verifier's own name, as it was given as `audience`. */
  readonly audience: string;
  /** The verifier's own, used once. */
  readonly nonce: string;
  readonly question: AnswerQuestion;
  /** The node whose answer counts, by the name that its records have. */
  readonly issuer: string;
}

export interface VerifiedAnswer {
  readonly answer: boolean;
  readonly issuer: string;
  readonly anchor: string;
  readonly registryType: string;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Of an answer about a personal record: for what it was given, by which right, and where it stands in the issuer's access log. */
  readonly reading?: AnswerReading;
}

const MEMBERS = ["iss", "rtype", "aud", "nonce", "iat", "exp", "question", "answer", "reading"];

function invalid(claim: string, rule: string): AttestryError {
  return new AttestryError("token_invalid", `signed answer: ${claim} ${rule}`);
}

function readSeconds(payload: JsonObject, name: "iat" | "exp"): number {
  const value = payload[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw invalid(name, "must be Unix seconds");
  return value;
}

function checkTimes(payload: JsonObject, now: number): { issuedAt: number; expiresAt: number } {
  const [issuedAt, expiresAt] = [readSeconds(payload, "iat"), readSeconds(payload, "exp")];
  if (expiresAt <= issuedAt || expiresAt - issuedAt > ANSWER_SECONDS)
    throw invalid("exp", `must be at most ${ANSWER_SECONDS} seconds after iat`);
  if (issuedAt > now + CLOCK_SKEW_SECONDS) throw invalid("iat", "is in the future; compare the clocks");
  if (expiresAt <= now - CLOCK_SKEW_SECONDS)
    throw new AttestryError("token_expired", "the signed answer has ended; ask again");
  return { issuedAt, expiresAt };
}

/** An answer that was given to somebody else, to another question or to an earlier one is none. */
function checkBinding(payload: JsonObject, expected: AnswerExpectation): void {
  const mismatch = (what: string) => new AttestryError("answer_mismatch", `the signed answer is ${what}`);
  if (payload.aud !== expected.audience) throw mismatch("for another audience");
  if (payload.nonce !== expected.nonce) throw mismatch("to another nonce: it may be an old one");
  if (payload.iss !== expected.issuer) throw mismatch("another node's");
  if (!isJsonObject(payload.question)) throw invalid("question", "must be an object");
  if (canonicalJson(payload.question) !== canonicalJson(expected.question as unknown as Json))
    throw mismatch("to another question");
}

/** What the answer says of its own reading, which must be in the access log of whoever signed it. */
function readReading(
  reading: Json | undefined,
  receipt: string | undefined,
  chain: VerifiedChain,
): AnswerReading | undefined {
  if (reading === undefined) {
    if (receipt !== undefined) throw invalid("reading", "is missing: the receipt belongs to nothing that is signed");
    return undefined;
  }
  if (!isJsonObject(reading)) throw invalid("reading", "must be an object");
  const { purpose, basis, event, ...rest } = reading;
  if (typeof purpose !== "string" || purpose === "" || Object.keys(rest).length > 0)
    throw invalid("reading", "has another form");
  // What a person shares, or keeps as a copy, are records and no answers.
  if (!isPresentedBasis(basis) || "share" in basis || "own" in basis || !isEventPlace(event))
    throw invalid("reading", "names no basis or no event");
  if (receipt === undefined) throw invalid("reading", "lacks its receipt from the access log");
  const fault = findReceiptFault(receipt, event, chain);
  if (fault !== undefined) throw invalid("reading", `is not proved to be in the access log: ${fault}`);
  return { purpose, basis, event };
}

/**
 * Throws what `verifyTrustChain` and `verifyJws` throw, `token_invalid` naming the claim, `token_expired`, `permission_denied` where the
 * chain does not grant the registry type, and `answer_mismatch`.
 */
export async function verifyAnswer(signed: SignedAnswer, expected: AnswerExpectation): Promise<VerifiedAnswer> {
  const { anchors, now, issuer } = expected;
  if (signed.answer.length > ANSWER_CHARS_MAX)
    throw new AttestryError("token_invalid", `the signed answer is longer than ${ANSWER_CHARS_MAX} characters`);
  const chain = await verifyTrustChain({ statements: signed.chain, anchors, now });
  if (!speaksFor(chain, issuer)) throw new AttestryError("answer_mismatch", "the chain is another node's");
  // Keys that were reported are not among these: no answer is so old that it could be from before.
  const { payload } = await verifyJws(signed.answer, { typ: ANSWER_TYPE, keys: chain.keys.record });
  const unknown = Object.keys(payload).find((member) => !MEMBERS.includes(member));
  if (unknown !== undefined) throw invalid("payload", "has an unknown member");
  const times = checkTimes(payload, now);
  checkBinding(payload, expected);
  const { rtype, answer } = payload;
  const reading = readReading(payload.reading, signed.receipt, chain);
  if (typeof rtype !== "string") throw invalid("rtype", "must be a text");
  if (typeof answer !== "boolean") throw invalid("answer", "must be true or false");
  // DESIGN promise 3: silence grants nothing.
  if (!chain.registryTypes.includes(rtype))
    throw new AttestryError("permission_denied", `no superior lets this node speak about records of type "${rtype}"`);
  return { answer, issuer, anchor: chain.anchor, registryType: rtype, ...times, ...(reading && { reading }) };
}
