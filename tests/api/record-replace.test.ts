// Mergers and splits over HTTP: n records replaced by m in one go, successors that are there or on another node, and what is refused whole.
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBase64url } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { DUPLICATE_CANDIDATES_MAX, REPLACE_RECORDS_MAX } from "../../src/limits.ts";
import { lockLogState } from "../../src/log/log-store.ts";
import { runTransaction } from "../../src/storage/transaction.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";
import { expectSoundLog, lastEntries, statusesOf } from "../record-proofs.ts";

let other: TestNode;
let node: TestNode;
let blocks: RecordCalls;
let foreign: RecordCalls;

beforeAll(async () => {
  other = await startTestNode();
  // Each is its own anchor; what this one refers to is pinned.
  node = await startTestNode({ anchors: [other.pin(["blocks"])] });
  const members = { identifier: "B-{seq}" };
  for (const one of [node, other]) expect((await one.publish(definition("blocks", { members }))).status).toBe(201);
  expect((await node.publish(definition("wards"))).status).toBe(201);
  blocks = await createRecordCalls(node, "blocks");
  foreign = await createRecordCalls(other, "blocks");
});

afterAll(async () => {
  await node?.close();
  await other?.close();
});

let codes = 0;
const data = (name: string): JsonObject => ({ code: `B${codes++}`, name });
const createBlock = (name = "Block") => blocks.create(data(name));

const payloadOf = (jws: string): JsonObject =>
  JSON.parse(Buffer.from(decodeBase64url(jws.split(".")[1]!)).toString()) as JsonObject;

async function statementOf(rid: unknown): Promise<JsonObject> {
  const [row] = await node.database.database.sql<{ statement: string }[]>`
    select statement from record_state where rid = ${String(rid)} order by number desc limit 1`;
  return payloadOf(row!.statement);
}

/** A record of this node by its URL. */
const read = async (href: unknown): Promise<JsonObject> =>
  (await node.request("GET", String(href).slice(node.entity.length))).body;

async function countBlocks(): Promise<number> {
  const rows = await node.database.database.sql<{ count: number }[]>`select count(*)::int8 as count from record`;
  return rows[0]!.count;
}

describe("a replacement", () => {
  it("splits a record in two: both sides say so, in entries side by side", async () => {
    const whole = await createBlock("Whole");
    const answer = await blocks.change(whole.rid, "replace", {
      by: [{ data: data("North"), valid_from: "2022-04-04" }, { data: data("South") }],
      effective: "2022-04-04",
      act: { reason: "reorganisation", instrument: "G.O. 31" },
    });
    expect(answer.body).toMatchObject({ rid: whole.rid, state: "replaced" });
    expect(answer.headers.get("etag")).toBe('"1.1"');
    const successors = answer.body.replaced_by as string[];
    const parts = await Promise.all(successors.map(read));
    expect(parts.map((part) => (part.data as JsonObject).name)).toEqual(["North", "South"]);
    for (const part of parts) {
      expect(part).toMatchObject({ state: "active", version: 1, replaces: [whole.href] });
      expect(payloadOf(part.token as string)).toMatchObject({
        replaces: [whole.href],
        act: { operation: "create", instrument: "G.O. 31" },
      });
      expect(part.identifier).toMatch(/^B-\d+$/);
    }
    expect(await statementOf(whole.rid)).toMatchObject({
      op: "replace",
      effective: "2022-04-04",
      replaced_by: successors,
    });
    expect((await lastEntries(node, 3)).map(({ e }) => e)).toEqual(["create", "create", "replace"]);
    expect(parts.map((part) => part.log_index)).toEqual([Number(parts[0]!.log_index), Number(parts[0]!.log_index) + 1]);
    expect(await statusesOf(node, whole.rid)).toEqual([3]);
    await expectSoundLog(node);
  });

  it("merges several into one that is made, or into one that is there", async () => {
    const [a, b, c] = [await createBlock("A"), await createBlock("B"), await createBlock("C")];
    const made = await blocks.change(a.rid, "replace", {
      by: [{ data: data("AB") }],
      also: [{ rid: b.rid!, version: 1 }],
    });
    const [merged] = made.body.replaced_by as string[];
    expect(await read(merged)).toMatchObject({ replaces: [a.href, b.href] });
    const joined = await blocks.change(c.rid, "replace", { by: [merged!] });
    expect(joined.body).toMatchObject({ state: "replaced", replaced_by: [merged] });
    for (const one of [a, b, c]) expect((await read(one.href)).replaced_by).toEqual([merged]);
  });

  it("takes n records and leaves m, new ones and old ones together", async () => {
    const olds = await Promise.all([1, 2, 3].map(() => createBlock()));
    const kept = await createBlock("Kept");
    const answer = await blocks.change(olds[0]!.rid, "replace", {
      by: [{ data: data("New") }, kept.href!],
      also: olds.slice(1).map(({ rid }) => ({ rid: rid! })),
    });
    const successors = answer.body.replaced_by as string[];
    expect(successors[1]).toBe(kept.href);
    for (const old of olds) expect(await statementOf(old.rid)).toMatchObject({ replaced_by: successors });
    expect((await read(successors[0])).replaces).toEqual(olds.map(({ href }) => href));
  });

  it("keeps what the successors succeed through their own amendments", async () => {
    const old = await createBlock();
    const answer = await blocks.change(old.rid, "replace", { by: [{ data: data("Heir") }] });
    const heir = await read((answer.body.replaced_by as string[])[0]);
    const amended = await blocks.amend(heir.rid, "1.0", { data: { name: "Heir, renamed" } });
    expect(amended.replaces).toEqual([old.href]);
  });

  it("may name a successor on another node, which is verified", async () => {
    const old = await createBlock();
    const heir = await foreign.create(data("Over there"));
    const answer = await blocks.change(old.rid, "replace", { by: [heir.href!] });
    expect([answer.status, answer.body.replaced_by]).toEqual([200, [heir.href]]);
    const nobody = String(heir.href).replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const second = await createBlock();
    const refused = await blocks.change(second.rid, "replace", { by: [nobody] });
    expect([refusal(refused), refused.body.errors]).toMatchObject(["422 reference_unresolved", [{ field: "/by" }]]);
    expect((await read(second.href)).state).toBe("active");
  });

  it("leaves a successor where two records would replace each other at once", async () => {
    const [a, b] = [await createBlock("A"), await createBlock("B")];
    const { database } = node.database;
    let tries: Promise<Answer>[] = [];
    // Both are drafted before either is written.
    await runTransaction(database, async (tx) => {
      await lockLogState(tx, "records");
      tries = [blocks.change(a.rid, "replace", { by: [b.href!] }), blocks.change(b.rid, "replace", { by: [a.href!] })];
      await setTimeout(500);
    });
    const answers = await Promise.all(tries);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    const refused = answers.find(({ status }) => status === 422)!;
    expect([refused.body.code, refused.body.errors]).toMatchObject(["reference_unresolved", [{ field: "/by" }]]);
    const states = await Promise.all([a, b].map(async ({ href }) => (await read(href)).state));
    expect(states.sort()).toEqual(["active", "replaced"]);
  });

  it("is made once, however often it is sent with the same Idempotency-Key", async () => {
    const old = await createBlock();
    const body = { by: [{ data: data("Once") }] };
    const before = await countBlocks();
    const tries = await Promise.all(
      [1, 2, 3, 4].map(() => blocks.change(old.rid, "replace", body, { "idempotency-key": "split" })),
    );
    expect(tries.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(tries.map(({ text }) => text)).size).toBe(1);
    expect(await countBlocks()).toBe(before + 1);
  });
});

describe("a successor that looks like another record", () => {
  let persons: RecordCalls;
  beforeAll(async () => {
    const duplicates = [{ name: "same-name", fields: ["name"] }];
    expect((await node.publish(definition("persons", { members: { duplicates } }))).status).toBe(201);
    persons = await createRecordCalls(node, "persons");
  });

  it("may look like those that it succeeds, and like no other unless a reason is given", async () => {
    const name = "Asha Devi";
    const [first, second, third] = [
      await persons.create(data(name)),
      await persons.create(data(name), { act: { distinct: "entered twice, to be merged" } }),
      await persons.create(data(name), { act: { distinct: "her aunt" } }),
    ];
    const merge = (act?: JsonObject) =>
      persons.change(first.rid, "replace", {
        by: [{ data: data(name) }],
        also: [{ rid: second.rid! }],
        ...(act && { act }),
      });
    const refused = await merge();
    expect(refusal(refused)).toBe("409 possible_duplicate");
    expect(refused.text).toContain(String(third.rid));
    expect(refused.text).not.toContain(String(second.rid));
    expect((await merge({ distinct: "her aunt" })).status).toBe(200);
    const [a, b] = [
      await persons.create(data("Bina")),
      await persons.create(data("Bina"), { act: { distinct: "twice" } }),
    ];
    const merged = await persons.change(a.rid, "replace", { by: [{ data: data("Bina") }], also: [{ rid: b.rid! }] });
    expect(merged.status, merged.text).toBe(200);
  });

  it("may not look like one more, however many alike it succeeds", async () => {
    const act = { distinct: "entered by hand again and again" };
    const alike: JsonObject[] = [];
    for (let at = 0; at <= DUPLICATE_CANDIDATES_MAX + 1; at++)
      alike.push(await persons.create(data("Chandra"), { act }));
    const other = alike.pop()!;
    const also = alike.slice(1).map(({ rid }) => ({ rid: rid! }));
    const refused = await persons.change(alike[0]!.rid, "replace", { by: [{ data: data("Chandra") }], also });
    expect(refusal(refused)).toBe("409 possible_duplicate");
    expect(refused.text).toContain(String(other.rid));
  });
});

describe("a replacement that cannot be made as a whole", () => {
  it("changes nothing: neither the records to be replaced nor the successors", async () => {
    const [first, second, taken] = [await createBlock(), await createBlock(), await createBlock()];
    const revoked = await createBlock();
    await blocks.revoke(revoked.rid);
    const before = await countBlocks();
    const entries = await expectSoundLog(node);
    const twins = data("Twin");
    const attempts: [JsonObject, string][] = [
      [
        { by: [{ data: data("x") }, { data: { code: (taken.data as JsonObject).code!, name: "y" } }] },
        "409 value_not_unique",
      ],
      [{ by: [{ data: twins }, { data: twins }] }, "409 value_not_unique"],
      [{ by: [{ data: data("x") }, { data: { name: "no code" } }] }, "422 record_invalid"],
      [{ by: [{ data: data("x") }], also: [{ rid: revoked.rid! }] }, "409 state_conflict"],
      [{ by: [{ data: data("x") }], also: [{ rid: second.rid!, version: 2 }] }, "412 version_conflict"],
      [{ by: [{ data: data("x") }], also: [{ rid: first.rid! }] }, "400 request_invalid"],
      [{ by: [{ data: data("x") }], also: [{ rid: second.rid! }, { rid: second.rid! }] }, "400 request_invalid"],
      [{ by: [first.href!] }, "422 reference_unresolved"],
      [{ by: [revoked.href!] }, "422 reference_unresolved"],
      [{ by: [second.href!], also: [{ rid: second.rid! }] }, "422 reference_unresolved"],
      [{ by: [] }, "400 request_invalid"],
      [{ by: ["https://example.org/"] }, "400 request_invalid"],
      [{ by: [second.href!, second.href!] }, "400 request_invalid"],
      [{ by: [{ data: data("x"), act: { reason: "its own" } }] }, "400 request_invalid"],
      [{ by: Array.from({ length: REPLACE_RECORDS_MAX + 1 }, () => ({ data: data("x") })) }, "400 request_invalid"],
      [{ by: [{ data: data("x") }], effective: "2999-01-01" }, "400 request_invalid"],
    ];
    for (const [body, expected] of attempts)
      expect([refusal(await blocks.change(first.rid, "replace", body)), JSON.stringify(body)]).toEqual([
        expected,
        JSON.stringify(body),
      ]);
    expect(await countBlocks()).toBe(before);
    expect(await expectSoundLog(node)).toBe(entries);
    for (const { href } of [first, second, taken]) expect((await read(href)).state).toBe("active");
  });

  it("says which value two of its successors would share", async () => {
    const old = await createBlock();
    const twins = data("Twin");
    const refused = await blocks.change(old.rid, "replace", { by: [{ data: twins }, { data: twins }] });
    expect(refused.body).toMatchObject({
      code: "value_not_unique",
      detail: expect.stringContaining("two records of the same request"),
      errors: [{ field: "/code" }],
    });
  });

  it("loses to another change of any of its records, whole", async () => {
    for (let round = 0; round < 5; round++) {
      const [a, b] = [await createBlock(), await createBlock()];
      const name = `Race ${round}`;
      const [merger, revocation] = await Promise.all([
        blocks.change(a.rid, "replace", { by: [{ data: data(name) }], also: [{ rid: b.rid! }] }),
        blocks.revoke(b.rid),
      ]);
      const states = await Promise.all([a, b].map(async ({ href }) => (await read(href)).state));
      const [made] = await node.database.database.sql<{ count: number }[]>`
        select count(*)::int8 as count from record_version where convert_from(decode(translate(split_part(jwt, '.', 2), '-_', '+/') ||
          repeat('=', (4 - length(split_part(jwt, '.', 2)) % 4) % 4), 'base64'), 'UTF8') like ${`%"${name}"%`}`;
      if (merger.status === 200) expect([states, made!.count]).toEqual([["replaced", "replaced"], 1]);
      else expect([states, made!.count, revocation.status]).toEqual([["active", "revoked"], 0, 200]);
      const loser = merger.status === 200 ? revocation : merger;
      expect(["412 version_conflict", "409 state_conflict"]).toContain(refusal(loser));
    }
  });

  it("can take as many as are allowed on both sides", async () => {
    const olds = await Promise.all(Array.from({ length: REPLACE_RECORDS_MAX }, () => createBlock()));
    const by = Array.from({ length: REPLACE_RECORDS_MAX }, () => ({ data: data("many") }));
    const also = olds.slice(1).map(({ rid }) => ({ rid: rid! }));
    const answer = await blocks.change(olds[0]!.rid, "replace", { by, also });
    expect([answer.status, (answer.body.replaced_by as string[]).length]).toEqual([200, REPLACE_RECORDS_MAX]);
    await expectSoundLog(node);
  });
});

describe("a creation that succeeds a record of another node", () => {
  it("says so in its token, when the record verifies", async () => {
    const old = await foreign.create(data("Moved"));
    const heir = await blocks.create(data("Moved here"), { replaces: [old.href!] });
    expect(heir.replaces).toEqual([old.href]);
    expect(payloadOf(heir.token as string).replaces).toEqual([old.href]);
  });

  it("is refused for a record of this node, for one that does not verify and for what is no record", async () => {
    const own = await createBlock();
    const nobody = `${other.entity}/registries/blocks/records/${String(own.rid)}`;
    for (const [replaces, expected] of [
      [[own.href!], "400 request_invalid"],
      [[nobody], "422 reference_unresolved"],
      [["https://example.org/x"], "400 request_invalid"],
      [[], "400 request_invalid"],
    ] as const)
      expect(refusal(await blocks.post({ data: data("x"), replaces: [...replaces] }))).toBe(expected);
  });
});
