// Metadata policies of OpenID Federation 1.0 §6.1: parse, merge down a chain, apply. Pure; decides nothing about authority.
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";

/** The standard operators, in the order in which they are applied (§6.1.3.1). */
const OPERATORS = ["value", "add", "default", "one_of", "subset_of", "superset_of", "essential"] as const;
type Operator = (typeof OPERATORS)[number];
const ARRAY_OPERATORS: ReadonlySet<string> = new Set(["add", "one_of", "subset_of", "superset_of"]);

/** What is demanded of one metadata parameter. */
export type ParameterPolicy = { readonly [name in Operator]?: Json };
/** Parameter name to policy: the policy of one entity type. */
export type TypePolicy = ReadonlyMap<string, ParameterPolicy>;
/** Entity type to policy: a `metadata_policy` claim. */
export type MetadataPolicy = ReadonlyMap<string, TypePolicy>;

function refusePolicy(parameter: string, reason: string): never {
  throw new AttestryError("policy_invalid", `metadata policy of ${parameter}: ${reason}`);
}

// Canonical text makes equality of any two JSON values, objects included, independent of the order of members.
function keysOf(values: readonly Json[]): Set<string> {
  return new Set(values.map(canonicalJson));
}

function isSubset(inner: readonly Json[], outer: readonly Json[]): boolean {
  const allowed = keysOf(outer);
  return inner.every((value) => allowed.has(canonicalJson(value)));
}

function union(a: readonly Json[], b: readonly Json[]): Json[] {
  const present = keysOf(a);
  return [...a, ...b.filter((value) => !present.has(canonicalJson(value)))];
}

function intersection(a: readonly Json[], b: readonly Json[]): Json[] {
  const present = keysOf(b);
  return a.filter((value) => present.has(canonicalJson(value)));
}

// parseParameterPolicy has checked that these operators carry arrays.
function arrayOf(policy: ParameterPolicy, operator: Operator): readonly Json[] | undefined {
  return policy[operator] as readonly Json[] | undefined;
}

/** A value as the set that array operators work on; `scope` is a set written as one string (§6.1.3.1). */
function asSet(parameter: string, value: Json): readonly Json[] | undefined {
  if (Array.isArray(value)) return value;
  if (parameter === "scope" && typeof value === "string") return value.split(" ").filter((word) => word !== "");
  return undefined;
}

function fromSet(parameter: string, before: Json | undefined, values: readonly Json[]): Json {
  return parameter === "scope" && !Array.isArray(before) ? values.join(" ") : [...values];
}

// §6.1.3.1: which operators may stand together, and what must then hold between them.
function checkCombination(parameter: string, policy: ParameterPolicy): void {
  const { value } = policy;
  const add = arrayOf(policy, "add");
  const oneOf = arrayOf(policy, "one_of");
  const subsetOf = arrayOf(policy, "subset_of");
  const supersetOf = arrayOf(policy, "superset_of");
  if (oneOf !== undefined && (add ?? subsetOf ?? supersetOf) !== undefined) {
    refusePolicy(parameter, "one_of stands only with value, default and essential");
  }
  if (value !== undefined) {
    if (value === null && policy.default !== undefined) refusePolicy(parameter, "value null contradicts default");
    if (value === null && policy.essential === true) refusePolicy(parameter, "value null contradicts essential");
    if (oneOf !== undefined && !isSubset([value], oneOf)) refusePolicy(parameter, "value is not among one_of");
    if ((add ?? subsetOf ?? supersetOf) !== undefined) {
      const values = value === null ? [] : asSet(parameter, value);
      if (values === undefined) refusePolicy(parameter, "value is not an array");
      if (add !== undefined && !isSubset(add, values)) refusePolicy(parameter, "add is not a subset of value");
      if (subsetOf !== undefined && !isSubset(values, subsetOf)) refusePolicy(parameter, "value is outside subset_of");
      if (supersetOf !== undefined && !isSubset(supersetOf, values)) refusePolicy(parameter, "value lacks superset_of");
    }
  }
  if (subsetOf !== undefined && add !== undefined && !isSubset(add, subsetOf)) {
    refusePolicy(parameter, "add is not a subset of subset_of");
  }
  if (subsetOf !== undefined && supersetOf !== undefined && !isSubset(supersetOf, subsetOf)) {
    refusePolicy(parameter, "superset_of is not a subset of subset_of");
  }
}

function parseParameterPolicy(parameter: string, operators: Json | undefined): ParameterPolicy {
  if (!isJsonObject(operators)) refusePolicy(parameter, "not a JSON object");
  const policy: { [name in Operator]?: Json } = {};
  for (const operator of OPERATORS) {
    const operand = operators[operator];
    if (operand === undefined) continue;
    if (ARRAY_OPERATORS.has(operator) && !Array.isArray(operand))
      refusePolicy(parameter, `${operator} is not an array`);
    if (operator === "one_of" && Array.isArray(operand) && operand.length === 0)
      refusePolicy(parameter, "one_of is empty");
    if (operator === "essential" && typeof operand !== "boolean") refusePolicy(parameter, "essential is not a boolean");
    if (operator === "default" && operand === null) refusePolicy(parameter, "default is null");
    policy[operator] = operand;
  }
  // §6.1.3.2: an operator that we do not know is ignored unless `metadata_policy_crit` names it.
  checkCombination(parameter, policy);
  return policy;
}

/** The policy of one entity type: parameter to operators. Throws `policy_invalid`. */
export function parseTypePolicy(value: Json | undefined): TypePolicy {
  if (!isJsonObject(value)) refusePolicy("an entity type", "not a JSON object");
  return new Map(
    Object.entries(value).map(([parameter, operators]) => [parameter, parseParameterPolicy(parameter, operators)]),
  );
}

/** A `metadata_policy` claim. Throws `policy_invalid`. */
export function parseMetadataPolicy(value: Json | undefined): MetadataPolicy {
  if (!isJsonObject(value)) throw new AttestryError("policy_invalid", "metadata_policy is not a JSON object");
  return new Map(Object.entries(value).map(([entityType, policy]) => [entityType, parseTypePolicy(policy)]));
}

/**
 * A `metadata_policy_crit` claim (§3.1.3): extension operators that a reader must understand. We understand none, so a
 * well-formed list throws `policy_operator_unsupported` and a malformed one `policy_invalid`.
 */
export function checkCriticalOperators(value: Json): void {
  if (!Array.isArray(value) || value.length === 0) {
    throw new AttestryError("policy_invalid", "metadata_policy_crit is not a non-empty array");
  }
  for (const name of value) {
    if (typeof name !== "string" || (OPERATORS as readonly string[]).includes(name)) {
      throw new AttestryError("policy_invalid", "metadata_policy_crit names something else than an extension operator");
    }
  }
  throw new AttestryError(
    "policy_operator_unsupported",
    `critical policy operators not supported: ${value.join(", ").slice(0, 100)}`,
  );
}

function mergeOperator(parameter: string, operator: Operator, superior: Json, subordinate: Json): Json {
  switch (operator) {
    case "value":
    case "default":
      if (canonicalJson(superior) !== canonicalJson(subordinate))
        refusePolicy(parameter, `${operator} differs from the superior's`);
      return superior;
    case "essential":
      return superior === true || subordinate === true;
  }
  const [above, below] = [superior as readonly Json[], subordinate as readonly Json[]];
  if (operator === "add" || operator === "superset_of") return union(above, below);
  const both = intersection(above, below);
  if (operator === "one_of" && both.length === 0) refusePolicy(parameter, "one_of shares no value with the superior's");
  return both;
}

function mergeParameter(parameter: string, superior: ParameterPolicy, subordinate: ParameterPolicy): ParameterPolicy {
  const merged: { [name in Operator]?: Json } = {};
  for (const operator of OPERATORS) {
    const [above, below] = [superior[operator], subordinate[operator]];
    // Not `??`: a superior's `value: null` is an operand, not an absence.
    const operand =
      above === undefined ? below : below === undefined ? above : mergeOperator(parameter, operator, above, below);
    if (operand !== undefined) merged[operator] = operand;
  }
  checkCombination(parameter, merged);
  return merged;
}

/** §6.1.4.1: the policies of one entity type, the superior's first. Throws `policy_invalid` where they contradict. */
export function mergeTypePolicies(superior: TypePolicy, subordinate: TypePolicy): TypePolicy {
  const merged = new Map(superior);
  for (const [parameter, policy] of subordinate) {
    merged.set(parameter, mergeParameter(parameter, merged.get(parameter) ?? {}, policy));
  }
  return merged;
}

/** §6.1.4.1 for whole claims: `policies` from the most superior down. Throws `policy_invalid`. */
export function mergeMetadataPolicies(policies: readonly MetadataPolicy[]): MetadataPolicy {
  const merged = new Map<string, TypePolicy>();
  for (const policy of policies) {
    for (const [entityType, typePolicy] of policy) {
      merged.set(entityType, mergeTypePolicies(merged.get(entityType) ?? new Map(), typePolicy));
    }
  }
  return merged;
}

function violate(parameter: string, operator: Operator): never {
  throw new AttestryError(
    "policy_violated",
    `metadata parameter ${parameter} violates ${operator} of the federation's policy`,
  );
}

function requireSet(parameter: string, operator: Operator, value: Json): readonly Json[] {
  return asSet(parameter, value) ?? violate(parameter, operator);
}

function applyParameter(parameter: string, policy: ParameterPolicy, declared: Json | undefined): Json | undefined {
  let current = declared;
  if (policy.value !== undefined) current = policy.value === null ? undefined : policy.value;
  const add = arrayOf(policy, "add");
  if (add !== undefined) {
    current = fromSet(
      parameter,
      current,
      union(current === undefined ? [] : requireSet(parameter, "add", current), add),
    );
  }
  if (policy.default !== undefined && current === undefined) current = policy.default;
  if (current === undefined) return policy.essential === true ? violate(parameter, "essential") : undefined;

  const oneOf = arrayOf(policy, "one_of");
  if (oneOf !== undefined && !isSubset([current], oneOf)) violate(parameter, "one_of");
  const subsetOf = arrayOf(policy, "subset_of");
  if (subsetOf !== undefined) {
    current = fromSet(parameter, current, intersection(requireSet(parameter, "subset_of", current), subsetOf));
  }
  const supersetOf = arrayOf(policy, "superset_of");
  if (supersetOf !== undefined && !isSubset(supersetOf, requireSet(parameter, "superset_of", current))) {
    violate(parameter, "superset_of");
  }
  return current;
}

/** §6.1.4.2: the metadata of one entity type under its merged policy. Throws `policy_violated`. */
export function applyTypePolicy(policy: TypePolicy, metadata: JsonObject): JsonObject {
  const resolved = new Map<string, Json>(Object.entries(metadata) as [string, Json][]);
  for (const [parameter, parameterPolicy] of policy) {
    const value = applyParameter(parameter, parameterPolicy, resolved.get(parameter));
    if (value === undefined) resolved.delete(parameter);
    else resolved.set(parameter, value);
  }
  return Object.fromEntries(resolved);
}
