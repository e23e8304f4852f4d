// The federation endpoints of OpenID Federation 1.0 §8 and §9. Its errors have the standard's own form, not problem details.
import { isAttestryError } from "../errors.ts";
import type { FederationService } from "../federation/federation-service.ts";
import { answerFederationError, FEDERATION_ERROR_SCHEMA } from "./federation-errors.ts";
import { declareOperation, jsonAnswer, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { FILTER_NAMES, findUnsupported, isFault, readSubordinateFilter } from "./subordinate-filter.ts";

const MEDIA_TYPE = "application/entity-statement+jwt";
// Statements are public and say nothing of who asks: any page may verify a chain.
const STATEMENT_TYPE = { "content-type": MEDIA_TYPE, "access-control-allow-origin": "*" };
const STATEMENT_EXAMPLE = "eyJ0eXAiOiJlbnRpdHktc3RhdGVtZW50K2p3dCIsImFsZyI6IkVkMjU1MTkifQ.eyJpc3MiOiIifQ.c2lnbmF0dXJl";

const getConfiguration = declareOperation({
  id: "getEntityConfiguration",
  method: "get",
  path: "/.well-known/openid-federation",
  tag: "Federation",
  summary: "This node's entity configuration",
  description: "A signed JWT (OpenID Federation 1.0 §9): its keys, its superiors, what it keeps and where it is asked.",
  actions: ["federation.speak"],
  foreign: { errorSchema: FEDERATION_ERROR_SCHEMA, errors: {} },
  responses: {
    200: textAnswer(MEDIA_TYPE, { description: "The entity configuration.", example: STATEMENT_EXAMPLE }),
  },
});

const fetchStatement = declareOperation({
  id: "fetchSubordinateStatement",
  method: "get",
  path: "/federation/fetch",
  tag: "Federation",
  summary: "What this node says of a subordinate",
  actions: ["federation.speak"],
  query: {
    sub: {
      description: "Entity identifier of the subordinate.",
      schema: { type: "string", format: "uri" },
      required: true,
      example: "https://land.example",
    },
  },
  foreign: {
    errorSchema: FEDERATION_ERROR_SCHEMA,
    errors: { 400: "`sub` is missing or no entity identifier.", 404: "Nobody of that name is a subordinate." },
  },
  responses: {
    200: textAnswer(MEDIA_TYPE, { description: "A fresh subordinate statement.", example: STATEMENT_EXAMPLE }),
  },
});

const listSubordinates = declareOperation({
  id: "listSubordinates",
  method: "get",
  path: "/federation/list",
  tag: "Federation",
  summary: "Whom this node vouches for",
  description: "Those that statements are signed about (OpenID Federation 1.0 §8.2): suspended ones are not.",
  actions: ["federation.speak"],
  otherQuery: {
    description:
      "`entity_type`, several times: those of any of these types. `intermediate`: those that vouch for others, or not. `trust_marked=true`: those that have a trust mark of this node that holds; `trust_mark_type`: one of that type.",
    example: { entity_type: "registry_node" },
  },
  foreign: {
    errorSchema: FEDERATION_ERROR_SCHEMA,
    errors: { 400: "A filter that is not supported, or a value that it cannot have." },
  },
  responses: {
    200: jsonAnswer({
      description: "Entity identifiers.",
      schema: { type: "array", items: { type: "string", format: "uri" } },
      example: ["https://land.example"],
    }),
  },
});

/** To be mounted at the entity's path. */
export function createFederationRoutes({ federation }: { federation: FederationService }): OperationRoutes {
  const routes = createOperationRoutes();

  routes.handle(getConfiguration, async ({ context }) =>
    context.body(await federation.getConfiguration(), 200, STATEMENT_TYPE),
  );

  routes.handle(fetchStatement, async ({ context }) => {
    const [subject, ...others] = context.req.queries("sub") ?? [];
    if (!subject || others.length > 0) return answerFederationError("invalid_request", "sub is required once");
    try {
      return context.body(await federation.getSubordinateStatement(subject), 200, STATEMENT_TYPE);
    } catch (error) {
      if (isAttestryError(error, "entity_identifier_invalid"))
        return answerFederationError("invalid_request", error.message);
      if (isAttestryError(error, "subordinate_unknown")) return answerFederationError("not_found", error.message);
      throw error;
    }
  });

  routes.handle(listSubordinates, async ({ context }) => {
    const queries = context.req.queries();
    const filter = findUnsupported(queries, FILTER_NAMES) ?? readSubordinateFilter(queries);
    return isFault(filter)
      ? answerFederationError(filter.error, filter.description)
      : context.json(await federation.listSubordinates(filter));
  });

  return routes;
}
