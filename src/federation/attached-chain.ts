// Proves a trust chain that an unknown caller attached. Fetches nothing; spends nothing on what the statement above did not sign.
import { AttestryError, isAttestryError } from "../errors.ts";
import { verifyChainSignatures } from "./chain-signatures.ts";
import { parseEntityStatement } from "./entity-statement.ts";
import { type AnchorPin, type VerifiedChain, verifyTrustChain } from "./trust-chain.ts";

/** A proven chain, and when its subject signed what it says of itself (Unix seconds): of two, the later one counts. */
export interface AttachedChain {
  readonly chain: VerifiedChain;
  readonly issuedAt: number;
}

/** `statements` are untrusted. Throws `signature_chain_invalid`, whose detail names the rule that the chain broke. */
export async function proveAttachedChain(
  statements: readonly string[],
  { anchors, now }: { readonly anchors: readonly AnchorPin[]; readonly now: number },
): Promise<AttachedChain> {
  try {
    await verifyChainSignatures(statements, anchors);
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
