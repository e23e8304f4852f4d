// Whether the process lives and whether it can serve. Tells nothing of records.
import type { LogReader } from "../log/reader-service.ts";
import { declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const STATUS = {
  type: "object",
  required: ["status"],
  properties: { status: { type: "string" }, reason: { type: "string" } },
} as const;

const getHealth = declareOperation({
  id: "getHealth",
  method: "get",
  path: "/healthz",
  tag: "System",
  summary: "Whether the process lives",
  actions: ["node.describe"],
  responses: { 200: jsonAnswer({ description: "It lives.", schema: STATUS, example: { status: "ok" } }) },
});

const getReadiness = declareOperation({
  id: "getReadiness",
  method: "get",
  path: "/readyz",
  tag: "System",
  summary: "Whether the node can serve",
  actions: ["node.describe"],
  responses: {
    200: jsonAnswer({ description: "It can.", schema: STATUS, example: { status: "ready" } }),
    503: jsonAnswer({
      description: "It cannot, now.",
      schema: STATUS,
      example: { status: "not ready", reason: "the database does not answer" },
    }),
  },
});

export function createSystemRoutes(deps: { reader: LogReader }): OperationRoutes {
  const routes = createOperationRoutes();
  routes.handle(getHealth, ({ context }) => context.json({ status: "ok" }));
  routes.handle(getReadiness, async ({ context }) => {
    try {
      await deps.reader.checkpoint();
      return context.json({ status: "ready" });
    } catch {
      return context.json({ status: "not ready", reason: "the database does not answer" }, 503);
    }
  });
  return routes;
}
