// Whom the issuer's chain makes us trust, remembered for as long as it holds. Trusts nothing but the pinned anchors.

import { createBoundedCache } from "../bounded-cache.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { verifyChainSignatures } from "../federation/chain-signatures.ts";
import { parseEntityStatement } from "../federation/entity-statement.ts";
import { type RevokedKey, speaksFor } from "../federation/node-metadata.ts";
import { type AnchorPin, type VerifiedChain, verifyTrustChain } from "../federation/trust-chain.ts";
import { CHAIN_DEPTH_MAX, VERIFIER_CHAIN_CHARS_MAX, VERIFIER_CHAINS_MAX } from "../limits.ts";
import { type NoteVerifier, parseVerifierKey } from "../log/note.ts";
import type { VerificationCode } from "./report.ts";

/** What one verified chain proves. Compared by identity: what was proved under one chain's keys counts under that chain only. */
export interface IssuerTrust {
  /** Record keys and registry types are its. */
  readonly chain: VerifiedChain;
  readonly logVerifiers: readonly NoteVerifier[];
  readonly statusKeys: readonly PublicKey[];
  /** Record keys that were reported. */
  readonly revoked: readonly RevokedKey[];
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

/** What a verified chain by itself makes us trust. */
export function trustOf(chain: VerifiedChain): IssuerTrust {
  return {
    chain,
    logVerifiers: chain.metadata.logs.records.vkeys.map(parseVerifierKey),
    statusKeys: chain.keys.status,
    revoked: chain.keys.revoked ?? [],
  };
}

/**
 * The record keys and types of an archived chain, with what a later chain of the same issuer says since: the keys that its log and its
 * status lists are signed with by now, and which record keys were reported.
 */
export function addLater(archived: IssuerTrust, later: IssuerTrust | undefined): IssuerTrust {
  if (later === undefined) return archived;
  const isSameIssuer = speaksFor(later.chain, archived.chain.entity);
  const { origin } = archived.chain.metadata.logs.records;
  if (!isSameIssuer || later.chain.metadata.logs.records.origin !== origin) return archived;
  const byKeyId = new Map([...archived.logVerifiers, ...later.logVerifiers].map((one) => [one.keyId, one]));
  const byKid = new Map([...archived.statusKeys, ...later.statusKeys].map((key) => [key.kid, key]));
  return {
    chain: archived.chain,
    logVerifiers: [...byKeyId.values()],
    statusKeys: [...byKid.values()],
    // A report is never taken back, so the later word is the one that counts.
    revoked: [...later.revoked, ...archived.revoked],
  };
}

async function establish(
  statements: readonly string[],
  anchors: readonly AnchorPin[],
  now: number,
): Promise<TrustOutcome> {
  try {
    if (statements.length <= CHAIN_DEPTH_MAX + 1) await verifyChainSignatures(statements, anchors);
    return { trust: trustOf(await verifyTrustChain({ statements, anchors, now })) };
  } catch (error) {
    if (error instanceof AttestryError) return { code: codeOf(error), detail: error.message };
    throw error;
  }
}

/**
 * What a chain (untrusted) proved when it was signed: at the first moment at which all of its statements were. `now`: a statement from the
 * future is none of the past.
 */
export async function establishAsSigned(
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
    // What strangers make up may be as long as a file; it is judged, and not kept.
    const chars = statements.reduce((sum, statement) => sum + statement.length, 0);
    if (chars <= VERIFIER_CHAIN_CHARS_MAX) cache.set(key, { statements: [...statements], now, outcome });
    return outcome;
  };
}
