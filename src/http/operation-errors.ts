// Which errors an operation answers: those it names, and those that follow from the rest of its declaration. Pure.
import type { ErrorCode } from "../errors.ts";
import { type Action, describeCallers } from "../identity/permissions.ts";
import type { Operation } from "./operation.ts";

const JSON_ERRORS: readonly ErrorCode[] = [
  "json_invalid",
  "json_duplicate_key",
  "json_forbidden_key",
  "json_too_deep",
  "json_number_unsafe",
  "json_lone_surrogate",
  "encoding_invalid",
  "request_invalid",
];

/** Of a bearer token, in the order in which it meets them. */
const TOKEN_ERRORS: readonly ErrorCode[] = [
  "token_invalid",
  "token_issuer_unknown",
  "token_algorithm_refused",
  "token_type_refused",
  "sign_in_unavailable",
  "token_key_unknown",
  "token_signature_invalid",
  "token_claims_invalid",
  "token_audience_wrong",
  "token_not_yet_valid",
  "token_expired",
  "token_scope_wrong",
  "role_not_granted",
  "role_choice_required",
];

const SIGNATURE_ERRORS: readonly ErrorCode[] = [
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
  "content_digest_invalid",
  "content_digest_mismatch",
  "signature_key_unknown",
  "signature_chain_invalid",
  "signature_mismatch",
  "signature_replayed",
];

/** What a node that keeps no records refuses to everybody. */
const WRITING: readonly Action[] = ["definition.publish", "record.write", "record.import"];

/** In the order in which a request meets them. */
export function listErrors(operation: Operation): ErrorCode[] {
  if (operation.foreign) return [];
  const { actions, path, headers, body } = operation;
  const callers = describeCallers(actions);
  const codes: ErrorCode[] = [];
  const isInRegistry = path.includes("{registry}");
  if (callers !== "open")
    codes.push(...TOKEN_ERRORS.filter((code) => callers !== "citizens" || !code.startsWith("role_")));
  if (callers === "citizens") codes.push("subject_unknown", "subject_ambiguous");
  if (operation.nodes) codes.push(...SIGNATURE_ERRORS, "body_too_large");
  codes.push("query_invalid");
  for (const { read, missing } of Object.values(headers ?? {})) {
    if (read) codes.push("header_invalid");
    if (missing) codes.push(missing.code);
  }
  if (body) codes.push("body_too_large");
  if (body && !body.mediaTypes.includes("*/*")) codes.push("content_type_unsupported");
  if (body?.form === "json") codes.push(...JSON_ERRORS);
  if (body?.checkedBy === "schema" && JSON.stringify(body.schema).includes("$ref")) codes.push("too_many_items");
  if (callers === "citizens") codes.push("authentication_required");
  if (typeof callers === "object" || callers === "nodes" || (callers === "optional" && isInRegistry))
    codes.push("authentication_required", "permission_denied");
  if (isInRegistry) codes.push("registry_unknown");
  if (path.includes("{rid}")) codes.push("record_unknown");
  codes.push(...(operation.errors ?? []));
  if (headers?.["idempotency-key"]) codes.push("idempotency_key_reused");
  if (WRITING.some((action) => action === actions[0])) codes.push("node_is_consumer");
  if (operation.writes) codes.push("log_overloaded", "log_outcome_unknown", "keys_outdated");
  if (operation.tag !== "System") codes.push("database_unavailable");
  return [...new Set(codes)];
}
