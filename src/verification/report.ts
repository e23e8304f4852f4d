// The verdict: closed list of codes, each with a sentence for people. Decides nothing.
import type { JsonObject } from "../crypto/json.ts";
import type { CheckName } from "./policy.ts";

/** Every code a check can end with; codes are stable, sentences may be reworded and translated. */
export const VERIFICATION_SENTENCES = {
  // Passed
  passed: "In order.",
  passed_before_report:
    "The key was reported as stolen since; the record stands in the part of the issuer's log from before the theft.",
  passed_by_archive:
    "Vouched for by the statements in force when the record was logged; those of today were not shown, or have expired. The time is the issuer's own word.",
  passed_without_tag:
    "The record is in the issuer's log. Its key was not handed over, so whether the log holds a rival of this version was not checked.",
  passed_by_share:
    "The person shared these fields by a link and a code. Judge yourself whether they are meant for you.",
  passed_as_copy: "The person's own copy. As with one on paper, check who shows it.",
  status_superseded_allowed:
    "A newer version of the record exists, or the record ended or was replaced; this version was asked for, or the policy allows it.",
  fresh_by_status: "The issuer confirmed the state of this version recently. The time is the issuer's own word.",

  fresh_by_witnesses: "Independent witnesses saw the log's state recently.",

  // Not checked
  record_not_had: "The department that keeps the record did not give it, so there was nothing to check.",
  prerequisite_failed: "Not checked, because an earlier check that this one builds on did not pass.",
  receipt_missing: "The evidence holds no receipt from the issuer's log.",
  status_missing: "The evidence holds no status list, so a revocation would not show.",
  status_not_named: "The record names no status list, so a revocation would not show.",
  status_receipt_missing: "The evidence does not show that the status list is in the issuer's log.",
  chain_missing: "The evidence holds no statements that say who vouches for the issuer.",
  chain_expired: "A statement that vouches for the issuer has expired or is not valid yet.",
  status_stale: "The status list is too old: a revocation since then would not show.",
  definition_missing: "The evidence holds no definition of the registry.",
  witness_policy_missing:
    "No witness policy was set: whether the issuer shows everyone the same log was not compared with independent witnesses.",
  checkpoint_time_unknown: "The age of the log's checkpoint cannot be told, because no independent witness dated it.",
  references_not_asked: "The records that this one refers to were not asked for here; each has its own verdict.",

  // format
  evidence_invalid: "The evidence file is damaged or is no evidence file.",
  token_malformed: "The record's token is damaged: its parts cannot be read.",
  token_type_wrong: "The token is of another kind than a registry record.",
  algorithm_not_allowed: "The token uses a signature method that is not allowed.",
  disclosure_invalid: "A disclosed field does not belong to this record, or was changed.",
  claims_invalid: "The record's own particulars are incomplete or contradict each other.",
  key_binding_unsupported: "The token carries a holder's signature, which this version cannot check yet.",
  href_mismatch: "This is another record than the one asked for.",
  version_mismatch: "This is another version than the one asked for.",
  digest_mismatch: "This version's content differs from what the reference fixed.",
  registry_type_mismatch: "The record is of another registry type than the one asked for.",

  // signature
  signature_invalid: "The issuer's signature does not match: the record was changed, or never signed.",
  key_compromised:
    "The record is signed by a key that was reported as stolen, and it does not stand in the part of the issuer's log from before the theft.",
  signing_key_unknown: "The record is signed by a key that is not one of the issuer's record keys.",

  // issuer
  issuer_unknown: "No pinned trust anchor vouches for the issuer.",
  issuer_mismatch: "The statements vouch for another department than the one named as issuer.",
  chain_signature_invalid: "A statement that vouches for the issuer has a wrong signature.",
  chain_invalid: "The statements that vouch for the issuer do not form a valid chain.",
  archive_unproved:
    "The statements of the time when the record was logged, which the evidence brings, are not proved to be in the issuer's log before it.",

  // authority
  authority_not_granted: "The issuer's superiors do not let it sign records of this type.",

  // schema
  definition_mismatch: "The registry's definition is not the one that the issuer signed.",
  definition_invalid: "The registry's definition cannot be read.",
  definition_foreign: "The definition belongs to another registry or registry type than the record.",
  definition_unsupported: "The definition uses rules that this verifier does not evaluate safely.",
  data_invalid: "The record's data does not follow the registry's definition.",

  // validity
  issued_in_future: "The record claims to be signed in the future.",
  token_not_yet_valid: "The record's token does not count yet.",
  token_expired: "The record has expired.",
  not_yet_effective: "The record is not in effect yet.",
  no_longer_effective: "The record is no longer in effect.",

  // status
  status_list_foreign: "The record points to a status list that is not the issuer's.",
  status_list_mismatch: "The status list in the evidence is not the one that the record names.",
  status_signature_invalid: "The status list is not signed by one of the issuer's status keys.",
  status_list_invalid: "The status list cannot be read.",
  status_index_out_of_range: "The record's place lies outside the status list.",
  status_issued_in_future: "The status list claims to be signed in the future.",
  status_unproved:
    "The status list is not proved to be in the issuer's log: it may have been made for this evidence alone.",
  status_revoked: "The issuer has revoked or erased the record, or erased this version: it must not be relied on.",
  status_suspended: "The issuer has suspended this record for now.",
  status_superseded:
    "There is a newer version of the record, or the record ended or was replaced: this version is no longer the current word.",

  // inclusion
  receipt_malformed: "The receipt from the issuer's log is damaged.",
  receipts_differ: "The two receipts are for different places in the log.",
  entry_malformed: "The log entry inside the receipt is damaged.",
  entry_operation_wrong: "The log entry is for another act than issuing this version.",
  commitment_mismatch: "The log entry was made for another record or another text.",
  rid_mismatch: "The record's key in the receipt does not belong to this record.",
  record_key_missing:
    "The receipt lacks the record's key, so a rival of this version in the log would not show; records that are not personal come with it.",
  tag_mismatch: "The log entry is not the one place that this version has in the log.",
  checkpoint_origin_wrong: "The receipt comes from another log than the issuer's.",
  checkpoint_malformed: "The log's signed state in the receipt is damaged.",
  checkpoint_signature_invalid: "The log's state is not signed by the issuer's log key.",
  inclusion_failed: "The record is not in the issuer's log.",

  // witness
  witness_quorum_missed:
    "Too few of the demanded witnesses, independent of the issuer, saw the log's state in the receipt.",
  witness_signature_invalid: "A witness's signature on the log's state in the receipt does not hold.",

  // binding
  presentation_missing: "The evidence does not say to whom it was given, which only personal records have to.",
  presentation_malformed: "What shows to whom the fields were given is damaged.",
  presentation_signature_invalid: "What shows to whom the fields were given is not signed by the issuer's record key.",
  presentation_foreign: "What shows to whom the fields were given is by another department than the record.",
  presentation_token_mismatch: "It was made for other fields or another record than those that are here.",
  presentation_expired: "It is no longer good, or not yet: read the record again.",
  presentation_audience_not_given: "It was not said for whom and for which question the fields must have been given.",
  presentation_audience_wrong: "The fields were given to somebody else.",
  presentation_nonce_wrong: "The fields were given for another question.",
  reading_not_logged: "The reading is not proved to be in the issuer's access log, which the person sees.",

  // freshness
  checkpoint_stale: "Witnesses saw the log's state in the receipt too long ago.",
} as const;

export type VerificationCode = keyof typeof VERIFICATION_SENTENCES;

export type CheckResult = "pass" | "fail" | "not_checked";

export interface CheckOutcome {
  readonly check: CheckName;
  readonly result: CheckResult;
  readonly code: VerificationCode;
  /** A sentence for people, with a detail in parentheses where one helps; never personal data. */
  readonly message: string;
}

/** What was verified: present only in a report whose `valid` is true, so that nothing unproved is taken for proved. */
export interface VerifiedRecord {
  readonly href: string;
  readonly issuer: string;
  readonly anchor: string;
  readonly registryType: string;
  readonly rid: string;
  readonly version: number;
  readonly identifier?: string;
  /** base64url SHA-256 of the issuer JWT. */
  readonly digest: string;
  /** Claims of the token after disclosures were put in their places, `data` among them. */
  readonly claims: JsonObject;
  readonly data: JsonObject;
  /** How many fields of the data exist that were not disclosed here. */
  readonly undisclosedCount: number;
}

/**
 * `undecided`: no required check failed, but at least one could not run, so that more evidence may decide it. Not a kind of valid.
 */
export type Verdict = "valid" | "invalid" | "undecided";

export interface VerificationReport {
  readonly verdict: Verdict;
  /** Every required check passed. */
  readonly valid: boolean;
  readonly required: readonly CheckName[];
  /** One outcome per check, in the order of CHECK_NAMES. */
  readonly checks: readonly CheckOutcome[];
  readonly record?: VerifiedRecord;
}

function sentence(code: VerificationCode, detail: string | undefined): string {
  const text = VERIFICATION_SENTENCES[code];
  return detail === undefined ? text : `${text} (${detail})`;
}

export function passed(check: CheckName, code: VerificationCode = "passed", detail?: string): CheckOutcome {
  return { check, result: "pass", code, message: sentence(code, detail) };
}

export function failed(check: CheckName, code: VerificationCode, detail?: string): CheckOutcome {
  return { check, result: "fail", code, message: sentence(code, detail) };
}

export function notChecked(check: CheckName, code: VerificationCode, detail?: string): CheckOutcome {
  return { check, result: "not_checked", code, message: sentence(code, detail) };
}
