// The resolve endpoint of OpenID Federation 1.0 §8.3. Reads the query; the service answers from what the node knows already.
import { AttestryError } from "../errors.ts";
import { RESOLVE_RESPONSE_TYPE, type ResolveResponseService } from "../federation/resolve-response-service.ts";
import { ANCHOR_PINS_MAX, ENTITY_TYPES_MAX } from "../limits.ts";
import {
  answerFederationError,
  FEDERATION_ERROR_SCHEMA,
  type FederationError,
  type FederationFault,
} from "./federation-errors.ts";
import { declareOperation, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { findUnsupported, isFault, type Queries, readOnce } from "./subordinate-filter.ts";

const MEDIA_TYPE = `application/${RESOLVE_RESPONSE_TYPE}`;

const resolveEntity = declareOperation({
  id: "resolveEntity",
  method: "get",
  path: "/federation/resolve",
  tag: "Federation",
  summary: "An entity's chain, metadata and trust marks, as this node knows them",
  description:
    "A signed JWT (OpenID Federation 1.0 §8.3). Answered for this node, for its subordinates and for entities whose chain it has proven a while ago; it asks nobody on behalf of a stranger.",
  actions: ["federation.speak"],
  query: {
    sub: {
      description: "Entity identifier of whom is asked about.",
      schema: { type: "string", format: "uri" },
      required: true,
      example: "https://land.example",
    },
  },
  otherQuery: {
    description:
      "`trust_anchor`, once or several times: to which anchors the chain may lead. `entity_type`, several times: only the metadata of these types.",
    example: { trust_anchor: "https://anchor.example" },
  },
  foreign: {
    errorSchema: FEDERATION_ERROR_SCHEMA,
    errors: {
      400: "A parameter is missing, unknown or not what it may be.",
      404: "This node knows no chain of that entity (`invalid_subject`), or none to these anchors (`invalid_trust_anchor`).",
    },
  },
  responses: {
    200: textAnswer(MEDIA_TYPE, {
      description: "The resolve response.",
      example: "eyJ0eXAiOiJyZXNvbHZlLXJlc3BvbnNlK2p3dCJ9.eyJpc3MiOiIifQ.c2lnbmF0dXJl",
    }),
  },
});

const ERROR_OF: Readonly<Record<string, FederationError>> = {
  entity_identifier_invalid: "invalid_request",
  chain_not_found: "invalid_subject",
  anchor_unknown: "invalid_trust_anchor",
};

function readRequest(queries: Queries): Parameters<ResolveResponseService["resolve"]>[0] | FederationFault {
  const unsupported = findUnsupported(queries, ["sub", "trust_anchor", "entity_type"]);
  if (unsupported) return unsupported;
  const subject = readOnce(queries, "sub");
  if (isFault(subject)) return subject;
  const { trust_anchor: trustAnchors = [], entity_type: entityTypes } = queries;
  if (!subject || trustAnchors.length === 0 || trustAnchors.length > ANCHOR_PINS_MAX)
    return {
      error: "invalid_request",
      description: `sub is required once, trust_anchor 1 to ${ANCHOR_PINS_MAX} times`,
    };
  if (entityTypes && entityTypes.length > ENTITY_TYPES_MAX)
    return { error: "invalid_request", description: `entity_type is given at most ${ENTITY_TYPES_MAX} times` };
  return { subject, trustAnchors, entityTypes };
}

/** To be mounted at the entity's path. */
export function createFederationResolveRoutes({
  resolveResponses,
}: {
  readonly resolveResponses: ResolveResponseService;
}): OperationRoutes {
  const routes = createOperationRoutes();
  routes.handle(resolveEntity, async ({ context }) => {
    const request = readRequest(context.req.queries());
    if (isFault(request)) return answerFederationError(request.error, request.description);
    try {
      return context.body(await resolveResponses.resolve(request), 200, { "content-type": MEDIA_TYPE });
    } catch (error) {
      const known = error instanceof AttestryError ? ERROR_OF[error.code] : undefined;
      if (known === undefined) throw error;
      return answerFederationError(known, (error as AttestryError).message);
    }
  });
  return routes;
}
