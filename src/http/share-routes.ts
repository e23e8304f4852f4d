// POST /shares:open: what a person shared, for whoever has the link and the code. Parse, call one service, answer.
import { formatSeconds } from "../clock.ts";
import type { JsonObject } from "../crypto/json.ts";
import type { OpenedShare } from "../disclosure/share-opening-service.ts";
import { SHARE_WRONG_CODES_MAX } from "../limits.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import type { OpenShare } from "./share-door.ts";

const EXAMPLE_JWT = "eyJhbGciOiJFZDI1NTE5In0.e30.c2lnbmF0dXJl";

interface OpenBody {
  readonly share: string;
  readonly code: string;
  readonly request_id?: string;
}

const openShare = declareOperation({
  id: "openShare",
  method: "post",
  path: "/shares:open",
  tag: "Consent",
  summary: "Open what a person shared",
  description: `For whoever has the link and the code, as the page at the link does it. The person sees each opening. The same \`request_id\` again is the same opening, for an hour; without one each is a new one. No such link, a wrong code, and one that ${SHARE_WRONG_CODES_MAX} wrong codes closed are answered alike.`,
  actions: ["share.open"],
  writes: true,
  body: jsonBody<OpenBody>({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["share", "code"],
      properties: {
        share: { type: "string", maxLength: 2_048, description: "The link, or the id at its end." },
        code: { type: "string", maxLength: 100, description: "As the person told it; blanks do not matter." },
        request_id: { type: "string", minLength: 8, maxLength: 100, pattern: "^[!-~]+$" },
      },
    },
    example: {
      share: "https://civil.example.gov/shared/7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60",
      code: "482 913 005 771 264",
      request_id: "opening-1",
    },
  }),
  responses: {
    200: jsonAnswer({
      description: "The fields that are shared, and the evidence file that proves them.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: [
          ...["id", "registry", "version", "recipient", "purpose", "expires_at", "one_time", "fields", "data", "terms"],
          ...["access_log_index", "evidence"],
        ],
        properties: {
          id: { type: "string", format: "uuid" },
          registry: { type: "string" },
          version: { type: "integer", minimum: 1 },
          recipient: { type: "string", description: "For whom, in the person's words." },
          purpose: { type: "string", description: "What for, in the person's words." },
          expires_at: { type: "string", format: "date-time" },
          one_time: { type: "boolean" },
          fields: { type: "array", items: { type: "string" }, description: "Names of the fields that are shared." },
          data: {
            type: "object",
            additionalProperties: true,
            description: "With what stands open in every token of the record.",
          },
          terms: { type: "string", description: "What the person signed off (attestry-share+jwt)." },
          access_log_index: { type: "integer", minimum: 0, description: "Of the opening, in this node's access log." },
          evidence: { $ref: "evidence.schema.json" },
        },
      },
      example: {
        id: "7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60",
        registry: "persons",
        version: 1,
        recipient: "Northern Bank, Lake Road",
        purpose: "Opening an account",
        expires_at: "2026-12-05T23:59:59Z",
        one_time: false,
        fields: ["name"],
        data: { name: "Meera Rao" },
        terms: EXAMPLE_JWT,
        access_log_index: 41,
        evidence: {
          token: "eyJ0eXAiOiJkYytzZC1qd3QifQ.e30.c2lnbmF0dXJl~",
          receipts: {
            recent: "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n\nregistry.example/log/records\n…",
          },
          status: {
            token: EXAMPLE_JWT,
            receipt: "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\nregistry.example/log/records\n…",
          },
          chain: [EXAMPLE_JWT],
          definition: '{"name":"persons"}',
          presentation: {
            token: EXAMPLE_JWT,
            receipt: "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 41\n\nregistry.example/log/access\n…",
          },
        },
      },
    }),
  },
  errors: [
    "share_unknown",
    "share_ended",
    "share_expired",
    "share_used",
    "share_record_unavailable",
    "share_busy",
    "request_id_reused",
  ],
});

function describeOpened(opened: OpenedShare): JsonObject {
  return {
    id: opened.id,
    registry: opened.registry,
    version: opened.version,
    recipient: opened.recipient,
    purpose: opened.purpose,
    expires_at: formatSeconds(opened.expiresAt),
    one_time: opened.isOneTime,
    fields: [...opened.fields],
    data: opened.data,
    terms: opened.terms,
    access_log_index: opened.reading.index,
    evidence: opened.evidence as unknown as JsonObject,
  };
}

export function createShareRoutes(deps: { readonly openShare: OpenShare }): OperationRoutes {
  const routes = createOperationRoutes();
  routes.handle(openShare, async ({ context, body }) => {
    const { share, code, request_id } = body;
    const opened = await deps.openShare({ id: share.replace(/^.*\/shared\//, ""), code, requestId: request_id });
    context.header("cache-control", "private, no-store");
    return context.json(describeOpened(opened));
  });
  return routes;
}
