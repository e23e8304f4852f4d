// The JSON API of the counts that definitions ask for: call one service, answer.
import type { IdentityService } from "../identity/identity-service.ts";
import type { StatisticService } from "../records/search/statistic-service.ts";
import { declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const listStatistics = declareOperation({
  id: "listStatistics",
  method: "get",
  path: "/registries/{registry}/statistics",
  tag: "Registries",
  summary: "List what is counted",
  actions: ["record.read"],
  nodes: true,
  responses: {
    200: jsonAnswer({
      description: "The statistics that the definition names.",
      schema: {
        type: "object",
        required: ["statistics"],
        properties: {
          statistics: {
            type: "array",
            items: {
              type: "object",
              required: ["name", "fields"],
              properties: { name: { type: "string" }, fields: { type: "array", items: { type: "string" } } },
            },
          },
        },
      },
      example: { statistics: [{ name: "by-state", fields: ["state"] }] },
    }),
  },
});

const getStatistic = declareOperation({
  id: "getStatistic",
  method: "get",
  path: "/registries/{registry}/statistics/{statistic}",
  tag: "Registries",
  summary: "Counts of active records by fields, without the small ones",
  description:
    "Small counts are hidden, and with them so many others that none follows from totals or from another statistic of the registry.",
  actions: ["record.read"],
  nodes: true,
  responses: { 200: jsonAnswer({ description: "The counts.", schema: { $ref: "statistic.schema.json" } }) },
  errors: ["statistic_unknown", "search_too_broad"],
});

export function createStatisticRoutes(deps: {
  identity: IdentityService;
  statistics: StatisticService;
}): OperationRoutes {
  const { statistics } = deps;
  const routes = createOperationRoutes(deps);

  routes.handle(listStatistics, async ({ context, caller, path }) =>
    context.json({ statistics: await statistics.list({ caller, registry: path.registry }) }),
  );

  routes.handle(getStatistic, async ({ context, caller, path }) =>
    context.json(await statistics.get({ caller, registry: path.registry, name: path.statistic })),
  );

  return routes;
}
