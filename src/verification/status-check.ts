// The `status` check: is this version still good, by a fresh list that the issuer signed. Fetches no list.

import { createBoundedCache } from "../bounded-cache.ts";
import { AttestryError } from "../errors.ts";
import { CLOCK_SKEW_SECONDS, JWS_CHARS_MAX, VERIFIER_STATUS_LISTS_MAX } from "../limits.ts";
import {
  findStatus,
  STATUS_INVALID,
  STATUS_SUPERSEDED,
  STATUS_SUSPENDED,
  type StatusList,
  verifyStatusListToken,
} from "../records/status-list.ts";
import { type CheckpointReader, findPublicIndex } from "./inclusion-check.ts";
import type { IssuerTrust } from "./issuer-trust.ts";
import { type CheckOutcome, failed, notChecked, passed, type VerificationCode } from "./report.ts";
import type { RecordClaims } from "./token-claims.ts";

export interface StatusQuestion {
  /** Untrusted `statuslist+jwt`. */
  readonly token: string | undefined;
  readonly claims: RecordClaims;
  readonly trust: IssuerTrust;
  /** Unix seconds. */
  readonly now: number;
  readonly maxAgeSeconds: number;
  readonly isSupersededAllowed: boolean;
  /** Untrusted tlog-proof of the list's `status` entry. */
  readonly receipt: string | undefined;
  readonly isReceiptRequired: boolean;
}

/** `freshList`: the issuer's list for this record, recent enough, whatever it says of the version. */
export interface StatusAnswer {
  readonly outcome: CheckOutcome;
  readonly freshList?: StatusList;
}

type ListOutcome = { readonly list: StatusList } | { readonly code: VerificationCode; readonly detail: string };

async function readList(token: string, trust: IssuerTrust): Promise<ListOutcome> {
  try {
    return { list: await verifyStatusListToken(token, trust.statusKeys) };
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    const isUnsigned = error.code === "signature_invalid" || error.code === "key_unknown";
    return { code: isUnsigned ? "status_signature_invalid" : "status_list_invalid", detail: error.message };
  }
}

function createListMemory(): (token: string, trust: IssuerTrust) => Promise<ListOutcome> {
  const cache = createBoundedCache<{ trust: IssuerTrust; outcome: Promise<ListOutcome> }>(
    VERIFIER_STATUS_LISTS_MAX,
    JWS_CHARS_MAX,
  );
  return (token, trust) => {
    const remembered = cache.get(token);
    if (remembered?.trust === trust) return remembered.outcome;
    const outcome = readList(token, trust);
    cache.set(token, { trust, outcome });
    return outcome;
  };
}

function createLoggedMemory(
  checkpoints: CheckpointReader,
): (token: string, receipt: string, trust: IssuerTrust) => boolean {
  const cache = createBoundedCache<{ trust: IssuerTrust; token: string }>(VERIFIER_STATUS_LISTS_MAX, JWS_CHARS_MAX);
  return (token, receipt, trust) => {
    const remembered = cache.get(receipt);
    if (remembered?.trust === trust && remembered.token === token) return true;
    const isProved = findPublicIndex(receipt, { operation: "status", object: token }, trust, checkpoints) !== undefined;
    if (isProved) cache.set(receipt, { trust, token });
    return isProved;
  };
}

function findTimeFault(list: StatusList, now: number, maxAgeSeconds: number): CheckOutcome | undefined {
  const age = now - list.issuedAt;
  if (age < -CLOCK_SKEW_SECONDS) return failed("status", "status_issued_in_future");
  // TSL §8.3 uses `ttl` for when to fetch again, counted from the fetch; a file has no fetch, so `exp` and the policy decide.
  if (list.expiresAt !== undefined && list.expiresAt <= now)
    return notChecked("status", "status_stale", "the list expired");
  if (age > maxAgeSeconds) {
    return notChecked("status", "status_stale", `signed ${age} seconds ago; ${maxAgeSeconds} are allowed`);
  }
  return undefined;
}

function judge(value: number, isSupersededAllowed: boolean): CheckOutcome {
  if (value === STATUS_INVALID) return failed("status", "status_revoked");
  if (value === STATUS_SUSPENDED) return failed("status", "status_suspended");
  if (value !== STATUS_SUPERSEDED) return passed("status");
  return isSupersededAllowed ? passed("status", "status_superseded_allowed") : failed("status", "status_superseded");
}

/** Creates the check with its memory of verified lists. */
export function createStatusCheck(checkpoints: CheckpointReader): (question: StatusQuestion) => Promise<StatusAnswer> {
  const readRemembered = createListMemory();
  const isLogged = createLoggedMemory(checkpoints);
  return async ({ token, claims, trust, now, maxAgeSeconds, isSupersededAllowed, receipt, isReceiptRequired }) => {
    const reference = claims.status;
    if (reference === undefined) return { outcome: notChecked("status", "status_not_named") };
    if (token === undefined) return { outcome: notChecked("status", "status_missing") };
    // Someone else's list could be kept clean for a record that its issuer has revoked.
    if (!reference.uri.startsWith(`${claims.issuer}/status/`)) {
      return { outcome: failed("status", "status_list_foreign") };
    }
    const read = await readRemembered(token, trust);
    if (!("list" in read)) return { outcome: failed("status", read.code, read.detail) };
    // TSL §8.3: sub must equal the uri of the referenced token.
    if (read.list.uri !== reference.uri) return { outcome: failed("status", "status_list_mismatch") };
    const fault = findTimeFault(read.list, now, maxAgeSeconds);
    if (fault) return { outcome: fault };
    const value = findStatus(read.list.bytes, reference.index);
    if (value === undefined) return { outcome: failed("status", "status_index_out_of_range"), freshList: read.list };
    const outcome = judge(value, isSupersededAllowed);
    // A list outside the log could be one that was made for this verifier alone.
    if (outcome.result === "pass" && receipt !== undefined && !isLogged(token, receipt, trust))
      return { outcome: failed("status", "status_unproved") };
    if (outcome.result === "pass" && receipt === undefined && isReceiptRequired)
      return { outcome: notChecked("status", "status_receipt_missing") };
    return { outcome, freshList: read.list };
  };
}
