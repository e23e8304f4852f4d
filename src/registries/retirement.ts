// Whether a registry takes new records. Pure.
import { AttestryError } from "../errors.ts";
import type { Definition } from "./definition.ts";
import { localize } from "./localized-text.ts";

/** Why no record is created any more, as `registry_retired` naming the successor; undefined while the registry goes on. */
export function findRetirement(definition: Pick<Definition, "name" | "retired">): AttestryError | undefined {
  const { name, retired } = definition;
  if (retired === undefined) return undefined;
  const reason = retired.reason === undefined ? "" : ` (${localize(retired.reason)})`;
  const successor = retired.successor === undefined ? "" : `; create the record in ${retired.successor}`;
  return new AttestryError(
    "registry_retired",
    `the registry "${name}" is retired${reason} and takes no new records; those there are can be read, amended and ended${successor}`,
  );
}

/** Throws `registry_retired`. */
export function checkNotRetired(definition: Pick<Definition, "name" | "retired">): void {
  const retirement = findRetirement(definition);
  if (retirement) throw retirement;
}
