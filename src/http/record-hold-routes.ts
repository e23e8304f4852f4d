// The JSON API that keeps records from being erased: call one service, answer.
import type { Json } from "../crypto/json.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { HoldService } from "../records/writing/hold-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const HOLDS = { $ref: "record-holds.schema.json" } as const;

const holdRecord = declareOperation({
  id: "holdRecord",
  method: "post",
  path: "/registries/{registry}/records/{rid}/hold",
  tag: "Records",
  summary: "Keep a record from being erased",
  description:
    "While a hold stands, neither the record nor one of its versions is erased. Holds of several cases may stand on one record; each ends on its day or is lifted by itself. Sent twice, it counts once.",
  actions: ["record.hold"],
  body: jsonBody<Json>({ schema: { $ref: "hold-request.schema.json" }, checkedBy: "service" }),
  responses: { 200: jsonAnswer({ description: "The record's holds.", schema: HOLDS }) },
  errors: ["act_incomplete", "record_erased", "too_many_items"],
});

const releaseRecord = declareOperation({
  id: "releaseRecord",
  method: "post",
  path: "/registries/{registry}/records/{rid}/release",
  tag: "Records",
  summary: "Lift the hold of a case",
  description: "Holds of other cases stand on.",
  actions: ["record.release"],
  body: jsonBody<Json>({ schema: { $ref: "release-request.schema.json" }, checkedBy: "service" }),
  responses: { 200: jsonAnswer({ description: "The record's holds.", schema: HOLDS }) },
  errors: ["act_incomplete", "record_erased", "hold_unknown"],
});

export function createRecordHoldRoutes(deps: { identity: IdentityService; holds: HoldService }): OperationRoutes {
  const routes = createOperationRoutes(deps);
  routes.handle(holdRecord, async ({ context, caller, path, body }) =>
    context.json(await deps.holds.place({ caller, ...path, body })),
  );
  routes.handle(releaseRecord, async ({ context, caller, path, body }) =>
    context.json(await deps.holds.release({ caller, ...path, body })),
  );
  return routes;
}
