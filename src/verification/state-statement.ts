// A home node's signed word that a record is suspended, ended, replaced, revoked or erased, or one version of it erased: form, signature, place in the log. No I/O, no clock.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { verifyJws } from "../crypto/jws.ts";
import { AttestryError } from "../errors.ts";
import type { VerifiedChain } from "../federation/trust-chain.ts";
import { stateTag } from "../log/entry.ts";
import { parseEffectiveTime } from "../records/effective-time.ts";
import { STATEMENT_OPERATIONS, type StatementOperation } from "../records/record-states.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import { createInclusionCheck, isBeforeReport } from "./inclusion-check.ts";
import { type IssuerTrust, trustOf } from "./issuer-trust.ts";

export const STATE_STATEMENT_TYPE = "attestry-state+jwt";

export interface StateStatement {
  readonly operation: StatementOperation;
  /** The version that was current then. */
  readonly version: number;
  /** Unix seconds, by the issuer's own word. */
  readonly issuedAt: number;
  /** Since when it holds, as it was written: a date or a time. Undefined: from the beginning, or since `issuedAt`. */
  readonly effective: string | undefined;
  /** URLs of the successors, on whichever node; none unless the operation is `replace`. */
  readonly replacedBy: readonly string[];
  /** Of an `erase_version`: which version was erased; the others are as they were. */
  readonly erasedVersion?: number;
  /** The open parts of the act. */
  readonly act: JsonObject;
}

function invalid(claim: string, rule: string): AttestryError {
  return new AttestryError("token_invalid", `state statement: ${claim} ${rule}`);
}

function readSuccessors(value: Json | undefined, operation: StatementOperation): readonly string[] {
  if (operation !== "replace") {
    if (value !== undefined) throw invalid("replaced_by", "belongs to a replacement only");
    return [];
  }
  const isUrl = (one: Json): one is string => typeof one === "string" && parseRecordUrl(one) !== undefined;
  if (!Array.isArray(value) || value.length === 0 || !value.every(isUrl))
    throw invalid("replaced_by", "must be the URLs of records, at least one");
  return value;
}

/** One word for the whole record and for one version of it would let the end of the one pass for that of the other. */
function readErasedVersion(
  value: Json | undefined,
  operation: StatementOperation,
  current: number,
): number | undefined {
  if (operation !== "erase_version") {
    if (value !== undefined) throw invalid("erased_version", "belongs to the erasure of a version only");
    return undefined;
  }
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 || value >= current)
    throw invalid("erased_version", "must be the number of a version before rver");
  return value;
}

/** A statement with its receipt and its running number among the changes of the record's state; all untrusted. */
export interface StateEvidence {
  readonly statement: string;
  readonly receipt: string;
  readonly number: number;
}

/**
 * Creates a verifier of statements with its memory of verified checkpoints. It proves a statement as one about the record at `href`,
 * signed by a record key of its home node's proven chain and in that node's log. `isPersonal`: asked for as one that is read by consent
 * or by law, whose receipts come without its key. Throws `token_invalid` naming the claim,
 * `log_proof_invalid` where the receipt does not prove it, `key_compromised` where its key was reported and the log had it later, and what `verifyJws` throws.
 */
export function createStateVerifier(): (
  evidence: StateEvidence,
  options: { chain: VerifiedChain; href: string; isPersonal?: boolean },
) => Promise<StateStatement> {
  const checkInclusion = createInclusionCheck();
  const trusts = new WeakMap<VerifiedChain, IssuerTrust>();
  function rememberTrust(chain: VerifiedChain): IssuerTrust {
    const known = trusts.get(chain);
    if (known) return known;
    const trust = trustOf(chain);
    trusts.set(chain, trust);
    return trust;
  }
  return async ({ statement: text, receipt, number }, { chain, href, isPersonal = false }) => {
    const reported = chain.keys.revoked ?? [];
    const keys = [...chain.keys.record, ...reported.map((one) => one.key)];
    const { payload, key } = await verifyJws(text, { typ: STATE_STATEMENT_TYPE, keys });
    const statement = parseStateStatement(payload, href);
    const { operation } = statement;
    const { outcome, index } = checkInclusion({
      firstReceipt: undefined,
      recentReceipt: receipt,
      entry: {
        operation: operation === "erase_version" ? "erase" : operation,
        object: text,
        rid: String(payload.rid),
        tagOf: (k) => stateTag(k, number),
      },
      trust: rememberTrust(chain),
      // With an erased record its key was destroyed; of a personal one its subject alone gets it (DESIGN section 6).
      isKeyExpected: operation !== "erase" && !isPersonal,
    });
    const report = reported.find((one) => one.key.kid === key.kid);
    if (report && !isBeforeReport(index, report))
      throw new AttestryError("key_compromised", "state statement: its key was stolen before the log had it");
    if (outcome.result === "pass") return statement;
    throw new AttestryError("log_proof_invalid", `state statement: ${outcome.code}: ${outcome.message}`);
  };
}

/** Reads the claims of a statement about the record at `href`; throws `token_invalid`. */
export function parseStateStatement(payload: JsonObject, href: string): StateStatement {
  const { iss, rid, rver, op, iat, effective, replaced_by: replacedBy, erased_version: erased, act } = payload;
  const address = parseRecordUrl(href);
  // Or the end of one record would pass for the end of another.
  if (address === undefined || iss !== address.entity) throw invalid("iss", "is not the home node of the record");
  if (rid !== address.rid) throw invalid("rid", "is another record's");
  const operation = STATEMENT_OPERATIONS.find((one) => one === op);
  if (operation === undefined) throw invalid("op", `must be one of ${STATEMENT_OPERATIONS.join(", ")}`);
  if (typeof rver !== "number" || !Number.isSafeInteger(rver) || rver < 1)
    throw invalid("rver", "must be a number from 1");
  if (typeof iat !== "number" || !Number.isSafeInteger(iat)) throw invalid("iat", "must be Unix seconds");
  if (
    effective !== undefined &&
    (typeof effective !== "string" || parseEffectiveTime(effective, "start") === undefined)
  )
    throw invalid("effective", "must be a date or an RFC 3339 time");
  if (!isJsonObject(act)) throw invalid("act", "must be an object");
  const erasedVersion = readErasedVersion(erased, operation, rver);
  return {
    operation,
    version: rver,
    issuedAt: iat,
    effective,
    replacedBy: readSuccessors(replacedBy, operation),
    ...(erasedVersion !== undefined && { erasedVersion }),
    act,
  };
}
