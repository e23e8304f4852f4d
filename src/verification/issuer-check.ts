// The `issuer` and `authority` checks: who vouches for the issuer, today or when the log got the record, and for what. Pins nothing itself.

import { chainText } from "../federation/chain-digest.ts";
import { speaksFor } from "../federation/node-metadata.ts";
import type { EvidenceParts } from "./evidence.ts";
import { type CheckpointReader, findPublicIndex } from "./inclusion-check.ts";
import { addLater, createTrustMemory, establishAsSigned, type IssuerTrust, type TrustOutcome } from "./issuer-trust.ts";
import type { VerifierPolicy } from "./policy.ts";
import { type CheckOutcome, failed, notChecked, passed } from "./report.ts";
import { findKey, type ParsedToken } from "./token-check.ts";
import type { RecordClaims } from "./token-claims.ts";

/** `archivedAt`: the place in the log of the archived chain, where there is one. */
export interface IssuerAnswer {
  readonly outcome: CheckOutcome;
  readonly trust?: IssuerTrust;
  readonly archivedAt?: number;
}

function judge(record: RecordClaims, found: TrustOutcome): CheckOutcome {
  // Proofs of another time prove nothing today, and nothing against the record either: newer ones may.
  if (!("trust" in found) && found.code === "chain_expired") return notChecked("issuer", found.code, found.detail);
  if (!("trust" in found)) return failed("issuer", found.code, found.detail);
  // The chain proves whose keys these are; a token of anyone else is not theirs to sign.
  if (!speaksFor(found.trust.chain, record.issuer)) return failed("issuer", "issuer_mismatch");
  return passed("issuer", "passed", `vouched for by ${found.trust.chain.anchor}`);
}

/** Whether the statements of today have no word on this record's key or type: they may have had one when it was logged. */
function isSilentOn(token: ParsedToken, trust: IssuerTrust): boolean {
  return findKey(token, trust) === undefined || !trust.chain.registryTypes.includes(token.record.registryType);
}

/** The place of an archived chain in the issuer's log, undefined where it is not proved. Says nothing of whether the chain holds. */
function findArchive(
  { chain, receipt }: NonNullable<EvidenceParts["archive"]>,
  trust: IssuerTrust,
  checkpoints: CheckpointReader,
): number | undefined {
  return findPublicIndex(receipt, { operation: "chain", object: chainText(chain) }, trust, checkpoints);
}

/**
 * Creates the check with its memory of verified chains. Statements of today decide wherever they speak. Where they are missing, have
 * expired or no longer name this key or type, and the policy takes archives, those decide that the log had before the record; that it
 * had them before is for `isAfterArchive` to say, once the record's own place is proved. An archive that nothing rests on has to be
 * the log's own too: who keeps the file will need it.
 */
export function createIssuerCheck(
  policy: VerifierPolicy,
  checkpoints: CheckpointReader,
): (token: ParsedToken, evidence: EvidenceParts, now: number) => Promise<IssuerAnswer> {
  const findTrust = createTrustMemory(policy.anchors);

  /** By the archived chain as it was signed; `chain`: what of later is there, over by now. */
  async function judgeByArchive(
    { record }: ParsedToken,
    archive: NonNullable<EvidenceParts["archive"]>,
    later: { chain: readonly string[] | undefined; trust: IssuerTrust | undefined; now: number },
  ): Promise<IssuerAnswer> {
    const archived = await establishAsSigned(archive.chain, policy.anchors, later.now);
    const outcome = judge(record, archived);
    if (outcome.result !== "pass" || !("trust" in archived)) return { outcome };
    const signed = later.chain && (await establishAsSigned(later.chain, policy.anchors, later.now));
    const signedOutcome = signed && judge(record, signed);
    // Over, but not wrong: a broken chain could be one out of which somebody broke the report of a key.
    if (signedOutcome?.result === "fail") return { outcome: signedOutcome };
    const trust = addLater(archived.trust, signed && "trust" in signed ? signed.trust : later.trust);
    const archivedAt = findArchive(archive, trust, checkpoints);
    if (archivedAt === undefined) return { outcome: failed("issuer", "archive_unproved") };
    return { outcome: passed("issuer", "passed_by_archive", trust.chain.anchor), trust, archivedAt };
  }

  return async (token, { chain, archive }, now) => {
    const found = chain && (await findTrust(chain, now));
    const outcome = found ? judge(token.record, found) : notChecked("issuer", "chain_missing");
    const trust = found && "trust" in found ? found.trust : undefined;
    const isOver = outcome.code === "chain_missing" || outcome.code === "chain_expired";
    const isPassed = outcome.result === "pass" && trust !== undefined;
    if (archive === undefined || !(isOver || isPassed)) return { outcome, ...(trust && { trust }) };

    if (policy.allowArchivedChain === true && isOver)
      return judgeByArchive(token, archive, { chain, trust: undefined, now });
    if (!isPassed) return { outcome };
    if (policy.allowArchivedChain === true && isSilentOn(token, trust)) {
      const answer = await judgeByArchive(token, archive, { chain: undefined, trust, now });
      if (answer.trust) return answer;
    }
    const archivedAt = findArchive(archive, trust, checkpoints);
    if (archivedAt === undefined) return { outcome: failed("issuer", "archive_unproved") };
    return { outcome, trust, archivedAt };
  };
}

/** Whether the archived chain, if there is one, was in the log before the record at `index`; undefined: the record's place is not proved. */
export function isAfterArchive({ outcome, archivedAt }: IssuerAnswer, index: number | undefined): boolean {
  if (archivedAt === undefined) return true;
  // Where nothing rests on the archive, a receipt that is missing is all that is wrong.
  return index === undefined ? outcome.code !== "passed_by_archive" : archivedAt < index;
}

/** The `authority` check. */
export function checkAuthority({ registryType }: RecordClaims, { chain }: IssuerTrust): CheckOutcome {
  // DESIGN promise 3: silence grants nothing.
  if (!chain.registryTypes.includes(registryType)) return failed("authority", "authority_not_granted", registryType);
  return passed("authority", "passed", registryType);
}
