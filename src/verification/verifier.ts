// The ordered checks of one record (DESIGN section 9). No I/O, no clock; takes neither anchor nor policy out of evidence.
import { parseKeySet } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { speaksFor } from "../federation/node-metadata.ts";
import { CLOCK_SKEW_SECONDS } from "../limits.ts";
import { jwtDigest } from "../records/record-url.ts";
import type { RecordSchema } from "../registries/record-schema.ts";
import { createDefinitionMemory, type RememberedDefinition } from "./definition-memory.ts";
import { type EvidenceParts, parseEvidence, parseEvidenceText } from "./evidence.ts";
import { createInclusionCheck, entryOfVersion, findArchiveIndex, isBeforeReport } from "./inclusion-check.ts";
import { createTrustMemory, establishArchived, type IssuerTrust, type TrustOutcome } from "./issuer-trust.ts";
import { CHECK_NAMES, type CheckName, REQUIRED_BY_DEFAULT, type VerifierPolicy, type VerifyOptions } from "./policy.ts";
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
import type { RecordClaims } from "./token-claims.ts";

export interface Verifier {
  /**
   * Runs every check on `evidence` (an untrusted value in the form of `Evidence`). Bad evidence gives a report, never an
   * exception. `valid`: each required check passed; a check that could not run did not pass.
   */
  verify(evidence: unknown, options: VerifyOptions): Promise<VerificationReport>;
  /** The same for the text of an evidence file (untrusted): one that cannot be read has a report too, which says so. */
  verifyText(text: string, options: VerifyOptions): Promise<VerificationReport>;
}

function checkIssuer(record: RecordClaims, outcome: TrustOutcome): CheckOutcome {
  if (!("trust" in outcome)) return failed("issuer", outcome.code, outcome.detail);
  // The chain proves whose keys these are; a token of anyone else is not theirs to sign.
  if (!speaksFor(outcome.trust.chain, record.issuer)) return failed("issuer", "issuer_mismatch");
  return passed("issuer", "passed", `vouched for by ${outcome.trust.chain.anchor}`);
}

function checkAuthority({ registryType }: RecordClaims, { chain }: IssuerTrust): CheckOutcome {
  // DESIGN promise 3: silence grants nothing.
  if (!chain.registryTypes.includes(registryType)) return failed("authority", "authority_not_granted", registryType);
  return passed("authority", "passed", registryType);
}

interface SchemaAnswer {
  readonly outcome: CheckOutcome;
  readonly schema?: RecordSchema;
}

function checkSchema(token: ParsedToken, definition: RememberedDefinition): SchemaAnswer {
  const { record, undisclosedCount } = token;
  if (definition.hash !== record.definitionHash) return { outcome: failed("schema", "definition_mismatch") };
  try {
    const schema = definition.compile();
    if (schema.type !== record.registryType || schema.name !== record.registryName) {
      return { outcome: failed("schema", "definition_foreign") };
    }
    const violation = schema.findViolation(record.data, undisclosedCount > 0);
    return {
      outcome: violation === undefined ? passed("schema") : failed("schema", "data_invalid", violation),
      schema,
    };
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    const code = error.code === "definition_unsupported" ? "definition_unsupported" : "definition_invalid";
    return { outcome: failed("schema", code, error.message) };
  }
}

function checkValidity(record: RecordClaims, now: number): CheckOutcome {
  const { issuedAt, expiresAt, effectiveFrom, effectiveUntil } = record;
  if (issuedAt > now + CLOCK_SKEW_SECONDS) return failed("validity", "issued_in_future");
  if (expiresAt !== undefined && expiresAt <= now) return failed("validity", "token_expired");
  if (effectiveFrom !== undefined && now < effectiveFrom) return failed("validity", "not_yet_effective");
  if (effectiveUntil !== undefined && effectiveUntil <= now) return failed("validity", "no_longer_effective");
  return passed("validity");
}

/** What a thief signs may claim any time: of a reported key only the place in the log tells what was there before (DESIGN section 6). */
function addReport(
  token: ParsedToken,
  trust: IssuerTrust,
  { index, findings }: { index: number | undefined; findings: Findings },
): void {
  const report = findReportedKey(token, trust);
  if (!report) return;
  const outcome = isBeforeReport(index, report)
    ? passed("signature", "passed_before_report")
    : failed("signature", "key_compromised", `its first ${report.logSize} entries are from before`);
  findings.outcomes.set("signature", outcome);
}

/** Whether an archived chain was logged before the record. */
function isBefore(archivedAt: number, index: number | undefined): boolean {
  return index !== undefined && archivedAt < index;
}

function checkFreshness(checkpointMaxAgeSeconds: number | undefined): CheckOutcome {
  // DESIGN section 6: only cosignatures tell when a checkpoint existed, and no witness is consulted yet.
  if (checkpointMaxAgeSeconds !== undefined) return notChecked("freshness", "checkpoint_time_unknown");
  return passed("freshness", "fresh_by_status");
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

/** What the checks found so far; a check missing here has not run. */
interface Findings {
  readonly outcomes: Map<CheckName, CheckOutcome>;
  required: readonly CheckName[];
  record?: VerifiedRecord;
}

function createChecks(policy: VerifierPolicy) {
  const findTrust = createTrustMemory(policy.anchors);
  const findDefinition = createDefinitionMemory();
  const checkStatus = createStatusCheck();
  const checkInclusion = createInclusionCheck();

  /** The chain of today, or, where the policy takes it and that one is missing or over, the archived one with its place in the log. */
  async function findIssuer(
    record: RecordClaims,
    { chain, archive }: EvidenceParts,
    now: number,
  ): Promise<{ issuer: CheckOutcome; trust?: IssuerTrust; archivedAt?: number }> {
    const found = chain && (await findTrust(chain, now));
    const issuer = found ? checkIssuer(record, found) : notChecked("issuer", "chain_missing");
    const isOver = issuer.code === "chain_missing" || issuer.code === "chain_expired";
    if (!isOver || archive === undefined || policy.allowArchivedChain !== true)
      return { issuer, ...(found && "trust" in found && { trust: found.trust }) };
    const archived = await establishArchived(archive.chain, policy.anchors, now);
    const outcome = checkIssuer(record, archived);
    if (outcome.result !== "pass" || !("trust" in archived)) return { issuer: outcome };
    const archivedAt = findArchiveIndex(archive, archived.trust);
    if (archivedAt === undefined) return { issuer: failed("issuer", "archive_unproved") };
    const { anchor } = archived.trust.chain;
    return { issuer: passed("issuer", "passed_by_archive", anchor), trust: archived.trust, archivedAt };
  }

  /** The checks that build on a signature of an issuer whom the anchors vouch for. */
  async function checkSigned(
    token: ParsedToken,
    trust: IssuerTrust,
    context: { evidence: EvidenceParts; findings: Findings; options: VerifyOptions; archivedAt: number | undefined },
  ): Promise<void> {
    const { evidence, findings, options } = context;
    const { record, jwt } = token;
    const add = (outcome: CheckOutcome) => findings.outcomes.set(outcome.check, outcome);

    add(checkAuthority(record, trust));
    const { outcome, schema }: SchemaAnswer =
      evidence.definition === undefined
        ? { outcome: notChecked("schema", "definition_missing") }
        : checkSchema(token, findDefinition(evidence.definition));
    add(outcome);
    // DESIGN section 9: a personal record proves nothing about whoever shows it, unless it is bound to them.
    if (schema?.access === "consent") findings.required = [...new Set([...findings.required, "binding" as const])];
    add(checkValidity(record, options.now));

    const pinnedVersion = (options.expected ?? policy.expected)?.version;
    const status = await checkStatus({
      token: evidence.statusToken,
      claims: record,
      trust,
      now: options.now,
      maxAgeSeconds: policy.statusMaxAgeSeconds,
      isSupersededAllowed: policy.allowSuperseded === true || pinnedVersion === record.version,
    });
    add(status.outcome);
    const { firstReceipt, recentReceipt } = evidence;
    // DESIGN section 6: of a personal record only its subject gets the key; of any other it belongs to the receipt.
    const isKeyExpected = schema !== undefined && schema.access !== "consent";
    const entry = entryOfVersion(jwt, record);
    const inclusion = checkInclusion({ firstReceipt, recentReceipt, entry, trust, isKeyExpected });
    add(inclusion.outcome);
    addReport(token, trust, { index: inclusion.index, findings });
    if (context.archivedAt !== undefined && !isBefore(context.archivedAt, inclusion.index))
      add(failed("issuer", "archive_unproved"));
    if (status.freshList) add(checkFreshness(policy.checkpointMaxAgeSeconds));
    findings.record = describeRecord(token, trust);
  }

  return async (evidence: EvidenceParts, findings: Findings, options: VerifyOptions): Promise<void> => {
    const add = (outcome: CheckOutcome) => findings.outcomes.set(outcome.check, outcome);
    const token = parseToken(evidence.token);
    if ("check" in token) {
      add(token);
      return;
    }
    add(checkExpectation(token, options.expected ?? policy.expected ?? {}));
    // The signature's key comes out of the chain, so `issuer` is found first, though it is reported second.
    const { issuer, trust, archivedAt } = await findIssuer(token.record, evidence, options.now);
    add(issuer);
    if (issuer.result !== "pass" || !trust) return;
    const signature = checkSignature(token, trust);
    add(signature);
    if (signature.result === "pass") await checkSigned(token, trust, { evidence, findings, options, archivedAt });
  };
}

function concludeReport({ outcomes, required, record }: Findings): VerificationReport {
  const checks = CHECK_NAMES.map((check) => outcomes.get(check) ?? notChecked(check, "prerequisite_failed"));
  const demanded = checks.filter(({ check }) => required.includes(check));
  // Without a proven record nothing is valid, whatever a policy leaves out.
  const valid = record !== undefined && demanded.every(({ result }) => result === "pass");
  const verdict = valid ? "valid" : demanded.some(({ result }) => result === "fail") ? "invalid" : "undecided";
  return { verdict, valid, required, checks, ...(valid && { record }) };
}

/**
 * Creates a verifier for one policy. It remembers what it has verified (chains, checkpoints, status lists, definitions),
 * so the records of one issuer cost little more than one signature each; keep it while the policy stays the same.
 * Throws `key_invalid` for an anchor whose keys cannot be used.
 */
export function createVerifier(policy: VerifierPolicy): Verifier {
  // Taken as a copy: the policy must stand before anything is parsed and not move afterwards.
  const fixed = structuredClone(policy);
  for (const anchor of fixed.anchors) parseKeySet(anchor.jwks);
  const runChecks = createChecks(fixed);

  async function verifyRead(read: () => unknown, options: VerifyOptions): Promise<VerificationReport> {
    const findings: Findings = { outcomes: new Map(), required: fixed.required ?? REQUIRED_BY_DEFAULT };
    const add = (outcome: CheckOutcome) => findings.outcomes.set(outcome.check, outcome);
    add(notChecked("witness", "witness_policy_missing"));
    add(notChecked("binding", "binding_not_supported"));
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
