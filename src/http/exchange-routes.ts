// What other nodes and verifiers fetch: status lists and batches of records with their proofs.
import type { IdentityService } from "../identity/identity-service.ts";
import { RECORDS_READ_MAX, STATUS_LIST_TTL_SECONDS } from "../limits.ts";
import type { EvidenceService } from "../records/evidence-service.ts";
import type { ReadReference } from "../records/record-batch-service.ts";
import type { StatusService } from "../records/status-service.ts";
import { declareOperation, jsonAnswer, jsonBody, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { readNumber } from "./parameters.ts";

const STATUS_LIST_TYPE = "application/statuslist+jwt";

const getStatusList = declareOperation({
  id: "getStatusList",
  method: "get",
  path: "/status/{list}",
  tag: "Proofs",
  summary: "A signed status list",
  description: "IETF Token Status List, 2 bits a version: 0 valid, 1 invalid, 2 suspended, 3 superseded.",
  access: "open",
  responses: {
    200: textAnswer(STATUS_LIST_TYPE, {
      description: "The status list token.",
      example: "eyJ0eXAiOiJzdGF0dXNsaXN0K2p3dCIsImFsZyI6IkVkMjU1MTkifQ.eyJzdWIiOiIifQ.c2lnbmF0dXJl",
    }),
  },
  errors: ["not_found", "query_invalid"],
});

const readRecords = declareOperation({
  id: "readRecords",
  method: "post",
  path: "/records:read",
  tag: "Proofs",
  summary: "Read records of this node with their proofs",
  description: `What another node needs to verify up to ${RECORDS_READ_MAX} references. This node answers only for its own records, and never asks further. Records of registries with access "members" are given to nodes of the federation, by signed requests.`,
  access: "optional",
  nodes: true,
  body: jsonBody<{ references: ReadReference[] }>({ schema: { $ref: "record-read-request.schema.json" } }),
  responses: {
    200: jsonAnswer({ description: "One outcome per reference.", schema: { $ref: "record-read-answer.schema.json" } }),
  },
});

export function createExchangeRoutes(deps: {
  identity: IdentityService;
  statuses: StatusService;
  evidence: EvidenceService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);

  routes.handle(getStatusList, async ({ context, path }) =>
    context.body(await deps.statuses.getToken(readNumber(path.list, "list")), 200, {
      "content-type": STATUS_LIST_TYPE,
      "cache-control": `public, max-age=${STATUS_LIST_TTL_SECONDS}`,
      "access-control-allow-origin": "*",
    }),
  );

  routes.handle(readRecords, async ({ context, caller, body }) =>
    context.json(await deps.evidence.read(body.references, caller)),
  );

  return routes;
}
