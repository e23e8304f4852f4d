// What of a trust chain decides whom it lets sign what, and its digest: two chains that differ only in when they were signed have one. Pure; proves nothing.

import { sha256Base64url } from "../crypto/hash.ts";
import { canonicalJson, isJsonObject, type JsonObject } from "../crypto/json.ts";
import { decodeJws } from "../crypto/jws.ts";
import { REGISTRY_NODE } from "./node-metadata.ts";

/** Members of `registry_node` that name keys, logs and types, or take them back. */
const DECISIVE = ["registry_types", "jwks", "revoked_jwks", "status_jwks", "logs", "formerly"] as const;

function pickMetadata(metadata: JsonObject[string] | undefined): JsonObject {
  const node = isJsonObject(metadata) ? metadata[REGISTRY_NODE] : undefined;
  if (!isJsonObject(node)) return {};
  return Object.fromEntries(DECISIVE.flatMap((name) => (node[name] === undefined ? [] : [[name, node[name]]])));
}

/** base64url SHA-256 of keys, types and policy of a chain, the subject's configuration first. Throws what `decodeJws` throws. */
export function chainDigest(statements: readonly string[]): string {
  const decisive = statements.map((statement, at) => {
    const { iss, sub, jwks, metadata, metadata_policy: policy, constraints } = decodeJws(statement).payload;
    // The anchor's configuration speaks of itself alone: of it only the keys matter.
    const isOfSubject = at === 0 || iss !== sub;
    return {
      iss: iss ?? null,
      sub: sub ?? null,
      jwks: jwks ?? null,
      metadata: isOfSubject ? pickMetadata(metadata) : {},
      policy: policy ?? null,
      constraints: constraints ?? null,
    };
  });
  return sha256Base64url(canonicalJson(decisive));
}

/** The text that the log commits to for a chain. */
export function chainText(statements: readonly string[]): string {
  return JSON.stringify(statements);
}
