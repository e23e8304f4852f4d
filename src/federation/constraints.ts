// Constraints that a superior puts on everything below it (OpenID Federation 1.0 §6.2). Pure; metadata policies are elsewhere.
import { isJsonObject, type Json } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";

/** A `constraints` claim. Host patterns: with a leading dot any subdomain, without one exactly that host. */
export interface Constraints {
  readonly maxPathLength?: number;
  readonly permittedNames?: readonly string[];
  readonly excludedNames?: readonly string[];
  readonly allowedEntityTypes?: readonly string[];
}

function refuse(reason: string): never {
  throw new AttestryError("constraint_invalid", `constraints: ${reason}`);
}

function parseNames(value: Json, name: string): readonly string[] {
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string" && item.length > 0)) {
    refuse(`${name} is not an array of names`);
  }
  return value as string[];
}

/** Throws `constraint_invalid`. Unknown constraints are ignored, as §6.2 demands. */
export function parseConstraints(value: Json): Constraints {
  if (!isJsonObject(value)) refuse("not a JSON object");
  const { max_path_length: maxPathLength, naming_constraints: naming, allowed_entity_types: entityTypes } = value;
  if (maxPathLength !== undefined && !(Number.isSafeInteger(maxPathLength) && (maxPathLength as number) >= 0)) {
    refuse("max_path_length is not a non-negative integer");
  }
  if (naming !== undefined && !isJsonObject(naming)) refuse("naming_constraints is not a JSON object");
  return {
    ...(maxPathLength !== undefined && { maxPathLength: maxPathLength as number }),
    ...(naming?.permitted !== undefined && { permittedNames: parseNames(naming.permitted, "permitted") }),
    ...(naming?.excluded !== undefined && { excludedNames: parseNames(naming.excluded, "excluded") }),
    ...(entityTypes !== undefined && { allowedEntityTypes: parseNames(entityTypes, "allowed_entity_types") }),
  };
}

// RFC 5280 §4.2.1.10, as §6.2.2 adopts it: ".example.com" holds hosts below example.com, not example.com itself.
function matchesName(host: string, pattern: string): boolean {
  const wanted = pattern.toLowerCase();
  return wanted.startsWith(".") ? host.endsWith(wanted) : host === wanted;
}

/**
 * Checks one superior's constraints against what is below it: `entitiesBelow` from its immediate subordinate down to the
 * subject. Throws `path_length_exceeded` or `entity_name_not_permitted`.
 */
export function checkConstraints(constraints: Constraints, entitiesBelow: readonly string[]): void {
  // §6.2.1: the number of intermediates between the issuer and the subject of the chain.
  const intermediates = entitiesBelow.length - 1;
  if (constraints.maxPathLength !== undefined && intermediates > constraints.maxPathLength) {
    throw new AttestryError(
      "path_length_exceeded",
      `${intermediates} intermediates stand below a superior that allows ${constraints.maxPathLength}`,
    );
  }
  for (const entity of entitiesBelow) checkNameConstraints(constraints, entity);
}

/** Throws `entity_name_not_permitted`. */
export function checkNameConstraints(constraints: Constraints, entity: string): void {
  const host = new URL(entity).hostname;
  const permitted = constraints.permittedNames?.some((pattern) => matchesName(host, pattern)) ?? true;
  const excluded = constraints.excludedNames?.some((pattern) => matchesName(host, pattern)) ?? false;
  if (permitted && !excluded) return;
  throw new AttestryError(
    "entity_name_not_permitted",
    `the host of ${entity} is outside a superior's naming constraints`,
  );
}
