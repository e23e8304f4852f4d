// Consents that this node's staff ask other nodes for. Parse, call one service, answer.
import { CONSENT_REQUEST_REFUSALS } from "../consent/consent-request.ts";
import type { JsonObject } from "../crypto/json.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { ASKED_CONSENTS_PAGE, ASKED_CONSENTS_PAGE_MAX, CASE_NUMBER_CHARS_MAX } from "../limits.ts";
import type { AskedConsent, AskedConsentRequest, AskedConsentService } from "../resolution/asked-consent-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { CURSOR } from "./parameters.ts";

const ASKED = { $ref: "asked-consent.schema.json" };
/** Where the home node is asked. */
export const HOME_ERRORS = [
  "chain_not_found",
  "peer_address_refused",
  "peer_unreachable",
  "peer_timeout",
  "peer_busy",
  "peer_response_invalid",
  "peer_response_too_large",
] as const;

const askForConsent = declareOperation({
  id: "askForConsent",
  method: "post",
  path: "/asked-consents",
  tag: "Consent",
  summary: "Ask a person for consent to read records at another node",
  description:
    "The node asks the home node by a signed request, and remembers what was asked: not whom. What the home node refuses is answered by its own code.",
  actions: ["consent.ask"],
  body: jsonBody<AskedConsentRequest>({ schema: { $ref: "asked-consent-request.schema.json" } }),
  responses: { 200: jsonAnswer({ description: "The consent as it stands.", schema: ASKED }) },
  errors: ["entity_identifier_invalid", ...HOME_ERRORS, ...CONSENT_REQUEST_REFUSALS],
});

const listAskedConsents = declareOperation({
  id: "listAskedConsents",
  method: "get",
  path: "/asked-consents",
  tag: "Consent",
  summary: "What this node asked other nodes for",
  description: "Newest first, as last known: no other node is asked. Nothing in it says whom a consent is of.",
  actions: ["consent.ask"],
  query: {
    case: {
      description: "Of this case alone.",
      schema: { type: "string", minLength: 1, maxLength: CASE_NUMBER_CHARS_MAX },
      example: "W-42",
    },
    cursor: CURSOR,
    limit: {
      description: `Consents on a page, ${ASKED_CONSENTS_PAGE} unless given.`,
      schema: { type: "integer", minimum: 1, maximum: ASKED_CONSENTS_PAGE_MAX, default: ASKED_CONSENTS_PAGE },
      example: 20,
    },
  },
  responses: {
    200: jsonAnswer({
      description: "A page of them.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["consents"],
        properties: {
          consents: { type: "array", items: ASKED },
          next: { type: "string", description: "Where the next page begins; left out on the last one." },
        },
      },
      example: { consents: [] },
    }),
  },
});

const refreshAskedConsent = declareOperation({
  id: "refreshAskedConsent",
  method: "post",
  path: "/asked-consents/{consent}/refresh",
  tag: "Consent",
  summary: "Ask the home node how a consent stands",
  actions: ["consent.ask"],
  responses: { 200: jsonAnswer({ description: "The consent as it stands.", schema: ASKED }) },
  errors: ["consent_unknown", ...HOME_ERRORS],
});

/** As the API answers it (schemas/asked-consent.schema.json). */
function describeAsked(consent: AskedConsent): JsonObject {
  return {
    id: consent.id,
    href: consent.href,
    home: consent.home,
    registry: consent.registry,
    purpose: consent.purpose,
    requested_fields: consent.requestedFields,
    fields: consent.fields,
    state: consent.state,
    one_time: consent.isOneTime,
    used: consent.isUsed,
    requested_at: consent.requestedAt,
    starts_at: consent.startsAt,
    expires_at: consent.expiresAt,
    ...(consent.caseNumber !== null && { case: consent.caseNumber }),
    asked_at: consent.askedAt,
    asked_by: consent.personName,
    known_at: consent.readAt,
  };
}

export function createAskedConsentRoutes(deps: {
  identity: IdentityService;
  askedConsents: AskedConsentService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  const { askedConsents } = deps;

  routes.handle(askForConsent, async ({ context, caller, body }) =>
    context.json(describeAsked(await askedConsents.ask(caller, body))),
  );

  routes.handle(listAskedConsents, async ({ context, caller, query }) => {
    const { case: caseNumber, cursor, limit = ASKED_CONSENTS_PAGE } = query;
    const { consents, next } = await askedConsents.list(caller, { caseNumber, cursor, limit });
    return context.json({ consents: consents.map(describeAsked), ...(next !== undefined && { next }) });
  });

  routes.handle(refreshAskedConsent, async ({ context, caller, path }) =>
    context.json(describeAsked(await askedConsents.refresh(caller, path.consent))),
  );

  return routes;
}
