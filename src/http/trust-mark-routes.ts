// The endpoints about this node's trust marks (OpenID Federation 1.0 §8.4 to §8.6). Read the request; the service answers.
import { decodeUtf8 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { TRUST_MARK_TYPE } from "../federation/trust-mark.ts";
import type { TrustMarkService } from "../federation/trust-mark-service.ts";
import { STATUS_RESPONSE_TYPE } from "../federation/trust-mark-status.ts";
import { TRUST_MARK_CHARS_MAX } from "../limits.ts";
import {
  answerFederationError,
  FEDERATION_ERROR_SCHEMA,
  type FederationError,
  type FederationFault,
} from "./federation-errors.ts";
import { bytesBody, declareOperation, jsonAnswer, textAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { findUnsupported, isFault, type Queries, readOnce } from "./subordinate-filter.ts";

const MARK_MEDIA_TYPE = `application/${TRUST_MARK_TYPE}`;
const STATUS_MEDIA_TYPE = `application/${STATUS_RESPONSE_TYPE}`;
const EXAMPLE = "eyJ0eXAiOiJ0cnVzdC1tYXJrK2p3dCIsImFsZyI6IkVkMjU1MTkifQ.eyJpc3MiOiIifQ.c2lnbmF0dXJl";

const TYPE_PARAMETER = {
  description: "The type of trust marks.",
  schema: { type: "string" },
  required: true,
  example: "https://anchor.example/marks/citizen-portal",
} as const;
const SUBJECT_PARAMETER = {
  description: "Entity identifier of whom the mark is about.",
  schema: { type: "string", format: "uri" },
  example: "https://land.example",
} as const;

const getTrustMark = declareOperation({
  id: "getTrustMark",
  method: "get",
  path: "/federation/trust-mark",
  tag: "Federation",
  summary: "A trust mark that this node issued",
  description: "The newest of its type and subject that holds (OpenID Federation 1.0 §8.6).",
  actions: ["federation.speak"],
  query: { trust_mark_type: TYPE_PARAMETER, sub: { ...SUBJECT_PARAMETER, required: true } },
  foreign: {
    errorSchema: FEDERATION_ERROR_SCHEMA,
    errors: { 400: "A parameter is missing, unknown or not what it may be.", 404: "There is no such mark that holds." },
  },
  responses: { 200: textAnswer(MARK_MEDIA_TYPE, { description: "The trust mark.", example: EXAMPLE }) },
});

const listTrustMarked = declareOperation({
  id: "listTrustMarked",
  method: "get",
  path: "/federation/trust-marked",
  tag: "Federation",
  summary: "Who has a trust mark of this node",
  description: "Those that have a mark of this type that holds (OpenID Federation 1.0 §8.5).",
  actions: ["federation.speak"],
  query: { trust_mark_type: TYPE_PARAMETER, sub: SUBJECT_PARAMETER },
  foreign: {
    errorSchema: FEDERATION_ERROR_SCHEMA,
    errors: { 400: "A parameter is missing, unknown or not what it may be." },
  },
  responses: {
    200: jsonAnswer({
      description: "Entity identifiers.",
      schema: { type: "array", items: { type: "string", format: "uri" } },
      example: ["https://land.example"],
    }),
  },
});

const getTrustMarkStatus = declareOperation({
  id: "getTrustMarkStatus",
  method: "post",
  path: "/federation/trust-mark-status",
  tag: "Federation",
  summary: "Whether a trust mark of this node still holds",
  description:
    "A signed JWT (OpenID Federation 1.0 §8.4), whose `status` is active, expired, revoked or, where the signature is none of this node's, invalid.",
  actions: ["federation.speak"],
  body: bytesBody({
    mediaTypes: ["application/x-www-form-urlencoded"],
    // Each character of a mark may stand in three.
    bytesMax: 3 * TRUST_MARK_CHARS_MAX + 100,
    schema: { type: "object", required: ["trust_mark"], properties: { trust_mark: { type: "string" } } },
    examples: { form: { trust_mark: EXAMPLE } },
  }),
  foreign: {
    errorSchema: FEDERATION_ERROR_SCHEMA,
    errors: {
      400: "The form is not `trust_mark=…`, or what it holds is no trust mark.",
      404: "This node issued no such mark.",
    },
    answer: (error) => answerFederationError("invalid_request", error.message),
  },
  responses: { 200: textAnswer(STATUS_MEDIA_TYPE, { description: "The signed status.", example: EXAMPLE }) },
});

const ERROR_OF: Readonly<Record<string, FederationError>> = {
  entity_identifier_invalid: "invalid_request",
  trust_mark_invalid: "invalid_request",
  trust_mark_unknown: "not_found",
};

async function answer(body: () => Promise<Response>): Promise<Response> {
  try {
    return await body();
  } catch (error) {
    const known = error instanceof AttestryError ? ERROR_OF[error.code] : undefined;
    if (known === undefined) throw error;
    return answerFederationError(known, (error as AttestryError).message);
  }
}

function readTypeAndSubject(queries: Queries): { type: string; subject: string | undefined } | FederationFault {
  const unsupported = findUnsupported(queries, ["trust_mark_type", "sub"]);
  if (unsupported) return unsupported;
  const type = readOnce(queries, "trust_mark_type");
  if (isFault(type)) return type;
  const subject = readOnce(queries, "sub");
  if (isFault(subject)) return subject;
  return type ? { type, subject } : { error: "invalid_request", description: "trust_mark_type is required" };
}

function readForm(body: Uint8Array): string | undefined {
  const form = new URLSearchParams(decodeUtf8(body));
  const [text, ...others] = form.getAll("trust_mark");
  return others.length > 0 || form.size !== 1 ? undefined : text;
}

/** To be mounted at the entity's path. */
export function createTrustMarkRoutes({ trustMarks }: { readonly trustMarks: TrustMarkService }): OperationRoutes {
  const routes = createOperationRoutes();

  routes.handle(getTrustMark, ({ context }) =>
    answer(async () => {
      const of = readTypeAndSubject(context.req.queries());
      if (isFault(of)) return answerFederationError(of.error, of.description);
      const { type, subject } = of;
      if (!subject) return answerFederationError("invalid_request", "sub is required");
      return context.body(await trustMarks.getMark({ type, subject }), 200, { "content-type": MARK_MEDIA_TYPE });
    }),
  );

  routes.handle(listTrustMarked, ({ context }) =>
    answer(async () => {
      const of = readTypeAndSubject(context.req.queries());
      return isFault(of)
        ? answerFederationError(of.error, of.description)
        : context.json(await trustMarks.listMarked(of));
    }),
  );

  routes.handle(getTrustMarkStatus, ({ context, body }) =>
    answer(async () => {
      const text = readForm(body);
      if (text === undefined) return answerFederationError("invalid_request", "the form has trust_mark, once, alone");
      return context.body(await trustMarks.getStatus(text), 200, { "content-type": STATUS_MEDIA_TYPE });
    }),
  );

  return routes;
}
