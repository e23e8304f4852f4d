// Carrying records over to the current version of their definition, a batch a request.
import { isProposed } from "../approval/proposal-book-service.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { MIGRATION_BATCH_RECORDS_MAX } from "../limits.ts";
import type { MigrationService } from "../records/bulk/migration-service.ts";
import { declareOperation, jsonAnswer, jsonBody } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { answerProposed, PROPOSED } from "./record-answer.ts";

const migrateRecords = declareOperation({
  id: "migrateRecords",
  method: "post",
  path: "/registries/{registry}/records:migrate",
  tag: "Bulk",
  summary: "Carry a batch of records over to the current definition",
  description:
    "Active records under old versions of the definition are amended along a plan, each by itself: one that cannot be is named and stays as it is. Send the next batch with `after`: the `next` of this answer, until that is null. What was migrated is not met again, so an interrupted migration goes on when it is started anew. A dry run writes nothing and shows what would change in a few records.",
  actions: ["record.import"],
  writes: true,
  body: jsonBody({
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["plan"],
      properties: {
        plan: { $ref: "migration-plan.schema.json" },
        after: { type: "string", pattern: "^[0-9]{1,15}$", description: "`next` of the answer before." },
        limit: {
          type: "integer",
          minimum: 1,
          maximum: MIGRATION_BATCH_RECORDS_MAX,
          default: MIGRATION_BATCH_RECORDS_MAX,
        },
        dryRun: { type: "boolean", default: false },
      },
    },
    example: { plan: { to: 2, steps: [{ step: "rename", from: "town", to: "address.city" }] }, limit: 100 },
    checkedBy: "service",
  }),
  responses: {
    200: jsonAnswer({
      description: "What became of the batch.",
      schema: {
        type: "object",
        required: ["registry", "to", "dry_run", "migrated", "refused", "next"],
        properties: {
          registry: { type: "string" },
          to: { type: "integer", minimum: 1, description: "The version that records were carried to." },
          dry_run: { type: "boolean" },
          migrated: { type: "integer", minimum: 0, description: "In a dry run, how many would be." },
          refused: {
            type: "array",
            items: {
              type: "object",
              required: ["href", "code", "message"],
              properties: {
                href: { type: "string", format: "uri" },
                code: { type: "string" },
                message: { type: "string" },
                details: { type: "array", items: { type: "object" } },
              },
            },
          },
          next: { type: ["string", "null"], description: "Where the next batch begins; null: this was the last." },
          records: { $ref: "version-counts.schema.json", description: "First batch only: before this batch." },
          left: { type: "integer", minimum: 0, description: "First batch only: active records that the plan is for." },
          left_as_they_are: {
            type: "integer",
            minimum: 0,
            description: "First batch only: records in other states, which are not migrated.",
          },
          examples: {
            type: "array",
            description: "Dry run only: what would change in a few records.",
            items: {
              type: "object",
              required: ["href", "from", "changes"],
              properties: {
                href: { type: "string", format: "uri" },
                from: { type: "integer", minimum: 1 },
                changes: { type: "array", items: { type: "object" } },
              },
            },
          },
        },
      },
      example: {
        registry: "persons",
        to: 2,
        dry_run: false,
        migrated: 100,
        refused: [],
        next: "1207",
        records: [{ version: 1, state: "active", records: 25_000 }],
        left: 25_000,
        left_as_they_are: 0,
      },
    }),
    ...PROPOSED,
  },
  errors: [
    "approval_required",
    "proposals_too_many",
    "registry_unknown",
    "migration_plan_invalid",
    "definition_conflict",
  ],
});

export function createMigrationRoutes(deps: {
  identity: IdentityService;
  migrations: MigrationService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);
  routes.handle(migrateRecords, async ({ context, caller, path, body }) => {
    const batch = await deps.migrations.migrate({ caller, registry: path.registry, body });
    return isProposed(batch) ? answerProposed(context, batch) : context.json(batch);
  });
  return routes;
}
