// How notifications stand, for who runs the node. Tells of nobody.
import { formatSeconds } from "../clock.ts";
import type { JsonObject } from "../crypto/json.ts";
import type { NotificationService } from "../disclosure/notification-service.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { GatewayState } from "../notification/notification-store.ts";
import { declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const COUNT = { type: "integer", minimum: 0 };
const TIME = { type: "string", format: "date-time" };

const GATEWAY = {
  type: "object",
  additionalProperties: false,
  required: ["url", "waiting", "delivered", "given_up"],
  properties: {
    url: { type: "string", description: "As the node's configuration names it." },
    waiting: { ...COUNT, description: "Notifications that it has not taken yet." },
    delivered: COUNT,
    given_up: { ...COUNT, description: "Notifications that it did not take for three days." },
    last_success: TIME,
    last_failure: TIME,
    last_failure_code: { type: "string", description: "Why, as the node's own log says it." },
  },
};

const listNotificationGateways = declareOperation({
  id: "listNotificationGateways",
  method: "get",
  path: "/notification-gateways",
  tag: "System",
  summary: "How the notifications of people stand",
  description: "For each gateway of the configuration. Whom they are for, and what about, is told to nobody.",
  actions: ["notification.watch"],
  responses: {
    200: jsonAnswer({
      description: "The gateways, in the order of the configuration.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["gateways"],
        properties: { gateways: { type: "array", items: GATEWAY } },
      },
      example: {
        gateways: [
          {
            url: "https://messages.example.gov/attestry",
            waiting: 2,
            delivered: 1_408,
            given_up: 0,
            last_success: "2026-11-28T12:00:00.000Z",
          },
        ],
      },
    }),
  },
});

function describe(state: GatewayState): JsonObject {
  const { url, waiting, delivered, givenUp, lastSuccessAt, lastFailureAt, lastFailure } = state;
  return {
    url,
    waiting,
    delivered,
    given_up: givenUp,
    ...(lastSuccessAt !== null && { last_success: formatSeconds(lastSuccessAt) }),
    ...(lastFailureAt !== null && { last_failure: formatSeconds(lastFailureAt) }),
    ...(lastFailure !== null && { last_failure_code: lastFailure }),
  };
}

export function createNotificationRoutes(deps: {
  identity: IdentityService;
  notifications: Pick<NotificationService, "listGateways">;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  routes.handle(listNotificationGateways, async ({ context, caller }) =>
    context.json({ gateways: (await deps.notifications.listGateways(caller)).map(describe) }),
  );
  return routes;
}
