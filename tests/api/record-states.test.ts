// The states of a record over HTTP: which operation leads where, what is signed and who may read it, since when it holds.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBase64url } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { verifyJws } from "../../src/crypto/jws.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";
import { expectSoundLog, lastEntries, statusesOf } from "../record-proofs.ts";

let node: TestNode;
let calls: RecordCalls;
let people: RecordCalls;

const ERASE = { act: { reason: "court order", instrument: "Order 7" } };

beforeAll(async () => {
  node = await startTestNode();
  const plain = definition("wells", { properties: { depth: { type: "integer" } } });
  const strict = definition("people", {
    access: "consent",
    properties: { born: { type: "string", format: "date" } },
    members: {
      acts: {
        reasons: { correction: "Correction", death: { en: "Death", hi: "मृत्यु" }, order: "By order" },
        required: { suspend: ["reason", "instrument"], end: ["reason"], amend: ["reason", "note"] },
      },
    },
  });
  for (const one of [plain, strict]) expect((await node.publish(one)).status).toBe(201);
  calls = await createRecordCalls(node, "wells");
  people = await createRecordCalls(node, "people");
});

afterAll(() => node?.close());

let codes = 0;
const createWell = (envelope?: JsonObject) => calls.create({ code: `W${codes++}`, name: "Well" }, envelope);

/** A well that these operations were done on, one after the other. */
async function wellAfter(...operations: string[]): Promise<JsonObject> {
  const well = await createWell();
  for (const operation of operations) {
    const body = operation === "erase" ? ERASE : operation === "replace" ? replacement() : undefined;
    const answer = await calls.change(well.rid, operation, body);
    expect(answer.status, `${operation}: ${answer.text}`).toBe(200);
  }
  return well;
}

const replacement = () => ({ by: [{ data: { code: `W${codes++}`, name: "Successor" } }] });

async function statementOf(rid: unknown): Promise<{ statement: string; sealed: Uint8Array; effectiveAt: number }> {
  const rows = await node.database.database.sql<{ statement: string; sealed: Uint8Array; effectiveAt: number }[]>`
    select statement, sealed, effective_at as "effectiveAt" from record_state where rid = ${String(rid)} order by number desc limit 1`;
  return rows[0]!;
}

describe("the life of a record", () => {
  const ways: Record<string, string[]> = {
    active: [],
    suspended: ["suspend"],
    revoked: ["revoke"],
    ended: ["end"],
    replaced: ["replace"],
    erased: ["erase"],
  };
  const operations = ["amend", "suspend", "reinstate", "revoke", "end", "replace", "erase"];
  // Written from DESIGN section 5, in the order of the operations above.
  const expected: Record<string, string[]> = {
    active: ["active", "suspended", "-", "revoked", "ended", "replaced", "erased"],
    suspended: ["-", "-", "active", "revoked", "ended", "replaced", "erased"],
    revoked: ["-", "-", "-", "-", "-", "-", "erased"],
    ended: ["-", "-", "-", "-", "-", "-", "erased"],
    replaced: ["-", "-", "-", "-", "-", "-", "erased"],
    erased: ["gone", "gone", "gone", "gone", "gone", "gone", "gone"],
  };

  it.each(Object.keys(ways))("goes on from %s as the table says, and each refusal says what to do", async (state) => {
    for (const [at, operation] of operations.entries()) {
      const { rid } = await wellAfter(...ways[state]!);
      const etag = `"1.${ways[state]!.length}"`;
      const body = operation === "erase" ? ERASE : operation === "replace" ? replacement() : undefined;
      const answer =
        operation === "amend"
          ? await calls.patch(rid, { data: { name: "Amended" } }, { "if-match": etag })
          : await calls.change(rid, operation, body);
      const outcome =
        refusal(answer) === "409 state_conflict"
          ? "-"
          : refusal(answer) === "410 record_erased"
            ? "gone"
            : answer.body.state;
      expect([operation, outcome]).toEqual([operation, expected[state]![at]]);
      if (answer.status === 409) expect(answer.body.detail).toMatch(/^the record is \w+.*[;,] /);
    }
  });

  it("leaves in the status lists what the state says of each version", async () => {
    const later: [string[], number[]][] = [
      [[], [3, 0]],
      [["suspend"], [3, 2]],
      [
        ["suspend", "reinstate"],
        [3, 0],
      ],
      [["end"], [3, 3]],
      [["replace"], [3, 3]],
      [["revoke"], [1, 1]],
      [["erase"], [1, 1]],
      [
        ["end", "erase"],
        [1, 1],
      ],
    ];
    for (const [operations, statuses] of later) {
      const { rid } = await createWell();
      await calls.amend(rid, "1.0", { data: { depth: 3 } });
      for (const operation of operations)
        expect(
          (
            await calls.change(
              rid,
              operation,
              operation === "erase" ? ERASE : operation === "replace" ? replacement() : {},
            )
          ).status,
        ).toBe(200);
      expect([operations, await statusesOf(node, rid)]).toEqual([operations, statuses]);
    }
  });

  it("is in the log, an entry for every operation, and the log audits", async () => {
    await wellAfter("suspend", "reinstate", "end", "erase");
    expect((await lastEntries(node, 5)).map(({ e }) => e)).toEqual(["create", "suspend", "reinstate", "end", "erase"]);
    await expectSoundLog(node);
  });

  it("is written by registrars alone", async () => {
    const { rid } = await createWell();
    for (const role of ["reader", "approver", "operator", "auditor"] as const)
      for (const operation of ["suspend", "reinstate", "revoke", "end", "replace", "erase"])
        expect(
          refusal(
            await node.request("POST", `${calls.path(rid)}/${operation}`, { token: await node.token(role), json: {} }),
          ),
        ).toBe("403 permission_denied");
  });
});

describe("unique values", () => {
  it("are free again when the record that had them was wrong, and only then", async () => {
    for (const [operation, outcome] of [
      ["revoke", "201"],
      ["erase", "201"],
      ["end", "409"],
      ["suspend", "409"],
    ]) {
      const well = await createWell();
      await calls.change(well.rid, operation!, operation === "erase" ? ERASE : undefined);
      const again = await calls.post({ data: well.data! });
      expect([operation, String(again.status)]).toEqual([operation, outcome]);
    }
  });
});

describe("a state statement", () => {
  it("is signed by the record key, open but for what may be about a person, which is kept sealed", async () => {
    const { rid } = await createWell();
    const act = { reason: "the neighbour complained", instrument: "Order 9", note: "Mr. Nadar called" };
    await calls.change(rid, "suspend", { act, effective: "2020-02-29" });
    const { statement, sealed, effectiveAt } = await statementOf(rid);
    const { payload } = await verifyJws(statement, {
      typ: "attestry-state+jwt",
      keys: [node.secrets.signers.record.publicKey],
    });
    expect(payload).toMatchObject({ iss: node.entity, rid, rver: 1, op: "suspend", effective: "2020-02-29" });
    expect(payload.act).toEqual({
      operation: "suspend",
      role: "registrar",
      instrument: "Order 9",
      _sd: expect.arrayContaining([expect.stringMatching(/^[\w-]{43}$/)]),
    });
    expect((payload.act as JsonObject)._sd).toHaveLength(3);
    expect(effectiveAt).toBe(Date.UTC(2020, 1, 29) / 1_000);
    expect(Buffer.from(sealed).toString("latin1")).not.toContain("Nadar");
    expect(Buffer.from(decodeBase64url(statement.split(".")[1]!)).toString()).not.toContain("Nadar");
  });

  it("has a reason of the definition's list open, and the instrument of a registry with personal fields sealed", async () => {
    const { rid } = await people.create({ code: "X1", name: "Asha" });
    const ended = await people.change(rid, "end", {
      act: { reason: "death", instrument: "Register 12/3" },
      effective: "2026-01-31",
    });
    expect(ended.body).toMatchObject({ state: "ended" });
    const { payload } = await verifyJws((await statementOf(rid)).statement, {
      typ: "attestry-state+jwt",
      keys: [node.secrets.signers.record.publicKey],
    });
    expect(payload.act).toEqual({
      operation: "end",
      role: "registrar",
      reason: "death",
      _sd: [expect.any(String), expect.any(String)],
    });
  });

  it("tells since when it holds, but neither of the future nor of what was always so", async () => {
    const { rid } = await createWell();
    const future = await calls.change(rid, "end", { effective: "2999-01-01" });
    expect([refusal(future), future.body.errors]).toMatchObject(["400 request_invalid", [{ field: "/effective" }]]);
    const always = await calls.change(rid, "revoke", { effective: "2020-01-01" });
    expect([refusal(always), always.body.errors]).toMatchObject(["400 request_invalid", [{ field: "/effective" }]]);
    expect(refusal(await calls.change(rid, "end", { effective: "2020-02-31" }))).toBe("400 request_invalid");
    expect((await calls.get(rid)).body.state).toBe("active");
  });
});

describe("what the definition asks of an act", () => {
  const missing = (answer: { body: JsonObject }) => (answer.body.errors as JsonObject[]).map(({ field }) => field);

  it("is named member by member, with the codes to choose from", async () => {
    const { rid } = await people.create({ code: "A1", name: "Asha" });
    const nothing = await people.change(rid, "suspend");
    expect([refusal(nothing), missing(nothing)]).toEqual(["422 act_incomplete", ["/act/reason", "/act/instrument"]]);
    expect(JSON.stringify(nothing.body.errors)).toContain("correction, death, order");
    const free = await people.change(rid, "suspend", { act: { reason: "because", instrument: "Order 1" } });
    expect([refusal(free), missing(free)]).toEqual(["422 act_incomplete", ["/act/reason"]]);
    const amend = await people.patch(
      rid,
      { data: { name: "Usha" }, act: { reason: "correction" } },
      { "if-match": '"1.0"' },
    );
    expect([refusal(amend), missing(amend)]).toEqual(["422 act_incomplete", ["/act/note"]]);
    const create = await people.post({ data: { code: "A2", name: "Bina" }, act: { reason: "because" } });
    expect([refusal(create), missing(create)]).toEqual(["422 act_incomplete", ["/act/reason"]]);
    expect((await people.change(rid, "suspend", { act: { reason: "order", instrument: "Order 1" } })).status).toBe(200);
  });

  it("is always a reason and an instrument for an erasure, and never a note, which would outlive it", async () => {
    const { rid } = await createWell();
    const nothing = await calls.change(rid, "erase");
    expect([refusal(nothing), missing(nothing)]).toEqual(["422 act_incomplete", ["/act/reason", "/act/instrument"]]);
    const noted = await calls.change(rid, "erase", { act: { ...ERASE.act, note: "asked for by Asha" } });
    expect([refusal(noted), missing(noted)]).toEqual(["400 request_invalid", ["/act/note"]]);
  });
});

describe("If-Match and Idempotency-Key", () => {
  it("bind a change of state to what its writer read", async () => {
    const { rid } = await createWell();
    expect(refusal(await calls.change(rid, "suspend", undefined, { "if-match": '"2.0"' }))).toBe(
      "412 version_conflict",
    );
    const suspended = await calls.change(rid, "suspend", undefined, { "if-match": '"1.0"' });
    expect(suspended.headers.get("etag")).toBe('"1.1"');
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => calls.change(rid, "reinstate", undefined, { "if-match": '"1.1"' })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
  });

  it("give a retry the answer of the first try, of every operation", async () => {
    const { rid } = await createWell();
    let key = 0;
    for (const operation of ["suspend", "reinstate", "end", "erase"]) {
      const headers = { "idempotency-key": `state-${rid}-${key++}` };
      const body = operation === "erase" ? ERASE : { act: { note: operation } };
      const tries = await Promise.all([1, 2, 3].map(() => calls.change(rid, operation, body, headers)));
      expect(tries.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(new Set(tries.map(({ text }) => text)).size).toBe(1);
      expect(refusal(await calls.change(rid, operation, { act: { reason: "x", instrument: "y" } }, headers))).toBe(
        "422 idempotency_key_reused",
      );
    }
    expect((await lastEntries(node, 5)).map(({ e }) => e)).toEqual(["create", "suspend", "reinstate", "end", "erase"]);
  });
});

describe("an amendment's time", () => {
  const at = async (rid: unknown, validAt: string) =>
    ((await calls.get(rid, `?validAt=${validAt}`)).body.data as JsonObject | undefined)?.name;

  it("does not begin in the future, for nothing would be in effect until then", async () => {
    const { rid } = await createWell({ valid_from: "2020-01-01" });
    const ahead = await calls.patch(rid, { data: { name: "New" }, valid_from: "2999-01-01" }, { "if-match": '"1.0"' });
    expect([refusal(ahead), ahead.body.errors]).toMatchObject(["422 record_invalid", [{ field: "/valid_from" }]]);
    // A record that is not in effect yet may be put off further.
    const later = await createWell({ valid_from: "2998-01-01" });
    expect((await calls.amend(later.rid, "1.0", { valid_from: "2999-01-01" })).version).toBe(2);
  });

  it("before the current version's is a correction of the past: what is current stays so, as a version of its own", async () => {
    const { rid } = await createWell({ valid_from: "2018-10-16" });
    const patch = {
      data: { name: "Old well" },
      valid_from: "2000-01-01",
      valid_until: "2018-10-15",
      act: { note: "found" },
    };
    const corrected = await calls.patch(rid, patch, { "if-match": '"1.0"' });
    expect(corrected.body).toMatchObject({
      version: 3,
      state: "active",
      valid_from: "2018-10-16",
      data: { name: "Well" },
    });
    expect(corrected.headers.get("etag")).toBe('"3.0"');
    expect(corrected.body).not.toHaveProperty("valid_until");
    expect(await statusesOf(node, rid)).toEqual([3, 3, 0]);
    expect([await at(rid, "2010-06-01"), await at(rid, "2018-10-15"), await at(rid, "2018-10-16")]).toEqual([
      "Old well",
      "Old well",
      "Well",
    ]);
    expect(await at(rid, "1999-12-31")).toBeUndefined();
    const entries = await lastEntries(node, 3);
    expect(entries.map(({ e }) => e)).toEqual(["create", "amend", "amend"]);
    await expectSoundLog(node);
    // Nothing that it is found by has moved.
    expect((await calls.post({ data: corrected.body.data! })).status).toBe(409);
  });

  it("that overlaps the current version's makes the next version, and no correction", async () => {
    const { rid } = await createWell({ valid_from: "2018-10-16" });
    expect((await calls.amend(rid, "1.0", { valid_from: "2000-01-01" })).version).toBe(2);
  });
});
