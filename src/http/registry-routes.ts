// The JSON API of definitions: publish, list, versions, and the exact text that tokens hash.
import { isProposed } from "../approval/proposal-book-service.ts";
import type { Staff } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { checkPermitted } from "../identity/permissions.ts";
import type { MigrationService } from "../records/bulk/migration-service.ts";
import type { ReferenceWatchService } from "../records/references/reference-watch-service.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { readNumber } from "./parameters.ts";
import { answerProposed, PROPOSED } from "./record-answer.ts";

const REGISTRY = { $ref: "registry.schema.json" };
const PUBLISHED = { $ref: "registry-published.schema.json" };
const PREVIEW = { $ref: "registry-preview.schema.json" };
const DEFINITION = { $ref: "definition.schema.json" };

const listRegistries = declareOperation({
  id: "listRegistries",
  method: "get",
  path: "/registries",
  tag: "Registries",
  summary: "The registries of this node, with their definitions",
  actions: ["registry.describe"],
  responses: {
    200: jsonAnswer({
      description: "All registries.",
      schema: {
        type: "object",
        required: ["registries"],
        properties: { registries: { type: "array", items: REGISTRY } },
      },
    }),
  },
});

const getRegistry = declareOperation({
  id: "getRegistry",
  method: "get",
  path: "/registries/{registry}",
  tag: "Registries",
  summary: "A registry and its current definition",
  actions: ["registry.describe"],
  responses: { 200: jsonAnswer({ description: "The registry.", schema: REGISTRY }) },
});

const listDefinitions = declareOperation({
  id: "listRegistryVersions",
  method: "get",
  path: "/registries/{registry}/versions",
  tag: "Registries",
  summary: "The versions of a registry's definition",
  actions: ["registry.describe"],
  responses: {
    200: jsonAnswer({
      description: "Oldest first.",
      schema: { $ref: "registry-versions.schema.json" },
    }),
  },
});

const getDefinition = declareOperation({
  id: "getRegistryDefinition",
  method: "get",
  path: "/registries/{registry}/schema/{version}",
  tag: "Registries",
  summary: "The exact text of a version of the definition",
  description:
    "The bytes that `vct#integrity` of a token hashes. A version never changes. The document is SD-JWT VC type metadata, too, so that `display` and `description` say what that standard wants; `record_display` and `descriptions` are the definition's own. Versions published before that are the bare definition.",
  actions: ["registry.describe"],
  responses: {
    200: jsonAnswer({
      description: "The definition.",
      schema: { anyOf: [{ $ref: "definition-text.schema.json" }, DEFINITION] },
    }),
  },
  errors: ["version_unknown", "query_invalid"],
});

const publishDefinition = declareOperation({
  id: "publishRegistry",
  method: "put",
  path: "/registries/{registry}",
  tag: "Registries",
  summary: "Publish the next version of a definition",
  description:
    "The first makes the registry. An unchanged definition changes nothing. Records that are there stay readable under theirs.",
  actions: ["definition.publish"],
  writes: true,
  query: {
    "allow-breaking": {
      description: "Whether a change may break what is written or read under the current version.",
      schema: { type: "boolean", default: false },
      example: false,
    },
    dryRun: {
      description: "Publish nothing: say what changes, field by field, and how many records are under which version.",
      schema: { type: "boolean", default: false },
      example: true,
    },
  },
  body: jsonBody({ schema: DEFINITION, checkedBy: "service" }),
  responses: {
    200: jsonAnswer({
      description: "It was published already, or this was a dry run.",
      schema: { anyOf: [PUBLISHED, PREVIEW] },
    }),
    201: jsonAnswer({ description: "The new version.", schema: PUBLISHED }),
    ...PROPOSED,
  },
  errors: [
    "definition_invalid",
    "definition_breaking",
    "definition_access_wider",
    "definition_conflict",
    "definition_unsupported",
    "proposals_too_many",
  ],
});

function describe(entity: string, compiled: CompiledDefinition) {
  const { definition, version } = compiled;
  const base = `${entity}/registries/${definition.name}`;
  return {
    ...definition,
    version,
    integrity: compiled.integrity,
    links: { self: base, records: `${base}/records`, schema: compiled.vct, versions: `${base}/versions` },
  };
}

export function createRegistryRoutes(deps: {
  entity: string;
  identity: IdentityService;
  registries: RegistryService;
  migrations: Pick<MigrationService, "countByDefinition">;
  referenceWatch: Pick<ReferenceWatchService, "count">;
}): OperationRoutes {
  const { entity, registries, migrations } = deps;
  const routes = createOperationRoutes(deps);

  routes.handle(listRegistries, async ({ context }) => {
    const compiled = await registries.list();
    return context.json({ registries: compiled.map((one) => describe(entity, one)) });
  });

  routes.handle(getRegistry, async ({ context, path }) => {
    const compiled = await registries.getCurrent(path.registry);
    const { annotations, definition } = compiled;
    // Of a registry that is not public nobody is told how many records it has of any kind.
    const isCounted =
      definition.access === "public" && annotations.references.some(({ onWrite }) => onWrite === "accept");
    const references = isCounted ? await deps.referenceWatch.count(path.registry) : undefined;
    return context.json({ ...describe(entity, compiled), ...(references && { references }) });
  });

  routes.handle(listDefinitions, async ({ context, path }) => {
    const versions = await registries.listVersions(path.registry);
    return context.json({
      versions: versions.map(({ version, logIndex, publishedAt }) => ({
        version,
        schema: `${entity}/registries/${path.registry}/schema/${version}`,
        log_index: logIndex,
        published_at: new Date(publishedAt * 1_000).toISOString(),
      })),
    });
  });

  routes.handle(getDefinition, async ({ context, path }) => {
    const compiled = await registries.getVersion(path.registry, readNumber(path.version, "version"));
    // These bytes are what `vct#integrity` hashes; a version never changes.
    return context.body(compiled.text, 200, {
      "content-type": "application/json",
      "cache-control": "public, max-age=31536000, immutable",
      "access-control-allow-origin": "*",
    });
  });

  routes.handle(publishDefinition, async ({ context, caller, path, query, body }) => {
    const { registry } = path;
    checkPermitted({ caller, action: "definition.publish", registry });
    if (query.dryRun) {
      const { compiled, changed, changes } = await registries.previewPublish(body, { name: registry });
      const records = await migrations.countByDefinition(registry);
      return context.json({ ...describe(entity, compiled), dry_run: true, changed, changes, records });
    }
    const allowBreaking = query["allow-breaking"] ?? false;
    const options = { name: registry, allowBreaking, caller: caller as Staff };
    const published = await registries.publish(body, options);
    if (isProposed(published)) return answerProposed(context, published);
    const { compiled, logIndex, changed, changes } = published;
    return context.json({ ...describe(entity, compiled), log_index: logIndex, changed, changes }, changed ? 201 : 200);
  });

  return routes;
}
