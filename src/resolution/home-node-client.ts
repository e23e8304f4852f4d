// Asks a home node for records of its own. What comes back is untrusted: its form is checked here, its truth in verification/.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { AttestryError } from "../errors.ts";
import type { HttpClient } from "../federation/http-client.ts";
import type { SignedRequestClient } from "../federation/signed-request-client.ts";
import type { VerifiedChain } from "../federation/trust-chain.ts";
import { CONSENT_FIELDS_MAX } from "../limits.ts";
import type { ReadAccess } from "../records/record-disclosure.ts";
import type { Reference } from "../records/record-url.ts";
import type { Presentation } from "../verification/presentation.ts";
import type { StateEvidence } from "../verification/state-statement.ts";

export interface ReadRecord {
  /** "found", or the home node's reason. */
  readonly outcome: string;
  readonly token?: string;
  readonly receipt?: string;
  /** Of a personal record that is given: to whom and for what. */
  readonly presentation?: Presentation;
  /** Why a personal record is not given, and for which fields consent may be asked. */
  readonly message?: string;
  readonly fields?: readonly string[];
  /** Of a record that is not in force: the state statement that says so, with its receipt. */
  readonly state?: StateEvidence;
}

export interface ReadBatch {
  /** In the order of the references. */
  readonly records: readonly ReadRecord[];
  readonly statusLists: Readonly<Record<string, Json>>;
  readonly definitions: Readonly<Record<string, Json>>;
}

/** One batch from one home node, over HTTP or, for the node's own records, without it. */
export type ReadHome = (options: {
  endpoint: string;
  references: readonly Reference[];
  timeoutMs: number;
  /** The home node's chain, where it is asked by a member of the federation and not by a stranger. */
  member?: VerifiedChain | undefined;
  /** For what personal records are read; only members state it. */
  access?: ReadAccess | undefined;
}) => Promise<ReadBatch>;

const REFUSAL_CHARS_MAX = 1_000;
const OUTCOME = /^[a-z_]{1,60}$/;

/** Throws `peer_response_invalid` if an answer to `records:read` has not its form, or answers other references than asked. */
export function parseReadBatch(answer: Json, references: readonly Reference[]): ReadBatch {
  const fail = (reason: string) =>
    new AttestryError("peer_response_invalid", `the home node's answer to records:read: ${reason}`);
  if (!isJsonObject(answer) || !Array.isArray(answer.records)) throw fail("it has no records");
  if (answer.records.length !== references.length)
    throw fail(`${answer.records.length} records for ${references.length} references`);
  const { statusLists, definitions } = answer;
  if (!isJsonObject(statusLists) || !isJsonObject(definitions)) throw fail("it has no status lists or definitions");
  const records = answer.records.map((record, at): ReadRecord => {
    if (!isJsonObject(record) || record.href !== references[at]!.href)
      throw fail("a record stands for another reference than the one asked");
    const { outcome, token, receipt } = record;
    if (typeof outcome !== "string" || !OUTCOME.test(outcome)) throw fail("a record has no outcome");
    if (outcome !== "found") {
      const state = readState(record.state);
      return { outcome, ...(state && { state }), ...readRefusal(record) };
    }
    if (typeof token !== "string" || typeof receipt !== "string") throw fail("a found record has no token or receipt");
    const presentation = readPresentation(record.presentation);
    return { outcome, token, receipt, ...(presentation && { presentation }) };
  });
  return { records, statusLists, definitions };
}

/** What a home node says of a refusal, as far as it is fit to be shown. */
function readRefusal({ message, fields }: JsonObject): Pick<ReadRecord, "message" | "fields"> {
  const isNames =
    Array.isArray(fields) &&
    fields.length <= CONSENT_FIELDS_MAX &&
    fields.every((one) => typeof one === "string" && one.length <= 500);
  return {
    ...(typeof message === "string" && { message: message.slice(0, REFUSAL_CHARS_MAX) }),
    ...(isNames && { fields: fields as string[] }),
  };
}

function readPresentation(value: Json | undefined): Presentation | undefined {
  if (!isJsonObject(value)) return undefined;
  const { token, receipt } = value;
  return typeof token === "string" && typeof receipt === "string" ? { token, receipt } : undefined;
}

function readState(value: Json | undefined): StateEvidence | undefined {
  if (!isJsonObject(value)) return undefined;
  const { statement, receipt, number } = value;
  const isForm = typeof statement === "string" && typeof receipt === "string" && Number.isSafeInteger(number);
  return isForm && (number as number) > 0 ? { statement, receipt, number: number as number } : undefined;
}

/** Without `signed` it asks as a stranger. */
export function createHomeNodeClient(http: HttpClient, signed?: SignedRequestClient): ReadHome {
  return async ({ endpoint, references, timeoutMs, member, access }) => {
    const body: JsonObject = {
      ...(member && access && { access: JSON.parse(JSON.stringify(access)) as JsonObject }),
      references: references.map(({ href, version }) => ({ href, ...(version !== undefined && { version }) })),
    };
    const answer =
      signed && member
        ? await signed.postJson(member, endpoint, body, { timeoutMs, isConfidential: access !== undefined })
        : await http.postJson(endpoint, body, { timeoutMs, isRepeatable: true });
    return parseReadBatch(answer, references);
  };
}
