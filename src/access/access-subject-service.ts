// The people whom events are about: their rows, made when something is first said of them, and the keys that all of it is sealed and tagged with.
import { randomUUID } from "node:crypto";
import { createBoundedCache } from "../bounded-cache.ts";
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8, encodeUtf8 } from "../crypto/hash.ts";
import {
  everyDigest,
  type KeyedDigest,
  type KeyGenerations,
  unsealAny,
  unsealFormer,
} from "../crypto/key-generations.ts";
import { seal, unseal } from "../crypto/seal.ts";
import { AttestryError } from "../errors.ts";
import { ACCESS_SUBJECTS_REMEMBERED_MAX } from "../limits.ts";
import { type Subject, subjectDigest } from "../records/subject.ts";
import type { Database } from "../storage/database.ts";
import { findSubjects, insertSubjects, type StoredSubject } from "./access-store.ts";

/** A person whose row is there, with the keys in it. */
export interface KnownSubject extends Subject {
  readonly id: string;
  /** Seals what is kept of the person. */
  readonly dataKey: Uint8Array;
  /** Of the chain that the person sees, and of the one that a law delays. */
  readonly tagKey: Uint8Array;
  readonly delayedTagKey: Uint8Array;
}

export interface AccessSubjects {
  /** The people, in order; who was never spoken of gets a row. */
  ensure(subjects: readonly Subject[]): Promise<KnownSubject[]>;
  /** The person, if something was ever said of one. */
  find(subject: Subject): Promise<KnownSubject | undefined>;
  /** The row's key and hash under the current generation of the node's keys; undefined where they are already. */
  renew(stored: StoredSubject): Pick<StoredSubject, "id" | "digest" | "sealedKey"> | undefined;
  /** Opens a stored row. */
  open(stored: Pick<StoredSubject, "id" | "sealedKey" | "sealed">): KnownSubject;
}

const KEY_BYTES = 32;

/** `nodeKey` wraps each person's data key; `random` gives bytes. */
export function createAccessSubjects(deps: {
  database: Database;
  entity: string;
  nodeKey: KeyGenerations;
  searchKey: KeyGenerations;
  random: (length: number) => Uint8Array;
  /** Stores new rows, where this process's keys are those that the database goes by. */
  insert?: (subjects: readonly StoredSubject[]) => Promise<void>;
}): AccessSubjects {
  const { database, entity, nodeKey, searchKey, random } = deps;
  const insert = deps.insert ?? ((subjects) => insertSubjects(database.sql, subjects));
  const known = createBoundedCache<KnownSubject>(ACCESS_SUBJECTS_REMEMBERED_MAX);
  const aad = (id: string, what: string) => `${entity}|subject|${id}|${what}`;

  function create(subject: Subject, digest: string): StoredSubject {
    const id = randomUUID();
    const dataKey = random(KEY_BYTES);
    const content = {
      ...subject,
      tag: encodeBase64url(random(KEY_BYTES)),
      delayed_tag: encodeBase64url(random(KEY_BYTES)),
    };
    return {
      id,
      digest,
      sealedKey: seal({ key: nodeKey.current, aad: aad(id, "key"), plaintext: dataKey }),
      sealed: seal({ key: dataKey, aad: aad(id, "content"), plaintext: encodeUtf8(JSON.stringify(content)) }),
    };
  }

  const open: AccessSubjects["open"] = ({ id, sealedKey, sealed }) => {
    const dataKey = unsealAny(nodeKey, { aad: aad(id, "key"), sealed: sealedKey });
    const content = JSON.parse(decodeUtf8(unseal({ key: dataKey, aad: aad(id, "content"), sealed })));
    return {
      id,
      claim: content.claim,
      value: content.value,
      dataKey,
      tagKey: decodeBase64url(content.tag),
      delayedTagKey: decodeBase64url(content.delayed_tag),
    };
  };

  /** Reads rows under either generation; each is remembered under the current one. */
  async function load(digests: readonly KeyedDigest[]): Promise<void> {
    if (digests.length === 0) return;
    const named = new Map(digests.flatMap((one) => everyDigest(one).map((text) => [text, one.digest])));
    for (const stored of await findSubjects(database, [...named.keys()])) {
      const digest = named.get(stored.digest)!;
      known.set(digest, openAs(stored, digest));
    }
  }

  /** What is sealed in a row says whose it is: somebody with the database alone can give a row to another, and is found out here. */
  function openAs(stored: StoredSubject, digest: string): KnownSubject {
    const subject = open(stored);
    if (subjectDigest(searchKey, subject).digest === digest) return subject;
    throw new AttestryError("seal_broken", "a row of the access log's people is another person's than it says");
  }

  // More people in one operation than are remembered.
  async function get(digest: KeyedDigest): Promise<KnownSubject | undefined> {
    const found = known.get(digest.digest);
    if (found) return found;
    const [stored] = await findSubjects(database, everyDigest(digest));
    return stored && openAs(stored, digest.digest);
  }

  return {
    open,

    async ensure(subjects) {
      const digests = subjects.map((subject) => subjectDigest(searchKey, subject));
      const isMissing = ({ digest }: KeyedDigest) => known.get(digest) === undefined;
      const unique = new Map(digests.map((one) => [one.digest, one]));
      await load([...unique.values()].filter(isMissing));
      const rows = new Map<string, StoredSubject>();
      digests.forEach((one, at) => {
        if (isMissing(one) && !rows.has(one.digest)) rows.set(one.digest, create(subjects[at]!, one.digest));
      });
      if (rows.size > 0) {
        // Another process may have been first: its row is the one that counts.
        await insert([...rows.values()]);
        await load([...rows.keys()].map((digest) => ({ digest })));
      }
      return Promise.all(
        digests.map(async (one) => {
          const subject = await get(one);
          if (!subject) throw new Error("the row of a person is gone that was just made");
          return subject;
        }),
      );
    },

    async find(subject) {
      const digest = subjectDigest(searchKey, subject);
      if (known.get(digest.digest) === undefined) await load([digest]);
      return known.get(digest.digest);
    },

    renew(stored) {
      const { id, sealedKey } = stored;
      const plaintext = unsealFormer(nodeKey, { aad: aad(id, "key"), sealed: sealedKey });
      if (plaintext === undefined) return undefined;
      const { digest } = subjectDigest(searchKey, open(stored));
      return { id, digest, sealedKey: seal({ key: nodeKey.current, aad: aad(id, "key"), plaintext }) };
    },
  };
}
