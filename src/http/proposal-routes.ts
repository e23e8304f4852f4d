// The JSON API of proposals: what waits for approval, and the decisions on it.
import { PROPOSAL_KINDS, PROPOSAL_STATES } from "../approval/proposal.ts";
import type { ProposalService } from "../approval/proposal-service.ts";
import type { ErrorCode } from "../errors.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { PROPOSAL_TEXT_CHARS_MAX, PROPOSALS_PAGE_MAX } from "../limits.ts";
import { declareOperation, jsonAnswer, jsonBody, optionalJsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const PROPOSAL = { $ref: "proposal.schema.json" } as const;
const DECISION_ERRORS: readonly ErrorCode[] = ["proposal_unknown", "proposal_decided", "proposal_own", "record_erased"];

const text = (minLength: 0 | 1) => ({ type: "string", minLength, maxLength: PROPOSAL_TEXT_CHARS_MAX }) as const;

const listProposals = declareOperation({
  id: "listProposals",
  method: "get",
  path: "/proposals",
  tag: "Approval",
  summary: "Changes that wait for approval, and what became of them",
  description:
    "Those that the caller may see: of the caller's registries and jurisdiction, and the caller's own. What waits for the caller comes oldest first, all else newest first.",
  actions: ["proposal.read"],
  query: {
    for: {
      description: "`me`: what the caller can decide on now; `mine`: what the caller proposed; `all`.",
      schema: { enum: ["me", "mine", "all"] as const, default: "all" },
      example: "me",
    },
    registry: { description: "Of one registry.", schema: { type: "string", maxLength: 63 }, example: "districts" },
    kind: { description: "What is proposed.", schema: { enum: PROPOSAL_KINDS }, example: "amend" },
    state: { description: "What has become of it.", schema: { enum: PROPOSAL_STATES }, example: "waiting" },
    record: { description: "About one record, by its `rid`.", schema: { type: "string", format: "uuid" } },
    cursor: { description: "`next` of the page before.", schema: { type: "string", maxLength: 80 } },
    limit: {
      description: "How many, at most.",
      schema: { type: "integer", minimum: 1, maximum: PROPOSALS_PAGE_MAX },
      example: 20,
    },
  },
  responses: {
    200: jsonAnswer({
      description: "A page.",
      schema: {
        type: "object",
        required: ["proposals", "next"],
        properties: { proposals: { type: "array", items: PROPOSAL }, next: { type: ["string", "null"] } },
      },
      example: { proposals: [], next: null },
    }),
  },
});

const getProposal = declareOperation({
  id: "getProposal",
  method: "get",
  path: "/proposals/{proposal}",
  tag: "Approval",
  summary: "One proposal, with what it would change",
  actions: ["proposal.read"],
  responses: { 200: jsonAnswer({ description: "The proposal.", schema: PROPOSAL }) },
  errors: ["proposal_unknown"],
});

const approveProposal = declareOperation({
  id: "approveProposal",
  method: "post",
  path: "/proposals/{proposal}/approve",
  tag: "Approval",
  summary: "Approve a proposal",
  description:
    "With the last approval it is carried out, once, if what it is about is still as it was when it was proposed; else it has failed, and the answer says why. Nobody approves what they proposed, or twice.",
  actions: ["proposal.decide"],
  writes: true,
  body: optionalJsonBody<{ readonly note?: string }>({
    schema: { type: "object", additionalProperties: false, properties: { note: text(1) } },
    example: { note: "compared with the deed" },
  }),
  responses: { 200: jsonAnswer({ description: "The proposal as it is now.", schema: PROPOSAL }) },
  errors: [
    ...DECISION_ERRORS,
    "version_conflict",
    "state_conflict",
    "value_not_unique",
    "possible_duplicate",
    "record_invalid",
    "record_unknown",
    "reference_unresolved",
    "definition_conflict",
    "registry_retired",
  ],
});

const returnProposal = declareOperation({
  id: "returnProposal",
  method: "post",
  path: "/proposals/{proposal}/return",
  tag: "Approval",
  summary: "Return a proposal with a reason",
  description: "Whoever proposed it reads the reason, and may propose something better.",
  actions: ["proposal.decide"],
  body: jsonBody<{ readonly reason: string }>({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["reason"],
      properties: { reason: { ...text(1), pattern: "\\S" } },
    },
    example: { reason: "the deed names another owner" },
  }),
  responses: { 200: jsonAnswer({ description: "The proposal as it is now.", schema: PROPOSAL }) },
  errors: DECISION_ERRORS,
});

const withdrawProposal = declareOperation({
  id: "withdrawProposal",
  method: "post",
  path: "/proposals/{proposal}/withdraw",
  tag: "Approval",
  summary: "Withdraw one's own proposal",
  actions: ["proposal.read"],
  responses: { 200: jsonAnswer({ description: "The proposal as it is now.", schema: PROPOSAL }) },
  errors: ["proposal_unknown", "proposal_decided"],
});

export function createProposalRoutes(deps: { identity: IdentityService; proposals: ProposalService }): OperationRoutes {
  const { proposals } = deps;
  const routes = createOperationRoutes(deps);

  routes.handle(listProposals, async ({ context, caller, query }) => {
    const { state, record, ...filter } = query;
    const states = state && [state];
    return context.json(await proposals.list(caller, { ...filter, for: query.for ?? "all", states, rid: record }));
  });
  routes.handle(getProposal, async ({ context, caller, path }) =>
    context.json(await proposals.get(caller, path.proposal)),
  );
  routes.handle(approveProposal, async ({ context, caller, path, body }) =>
    context.json(await proposals.approve(caller, path.proposal, { note: body?.note })),
  );
  routes.handle(returnProposal, async ({ context, caller, path, body }) =>
    context.json(await proposals.return(caller, path.proposal, body)),
  );
  routes.handle(withdrawProposal, async ({ context, caller, path }) =>
    context.json(await proposals.withdraw(caller, path.proposal)),
  );
  return routes;
}
