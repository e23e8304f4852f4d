// Somebody with all of the database and none of the keys: whatever is taken out of the access log, changed or put back, somebody sees it, by the person's own page, the operator's audit, or an audit from outside.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccessProblem } from "../../src/access/access-audit-service.ts";
import type { LocalAudit } from "../../src/access/local-audit-service.ts";
import { createPersonAudit, type PersonAudit, parsePersonReadings } from "../../src/access/person-audit.ts";
import { createConsentSealer } from "../../src/consent/consent-sealer.ts";
import { findConsents } from "../../src/consent/consent-store.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { auditLog } from "../../src/log/audit.ts";
import { type NoteVerifier, parseVerifierKey } from "../../src/log/note.ts";
import type { Transaction } from "../../src/storage/database.ts";
import { PERSONS, PURPOSE } from "../consent-world.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";

let node: TestNode;
let reader: string;
const rids: Record<string, string> = {};
const IDS = { meera: "AB-1", asha: "AB-2" } as const;
type Name = keyof typeof IDS;
const person = (name: Name) => ({ claims: { national_id: IDS[name] } });

async function read(name: Name, times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    const answer = await node.request("GET", `/registries/persons/records/${rids[name]}`, { token: reader });
    expect(answer.status, answer.text).toBe(200);
  }
}

beforeAll(async () => {
  node = await startTestNode();
  expect((await node.publish(PERSONS)).status).toBe(201);
  const token = await node.token("registrar");
  reader = await node.token("reader");
  for (const name of ["meera", "asha"] as const) {
    const data = { national_id: IDS[name], name, born: "1990-03-04" };
    const answer = await node.request("POST", "/registries/persons/records", { token, json: { data } });
    expect(answer.status, answer.text).toBe(201);
    rids[name] = String(answer.body.rid);
  }
  await read("meera", 3);
  await read("asha", 2);
  await read("meera", 2);
}, 60_000);

afterAll(async () => node?.close());

const sql = () => node.database.database.sql;

/** As an auditor outside has it: what the node serves, and a checkpoint kept from before. */
async function auditOutside(previous?: string, onEntry?: Parameters<typeof auditLog>[1]["onEntry"]) {
  const configuration = await node.request("GET", "/.well-known/openid-federation");
  const payload = JSON.parse(Buffer.from(configuration.text.split(".")[1]!, "base64url").toString()) as {
    metadata: { registry_node: { logs: { access: { origin: string; vkeys: string[] } } } };
  };
  const { origin, vkeys } = payload.metadata.registry_node.logs.access;
  const get = async (path: string) => {
    const response = await fetch(`${node.entity}/log/access/${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  };
  const verifiers: NoteVerifier[] = vkeys.map(parseVerifierKey);
  const source = { checkpoint: async () => Buffer.from((await get("checkpoint"))!).toString(), tile: get, bundle: get };
  return auditLog(source, { origin, verifiers, ...(previous && { previous }), ...(onEntry && { onEntry }) });
}

/** What a person took home, held against the log as it is served. */
async function auditDownload(file: Json): Promise<PersonAudit> {
  const audit = createPersonAudit(parsePersonReadings(file), [node.secrets.signers.record.publicKey]);
  await auditOutside(undefined, audit.see);
  return audit.finish();
}

const codes = (problems: readonly { readonly code: string }[]) => [...new Set(problems.map(({ code }) => code))].sort();

interface Seen {
  readonly local: LocalAudit;
  readonly page: readonly AccessProblem[];
}

const look = async (name: Name): Promise<Seen> => ({
  local: await node.node.localAudit.audit({}),
  page: await node.node.usage.check(person(name)),
});

/** Does it, lets the node start again, so that nothing is remembered, looks, and puts everything back. */
async function afterTampering(tamper: (tx: Transaction) => Promise<unknown>, use: () => Promise<void>): Promise<void> {
  const tables = ["access_event", "access_subject", "log_entry", "log_tile", "log_state"];
  for (const table of tables) await sql().unsafe(`create table kept_${table} as select * from ${table}`);
  try {
    await sql().begin(tamper as never);
    await node.restart();
    await use();
  } finally {
    for (const table of tables) {
      await sql().unsafe(`delete from ${table}`);
      await sql().unsafe(`insert into ${table} select * from kept_${table}`);
      await sql().unsafe(`drop table kept_${table}`);
    }
    await node.restart();
  }
}

const subjectOf = async (name: Name): Promise<string> =>
  (await node.node.usage.download(person(name))).keys[0]!.subject;

it("finds nothing wrong with what nobody touched", async () => {
  const { local, page } = await look("meera");
  expect(local).toMatchObject({ ok: true, complete: true, events: { events: 7, people: 2, problems: [] } });
  expect(page).toEqual([]);
  expect(await auditOutside()).toMatchObject({ ok: true, operations: { read: 7 } });
  const file = (await node.node.usage.download(person("meera"))) as unknown as Json;
  expect(await auditDownload(file)).toEqual({ ok: true, readings: 5, later: 0, problems: [] });
});

interface TamperCase {
  readonly name: string;
  readonly tamper: (tx: Transaction, meera: string, asha: string) => Promise<unknown>;
  /** Codes that the operator's audit tells of the events, and those that Meera's page tells. */
  readonly events: readonly string[];
  readonly page: readonly string[];
  /** Whether the tree itself is in order. */
  readonly isTreeWhole: boolean;
}

const eventOf = (number: number) => `subject = $1 and number = ${number} and not is_delayed`;

const CASES: readonly TamperCase[] = [
  {
    name: "an event in the middle is deleted",
    tamper: (tx, meera) => tx.unsafe(`delete from access_event where ${eventOf(2)}`, [meera]),
    events: ["chain_broken", "event_missing"],
    page: ["chain_broken"],
    isTreeWhole: true,
  },
  {
    name: "the last event is deleted",
    tamper: (tx, meera) => tx.unsafe(`delete from access_event where ${eventOf(5)}`, [meera]),
    events: ["chain_end_wrong", "event_missing"],
    page: ["event_missing"],
    isTreeWhole: true,
  },
  {
    name: "the last event is deleted, and the person's row set back with it",
    async tamper(tx, meera) {
      await tx.unsafe(`delete from access_event where ${eventOf(5)}`, [meera]);
      await tx.unsafe("update access_subject set count = 4 where id = $1", [meera]);
    },
    events: ["chain_end_wrong", "event_missing"],
    page: ["event_missing"],
    isTreeWhole: true,
  },
  {
    name: "all events of a person are deleted, and the count set to none",
    async tamper(tx, meera) {
      await tx.unsafe("delete from access_event where subject = $1", [meera]);
      await tx.unsafe("update access_subject set count = 0, last_digest = null where id = $1", [meera]);
    },
    events: ["event_missing"],
    page: ["event_missing"],
    isTreeWhole: true,
  },
  {
    name: "the sealed bytes of an event are changed",
    tamper: (tx, meera) =>
      tx.unsafe(`update access_event set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) where ${eventOf(3)}`, [
        meera,
      ]),
    events: ["event_changed"],
    page: ["event_changed"],
    isTreeWhole: true,
  },
  {
    name: "two events of one person change places",
    async tamper(tx, meera) {
      await tx.unsafe(`update access_event set number = 99 where ${eventOf(2)}`, [meera]);
      await tx.unsafe(`update access_event set number = 2 where ${eventOf(3)}`, [meera]);
      await tx.unsafe(`update access_event set number = 3 where ${eventOf(99)}`, [meera]);
    },
    events: ["chain_broken", "event_changed"],
    page: ["chain_broken", "event_changed"],
    isTreeWhole: true,
  },
  {
    name: "the events of two people are swapped",
    async tamper(tx, meera, asha) {
      await tx.unsafe("update access_event set number = number + 100 where number = 1");
      await tx.unsafe(
        "update access_event set subject = case subject when $1::uuid then $2::uuid else $1::uuid end, number = 1 where number = 101",
        [meera, asha],
      );
    },
    events: ["chain_broken", "event_changed"],
    page: ["chain_broken", "event_changed"],
    isTreeWhole: true,
  },
  {
    name: "an event is given to another person",
    tamper: (tx, meera, asha) =>
      tx.unsafe(`update access_event set subject = $2::uuid, number = 3 where ${eventOf(5)}`, [meera, asha]),
    events: ["chain_end_wrong", "event_changed"],
    page: ["event_missing"],
    isTreeWhole: true,
  },
  {
    name: "an event is deleted, and the row of its entry too",
    async tamper(tx, meera) {
      await tx.unsafe(
        `delete from log_entry where log = 'access' and index in (select log_index from access_event where ${eventOf(2)})`,
        [meera],
      );
      await tx.unsafe(`delete from access_event where ${eventOf(2)}`, [meera]);
    },
    events: ["chain_broken", "event_missing"],
    page: ["chain_broken"],
    isTreeWhole: false,
  },
  {
    name: "the entry of an event is replaced by another's",
    tamper: (tx, meera) =>
      tx.unsafe(
        `update log_entry set entry = (select entry from log_entry where log = 'access' and index = 6)
         where log = 'access' and index in (select log_index from access_event where ${eventOf(2)})`,
        [meera],
      ),
    events: ["event_changed"],
    page: ["event_changed"],
    isTreeWhole: false,
  },
  {
    name: "the row of a person is deleted",
    tamper: (tx, meera) => tx.unsafe("delete from access_subject where id = $1", [meera]),
    events: ["event_unreadable"],
    // Nothing is known of her any more: the operator's audit tells, and a file that she has kept.
    page: [],
    isTreeWhole: true,
  },
];

describe("without the keys", () => {
  it.each(CASES)("$name: it is seen", async ({ tamper, events, page, isTreeWhole }) => {
    const [meera, asha] = [await subjectOf("meera"), await subjectOf("asha")];
    await afterTampering(
      (tx) => tamper(tx, meera, asha),
      async () => {
        const seen = await look("meera");
        expect(seen.local.ok).toBe(false);
        expect(codes(seen.local.events.problems)).toEqual(events);
        expect(codes(seen.page)).toEqual(page);
        expect(seen.local.access.ok).toBe(isTreeWhole);
        expect((await auditOutside()).ok).toBe(isTreeWhole);
      },
    );
  });

  it("an old row of a person is put back: the node's next event of it breaks the chain, and audit and page tell before", async () => {
    const meera = await subjectOf("meera");
    const [old] = await sql()`select count, last_digest from access_subject where id = ${meera}`;
    await afterTampering(
      async () => {
        await read("meera");
        await sql()`update access_subject set count = ${old!.count as number}, last_digest = ${old!.last_digest as string} where id = ${meera}`;
      },
      async () => {
        const { local } = await look("meera");
        expect(codes(local.events.problems)).toEqual(["chain_end_wrong"]);
        // The number is taken, in the table and as a tag in the log: nothing more is logged, and so nothing more is shown.
        const answer = await node.request("GET", `/registries/persons/records/${rids.meera}`, { token: reader });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.text).not.toContain("1990-03-04");
      },
    );
  });

  it("the whole log is set back to how it was: only who kept a checkpoint sees it, or a file of before", async () => {
    const tables = ["access_event", "access_subject", "log_entry", "log_tile", "log_state"];
    for (const table of tables) await sql().unsafe(`create table early_${table} as select * from ${table}`);
    await read("meera", 2);
    const kept = (await auditOutside()).checkpoint;
    const file = (await node.node.usage.download(person("meera"))) as unknown as JsonObject;
    expect((await auditDownload(file)).ok).toBe(true);
    for (const table of tables) {
      await sql().unsafe(`delete from ${table}`);
      await sql().unsafe(`insert into ${table} select * from early_${table}`);
      await sql().unsafe(`drop table early_${table}`);
    }
    await node.restart();
    const { local, page } = await look("meera");
    expect([local.ok, page]).toEqual([true, []]);
    expect((await auditOutside()).ok).toBe(true);
    const outside = await auditOutside(kept);
    expect(codes(outside.problems)).toEqual(["log_inconsistent"]);
    expect(outside.problems[0]!.message).toContain("the log has shrunk");
    const within = await node.node.localAudit.audit({ previous: { access: kept } });
    expect(within.ok).toBe(false);
    expect(codes((await auditDownload(file)).problems)).toEqual(["entry_missing"]);
  });
});

describe("a consent", () => {
  const standing = async () => {
    const { ok, problems } = (await node.node.localAudit.audit({})).events;
    return { ok, codes: codes(problems), consents: problems.map(({ consent }) => consent) };
  };
  const asked = async (at: number) => {
    const { id } = await node.node.consents.request(
      {
        request_id: `request-${at}`,
        registry: "persons",
        subject: { claim: "national_id", value: "AB-1" },
        purpose: PURPOSE,
        fields: ["name"],
        expires_at: Math.floor(Date.now() / 1_000) + 86_400,
      },
      "https://welfare.example",
    );
    return id;
  };
  const decide = (id: string, action: "withdraw" | "pause") => node.node.consents.decide(person("meera"), id, action);

  it("stands in its row as the log's last decision has it, whatever the clock ended", async () => {
    const [open, paused, withdrawn] = [await asked(1), await asked(2), await asked(3)];
    const [before] = await sql()<
      { sealed: string }[]
    >`select encode(sealed, 'hex') as sealed from consent where id = ${paused}`;
    const unread = before!.sealed;
    for (const id of [paused, withdrawn]) await node.node.consents.give(person("meera"), id, { language: "en" });
    await decide(paused, "pause");
    await decide(withdrawn, "withdraw");
    expect(await standing()).toEqual({ ok: true, codes: [], consents: [] });
    const changes: [string, string, string][] = [
      ["a withdrawn one is given again", withdrawn, "state = 'given'"],
      ["a paused one goes on", paused, "state = 'given'"],
      ["one that waits was given", open, "state = 'given', log_index = 0"],
      ["it lasts longer", paused, "expires_at = expires_at + 1"],
      ["its check value is gone", withdrawn, "state_mac = null"],
      ["another decision made it", withdrawn, "log_index = log_index - 1"],
      ["a decision of tomorrow made it", withdrawn, "state = 'given', log_index = 1000000"],
      ["nothing of it opens", paused, "sealed_key = sealed"],
      ["what is sealed is from before the giving", paused, `sealed = '\\x${unread}'::bytea`],
    ];
    await sql()`create table kept_consent as select * from consent`;
    const putBack = async () => {
      await sql()`delete from consent`;
      await sql()`insert into consent select * from kept_consent`;
    };
    for (const [what, id, change] of changes) {
      await sql().unsafe(`update consent set ${change} where id = $1`, [id]);
      expect(await standing(), what).toEqual({ ok: false, codes: ["consent_state_wrong"], consents: [id] });
      await putBack();
    }
    // Even with the node's own key: the log names the terms.
    const sealer = createConsentSealer({ entity: node.entity, nodeKey: node.secrets.wrappingKey });
    const row = (await findConsents(sql(), [paused])).get(paused)!;
    const mac = sealer.stateMac({ ...row, sealed: Buffer.from(unread, "hex") });
    await sql().unsafe(`update consent set sealed = '\\x${unread}'::bytea, state_mac = $2 where id = $1`, [
      paused,
      mac,
    ]);
    expect(await standing()).toEqual({ ok: false, codes: ["consent_state_wrong"], consents: [paused] });
    expect((await node.node.consents.findUsable([paused])).get(paused)).toMatchObject({ isVoid: true });
    await putBack();
    await sql()`delete from consent where id = ${withdrawn}`;
    expect(await standing()).toEqual({ ok: false, codes: ["consent_missing"], consents: [withdrawn] });
    await putBack();
    await sql()`drop table kept_consent`;
    expect(await standing()).toEqual({ ok: true, codes: [], consents: [] });
  });
});

describe("what a person took home", () => {
  it("is told apart from a file that lacks one, has one changed, or is of another", async () => {
    const file = await node.node.usage.download(person("meera"));
    const at = (index: number) => file.readings[index]!;
    const audit = async (readings: typeof file.readings, keys = file.keys) =>
      codes((await auditDownload({ ...file, keys, readings } as unknown as Json)).problems);
    expect(await audit(file.readings)).toEqual([]);
    expect(await audit(file.readings.slice(0, -1))).toEqual(["event_missing"]);
    expect(await audit(file.readings.filter((one) => one !== at(1)))).toEqual(["chain_broken", "event_missing"]);
    expect(await audit(file.readings.map((one) => (one === at(1) ? { ...one, event: at(2).event } : one)))).toEqual([
      "chain_broken",
      "event_changed",
    ]);
    expect(await audit(file.readings.map((one) => (one === at(1) ? { ...one, index: 1_000 } : one)))).toEqual([
      "chain_broken",
      "entry_missing",
      "event_missing",
    ]);
    const asha = await node.node.usage.download(person("asha"));
    expect(await audit(file.readings, [{ ...file.keys[0]!, tag_key: asha.keys[0]!.tag_key }])).toContain("tag_wrong");
    // What was logged since is no fault of the file.
    await read("meera");
    expect(await auditDownload(file as unknown as Json)).toMatchObject({ ok: true, later: 1 });
  });

  it("is no file of readings if it is something else", () => {
    for (const wrong of [null, [], {}, { ...{ node: "x", size: -1, keys: [], readings: [] } }] as Json[])
      expect(() => parsePersonReadings(wrong)).toThrow("no file of readings");
  });
});
