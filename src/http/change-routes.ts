// Tell once: changes of covered records for consumers, and notices of erasures from home nodes. Parse, call one service, answer.
import { formatSeconds } from "../clock.ts";
import type { ChangeFeedService } from "../disclosure/change-feed-service.ts";
import { AttestryError } from "../errors.ts";
import type { Caller, MemberNode } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { isPermitted } from "../identity/permissions.ts";
import { CHANGES_PAGE_MAX, ERASURE_NOTICES_PAGE } from "../limits.ts";
import type { ErasureNotice, ErasureNoticeInbox } from "../resolution/erasure-notice-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const EXAMPLE_HREF = "https://civil.example/registries/persons/records/4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60";
const EXAMPLE_JWT = "eyJ0eXAiOiJhdHRlc3RyeS1zdGF0ZStqd3QiLCJhbGciOiJFZDI1NTE5In0.eyJvcCI6ImVyYXNlIn0.c2lnbmF0dXJl";

const readChanges = declareOperation({
  id: "readChanges",
  method: "post",
  path: "/changes:read",
  tag: "Consent",
  summary: "What changed of the records that you may read",
  description:
    "For other nodes, by signed requests: changes without content of exactly those records that an active consent covers, or that a law gave you, and erasures of all that you were ever given. Each change is told at least once to who goes on by the cursor.",
  actions: ["consent.request"],
  nodes: true,
  body: jsonBody<{ cursor?: string; limit?: number }>({
    schema: {
      type: "object",
      additionalProperties: false,
      properties: {
        cursor: { type: "string", maxLength: 20, description: "Of the last answer; the beginning unless given." },
        limit: { type: "integer", minimum: 1, maximum: CHANGES_PAGE_MAX },
      },
    },
    example: { cursor: "0" },
  }),
  responses: {
    200: jsonAnswer({
      description: "In the order of the log.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["changes", "cursor", "more"],
        properties: {
          changes: {
            type: "array",
            items: {
              type: "object",
              additionalProperties: false,
              required: ["href", "operation", "at"],
              properties: {
                href: { type: "string" },
                operation: {
                  enum: [
                    "create",
                    "amend",
                    "suspend",
                    "reinstate",
                    "revoke",
                    "end",
                    "replace",
                    "erase",
                    "erase_version",
                  ],
                },
                version: {
                  type: "integer",
                  minimum: 1,
                  description: "Of an `erase_version`: which version was erased.",
                },
                at: { type: "string", format: "date-time" },
              },
            },
          },
          cursor: { type: "string" },
          more: { type: "boolean" },
        },
      },
      example: {
        changes: [{ href: EXAMPLE_HREF, operation: "end", at: "2026-11-28T09:00:00Z" }],
        cursor: "42",
        more: false,
      },
    }),
  },
});

const takeErasureNotices = declareOperation({
  id: "takeErasureNotices",
  method: "post",
  path: "/erasure-notices",
  tag: "Consent",
  summary: "Be told that records, or versions of them, were erased of which you were given fields",
  description:
    "From the records' home node, by a signed request, with the signed statement of each erasure and its receipt. Taken twice, it counts once.",
  actions: ["consent.request"],
  nodes: true,
  body: jsonBody<{ notices: ErasureNotice[] }>({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["notices"],
      properties: {
        notices: {
          type: "array",
          minItems: 1,
          maxItems: ERASURE_NOTICES_PAGE,
          items: {
            type: "object",
            additionalProperties: false,
            required: ["href", "number", "statement", "receipt"],
            properties: {
              href: { type: "string", maxLength: 2048 },
              number: { type: "integer", minimum: 1 },
              statement: { type: "string", description: "attestry-state+jwt" },
              receipt: { type: "string", description: "Of the records log (C2SP tlog-proof)." },
            },
          },
        },
      },
    },
    example: {
      notices: [{ href: EXAMPLE_HREF, number: 1, statement: EXAMPLE_JWT, receipt: "c2sp.org/tlog-proof@v1\n" }],
    },
  }),
  responses: {
    200: jsonAnswer({
      description: "All of them are kept.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["taken"],
        properties: { taken: { type: "integer" } },
      },
      example: { taken: 1 },
    }),
  },
});

const listErasureNotices = declareOperation({
  id: "listErasureNotices",
  method: "get",
  path: "/erasure-notices",
  tag: "Consent",
  summary: "Records of other nodes that were erased",
  description:
    "Of which this node was given fields: whatever you keep of them, on paper too, is to be destroyed unless a law says otherwise.",
  actions: ["peer.read"],
  responses: {
    200: jsonAnswer({
      description: "Newest first.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["notices"],
        properties: {
          notices: {
            type: "array",
            items: {
              type: "object",
              additionalProperties: false,
              required: ["href", "home", "erased_at", "received_at", "statement"],
              properties: {
                href: { type: "string" },
                version: {
                  type: "integer",
                  minimum: 1,
                  description: "The one version that was erased; left out where the whole record was.",
                },
                home: { type: "string" },
                erased_at: { type: "string", format: "date-time" },
                received_at: { type: "string", format: "date-time" },
                statement: { type: "string" },
              },
            },
          },
        },
      },
      example: {
        notices: [
          {
            href: EXAMPLE_HREF,
            home: "https://civil.example",
            erased_at: "2026-11-28T09:00:00Z",
            received_at: "2026-11-28T09:00:05Z",
            statement: EXAMPLE_JWT,
          },
        ],
      },
    }),
  },
});

function requireNode(caller: Caller): MemberNode {
  if (caller.kind === "node") return caller;
  throw new AttestryError("permission_denied", "this is for other nodes of the federation, by signed requests");
}

export function createChangeRoutes(deps: {
  identity: IdentityService;
  changeFeed: ChangeFeedService;
  erasureInbox: ErasureNoticeInbox;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);

  routes.handle(readChanges, async ({ context, caller, body: { cursor, limit } }) =>
    context.json(await deps.changeFeed.read({ consumer: requireNode(caller).entity, cursor, limit })),
  );

  routes.handle(takeErasureNotices, async ({ context, caller, body: { notices } }) => {
    await deps.erasureInbox.take(notices, requireNode(caller));
    return context.json({ taken: notices.length });
  });

  routes.handle(listErasureNotices, async ({ context, caller }) => {
    if (!isPermitted({ caller, action: "peer.read" }))
      throw new AttestryError("permission_denied", "notices of erasures are for staff who read all records here");
    const notices = await deps.erasureInbox.list();
    return context.json({
      notices: notices.map(({ href, version, home, erasedAt, receivedAt, statement }) => ({
        href,
        ...(version > 0 && { version }),
        home,
        erased_at: formatSeconds(erasedAt),
        received_at: formatSeconds(receivedAt),
        statement,
      })),
    });
  });

  return routes;
}
