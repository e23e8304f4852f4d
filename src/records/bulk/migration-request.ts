// What a request for a batch of a migration says. Pure.
import type { Json } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { MIGRATION_BATCH_RECORDS_MAX } from "../../limits.ts";
import { type MigrationPlan, parseMigrationPlan } from "./migration-plan.ts";

export interface MigrationRequest {
  readonly plan: MigrationPlan;
  readonly after: number;
  readonly limit: number;
  readonly dryRun: boolean;
}

const MEMBERS = ["plan", "after", "limit", "dryRun"];

/** Throws `request_invalid`, `migration_plan_invalid`. `after` is -1 for the first batch. */
export function parseMigrationRequest(body: Json): MigrationRequest {
  const invalid = (field: string, message: string) =>
    new AttestryError("request_invalid", "the body must be {plan, after?, limit?, dryRun?}", {
      details: [{ field, message }],
    });
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("/", "must be an object");
  const unknown = Object.keys(body).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) throw invalid(`/${unknown.slice(0, 80)}`, "is not known");
  const { after, limit = MIGRATION_BATCH_RECORDS_MAX, dryRun = false } = body;
  if (after !== undefined && (typeof after !== "string" || !/^\d{1,15}$/.test(after)))
    throw invalid("/after", 'must be what "next" said');
  const isLimit = typeof limit === "number" && Number.isSafeInteger(limit);
  if (!isLimit || limit < 1 || limit > MIGRATION_BATCH_RECORDS_MAX)
    throw invalid("/limit", `must be 1 to ${MIGRATION_BATCH_RECORDS_MAX}`);
  if (typeof dryRun !== "boolean") throw invalid("/dryRun", "must be true or false");
  return { plan: parseMigrationPlan(body.plan), after: after === undefined ? -1 : Number(after), limit, dryRun };
}
