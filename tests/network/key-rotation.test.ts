// Keys change over between real nodes: nobody refuses what was signed before or after, a stolen key is refused from its place in the log on, archived chains are proved by the log. Only the clock is faked.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws, verifyJws } from "../../src/crypto/jws.ts";
import { addKey, reportKey, startNext } from "../../src/crypto/key-ring.ts";
import { parsePublicKey } from "../../src/crypto/keys.ts";
import { verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { verifyCheckpoint } from "../../src/log/checkpoint.ts";
import { commitment, parseEntry, ZERO_SALT } from "../../src/log/entry.ts";
import { leafHash, verifyInclusion } from "../../src/log/merkle.ts";
import { formatVerifierKey, parseVerifierKey } from "../../src/log/note.ts";
import { parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import { type KeyRole, parseKeyRings, replaceKeyRings } from "../../src/secrets.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const TYPES = ["districts", "states"];

let offset = 0;
const clock = (): number => Math.floor(Date.now() / 1_000) + offset;
let anchor: TestNode;
let home: TestNode;
let agency: TestNode;
let codes = 0;

beforeAll(async () => {
  anchor = await startTestNode({ clock });
  const anchors = [anchor.pin(TYPES)];
  home = await startTestNode({ superiors: [anchor.entity], anchors, path: "/lgd", clock });
  agency = await startTestNode({ anchors, clock });
  await anchor.node.federation.acceptSubordinate({ entity: home.entity, registryTypes: TYPES });
  expect((await home.publish(definition("districts"))).status).toBe(201);
});

afterAll(async () => {
  for (const node of [agency, home, anchor]) await node?.close();
});

async function create(): Promise<string> {
  const token = await home.token("registrar", { seconds: offset + DAY });
  const json = { data: { code: String(++codes), name: "Nicobars" } };
  const answer = await home.request("POST", "/registries/districts/records", { token, json });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.href as string;
}

/** What another node makes of each. */
async function judge(...references: string[]): Promise<string[]> {
  const token = await agency.token("reader", { seconds: offset + DAY });
  const answer = await agency.request("POST", "/resolve", { token, json: { references, follow: [] } });
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.references as JsonObject[]).map(({ outcome }) => String(outcome));
}

async function evidenceOf(href: string): Promise<JsonObject> {
  // As the node's job does by itself, within a second after the tests moved the clock by hours.
  await home.node.ownChain.getChain({ outgoing: true });
  const answer = await home.request("GET", `${href.slice(home.entity.length)}/evidence`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

async function kidOf(href: string): Promise<unknown> {
  return decodeJws(String((await evidenceOf(href)).token).split("~")[0]!).header.kid;
}

/** Adds the next key, as `attestry keys rotate` does, and restarts the node. */
function rotate(node: TestNode, role: KeyRole, signsFrom: number | undefined): Promise<void> {
  return node.restart((unlocked) => {
    const rings = parseKeyRings(unlocked);
    const ring = addKey(rings[role], { now: clock(), signsFrom, keepsRetired: role === "record" });
    return replaceKeyRings(unlocked, { ...rings, [role]: ring });
  });
}

async function metadataOf(node: TestNode): Promise<JsonObject> {
  const { payload } = decodeJws((await node.request("GET", "/.well-known/openid-federation")).text);
  return payload;
}

const registryNode = async () => ((await metadataOf(home)).metadata as JsonObject).registry_node as JsonObject;
const kidsIn = (set: unknown): unknown[] => ((set as JsonObject).keys as JsonObject[]).map(({ kid }) => kid);
const kidNow = (role: KeyRole) => home.secrets.signers[role].publicKey.kid;

/** Proves a receipt of a public object by the log keys that the node publishes now; the entry's operation and commitment. */
async function readPublicReceipt(text: string): Promise<{ index: number; e: string; c: string }> {
  const { records } = (await registryNode()).logs as { records: { origin: string; vkeys: string[] } };
  const receipt = parseReceipt(text);
  const { entry, salt } = parseExtra(receipt.extra!);
  expect(salt).toEqual(ZERO_SALT);
  const verifiers = records.vkeys.map(parseVerifierKey);
  const { size, root } = verifyCheckpoint(receipt.checkpoint, { origin: records.origin, verifiers });
  verifyInclusion({ index: receipt.index, size, leaf: leafHash(entry), proof: receipt.proof, root });
  return { index: receipt.index, ...parseEntry(entry) };
}

async function keyEvents(): Promise<JsonObject[]> {
  const { body } = await home.request("GET", "/federation/key-events");
  return body.events as JsonObject[];
}

describe("a record key that is rotated", () => {
  it("is published first and signs in its time; what either key signed verifies, also at a node that knew of it before", async () => {
    const before = await create();
    const old = kidNow("record");
    expect(await judge(before)).toEqual(["verified"]);
    await rotate(home, "record", clock() + 2 * HOUR);
    const waiting = await create();
    expect(await kidOf(waiting)).toBe(old);
    expect(kidsIn((await registryNode()).jwks)).toHaveLength(2);
    // A chain that was fetched late in the announcement still holds when the new key begins.
    offset += 1.5 * HOUR;
    expect(await judge(before, waiting)).toEqual(["verified", "verified"]);
    offset += 0.5 * HOUR + 5;
    home.secrets.followKeys(clock());
    const after = await create();
    const next = await kidOf(after);
    expect(next).not.toBe(old);
    const asked = await judge(before, waiting, after);
    expect(asked).toEqual(["verified", "verified", "verified"]);
    offset += 400 * DAY;
    expect(await judge(before, after)).toEqual(["verified", "verified"]);
    expect(kidsIn((await registryNode()).jwks)).toEqual([next, old]);
  });

  it("leaves an entry in the log, which names both and is proved by a receipt", async () => {
    const [last] = (await keyEvents()).slice(-1);
    const event = last!.event as JsonObject;
    expect(event).toMatchObject({ event: "rotate", role: "record", kid: kidNow("record") });
    const entry = await readPublicReceipt(String(last!.receipt));
    expect(entry).toMatchObject({ e: "key", c: commitment("key", ZERO_SALT, String(last!.text)) });
    expect(entry.index).toBe(last!.log_index);
    expect(JSON.parse(String(last!.text))).toEqual(event);
  });

  it("is logged once, however often the node starts, and at its next start where it was stopped before", async () => {
    const count = (await keyEvents()).length;
    await home.restart();
    await home.node.keyHistory.recordEvents();
    expect(await keyEvents()).toHaveLength(count);
    // As a process leaves it that ended between the key file and the log.
    await home.restart((unlocked) => {
      const rings = parseKeyRings(unlocked);
      const request = addKey(rings.request, { now: clock(), signsFrom: clock(), keepsRetired: false });
      return replaceKeyRings(unlocked, { ...rings, request });
    });
    await home.node.keyHistory.recordEvents();
    const events = await keyEvents();
    expect(events).toHaveLength(count + 1);
    expect(events.at(-1)!.event).toMatchObject({ role: "request" });
    expect(await judge(await create())).toEqual(["verified"]);
  });
});

describe("keys of the other roles", () => {
  it("the log's: checkpoints carry both signatures for a while, and verify under either key", async () => {
    const origin = `${home.entity.slice("http://".length)}/log/records`;
    const verifierOf = (raw: Uint8Array) => [parseVerifierKey(formatVerifierKey({ name: origin, raw }))];
    const [first] = await Promise.all([create()]);
    const old = home.secrets.signers.log.publicKey.raw;
    await rotate(home, "log", clock() + 2 * HOUR);
    const next = home.secrets.rings.log.at(-1)!.publicKey.raw;
    const readNote = async () => (await home.request("GET", "/log/records/checkpoint")).text;
    const isSignedBy = (note: string, raw: Uint8Array) => {
      try {
        verifyCheckpoint(note, { origin, verifiers: verifierOf(raw) });
        return true;
      } catch {
        return false;
      }
    };
    const signatures = async () => {
      await create();
      const note = await readNote();
      return [isSignedBy(note, old), isSignedBy(note, next)];
    };
    expect(await signatures()).toEqual([true, true]);
    expect(await judge(first)).toEqual(["verified"]);
    offset += 2 * HOUR + 5;
    home.secrets.followKeys(clock());
    expect(kidNow("log")).toBe(home.secrets.rings.log.at(-1)!.publicKey.kid);
    expect(await signatures()).toEqual([true, true]);
    offset += 2 * HOUR;
    expect(await signatures()).toEqual([false, true]);
    expect(await judge(first)).toEqual(["verified"]);
    const { records } = (await registryNode()).logs as { records: { vkeys: string[] } };
    expect(records.vkeys).toHaveLength(1);
    // The state that only the new key signed is also what a restarted writer goes on from.
    await home.restart();
    expect(await judge(await create())).toEqual(["verified"]);
  });

  it("the log's, stolen: it is listed no more, and the next entry is signed by the new key alone", async () => {
    const href = await create();
    const stolen = home.secrets.signers.log.publicKey;
    await home.restart((unlocked) => {
      const rings = parseKeyRings(unlocked);
      const report = { since: clock() - 60, reportedAt: clock() };
      const log = reportKey(rings.log, { kid: stolen.kid, report, keepsRetired: false });
      return replaceKeyRings(unlocked, { ...rings, log });
    });
    // The event of the report is the entry that takes the stolen key's signature off the log's head.
    await home.node.keyHistory.recordEvents();
    const note = (await home.request("GET", "/log/records/checkpoint")).text;
    const { records } = (await registryNode()).logs as { records: { origin: string; vkeys: string[] } };
    const next = formatVerifierKey({ name: records.origin, raw: home.secrets.rings.log.at(-1)!.publicKey.raw });
    expect(records.vkeys).toEqual([next]);
    expect(note.split("\n\n")[1]!.trim().split("\n")).toHaveLength(1);
    verifyCheckpoint(note, { origin: records.origin, verifiers: [parseVerifierKey(next)] });
    offset += HOUR + 5;
    expect(await judge(href, await create())).toEqual(["verified", "verified"]);
  });

  it("the status lists': a list by the new key is believed, the old key is not listed for ever", async () => {
    const href = await create();
    const old = kidNow("status");
    await rotate(home, "status", clock() + 2 * HOUR);
    expect(kidsIn((await registryNode()).status_jwks)).toHaveLength(2);
    offset += 2 * HOUR + 5;
    home.secrets.followKeys(clock());
    const list = await home.request("GET", "/status/0");
    expect(decodeJws(list.text).header.kid).not.toBe(old);
    expect(await judge(href)).toEqual(["verified"]);
    offset += 3 * HOUR;
    expect(kidsIn((await registryNode()).status_jwks)).toEqual([kidNow("status")]);
  });
});

describe("the federation key", () => {
  it("changes over once the superior knows the next one from a configuration that the old one signed", async () => {
    const href = await create();
    const old = home.secrets.signers.federation.publicKey;
    await rotate(home, "federation", undefined);
    const next = home.secrets.rings.federation.at(-1)!.publicKey;
    const configuration = await home.request("GET", "/.well-known/openid-federation");
    expect(decodeJws(configuration.text).header.kid).toBe(old.kid);
    expect(kidsIn((await metadataOf(home)).jwks)).toEqual([old.kid, next.kid]);

    const [lacking] = await home.node.keyRollover.findLacking(next.kid);
    expect(lacking).toEqual({ superior: anchor.entity, reason: "its statement does not list the key yet" });
    expect(await anchor.node.keyRollover.refreshSubordinates()).toEqual([
      { entity: home.entity, outcome: "changed", kids: [old.kid, next.kid] },
    ]);
    expect(await home.node.keyRollover.findLacking(next.kid)).toEqual([]);
    expect(await anchor.node.keyRollover.refreshSubordinates(home.entity)).toEqual([
      expect.objectContaining({ outcome: "unchanged" }),
    ]);

    await home.restart((unlocked) => {
      const rings = parseKeyRings(unlocked);
      return replaceKeyRings(unlocked, { ...rings, federation: startNext(rings.federation, clock()) });
    });
    expect(decodeJws((await home.request("GET", "/.well-known/openid-federation")).text).header.kid).toBe(next.kid);
    offset += HOUR + 5;
    expect(await judge(href)).toEqual(["verified"]);

    offset += 2 * HOUR;
    expect(kidsIn((await metadataOf(home)).jwks)).toEqual([next.kid]);
    expect(await anchor.node.keyRollover.refreshSubordinates()).toEqual([
      { entity: home.entity, outcome: "changed", kids: [next.kid] },
    ]);
    offset += HOUR + 5;
    expect(await judge(href)).toEqual(["verified"]);
  });

  it("stands among the historical keys, which the new one signs and the configuration announces", async () => {
    const configuration = (await metadataOf(home)).metadata as JsonObject;
    const endpoint = String((configuration.federation_entity as JsonObject).federation_historical_keys_endpoint);
    expect(endpoint).toBe(`${home.entity}/federation/historical-keys`);
    const answer = await fetch(endpoint);
    expect(answer.headers.get("content-type")).toBe("application/jwk-set+jwt");
    const [old, current] = home.secrets.rings.federation;
    const keys = [home.secrets.signers.federation.publicKey];
    const { payload } = await verifyJws(await answer.text(), { typ: "jwk-set+jwt", keys });
    expect(payload.iss).toBe(home.entity);
    expect(payload.keys).toEqual([{ ...old!.publicKey.jwk, exp: current!.signsFrom }]);
  });

  it("is not taken from a configuration that no known key signed", async () => {
    const stranger = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(TYPES)], clock });
    try {
      await anchor.node.federation.acceptSubordinate({ entity: stranger.entity, registryTypes: [] });
      // Both at once: nobody could learn of the new key from the old one.
      await stranger.restart((unlocked) => {
        const rings = parseKeyRings(unlocked);
        const federation = addKey(rings.federation, { now: clock(), signsFrom: clock(), keepsRetired: false });
        return replaceKeyRings(unlocked, { ...rings, federation });
      });
      const [refreshed] = await anchor.node.keyRollover.refreshSubordinates(stranger.entity);
      expect(refreshed).toMatchObject({
        outcome: "failed",
        message: expect.stringContaining("subordinate_key_changed"),
      });
    } finally {
      await anchor.node.federation.removeSubordinate(stranger.entity);
      await stranger.close();
    }
  });
});

describe("a record key that was stolen", () => {
  it("counts for what the log had before, not for what came later, backdated or not; the next key goes on", async () => {
    const before = await create();
    const evidenceBefore = await evidenceOf(before);
    offset += 600;
    const since = clock();
    offset += 60;
    const after = await create();
    // The thief dates back both the record and its entry.
    offset -= 6 * HOUR;
    const backdated = await create();
    offset += 6 * HOUR + 60;
    expect(await judge(before, after, backdated)).toEqual(["verified", "verified", "verified"]);

    const manifestKid = async () => {
      const { body } = await home.request("GET", "/registries/districts/open-data");
      return decodeJws(String(body.manifest)).header.kid;
    };
    const published = await manifestKid();
    const logSize = await home.node.reader.sizeBefore(since);
    const kid = kidNow("record");
    await home.restart((unlocked) => {
      const rings = parseKeyRings(unlocked);
      const report = { since, reportedAt: clock(), logSize };
      const record = reportKey(rings.record, { kid, report, keepsRetired: true });
      return replaceKeyRings(unlocked, { ...rings, record });
    });
    await home.node.keyHistory.recordEvents();
    // What was published under the key is published anew, though no record has changed.
    offset += HOUR;
    const madeAnew = await manifestKid();
    expect(published).toBe(kid);
    expect(madeAnew).toBe(kidNow("record"));
    const fresh = await create();
    expect(await kidOf(fresh)).not.toBe(kid);
    // What peers hold of this node ends within the hour.
    offset += HOUR + 5;
    expect(await judge(before, after, backdated, fresh)).toEqual([
      "verified",
      "key_compromised",
      "key_compromised",
      "verified",
    ]);

    const verifier = createVerifier({ anchors: [anchor.pin(TYPES)], statusMaxAgeSeconds: 300 });
    const codes = async (href: string) => {
      const report = await verifier.verify(await evidenceOf(href), { now: clock() });
      return [report.valid, report.checks.find(({ check }) => check === "signature")!.code];
    };
    expect(await codes(before)).toEqual([true, "passed_before_report"]);
    expect(await codes(after)).toEqual([false, "key_compromised"]);
    expect(await codes(backdated)).toEqual([false, "key_compromised"]);
    // Its receipt of then and the statements of today are two things that fit together.
    const mixed = { ...(await evidenceOf(before)), receipts: evidenceBefore.receipts! };
    expect((await verifier.verify(mixed, { now: clock() })).valid).toBe(true);

    // Issued anew without a change, a refused record verifies again.
    const amended = await home.request("PATCH", after.slice(home.entity.length), {
      token: await home.token("registrar", { seconds: offset + DAY }),
      json: { data: {} },
      headers: { "if-match": '"1.0"' },
    });
    expect(amended.status, amended.text).toBe(200);
    expect(await judge(after)).toEqual(["verified"]);

    const node = await registryNode();
    expect(kidsIn(node.jwks)).not.toContain(kid);
    expect((node.revoked_jwks as JsonObject).keys).toEqual([
      expect.objectContaining({ kid, revoked: { revoked_at: since, reason: "compromised" }, log_size: logSize }),
    ]);
    const events = await keyEvents();
    expect(events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ event: "report", role: "record", kid, since, log_size: logSize }),
    );
  });
});

describe("archived chains", () => {
  it("are kept when keys, types or policy change and once a day, and not otherwise", async () => {
    const { chainArchive } = home.node;
    const first = await chainArchive.archive();
    expect(first).toBeTypeOf("number");
    expect(await chainArchive.archive()).toBeUndefined();
    offset += HOUR + 5;
    // Statements were signed anew meanwhile, which changes nothing.
    expect(await chainArchive.archive()).toBeUndefined();
    offset += DAY;
    const daily = await chainArchive.archive();
    expect(daily).toBeGreaterThan(first!);
    await anchor.node.federation.acceptSubordinate({ entity: home.entity, registryTypes: ["districts"] });
    offset += HOUR + 5;
    const policy = await chainArchive.archive();
    expect(policy).toBeGreaterThan(daily!);
    offset += 60;
    await rotate(home, "record", clock() + 2 * HOUR);
    await home.node.keyHistory.recordEvents();
    const keys = await home.node.chainArchive.archive();
    expect(keys).toBeGreaterThan(policy!);

    const { body } = await home.request("GET", "/federation/chains");
    const chains = body.chains as JsonObject[];
    expect(chains.map(({ log_index }) => log_index)).toEqual([keys, policy, daily, first]);
    const digests = chains.map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(3);
    expect(digests[2]).toBe(digests[3]);
    const next = await home.request("GET", `/federation/chains?before=${daily}`);
    expect(next.body.chains).toEqual([chains[3]]);
  });

  it("are served with a receipt by which the log proves them, and found by digest and time", async () => {
    const { body } = await home.request("GET", "/federation/chains");
    for (const { digest, log_index: index } of body.chains as JsonObject[]) {
      const served = await home.request("GET", `/federation/chains/${String(digest)}`);
      expect(served.body.digest).toBe(digest);
      const statements = served.body.chain as string[];
      const entry = await readPublicReceipt(String(served.body.receipt));
      expect(entry).toMatchObject({ e: "chain", c: commitment("chain", ZERO_SALT, JSON.stringify(statements)) });
      expect(entry.index).toBeGreaterThanOrEqual(Number(index));
      const at = Date.parse(String(served.body.archived_at)) / 1_000;
      const { entity } = await verifyTrustChain({ statements, anchors: [anchor.pin(TYPES)], now: at });
      expect(entity).toBe(home.entity);
      const found = await home.request("GET", `/federation/chains?at=${at}`);
      expect((found.body.chains as JsonObject[])[0]).toMatchObject({ digest });
    }
    expect((await home.request("GET", "/federation/chains?at=5")).body.chains).toEqual([]);
    for (const digest of ["x", "A".repeat(43), "%00"])
      expect((await home.request("GET", `/federation/chains/${digest}`)).status).toBe(404);
  });

  it("go with the evidence of what was logged after them, and prove it years later", async () => {
    const early = await home.request("GET", "/registries/districts/records?limit=1");
    const [oldest] = early.body.records as JsonObject[];
    expect(await evidenceOf(String(oldest!.href))).not.toHaveProperty("archive");
    const href = await create();
    const evidence = await evidenceOf(href);
    const archive = evidence.archive as { chain: string[]; receipt: string };
    const [newest] = (await home.request("GET", "/federation/chains")).body.chains as JsonObject[];
    expect((await readPublicReceipt(archive.receipt)).index).toBe(newest!.log_index);
    const years = clock() + 5 * 365 * DAY;
    const verifier = createVerifier({
      anchors: [anchor.pin(TYPES)],
      statusMaxAgeSeconds: 300,
      allowArchivedChain: true,
      required: ["format", "signature", "issuer", "authority", "schema", "inclusion"],
    });
    expect(await verifier.verify(evidence, { now: years })).toMatchObject({ valid: true, record: { href } });
    const { archive: _none, ...without } = evidence;
    expect((await verifier.verify(without, { now: years })).valid).toBe(false);
  });
});

it("a key of one role is none of another, whatever the rings say", () => {
  const all = Object.values(home.secrets.rings).flatMap((ring) => ring.map(({ publicKey }) => publicKey));
  expect(new Set(all.map(({ kid }) => kid)).size).toBe(all.length);
  for (const { jwk } of all) expect(parsePublicKey(jwk).kid).toBe(jwk.kid);
});
