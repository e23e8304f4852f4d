// References by key, for other nodes and staff, and the references that were signed unverified. Parse, call one service, answer.
import type { Json } from "../crypto/json.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { RECORDS_FIND_MAX } from "../limits.ts";
import type { KeyLookupService, KeyQuery } from "../records/references/key-lookup-service.ts";
import type { ReferenceWatchService } from "../records/references/reference-watch-service.ts";
import { WATCH_STATES } from "../records/references/reference-watch-store.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { CURSOR, LIMIT } from "./parameters.ts";

const RID = "4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60";
const NAME = { type: "string", minLength: 1, maxLength: 100 };
const SIMPLE = { type: ["string", "number", "boolean"], maxLength: 1_000 };

const findRecords = declareOperation({
  id: "findRecordsByKeys",
  method: "post",
  path: "/records:find",
  tag: "Records",
  summary: "Find the URLs of records by their keys",
  description: `What other nodes ask to turn references written as type and key into URLs: up to ${RECORDS_FIND_MAX} keys of public registries, and for nodes of the federation of those with access "members". A simple key is the identifier, or the value of the only field that is unique alone. Staff may ask for their own registries, too.`,
  actions: ["record.read", "record.inspect"],
  nodes: true,
  body: jsonBody<{ lookups: readonly KeyQuery[] }>({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["lookups"],
      properties: {
        lookups: {
          type: "array",
          maxItems: RECORDS_FIND_MAX,
          items: {
            type: "object",
            description: "a key, and either a registry or a type",
            additionalProperties: false,
            required: ["key"],
            minProperties: 2,
            maxProperties: 2,
            properties: {
              registry: NAME,
              type: NAME,
              key: {
                description: "a simple value, or the fields of a unique key",
                anyOf: [SIMPLE, { type: "object", minProperties: 1, maxProperties: 20, additionalProperties: SIMPLE }],
              },
            },
          },
        },
      },
    },
    example: { lookups: [{ registry: "districts", key: "603" }] },
  }),
  responses: {
    200: jsonAnswer({
      description: "One result per key, in their order.",
      schema: {
        type: "object",
        required: ["results"],
        properties: {
          results: {
            type: "array",
            items: {
              type: "object",
              required: ["outcome"],
              properties: {
                outcome: {
                  enum: ["found", "record_unknown", "registry_unknown", "permission_denied", "query_invalid"],
                },
                href: { type: "string" },
                state: { type: "string" },
                message: { type: "string" },
              },
            },
          },
        },
      },
      example: {
        results: [
          { outcome: "found", href: `https://local.example/registries/districts/records/${RID}`, state: "active" },
        ],
      },
    }),
  },
  errors: ["too_many_items"],
});

const listReferences = declareOperation({
  id: "listAcceptedReferences",
  method: "get",
  path: "/registries/{registry}/references",
  tag: "Registries",
  summary: "References that were accepted unverified, and what became of them",
  description:
    'Of fields with x-reference.onWrite "accept". They are verified at intervals: a record is "dangling" as long as one of them leads nowhere, "unreachable" if a home node could not be asked.',
  actions: ["record.inspect"],
  query: {
    state: {
      description: 'State of the record\'s references, "dangling" unless given.',
      schema: { type: "string", enum: WATCH_STATES },
      example: "dangling",
    },
    cursor: CURSOR,
    limit: LIMIT,
  },
  responses: {
    200: jsonAnswer({
      description: "A page of records, in the order of their rid.",
      schema: {
        type: "object",
        required: ["references"],
        properties: {
          references: {
            type: "array",
            items: {
              type: "object",
              required: ["href", "version", "state", "errors", "next_check_at"],
              properties: {
                href: { type: "string" },
                version: { type: "integer" },
                state: { type: "string", enum: WATCH_STATES },
                errors: {
                  type: "array",
                  items: {
                    type: "object",
                    required: ["field", "message"],
                    properties: { field: { type: "string" }, message: { type: "string" } },
                  },
                },
                checked_at: { type: "string", format: "date-time" },
                next_check_at: { type: "string", format: "date-time" },
              },
            },
          },
          next: { type: "string" },
        },
      },
      example: {
        references: [
          {
            href: `https://land.example/registries/parcels/records/${RID}`,
            version: 1,
            state: "dangling",
            errors: [{ field: "/owner", message: "is not verified (record_unknown)" }],
            checked_at: "2026-03-31T09:00:00.000Z",
            next_check_at: "2026-03-31T09:02:00.000Z",
          },
        ],
      },
    }),
  },
  errors: ["registry_unknown"],
});

export function createReferenceRoutes(deps: {
  identity: IdentityService;
  keyLookups: KeyLookupService;
  referenceWatch: ReferenceWatchService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);

  routes.handle(findRecords, async ({ context, caller, body }) =>
    context.json({
      results: (await deps.keyLookups.findByKeys({ caller, queries: body.lookups })) as unknown as Json[],
    }),
  );

  routes.handle(listReferences, async ({ context, caller, path, query }) => {
    const { state = "dangling", cursor, limit } = query;
    return context.json(await deps.referenceWatch.list({ caller, registry: path.registry, state, cursor, limit }));
  });

  return routes;
}
