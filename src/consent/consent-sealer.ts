// Seals what a consent is about under a data key of its own, wrapped by the node's key. Knows no SQL.
import { encodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8, encodeUtf8, hmacSha256, sha256 } from "../crypto/hash.ts";
import { type KeyGenerations, unsealAny, unsealFormer } from "../crypto/key-generations.ts";
import { randomBytes } from "../crypto/random.ts";
import { seal, unseal } from "../crypto/seal.ts";
import type { Subject } from "../records/subject.ts";
import type { ConsentGiver, ConsentNotice, ConsentTerms } from "./consent.ts";
import type { StoredConsent } from "./consent-store.ts";

/** What a consumer asked. */
export interface AskedConsent {
  readonly subject: Subject;
  readonly fields: readonly string[];
  readonly case?: string;
  /** Why, in the consumer's words. */
  readonly note?: string;
  readonly notice: ConsentNotice;
  readonly noticeHash: string;
  /** Digest of the request as it was asked. */
  readonly requestHash: string;
}

/** What the person gave: the terms, and the same as the node signed them. */
export interface GivenConsent {
  readonly terms: ConsentTerms;
  readonly by: ConsentGiver;
  /** In which the notice was read. */
  readonly language: string;
  readonly jws: string;
}

export interface ConsentContent extends AskedConsent {
  readonly given?: GivenConsent;
}

/** What a row says of a consent's state: what decides whether it holds, what it is about, and which entry of the access log made it so. */
export type ConsentStanding = Pick<
  StoredConsent,
  | "id"
  | "consumer"
  | "registry"
  | "purpose"
  | "state"
  | "startsAt"
  | "expiresAt"
  | "isOneTime"
  | "used"
  | "decidedAt"
  | "logIndex"
  | "sealedKey"
  | "sealed"
>;

export interface ConsentSealer {
  create(id: string, content: ConsentContent): Pick<StoredConsent, "sealedKey" | "sealed">;
  /** MAC under the consent's own key: who has the database alone cannot make one. */
  stateMac(standing: ConsentStanding): string;
  /** Whether a row says what the node wrote last: nothing was changed in it, and no later decision about it is in the access log. */
  isIntact(stored: ConsentStanding & Pick<StoredConsent, "stateMac" | "lastDecision">): boolean;
  seal(place: Pick<StoredConsent, "id" | "sealedKey">, content: ConsentContent): Uint8Array;
  open(stored: Pick<StoredConsent, "id" | "sealedKey" | "sealed">): ConsentContent;
  /** Its key, wrapped by the current generation of the node's key; undefined where it is already. */
  rewrapKey(stored: Pick<StoredConsent, "id" | "sealedKey">): Uint8Array | undefined;
}

const KEY_BYTES = 32;

export function createConsentSealer({ entity, nodeKey }: { entity: string; nodeKey: KeyGenerations }): ConsentSealer {
  const aad = (id: string, what: string) => `${entity}|consent|${id}|${what}`;
  const openKey = ({ id, sealedKey }: Pick<StoredConsent, "id" | "sealedKey">) =>
    unsealAny(nodeKey, { aad: aad(id, "key"), sealed: sealedKey });
  const write = (key: Uint8Array, id: string, content: ConsentContent) =>
    seal({ key, aad: aad(id, "content"), plaintext: encodeUtf8(JSON.stringify(content)) });
  const stateMac: ConsentSealer["stateMac"] = (standing) => {
    const { id, consumer, registry, purpose, state, startsAt, expiresAt, isOneTime, used, decidedAt, logIndex } =
      standing;
    // What was sealed before the giving opens as well, and has no terms. A rotation of the keys leaves these bytes as they are.
    const sealed = encodeBase64url(sha256(standing.sealed));
    const said = [
      id,
      consumer,
      registry,
      purpose,
      state,
      startsAt,
      expiresAt,
      isOneTime,
      used,
      decidedAt,
      logIndex,
      sealed,
    ];
    return encodeBase64url(
      hmacSha256(openKey(standing), `attestry/consent-state/v1\n${entity}\n${JSON.stringify(said)}`),
    );
  };
  return {
    stateMac,
    // A row of before that is put back as a whole has its MAC; the access log has gone on since.
    isIntact: (stored) => stored.lastDecision === stored.logIndex && stored.stateMac === stateMac(stored),
    create(id, content) {
      const key = randomBytes(KEY_BYTES);
      return {
        sealedKey: seal({ key: nodeKey.current, aad: aad(id, "key"), plaintext: key }),
        sealed: write(key, id, content),
      };
    },
    seal: (place, content) => write(openKey(place), place.id, content),
    open: (stored) =>
      JSON.parse(
        decodeUtf8(unseal({ key: openKey(stored), aad: aad(stored.id, "content"), sealed: stored.sealed })),
      ) as ConsentContent,
    rewrapKey({ id, sealedKey }) {
      const plaintext = unsealFormer(nodeKey, { aad: aad(id, "key"), sealed: sealedKey });
      return plaintext && seal({ key: nodeKey.current, aad: aad(id, "key"), plaintext });
    },
  };
}
