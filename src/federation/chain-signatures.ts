// Whether a chain's statements are signed, from a pinned anchor's key downwards. Says nothing of what they state.
import { isJsonObject, type JsonObject } from "../crypto/json.ts";
import { decodeJws, verifyJws } from "../crypto/jws.ts";
import { parseKeySet, parsePublicKey } from "../crypto/keys.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { ENTITY_STATEMENT_TYPE } from "./entity-statement.ts";
import type { AnchorPin } from "./trust-chain.ts";

type Refusal = "chain_malformed" | "anchor_unknown" | "anchor_key_not_pinned" | "statement_key_unknown";

function refuse(code: Refusal, reason: string): never {
  throw new AttestryError(code, `trust chain: ${reason}`);
}

function findPinnedKeys({ iss, sub }: JsonObject, anchors: readonly AnchorPin[]): readonly unknown[] {
  if (iss !== sub) refuse("chain_malformed", "its last statement is no configuration");
  const pins = anchors.filter(({ entity }) => entity === sub);
  if (pins.length === 0) refuse("anchor_unknown", "its last statement is about no pinned anchor");
  return pins.flatMap(({ jwks }) => parseKeySet(jwks).map(({ jwk }) => jwk));
}

/**
 * To look at whether a key is sound takes 2 ms, and a statement may hold dozens: of what strangers made up no key is looked at but
 * the one above that signed it. For `statements` (untrusted) that pass, `verifyTrustChain` decides. Throws `chain_malformed`, `anchor_unknown`,
 * `anchor_key_not_pinned`, `statement_key_unknown`, `statement_signature_invalid`, and what `verifyJws` throws.
 */
export async function verifyChainSignatures(
  statements: readonly string[],
  anchors: readonly AnchorPin[],
): Promise<void> {
  let keys: readonly unknown[] | undefined;
  for (const text of statements.toReversed()) {
    const { header, payload } = decodeJws(text);
    const isAnchor = keys === undefined;
    keys ??= findPinnedKeys(payload, anchors);
    const jwk = keys.find((key) => isJsonObject(key) && key.kid === header.kid);
    if (jwk === undefined)
      refuse(
        isAnchor ? "anchor_key_not_pinned" : "statement_key_unknown",
        isAnchor
          ? "the anchor's configuration is signed by a key that is not pinned"
          : "a statement is signed by a key that the one above it does not name",
      );
    try {
      await verifyJws(text, { typ: ENTITY_STATEMENT_TYPE, keys: [parsePublicKey(jwk)], acceptEdDSA: true });
    } catch (error) {
      if (!isAttestryError(error, "signature_invalid")) throw error;
      throw new AttestryError("statement_signature_invalid", "trust chain: a statement has a wrong signature");
    }
    const { jwks } = payload;
    keys = isJsonObject(jwks) && Array.isArray(jwks.keys) ? jwks.keys : [];
  }
}
