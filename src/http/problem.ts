// The only table from error codes to HTTP statuses, and the problem details of RFC 9457. Knows no route.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AttestryError, type ErrorCode } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { isConnectionLost } from "../storage/database.ts";

// A code without a status does not compile.
const STATUS = {
  json_invalid: 400,
  json_duplicate_key: 400,
  json_forbidden_key: 400,
  json_too_deep: 400,
  json_number_unsafe: 400,
  json_lone_surrogate: 400,
  encoding_invalid: 400,
  body_too_large: 413,
  content_type_unsupported: 415,
  header_invalid: 400,
  header_too_large: 431,
  request_invalid: 400,
  request_timeout: 408,
  query_invalid: 400,
  too_many_items: 413,
  authentication_required: 401,
  token_invalid: 401,
  token_expired: 401,
  token_issuer_unknown: 401,
  token_algorithm_refused: 401,
  token_type_refused: 401,
  token_key_unknown: 401,
  token_signature_invalid: 401,
  token_audience_wrong: 401,
  token_not_yet_valid: 401,
  token_claims_invalid: 401,
  role_not_granted: 403,
  role_choice_required: 403,
  sign_in_unavailable: 503,
  sign_in_failed: 400,
  session_unknown: 404,
  report_unknown: 404,
  form_token_invalid: 403,
  token_unknown: 404,
  permission_denied: 403,
  structured_field_invalid: 400,
  content_digest_invalid: 400,
  content_digest_mismatch: 400,
  signature_missing: 401,
  signature_malformed: 400,
  signature_tag_wrong: 400,
  signature_algorithm_refused: 400,
  signature_component_invalid: 400,
  signature_coverage_incomplete: 400,
  signature_window_too_long: 400,
  signature_not_yet_valid: 401,
  signature_expired: 401,
  signature_audience_wrong: 401,
  signature_key_unknown: 401,
  signature_chain_invalid: 401,
  signature_mismatch: 401,
  signature_replayed: 401,
  not_found: 404,
  method_not_allowed: 405,
  registry_unknown: 404,
  record_unknown: 404,
  version_unknown: 404,
  statistic_unknown: 404,
  not_in_effect: 404,
  record_erased: 410,
  not_available_yet: 403,
  definition_invalid: 422,
  definition_breaking: 409,
  definition_conflict: 409,
  node_is_consumer: 409,
  definition_access_wider: 409,
  registry_retired: 409,
  migration_plan_invalid: 422,
  record_invalid: 422,
  record_too_large: 413,
  value_not_unique: 409,
  possible_duplicate: 409,
  search_too_broad: 422,
  precondition_required: 428,
  version_conflict: 412,
  state_conflict: 409,
  act_incomplete: 422,
  reference_unresolved: 422,
  attachment_unknown: 404,
  attachment_invalid: 422,
  attachment_corrupt: 500,
  idempotency_key_reused: 422,
  patch_empty: 400,
  approval_required: 409,
  proposal_unknown: 404,
  proposal_decided: 409,
  proposal_own: 403,
  proposals_too_many: 429,
  key_invalid: 400,
  key_unknown: 400,
  key_compromised: 400,
  key_role_conflict: 400,
  algorithm_not_allowed: 400,
  type_not_allowed: 400,
  jws_invalid: 400,
  signature_invalid: 400,
  crit_unsupported: 400,
  sd_jwt_invalid: 400,
  disclosure_invalid: 400,
  seal_broken: 500,
  passphrase_wrong: 500,
  log_note_invalid: 400,
  log_checkpoint_invalid: 400,
  log_proof_invalid: 400,
  log_entry_invalid: 400,
  log_inconsistent: 503,
  log_tag_duplicate: 409,
  log_outcome_unknown: 503,
  log_overloaded: 503,
  log_write_failed: 500,
  entity_identifier_invalid: 400,
  statement_invalid: 400,
  statement_expired: 400,
  statement_not_yet_valid: 400,
  statement_type_wrong: 400,
  statement_header_forbidden: 400,
  statement_claim_forbidden: 400,
  statement_claim_misplaced: 400,
  statement_crit_unsupported: 400,
  statement_metadata_null: 400,
  statement_keys_invalid: 400,
  statement_keys_duplicate: 400,
  statement_key_unknown: 400,
  statement_signature_invalid: 400,
  statement_issuer_mismatch: 400,
  statement_hint_missing: 400,
  chain_not_found: 422,
  chain_malformed: 400,
  chain_loop: 400,
  chain_too_long: 400,
  anchor_unknown: 400,
  anchor_expired: 400,
  anchor_key_not_pinned: 400,
  constraint_invalid: 400,
  path_length_exceeded: 400,
  entity_name_not_permitted: 400,
  policy_invalid: 400,
  policy_operator_unsupported: 400,
  policy_violated: 400,
  node_metadata_invalid: 400,
  authority_not_granted: 400,
  subordinate_unknown: 404,
  subordinate_key_changed: 400,
  formerly_not_vouched: 400,
  departure_invalid: 400,
  trust_mark_invalid: 400,
  trust_mark_rules_invalid: 400,
  trust_mark_subject_mismatch: 400,
  trust_mark_not_recognised: 400,
  trust_mark_issuer_not_allowed: 400,
  trust_mark_issuer_unknown: 400,
  trust_mark_expired: 400,
  trust_mark_not_yet_valid: 400,
  trust_mark_signature_invalid: 400,
  trust_mark_delegation_invalid: 400,
  trust_mark_status_open: 400,
  trust_mark_unknown: 404,
  enrolment_unknown: 404,
  enrolment_proof_invalid: 400,
  enrolment_code_invalid: 400,
  enrolment_key_unconfirmed: 409,
  enrolment_refused: 502,
  peer_unreachable: 502,
  peer_busy: 503,
  verification_busy: 503,
  peer_address_refused: 502,
  peer_redirect_refused: 502,
  peer_encoding_refused: 502,
  peer_headers_too_large: 502,
  peer_response_invalid: 502,
  peer_response_too_large: 502,
  peer_response_truncated: 502,
  peer_head_timeout: 504,
  peer_timeout: 504,
  peer_response_unsigned: 502,
  peer_signature_invalid: 502,
  evidence_invalid: 400,
  verifier_policy_invalid: 400,
  witness_policy_invalid: 400,
  definition_unsupported: 422,
  budget_exceeded: 413,
  answer_not_offered: 422,
  answer_budget_exceeded: 429,
  answer_mismatch: 400,
  status_list_invalid: 400,
  config_invalid: 500,
  keys_outdated: 503,
  keys_in_use: 409,
  migration_pending: 500,
  migration_unknown: 500,
  database_unavailable: 503,
  database_binary_missing: 500,
  database_port_in_use: 500,
  database_permission: 500,
  database_in_use: 500,
  node_exists: 500,
  node_unknown: 500,
  import_map_invalid: 400,
  import_file_invalid: 400,
  demo_failed: 500,
} as const satisfies Record<ErrorCode, ContentfulStatusCode>;

const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  log_overloaded: 1,
  log_outcome_unknown: 1,
  database_unavailable: 2,
  peer_busy: 1,
  verification_busy: 2,
  sign_in_unavailable: 10,
};

/** A stable address of a code's description; it need not be fetched (RFC 9457 §3.1.1). */
function problemType(code: string): string {
  return `urn:attestry:problem:${code}`;
}

export function statusOf(code: ErrorCode): ContentfulStatusCode {
  return STATUS[code];
}

/** What is said of a bug: nothing that callers could mend. */
export const INTERNAL_ERROR = {
  type: problemType("internal_error"),
  title: "internal error",
  status: 500,
  code: "internal_error",
  detail: "the node failed; its log says more, and nothing was changed unless you were told so",
} as const;

/** The problem details of an error that users, peers or operators can cause. */
export function describeProblem(error: AttestryError): Record<string, unknown> & { status: ContentfulStatusCode } {
  return {
    type: problemType(error.code),
    title: error.code.replaceAll("_", " "),
    status: STATUS[error.code],
    code: error.code,
    detail: error.message,
    ...(error.details.length > 0 && { errors: error.details }),
  };
}

/** Answers an error: problem details for what callers can cause, a bare 500 and a log line for a bug. */
export function answerProblem(context: Context, error: unknown, logger: Logger): Response {
  context.header("content-type", "application/problem+json");
  context.header("cache-control", "no-store");
  if (!(error instanceof AttestryError) && isConnectionLost(error)) {
    const message =
      "the database does not answer; before a change is repeated, read whether it was made, or use its Idempotency-Key";
    return answerProblem(context, new AttestryError("database_unavailable", message), logger);
  }
  if (!(error instanceof AttestryError)) {
    logger.error(
      { error: error instanceof Error ? (error.stack ?? error.message) : "not an Error" },
      "a request failed by a bug",
    );
    return context.body(JSON.stringify(INTERNAL_ERROR), 500);
  }
  const status = STATUS[error.code];
  if (status >= 500) logger.warn({ code: error.code, detail: error.message }, "a request could not be answered");
  if (status === 401) context.header("www-authenticate", 'Bearer realm="attestry"');
  const retryAfter = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS[error.code];
  if (retryAfter !== undefined) context.header("retry-after", String(retryAfter));
  return context.body(JSON.stringify(describeProblem(error)), status);
}
