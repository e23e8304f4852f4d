// The JSON API that creates and amends single records: call one service, answer.
import type { IdentityService } from "../identity/identity-service.ts";
import type { RecordWriteService } from "../records/writing/record-write-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { IDEMPOTENCY_KEY, IF_MATCH_REQUIRED } from "./parameters.ts";
import { answerWritten, ETAG, LOCATION, PROPOSED, RECORD } from "./record-answer.ts";

const createRecord = declareOperation({
  id: "createRecord",
  method: "post",
  path: "/registries/{registry}/records",
  tag: "Records",
  summary: "Create a record",
  description:
    "Signed, logged and stored before it is answered. A reference in `data` may be given as the URL of a record, or as `{type, key}`.",
  actions: ["record.write"],
  writes: true,
  headers: { "idempotency-key": IDEMPOTENCY_KEY },
  body: jsonBody({ schema: { $ref: "record-request.schema.json" }, checkedBy: "service" }),
  responses: {
    201: jsonAnswer({ description: "The record.", schema: RECORD, headers: { ...ETAG, ...LOCATION } }),
    ...PROPOSED,
  },
  errors: [
    "record_invalid",
    "record_too_large",
    "value_not_unique",
    "possible_duplicate",
    "reference_unresolved",
    "act_incomplete",
    "state_conflict",
    "version_conflict",
    "proposals_too_many",
  ],
});

const amendRecord = declareOperation({
  id: "amendRecord",
  method: "patch",
  path: "/registries/{registry}/records/{rid}",
  tag: "Records",
  summary: "Amend a record",
  description:
    "Makes the next version; the one before stays readable and proves what was said then. A patch that changes nothing makes none. With dates in the past it corrects the past, and the current content is issued again with its own dates.",
  actions: ["record.write"],
  writes: true,
  headers: { "if-match": IF_MATCH_REQUIRED, "idempotency-key": IDEMPOTENCY_KEY },
  body: jsonBody({
    schema: { $ref: "record-patch.schema.json" },
    mediaTypes: ["application/merge-patch+json", "application/json"],
    checkedBy: "service",
  }),
  responses: {
    200: jsonAnswer({ description: "The record as it is now.", schema: RECORD, headers: ETAG }),
    ...PROPOSED,
  },
  errors: [
    "patch_empty",
    "record_invalid",
    "record_too_large",
    "value_not_unique",
    "possible_duplicate",
    "reference_unresolved",
    "act_incomplete",
    "state_conflict",
    "version_conflict",
    "record_erased",
    "proposals_too_many",
  ],
});

export function createRecordWriteRoutes(deps: {
  identity: IdentityService;
  recordWrites: RecordWriteService;
}): OperationRoutes {
  const { recordWrites: records } = deps;
  const routes = createOperationRoutes(deps);

  routes.handle(createRecord, async ({ context, caller, path, headers, body }) => {
    const { registry } = path;
    const written = await records.create({ caller, registry, body, idempotencyKey: headers["idempotency-key"] });
    if ("view" in written) context.header("location", written.view.href);
    return answerWritten(context, written, 201);
  });

  routes.handle(amendRecord, async ({ context, caller, path, headers, body }) => {
    const { "if-match": expected, "idempotency-key": idempotencyKey } = headers;
    return answerWritten(context, await records.amend({ caller, ...path, body, idempotencyKey, expected }));
  });

  return routes;
}
