// POST /resolve: references in, verified records out, each with its own outcome.

import { parseConsentUrl } from "../consent/consent-url.ts";
import type { Json } from "../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { REQUEST_FAULTS_MAX } from "../limits.ts";
import { parseReference, type Reference } from "../records/record-url.ts";
import { parseFollowPaths } from "../resolution/follow-paths.ts";
import type { ResolutionService, ResolveAccess } from "../resolution/resolution-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const resolveReferences = declareOperation({
  id: "resolveReferences",
  method: "post",
  path: "/resolve",
  tag: "Resolution",
  summary: "Resolve and verify references, wherever their records are",
  description:
    "Asks each home node once per step and verifies every record. Without a token of this node's staff, which another node has not either, only records of this node are resolved.",
  actions: ["reference.resolve", "peer.read"],
  nodes: true,
  body: jsonBody<{ references: Json[]; follow?: Json; access?: AccessBody }>({
    schema: { $ref: "resolve-request.schema.json" },
  }),
  responses: {
    200: jsonAnswer({
      description: "One outcome per reference; never all or nothing.",
      schema: { $ref: "resolve-answer.schema.json" },
    }),
  },
  errors: ["budget_exceeded"],
});

interface AccessBody {
  readonly purpose: string;
  readonly request_id?: string;
  readonly fields?: string[];
  readonly consents?: string[];
  readonly case?: string;
}

function parseAccess({ purpose, request_id, fields, consents = [], case: matter }: AccessBody): ResolveAccess {
  const details: ErrorDetail[] = [];
  const names = consents.flatMap((url, at) => {
    const name = parseConsentUrl(url);
    if (!name) details.push({ field: `/access/consents/${at}`, message: "is not the URL of a consent" });
    return name ?? [];
  });
  if (details.length > 0)
    throw new AttestryError("request_invalid", "some consents are not addresses of consents", { details });
  return { purpose, requestId: request_id, fields, consents: names, case: matter };
}

function parseReferences(items: readonly Json[]): Reference[] {
  const details: ErrorDetail[] = [];
  const references = items.flatMap((item, at) => {
    const reference = parseReference(item);
    if (!reference) details.push({ field: `/references/${at}`, message: "is not the URL of a record" });
    return reference ?? [];
  });
  if (details.length > 0)
    throw new AttestryError("request_invalid", "some references are not addresses of records", {
      details: details.slice(0, REQUEST_FAULTS_MAX),
    });
  return references;
}

export function createResolveRoutes(deps: {
  identity: IdentityService;
  resolution: ResolutionService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  routes.handle(resolveReferences, async ({ context, caller, body }) => {
    const references = parseReferences(body.references);
    const follow = parseFollowPaths(body.follow);
    const outgoing = caller.kind === "staff";
    const access = body.access && parseAccess(body.access);
    return context.json(await deps.resolution.resolve({ references, follow, outgoing, caller, access }));
  });
  return routes;
}
