// POST /answers: a question in, a signed yes or no out. Parse, call one service, answer.
import { READING_REFUSALS } from "../disclosure/disclosure-decision.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import {
  ANSWER_SECONDS,
  ANSWERS_PER_CALLER_MAX,
  ANSWERS_PER_RECORD_ANONYMOUS_MAX,
  ANSWERS_PER_RECORD_MAX,
} from "../limits.ts";
import type { AnswerRequest, AnswerService } from "../records/answers/answer-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const EXAMPLE_JWT = "eyJ0eXAiOiJhdHRlc3RyeS1hbnN3ZXIrand0IiwiYWxnIjoiRWQyNTUxOSJ9.eyJpc3MiOiIifQ.c2lnbmF0dXJl";

const answerQuestion = declareOperation({
  id: "answerQuestion",
  method: "post",
  path: "/answers",
  tag: "Proofs",
  summary: "A signed yes or no about a record",
  description: `Says less than a record: whether it is there and in force ("exists"), also has these values ("matches"), or has a date that is so many years ago ("age"). The answer is a JWS (\`attestry-answer+jwt\`) of a record key, bound to audience and nonce, good for ${ANSWER_SECONDS} seconds; its \`question\` is what was asked. The registry's definition says under \`answers\` which questions it takes; anybody may ask public registries, nodes of the federation also those with access "members". In an hour ${ANSWERS_PER_RECORD_MAX} comparisons with one record are made for a node or token, ${ANSWERS_PER_RECORD_ANONYMOUS_MAX} for all strangers together, and ${ANSWERS_PER_CALLER_MAX} questions of a node or token answered. A question about a record of a registry with access "consent" is a reading: nodes ask, with \`access\` as in \`POST /records:read\`; it is decided, counted per person and logged as one.`,
  actions: ["record.read"],
  nodes: true,
  body: jsonBody<AnswerRequest>({ schema: { $ref: "answer-request.schema.json" } }),
  responses: {
    200: jsonAnswer({
      description: "The answer, with the chain that its key is believed by.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["answer", "chain"],
        properties: {
          answer: { type: "string", description: "attestry-answer+jwt" },
          receipt: {
            type: "string",
            description: "Of an answer about a personal record: the tlog-proof of its event in the access log.",
          },
          chain: {
            type: "array",
            description: "Entity statements: this node's configuration first, the anchor's last.",
            items: { type: "string" },
          },
        },
      },
      example: { answer: EXAMPLE_JWT, chain: [EXAMPLE_JWT] },
    }),
  },
  errors: ["registry_unknown", "query_invalid", "answer_not_offered", "answer_budget_exceeded", ...READING_REFUSALS],
});

export function createAnswerRoutes(deps: {
  identity: IdentityService;
  answers: AnswerService;
  /** This node's own chain, from its configuration up to the anchor's. */
  ownChain: () => Promise<readonly string[]>;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  routes.handle(answerQuestion, async ({ context, caller, body }) => {
    const chain = await deps.ownChain();
    const signed = await deps.answers.answer(body, caller);
    context.header("cache-control", "no-store");
    return context.json({ ...signed, chain });
  });
  return routes;
}
