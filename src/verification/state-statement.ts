// A home node's signed word that a record is suspended, ended, replaced, revoked or erased: form and signature. No I/O, no clock.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { parseEffectiveTime } from "../records/effective-time.ts";
import { STATE_OPERATIONS, type StateOperation } from "../records/record-states.ts";
import { parseRecordUrl } from "../records/record-url.ts";

export const STATE_STATEMENT_TYPE = "attestry-state+jwt";

export interface StateStatement {
  readonly operation: StateOperation;
  /** The version that was current then. */
  readonly version: number;
  /** Unix seconds, by the issuer's own word. */
  readonly issuedAt: number;
  /** Since when it holds, as it was written: a date or a time. Undefined: from the beginning, or since `issuedAt`. */
  readonly effective: string | undefined;
  /** URLs of the successors, on whichever node; none unless the operation is `replace`. */
  readonly replacedBy: readonly string[];
  /** The open parts of the act. */
  readonly act: JsonObject;
}

function invalid(claim: string, rule: string): AttestryError {
  return new AttestryError("token_invalid", `state statement: ${claim} ${rule}`);
}

function readSuccessors(value: Json | undefined, operation: StateOperation): readonly string[] {
  if (operation !== "replace") {
    if (value !== undefined) throw invalid("replaced_by", "belongs to a replacement only");
    return [];
  }
  const isUrl = (one: Json): one is string => typeof one === "string" && parseRecordUrl(one) !== undefined;
  if (!Array.isArray(value) || value.length === 0 || !value.every(isUrl))
    throw invalid("replaced_by", "must be the URLs of records, at least one");
  return value;
}

/**
 * Verifies a statement (untrusted) as one about the record at `href`, by the record keys of its home node's proven chain.
 * Throws `token_invalid` naming the claim, and what `verifyJws` throws.
 */
export async function verifyStateStatement(
  statement: string,
  { keys, href }: { keys: readonly PublicKey[]; href: string },
): Promise<StateStatement> {
  const { payload } = await verifyJws(statement, { typ: STATE_STATEMENT_TYPE, keys });
  const { iss, rid, rver, op, iat, effective, replaced_by: replacedBy, act } = payload;
  const address = parseRecordUrl(href);
  // Or the end of one record would pass for the end of another.
  if (address === undefined || iss !== address.entity) throw invalid("iss", "is not the home node of the record");
  if (rid !== address.rid) throw invalid("rid", "is another record's");
  const operation = STATE_OPERATIONS.find((one) => one === op);
  if (operation === undefined) throw invalid("op", `must be one of ${STATE_OPERATIONS.join(", ")}`);
  if (typeof rver !== "number" || !Number.isSafeInteger(rver) || rver < 1)
    throw invalid("rver", "must be a number from 1");
  if (typeof iat !== "number" || !Number.isSafeInteger(iat)) throw invalid("iat", "must be Unix seconds");
  if (
    effective !== undefined &&
    (typeof effective !== "string" || parseEffectiveTime(effective, "start") === undefined)
  )
    throw invalid("effective", "must be a date or an RFC 3339 time");
  if (!isJsonObject(act)) throw invalid("act", "must be an object");
  return { operation, version: rver, issuedAt: iat, effective, replacedBy: readSuccessors(replacedBy, operation), act };
}
