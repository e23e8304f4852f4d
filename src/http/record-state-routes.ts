// The JSON API that changes a record's state, replaces and erases: call one service, answer.
import { isProposed } from "../approval/proposal-book-service.ts";
import type { Json } from "../crypto/json.ts";
import type { ErrorCode } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import type { RecordStateService, StateOptions } from "../records/writing/record-state-service.ts";
import { declareOperation, jsonAnswer, jsonBody, type OperationInput, optionalJsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { IDEMPOTENCY_KEY, IF_MATCH, readNumber } from "./parameters.ts";
import { answerProposed, answerWritten, ETAG, PROPOSED, RECORD } from "./record-answer.ts";

const HEADERS = { "if-match": IF_MATCH, "idempotency-key": IDEMPOTENCY_KEY } as const;
const ERRORS: readonly ErrorCode[] = [
  "act_incomplete",
  "state_conflict",
  "version_conflict",
  "record_erased",
  "proposals_too_many",
];

function declareChange<const Name extends string>(name: Name, id: string, summary: string, description: string) {
  return declareOperation({
    id,
    method: "post",
    path: `/registries/{registry}/records/{rid}/${name}`,
    tag: "Records",
    summary,
    description,
    actions: ["record.write"],
    writes: true,
    headers: HEADERS,
    body: optionalJsonBody({ schema: { $ref: "state-request.schema.json" }, checkedBy: "service" }),
    responses: {
      200: jsonAnswer({ description: "The record in its new state.", schema: RECORD, headers: ETAG }),
      ...PROPOSED,
    },
    errors: ERRORS,
  });
}

const CHANGES = {
  suspend: declareChange(
    "suspend",
    "suspendRecord",
    "Suspend a record",
    "It is not to be relied on for the time being; its current version verifies as suspended.",
  ),
  reinstate: declareChange("reinstate", "reinstateRecord", "Reinstate a suspended record", "It is in force again."),
  revoke: declareChange(
    "revoke",
    "revokeRecord",
    "Revoke a record that was wrong",
    "It never should have been: all its versions are invalid, for all time, and its unique values are free again. It takes no `effective`.",
  ),
  end: declareChange(
    "end",
    "endRecord",
    "End a record that was right and is over",
    "As by death or dissolution. What it said until then stays true.",
  ),
} as const;

const replaceRecord = declareOperation({
  id: "replaceRecord",
  method: "post",
  path: "/registries/{registry}/records/{rid}/replace",
  tag: "Records",
  summary: "Replace records by others: merge, split, move",
  description:
    "All or nothing. Successors are records that are there, of other nodes too, or are created with it; each names the other.",
  actions: ["record.write"],
  writes: true,
  headers: HEADERS,
  body: jsonBody({ schema: { $ref: "replace-request.schema.json" }, checkedBy: "service" }),
  responses: {
    200: jsonAnswer({
      description: "The replaced record, its successors in `replaced_by`.",
      schema: RECORD,
      headers: ETAG,
    }),
    ...PROPOSED,
  },
  errors: [
    ...ERRORS,
    "record_invalid",
    "record_too_large",
    "value_not_unique",
    "possible_duplicate",
    "reference_unresolved",
  ],
});

const eraseRecord = declareOperation({
  id: "eraseRecord",
  method: "post",
  path: "/registries/{registry}/records/{rid}/erase",
  tag: "Records",
  summary: "Erase what a record says",
  description:
    "Destroys its data, keys and signed texts, now and for ever. That there was a record and that it was erased stays in the log. It takes no `effective`.",
  actions: ["record.write"],
  writes: true,
  headers: HEADERS,
  body: optionalJsonBody({ schema: { $ref: "state-request.schema.json" }, checkedBy: "service" }),
  responses: {
    200: jsonAnswer({ description: "What is left of it.", schema: { $ref: "record-erased.schema.json" } }),
    ...PROPOSED,
  },
  errors: [...ERRORS, "record_held"],
});

const eraseRecordVersion = declareOperation({
  id: "eraseRecordVersion",
  method: "post",
  path: "/registries/{registry}/records/{rid}/versions/{version}/erase",
  tag: "Records",
  summary: "Erase what one former version says",
  description:
    "For a version that was wrong, such as one about another person. Destroys its data and its signed text, and whatever only it had; the record, its other versions and their proofs stay. Of the current version: amend the record first.",
  actions: ["record.write"],
  writes: true,
  headers: HEADERS,
  body: optionalJsonBody({ schema: { $ref: "state-request.schema.json" }, checkedBy: "service" }),
  responses: {
    200: jsonAnswer({ description: "What is left of it.", schema: { $ref: "record-erased.schema.json" } }),
    ...PROPOSED,
  },
  errors: [...ERRORS, "version_unknown", "version_erased", "version_current", "record_held"],
});

type StateInput = OperationInput<"{registry}{rid}", Record<never, never>, typeof HEADERS, Json | undefined>;

function stateOptions({ caller, path, headers, body }: StateInput): StateOptions {
  return { caller, ...path, body, idempotencyKey: headers["idempotency-key"], expected: headers["if-match"] };
}

export function createRecordStateRoutes(deps: {
  identity: IdentityService;
  recordStates: RecordStateService;
}): OperationRoutes {
  const { recordStates: states } = deps;
  const routes = createOperationRoutes(deps);
  for (const operation of ["suspend", "reinstate", "revoke", "end"] as const)
    routes.handle(CHANGES[operation], async (input) =>
      answerWritten(input.context, await states.change({ ...stateOptions(input), operation })),
    );
  routes.handle(replaceRecord, async (input) =>
    answerWritten(input.context, await states.replace(stateOptions(input))),
  );
  routes.handle(eraseRecord, async (input) => {
    const erased = await states.erase(stateOptions(input));
    return isProposed(erased) ? answerProposed(input.context, erased) : input.context.json(erased);
  });
  routes.handle(eraseRecordVersion, async ({ context, caller, path, headers, body }) => {
    const { version, ...record } = path;
    const erased = await states.eraseVersion({
      ...{ caller, ...record, body, version: readNumber(version, "version") },
      ...{ idempotencyKey: headers["idempotency-key"], expected: headers["if-match"] },
    });
    return isProposed(erased) ? answerProposed(context, erased) : context.json(erased);
  });
  return routes;
}
