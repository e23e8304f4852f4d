// What a subject's metadata is once every superior of its proven chain has spoken (OpenID Federation 1.0 §6). Pure; proves nothing.
import type { JsonObject } from "../crypto/json.ts";
import type { EntityStatement } from "./entity-statement.ts";
import { applyTypePolicy, mergeMetadataPolicies } from "./metadata-policy.ts";

// §6.2.3: "the federation_entity Entity Type Identifier is always allowed".
const ALWAYS_ALLOWED = "federation_entity";

/**
 * Entity type to parameters, after constraints, the immediate superior's metadata and the merged policies, in this order.
 * `subordinates`: the statements of the chain between its two configurations, the one about the subject first.
 * Throws `policy_invalid`, `policy_violated`.
 */
export function resolveMetadata(
  subject: EntityStatement,
  subordinates: readonly EntityStatement[],
): ReadonlyMap<string, JsonObject> {
  const isAllowed = (entityType: string): boolean =>
    entityType === ALWAYS_ALLOWED ||
    subordinates.every(({ constraints }) => constraints?.allowedEntityTypes?.includes(entityType) ?? true);
  const policies = subordinates.flatMap(({ metadataPolicy }) => (metadataPolicy === undefined ? [] : [metadataPolicy]));
  // §6.1.4.1: from the most superior down.
  const merged = mergeMetadataPolicies(policies.reverse());
  const resolved = new Map<string, JsonObject>();
  for (const [entityType, declared] of subject.metadata) {
    // §6.2.3: entity types that a superior does not allow are removed before anything else is applied.
    if (!isAllowed(entityType)) continue;
    // §3.1.3: the immediate superior's metadata takes precedence over the subject's, and reaches nobody else.
    const overridden = { ...declared, ...subordinates[0]?.metadata.get(entityType) };
    const policy = merged.get(entityType);
    resolved.set(entityType, policy === undefined ? overridden : applyTypePolicy(policy, overridden));
  }
  return resolved;
}
