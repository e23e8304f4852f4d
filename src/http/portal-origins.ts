// Which pages of other nodes a browser lets read answers to citizens (CORS, Fetch Standard §3.2). Never with cookies, never for every origin.
import type { MiddlewareHandler } from "hono";
import { AttestryError } from "../errors.ts";
import type { CitizenPortals } from "../federation/citizen-portal-service.ts";
import { PREFLIGHT_SECONDS } from "../limits.ts";

/** For the addresses of citizens' operations alone. */
export function answerPortals(portals: CitizenPortals): MiddlewareHandler {
  return async (context, next) => {
    const origin = context.req.header("origin");
    const isAllowed = origin !== undefined && (await portals.mayAsk(origin));
    const isPreflight =
      context.req.method === "OPTIONS" && context.req.header("access-control-request-method") !== undefined;
    if (isPreflight) {
      context.header("vary", "origin, access-control-request-method, access-control-request-headers");
      if (!isAllowed)
        throw new AttestryError(
          "origin_not_allowed",
          "a page of that origin may not ask here for citizens: its node holds no mark of a citizens' portal that this node knows",
        );
      context.header("access-control-allow-origin", origin);
      context.header("access-control-allow-methods", "GET");
      context.header("access-control-allow-headers", "authorization, accept-language");
      context.header("access-control-max-age", String(PREFLIGHT_SECONDS));
      return context.body(null, 204);
    }
    await next();
    // What was answered to one origin, or to none, is not to be kept for another.
    context.res.headers.append("vary", "origin");
    if (isAllowed) context.res.headers.set("access-control-allow-origin", origin);
    return undefined;
  };
}
