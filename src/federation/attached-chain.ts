// Proves a trust chain that an unknown caller attached. Fetches nothing; spends nothing on what the statement above did not sign.
import { decodeJws, verifyJws } from "../crypto/jws.ts";
import { type PublicKey, parseKeySet } from "../crypto/keys.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { ENTITY_STATEMENT_TYPE, parseEntityStatement } from "./entity-statement.ts";
import { type AnchorPin, type VerifiedChain, verifyTrustChain } from "./trust-chain.ts";

/** A proven chain, and when its subject signed what it says of itself (Unix seconds): of two, the later one counts. */
export interface AttachedChain {
  readonly chain: VerifiedChain;
  readonly issuedAt: number;
}

// To look whether a key is sound takes longer than to verify many signatures, and a stranger's statements may list hundreds of keys:
// from the anchor down, a statement is read only after the one above it has proved it.
async function checkSignedFromAbove(statements: readonly string[], anchors: readonly AnchorPin[]): Promise<void> {
  const { iss } = decodeJws(statements.at(-1)!).payload;
  const pins = anchors.filter(({ entity }) => entity === iss);
  if (pins.length === 0) throw new AttestryError("anchor_unknown", "the chain ends at an entity that is not pinned");
  const pinned = pins.flatMap(({ jwks }) => parseKeySet(jwks));
  let keys: readonly PublicKey[] = [...new Map(pinned.map((key) => [key.kid, key])).values()];
  for (const text of statements.toReversed()) {
    await verifyJws(text, { typ: ENTITY_STATEMENT_TYPE, keys, acceptEdDSA: true });
    ({ keys } = parseEntityStatement(text));
  }
}

/** `statements` are untrusted. Throws `signature_chain_invalid`, whose detail names the rule that the chain broke. */
export async function proveAttachedChain(
  statements: readonly string[],
  { anchors, now }: { readonly anchors: readonly AnchorPin[]; readonly now: number },
): Promise<AttachedChain> {
  try {
    await checkSignedFromAbove(statements, anchors);
    const chain = await verifyTrustChain({ statements, anchors, now });
    return { chain, issuedAt: parseEntityStatement(statements[0]!).issuedAt };
  } catch (cause) {
    if (!isAttestryError(cause)) throw cause;
    throw new AttestryError(
      "signature_chain_invalid",
      `the attached chain does not prove its sender (${cause.code}): ${cause.message}`,
      { cause, details: [{ field: "attestry-trust-chain", message: cause.code }] },
    );
  }
}
