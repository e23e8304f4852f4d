// Seals what is personal in a record under a data key of its own, wrapped by the node's key. Knows no SQL.

import { concatBytes, decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import { type KeyGenerations, unsealAny, unsealFormer } from "../crypto/key-generations.ts";
import { randomBytes } from "../crypto/random.ts";
import { seal, unseal } from "../crypto/seal.ts";

/** What a version keeps sealed: the salt of its log entry, the record's K, and the disclosures. */
export interface VersionSecrets {
  readonly salt: Uint8Array;
  readonly k: Uint8Array;
  readonly disclosures: readonly string[];
}

/** What a state statement keeps sealed. */
export type StateSecrets = Omit<VersionSecrets, "k">;

export interface RecordSealer {
  /** A new data key for a record, and the same wrapped for the database. */
  createDataKey(rid: string): { dataKey: Uint8Array; sealedKey: Uint8Array };
  openDataKey(options: { rid: string; sealedKey: Uint8Array }): Uint8Array;
  /** The same data key, wrapped by the current generation of the node's key; undefined where it is already. */
  rewrapDataKey(options: { rid: string; sealedKey: Uint8Array }): Uint8Array | undefined;
  sealVersion(options: { dataKey: Uint8Array; rid: string; version: number; secrets: VersionSecrets }): Uint8Array;
  openVersion(options: { dataKey: Uint8Array; rid: string; version: number; sealed: Uint8Array }): VersionSecrets;
  sealState(options: { dataKey: Uint8Array; rid: string; number: number; secrets: StateSecrets }): Uint8Array;
  openState(options: { dataKey: Uint8Array; rid: string; number: number; sealed: Uint8Array }): StateSecrets;
  /** A text that is kept of a hold on the record; `place`: which. */
  sealHold(options: { dataKey: Uint8Array; rid: string; place: string; text: string }): Uint8Array;
  openHold(options: { dataKey: Uint8Array; rid: string; place: string; sealed: Uint8Array }): string;
  /** As `sealState`, of the statement that erases: it outlives the data key, so the node's own key holds it. */
  sealErasure(options: { rid: string; number: number; secrets: StateSecrets }): Uint8Array;
  openErasure(options: { rid: string; number: number; sealed: Uint8Array }): StateSecrets;
  /** The same under the current generation of the node's key; undefined where it is already. */
  resealErasure(options: { rid: string; number: number; sealed: Uint8Array }): Uint8Array | undefined;
}

const SECRET_BYTES = 32;

/** @param nodeKey wraps every record's data key; @param entity binds what is sealed to this node. */
export function createRecordSealer(options: { entity: string; nodeKey: KeyGenerations }): RecordSealer {
  const { entity, nodeKey } = options;
  // The additional data names the place, so that nobody with the database can move one record's secrets to another.
  const aad = (rid: string, version: number, column: string) => `${entity}|${rid}|${version}|${column}`;
  const wrap = (place: string, plaintext: Uint8Array) => seal({ key: nodeKey.current, aad: place, plaintext });
  const rewrap = (place: string, sealed: Uint8Array) => {
    const plaintext = unsealFormer(nodeKey, { aad: place, sealed });
    return plaintext && wrap(place, plaintext);
  };
  return {
    createDataKey(rid) {
      const dataKey = randomBytes(SECRET_BYTES);
      return { dataKey, sealedKey: wrap(aad(rid, 0, "key"), dataKey) };
    },
    openDataKey({ rid, sealedKey }) {
      return unsealAny(nodeKey, { aad: aad(rid, 0, "key"), sealed: sealedKey });
    },
    rewrapDataKey({ rid, sealedKey }) {
      return rewrap(aad(rid, 0, "key"), sealedKey);
    },
    sealVersion({ dataKey, rid, version, secrets }) {
      const plaintext = concatBytes(secrets.salt, secrets.k, encodeUtf8(secrets.disclosures.join("~")));
      return seal({ key: dataKey, aad: aad(rid, version, "version"), plaintext });
    },
    openVersion({ dataKey, rid, version, sealed }) {
      const plaintext = unseal({ key: dataKey, aad: aad(rid, version, "version"), sealed });
      const disclosures = decodeUtf8(plaintext.subarray(2 * SECRET_BYTES));
      return {
        salt: plaintext.slice(0, SECRET_BYTES),
        k: plaintext.slice(SECRET_BYTES, 2 * SECRET_BYTES),
        disclosures: splitDisclosures(disclosures),
      };
    },
    sealState({ dataKey, rid, number, secrets }) {
      return seal({ key: dataKey, aad: aad(rid, number, "state"), plaintext: joinState(secrets) });
    },
    openState({ dataKey, rid, number, sealed }) {
      return splitState(unseal({ key: dataKey, aad: aad(rid, number, "state"), sealed }));
    },
    sealHold({ dataKey, rid, place, text }) {
      return seal({ key: dataKey, aad: aad(rid, 0, `hold|${place}`), plaintext: encodeUtf8(text) });
    },
    openHold({ dataKey, rid, place, sealed }) {
      return decodeUtf8(unseal({ key: dataKey, aad: aad(rid, 0, `hold|${place}`), sealed }));
    },
    sealErasure({ rid, number, secrets }) {
      return wrap(aad(rid, number, "erasure"), joinState(secrets));
    },
    openErasure({ rid, number, sealed }) {
      return splitState(unsealAny(nodeKey, { aad: aad(rid, number, "erasure"), sealed }));
    },
    resealErasure({ rid, number, sealed }) {
      return rewrap(aad(rid, number, "erasure"), sealed);
    },
  };
}

function joinState({ salt, disclosures }: StateSecrets): Uint8Array {
  return concatBytes(salt, encodeUtf8(disclosures.join("~")));
}

function splitState(plaintext: Uint8Array): StateSecrets {
  return {
    salt: plaintext.slice(0, SECRET_BYTES),
    disclosures: splitDisclosures(decodeUtf8(plaintext.subarray(SECRET_BYTES))),
  };
}

function splitDisclosures(text: string): readonly string[] {
  return text === "" ? [] : text.split("~");
}
