// The JSON API by which nodes ask to be vouched for: apply, prove the key, ask what became of it. Open to strangers; asks nobody anything.
import type { EnrolmentService, EnrolmentStatus } from "../federation/enrolment-service.ts";
import { ENROLMENT_BODY_BYTES_MAX } from "../limits.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const STATUS_PROPERTIES = {
  id: { type: "string" },
  state: { type: "string", enum: ["challenged", "pending", "accepted", "refused"] },
  expires_at: { type: "string", format: "date-time" },
  reason: { type: "string", description: "Why it was refused." },
  registry_types: { type: "array", items: { type: "string" }, description: "What is granted." },
} as const;
const STATUS_SCHEMA = {
  type: "object",
  required: ["id", "state", "expires_at"],
  additionalProperties: false,
  properties: STATUS_PROPERTIES,
} as const;
const STATUS_EXAMPLE = { id: "mS1nYyQ2mC0x7nO3rV9t4A", state: "pending", expires_at: "2026-12-24T09:00:00.000Z" };
const JWS_EXAMPLE = "eyJ0eXAiOiJlbnRpdHktc3RhdGVtZW50K2p3dCIsImFsZyI6IkVkMjU1MTkifQ.eyJpc3MiOiIifQ.c2lnbmF0dXJl";

const applyForEnrolment = declareOperation({
  id: "applyForEnrolment",
  method: "post",
  path: "/federation/enrolments",
  tag: "Federation",
  summary: "Ask this node to vouch for another",
  description:
    "`configuration` is the applicant's entity configuration, signed by itself, which must name this node among its superiors. The answer challenges it to prove its key.",
  actions: ["federation.speak"],
  body: jsonBody<{ configuration: string; formerly?: string }>({
    schema: {
      type: "object",
      required: ["configuration"],
      additionalProperties: false,
      properties: {
        configuration: { type: "string", minLength: 1 },
        formerly: {
          type: "string",
          minLength: 1,
          description: "The entity identifier that the applicant had as a subordinate of this node, if it moved.",
        },
      },
    },
    bytesMax: ENROLMENT_BODY_BYTES_MAX,
    example: { configuration: JWS_EXAMPLE },
  }),
  responses: {
    200: jsonAnswer({
      description: "The application, with its challenge.",
      schema: {
        ...STATUS_SCHEMA,
        required: [...STATUS_SCHEMA.required, "challenge"],
        properties: { ...STATUS_PROPERTIES, challenge: { type: "string" } },
      },
      example: {
        ...STATUS_EXAMPLE,
        state: "challenged",
        challenge: "q0JZ1n4kq2m0bK7oXJv0mN3y0w1c5dX8r2tU6eYfP9A",
      },
    }),
  },
  errors: [
    "statement_invalid",
    "statement_hint_missing",
    "statement_expired",
    "statement_signature_invalid",
    "node_metadata_invalid",
    "key_role_conflict",
    "entity_identifier_invalid",
    "jws_invalid",
    "algorithm_not_allowed",
  ],
});

const proveEnrolment = declareOperation({
  id: "proveEnrolment",
  method: "post",
  path: "/federation/enrolments/{enrolment}/proof",
  tag: "Federation",
  summary: "Prove the applicant's key",
  description:
    "`proof` is a JWS of type attestry-enrolment+jwt by a federation key of the configuration: iss (the applicant), aud (this node), nonce (the challenge), iat, exp, and code where there is a one-time code.",
  actions: ["federation.speak"],
  body: jsonBody<{ proof: string }>({
    schema: {
      type: "object",
      required: ["proof"],
      additionalProperties: false,
      properties: { proof: { type: "string", minLength: 1 } },
    },
    bytesMax: ENROLMENT_BODY_BYTES_MAX,
    example: { proof: JWS_EXAMPLE },
  }),
  responses: {
    200: jsonAnswer({ description: "What became of it.", schema: STATUS_SCHEMA, example: STATUS_EXAMPLE }),
  },
  errors: [
    "enrolment_unknown",
    "state_conflict",
    "enrolment_proof_invalid",
    "enrolment_code_invalid",
    "subordinate_key_changed",
    "too_many_items",
  ],
});

const getEnrolment = declareOperation({
  id: "getEnrolment",
  method: "get",
  path: "/federation/enrolments/{enrolment}",
  tag: "Federation",
  summary: "Ask what became of an application",
  actions: ["federation.speak"],
  responses: {
    200: jsonAnswer({ description: "The application.", schema: STATUS_SCHEMA, example: STATUS_EXAMPLE }),
  },
  errors: ["enrolment_unknown"],
});

const leaveSuperior = declareOperation({
  id: "leaveSuperior",
  method: "post",
  path: "/federation/enrolments/departures",
  tag: "Federation",
  summary: "Leave this node as its subordinate",
  description:
    "`departure` is a JWS of type attestry-departure+jwt by a federation key that this node knows the subordinate by: iss (the subordinate), aud (this node), iat, exp.",
  actions: ["federation.speak"],
  body: jsonBody<{ departure: string }>({
    schema: {
      type: "object",
      required: ["departure"],
      additionalProperties: false,
      properties: { departure: { type: "string", minLength: 1 } },
    },
    bytesMax: ENROLMENT_BODY_BYTES_MAX,
    example: { departure: JWS_EXAMPLE },
  }),
  responses: {
    200: jsonAnswer({
      description: "This node no longer vouches for it.",
      schema: {
        type: "object",
        required: ["state"],
        additionalProperties: false,
        properties: { state: { type: "string", enum: ["left"] } },
      },
      example: { state: "left" },
    }),
  },
  errors: ["departure_invalid", "entity_identifier_invalid", "jws_invalid"],
});

function describe({ id, state, expiresAt, reason, registryTypes }: EnrolmentStatus) {
  return {
    id,
    state,
    expires_at: new Date(expiresAt * 1_000).toISOString(),
    ...(reason !== undefined && { reason }),
    ...(registryTypes && { registry_types: [...registryTypes] }),
  };
}

export function createEnrolmentRoutes({ enrolment }: { enrolment: EnrolmentService }): OperationRoutes {
  const routes = createOperationRoutes();

  routes.handle(applyForEnrolment, async ({ context, body }) => {
    const { challenge, ...status } = await enrolment.apply(body);
    return context.json({ ...describe(status), challenge });
  });

  routes.handle(leaveSuperior, async ({ context, body }) => {
    await enrolment.depart(body.departure);
    return context.json({ state: "left" });
  });

  routes.handle(proveEnrolment, async ({ context, path, body }) =>
    context.json(describe(await enrolment.prove(path.enrolment, body.proof))),
  );

  routes.handle(getEnrolment, async ({ context, path }) =>
    context.json(describe(await enrolment.getStatus(path.enrolment))),
  );

  return routes;
}
