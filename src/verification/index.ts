// The package's entry `attestry/verify`, for Node and browsers. Exports only; the one such file in the project.
export { type PublicKey, parseKeySet } from "../crypto/keys.ts";
export { type AnswerExpectation, type SignedAnswer, type VerifiedAnswer, verifyAnswer } from "./answer-check.ts";
export { type AttachmentVerdict, verifyAttachment } from "./attachment-check.ts";
export { type Evidence, parseEvidenceText } from "./evidence.ts";
export {
  CHECK_NAMES,
  type CheckName,
  type Expectation,
  REQUIRED_BY_DEFAULT,
  type VerifierPolicy,
  type VerifyOptions,
} from "./policy.ts";
export { parseVerifierPolicy, parseVerifierPolicyText } from "./policy-file.ts";
export {
  type CheckOutcome,
  type CheckResult,
  VERIFICATION_SENTENCES,
  type Verdict,
  type VerificationCode,
  type VerificationReport,
  type VerifiedRecord,
} from "./report.ts";
export {
  buildReportPayload,
  digestPolicy,
  SIGNED_REPORT_TYPE,
  type SignedReport,
  verifySignedReport,
} from "./signed-report.ts";
export { createStateVerifier, type StateEvidence, type StateStatement } from "./state-statement.ts";
export { createVerifier, type Verifier } from "./verifier.ts";
