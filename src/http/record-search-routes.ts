// The JSON API that lists and finds records, and those that may be the same: parse, call one service, answer.
import type { Json, JsonObject } from "../crypto/json.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { SEARCH_COUNT_MAX } from "../limits.ts";
import type { DuplicateService } from "../records/search/duplicate-service.ts";
import { searchableFields } from "../records/search/record-keys.ts";
import type { SearchRequest } from "../records/search/record-query.ts";
import type { RecordSearchService } from "../records/search/record-search-service.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { declareOperation, jsonAnswer, jsonBody, type Parameters } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { ACCEPT_LANGUAGE, AS_OF, CURSOR, LIMIT, VALID_AT } from "./parameters.ts";
import { readLanguages } from "./request.ts";

const PAGE = { $ref: "record-page.schema.json" };
const ORDER =
  "All conditions must be met. Pages hang together while others write: a record that does not change is on one of them, once. Records without the field that is sorted by come last.";

const listRecords = declareOperation({
  id: "listRecords",
  method: "get",
  path: "/registries/{registry}/records",
  tag: "Records",
  summary: "List records, or find some by their fields",
  description: `Fields are named as parameters: \`name=x\`, \`name[prefix]=jai\`, \`population[gte]=1000\`, as the definition's x-search allows; unique fields and the identifier by their value. Personal fields do not belong in an address: they are searched by POST. ${ORDER}`,
  actions: ["record.read", "record.inspect"],
  nodes: true,
  query: {
    cursor: CURSOR,
    limit: LIMIT,
    recordState: {
      description: "Only records in this state.",
      schema: { enum: ["active", "suspended", "revoked", "ended", "replaced"] },
      example: "active",
    },
    sort: {
      description: 'A field that is searched by, or "recorded"; with "-" before it, the other way round.',
      schema: { type: "string" },
      example: "-recorded",
    },
    count: {
      description: `Whether to count what is found: exactly up to ${SEARCH_COUNT_MAX} where there are conditions.`,
      schema: { type: "boolean" },
      example: true,
    },
    asOf: AS_OF,
    validAt: VALID_AT,
  },
  otherQuery: {
    description: "Conditions on fields.",
    example: { code: "603" },
    ofRegistry: describeConditions,
  },
  headers: { "accept-language": ACCEPT_LANGUAGE },
  responses: { 200: jsonAnswer({ description: "One page.", schema: PAGE }) },
  errors: ["query_invalid", "search_too_broad"],
});

const searchRecords = declareOperation({
  id: "searchRecords",
  method: "post",
  path: "/registries/{registry}/records:search",
  tag: "Records",
  summary: "Find records by their fields, personal ones too",
  description: `What is asked for stands in the body, and so in no log of addresses. Personal fields are searched by staff who may read them, by their whole value. ${ORDER}`,
  actions: ["record.read", "record.inspect"],
  nodes: true,
  headers: { "accept-language": ACCEPT_LANGUAGE },
  body: jsonBody<SearchBody>({ schema: { $ref: "record-search.schema.json" }, example: { fields: { code: "603" } } }),
  responses: { 200: jsonAnswer({ description: "One page.", schema: PAGE }) },
  errors: ["query_invalid", "search_too_broad"],
});

const findDuplicates = declareOperation({
  id: "findDuplicates",
  method: "post",
  path: "/registries/{registry}/records:duplicates",
  tag: "Records",
  summary: "Name the records that may be the same as one with these data",
  description:
    "By the definition's rules of duplicates; writes nothing. Creating such a record would be refused with `possible_duplicate`, unless `act.distinct` says why it is another. Data may be incomplete: a rule counts when all its fields are there. `except`: a record that is left out, such as the one that is to be amended.",
  actions: ["record.inspect"],
  headers: { "accept-language": ACCEPT_LANGUAGE },
  body: jsonBody<{ data: JsonObject; except?: string }>({
    schema: {
      type: "object",
      required: ["data"],
      additionalProperties: false,
      properties: { data: { type: "object" }, except: { type: "string", format: "uuid" } },
    },
    example: { data: { name: "Nicobars" } },
  }),
  responses: {
    200: jsonAnswer({ description: "The records found alike.", schema: { $ref: "record-candidates.schema.json" } }),
  },
});

type SearchBody = Omit<SearchRequest, "inAddress" | "fields"> & { readonly fields: Readonly<Record<string, Json>> };

export function createRecordSearchRoutes(deps: {
  identity: IdentityService;
  recordSearches: RecordSearchService;
  duplicates: DuplicateService;
}): OperationRoutes {
  const { recordSearches, duplicates } = deps;
  const routes = createOperationRoutes(deps);

  routes.handle(listRecords, async ({ context, caller, path, query, otherQuery }) => {
    const { recordState: state, ...options } = query;
    const languages = readLanguages(context);
    const { registry } = path;
    return context.json(
      await recordSearches.find({
        caller,
        registry,
        languages,
        ...options,
        state,
        fields: otherQuery,
        inAddress: true,
      }),
    );
  });

  routes.handle(searchRecords, async ({ context, caller, path, body }) => {
    const languages = readLanguages(context);
    return context.json(
      await recordSearches.find({ caller, registry: path.registry, languages, ...body, inAddress: false }),
    );
  });

  routes.handle(findDuplicates, async ({ context, caller, path, body }) => {
    const languages = readLanguages(context);
    return context.json(await duplicates.find({ caller, registry: path.registry, languages, ...body }));
  });

  return routes;
}

/** The parameters by which one registry is searched. */
function describeConditions(compiled: CompiledDefinition): Parameters {
  const parameters: Record<string, Parameters[string]> = {};
  const add = (name: string, description: string): void => {
    parameters[name] ??= { description, schema: { type: "string" } };
  };
  for (const { name, match, personal } of compiled.annotations.searchFields) {
    if (personal) continue;
    add(name, `Records whose ${name} is this.`);
    if (match === "prefix") add(`${name}[prefix]`, `Records whose ${name} begins like this.`);
    if (match === "range")
      for (const test of ["gte", "gt", "lte", "lt"]) add(`${name}[${test}]`, `A bound of ${name}: ${test}.`);
  }
  const personal = new Set(
    compiled.annotations.uniqueKeys.flatMap((key) => (key.personal ? key.fields.map((field) => field.join(".")) : [])),
  );
  for (const names of searchableFields(compiled)) {
    if (names.some((name) => personal.has(name))) continue;
    const together = names.length > 1 ? `, together with ${names.join(", ")}` : "";
    for (const name of names) add(name, `The record whose ${name} is this${together}.`);
  }
  return parameters;
}
