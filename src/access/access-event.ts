// A reading of personal data as it is signed and logged (DESIGN section 10): who, when, which fields, for which purpose, on which basis. Pure.
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256, sha256Base64url } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { decodeJws, signJws } from "../crypto/jws.ts";
import type { Signer } from "../crypto/signer.ts";
import type { LogOperation } from "../log/entry.ts";

export const ACCESS_EVENT_TYPE = "attestry-access+jwt";

/** What the access log has entries of. */
export type AccessOperation = Extract<LogOperation, "read" | "consent" | "received">;

/** Who read or decided: another node, a member of staff under a pseudonym, the person, or who holds something that the person shared. */
export type AccessActor =
  | { readonly entity: string }
  | { readonly staff: string; readonly role: string }
  | { readonly citizen: "subject" | "guardian" }
  | { readonly share: string };

/** The right by which: a consent, or what the person shared, and the digest of its terms, a law as the definition cites it, or the office that keeps the registry. */
export type AccessBasis =
  | { readonly consent: string; readonly terms: string }
  | { readonly share: string; readonly terms: string }
  | { readonly law: string }
  | { readonly office: true }
  | { readonly own: true };

export interface ReadRecordName {
  readonly registry: string;
  readonly rid: string;
  readonly version?: number;
}

/** What an event says, but for its place in the person's chain. */
export interface AccessContent {
  /** What was done, in one word: read, search, export, answer, give, withdraw … */
  readonly action: string;
  readonly by: AccessActor;
  readonly records: readonly ReadRecordName[];
  /** Names of fields, nested ones with dots; never values. */
  readonly fields: readonly string[];
  readonly purpose?: string;
  readonly basis?: AccessBasis;
  /** Of an answer: what was asked of the fields, never what was compared. */
  readonly question?: { readonly registry: string; readonly kind: string; readonly years?: number };
  /** The reader's own number of the matter. */
  readonly case?: string;
  /** Digest of the request that asked for it. */
  readonly request?: string;
  /** Of a consent: its id and what it is from then on. */
  readonly consent?: { readonly id: string; readonly state: string; readonly terms?: string };
  /** Of what a person shares: with whom, in the person's words, and what it is from then on. */
  readonly share?: { readonly id: string; readonly with: string; readonly state: string; readonly terms: string };
  /** Of a receipt by a consumer: whose event, by what its entry commits to. */
  readonly received?: { readonly from: string; readonly commitment: string; readonly index: number };
}

/** The place in a person's chain: number from 1, and the digest of the event before. */
export interface ChainPlace {
  readonly subject: string;
  readonly number: number;
  readonly previous: string | undefined;
  readonly isDelayed: boolean;
}

/** An event as it is read again. */
export interface AccessEvent extends AccessContent {
  readonly at: number;
  readonly number: number;
  readonly previous: string | undefined;
  readonly isDelayed: boolean;
}

/** Signs an event by the record key; `at` in Unix seconds. */
export function signAccessEvent(options: {
  issuer: string;
  signer: Signer;
  place: ChainPlace;
  content: AccessContent;
  at: number;
}): Promise<string> {
  const { issuer, signer, place, content, at } = options;
  const payload = {
    iss: issuer,
    iat: at,
    sub: place.subject,
    n: place.number,
    ...(place.previous !== undefined && { prev: place.previous }),
    ...(place.isDelayed && { delayed: true }),
    ...content,
  };
  return signJws({ signer, typ: ACCESS_EVENT_TYPE, payload: payload as unknown as JsonObject });
}

/** Reads an event of this node's own; proves nothing. */
export function readAccessEvent(jws: string): AccessEvent {
  const { iat, n, prev, delayed, iss: _iss, sub: _sub, ...content } = decodeJws(jws).payload;
  return {
    ...(content as unknown as AccessContent),
    at: iat as number,
    number: n as number,
    previous: prev as string | undefined,
    isDelayed: delayed === true,
  };
}

/** What the next event of the chain names as the one before it. */
export function accessEventDigest(jws: string): string {
  return sha256Base64url(jws);
}

/** Tag of the event of that number (from 1): whoever holds the key, which only the person gets, can tell whether one is missing. */
export function accessTag(tagKey: Uint8Array, number: number): string {
  return encodeBase64url(hmacSha256(tagKey, `attestry/tag/v1\naccess\n${number}`));
}

/** By what a reading of another node is known again: who asked, under which number of their own, about whom. */
export function readingKey(options: { consumer: string; requestId: string; subject: string }): string {
  const { consumer, requestId, subject } = options;
  return sha256Base64url(`attestry/reading/v1\n${consumer}\n${requestId}\n${subject}`);
}
