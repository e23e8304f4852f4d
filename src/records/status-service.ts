// Signs the node's status lists, each signed one with a `status` entry of the log. A list tells values, never whose they are.
import type { JsonObject } from "../crypto/json.ts";
import { decodeJws, signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { createExpiringCache } from "../expiring-cache.ts";
import { formatPublicReceipts } from "../federation/public-receipt.ts";
import {
  CLOCK_SKEW_SECONDS,
  STATUS_LIST_CHECK_SECONDS,
  STATUS_LIST_RENEW_SECONDS,
  STATUS_LIST_SECONDS,
  STATUS_LIST_SIGN_SECONDS,
  STATUS_LIST_TTL_SECONDS,
  STATUS_LISTS_REMEMBERED_MAX,
} from "../limits.ts";
import { commitment, randomTag, ZERO_SALT } from "../log/entry.ts";
import type { LogReader } from "../log/reader-service.ts";
import type { LogWriter, WriteKind } from "../log/writer-service.ts";
import type { Database } from "../storage/database.ts";
import { statusListUrl } from "./record-token.ts";
import { createStatusValues } from "./status-bytes.ts";
import { deflateStatusBytes, STATUS_TOKEN_TYPE } from "./status-list.ts";
import * as store from "./status-store.ts";

/** A signed list (`statuslist+jwt`); `logIndex`: of the entry that commits to its text. */
export interface SignedStatusList {
  readonly token: string;
  readonly logIndex: number;
}

export interface StatusService {
  /**
   * The list as every process of the node hands it out; what changed STATUS_LIST_SIGN_SECONDS + STATUS_LIST_CHECK_SECONDS ago is in
   * it. Throws `not_found`, and the errors of the log where it had to be signed anew.
   */
  getSigned(list: number): Promise<SignedStatusList>;
  /** The receipt of a signed list's entry, under the newest checkpoint. */
  formatReceipt(signed: SignedStatusList): Promise<string>;
}

/** `replaces`: log index of the signed list that is to be replaced, as it was seen. */
type SignedInput = Omit<store.StoredStatusToken, "logIndex"> & { readonly replaces: number | undefined };

const KIND: WriteKind<SignedInput> = {
  name: "status",
  // Under the log's lock: of several processes that sign a list at once, the first has signed it.
  async check(tx, inputs) {
    const stored = await store.findStatusTokens(
      tx,
      inputs.map(({ list }) => list),
    );
    const current = new Map(
      [...stored].map(([list, { logIndex }]) => [list, logIndex] as [number, number | undefined]),
    );
    return inputs.map(({ list, replaces }) => {
      if (current.get(list) !== replaces)
        return new AttestryError("log_tag_duplicate", "this status list was signed meanwhile");
      current.set(list, Number.NaN);
      return undefined;
    });
  },
  async store(tx, accepted) {
    for (const { input, logIndex } of accepted) await store.replaceStatusToken(tx, { ...input, logIndex });
  },
};

/** Whether a list is to be signed anew. Each signature is an entry of the log, so that asking more often makes no more of them. */
function isDue(
  { signed, valuesIndex }: store.StatusHead,
  { now, isRetired }: { now: number; isRetired: (kid: string) => boolean },
): boolean {
  if (signed === undefined) return true;
  const age = now - signed.signedAt;
  // A list from a time that has not come yet is nobody's before then, and what changes meanwhile must not wait for it.
  if (age >= STATUS_LIST_RENEW_SECONDS || age < -CLOCK_SKEW_SECONDS) return true;
  return (age >= STATUS_LIST_SIGN_SECONDS || age < 0) && (isChanged({ signed, valuesIndex }) || isRetired(signed.kid));
}

function isChanged({ signed, valuesIndex }: store.StatusHead): boolean {
  return signed !== undefined && valuesIndex !== null && valuesIndex > signed.valuesIndex;
}

export function createStatusService(deps: {
  entity: string;
  database: Database;
  writer: LogWriter;
  reader: LogReader;
  signer: Signer;
  /** Whether this key of the node signed status lists once, and no longer does. */
  isRetired: (kid: string) => boolean;
  /** Unix seconds. */
  clock: () => number;
  random: (length: number) => Uint8Array;
}): StatusService {
  const { entity, database, writer, reader, signer, isRetired, clock, random } = deps;
  const readValues = createStatusValues(database);
  // One load of a list at a time, which is what `readValues` asks for.
  const lists = createExpiringCache<SignedStatusList>({
    load: async (key) => ({ value: await refresh(Number(key)), expiresAt: clock() + STATUS_LIST_CHECK_SECONDS }),
    entriesMax: STATUS_LISTS_REMEMBERED_MAX,
    failureSeconds: 0,
    clock,
  });

  async function refresh(list: number): Promise<SignedStatusList> {
    const head = await store.findStatusHead(database, list);
    const now = clock();
    if (!head.signed && !(await store.hasStatusList(database, list)))
      throw new AttestryError("not_found", `this node has no status list ${list}`);
    if (head.signed && !isDue(head, { now, isRetired })) return head.signed;
    try {
      return await sign(list, { now, replaces: head.signed?.logIndex });
    } catch (error) {
      if (isAttestryError(error, "log_tag_duplicate"))
        return (await store.findStatusTokens(database.sql, [list])).get(list)!;
      // A log that cannot be written to keeps nobody from what is still true and holds.
      if (head.signed && !isChanged(head) && head.signed.signedAt + STATUS_LIST_SECONDS > now) return head.signed;
      throw error;
    }
  }

  async function sign(
    list: number,
    { now, replaces }: { now: number; replaces: number | undefined },
  ): Promise<SignedStatusList> {
    const { bytes, valuesIndex } = await readValues(list);
    const payload: JsonObject = {
      iss: entity,
      sub: statusListUrl(entity, list),
      iat: now,
      exp: now + STATUS_LIST_SECONDS,
      ttl: STATUS_LIST_TTL_SECONDS,
      status_list: { bits: 2, lst: await deflateStatusBytes(bytes) },
    };
    const token = await signJws({ signer, typ: STATUS_TOKEN_TYPE, payload });
    const kid = String(decodeJws(token).header.kid);
    const { logIndex } = await writer.append(
      KIND,
      { list, token, kid, valuesIndex, signedAt: now, replaces },
      { c: commitment("status", ZERO_SALT, token), e: "status", r: randomTag(random(32)), t: now, v: 1 },
    );
    return { token, logIndex };
  }

  return {
    getSigned: (list) => lists.get(String(list)),
    async formatReceipt({ logIndex }) {
      const [receipt] = await formatPublicReceipts(reader, [logIndex]);
      return receipt!;
    },
  };
}
