// What people share by a link and a code: who opens it is bound, logged and counted, and a stranger learns nothing. One node below an anchor, over real HTTP.
import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import type { ShareDraft } from "../../src/disclosure/share.ts";
import { createShareCode, formatShareCode, readShareCode } from "../../src/disclosure/share.ts";
import type { OpenedShare } from "../../src/disclosure/share-opening-service.ts";
import type { OwnShare } from "../../src/disclosure/share-service.ts";
import { AttestryError } from "../../src/errors.ts";
import { createStrangerWork } from "../../src/http/stranger-work.ts";
import type { Citizen } from "../../src/identity/caller.ts";
import { addSealingGeneration, dropFormerSealing } from "../../src/secrets.ts";
import type { VerifyOptions } from "../../src/verification/policy.ts";
import { parsePresentation } from "../../src/verification/presentation.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { caughtCode, settledCode } from "../caught-code.ts";
import { PERSONS } from "../consent-world.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { dumpTables, findTraces } from "../personal-traces.ts";
import { rotationOf } from "../sealing-world.ts";

const DAY = 86_400;
const BANK = "Lakeside Bank 93c1be";
const AIM = "Opening an account 77e1f0";
let offset = 0;
const clock = () => Math.floor(Date.now() / 1_000) + offset;
let anchor: TestNode;
let node: TestNode;
let registrar: string;
/** Records by the number of the person. */
const rids = new Map<string, string>();

const citizen = (id: string): Citizen => ({
  kind: "citizen",
  issuer: "https://id.example",
  subject: id,
  name: `Person ${id}`,
  claims: { national_id: id },
});

const draft = (id: string, changes: Partial<ShareDraft> = {}): ShareDraft => ({
  id: randomUUID(),
  registry: "persons",
  rid: rids.get(id)!,
  fields: ["name", "born"],
  recipient: BANK,
  purpose: AIM,
  expiresAt: clock() + 7 * DAY,
  isOneTime: false,
  language: "en",
  ...changes,
});

const share = (id: string, changes: Partial<ShareDraft> = {}) =>
  node.node.shares.create(citizen(id), draft(id, changes));
const open = (made: { share: OwnShare; code: string }, requestId?: string): Promise<OpenedShare> =>
  node.node.shareOpenings.open({ id: made.share.id, code: made.code, requestId });
const own = async (id: string, shareId: string) =>
  (await node.node.shares.list(citizen(id))).find((one) => one.id === shareId)!;
const post = (json: JsonObject) => node.request("POST", "/shares:open", { json });
const wrongOf = (code: string) => `${code.slice(0, -1)}${(Number(code.at(-1)) + 1) % 10}`;

async function addPerson(id: string): Promise<void> {
  const json = { data: { national_id: id, name: `Person ${id}`, born: "1990-01-02", address: { city: "Northmarch" } } };
  const answer = await node.request("POST", "/registries/persons/records", { token: registrar, json });
  expect(answer.status, answer.text).toBe(201);
  rids.set(id, String(answer.body.rid));
}

async function change(id: string, method: string, below: string, json: JsonObject): Promise<void> {
  const path = `/registries/persons/records/${rids.get(id)}`;
  const { headers } = await node.request("GET", path, { token: registrar, headers: { accept: "application/json" } });
  const etag = { "if-match": headers.get("etag")! };
  const answer = await node.request(method, `${path}${below}`, { token: registrar, json, headers: etag });
  expect(answer.status, answer.text).toBe(200);
}

const act = (id: string, operation: string) =>
  change(id, "POST", `/${operation}`, { act: { reason: "test", instrument: "Order 1" } });

async function judge(evidence: unknown, options: Partial<VerifyOptions> = {}) {
  const verifier = createVerifier({ anchors: [anchor.pin(["persons"])], statusMaxAgeSeconds: 1_000 });
  const report = await verifier.verify(evidence, { now: clock(), ...options });
  const codeOf = (name: string) => report.checks.find(({ check }) => check === name)!.code;
  return { verdict: report.verdict, binding: codeOf("binding"), inclusion: codeOf("inclusion"), report };
}

beforeAll(async () => {
  anchor = await startTestNode();
  node = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(["persons", "notes"])], clock });
  await anchor.node.federation.acceptSubordinate({ entity: node.entity, registryTypes: ["persons", "notes"] });
  const notes = definition("notes", { access: "consent" });
  for (const one of [PERSONS, notes]) expect((await node.publish(one)).status).toBe(201);
  registrar = await node.token("registrar");
  for (const id of ["A-1", "A-2", "S-1", "E-1", "M-1", "V-1", "R-1", "C-1", "T-1"]) await addPerson(id);
}, 60_000);

afterAll(async () => {
  await node?.close();
  await anchor?.close();
});

describe("what somebody shares", () => {
  it("shows just the chosen fields, with evidence that verifies, binding and all, and without the record's key", async () => {
    const made = await share("A-1", { fields: ["born", "address.city"] });
    const answer = await post({ share: `${node.entity}/shared/${made.share.id}`, code: formatShareCode(made.code) });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
    expect(answer.body).toMatchObject({
      registry: "persons",
      recipient: BANK,
      purpose: AIM,
      one_time: false,
      fields: ["address.city", "born"],
      data: { born: "1990-01-02", address: { city: "Northmarch" } },
    });
    expect(answer.text).not.toContain("Person A-1");
    const { verdict, binding, inclusion, report } = await judge(answer.body.evidence);
    expect([verdict, binding, inclusion]).toEqual(["valid", "passed_by_share", "passed_without_tag"]);
    expect(report.record!.data).toEqual(answer.body.data);
    const claims = decodeJws((answer.body.evidence as { presentation: { token: string } }).presentation.token).payload;
    const terms = decodeJws(String(answer.body.terms)).payload;
    expect(claims).toMatchObject({
      aud: `${node.entity}/shared/${made.share.id}`,
      purpose: AIM,
      basis: { share: made.share.id },
      event: { index: answer.body.access_log_index },
    });
    expect(terms).toMatchObject({ fields: ["born", "address.city"], recipient: BANK, exp: made.share.expiresAt });
    // A node that is asked judges it alike.
    const checked = await node.request("POST", "/verify", { json: answer.body.evidence as JsonObject });
    expect(checked.body.verdict).toBe("valid");
  });

  it("is for a node alone where the person names one", async () => {
    const made = await share("A-1", { entity: "https://welfare.example" });
    const { evidence } = await open(made);
    // A day, of a share that lasts for a week: what was ended is not shown for long by who kept the file.
    const { exp, iat } = decodeJws(evidence.presentation!.token).payload;
    expect([Number(exp) - Number(iat), made.share.expiresAt > Number(exp)]).toEqual([86_400, true]);
    for (const [options, expected] of [
      [{ reader: "https://welfare.example" }, ["valid", "passed_by_share"]],
      [{ expected: { audience: "https://welfare.example" } }, ["valid", "passed_by_share"]],
      [{}, ["undecided", "presentation_audience_not_given"]],
      [{ reader: "https://tax.example" }, ["undecided", "presentation_audience_not_given"]],
      [{ expected: { audience: "https://tax.example" } }, ["invalid", "presentation_audience_wrong"]],
      [
        { expected: { audience: "https://welfare.example", nonce: "another-question" } },
        ["invalid", "presentation_nonce_wrong"],
      ],
    ] as [Partial<VerifyOptions>, string[]][]) {
      const { verdict, binding } = await judge(evidence, options);
      expect([options, verdict, binding]).toEqual([options, ...expected]);
    }
    // Fields that were taken out of it are no longer what was given.
    const [jwt, first, ...rest] = evidence.token.split("~");
    expect(rest.length).toBe(2);
    expect(
      (await judge({ ...evidence, token: `${jwt}~${first}~` }, { reader: "https://welfare.example" })).binding,
    ).toBe("presentation_token_mismatch");
  });

  it("is opened again as the same opening by the same number, and as another by another", async () => {
    const made = await share("A-1", { isOneTime: true });
    const first = await open(made, "request-1");
    expect((await open(made, "request-1")).reading).toEqual(first.reading);
    expect(await settledCode(open(made, "request-2"))).toBe("share_used");
    const often = await share("A-1");
    const readings = [await open(often), await open(often)].map(({ reading }) => reading.index);
    expect(new Set(readings).size).toBe(2);
    expect(await own("A-1", often.share.id)).toMatchObject({ state: "open", openings: 2 });
    const { openedAt, state } = await own("A-1", made.share.id);
    expect([state, openedAt.length]).toEqual(["used", 1]);
  });

  it("and each opening and decision is an event of the person's, in order; nothing of it stands in clear", async () => {
    const made = await share("A-2");
    const { reading } = await open(made);
    await node.node.shares.end(citizen("A-2"), made.share.id);
    const { entries } = await node.node.usage.list(citizen("A-2"));
    expect(entries.map(({ action, operation }) => [operation, action])).toEqual([
      ["consent", "end-share"],
      ["read", "open"],
      ["consent", "share"],
    ]);
    expect(entries[1]).toMatchObject({
      logIndex: reading.index,
      by: { share: made.share.id },
      fields: ["born", "name"],
      purpose: AIM,
      basis: { share: made.share.id },
      share: { with: BANK },
    });
    const shared = await node.node.usage.list(citizen("A-2"), { consumer: "shared" });
    expect(shared.entries.map(({ action }) => action)).toEqual(["open"]);
    expect(await node.node.usage.check(citizen("A-2"))).toEqual([]);
    expect((await node.node.localAudit.audit({})).ok).toBe(true);
    const dumps = await dumpTables(node.database.database);
    expect(dumps.get("table share")).toContain(made.share.id);
    expect(findTraces(dumps, [BANK, AIM, made.code, "Person A-2"])).toEqual([]);
  });

  it("is seen and ended by nobody else", async () => {
    const { id } = (await share("A-1")).share;
    expect(await settledCode(node.node.shares.end(citizen("A-2"), id))).toBe("share_unknown");
    expect((await node.node.shares.list(citizen("A-2"))).map((one) => one.id)).not.toContain(id);
    expect(await settledCode(node.node.shares.end(citizen("A-1"), "nothing"))).toBe("share_unknown");
    await node.node.shares.end(citizen("A-1"), id);
    expect(await settledCode(node.node.shares.end(citizen("A-1"), id))).toBe("share_state_conflict");
  });
});

describe("a person's own copy", () => {
  it("verifies as one: for whoever is the person, and for no reader that asked a question", async () => {
    const { ownRecords } = { ownRecords: node.node.ownRecords };
    const evidence = await ownRecords.evidence(citizen("A-1"), { registry: "persons", rid: rids.get("A-1")! });
    const { verdict, binding, report } = await judge(evidence);
    expect([verdict, binding]).toEqual(["valid", "passed_as_copy"]);
    expect(report.checks.find(({ check }) => check === "binding")!.message).toContain("check who shows it");
    expect((await judge(evidence, { expected: { audience: "https://welfare.example" } })).binding).toBe(
      "presentation_audience_wrong",
    );
    expect((await judge(evidence, { now: clock() + 91 * DAY })).binding).not.toBe("passed_as_copy");
    const { aud, basis } = decodeJws(evidence.presentation!.token).payload;
    expect([aud, basis]).toEqual(["print", { own: true }]);
    const [all] = await ownRecords.exportAll(citizen("A-1"));
    expect((await judge(all!.evidence)).binding).toBe("passed_as_copy");
  });
});

describe("what cannot be shared", () => {
  it.each<[string, () => Partial<ShareDraft>, string, string?]>([
    ["no field", () => ({ fields: [] }), "share_invalid", "/fields"],
    ["a field that there is not", () => ({ fields: ["name", "salary"] }), "share_invalid", "/fields"],
    ["a field that the record lacks", () => ({ fields: ["phone"] }), "share_invalid", "/fields"],
    ["a group whose members are fields", () => ({ fields: ["address"] }), "share_invalid", "/fields"],
    ["for nobody", () => ({ recipient: "  " }), "share_invalid", "/recipient"],
    ["for somebody with a very long name", () => ({ recipient: "x".repeat(201) }), "share_invalid", "/recipient"],
    ["for nothing", () => ({ purpose: "" }), "share_invalid", "/purpose"],
    ["for a node that is none", () => ({ entity: "welfare" }), "share_invalid", "/entity"],
    ["for a node with a path that ends", () => ({ entity: "https://welfare.example/" }), "share_invalid", "/entity"],
    ["until before now", () => ({ expiresAt: clock() - 1 }), "share_invalid", "/expires_at"],
    ["until no day", () => ({ expiresAt: Number.NaN }), "share_invalid", "/expires_at"],
    ["for longer than 90 days", () => ({ expiresAt: clock() + 92 * DAY }), "share_invalid", "/expires_at"],
    ["under no number", () => ({ id: "nothing" }), "share_invalid", "/id"],
    ["another's record", () => ({ rid: rids.get("A-2")! }), "record_unknown"],
    ["a record that there is not", () => ({ rid: randomUUID() }), "record_unknown"],
    ["of a registry without people", () => ({ registry: "notes" }), "record_unknown"],
    ["of no registry", () => ({ registry: "nothing" }), "registry_unknown"],
  ])("%s", async (_name, changes, code, field) => {
    const error = await share("A-1", changes()).then(
      () => undefined,
      (thrown: unknown) => thrown as { code: string; details: { field: string }[] },
    );
    expect([error?.code, error?.details[0]?.field]).toEqual([code, field]);
  });

  it("more than somebody keeps an eye on", async () => {
    const { id } = (await share("C-1")).share;
    const { sql } = node.database.database;
    expect(await settledCode(share("C-1"))).toBe("accepted");
    const copies = await sql`
      insert into share select gen_random_uuid(), subject, registry, rid, created_at, expires_at, is_one_time, ended_at,
        wrong_codes, openings, used, log_index, sealed from share, generate_series(1, 48) where id = ${id} returning id`;
    expect(await settledCode(share("C-1"))).toBe("shares_too_many");
    await sql`delete from share where id = any(${copies.map((row) => String(row.id))}::uuid[])`;
  });

  it("twice by one form, or of a record that is not in force", async () => {
    const asked = draft("S-1");
    await node.node.shares.create(citizen("S-1"), asked);
    expect(await settledCode(node.node.shares.create(citizen("S-1"), asked))).toBe("request_id_reused");
    await act("S-1", "suspend");
    expect(await settledCode(share("S-1"))).toBe("share_record_unavailable");
    await act("S-1", "reinstate");
  });
});

describe("who may not open it", () => {
  it("a stranger is told the same of everything, after the same time", async () => {
    const ended = await share("A-1");
    await node.node.shares.end(citizen("A-1"), ended.share.id);
    const live = await share("A-1");
    const used = await share("A-1", { isOneTime: true });
    await open(used);
    const answers: [string, string][] = [];
    for (const [id, code] of [
      [randomUUID(), live.code],
      ["nothing", live.code],
      [live.share.id, wrongOf(live.code)],
      [live.share.id, "12"],
      [live.share.id, "not a code"],
      [ended.share.id, wrongOf(ended.code)],
      [used.share.id, wrongOf(used.code)],
    ] as const) {
      const startedAt = performance.now();
      const answer = await post({ share: id, code });
      expect(performance.now() - startedAt).toBeGreaterThan(240);
      answers.push([String(answer.status), answer.text]);
    }
    expect(new Set(answers.map((one) => one.join(" "))).size).toBe(1);
    expect(answers[0]![1]).toContain('"code":"share_unknown"');
    // What can be no code was no guess.
    const [row] = await node.database.database.sql`select wrong_codes from share where id = ${live.share.id}`;
    expect(row!.wrong_codes).toBe(1);
  });

  it.each<[string, string, (made: { share: OwnShare; code: string }) => Promise<unknown>]>([
    ["one that was ended", "share_ended", ({ share: { id } }) => node.node.shares.end(citizen("M-1"), id)],
    [
      "one whose row was changed",
      "share_record_unavailable",
      ({ share: { id } }) => {
        const longer = clock() + 80 * DAY;
        return node.database.database.sql`update share set expires_at = ${longer} where id = ${id}`;
      },
    ],
    [
      "one whose time is over",
      "share_expired",
      async ({ share: { expiresAt } }) => {
        offset = expiresAt - clock();
      },
    ],
    ["one of a record that is suspended", "share_record_unavailable", () => act("M-1", "suspend")],
    [
      "one of a record that became another's",
      "share_record_unavailable",
      async () => {
        await change("M-1", "PATCH", "", { data: { national_id: "M-2" } });
      },
    ],
  ])("who has the code is told of %s", async (_name, code, spoil) => {
    const rid = rids.get("M-1")!;
    const path = `/registries/persons/records/${rid}`;
    const { body } = await node.request("GET", path, { token: registrar, headers: { accept: "application/json" } });
    if (body.state !== "active") await act("M-1", "reinstate");
    const made = await share("M-1");
    await spoil(made);
    const answer = await post({ share: made.share.id, code: made.code });
    offset = 0;
    expect([answer.body.code, answer.text.includes("Person M-1")]).toEqual([code, false]);
    const after = (await node.node.usage.list(citizen("M-1"))).entries.filter(({ action }) => action === "open");
    expect(after).toEqual([]);
  });

  it("nobody opens another's record by an index that somebody changed in the database", async () => {
    const made = await share("T-1", { fields: ["name"] });
    const { sql } = node.database.database;
    const marks = () => sql<{ value: string; until: number; since: number }[]>`
      select value, until, since from record_search s join record r on r.first_index = s.first_index
      where r.rid = ${rids.get("T-1")!} and s.field like '~subject/%' order by until desc`;
    const [mark] = await marks();
    await change("T-1", "PATCH", "", { data: { national_id: "T-2" } });
    const [now] = await marks();
    expect(now!.value).not.toBe(mark!.value);
    await sql`update record_search set value = ${mark!.value} where value = ${now!.value}`;
    // Who has the number of before is found by it now, and shown nothing all the same.
    const { records } = await node.node.subjects.findOwnRecords({ national_id: "T-1" }, "persons");
    expect(records.map(({ rid }) => rid)).toEqual([rids.get("T-1")]);
    expect(await settledCode(open(made))).toBe("share_record_unavailable");
    expect(await settledCode(share("T-1"))).toBe("record_unknown");
  });

  it("nobody opens what was erased, and the events about it stay", async () => {
    const made = await share("E-1");
    await open(made);
    await act("E-1", "erase");
    expect(await settledCode(open(made))).toBe("share_record_unavailable");
    const { entries } = await node.node.usage.list(citizen("E-1"));
    // Staff read it to erase it.
    expect(entries.map(({ action }) => action)).toEqual(["read", "open", "share"]);
    expect(await own("E-1", made.share.id)).toMatchObject({ recipient: BANK, openings: 1 });
  });

  it("ten wrong codes close it for good, however many are tried at once", async () => {
    const made = await share("C-1");
    const guesses = Array.from({ length: 30 }, (_, at) => {
      const code = String(BigInt(made.code) ^ BigInt(at + 1))
        .padStart(15, "0")
        .slice(-15);
      return settledCode(node.node.shareOpenings.open({ id: made.share.id, code }));
    });
    expect(new Set(await Promise.all(guesses))).toEqual(new Set(["share_unknown"]));
    const [row] = await node.database.database.sql`select wrong_codes from share where id = ${made.share.id}`;
    expect(row!.wrong_codes).toBe(10);
    expect(await settledCode(open(made))).toBe("share_unknown");
    expect((await own("C-1", made.share.id)).state).toBe("closed");
  });

  it("a number that was used for a version of before is refused", async () => {
    const made = await share("V-1", { fields: ["name"] });
    await open(made, "request-1");
    await change("V-1", "PATCH", "", { data: { name: "Person V-1b" } });
    expect(await settledCode(open(made, "request-1"))).toBe("request_id_reused");
    expect((await open(made, "request-2")).data).toEqual({ name: "Person V-1b" });
    expect(await settledCode(open(made, "short"))).toBe("request_invalid");
  });
});

describe("at once", () => {
  it("of 20 openings of one for one time just one is made, and logged", async () => {
    const made = await share("R-1", { isOneTime: true });
    const tries = Array.from({ length: 20 }, (_, at) => settledCode(open(made, `request-${at}`)));
    const codes = await Promise.all(tries);
    expect(codes.filter((code) => code === "accepted")).toHaveLength(1);
    expect(codes.filter((code) => code === "share_used")).toHaveLength(19);
    const { entries } = await node.node.usage.list(citizen("R-1"));
    expect(entries.filter(({ action }) => action === "open")).toHaveLength(1);
  });

  it("an end that is committed before an opening wins: none is logged after it", async () => {
    for (let round = 0; round < 10; round++) {
      const made = await share("R-1");
      const openings = Array.from({ length: 6 }, () => settledCode(open(made)));
      const [codes] = await Promise.all([Promise.all(openings), node.node.shares.end(citizen("R-1"), made.share.id)]);
      const { entries } = await node.node.usage.list(citizen("R-1"), { limit: 20 });
      const of = (action: string) =>
        entries
          .filter((one) => one.action === action && one.share?.id === made.share.id)
          .map(({ logIndex }) => logIndex);
      const [end] = of("end-share");
      expect(of("open").every((index) => index < end!)).toBe(true);
      expect(of("open")).toHaveLength(codes.filter((code) => code === "accepted").length);
      expect(await settledCode(open(made))).toBe("share_ended");
    }
  });
});

describe("a presentation of what a person gives", () => {
  const whole = {
    iss: "https://civil.example",
    aud: "https://civil.example/shared/7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60",
    nonce: "n",
    iat: 1,
    exp: 2,
    purpose: "p",
    basis: { share: "7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60", terms: "t" },
    sd_hash: "A".repeat(43),
    event: { commitment: "A".repeat(43), index: 0 },
  };

  it.each<[string, JsonObject, boolean]>([
    ["a share", {}, true],
    ["a copy", { aud: "print", basis: { own: true } }, true],
    ["a copy for somebody", { basis: { own: true } }, false],
    ["a share for everybody", { aud: "print" }, false],
    ["a consent for everybody", { aud: "print", basis: { consent: "c", terms: "t" } }, false],
    ["a share without what was signed off", { basis: { share: "s" } }, false],
    ["two rights", { basis: { share: "s", consent: "c", terms: "t" } }, false],
    ["an own right that is not", { aud: "print", basis: { own: "true" } }, false],
    ["no right", { basis: {} }, false],
  ])("%s", (_name, changes, isRead) => {
    const code = caughtCode(() => parsePresentation({ ...whole, ...changes } as unknown as JsonObject));
    expect(code).toBe(isRead ? undefined : "evidence_invalid");
  });
});

it("of too many strangers who wait the last are sent away", async () => {
  const work = createStrangerWork({
    share: 1,
    waitingMax: 1,
    busy: () => new AttestryError("share_busy", "busy"),
  });
  let finish = (): void => {};
  const first = work.run(() => new Promise<void>((resolve) => (finish = resolve)));
  // The first one's turn has come: only the second waits.
  await setImmediate();
  const second = work.run(async () => {});
  expect(await settledCode(work.run(async () => {}))).toBe("share_busy");
  finish();
  await Promise.all([first, second]);
});

it("a code is read as people write it", () => {
  const code = createShareCode((length) => new Uint8Array(length).map((_, at) => (at === 0 ? 255 : at * 17)));
  expect(code).toMatch(/^[0-9]{15}$/);
  expect(formatShareCode("123456789012345")).toBe("123 456 789 012 345");
  for (const written of ["123456789012345", " 123-456 789.012–345 ", "१२३४५६७८९०१२३४५", "１２３ 456 ७८९ 012 ٣٤٥"])
    expect([written, readShareCode(written)]).toEqual([written, "123456789012345"]);
  for (const wrong of ["", "12345678901234", "1234567890123456", "12345678901234x", "1".repeat(1_000)])
    expect(readShareCode(wrong)).toBeUndefined();
});

// The last: the node starts anew.
it("outlives the sealing keys under which it was shared", async () => {
  const made = await share("A-2");
  await node.restart(addSealingGeneration);
  expect((await open(made)).data).toMatchObject({ name: "Person A-2" });
  const rotation = rotationOf(node, { clock });
  await rotation.run(() => false);
  offset = 2 * DAY;
  await rotation.finish();
  offset = 0;
  await node.restart(dropFormerSealing);
  expect((await open(made)).data).toMatchObject({ name: "Person A-2" });
  expect(await settledCode(node.node.shareOpenings.open({ id: made.share.id, code: wrongOf(made.code) }))).toBe(
    "share_unknown",
  );
});
