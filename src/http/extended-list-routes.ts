// The extended list of subordinates, as the draft "OpenID Federation Extended Subordinate Listing 1.0" has it. Reads the query; the service lists.
import type { ExtendedListRequest } from "../federation/extended-list-service.ts";
import type { FederationService } from "../federation/federation-service.ts";
import { ENTITY_IDENTIFIER_CHARS_MAX, EXTENDED_LIST_ENTITIES_DEFAULT, EXTENDED_LIST_ENTITIES_MAX } from "../limits.ts";
import { answerFederationError, FEDERATION_ERROR_SCHEMA, type FederationFault } from "./federation-errors.ts";
import { declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import {
  FILTER_NAMES,
  findUnsupported,
  isFault,
  type Queries,
  readBoolean,
  readOnce,
  readSubordinateFilter,
} from "./subordinate-filter.ts";

const STATEMENT_CLAIM = "subordinate_statement";
const PARAMETERS = [...FILTER_NAMES, "from_entity_id", "limit", "updated_after", "audit_timestamps", "claims"];

const listExtended = declareOperation({
  id: "listSubordinatesExtended",
  method: "get",
  path: "/federation/extended-list",
  tag: "Federation",
  summary: "Whom this node vouches for, page by page",
  description: `As the list of subordinates, in pages of at most ${EXTENDED_LIST_ENTITIES_MAX}, with the signed statement about each. With \`updated_after\` only what changed in that second or later: also entities that have left the list since, as \`"status":"removed"\`. Ask again with the greatest \`updated\` of what you got, and take what you know already as known.`,
  actions: ["federation.speak"],
  otherQuery: {
    description: `\`from_entity_id\`: where the page begins, the \`next_entity_id\` of the page before. \`limit\`: ${EXTENDED_LIST_ENTITIES_DEFAULT} unless given. \`updated_after\`: Unix seconds. \`audit_timestamps=false\` leaves out \`registered\` and \`updated\`. \`claims\`: \`${STATEMENT_CLAIM}\`, or empty to leave it out. And the filters of the list of subordinates.`,
    example: { limit: "2", updated_after: "1790000000" },
  },
  foreign: {
    errorSchema: FEDERATION_ERROR_SCHEMA,
    errors: { 400: "A parameter that is not supported, or a value that it cannot have." },
  },
  responses: {
    200: jsonAnswer({
      description: "A page of the list.",
      schema: {
        type: "object",
        required: ["immediate_subordinate_entities"],
        properties: {
          immediate_subordinate_entities: {
            type: "array",
            items: {
              type: "object",
              required: ["id", "status"],
              properties: {
                id: { type: "string", format: "uri" },
                status: { type: "string", enum: ["active", "removed"] },
                subordinate_statement: { type: "string" },
                registered: { type: "integer", description: "Unix seconds." },
                updated: { type: "integer", description: "Unix seconds." },
              },
            },
          },
          next_entity_id: { type: "string", format: "uri" },
        },
      },
      example: {
        immediate_subordinate_entities: [
          { id: "https://land.example", status: "removed", registered: 1_780_000_000, updated: 1_790_000_000 },
        ],
        next_entity_id: "https://police.example",
      },
    }),
  },
});

function readWhole(queries: Queries, name: string): number | undefined | FederationFault {
  const text = readOnce(queries, name);
  if (text === undefined || typeof text === "object") return text;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  return { error: "invalid_request", description: `${name} is a whole number` };
}

function readFrom(queries: Queries): string | undefined | FederationFault {
  const from = readOnce(queries, "from_entity_id");
  if (typeof from !== "string") return from;
  // No identifier has such a character, and the database would refuse a zero.
  const isText = from !== "" && from.length <= ENTITY_IDENTIFIER_CHARS_MAX && /^[\x21-\x7e]+$/.test(from);
  return isText ? from : { error: "invalid_request", description: "from_entity_id is no entity identifier" };
}

function readWithStatements({ claims }: Queries): boolean | FederationFault {
  if (claims === undefined) return true;
  const named = claims.filter((claim) => claim !== "");
  if (named.some((claim) => claim !== STATEMENT_CLAIM))
    return { error: "unsupported_parameter", description: `the one claim that is listed is ${STATEMENT_CLAIM}` };
  return named.length > 0;
}

function readRequest(queries: Queries): ExtendedListRequest | FederationFault {
  const unsupported = findUnsupported(queries, PARAMETERS);
  if (unsupported) return unsupported;
  const filter = readSubordinateFilter(queries);
  if (isFault(filter)) return filter;
  const from = readFrom(queries);
  if (isFault(from)) return from;
  const limit = readWhole(queries, "limit");
  if (isFault(limit)) return limit;
  if (limit === 0) return { error: "invalid_request", description: "limit is 1 or more" };
  const updatedAfter = readWhole(queries, "updated_after");
  if (isFault(updatedAfter)) return updatedAfter;
  const withTimes = readBoolean(queries, "audit_timestamps");
  if (isFault(withTimes)) return withTimes;
  const withStatements = readWithStatements(queries);
  if (isFault(withStatements)) return withStatements;
  return { ...filter, from, limit, updatedAfter, withStatements, withTimes: withTimes ?? true };
}

/** To be mounted at the entity's path. */
export function createExtendedListRoutes({ federation }: { federation: FederationService }): OperationRoutes {
  const routes = createOperationRoutes();
  routes.handle(listExtended, async ({ context }) => {
    const request = readRequest(context.req.queries());
    return isFault(request)
      ? answerFederationError(request.error, request.description)
      : context.json(await federation.extendedList.list(request));
  });
  return routes;
}
