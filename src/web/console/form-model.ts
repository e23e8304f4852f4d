// What a form shows, made of a definition and of what was sent; what is wrong with it, all at once. Calls no service.
import { encodeBase64url } from "../../crypto/base64.ts";
import type { JsonObject } from "../../crypto/json.ts";
import { randomBytes } from "../../crypto/random.ts";
import { AttestryError, type ErrorDetail, isAttestryError } from "../../errors.ts";
import { checkAct } from "../../records/record-act.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { listFields } from "../field-view.ts";
import { actOf } from "./act-fields.tsx";
import { placeFaults } from "./form-controls.ts";
import { changeRows, describeData, type FormState, readFormState } from "./record-form.ts";
import type { RecordFormModel } from "./record-form-page.tsx";

/** Refusals after which the form comes back with what was typed; any other is a page of its own. */
const MENDABLE = [
  "record_invalid",
  "request_invalid",
  "act_incomplete",
  "value_not_unique",
  "possible_duplicate",
  "reference_unresolved",
  "peer_unreachable",
  "record_too_large",
  "idempotency_key_reused",
  "log_overloaded",
] as const;

export const createKey = (): string => encodeBase64url(randomBytes(18));
const KEY = /^[A-Za-z0-9_-]{24}$/;

export function readKey(form: URLSearchParams): string {
  const key = form.get("key") ?? "";
  return KEY.test(key) ? key : createKey();
}

export function modelOf(
  compiled: CompiledDefinition,
  of: Partial<RecordFormModel> & Pick<RecordFormModel, "operation">,
) {
  const fields = listFields(compiled);
  const model: RecordFormModel = {
    compiled,
    fields,
    state: describeData(fields, {}),
    envelope: new Map(),
    key: createKey(),
    expected: undefined,
    display: undefined,
    error: undefined,
    faults: [],
    conflict: undefined,
    focus: undefined,
    note: undefined,
    ...of,
  };
  return model;
}

/** Of a form that is to be shown again with one row more or less; undefined where it is to be sent. */
export function readRowAction(
  compiled: CompiledDefinition,
  form: URLSearchParams,
): { state: FormState; focus: string } | undefined {
  const action = form.get("do");
  if (action === null) return undefined;
  const state = readFormState(listFields(compiled), changeRows(form, action), { keepsBlanks: true });
  const at = action.slice(action.indexOf(":") + 1);
  // The new row, or the list that lost one.
  const focus = action.startsWith("add:") ? `${at}/${(state.rows.get(at) ?? 1) - 1}` : at.slice(0, at.lastIndexOf("/"));
  return { state, focus };
}

/** Throws what is not to be mended in the form. */
export function refuse(error: unknown, model: RecordFormModel): RecordFormModel {
  if (!isAttestryError(error) || !MENDABLE.some((code) => code === error.code)) throw error;
  const faults = error.code === "possible_duplicate" ? [] : placeFaults(error, model);
  const isReused = error.code === "idempotency_key_reused";
  return { ...model, error, faults, ...(isReused && { key: createKey() }) };
}

/** All that is to be mended at once, where the service would name one thing after the other; undefined where nothing is. */
export function findFaults(
  model: RecordFormModel,
  read: { data: JsonObject; faults: readonly ErrorDetail[] },
): RecordFormModel | undefined {
  const details = [
    ...read.faults.map(({ field, message }) => ({ field: field.replace(/^\/data/, ""), message })),
    ...model.compiled.findFaults(read.data),
  ];
  const errors = [
    ...(details.length > 0 ? [new AttestryError("record_invalid", "the data is not as it must be", { details })] : []),
    ...findActFault(model),
  ];
  const [error] = errors;
  if (error === undefined) return undefined;
  return { ...model, error, faults: errors.flatMap((one) => placeFaults(one, model)) };
}

function findActFault({ compiled, operation, envelope }: RecordFormModel): AttestryError[] {
  try {
    checkAct(compiled, operation, actOf(envelope));
    return [];
  } catch (error) {
    if (isAttestryError(error, "act_incomplete")) return [error];
    throw error;
  }
}
