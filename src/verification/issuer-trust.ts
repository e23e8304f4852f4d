// Whom the issuer's chain makes us trust, remembered for as long as it holds. Trusts nothing but the pinned anchors.

import { createBoundedCache } from "../bounded-cache.ts";
import { AttestryError } from "../errors.ts";
import { parseEntityStatement } from "../federation/entity-statement.ts";
import { type AnchorPin, type VerifiedChain, verifyTrustChain } from "../federation/trust-chain.ts";
import { VERIFIER_CHAINS_MAX } from "../limits.ts";
import { type NoteVerifier, parseVerifierKey } from "../log/note.ts";
import type { VerificationCode } from "./report.ts";

/** One verified chain. Compared by identity: what was proved under one chain's keys counts under that chain only. */
export interface IssuerTrust {
  readonly chain: VerifiedChain;
  readonly logVerifiers: readonly NoteVerifier[];
}

export type TrustOutcome =
  | { readonly trust: IssuerTrust }
  | { readonly code: VerificationCode; readonly detail: string };

interface Remembered {
  readonly statements: readonly string[];
  /** Unix seconds: when the chain was verified. */
  readonly now: number;
  readonly outcome: Promise<TrustOutcome>;
}

function codeOf(error: AttestryError): VerificationCode {
  switch (error.code) {
    case "anchor_unknown":
    case "anchor_expired":
    case "anchor_key_not_pinned":
      return "issuer_unknown";
    case "statement_expired":
    case "statement_not_yet_valid":
      return "chain_expired";
    case "statement_signature_invalid":
      return "chain_signature_invalid";
    default:
      return "chain_invalid";
  }
}

async function establish(
  statements: readonly string[],
  anchors: readonly AnchorPin[],
  now: number,
): Promise<TrustOutcome> {
  try {
    const chain = await verifyTrustChain({ statements, anchors, now });
    return { trust: { chain, logVerifiers: chain.metadata.logs.records.vkeys.map(parseVerifierKey) } };
  } catch (error) {
    if (error instanceof AttestryError) return { code: codeOf(error), detail: error.message };
    throw error;
  }
}

/**
 * What an archived chain (untrusted) proved when it was signed: at the last moment at which all of its statements were. `now`: a statement
 * from the future is none of the past.
 */
export async function establishArchived(
  statements: readonly string[],
  anchors: readonly AnchorPin[],
  now: number,
): Promise<TrustOutcome> {
  try {
    const signedAt = Math.max(...statements.map((statement) => parseEntityStatement(statement).issuedAt));
    return await establish(statements, anchors, Math.min(signedAt, now));
  } catch (error) {
    if (error instanceof AttestryError) return { code: codeOf(error), detail: error.message };
    throw error;
  }
}

function isSameText(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((statement, i) => statement === b[i]);
}

function isStillTrue(remembered: Remembered, outcome: TrustOutcome, now: number): boolean {
  // A refusal may be a matter of the hour, so it stands for its own moment only.
  if (!("trust" in outcome)) return remembered.now === now;
  return remembered.now <= now && now < outcome.trust.chain.expiresAt;
}

/** Answers what a chain's statements (untrusted) prove at `now`; the same text is verified once while it holds. */
export function createTrustMemory(
  anchors: readonly AnchorPin[],
): (statements: readonly string[], now: number) => Promise<TrustOutcome> {
  // Keyed by the issuer's own configuration and compared whole: joining the texts would cost more than comparing them.
  const cache = createBoundedCache<Remembered>(VERIFIER_CHAINS_MAX);
  return async (statements, now) => {
    const key = statements[0] ?? "";
    const remembered = cache.get(key);
    if (remembered && isSameText(remembered.statements, statements)) {
      const outcome = await remembered.outcome;
      if (isStillTrue(remembered, outcome, now)) return outcome;
    }
    // The promise is kept, not its value, so that records verified side by side share the work.
    const outcome = establish([...statements], anchors, now);
    cache.set(key, { statements: [...statements], now, outcome });
    return outcome;
  };
}
