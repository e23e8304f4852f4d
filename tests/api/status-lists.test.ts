// Status lists of a running node: what changed is seen in time, each signed list stands in the log, all processes hand out the same, readers cost little.
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeJws } from "../../src/crypto/jws.ts";
import { STATUS_LIST_ENTRIES, STATUS_LIST_RENEW_SECONDS, STATUS_LIST_TTL_SECONDS } from "../../src/limits.ts";
import { parseCheckpoint } from "../../src/log/checkpoint.ts";
import { commitment, parseEntry, ZERO_SALT } from "../../src/log/entry.ts";
import { leafHash, verifyInclusion } from "../../src/log/merkle.ts";
import { parseExtra, parseReceipt } from "../../src/log/receipt.ts";
import { silentLogger } from "../../src/logger.ts";
import { createNode, type Node } from "../../src/node.ts";
import { findStatus, type StatusList, verifyStatusListToken } from "../../src/records/status-list.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";
import { expectSoundLog, lastEntries } from "../record-proofs.ts";

let now = 1_790_000_000;
const clock = () => now;
let node: TestNode;
let calls: RecordCalls;
let codes = 0;

beforeAll(async () => {
  node = await startTestNode({ clock });
  expect((await node.publish(definition("wells"))).status).toBe(201);
  calls = await createRecordCalls(node, "wells");
});

afterAll(() => node?.close());

const createWell = () => calls.create({ code: `W${codes++}`, name: "Well" });

async function readList(served: { fetch: Node["fetch"] } = node.node): Promise<{ token: string; list: StatusList }> {
  const response = await served.fetch(new Request(`${node.entity}/status/0`));
  expect(response.status).toBe(200);
  const token = await response.text();
  return { token, list: await verifyStatusListToken(token, [node.secrets.signers.status.publicKey]) };
}

async function placesOf(rid: unknown): Promise<number[]> {
  const rows = await node.database.database.sql<{ index: number }[]>`
    select status_index as index from record_version where rid = ${String(rid)} order by version`;
  return rows.map(({ index }) => index);
}

/** What the served list says of a record's versions once its ttl has passed, first version first. */
async function valuesSoon(rid: unknown): Promise<(number | undefined)[]> {
  now += STATUS_LIST_TTL_SECONDS;
  const [{ list }, places] = await Promise.all([readList(), placesOf(rid)]);
  return places.map((place) => findStatus(list.bytes, place));
}

async function countStatusEntries(): Promise<number> {
  const size = await expectSoundLog(node);
  return (await lastEntries(node, size)).filter(({ e }) => e === "status").length;
}

describe("a status list", () => {
  it("has 2^17 places of two bits, an end, a ttl, and the names of its node", async () => {
    await createWell();
    const { list, token } = await readList();
    const { payload } = decodeJws(token);
    expect(list.bytes.length * 4).toBe(STATUS_LIST_ENTRIES);
    expect(payload).toMatchObject({
      iss: node.entity,
      sub: `${node.entity}/status/0`,
      iat: now,
      ttl: 5,
      exp: now + 300,
    });
  });

  it("says within its ttl that a record was suspended, reinstated, amended and revoked", async () => {
    const well = await createWell();
    expect(await valuesSoon(well.rid)).toEqual([0]);
    await calls.change(well.rid, "suspend");
    expect(await valuesSoon(well.rid)).toEqual([2]);
    await calls.change(well.rid, "reinstate");
    expect(await valuesSoon(well.rid)).toEqual([0]);
    await calls.amend(well.rid, "1.2", { data: { name: "Deeper well" } });
    expect(await valuesSoon(well.rid)).toEqual([3, 0]);
    await calls.revoke(well.rid);
    expect((await valuesSoon(well.rid)).at(-1)).toBe(1);
  });

  it("is the one in evidence within its ttl, too", async () => {
    const well = await createWell();
    expect((await calls.get(well.rid, "/evidence")).status).toBe(200);
    await calls.change(well.rid, "suspend");
    now += STATUS_LIST_TTL_SECONDS;
    const evidence = (await calls.get(well.rid, "/evidence")).body as { status: { token: string } };
    const list = await verifyStatusListToken(evidence.status.token, [node.secrets.signers.status.publicKey]);
    expect(findStatus(list.bytes, (await placesOf(well.rid))[0]!)).toBe(2);
  });

  it("comes with evidence as a text that the log commits to", async () => {
    const well = await createWell();
    const evidence = (await calls.get(well.rid, "/evidence")).body as { status: { token: string; receipt: string } };
    const { index, proof, extra, checkpoint } = parseReceipt(evidence.status.receipt);
    const { entry: bytes, salt, k } = parseExtra(extra!);
    const entry = parseEntry(bytes);
    expect([entry.e, entry.c, salt, k]).toEqual([
      "status",
      commitment("status", ZERO_SALT, evidence.status.token),
      ZERO_SALT,
      undefined,
    ]);
    const { size, root } = parseCheckpoint(`${checkpoint.split("\n\n")[0]}\n`);
    expect(() => verifyInclusion({ index, size, leaf: leafHash(bytes), proof, root })).not.toThrow();
  });

  it("makes no entry of the log however often it is read while nothing changes, until it grows old", async () => {
    now += STATUS_LIST_TTL_SECONDS;
    const first = await readList();
    const before = await countStatusEntries();
    for (let i = 0; i < 20; i++) {
      now += 7;
      expect((await readList()).token).toBe(first.token);
    }
    expect(await countStatusEntries()).toBe(before);
    now += STATUS_LIST_RENEW_SECONDS;
    const later = await readList();
    expect(later.token).not.toBe(first.token);
    expect(later.list.bytes).toEqual(first.list.bytes);
    expect(await countStatusEntries()).toBe(before + 1);
  });

  it("is signed once in two seconds at most, whoever asks while records change", async () => {
    now += 10;
    await readList();
    const before = await countStatusEntries();
    for (let i = 0; i < 10; i++) {
      await calls.change((await createWell()).rid, "suspend");
      if (i % 2 === 1) now += 1;
      await Promise.all(Array.from({ length: 5 }, () => readList()));
    }
    expect((await countStatusEntries()) - before).toBeLessThanOrEqual(3);
  });

  it("says what changed also after the clock, which ran ahead, was set right", async () => {
    for (const seconds of [30, 5_000]) {
      now += seconds;
      const well = await createWell();
      await readList();
      now -= seconds;
      const before = await countStatusEntries();
      await calls.change(well.rid, "suspend");
      expect(await valuesSoon(well.rid), `${seconds} seconds ahead`).toEqual([2]);
      expect((await readList()).list.issuedAt).toBeLessThanOrEqual(now);
      now += 2;
      await readList();
      expect((await countStatusEntries()) - before).toBe(1);
    }
  });

  it("is found unchanged by its ETag, and comes compressed to whoever takes that", async () => {
    now += 10;
    const plain = await node.request("GET", "/status/0", { headers: { "accept-encoding": "identity" } });
    const etag = plain.headers.get("etag")!;
    expect(plain.headers.get("cache-control")).toBe("public, max-age=2");
    expect(plain.headers.get("vary")).toContain("accept-encoding");
    const again = await node.request("GET", "/status/0", { headers: { "if-none-match": etag } });
    expect([again.status, again.text, again.headers.get("etag")]).toEqual([304, "", etag]);
    const asked = (coding: string) =>
      node.node.fetch(new Request(`${node.entity}/status/0`, { headers: { "accept-encoding": coding } }));
    const zipped = await asked("br, gzip;q=0.5");
    expect([zipped.headers.get("content-encoding"), zipped.headers.get("etag")]).toEqual(["gzip", etag]);
    expect(gunzipSync(Buffer.from(await zipped.arrayBuffer())).toString()).toBe(plain.text);
    for (const coding of ["gzip;q=0", "identity", "br"])
      expect((await asked(coding)).headers.get("content-encoding"), coding).toBeNull();
    await calls.change((await createWell()).rid, "suspend");
    now += STATUS_LIST_TTL_SECONDS;
    const changed = await node.request("GET", "/status/0", { headers: { "if-none-match": etag } });
    expect([changed.status, changed.headers.get("etag") === etag]).toEqual([200, false]);
  });

  it("is not there for a list of which no place was given", async () => {
    const answer = await node.request("GET", "/status/1");
    expect([answer.status, answer.body.code]).toEqual([404, "not_found"]);
  });
});

describe("several processes of a node", () => {
  it("hand out the same list, each change in it, and one entry of the log for all of them", async () => {
    const { config } = node.node;
    const others = [0, 1].map(() =>
      createNode({ config, secrets: node.secrets, database: node.database.database, logger: silentLogger, clock }),
    );
    try {
      const all = [node.node, ...others];
      for (let round = 0; round < 4; round++) {
        const well = await createWell();
        await calls.change(well.rid, "suspend");
        const before = await countStatusEntries();
        now += STATUS_LIST_TTL_SECONDS;
        const lists = await Promise.all(all.map((one) => readList(one)));
        expect(new Set(lists.map(({ token }) => token)).size).toBe(1);
        expect(findStatus(lists[0]!.list.bytes, (await placesOf(well.rid))[0]!)).toBe(2);
        expect(await countStatusEntries()).toBe(before + 1);
      }
    } finally {
      await Promise.all(others.map((other) => other.close()));
    }
  });

  it("read a list of which they know nothing in full", async () => {
    const { config } = node.node;
    now += STATUS_LIST_RENEW_SECONDS;
    const { list: known } = await readList();
    await calls.change((await createWell()).rid, "suspend");
    now += STATUS_LIST_TTL_SECONDS;
    const other = createNode({
      config,
      secrets: node.secrets,
      database: node.database.database,
      logger: silentLogger,
      clock,
    });
    const { list } = await readList(other);
    await other.close();
    const differing = known.bytes.filter((byte, at) => byte !== list.bytes[at]);
    expect(differing).toHaveLength(1);
  });
});

describe("a log that cannot be written to", () => {
  it("keeps nobody from a list that still holds, but does not let a change go unsaid", async () => {
    now += STATUS_LIST_RENEW_SECONDS;
    const { token } = await readList();
    const { sql } = node.database.database;
    const well = await createWell();
    await sql`create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`;
    await sql`create trigger refuse before insert or update on status_token for each row execute function refuse()`;
    try {
      now += STATUS_LIST_RENEW_SECONDS;
      expect((await readList()).token).toBe(token);
      await calls.change(well.rid, "suspend");
      now += STATUS_LIST_TTL_SECONDS;
      expect((await node.node.fetch(new Request(`${node.entity}/status/0`))).ok).toBe(false);
    } finally {
      await sql`drop trigger refuse on status_token`;
      await sql`drop function refuse`;
    }
    expect(await valuesSoon(well.rid)).toEqual([2]);
  });
});
