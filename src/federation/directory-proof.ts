// What the directory finds out of one member's statements. Pure; the proof itself is trust-chain.ts's, which has no second.

import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, type Json } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import { type ErrorCode, isAttestryError } from "../errors.ts";
import type { ChainMemory } from "./chain-memory.ts";
import { type EntityStatement, parseEntityStatement } from "./entity-statement.ts";
import { REGISTRY_NODE } from "./node-metadata.ts";
import { type AnchorPin, verifyTrustChain } from "./trust-chain.ts";

/** Of a member: `code` where its chain does not hold. Times in Unix seconds. */
export type DirectoryProof =
  | {
      readonly organizationName: string | undefined;
      readonly registryTypes: readonly string[];
      readonly validUntil: number;
    }
  | { readonly code: ErrorCode };

/**
 * What a superior's statement says, without the times of the saying, as a digest: it changes when, and only when, the statement
 * says something else. And when it ends: 0 where that cannot be read. `statement` is untrusted and may be no statement at all.
 */
export function describeStatement(
  statement: string,
  updated: number | undefined,
): { readonly version: string; readonly until: number } {
  const suffix = updated === undefined ? "" : `.${updated}`;
  try {
    const { iat: _iat, exp, ...claims } = decodeJws(statement).payload;
    const until = Number.isSafeInteger(exp) ? (exp as number) : 0;
    return { version: `${sha256Base64url(canonicalJson(claims))}${suffix}`, until };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return { version: `${sha256Base64url(statement)}${suffix}`, until: 0 };
  }
}

function organizationOf(configuration: EntityStatement): string | undefined {
  const name: Json | undefined = configuration.metadata.get("federation_entity")?.organization_name;
  return typeof name === "string" && name.length <= 1_000 ? name : undefined;
}

/** `statements`: the member's configuration first, the anchor's last; untrusted. */
export async function proveMember(input: {
  readonly statements: readonly string[];
  readonly anchors: readonly AnchorPin[];
  readonly now: number;
  readonly memory: ChainMemory;
}): Promise<DirectoryProof> {
  try {
    const chain = await verifyTrustChain(input);
    return {
      organizationName: chain.metadata.organization_name,
      registryTypes: chain.registryTypes,
      validUntil: chain.expiresAt,
    };
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    const bare = error.code === "node_metadata_invalid" ? describeAuthority(input) : undefined;
    return bare ?? { code: error.code };
  }
}

/**
 * An entity that only vouches for others declares no `registry_node`. That is looked at last, when shape, times, signatures
 * and constraints have been found to hold, so it is a member like any other, which may sign nothing.
 */
function describeAuthority({
  statements,
  anchors,
  now,
}: Parameters<typeof proveMember>[0]): DirectoryProof | undefined {
  const parsed = statements.map(parseEntityStatement);
  const [configuration, top] = [parsed[0]!, parsed.at(-1)!];
  if (configuration.metadata.has(REGISTRY_NODE)) return undefined;
  const pin = anchors.find(({ entity, nbf = 0, exp = now + 1 }) => entity === top.subject && nbf <= now && now < exp);
  return {
    organizationName: organizationOf(configuration),
    registryTypes: [],
    validUntil: Math.min(pin?.exp ?? Number.POSITIVE_INFINITY, ...parsed.map((statement) => statement.expiresAt)),
  };
}
