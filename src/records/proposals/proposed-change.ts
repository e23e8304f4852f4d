// What a proposal would change, for people to compare: before and after, field by field. Pure.
import type { Json, JsonObject } from "../../crypto/json.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { describeField } from "../../registries/field-texts.ts";
import { type ComparedVersion, findChanges } from "../record-changes.ts";
import { applyMergePatch } from "../writing/merge-patch.ts";

const NOTHING: ComparedVersion = { data: {}, validFrom: undefined, validUntil: undefined };

/** A text of the body, an empty one where it takes the date away. */
function changedDate(body: JsonObject, name: string, before: string | undefined): string | undefined {
  const value = body[name];
  return value === undefined ? before : value === null ? undefined : String(value);
}

export function applyPatch(before: ComparedVersion, body: JsonObject): ComparedVersion {
  return {
    data: body.data === undefined ? before.data : (applyMergePatch(before.data, body.data as JsonObject) as JsonObject),
    validFrom: changedDate(body, "valid_from", before.validFrom),
    validUntil: changedDate(body, "valid_until", before.validUntil),
  };
}

const show = ({ data, validFrom, validUntil }: ComparedVersion): JsonObject => ({
  data,
  ...(validFrom !== undefined && { valid_from: validFrom }),
  ...(validUntil !== undefined && { valid_until: validUntil }),
});

/** `before` is missing of what is new. */
export function describeChange(
  compiled: CompiledDefinition,
  options: {
    readonly before?: ComparedVersion;
    readonly after: ComparedVersion;
    readonly languages: readonly string[];
  },
): JsonObject {
  const { before, after, languages } = options;
  const label = (path: readonly string[]) => describeField(compiled.definition, { path, languages }).title;
  return {
    ...(before && { before: show(before) }),
    after: show(after),
    changes: findChanges(before ?? NOTHING, after, label) as unknown as Json,
  };
}
