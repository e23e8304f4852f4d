// POST /asked-answers: staff ask another node for a signed yes or no through this one. Parse, call one service, answer.
import type { IdentityService } from "../identity/identity-service.ts";
import {
  ANSWER_REFUSALS,
  type AskedAnswerRequest,
  type AskedAnswerService,
} from "../resolution/asked-answer-service.ts";
import { HOME_ERRORS } from "./asked-consent-routes.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const askQuestion = declareOperation({
  id: "askQuestion",
  method: "post",
  path: "/asked-answers",
  tag: "Consent",
  summary: "Ask another node for a signed yes or no",
  description:
    "The node asks the home node by a signed request, verifies the answer, and where it is about a person notes in its own access log that it was given. What the home node refuses is answered by its own code. `signed` with `question`, `audience` and `nonce` is what anybody needs to verify it again, for its five minutes.",
  actions: ["consent.ask"],
  body: jsonBody<AskedAnswerRequest>({ schema: { $ref: "asked-answer-request.schema.json" } }),
  responses: {
    200: jsonAnswer({ description: "Yes or no, verified.", schema: { $ref: "asked-answer.schema.json" } }),
  },
  errors: ["entity_identifier_invalid", ...HOME_ERRORS, ...ANSWER_REFUSALS],
});

export function createAskedAnswerRoutes(deps: {
  identity: IdentityService;
  askedAnswers: AskedAnswerService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  routes.handle(askQuestion, async ({ context, caller, body }) => {
    const { verified, question, audience, nonce, signed } = await deps.askedAnswers.ask(caller, body);
    context.header("cache-control", "no-store");
    return context.json({
      answer: verified.answer,
      issuer: verified.issuer,
      anchor: verified.anchor,
      registry_type: verified.registryType,
      issued_at: verified.issuedAt,
      expires_at: verified.expiresAt,
      ...(verified.reading && { reading: verified.reading }),
      question,
      audience,
      nonce,
      signed,
    });
  });
  return routes;
}
