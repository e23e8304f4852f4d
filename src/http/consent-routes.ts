// Consents between nodes, and at the counter. Parse, call one service, answer.

import { CONSENT_REQUEST_REFUSALS, type ConsentRequest } from "../consent/consent-request.ts";
import type { ConsentService, ConsentView } from "../consent/consent-service.ts";
import { formatConsentUrl } from "../consent/consent-url.ts";
import type { JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { Caller } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { checkPermitted } from "../identity/permissions.ts";
import { CONSENTS_PER_READ_MAX } from "../limits.ts";
import type { RecordSight } from "../records/record-sight.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const requestConsent = declareOperation({
  id: "requestConsent",
  method: "post",
  path: "/consents",
  tag: "Consent",
  summary: "Ask a person for consent",
  description:
    "For other nodes of the federation, by signed requests. The person is named by the claim that the registry knows people by; whether such a person is known here is not told. The person sees who asks, what for, which fields and for how long, and gives all, some or nothing of it. The same `request_id` again gives the same consent.",
  actions: ["consent.request"],
  nodes: true,
  body: jsonBody<ConsentRequest>({ schema: { $ref: "consent-request.schema.json" } }),
  responses: {
    200: jsonAnswer({ description: "The consent as it stands.", schema: { $ref: "consent.schema.json" } }),
  },
  errors: CONSENT_REQUEST_REFUSALS,
});

const readConsents = declareOperation({
  id: "readConsents",
  method: "post",
  path: "/consents:read",
  tag: "Consent",
  summary: "How consents stand that this node was asked for",
  actions: ["consent.request"],
  nodes: true,
  body: jsonBody<{ ids: string[] }>({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["ids"],
      properties: {
        ids: { type: "array", minItems: 1, maxItems: CONSENTS_PER_READ_MAX, items: { type: "string", maxLength: 100 } },
      },
    },
    example: { ids: ["7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60"] },
  }),
  responses: {
    200: jsonAnswer({
      description: "Those that the caller asked for.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["consents"],
        properties: { consents: { type: "array", items: { $ref: "consent.schema.json" } } },
      },
      example: { consents: [] },
    }),
  },
  errors: ["consent_unknown"],
});

const ASSIST_MEMBERS = {
  witness: { type: "string", minLength: 1, maxLength: 200, description: "Who saw it." },
  evidence: {
    type: "string",
    pattern: "^[A-Za-z0-9_-]{43}$",
    description: "base64url SHA-256 of the signed paper or recording.",
  },
};

const assistConsent = declareOperation({
  id: "assistConsent",
  method: "post",
  path: "/registries/{registry}/consents:assist",
  tag: "Consent",
  summary: "Write down what a person decided at the counter",
  actions: ["consent.assist"],
  writes: true,
  body: jsonBody<AssistBody>({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["id", "decision", "witness", "evidence"],
      properties: {
        id: { type: "string", maxLength: 100 },
        decision: { enum: ["give", "refuse"] },
        ...ASSIST_MEMBERS,
        fields: { type: "array", minItems: 1, maxItems: 200, items: { type: "string", maxLength: 500 } },
        expires_at: { type: "integer", minimum: 0, description: "Unix seconds." },
        one_time: { type: "boolean" },
        language: { type: "string", maxLength: 35, description: "In which the notice was read out (BCP 47)." },
      },
    },
    example: {
      id: "7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60",
      decision: "give",
      witness: "Asha Verma, desk 3",
      evidence: "q0JZ1n4kq2m0bK7oXJv0mN3y0w1c5dX8r2tU6eYfP9A",
      language: "hi",
    },
  }),
  responses: {
    200: jsonAnswer({ description: "The consent as it stands.", schema: { $ref: "consent.schema.json" } }),
  },
  errors: [
    "consent_unknown",
    "consent_state_conflict",
    "consent_evidence_missing",
    "consent_fields_exceeded",
    "consent_fields_unknown",
    "consent_term_invalid",
    "subject_unknown",
    "subject_ambiguous",
  ],
});

const invalidateConsent = declareOperation({
  id: "invalidateConsent",
  method: "post",
  path: "/registries/{registry}/consents:invalidate",
  tag: "Consent",
  summary: "Declare a consent invalid",
  description: "The notice was wrong, who acted for the person had no right to, or a court said so.",
  actions: ["consent.assist"],
  writes: true,
  body: jsonBody<{ id: string }>({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["id"],
      properties: { id: { type: "string", maxLength: 100 } },
    },
    example: { id: "7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60" },
  }),
  responses: {
    200: jsonAnswer({ description: "The consent as it stands.", schema: { $ref: "consent.schema.json" } }),
  },
  errors: ["consent_unknown", "consent_state_conflict"],
});

interface AssistBody {
  readonly id: string;
  readonly decision: "give" | "refuse";
  readonly witness: string;
  readonly evidence: string;
  readonly fields?: string[];
  readonly expires_at?: number;
  readonly one_time?: boolean;
  readonly language?: string;
}

/** As the API answers it (schemas/consent.schema.json). */
export function describeConsent(entity: string, consent: ConsentView): JsonObject {
  return {
    id: consent.id,
    href: formatConsentUrl({ entity, id: consent.id }),
    state: consent.state,
    consumer: consent.consumer,
    registry: consent.registry,
    purpose: consent.purpose,
    requested_fields: [...consent.requestedFields],
    fields: [...consent.fields],
    requested_at: consent.requestedAt,
    starts_at: consent.startsAt,
    expires_at: consent.expiresAt,
    one_time: consent.oneTime,
    used: consent.isUsed,
    ...(consent.decidedAt !== undefined && { decided_at: consent.decidedAt }),
    ...(consent.case !== undefined && { case: consent.case }),
    ...(consent.note !== undefined && { note: consent.note }),
    notice_hash: consent.notice.hash,
    ...(consent.signed !== undefined && { signed: consent.signed }),
    ...(consent.logIndex !== undefined && { access_log_index: consent.logIndex }),
  };
}

function requireNode(caller: Caller): string {
  if (caller.kind === "node") return caller.entity;
  throw new AttestryError(
    "permission_denied",
    "consent is asked for by other nodes of the federation, by signed requests",
  );
}

/** `names`: the name that the node's records have. */
export function createConsentRoutes(deps: {
  identity: IdentityService;
  consents: ConsentService;
  names: string;
  pseudonymOf: (person: string) => string;
  registries: Pick<RegistryService, "getCurrent">;
  sight: Pick<RecordSight, "checkWhole">;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  const { consents, names, pseudonymOf } = deps;

  /** Nobody who is bound to a part of a registry acts for people of all of it. */
  async function checkWhole(caller: Caller, registry: string): Promise<void> {
    checkPermitted({ caller, action: "consent.assist", registry });
    deps.sight.checkWhole({ caller, compiled: await deps.registries.getCurrent(registry) });
  }

  routes.handle(requestConsent, async ({ context, caller, body }) =>
    context.json(describeConsent(names, await consents.request(body, requireNode(caller)))),
  );

  routes.handle(readConsents, async ({ context, caller, body }) => {
    const consumer = requireNode(caller);
    const found = await Promise.all(body.ids.map((id) => consents.getForConsumer(id, consumer)));
    return context.json({ consents: found.map((one) => describeConsent(names, one)) });
  });

  routes.handle(assistConsent, async ({ context, caller, path, body }) => {
    const { registry } = path;
    await checkWhole(caller, registry);
    const staff = caller.kind === "staff" ? { staff: pseudonymOf(caller.person), role: caller.role } : undefined;
    const { id, witness, evidence, language = "en" } = body;
    const giver = { ...staff!, witness, evidence };
    const choice = {
      language,
      ...(body.fields && { fields: body.fields }),
      ...(body.expires_at !== undefined && { expiresAt: body.expires_at }),
      ...(body.one_time !== undefined && { oneTime: body.one_time }),
    };
    const consent =
      body.decision === "give"
        ? await consents.giveAssisted(giver, { id, registry }, choice)
        : await consents.refuseAssisted(giver, { id, registry });
    return context.json(describeConsent(names, consent));
  });

  routes.handle(invalidateConsent, async ({ context, caller, path, body }) => {
    const { registry } = path;
    await checkWhole(caller, registry);
    const by = caller.kind === "staff" ? { staff: pseudonymOf(caller.person), role: caller.role } : undefined;
    return context.json(describeConsent(names, await consents.invalidate(by!, { id: body.id, registry })));
  });

  return routes;
}
