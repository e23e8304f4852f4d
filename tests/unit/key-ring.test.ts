// Rings of keys: which key signs when, which are published, what is destroyed, and what a report does.
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import {
  addKey,
  createRingSigner,
  currentKey,
  firstKeyRing,
  formatKeyRing,
  type KeyRing,
  keyState,
  overlappingSigners,
  parseKeyRing,
  publishedKeys,
  reportKey,
  startNext,
} from "../../src/crypto/key-ring.ts";
import { describeHistoricalKeys, listKeyEvents } from "../../src/federation/key-event.ts";
import { generateSecrets, parseKeyRings, parseSecrets, replaceKeyRings } from "../../src/secrets.ts";
import { caughtCode } from "../caught-code.ts";

const NOW = 1_800_000_000;
const HOUR = 3_600;
// The overlap and the announcement are two hours each, as the README says.
const LATER = NOW + 2 * HOUR;

function freshRing(): KeyRing {
  return parseKeyRings(generateSecrets()).record;
}

const kids = (keys: readonly { kid: string }[]) => keys.map(({ kid }) => kid);
const states = (ring: KeyRing, now: number) => ring.map((key) => keyState(ring, key, now));
const announced = (ring = freshRing()) => addKey(ring, { now: NOW, signsFrom: LATER, keepsRetired: true });

describe("a rotation", () => {
  it("publishes the next key before it signs, and the old one after it has signed", () => {
    const ring = announced();
    const [old, next] = ring.map(({ publicKey }) => publicKey.kid);
    expect(states(ring, NOW)).toEqual(["current", "next"]);
    expect(currentKey(ring, LATER - 1).publicKey.kid).toBe(old);
    expect(currentKey(ring, LATER).publicKey.kid).toBe(next);
    expect(states(ring, LATER)).toEqual(["retired", "current"]);
    const published = (now: number, keepsRetired: boolean) => kids(publishedKeys(ring, { now, keepsRetired }));
    expect(published(NOW, false)).toEqual([old, next]);
    expect(published(LATER + 2 * HOUR - 1, false)).toEqual([next, old]);
    expect(published(LATER + 2 * HOUR, false)).toEqual([next]);
    expect(published(LATER + 999 * HOUR, true)).toEqual([next, old]);
  });

  it("lets nobody add a second next key, nor more keys than others read", () => {
    expect(caughtCode(() => announced(announced()))).toBe("request_invalid");
    let ring = freshRing();
    for (let i = 1; i < 32; i++) ring = addKey(ring, { now: NOW + i, signsFrom: NOW + i, keepsRetired: true });
    expect(ring).toHaveLength(32);
    expect(caughtCode(() => addKey(ring, { now: NOW + 99, signsFrom: NOW + 99, keepsRetired: true }))).toBe(
      "too_many_items",
    );
    expect(addKey(ring, { now: NOW + 99, signsFrom: NOW + 99, keepsRetired: false })).toHaveLength(33);
  });

  it("destroys the private half of what will sign no more, once nothing overlaps", () => {
    const ring = announced();
    const soon = addKey(ring, { now: LATER + 1, signsFrom: LATER + 1, keepsRetired: true });
    expect(soon.map(({ seed }) => seed !== undefined)).toEqual([true, true, true]);
    const late = addKey(ring, { now: LATER + 3 * HOUR, signsFrom: LATER + 3 * HOUR, keepsRetired: true });
    expect(late.map(({ seed }) => seed !== undefined)).toEqual([false, true, true]);
    const reread = parseKeyRing(JSON.parse(JSON.stringify(formatKeyRing(late))));
    expect(reread.map(({ publicKey }) => publicKey.kid)).toEqual(late.map(({ publicKey }) => publicKey.kid));
    expect(reread[0]!.signer).toBeUndefined();
  });

  it("changes the signer only when it is told the time, so that no signature is begun with one key and ended with another", async () => {
    const ring = announced();
    const { signer, follow } = createRingSigner(ring, NOW);
    expect(signer.publicKey.kid).toBe(ring[0]!.publicKey.kid);
    follow(LATER);
    expect(signer.publicKey.kid).toBe(ring[1]!.publicKey.kid);
    expect(kids(overlappingSigners(ring, signer, LATER).map((one) => one.publicKey))).toEqual([ring[0]!.publicKey.kid]);
    follow(NOW);
    expect(kids(overlappingSigners(ring, signer, LATER).map((one) => one.publicKey))).toEqual([ring[1]!.publicKey.kid]);
  });

  it("of the federation key ends only when it is started", () => {
    const waiting = addKey(freshRing(), { now: NOW, signsFrom: undefined, keepsRetired: false });
    expect(states(waiting, NOW + 999 * HOUR)).toEqual(["current", "next"]);
    expect(states(startNext(waiting, LATER), LATER)).toEqual(["retired", "current"]);
    expect(caughtCode(() => startNext(freshRing(), NOW))).toBe("request_invalid");
  });
});

describe("a report", () => {
  const reportOf = (since: number, reportedAt = NOW) => ({ since, reportedAt, logSize: 7 });
  const report = (ring: KeyRing, kid: string, since = NOW - HOUR, reportedAt = NOW) =>
    reportKey(ring, { kid, report: reportOf(since, reportedAt), keepsRetired: true });

  it("replaces the current key at once and destroys its private half", () => {
    const ring = freshRing();
    const kid = ring[0]!.publicKey.kid;
    const reported = report(ring, kid);
    expect(states(reported, NOW)).toEqual(["compromised", "current"]);
    expect(reported[0]!.seed).toBeUndefined();
    expect(kids(publishedKeys(reported, { now: NOW, keepsRetired: true }))).toEqual([reported[1]!.publicKey.kid]);
  });

  it("lets the next key begin early where there is one, and leaves the current one where the next was stolen", () => {
    const ring = announced();
    const [old, next] = ring.map(({ publicKey }) => publicKey.kid);
    expect(states(report(ring, old!), NOW)).toEqual(["compromised", "current"]);
    const withoutNext = report(ring, next!);
    expect(states(withoutNext, NOW)).toEqual(["current", "compromised"]);
    // One that never signed took nobody's place, not even when its time would have come.
    expect(states(withoutNext, LATER + 1)).toEqual(["current", "compromised"]);
    expect(currentKey(withoutNext, LATER + 1).publicKey.kid).toBe(old);
  });

  it("of a retired key changes nothing else; it can only go back in time; the future is no time", () => {
    const ring = announced();
    const kid = ring[0]!.publicKey.kid;
    const at = LATER + HOUR;
    const reported = report(ring, kid, NOW, at);
    expect(states(reported, at)).toEqual(["compromised", "current"]);
    expect(report(reported, kid, NOW - 5, at)[0]!.report!.since).toBe(NOW - 5);
    expect(caughtCode(() => report(reported, kid, NOW + 5, at))).toBe("request_invalid");
    expect(caughtCode(() => report(ring, kid, NOW + 1, NOW))).toBe("request_invalid");
    expect(caughtCode(() => report(ring, "unknown"))).toBe("key_unknown");
  });
});

describe("the key file", () => {
  it("keeps the node's secrets over a rotation, and refuses one key in two roles or twice", () => {
    const unlocked = generateSecrets();
    const rings = parseKeyRings(unlocked);
    const changed = replaceKeyRings(unlocked, { ...rings, status: announced(rings.status) });
    const secrets = parseSecrets(JSON.parse(JSON.stringify(changed)) as JsonObject, NOW);
    expect(secrets.wrappingKey).toEqual(parseSecrets(unlocked).wrappingKey);
    expect(secrets.signers.status.publicKey.kid).toBe(rings.status[0]!.publicKey.kid);
    secrets.followKeys(LATER);
    expect(secrets.signers.status.publicKey.kid).not.toBe(rings.status[0]!.publicKey.kid);
    const twice = replaceKeyRings(unlocked, { ...rings, status: rings.record });
    expect(caughtCode(() => parseSecrets(twice))).toBe("key_role_conflict");
    const { keys: _none, ...without } = changed;
    expect(caughtCode(() => parseSecrets(without))).toBe("config_invalid");
  });

  it("is refused with a ring that holds no key, a key without a time, or none that may sign", () => {
    const seed = generateSecrets().node as string;
    for (const ring of [undefined, [], [{ seed }], [{ seed, created: 0, signs_from: -1 }], [{ x: "AA", created: 0 }]])
      expect(["config_invalid", "key_invalid"]).toContain(caughtCode(() => parseKeyRing(ring as never)));
    expect(caughtCode(() => currentKey(parseKeyRing([{ seed, created: 0 }]), NOW))).toBe("config_invalid");
    expect(currentKey(firstKeyRing(seed), 0).seed).toBe(seed);
  });
});

describe("what is told of keys", () => {
  it("is one event per key after the first and per report, the same whenever it is made", () => {
    const rings = parseKeyRings(generateSecrets());
    expect(listKeyEvents(rings)).toEqual([]);
    const [old] = rings.record.map(({ publicKey }) => publicKey.kid);
    const record = reportKey(announced(rings.record), {
      kid: old!,
      report: { since: NOW - 60, reportedAt: NOW, logSize: 12 },
      keepsRetired: true,
    });
    const events = listKeyEvents({ ...rings, record });
    expect(events).toEqual(listKeyEvents({ ...rings, record }));
    const next = record[1]!.publicKey;
    expect(events.map((text) => JSON.parse(text))).toEqual([
      {
        event: "rotate",
        role: "record",
        kid: next.kid,
        jwk: next.jwk,
        previous: old,
        created: NOW,
        signs_from: NOW,
      },
      { event: "report", role: "record", kid: old, since: NOW - 60, reported: NOW, log_size: 12 },
    ]);
  });

  it("as historical keys: those that ended, with when, and why where they were stolen", () => {
    const first = freshRing();
    const second = addKey(first, { now: NOW, signsFrom: undefined, keepsRetired: false });
    const ring = startNext(second, LATER);
    expect(describeHistoricalKeys(ring, LATER - 1)).toEqual([]);
    expect(describeHistoricalKeys(ring, LATER)).toEqual([{ ...ring[0]!.publicKey.jwk, exp: LATER }]);
    const kid = ring[1]!.publicKey.kid;
    const stolen = reportKey(ring, { kid, report: { since: LATER + 5, reportedAt: LATER + 9 }, keepsRetired: false });
    expect(describeHistoricalKeys(stolen, LATER + 9)[1]).toEqual({
      ...ring[1]!.publicKey.jwk,
      iat: NOW,
      nbf: LATER,
      exp: LATER + 9,
      revoked: { revoked_at: LATER + 5, reason: "compromised" },
    });
  });
});
