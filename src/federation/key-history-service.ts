// Brings what happened to the node's keys into its log, and tells it to others. Changes no key: that is the command's, on the key file.
import { sha256Base64url } from "../crypto/hash.ts";
import { isJsonObject, type JsonObject, parseJson } from "../crypto/json.ts";
import { signJws } from "../crypto/jws.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { KEY_EVENTS_MAX } from "../limits.ts";
import { commitment, randomTag, ZERO_SALT } from "../log/entry.ts";
import type { LogReader } from "../log/reader-service.ts";
import type { LogWriter, WriteKind } from "../log/writer-service.ts";
import type { Secrets } from "../secrets.ts";
import type { Database } from "../storage/database.ts";
import { describeHistoricalKeys, listKeyEvents } from "./key-event.ts";
import * as store from "./key-event-store.ts";
import { formatPublicReceipts } from "./public-receipt.ts";

/** OpenID Federation 1.0 §8.7.2. */
export const HISTORICAL_KEYS_TYPE = "jwk-set+jwt";

/** An event with the entry that commits to it. */
export interface LoggedKeyEvent {
  readonly event: JsonObject;
  /** The text that the log commits to. */
  readonly text: string;
  readonly logIndex: number;
  readonly receipt: string;
}

export interface KeyHistoryService {
  /**
   * Appends a `key` entry for every event of the key file that the log lacks: after a rotation, or at the next start where the process
   * ended in the middle of one. Gives how many it appended.
   */
  recordEvents(): Promise<number>;
  /** The newest KEY_EVENTS_MAX, in the log's order. */
  listEvents(): Promise<LoggedKeyEvent[]>;
  /** The signed set of federation keys that sign no more. */
  getHistoricalKeys(): Promise<string>;
}

interface EventInput {
  readonly digest: string;
  readonly text: string;
  readonly recordedAt: number;
}

const KIND: WriteKind<EventInput> = {
  name: "key event",
  // Under the log's lock: two processes that start at once find the same events missing.
  async check(tx, inputs) {
    const known = await store.findKeyEvents(
      tx,
      inputs.map(({ digest }) => digest),
    );
    return inputs.map(({ digest }) =>
      known.has(digest) ? new AttestryError("log_tag_duplicate", "the log has this event of a key") : undefined,
    );
  },
  async store(tx, accepted) {
    for (const { input, logIndex } of accepted) await store.insertKeyEvent(tx, { ...input, logIndex });
  },
};

export function createKeyHistoryService(deps: {
  database: Database;
  writer: LogWriter;
  reader: LogReader;
  secrets: Secrets;
  entity: string;
  /** Unix seconds. */
  clock: () => number;
  random: (length: number) => Uint8Array;
}): KeyHistoryService {
  const { database, writer, reader, secrets, entity, clock, random } = deps;

  return {
    async recordEvents() {
      const events = listKeyEvents(secrets.rings).map((text) => ({ text, digest: sha256Base64url(text) }));
      if (events.length === 0) return 0;
      const known = await store.findKeyEvents(
        database.sql,
        events.map(({ digest }) => digest),
      );
      let count = 0;
      for (const event of events) {
        if (known.has(event.digest)) continue;
        const t = clock();
        const entry = {
          c: commitment("key", ZERO_SALT, event.text),
          e: "key",
          r: randomTag(random(32)),
          t,
          v: 1,
        } as const;
        try {
          await writer.append(KIND, { ...event, recordedAt: t }, entry);
          count++;
        } catch (error) {
          // Another process of this node was first.
          if (!isAttestryError(error, "log_tag_duplicate")) throw error;
        }
      }
      return count;
    },

    async listEvents() {
      const rows = await store.listKeyEvents(database, KEY_EVENTS_MAX);
      const receipts = await formatPublicReceipts(
        reader,
        rows.map(({ logIndex }) => logIndex),
      );
      return rows.map(({ text, logIndex }, i) => {
        const event = parseJson(text);
        if (!isJsonObject(event)) throw new Error("a stored key event is no object");
        return { event, text, logIndex, receipt: receipts[i]! };
      });
    },

    getHistoricalKeys() {
      const now = clock();
      const payload = { iss: entity, iat: now, keys: describeHistoricalKeys(secrets.rings.federation, now) };
      return signJws({ signer: secrets.signers.federation, typ: HISTORICAL_KEYS_TYPE, payload });
    },
  };
}
