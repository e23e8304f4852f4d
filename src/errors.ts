// The closed list of error codes. Knows no HTTP: http/problem.ts maps each code to a status.

export const ERROR_CODES = [
  // Input that cannot be read
  "json_invalid",
  "json_duplicate_key",
  "json_forbidden_key",
  "json_too_deep",
  "json_number_unsafe",
  "json_lone_surrogate",
  "encoding_invalid",
  "body_too_large",
  "content_type_unsupported",
  "header_invalid",
  "header_too_large",
  "request_invalid",
  "request_timeout",
  "query_invalid",
  "too_many_items",
  // Callers
  "authentication_required",
  "token_invalid",
  "token_expired",
  "token_issuer_unknown",
  "token_algorithm_refused",
  "token_type_refused",
  "token_key_unknown",
  "token_signature_invalid",
  "token_audience_wrong",
  "token_not_yet_valid",
  "token_claims_invalid",
  "role_not_granted",
  "role_choice_required",
  "sign_in_unavailable",
  "sign_in_failed",
  "session_unknown",
  "report_unknown",
  "form_token_invalid",
  "token_unknown",
  "permission_denied",
  // Signed requests and answers between nodes
  "structured_field_invalid",
  "content_digest_invalid",
  "content_digest_mismatch",
  "signature_missing",
  "signature_malformed",
  "signature_tag_wrong",
  "signature_algorithm_refused",
  "signature_component_invalid",
  "signature_coverage_incomplete",
  "signature_window_too_long",
  "signature_not_yet_valid",
  "signature_expired",
  "signature_audience_wrong",
  "signature_key_unknown",
  "signature_chain_invalid",
  "signature_mismatch",
  "signature_replayed",
  // Things that are not there, or not allowed now
  "not_found",
  "method_not_allowed",
  "registry_unknown",
  "record_unknown",
  "version_unknown",
  "statistic_unknown",
  "not_in_effect",
  "record_erased",
  "not_available_yet",
  // Definitions
  "definition_invalid",
  "definition_breaking",
  "definition_access_wider",
  "definition_conflict",
  "node_is_consumer",
  "registry_retired",
  "migration_plan_invalid",
  // Records
  "record_invalid",
  "record_too_large",
  "value_not_unique",
  "possible_duplicate",
  "search_too_broad",
  "precondition_required",
  "version_conflict",
  "state_conflict",
  "act_incomplete",
  "reference_unresolved",
  "attachment_unknown",
  "attachment_invalid",
  "attachment_corrupt",
  "idempotency_key_reused",
  "patch_empty",
  // Approval
  "approval_required",
  "proposal_unknown",
  "proposal_decided",
  "proposal_own",
  "proposals_too_many",
  // Keys, signatures, tokens
  "key_invalid",
  "key_unknown",
  "key_compromised",
  "key_role_conflict",
  "algorithm_not_allowed",
  "type_not_allowed",
  "jws_invalid",
  "signature_invalid",
  "crit_unsupported",
  "sd_jwt_invalid",
  "disclosure_invalid",
  "seal_broken",
  "passphrase_wrong",
  // Log
  "log_note_invalid",
  "log_checkpoint_invalid",
  "log_proof_invalid",
  "log_entry_invalid",
  "log_inconsistent",
  "log_tag_duplicate",
  "log_outcome_unknown",
  "log_overloaded",
  "log_write_failed",
  // Federation
  "entity_identifier_invalid",
  "statement_invalid",
  "statement_expired",
  "statement_not_yet_valid",
  "statement_type_wrong",
  "statement_header_forbidden",
  "statement_claim_forbidden",
  "statement_claim_misplaced",
  "statement_crit_unsupported",
  "statement_metadata_null",
  "statement_keys_invalid",
  "statement_keys_duplicate",
  "statement_key_unknown",
  "statement_signature_invalid",
  "statement_issuer_mismatch",
  "statement_hint_missing",
  "chain_not_found",
  "chain_malformed",
  "chain_loop",
  "chain_too_long",
  "anchor_unknown",
  "anchor_expired",
  "anchor_key_not_pinned",
  "constraint_invalid",
  "path_length_exceeded",
  "entity_name_not_permitted",
  "policy_invalid",
  "policy_operator_unsupported",
  "policy_violated",
  "node_metadata_invalid",
  "authority_not_granted",
  "subordinate_unknown",
  "subordinate_key_changed",
  "formerly_not_vouched",
  "departure_invalid",
  "trust_mark_invalid",
  "trust_mark_rules_invalid",
  "trust_mark_subject_mismatch",
  "trust_mark_not_recognised",
  "trust_mark_issuer_not_allowed",
  "trust_mark_issuer_unknown",
  "trust_mark_expired",
  "trust_mark_not_yet_valid",
  "trust_mark_signature_invalid",
  "trust_mark_delegation_invalid",
  "trust_mark_status_open",
  "trust_mark_unknown",
  "enrolment_unknown",
  "enrolment_proof_invalid",
  "enrolment_code_invalid",
  "enrolment_key_unconfirmed",
  "enrolment_refused",
  "peer_unreachable",
  "peer_busy",
  "peer_address_refused",
  "peer_redirect_refused",
  "peer_encoding_refused",
  "peer_headers_too_large",
  "peer_response_invalid",
  "peer_response_too_large",
  "peer_response_truncated",
  "peer_head_timeout",
  "peer_timeout",
  "peer_response_unsigned",
  "peer_signature_invalid",
  // Verification
  "evidence_invalid",
  "verification_busy",
  "verifier_policy_invalid",
  "witness_policy_invalid",
  "definition_unsupported",
  // Resolution
  "budget_exceeded",
  // Status lists
  "status_list_invalid",
  // Signed answers
  "answer_not_offered",
  "answer_budget_exceeded",
  "answer_mismatch",
  // Operating
  "config_invalid",
  "keys_outdated",
  "keys_in_use",
  "migration_pending",
  "migration_unknown",
  "database_unavailable",
  "database_binary_missing",
  "database_port_in_use",
  "database_permission",
  "database_in_use",
  "node_exists",
  "node_unknown",
  "import_map_invalid",
  "import_file_invalid",
  "demo_failed",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What is wrong, where: `field` is a JSON Pointer or a name of the input; never a personal value. */
export interface ErrorDetail {
  readonly field: string;
  readonly message: string;
  /** The record that the detail is about; `display` names it to those who may see that. */
  readonly rid?: string;
  readonly href?: string;
  readonly display?: string;
}

/**
 * The only error class for what users, peers and operators can cause. A bug is an assertion, not one of these.
 * `message`: what failed, the value found, the value allowed; never personal data or keys.
 */
export class AttestryError extends Error {
  override readonly name = "AttestryError";
  readonly code: ErrorCode;
  readonly details: readonly ErrorDetail[];
  /** When it is worth trying again, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: readonly ErrorDetail[]; cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

export function isAttestryError(error: unknown, code?: ErrorCode): error is AttestryError {
  return error instanceof AttestryError && (code === undefined || error.code === code);
}
