// The filters that lists of subordinates share (OpenID Federation 1.0 §8.2.1). Pure: reads a query, finds nobody.
import type { SubordinateFilter } from "../federation/subordinate-store.ts";
import { ENTITY_TYPES_MAX, TRUST_MARK_TYPE_CHARS_MAX } from "../limits.ts";
import type { FederationFault } from "./federation-errors.ts";

export type Queries = Readonly<Record<string, readonly string[]>>;

export const FILTER_NAMES = ["entity_type", "intermediate", "trust_marked", "trust_mark_type"] as const;

/** §8.2.1: what is not supported must be refused, since its absence would change the meaning of the list. */
export function findUnsupported(queries: Queries, names: readonly string[]): FederationFault | undefined {
  if (Object.keys(queries).every((name) => names.includes(name))) return undefined;
  return { error: "unsupported_parameter", description: `the parameters here are ${names.join(", ")}` };
}

/** The one value of a parameter. Throws what the answer is to be where it is given twice. */
export function readOnce(queries: Queries, name: string): string | undefined | FederationFault {
  const values = queries[name];
  if (values && values.length > 1) return { error: "invalid_request", description: `${name} is given once` };
  return values?.[0];
}

export function readBoolean(queries: Queries, name: string): boolean | undefined | FederationFault {
  const value = readOnce(queries, name);
  if (value === undefined || typeof value === "object") return value;
  if (value === "true" || value === "false") return value === "true";
  return { error: "invalid_request", description: `${name} is true or false` };
}

export function isFault(value: unknown): value is FederationFault {
  return typeof value === "object" && value !== null && "error" in value;
}

export function readSubordinateFilter(queries: Queries): SubordinateFilter | FederationFault {
  const { entity_type: entityTypes } = queries;
  if (entityTypes && (entityTypes.length > ENTITY_TYPES_MAX || entityTypes.includes("")))
    return {
      error: "invalid_request",
      description: `entity_type is given 1 to ${ENTITY_TYPES_MAX} times, never empty`,
    };
  const intermediate = readBoolean(queries, "intermediate");
  if (isFault(intermediate)) return intermediate;
  const isMarked = readBoolean(queries, "trust_marked");
  if (isFault(isMarked)) return isMarked;
  const type = readOnce(queries, "trust_mark_type");
  if (isFault(type)) return type;
  if (type !== undefined && !(type.length <= TRUST_MARK_TYPE_CHARS_MAX && /^[^\p{Cc}]+$/u.test(type)))
    return { error: "invalid_request", description: "trust_mark_type is no type of trust marks" };
  return {
    ...(entityTypes && { entityTypes }),
    ...(intermediate !== undefined && { intermediate }),
    ...((isMarked || type !== undefined) && { trustMarked: { type } }),
  };
}
