// GET /openapi.json: this API described for people and programs, from the declarations by which requests are checked.
import { createBoundedCache } from "../bounded-cache.ts";
import { sha256Base64url } from "../crypto/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { OPENAPI_DOCUMENTS_MAX, OPENAPI_SECONDS } from "../limits.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { buildDocument } from "./openapi-document.ts";
import { describeRegistry } from "./openapi-registry.ts";
import { declareOperation, jsonAnswer, type Operation } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { ACCEPT_LANGUAGE, IF_NONE_MATCH } from "./parameters.ts";
import { readLanguages } from "./request.ts";

const getDocument = declareOperation({
  id: "getOpenApi",
  method: "get",
  path: "/openapi.json",
  tag: "System",
  summary: "This document",
  description:
    "OpenAPI 3.1 of all operations, and of those about the data of each registry once more, with its schema. Texts of definitions are in the reader's language.",
  actions: ["node.describe"],
  query: {
    registry: {
      description: "Only the operations of this registry.",
      schema: { type: "string" },
      example: "districts",
    },
  },
  headers: { "accept-language": ACCEPT_LANGUAGE, "if-none-match": IF_NONE_MATCH },
  responses: {
    200: jsonAnswer({
      description: "An OpenAPI document.",
      schema: {
        type: "object",
        additionalProperties: true,
        required: ["openapi", "info", "paths"],
        properties: { openapi: { type: "string" }, info: { type: "object" }, paths: { type: "object" } },
      },
      example: {
        openapi: "3.1.1",
        info: { title: "Local Government Directory: registry API", version: "0.1.0" },
        paths: {},
      },
    }),
    304: { description: "It is the one you have.", content: {} },
  },
  errors: ["registry_unknown"],
});

export interface ApiDocument {
  readonly text: string;
  readonly etag: string;
}

/** Gives the document: of everything, or of one registry. */
export type GetApiDocument = (options: {
  readonly registry: string | undefined;
  readonly languages: readonly string[];
}) => Promise<ApiDocument>;

export function createApiDocuments(deps: {
  entity: string;
  organizationName: string;
  version: string;
  registries: Pick<RegistryService, "list" | "getCurrent" | "listVersions" | "getVersion">;
  operations: () => readonly Operation[];
}): GetApiDocument {
  const { entity, registries } = deps;
  const documents = createBoundedCache<ApiDocument>(OPENAPI_DOCUMENTS_MAX);

  async function describe(compiled: CompiledDefinition, languages: readonly string[]) {
    const { name } = compiled.definition;
    const stored = compiled.version === 1 ? [] : await registries.listVersions(name);
    const versions = stored.map(({ text }) => (JSON.parse(text) as { schema: JsonObject }).schema);
    return describeRegistry({
      entity,
      compiled,
      versions: versions.length === 0 ? [compiled.definition.schema] : versions,
      languages,
    });
  }

  return async ({ registry, languages }) => {
    const current = registry === undefined ? await registries.list() : [await registries.getCurrent(registry)];
    // Only languages that are there tell documents apart, whatever callers ask for.
    const known = new Set(current.flatMap(({ definition }) => listLanguages(definition as unknown as Json)));
    const told = languages.filter((language) => known.has(language));
    const key = JSON.stringify([registry ?? null, told, current.map(({ integrity, version }) => [integrity, version])]);
    const cached = documents.get(key);
    if (cached) return cached;
    const document = buildDocument({
      ...deps,
      operations: deps.operations(),
      registries: await Promise.all(current.map((one) => describe(one, told))),
      only: registry !== undefined,
    });
    const text = JSON.stringify(document);
    const made = { text, etag: `"${sha256Base64url(text).slice(0, 22)}"` };
    documents.set(key, made);
    return made;
  };
}

const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;

/** Every member that could be the name of a language. */
function listLanguages(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(listLanguages);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    typeof one === "string" && LANGUAGE.test(name) ? [name] : listLanguages(one),
  );
}

export function createOpenApiRoutes(deps: { getApiDocument: GetApiDocument }): OperationRoutes {
  const routes = createOperationRoutes();
  routes.handle(getDocument, async ({ context, query, headers }) => {
    const { registry } = query;
    const { text, etag } = await deps.getApiDocument({ registry, languages: readLanguages(context) });
    const caching = {
      etag,
      vary: "accept-language",
      "cache-control": `public, max-age=${OPENAPI_SECONDS}`,
      "access-control-allow-origin": "*",
    };
    if (headers["if-none-match"] === etag) return context.body(null, 304, caching);
    return context.body(text, 200, { ...caching, "content-type": "application/json" });
  });
  return routes;
}
