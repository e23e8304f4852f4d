// Which fields of a record lead on to other records. Pure.
import type { Json, JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import { FOLLOW_PATHS_MAX, RESOLVE_DEPTH_MAX } from "../limits.ts";
import { parseReference, type Reference } from "../records/record-url.ts";
import { valuesAt } from "../registries/annotations.ts";

/** Field names from record to record, e.g. `["owner", "district"]`; a field may be dotted (`address.district`). */
export type FollowPath = readonly string[];

const FIELD = /^[A-Za-z_][\w-]{0,99}(\.[A-Za-z_][\w-]{0,99}){0,7}$/;

/** Checks the paths of a request; throws `request_invalid` or `budget_exceeded`. */
export function parseFollowPaths(value: Json | undefined): FollowPath[] {
  if (value === undefined) return [];
  const isPath = (path: Json): path is string[] =>
    Array.isArray(path) && path.length > 0 && path.every((name) => typeof name === "string" && FIELD.test(name));
  if (!Array.isArray(value) || !value.every(isPath)) {
    throw new AttestryError(
      "request_invalid",
      '"follow" must be a list of lists of field names, such as [["district","state"]]',
    );
  }
  if (value.length > FOLLOW_PATHS_MAX)
    throw new AttestryError(
      "budget_exceeded",
      `${value.length} paths to follow; at most ${FOLLOW_PATHS_MAX} are allowed`,
    );
  const tooDeep = value.find((path) => (path as string[]).length > RESOLVE_DEPTH_MAX);
  if (tooDeep)
    throw new AttestryError(
      "budget_exceeded",
      `a path of ${(tooDeep as string[]).length} steps; at most ${RESOLVE_DEPTH_MAX} are allowed`,
    );
  return value as string[][];
}

/** What stands under `field` of a record's data: references, or undefined in place of a value that is none. */
export function referencesAt(data: JsonObject, field: string): (Reference | undefined)[] {
  return valuesAt(data, field.split("."))
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .map((value) => parseReference(value));
}

/** The first steps of the paths, each with what remains behind it. */
export function splitPaths(paths: readonly FollowPath[]): Map<string, FollowPath[]> {
  const steps = new Map<string, FollowPath[]>();
  for (const [field, ...rest] of paths) {
    const remaining = steps.get(field!) ?? [];
    if (rest.length > 0) remaining.push(rest);
    steps.set(field!, remaining);
  }
  return steps;
}
