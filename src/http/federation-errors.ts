// Errors of the federation endpoints: the standard's own form (OpenID Federation 1.0 §8.9), not problem details. Knows no route.
import type { ContentfulStatusCode } from "hono/utils/http-status";

const STATUS_OF = {
  invalid_request: 400,
  invalid_subject: 404,
  invalid_trust_anchor: 404,
  invalid_trust_chain: 400,
  invalid_metadata: 400,
  unsupported_parameter: 400,
  not_found: 404,
} as const satisfies Record<string, ContentfulStatusCode>;

/** §8.9: the codes that these endpoints give. */
export type FederationError = keyof typeof STATUS_OF;

export const FEDERATION_ERROR_SCHEMA = {
  type: "object",
  required: ["error", "error_description"],
  properties: { error: { type: "string", enum: Object.keys(STATUS_OF) }, error_description: { type: "string" } },
} as const;

export function answerFederationError(error: FederationError, description: string): Response {
  return Response.json({ error, error_description: description }, { status: STATUS_OF[error] });
}

/** What is wrong with a request, before it is answered. */
export interface FederationFault {
  readonly error: FederationError;
  readonly description: string;
}
