// The keys that one role has had, has and will have: what each is at a time, and which of them signs. Holds no file and reads no clock.
import { AttestryError } from "../errors.ts";
import { KEY_OVERLAP_SECONDS, KEY_RING_KEYS_MAX, KEY_SET_KEYS_MAX } from "../limits.ts";
import { decodeBase64url, encodeBase64url } from "./base64.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { type PublicKey, parsePublicKey } from "./keys.ts";
import { createSigner, generateSeed, type Signer } from "./signer.ts";

/** next: published, signs nothing yet. retired: signs nothing any more. compromised: somebody else may hold it. */
export type KeyState = "next" | "current" | "retired" | "compromised";

/** That a key was reported. Times in Unix seconds. */
export interface KeyReport {
  /** Since when somebody else may have signed with it. */
  readonly since: number;
  readonly reportedAt: number;
  /** Of a key whose signatures stand in a log: its first entries, so many, were there before `since`; nothing later counts. */
  readonly logSize?: number;
}

/** A key of a ring; times in Unix seconds. A key that will sign nothing any more has no signer: its private half was destroyed. */
export interface RingKey {
  readonly publicKey: PublicKey;
  readonly signer: Signer | undefined;
  readonly seed: string | undefined;
  /** 0: of the node's beginning. */
  readonly createdAt: number;
  /** Undefined: not before others are known to have learnt of it. */
  readonly signsFrom: number | undefined;
  readonly report: KeyReport | undefined;
}

/** Keys of one role in the order in which they were made. */
export type KeyRing = readonly RingKey[];

function refuse(reason: string): never {
  throw new AttestryError("config_invalid", `the key file: ${reason}`);
}

function isTime(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseReport(value: Json | undefined): KeyReport | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value) || !isTime(value.since) || !isTime(value.reported)) return refuse("a report has no times");
  const { since, reported, log_size: logSize } = value;
  if (logSize !== undefined && !isTime(logSize)) return refuse("the log_size of a report is not a number");
  return { since, reportedAt: reported, ...(logSize !== undefined && { logSize }) };
}

function parseRingKey(value: Json): RingKey {
  if (!isJsonObject(value) || !isTime(value.created)) return refuse("a key is not as this version writes it");
  const { seed, x, created, signs_from: signsFrom } = value;
  if (seed !== undefined && typeof seed !== "string") return refuse("a seed is not a text");
  if (signsFrom !== undefined && !isTime(signsFrom)) return refuse("signs_from is not a time");
  const signer = seed === undefined ? undefined : createSigner(decodeBase64url(seed));
  const publicKey = signer?.publicKey ?? parsePublicKey({ kty: "OKP", crv: "Ed25519", x });
  return { publicKey, signer, seed, createdAt: created, signsFrom, report: parseReport(value.report) };
}

/** Reads the keys of one role out of unlocked secrets. Throws `config_invalid`, `key_invalid`. */
export function parseKeyRing(value: Json | undefined): KeyRing {
  if (!Array.isArray(value) || value.length === 0) return refuse("a role has no key");
  return value.map(parseRingKey);
}

/** The ring of a node's beginning: one key that always signed. */
export function firstKeyRing(seed: string): KeyRing {
  return parseKeyRing([{ seed, created: 0, signs_from: 0 }]);
}

/** As the key file holds it. */
export function formatKeyRing(ring: KeyRing): Json {
  return ring.map(({ publicKey, seed, createdAt, signsFrom, report }): JsonObject => {
    const half: JsonObject = seed === undefined ? { x: encodeBase64url(publicKey.raw) } : { seed };
    return {
      ...half,
      created: createdAt,
      ...(signsFrom !== undefined && { signs_from: signsFrom }),
      ...(report && {
        report: {
          since: report.since,
          reported: report.reportedAt,
          ...(report.logSize !== undefined && { log_size: report.logSize }),
        },
      }),
    };
  });
}

/** The key that signs at `now`: of those not reported, the one that began last. Throws `config_invalid` where none may sign. */
export function currentKey(ring: KeyRing, now: number): RingKey & { readonly signer: Signer } {
  let found: RingKey | undefined;
  for (const key of ring) {
    if (key.report || key.signsFrom === undefined || key.signsFrom > now) continue;
    if (found?.signsFrom === undefined || key.signsFrom >= found.signsFrom) found = key;
  }
  if (found?.signer === undefined) return refuse("a role has no key that may sign at this time; is the clock right?");
  return { ...found, signer: found.signer };
}

/** When a key gave way to the one after it; undefined while it has not. */
export function retiredAt(ring: KeyRing, key: RingKey): number | undefined {
  if (key.signsFrom === undefined) return undefined;
  // One that was reported before its time never signed, and took nobody's place.
  const took = ({ signsFrom, report }: RingKey) =>
    signsFrom !== undefined && !(report && report.reportedAt < signsFrom);
  const later = ring.slice(ring.indexOf(key) + 1).flatMap((one) => (took(one) ? one.signsFrom! : []));
  return later.length === 0 ? undefined : Math.min(...later);
}

export function keyState(ring: KeyRing, key: RingKey, now: number): KeyState {
  if (key.report) return "compromised";
  if (key.signsFrom === undefined || key.signsFrom > now) return "next";
  return (retiredAt(ring, key) ?? Number.POSITIVE_INFINITY) <= now ? "retired" : "current";
}

/**
 * The keys that others are told of: the next, the current, and retired ones: all of them where what they signed is never signed again
 * (`keepsRetired`), else for as long as somebody may still hold what they signed. Never one that was reported. The current one first.
 */
export function publishedKeys(ring: KeyRing, options: { now: number; keepsRetired: boolean }): PublicKey[] {
  const { now, keepsRetired } = options;
  const current = currentKey(ring, now).publicKey;
  const others = ring.filter((key) => {
    const state = keyState(ring, key, now);
    const isKept = keepsRetired || now < (retiredAt(ring, key) ?? 0) + KEY_OVERLAP_SECONDS;
    return key.publicKey !== current && (state === "next" || (state === "retired" && isKept));
  });
  return [current, ...others.map((key) => key.publicKey)];
}

/** Those who sign beside `signer` while others change over: the next key, and the one that was replaced. */
export function overlappingSigners(ring: KeyRing, signer: Signer, now: number): Signer[] {
  const published = new Set(publishedKeys(ring, { now, keepsRetired: false }));
  return ring.flatMap((key) =>
    key.signer && key.publicKey.kid !== signer.publicKey.kid && published.has(key.publicKey) ? [key.signer] : [],
  );
}

/** Without the private halves that will never sign again: whoever gets at the file later cannot use them. */
function destroySpent(ring: KeyRing, now: number): KeyRing {
  return ring.map((key) => {
    const isSpent = key.report !== undefined || (retiredAt(ring, key) ?? now) + KEY_OVERLAP_SECONDS < now;
    return isSpent ? { ...key, seed: undefined, signer: undefined } : key;
  });
}

/**
 * Adds a key that signs from `signsFrom` on, or not before `startNext` says so. Throws `request_invalid` where one is waiting already,
 * `too_many_items` where others would be told of more keys than they read.
 */
export function addKey(
  ring: KeyRing,
  options: { now: number; signsFrom: number | undefined; keepsRetired: boolean },
): KeyRing {
  const { now, signsFrom, keepsRetired } = options;
  if (ring.some((key) => keyState(ring, key, now) === "next"))
    throw new AttestryError("request_invalid", "the next key is published already and has not begun to sign");
  const listed = keepsRetired ? ring.length : 0;
  if (listed >= KEY_SET_KEYS_MAX || ring.length >= KEY_RING_KEYS_MAX)
    throw new AttestryError(
      "too_many_items",
      `the role has had ${ring.length} keys; at most ${keepsRetired ? KEY_SET_KEYS_MAX : KEY_RING_KEYS_MAX} are kept`,
    );
  const seed = encodeBase64url(generateSeed());
  const signer = createSigner(decodeBase64url(seed));
  const key = { publicKey: signer.publicKey, signer, seed, createdAt: now, signsFrom, report: undefined };
  return destroySpent([...ring, key], now);
}

/** The key that was published ahead begins to sign at `now`. Throws `request_invalid` where there is none. */
export function startNext(ring: KeyRing, now: number): KeyRing {
  if (!ring.some((key) => keyState(ring, key, now) === "next"))
    throw new AttestryError("request_invalid", "there is no next key; make one first");
  const started = ring.map((key) => (keyState(ring, key, now) === "next" ? { ...key, signsFrom: now } : key));
  return destroySpent(started, now);
}

/** Marks a key as reported. Where it was to sign, the next one begins at once, or a new one. Throws `key_unknown`, `request_invalid`. */
export function reportKey(ring: KeyRing, options: { kid: string; report: KeyReport; keepsRetired: boolean }): KeyRing {
  const { kid, report, keepsRetired } = options;
  const now = report.reportedAt;
  const key = ring.find((one) => one.publicKey.kid === kid);
  if (!key) throw new AttestryError("key_unknown", "the node has no key of that kid; see: attestry keys list");
  if (report.since > now) throw new AttestryError("request_invalid", "a key is compromised since a time in the past");
  // Moving the time on would make good again what was refused.
  if (key.report && key.report.since < report.since)
    throw new AttestryError("request_invalid", "the key was reported since an earlier time; it can only go back");
  const wasNeeded = keyState(ring, key, now) !== "retired" && key.report === undefined;
  const marked = ring.map((one) => (one === key ? { ...one, report } : one));
  if (!wasNeeded || keyState(ring, key, now) === "next") return destroySpent(marked, now);
  const hasNext = marked.some((one) => keyState(marked, one, now) === "next");
  return hasNext ? startNext(marked, now) : addKey(marked, { now, signsFrom: now, keepsRetired });
}

/** A signer that is whatever key the ring's current one is, as of the last `follow`: never another between two steps of one signature. */
export function createRingSigner(ring: KeyRing, now: number): { signer: Signer; follow(now: number): void } {
  let current = currentKey(ring, now).signer;
  return {
    signer: {
      get publicKey() {
        return current.publicKey;
      },
      sign: (message) => current.sign(message),
    },
    follow(at) {
      current = currentKey(ring, at).signer;
    },
  };
}
