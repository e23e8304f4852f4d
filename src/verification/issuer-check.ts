// The `issuer` and `authority` checks: who vouches for the issuer, today or when the log got the record, and for what. Pins nothing itself.

import { chainText } from "../federation/chain-digest.ts";
import { speaksFor } from "../federation/node-metadata.ts";
import type { EvidenceParts } from "./evidence.ts";
import { findPublicIndex } from "./inclusion-check.ts";
import { addLater, createTrustMemory, establishAsSigned, type IssuerTrust, type TrustOutcome } from "./issuer-trust.ts";
import type { VerifierPolicy } from "./policy.ts";
import { type CheckOutcome, failed, notChecked, passed } from "./report.ts";
import { findKey, type ParsedToken } from "./token-check.ts";
import type { RecordClaims } from "./token-claims.ts";

/** `archivedAt`: the place in the log of the archived chain, where the answer rests on one. */
export interface IssuerAnswer {
  readonly outcome: CheckOutcome;
  readonly trust?: IssuerTrust;
  readonly archivedAt?: number;
}

function judge(record: RecordClaims, found: TrustOutcome): CheckOutcome {
  if (!("trust" in found)) return failed("issuer", found.code, found.detail);
  // The chain proves whose keys these are; a token of anyone else is not theirs to sign.
  if (!speaksFor(found.trust.chain, record.issuer)) return failed("issuer", "issuer_mismatch");
  return passed("issuer", "passed", `vouched for by ${found.trust.chain.anchor}`);
}

/** Whether the statements of today have no word on this record's key or type: they may have had one when it was logged. */
function isSilentOn(token: ParsedToken, trust: IssuerTrust): boolean {
  return findKey(token, trust) === undefined || !trust.chain.registryTypes.includes(token.record.registryType);
}

/**
 * Creates the check with its memory of verified chains. Statements of today decide wherever they speak. Where they are missing, have
 * expired or no longer name this key or type, and the policy takes archives, those decide that the log had before the record; that it
 * had them before is for `isAfterArchive` to say, once the record's own place is proved.
 */
export function createIssuerCheck(
  policy: VerifierPolicy,
): (token: ParsedToken, evidence: EvidenceParts, now: number) => Promise<IssuerAnswer> {
  const findTrust = createTrustMemory(policy.anchors);
  return async (token, { chain, archive }, now) => {
    const found = chain && (await findTrust(chain, now));
    const today: IssuerAnswer = {
      outcome: found ? judge(token.record, found) : notChecked("issuer", "chain_missing"),
      ...(found && "trust" in found && { trust: found.trust }),
    };
    const { code, result } = today.outcome;
    const isOver = code === "chain_missing" || code === "chain_expired";
    const isSilent = result === "pass" && today.trust !== undefined && isSilentOn(token, today.trust);
    if (archive === undefined || policy.allowArchivedChain !== true || !(isOver || isSilent)) return today;

    const archived = await establishAsSigned(archive.chain, policy.anchors, now);
    const outcome = judge(token.record, archived);
    if (outcome.result !== "pass" || !("trust" in archived)) return isOver ? { outcome } : today;
    const signed = isOver && chain ? await establishAsSigned(chain, policy.anchors, now) : undefined;
    // Over, but not wrong: a broken chain could be one out of which somebody broke the report of a key.
    const signedOutcome = signed && judge(token.record, signed);
    if (signedOutcome?.result === "fail") return { outcome: signedOutcome };
    const trust = addLater(archived.trust, signed && "trust" in signed ? signed.trust : today.trust);
    const entry = { operation: "chain", object: chainText(archive.chain) } as const;
    const archivedAt = findPublicIndex(archive.receipt, entry, trust);
    if (archivedAt === undefined) return isOver ? { outcome: failed("issuer", "archive_unproved") } : today;
    return { outcome: passed("issuer", "passed_by_archive", trust.chain.anchor), trust, archivedAt };
  };
}

/** Whether the archived chain, if the answer rests on one, was in the log before the record at `index`. */
export function isAfterArchive({ archivedAt }: IssuerAnswer, index: number | undefined): boolean {
  return archivedAt === undefined || (index !== undefined && archivedAt < index);
}

/** The `authority` check. */
export function checkAuthority({ registryType }: RecordClaims, { chain }: IssuerTrust): CheckOutcome {
  // DESIGN promise 3: silence grants nothing.
  if (!chain.registryTypes.includes(registryType)) return failed("authority", "authority_not_granted", registryType);
  return passed("authority", "passed", registryType);
}
