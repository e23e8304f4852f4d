// What the directory finds out of one member's statements. Pure; the proof itself is trust-chain.ts's, which has no second.

import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type Json } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import { type ErrorCode, isAttestryError } from "../errors.ts";
import type { EntityStatement } from "./entity-statement.ts";
import { REGISTRY_NODE } from "./node-metadata.ts";
import { proveTrustChain, readNodeChain } from "./trust-chain.ts";

/** Of a member: `code` where its chain does not hold. Times in Unix seconds. */
export type DirectoryProof =
  | {
      readonly organizationName: string | undefined;
      readonly registryTypes: readonly string[];
      readonly formerly: readonly string[];
      readonly validUntil: number;
    }
  | { readonly code: ErrorCode };

/**
 * What a superior's statement says, without the times of the saying, as a digest: it changes when, and only when, the statement
 * says something else. And when it begins and ends, Unix seconds: 0 where that cannot be read. `statement` is untrusted and may be no statement at all.
 */
export function describeStatement(
  statement: string,
  updated: number | undefined,
): { readonly version: string; readonly from: number; readonly until: number } {
  const suffix = updated === undefined ? "" : `.${updated}`;
  try {
    const { iat, exp, ...claims } = decodeJws(statement).payload;
    const seconds = (value: Json | undefined): number => (Number.isSafeInteger(value) ? (value as number) : 0);
    return { version: `${sha256Base64url(canonicalJson(claims))}${suffix}`, from: seconds(iat), until: seconds(exp) };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return { version: `${sha256Base64url(statement)}${suffix}`, from: 0, until: 0 };
  }
}

function organizationOf(configuration: EntityStatement): string | undefined {
  const name: Json | undefined = configuration.metadata.get("federation_entity")?.organization_name;
  return typeof name === "string" && name.length <= 1_000 ? name : undefined;
}

/** `statements`: the member's configuration first, the anchor's last; untrusted. */
export async function proveMember(input: Parameters<typeof proveTrustChain>[0]): Promise<DirectoryProof> {
  try {
    const proven = await proveTrustChain(input);
    const { subject, expiresAt } = proven;
    // One that only vouches for others declares no `registry_node`: a member like any other, which may sign nothing.
    if (!subject.metadata.has(REGISTRY_NODE))
      return { organizationName: organizationOf(subject), registryTypes: [], formerly: [], validUntil: expiresAt };
    const { metadata, registryTypes } = readNodeChain(proven);
    const formerly = (metadata.formerly ?? []).map((former) => former.entity);
    return { organizationName: metadata.organization_name, registryTypes, formerly, validUntil: expiresAt };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return { code: error.code };
  }
}
