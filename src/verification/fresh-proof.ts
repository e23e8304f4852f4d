// What fresh proofs of a record's home node can mend in a report, and how they are joined with what was given. Pure; fetches nothing.
import { isJsonObject } from "../crypto/json.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import type { CheckName } from "./policy.ts";
import type { VerificationCode, VerificationReport } from "./report.ts";
import { parseToken } from "./token-check.ts";

/** Whatever else failed is a fault of the record or of its signature. */
const MENDABLE: ReadonlySet<VerificationCode> = new Set([
  "prerequisite_failed",
  "receipt_missing",
  "record_key_missing",
  "status_missing",
  "status_receipt_missing",
  "status_stale",
  "chain_missing",
  "chain_expired",
  "definition_missing",
] as const);

/** The required checks that wait for fresh proofs; none where something stands against the record that these would not mend. */
export function findMendable({ checks, required }: VerificationReport): readonly CheckName[] {
  const open = checks.filter(({ check, result }) => result !== "pass" && required.includes(check));
  if (!open.every(({ code }) => MENDABLE.has(code))) return [];
  // A check that only waits for another one gives no cause to ask.
  return open.some(({ code }) => code !== "prerequisite_failed") ? open.map(({ check }) => check) : [];
}

/** The record that a token names (untrusted), whose home node has the proofs. */
export function findHomeOf(evidence: unknown): { readonly href: string; readonly version: number } | undefined {
  const token = isJsonObject(evidence) ? evidence.token : undefined;
  const parsed = typeof token === "string" ? parseToken(token) : undefined;
  if (!parsed || !("record" in parsed)) return undefined;
  const { href, version } = parsed.record;
  // Nobody has proved yet that what the token calls its issuer is an address.
  return parseRecordUrl(href) !== undefined && URL.canParse(href) ? { href, version } : undefined;
}

/** Only the proofs are the home node's: what is judged stays the token that was given. Undefined where nothing usable came. */
export function joinFreshProof(given: unknown, fresh: unknown): unknown {
  if (!isJsonObject(given) || !isJsonObject(fresh)) return undefined;
  // To whom it was given stays as it was given, too.
  const { presentation: _, ...proofs } = fresh;
  return {
    ...proofs,
    token: given.token,
    ...(given.presentation !== undefined && { presentation: given.presentation }),
  };
}
