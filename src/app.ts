// Puts a node's routes together under its base path. Decides nothing.
import { Hono } from "hono";
import { AttestryError } from "./errors.ts";
import { createExchangeRoutes } from "./http/exchange-routes.ts";
import { createFederationRoutes } from "./http/federation-routes.ts";
import { createImportRoutes } from "./http/import-routes.ts";
import { createLogRoutes } from "./http/log-routes.ts";
import { answerProblem } from "./http/problem.ts";
import { createRecordRoutes } from "./http/record-routes.ts";
import { createRegistryRoutes } from "./http/registry-routes.ts";
import { createResolveRoutes } from "./http/resolve-routes.ts";
import { createSystemRoutes } from "./http/system-routes.ts";
import type { Logger } from "./logger.ts";
import { createHomePages } from "./web/home-pages.tsx";

type AppDeps = Parameters<typeof createRecordRoutes>[0] &
  Parameters<typeof createRegistryRoutes>[0] &
  Parameters<typeof createExchangeRoutes>[0] &
  Parameters<typeof createImportRoutes>[0] &
  Parameters<typeof createLogRoutes>[0] &
  Parameters<typeof createFederationRoutes>[0] &
  Parameters<typeof createResolveRoutes>[0] &
  Parameters<typeof createSystemRoutes>[0] &
  Parameters<typeof createHomePages>[0] & { basePath: string; logger: Logger };

/** The node as a fetch handler. Paths begin with the base path of the entity identifier. */
export function createApp(deps: AppDeps): Hono {
  const routes = new Hono();
  routes.route("/", createHomePages(deps));
  routes.route("/", createSystemRoutes(deps));
  routes.route("/", createRegistryRoutes(deps));
  routes.route("/", createRecordRoutes(deps));
  routes.route("/", createImportRoutes(deps));
  routes.route("/", createExchangeRoutes(deps));
  routes.route("/", createResolveRoutes(deps));
  routes.route("/", createLogRoutes(deps));
  routes.route("/", createFederationRoutes(deps));

  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header("x-content-type-options", "nosniff");
  });
  app.route(deps.basePath === "" ? "/" : deps.basePath, routes);
  if (deps.basePath !== "") app.get(`${deps.basePath}/`, (context) => context.redirect(deps.basePath, 308));
  app.onError((error, context) => answerProblem(context, error, deps.logger));
  app.notFound((context) =>
    answerProblem(
      context,
      new AttestryError(
        "not_found",
        "there is nothing at this address, or not for this method; what a node answers is listed in README",
      ),
      deps.logger,
    ),
  );
  return app;
}
