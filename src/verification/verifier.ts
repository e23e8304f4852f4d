// The ordered checks of one record (DESIGN section 9). No I/O, no clock; takes neither anchor nor policy out of evidence.
import { parseKeySet } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { parseWitnessPolicy } from "../log/witness-policy.ts";
import { jwtDigest } from "../records/record-url.ts";
import { checkBinding } from "./binding-check.ts";
import { type EvidenceParts, parseEvidence, parseEvidenceText } from "./evidence.ts";
import { createCheckpointMemory, createInclusionCheck, entryOfVersion, isBeforeReport } from "./inclusion-check.ts";
import { checkAuthority, createIssuerCheck, isAfterArchive } from "./issuer-check.ts";
import type { IssuerTrust } from "./issuer-trust.ts";
import {
  CHECK_NAMES,
  type CheckName,
  REQUIRED_ALWAYS,
  requiredBy,
  type VerifierPolicy,
  type VerifyOptions,
} from "./policy.ts";
import { checkValidity, createSchemaCheck } from "./record-check.ts";
import {
  type CheckOutcome,
  failed,
  notChecked,
  passed,
  type VerificationReport,
  type VerifiedRecord,
} from "./report.ts";
import { createStatusCheck } from "./status-check.ts";
import { checkExpectation, checkSignature, findReportedKey, type ParsedToken, parseToken } from "./token-check.ts";
import { checkFreshness, checkWitness, type WitnessAnswer } from "./witness-check.ts";

export interface Verifier {
  /**
   * Runs every check on `evidence` (an untrusted value in the form of `Evidence`). Bad evidence gives a report, never an
   * exception. `valid`: each required check passed; a check that could not run did not pass.
   */
  verify(evidence: unknown, options: VerifyOptions): Promise<VerificationReport>;
  /** The same for the text of an evidence file (untrusted): one that cannot be read has a report too, which says so. */
  verifyText(text: string, options: VerifyOptions): Promise<VerificationReport>;
}

/** What the checks found so far; a check missing here has not run. */
interface Findings {
  readonly outcomes: Map<CheckName, CheckOutcome>;
  required: readonly CheckName[];
  record?: VerifiedRecord;
}

/** What a thief signs may claim any time: of a reported key only the place in the log tells what was there before (DESIGN section 6). */
function judgeReportedKey(token: ParsedToken, trust: IssuerTrust, index: number | undefined): CheckOutcome | undefined {
  const report = findReportedKey(token, trust);
  if (report === undefined) return undefined;
  if (isBeforeReport(index, report)) return passed("signature", "passed_before_report");
  return failed("signature", "key_compromised", `its first ${report.logSize} entries are from before`);
}

function describeRecord(token: ParsedToken, trust: IssuerTrust): VerifiedRecord {
  const { record, claims, undisclosedCount } = token;
  return {
    href: record.href,
    issuer: record.issuer,
    anchor: trust.chain.anchor,
    registryType: record.registryType,
    rid: record.rid,
    version: record.version,
    ...(record.identifier !== undefined && { identifier: record.identifier }),
    digest: jwtDigest(token.jwt),
    claims,
    data: record.data,
    undisclosedCount,
  };
}

/**
 * The checks of DESIGN section 9, in its order but for one: a signature's key comes out of the issuer's chain, so `issuer` is found
 * first, though it is reported second. What fails in the first three ends the run; after them each check says what it finds.
 */
function createChecks(policy: VerifierPolicy) {
  const checkpoints = createCheckpointMemory();
  const checkIssuer = createIssuerCheck(policy, checkpoints);
  const checkSchema = createSchemaCheck();
  const checkStatus = createStatusCheck(checkpoints);
  const checkInclusion = createInclusionCheck(checkpoints);
  const witnesses = policy.witnessPolicy === undefined ? undefined : parseWitnessPolicy(policy.witnessPolicy);

  return async (evidence: EvidenceParts, findings: Findings, options: VerifyOptions): Promise<void> => {
    const { now, expected = policy.expected ?? {}, reader } = options;
    const add = (outcome: CheckOutcome) => findings.outcomes.set(outcome.check, outcome);

    // format: strict parse, typ, alg, and whether it is the record that was asked for
    const token = parseToken(evidence.token);
    if ("check" in token) {
      add(token);
      return;
    }
    const { record, jwt } = token;
    add(checkExpectation(token, expected));

    // issuer: a chain to a pinned anchor, of today, or the archived one
    const issuer = await checkIssuer(token, evidence, now);
    const { trust } = issuer;
    add(issuer.outcome);
    if (issuer.outcome.result !== "pass" || trust === undefined) return;

    // signature: by a record key of that chain
    const signature = checkSignature(token, trust);
    add(signature);
    if (signature.result !== "pass") return;

    // authority: the registry type is granted
    add(checkAuthority(record, trust));

    // schema: the definition that the issuer signed, and the data by it
    const { outcome, schema } = checkSchema(token, evidence.definition);
    add(outcome);
    // A personal record proves nothing about whoever shows it, unless it is bound to them.
    if (schema?.access === "consent") findings.required = [...new Set([...findings.required, "binding" as const])];

    // validity: signed before now, in effect now
    add(checkValidity(record, now));

    // status: a fresh list of the issuer's, itself in the log where that is shown or asked for
    const status = await checkStatus({
      token: evidence.statusToken,
      receipt: evidence.statusReceipt,
      claims: record,
      trust,
      now,
      maxAgeSeconds: policy.statusMaxAgeSeconds,
      isSupersededAllowed: policy.allowSuperseded === true || expected.version === record.version,
      isReceiptRequired: policy.requireStatusReceipt === true,
    });
    add(status.outcome);

    // inclusion: the version's one place in the issuer's log
    const { firstReceipt, recentReceipt } = evidence;
    // DESIGN section 6: of a personal record only its subject gets the key; of any other it belongs to the receipt.
    const isKeyExpected = schema !== undefined && schema.access !== "consent";
    const entry = entryOfVersion(jwt, record);
    const inclusion = checkInclusion({ firstReceipt, recentReceipt, entry, trust, isKeyExpected });
    add(inclusion.outcome);

    // The place in the log decides on two checks before it: a key reported as stolen, a chain archived in the same log.
    const reported = judgeReportedKey(token, trust, inclusion.index);
    if (reported !== undefined) add(reported);
    if (!isAfterArchive(issuer, inclusion.index)) add(failed("issuer", "archive_unproved"));

    // witness: a quorum of independent witnesses saw the log as the receipt shows it
    const { checkpoint } = inclusion;
    const witness: WitnessAnswer =
      checkpoint === undefined && witnesses !== undefined
        ? { outcome: notChecked("witness", "prerequisite_failed") }
        : checkWitness(witnesses, { checkpoint: checkpoint ?? "", claims: record, trust, now });
    add(witness.outcome);

    // freshness: of the list, and of the checkpoint where the policy sets an age
    const { checkpointMaxAgeSeconds } = policy;
    if (status.freshList) add(checkFreshness({ checkpointMaxAgeSeconds, times: witness.times, now }));

    // binding: to whom, and for what, personal fields were given
    const { presentation } = evidence;
    add(checkBinding({ presentation, token: evidence.token, issuer: record.issuer, trust, expected, reader, now }));

    findings.record = describeRecord(token, trust);
  };
}

function concludeReport({ outcomes, required, record }: Findings): VerificationReport {
  const checks = CHECK_NAMES.map((check) => outcomes.get(check) ?? notChecked(check, "prerequisite_failed"));
  // Without these nothing of a record is proved, whatever a policy leaves out.
  const demanded = checks.filter(({ check }) => required.includes(check) || REQUIRED_ALWAYS.includes(check));
  const valid = record !== undefined && demanded.every(({ result }) => result === "pass");
  const verdict = valid ? "valid" : demanded.some(({ result }) => result === "fail") ? "invalid" : "undecided";
  return { verdict, valid, required, checks, ...(valid && { record }) };
}

/** A policy that a program wrote and no reader of files saw: by an age that is no number, or left out, nothing would be too old. */
function checkAges({ statusMaxAgeSeconds, checkpointMaxAgeSeconds = 0 }: VerifierPolicy): void {
  if (statusMaxAgeSeconds >= 0 && checkpointMaxAgeSeconds >= 0) return;
  const reason = "statusMaxAgeSeconds must be a number of seconds, and checkpointMaxAgeSeconds where it is given";
  throw new AttestryError("verifier_policy_invalid", `verifier policy: ${reason}`);
}

/**
 * Creates a verifier for one policy. It remembers what it has verified (chains, checkpoints, status lists, definitions),
 * so the records of one issuer cost little more than one signature each; keep it while the policy stays the same.
 * Throws `verifier_policy_invalid`, `key_invalid` for an anchor whose keys cannot be used, `witness_policy_invalid`.
 */
export function createVerifier(policy: VerifierPolicy): Verifier {
  // Taken as a copy: the policy must stand before anything is parsed and not move afterwards.
  const fixed = structuredClone(policy);
  checkAges(fixed);
  for (const anchor of fixed.anchors) parseKeySet(anchor.jwks);
  const runChecks = createChecks(fixed);

  async function verifyRead(read: () => unknown, options: VerifyOptions): Promise<VerificationReport> {
    const findings: Findings = { outcomes: new Map(), required: requiredBy(fixed) };
    const add = (outcome: CheckOutcome) => findings.outcomes.set(outcome.check, outcome);
    if (fixed.witnessPolicy === undefined) add(notChecked("witness", "witness_policy_missing"));
    add(notChecked("references", "references_not_asked"));
    let parts: EvidenceParts;
    try {
      parts = parseEvidence(read());
    } catch (error) {
      if (!(error instanceof AttestryError)) throw error;
      add(failed("format", "evidence_invalid", error.message));
      return concludeReport(findings);
    }
    await runChecks(parts, findings, options);
    return concludeReport(findings);
  }

  return {
    verify: (evidence, options) => verifyRead(() => evidence, options),
    verifyText: (text, options) => verifyRead(() => parseEvidenceText(text), options),
  };
}
