// Makes data of an old definition into data of the current one, step by step along a plan. Pure; faults name fields, never values.
import { isJsonObject, type Json, type JsonObject } from "../../crypto/json.ts";
import { AttestryError, type ErrorDetail } from "../../errors.ts";
import { createSchemaValidator } from "../../schema-validator.ts";
import { compileStep, type MigrationStep, planInvalid } from "./migration-steps.ts";

/** schemas/migration-plan.schema.json */
export interface MigrationPlan {
  readonly to?: number;
  readonly from?: readonly number[];
  readonly act?: { readonly instrument?: string; readonly note?: string };
  readonly steps: readonly MigrationStep[];
}

/** Data under the current definition, or why the plan cannot make it. The data given stays as it is. */
export type Migrate = (data: JsonObject) => JsonObject;

const validator = createSchemaValidator<MigrationPlan>("migration-plan", { strict: false });

/** Throws `migration_plan_invalid` with a detail per fault. */
export function parseMigrationPlan(value: Json | undefined): MigrationPlan {
  const validate = validator();
  if (validate(value)) {
    for (const [at, step] of value.steps.entries()) compileStep(step, `/steps/${at}`);
    return value;
  }
  // Of a step every kind's faults are told; those of the kind that it says it is are the ones that help.
  const details = (validate.errors ?? [])
    .filter((error) => error.keyword !== "oneOf" && error.keyword !== "const")
    .map((error) => ({ field: error.instancePath || "/", message: error.message ?? "is not valid" }));
  const named = value !== undefined && isJsonObject(value) ? describeSteps(value.steps, details) : details;
  throw planInvalid("the plan does not follow schemas/migration-plan.schema.json", named);
}

function describeSteps(steps: Json | undefined, details: readonly ErrorDetail[]): ErrorDetail[] {
  const outside = details.filter(({ field }) => !field.startsWith("/steps/"));
  const wrong = new Set(details.flatMap(({ field }) => /^\/steps\/(\d+)/.exec(field)?.[1] ?? []));
  const inside = [...wrong].flatMap((at): ErrorDetail[] => {
    const step = Array.isArray(steps) ? steps[Number(at)] : undefined;
    const kind = step !== undefined && isJsonObject(step) ? String(step.step) : "";
    const rule = STEP_FORMS[kind];
    const message = rule
      ? `a step "${kind}" has ${rule}`
      : `"step" must be one of ${Object.keys(STEP_FORMS).join(", ")}`;
    return [{ field: `/steps/${at}`, message }];
  });
  return [...outside, ...inside];
}

const STEP_FORMS: Readonly<Record<string, string>> = {
  rename: "from and to",
  remove: "field",
  set: "field and value",
  default: "field and value",
  map: "field, values and, where it is not refuse, others",
  convert: "field and to (string, integer, number, boolean or list)",
  split: "field, into (a list) and separator",
  join: "fields (a list), into and separator",
};

/** Makes the plan ready once for all records; the result throws `record_invalid` for data that the plan cannot deal with. */
export function compilePlan(plan: MigrationPlan): Migrate {
  const steps = plan.steps.map((step, at) => compileStep(step, `/steps/${at}`));
  return (data) => {
    const copy = structuredClone(data);
    const faults: ErrorDetail[] = [];
    for (const apply of steps) apply(copy, faults);
    if (faults.length > 0)
      throw new AttestryError("record_invalid", "the plan cannot migrate the record", { details: faults });
    return copy;
  };
}
