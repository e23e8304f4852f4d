// Holds: while one stands, nothing of the record is erased, whoever asks in which way; and what they say stays with the record.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { HOLDS_PER_RECORD_MAX } from "../../src/limits.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";
import { expectSoundLog } from "../record-proofs.ts";

const ACT = { reason: "court order", instrument: "Order 7 of 2026" };
const GROUND = { instrument: "Order of the District Court of 3 March 2026" };
let node: TestNode;
let persons: RecordCalls;
let deeds: RecordCalls;
let clock = Math.floor(Date.now() / 1_000);
const tokens: Record<string, string> = {};

beforeAll(async () => {
  node = await startTestNode({ clock: () => clock });
  const coded = { acts: { reasons: { litigation: "A case is open", wrong: "It was wrong" } } };
  const registries = [
    definition("persons", { access: "consent", members: { acts: coded.acts } }),
    definition("deeds", { members: { approval: ["approver"] } }),
  ];
  for (const one of registries) expect((await node.publish(one)).status).toBe(201);
  persons = await createRecordCalls(node, "persons");
  deeds = await createRecordCalls(node, "deeds");
  for (const role of ["registrar", "approver", "reader", "auditor", "operator"] as const)
    tokens[role] = await node.token(role);
});

afterAll(() => node?.close());

let codes = 0;
const create = async () => (await persons.create({ code: `h${codes++}`, name: "Kept" })).rid as string;
const send = (role: string, rid: string, operation: string, json: Json, registry = "persons"): Promise<Answer> =>
  node.request("POST", `/registries/${registry}/records/${rid}/${operation}`, { token: tokens[role], json });
const hold = (rid: string, more: JsonObject = {}, role = "registrar") =>
  send(role, rid, "hold", { case: "CR 12/2026", act: GROUND, ...more });
const release = (rid: string, name = "CR 12/2026", role = "approver") =>
  send(role, rid, "release", { case: name, act: GROUND });
const erase = (rid: string) => persons.change(rid, "erase", { act: { ...ACT, reason: "wrong" } });
const day = (seconds: number) => new Date(seconds * 1_000).toISOString().slice(0, 10);

describe("a hold", () => {
  it("keeps a record, and each of its versions, until it is lifted; every answer says until when and what to do", async () => {
    const rid = await create();
    await persons.amend(rid, "1.0", { data: { name: "Kept still" } });
    const until = day(clock + 40 * 86_400);
    expect((await hold(rid, { until })).status).toBe(200);
    const refused = [
      await erase(rid),
      await persons.change(rid, "versions/1/erase", { act: { ...ACT, reason: "wrong" } }),
    ];
    for (const answer of refused) {
      expect(refusal(answer)).toBe("409 record_held");
      expect(answer.body.detail).toContain(`must be kept until ${until}:`);
      expect(answer.body.detail).toContain("have an approver lift");
      expect(answer.text).not.toContain("CR 12/2026");
    }
    expect((await persons.amend(rid, "2.0", { data: { name: "Amended" } })).version).toBe(3);
    expect((await release(rid)).status).toBe(200);
    expect((await persons.change(rid, "versions/1/erase", { act: { ...ACT, reason: "wrong" } })).status).toBe(200);
    expect((await erase(rid)).status).toBe(200);
    const { sql } = node.database.database;
    expect(await sql`select 1 from record_hold where rid = ${rid}`).toHaveLength(0);
    await expectSoundLog(node);
  });

  it("of each case stands by itself, and the same one sent twice counts once", async () => {
    const rid = await create();
    await hold(rid);
    expect(((await hold(rid)).body.holds as Json[]).length).toBe(1);
    expect(((await hold(rid, { case: "Tax 9" })).body.holds as Json[]).length).toBe(2);
    expect((await erase(rid)).body.detail).toContain("2 holds stand");
    const lifted = (await release(rid)).body as { holds: JsonObject[] };
    const holds = lifted.holds.toSorted((a, b) => (String(a.case) < String(b.case) ? -1 : 1));
    expect(holds.map(({ case: name, in_force }) => [name, in_force])).toEqual([
      ["CR 12/2026", false],
      ["Tax 9", true],
    ]);
    expect(holds[0]).toMatchObject({
      released: { role: "approver", instrument: GROUND.instrument, at: expect.any(String) },
    });
    expect(refusal(await erase(rid))).toBe("409 record_held");
    expect(refusal(await release(rid))).toBe("404 hold_unknown");
    expect((await release(rid, "Tax 9")).status).toBe(200);
    expect((await erase(rid)).status).toBe(200);
    expect(refusal(await hold(rid))).toBe("410 record_erased");
  });

  it("holds nothing once its day is over", async () => {
    const rid = await create();
    const before = clock;
    await hold(rid, { until: new Date((clock + 60) * 1_000).toISOString() });
    clock = before + 59;
    expect(refusal(await erase(rid))).toBe("409 record_held");
    clock = before + 60;
    expect((await persons.get(rid, "", tokens.reader)).body.holds).toMatchObject([{ in_force: false }]);
    expect(refusal(await release(rid))).toBe("404 hold_unknown");
    expect((await erase(rid)).status).toBe(200);
  });

  it("is placed by registrars and approvers, lifted by approvers alone, and by nobody else", async () => {
    const rid = await create();
    for (const role of ["reader", "auditor", "operator"])
      for (const operation of ["hold", "release"])
        expect(refusal(await send(role, rid, operation, { case: "x", act: GROUND }))).toBe("403 permission_denied");
    expect((await hold(rid, {}, "approver")).status).toBe(200);
    expect(refusal(await release(rid, "CR 12/2026", "registrar"))).toBe("403 permission_denied");
    const other = await node.token("approver", { registries: ["deeds"] });
    const path = `/registries/persons/records/${rid}/release`;
    expect(refusal(await node.request("POST", path, { token: other, json: { case: "x", act: GROUND } }))).toBe(
      "403 permission_denied",
    );
  });

  it("says on which ground, for which case, and until a time to come", async () => {
    const rid = await create();
    const cases: [JsonObject, string][] = [
      [{ act: {} }, "422 act_incomplete"],
      [{ act: { ...GROUND, note: "because" } }, "400 request_invalid"],
      [{ act: { reason: "no code of the registry" } }, "422 act_incomplete"],
      [{ case: " " }, "400 request_invalid"],
      [{ case: "x".repeat(201) }, "400 request_invalid"],
      [{ until: day(clock - 2 * 86_400) }, "400 request_invalid"],
      [{ until: "soon" }, "400 request_invalid"],
      [{ confidential: "yes" }, "400 request_invalid"],
      [{ forever: true }, "400 request_invalid"],
    ];
    for (const [more, expected] of cases) expect([more, refusal(await hold(rid, more))]).toEqual([more, expected]);
    expect((await hold(rid, { act: { reason: "litigation" } })).body.holds).toMatchObject([
      { reason: "litigation", reason_text: "A case is open", in_force: true, confidential: false },
    ]);
    expect(refusal(await hold("4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60"))).toBe("404 record_unknown");
  });

  it("is shown to staff with the record, and a confidential one to those alone who may place holds", async () => {
    const rid = await create();
    const before = await persons.get(rid, "", tokens.reader);
    expect(before.body).not.toHaveProperty("holds");
    await hold(rid, { confidential: true });
    const etag = before.headers.get("etag")!;
    const again = await node.request("GET", persons.path(rid), {
      token: tokens.reader,
      headers: { "if-none-match": etag },
    });
    expect([again.status, again.body.holds]).toEqual([
      200,
      [{ id: expect.any(String), in_force: true, confidential: true }],
    ]);
    const whole = (await persons.get(rid, "", tokens.approver)).body.holds;
    expect(whole).toMatchObject([{ case: "CR 12/2026", instrument: GROUND.instrument, role: "registrar" }]);
  });

  it("is kept sealed: neither case nor ground stands in the database", async () => {
    const rid = await create();
    const said = `Case-${Date.now()}`;
    await hold(rid, { case: said, act: { instrument: `${said} of the court` } });
    const { sql } = node.database.database;
    const rows = await sql<{ sealed: Uint8Array }[]>`select sealed from record_hold where rid = ${rid}`;
    expect(Buffer.from(rows[0]!.sealed).toString("latin1")).not.toContain(said);
  });

  it("stands though somebody with the database changed its row; what deleting it does is told in docs/keys.md", async () => {
    const rid = await create();
    await hold(rid, { until: day(clock + 86_400 * 9) });
    const { sql } = node.database.database;
    await sql`update record_hold set until = 1 where rid = ${rid}`;
    expect(refusal(await erase(rid))).toBe("409 record_held");
    await sql`update record_hold set released = '\\x00' where rid = ${rid}`;
    expect(refusal(await erase(rid))).toBe("409 record_held");
    await sql`update record_hold set sealed = '\\x00', released = null, until = 1 where rid = ${rid}`;
    expect(refusal(await erase(rid))).toBe("409 record_held");
    expect((await persons.get(rid, "", tokens.approver)).body.holds).toMatchObject([
      { in_force: true, case: expect.stringContaining("damaged") },
    ]);
  });

  it("is one of at most so many", async () => {
    const rid = await create();
    await node.database.database.sql`
      insert into record_hold (id, rid, until, sealed)
      select gen_random_uuid(), ${rid}, 1, '\\x00' from generate_series(1, ${HOLDS_PER_RECORD_MAX - 1})`;
    expect((await hold(rid)).status).toBe(200);
    expect(refusal(await hold(rid, { case: "one more" }))).toBe("413 too_many_items");
  });

  it("that ended is none of these, and is forgotten once so many later ones ended", async () => {
    const rid = await create();
    const until = new Date((clock + 60) * 1_000).toISOString();
    for (let n = 0; n < HOLDS_PER_RECORD_MAX; n++)
      expect((await hold(rid, { case: `Brief ${n}`, until })).status).toBe(200);
    expect(refusal(await hold(rid))).toBe("413 too_many_items");
    clock += 60;
    const later = new Date((clock + 60) * 1_000).toISOString();
    expect((await hold(rid, { case: "Next", until: later })).body.holds).toHaveLength(HOLDS_PER_RECORD_MAX + 1);
    clock += 60;
    const holds = (await hold(rid)).body.holds as JsonObject[];
    expect(holds).toHaveLength(HOLDS_PER_RECORD_MAX + 1);
    const kept = holds.map(({ case: name }) => name);
    expect(kept).toContain("Next");
    expect(holds.filter(({ in_force }) => in_force)).toMatchObject([{ case: "CR 12/2026" }]);
    expect(await node.database.database.sql`select 1 from record_hold where rid = ${rid}`).toHaveLength(kept.length);
  });
});

describe("where others approve", () => {
  const approve = async ({ body }: Answer): Promise<Answer> => {
    const { href } = body.proposal as { href: string };
    return node.request("POST", `${href.slice(node.entity.length)}/approve`, { token: tokens.approver, json: {} });
  };

  it("an erasure is refused when it is proposed, and when it is decided though it was proposed before", async () => {
    const created = (await approve(await deeds.post({ data: { code: `d${codes++}`, name: "Deed" } }))).body;
    const { rid } = created.result as { rid: string };
    const proposed = await deeds.change(rid, "erase", { act: ACT });
    expect(proposed.status).toBe(202);
    expect((await send("registrar", rid, "hold", { case: "C", act: GROUND }, "deeds")).status).toBe(200);
    expect(refusal(await deeds.change(rid, "erase", { act: ACT }))).toBe("409 record_held");
    expect(refusal(await approve(proposed))).toBe("409 record_held");
    expect((await deeds.get(rid)).status).toBe(200);
    const shown = await node.request(
      "GET",
      (proposed.body.proposal as { href: string }).href.slice(node.entity.length),
      {
        token: tokens.registrar,
      },
    );
    expect(shown.body).toMatchObject({ state: "failed", code: "record_held" });
  });
});

describe("a hold and an erasure at once", () => {
  it("come in one order: either the record stays and is held, or it is erased and nothing holds it", async () => {
    const { sql } = node.database.database;
    const seen = new Set<string>();
    for (let round = 0; round < 24; round++) {
      const rid = await create();
      const late = round % 4;
      const later = async (first: boolean, run: () => Promise<Answer>) => {
        await sleep(first ? 0 : late * 3);
        return run();
      };
      const [held, erased] = await Promise.all([
        later(round % 2 === 0, () => hold(rid)),
        later(round % 2 === 1, () => erase(rid)),
      ]);
      const [row] = await sql<{ state: string; holds: number }[]>`
        select state, (select count(*)::int from record_hold h where h.rid = r.rid) as holds from record r where rid = ${rid}`;
      const outcome = [refusal(held), refusal(erased), row!.state, row!.holds].join(", ");
      seen.add(outcome);
      expect(["200 undefined, 409 record_held, active, 1", "410 record_erased, 200 undefined, erased, 0"]).toContain(
        outcome,
      );
    }
    // Both happen, or the rounds proved nothing.
    expect(seen.size).toBe(2);
  });

  it("a hold that is not committed yet is waited for at the lock, and wins", async () => {
    const rid = await create();
    const { sql } = node.database.database;
    let erased: Promise<Answer> | undefined;
    await sql.begin(async (tx) => {
      await tx`select 1 from record where rid = ${rid} for update`;
      erased = erase(rid);
      await sleep(300);
      await tx`insert into record_hold (id, rid, until, sealed) values (gen_random_uuid(), ${rid}, null, '\\x00')`;
    });
    expect(refusal(await erased!)).toBe("409 record_held");
  });
});
