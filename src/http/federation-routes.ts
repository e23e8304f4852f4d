// The federation endpoints of OpenID Federation 1.0 §8 and §9. Its errors have the standard's own form, not problem details.
import { Hono } from "hono";
import { isAttestryError } from "../errors.ts";
import type { FederationService } from "../federation/federation-service.ts";

const STATEMENT_TYPE = { "content-type": "application/entity-statement+jwt" };

/** §8.9: the codes of an error answer that these endpoints give. */
type FederationError = "invalid_request" | "not_found" | "unsupported_parameter";
const STATUS_OF = { invalid_request: 400, unsupported_parameter: 400, not_found: 404 } as const satisfies Record<
  FederationError,
  number
>;

function answerError(error: FederationError, description: string): Response {
  return Response.json({ error, error_description: description }, { status: STATUS_OF[error] });
}

/** GET /.well-known/openid-federation, /federation/fetch?sub=, /federation/list; to be mounted at the entity's path. */
export function createFederationRoutes({ federation }: { federation: FederationService }): Hono {
  const routes = new Hono();

  routes.get("/.well-known/openid-federation", async (context) =>
    context.body(await federation.getConfiguration(), 200, STATEMENT_TYPE),
  );

  routes.get("/federation/fetch", async (context) => {
    const [subject, ...others] = context.req.queries("sub") ?? [];
    if (!subject || others.length > 0) return answerError("invalid_request", "sub is required once");
    try {
      return context.body(await federation.getSubordinateStatement(subject), 200, STATEMENT_TYPE);
    } catch (error) {
      if (isAttestryError(error, "entity_identifier_invalid")) return answerError("invalid_request", error.message);
      if (isAttestryError(error, "subordinate_unknown")) return answerError("not_found", error.message);
      throw error;
    }
  });

  routes.get("/federation/list", async (context) => {
    // §8.2.1: a filter that is not supported must be refused, since its absence would change the meaning of the list.
    const [parameter] = Object.keys(context.req.query());
    if (parameter !== undefined) return answerError("unsupported_parameter", "this list has no filters");
    return context.json(await federation.listSubordinates());
  });

  return routes;
}
