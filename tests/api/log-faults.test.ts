// The writer of the log when something breaks: each step twice, once not done, once done but reported as failed. Afterwards the
// whole log is verified again.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSigner, generateSeed, type Signer } from "../../src/crypto/signer.ts";
import { LOG_TRANSACTION_IDLE_MS } from "../../src/limits.ts";
import { initializeLog } from "../../src/log/log-state-service.ts";
import type { LogWriter, WriteKind } from "../../src/log/writer-service.ts";
import { connectDatabase, type Database, type Transaction } from "../../src/storage/database.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import {
  acceptAll,
  LOG_NAME,
  makeEntry,
  makeItems,
  makeUnits,
  ORIGIN,
  outcomeCode,
  startLog,
  type TestLog,
} from "../log-fixture.ts";

let test: TestDatabase;
let log: TestLog;

beforeAll(async () => {
  test = await createTestDatabase();
});

afterAll(() => test.drop());

beforeEach(async () => {
  await test.database.sql`truncate log_state, log_entry, log_tile`;
  log = await startLog(test.database);
});

const lostConnection = () => Object.assign(new Error("injected"), { code: "CONNECTION_CLOSED" });

/** A fault that strikes once: `before` instead of the step, `after` when the step was done. */
interface Fault {
  readonly step: RegExp | "begin" | "commit";
  readonly when: "before" | "after";
  readonly error: () => Error;
}

function breakDatabase(database: Database, fault: Fault): { database: Database; struck: () => boolean } {
  let struck = false;
  function strike(): never {
    struck = true;
    throw fault.error();
  }

  function breakTransaction(tx: Transaction): Transaction {
    const { step } = fault;
    return new Proxy(tx, {
      apply(target, self, parameters) {
        const text = (parameters[0] as readonly string[]).join("?");
        const query = Reflect.apply(target, self, parameters);
        if (struck || !(step instanceof RegExp) || !step.test(text)) return query;
        const broken = (async () => {
          if (fault.when === "after") await query;
          strike();
        })();
        return Object.assign(broken, { execute: () => broken });
      },
    });
  }

  async function begin(options: string, body: (tx: Transaction) => Promise<unknown>): Promise<unknown> {
    if (!struck && fault.step === "begin") strike();
    const result = await database.sql.begin(options, async (tx) => {
      const inner = await body(breakTransaction(tx));
      if (!struck && fault.step === "commit" && fault.when === "before") strike();
      return inner;
    });
    if (!struck && fault.step === "commit" && fault.when === "after") strike();
    return result;
  }

  const sql = new Proxy(database.sql, {
    get: (target, key) => (key === "begin" ? begin : Reflect.get(target, key)),
  });
  return { database: { ...database, sql }, struck: () => struck };
}

/** 250 entries are there, 20 more make the first tile full: every kind of statement occurs. */
async function appendThroughFault(fault: Fault, items: Parameters<LogWriter["appendAll"]>[1] = makeItems(20)) {
  await log.openWriter().appendAll(acceptAll, makeItems(250));
  const checkpointBefore = await log.reader.checkpoint();
  const broken = breakDatabase(test.database, fault);
  const writer = log.openWriter(broken.database);
  const outcomes = await writer.appendAll(acceptAll, items);
  expect(broken.struck()).toBe(true);
  const after = await writer.append(acceptAll, undefined, makeEntry());
  const report = await log.audit(checkpointBefore);
  expect(report).toMatchObject({ ok: true, tree: { size: after.logIndex + 1 } });
  return { outcomes, nextIndex: after.logIndex };
}

const steps: [string, RegExp][] = [
  ["lock the log's row", /for update/],
  ["insert the entries", /insert into log_entry/],
  ["insert full tiles", /insert into log_tile/],
  ["store the checkpoint", /update log_state/],
];

describe("a connection that breaks", () => {
  it.each(steps.flatMap(([name, step]) => (["before", "after"] as const).map((when) => ({ name, step, when }))))(
    "$when the step of $name leaves nothing behind",
    async ({ step, when }) => {
      const { outcomes, nextIndex } = await appendThroughFault({ step, when, error: lostConnection });
      expect(new Set(outcomes.map((outcome) => (outcome as { code?: string }).code))).toEqual(
        new Set(["database_unavailable"]),
      );
      expect(nextIndex).toBe(250);
    },
  );

  it("at begin leaves nothing behind", async () => {
    const error = () => Object.assign(new Error("injected"), { code: "ECONNREFUSED" });
    const { outcomes, nextIndex } = await appendThroughFault({ step: "begin", when: "before", error });
    expect(outcomes[0]).toMatchObject({ code: "database_unavailable" });
    expect(nextIndex).toBe(250);
  });

  it("before the commit is done says that the outcome is unknown; nothing was written", async () => {
    const { outcomes, nextIndex } = await appendThroughFault({ step: "commit", when: "before", error: lostConnection });
    expect(outcomes).toMatchObject(outcomes.map(() => ({ code: "log_outcome_unknown" })));
    expect(nextIndex).toBe(250);
  });

  it("after the commit says that the outcome is unknown; everything was written, once", async () => {
    const { outcomes, nextIndex } = await appendThroughFault({ step: "commit", when: "after", error: lostConnection });
    expect(outcomes).toMatchObject(outcomes.map(() => ({ code: "log_outcome_unknown" })));
    expect(nextIndex).toBe(270);
  });
});

describe("units of several entries", () => {
  const codesOf = (outcomes: readonly unknown[]) => new Set(outcomes.map((one) => (one as { code?: string }).code));

  it.each(steps.flatMap(([name, step]) => (["before", "after"] as const).map((when) => ({ name, step, when }))))(
    "are not written at all when the connection breaks $when the step of $name",
    async ({ step, when }) => {
      const units = makeUnits(4, 5);
      const { outcomes, nextIndex } = await appendThroughFault({ step, when, error: lostConnection }, units);
      expect(codesOf(outcomes)).toEqual(new Set(["database_unavailable"]));
      expect(nextIndex).toBe(250);
    },
  );

  it.each([
    ["before", 250],
    ["after", 270],
  ] as const)("are written whole or not at all when nobody knows of the commit (%s)", async (when, expected) => {
    const units = makeUnits(4, 5);
    const { outcomes, nextIndex } = await appendThroughFault({ step: "commit", when, error: lostConnection }, units);
    expect(codesOf(outcomes)).toEqual(new Set(["log_outcome_unknown"]));
    expect(nextIndex).toBe(expected);
  });

  it.each(["40001", "22000"])(
    "are written once, whole, after a transaction that the database refused (%s)",
    async (code) => {
      const error = () => Object.assign(new Error("injected"), { code });
      const fault = { step: /insert into log_entry/, when: "before", error } as const;
      const { outcomes, nextIndex } = await appendThroughFault(fault, makeUnits(4, 5));
      expect(outcomes).toEqual([250, 255, 260, 265].map((logIndex) => ({ logIndex })));
      expect(nextIndex).toBe(270);
    },
  );
});

describe("an answer of the database", () => {
  it("that names a conflict makes the writer try the same again", async () => {
    const error = () => Object.assign(new Error("injected"), { code: "40001" });
    const { outcomes, nextIndex } = await appendThroughFault({ step: /update log_state/, when: "after", error });
    expect(outcomes.at(-1)).toEqual({ logIndex: 269 });
    expect(nextIndex).toBe(270);
  });

  it("that refuses the commit itself is no unknown outcome", async () => {
    const error = () => Object.assign(new Error("injected"), { code: "40001" });
    const { outcomes } = await appendThroughFault({ step: "commit", when: "before", error });
    expect(outcomes.at(-1)).toEqual({ logIndex: 269 });
  });

  it("that refuses data once costs a second transaction and no entry", async () => {
    const error = () => Object.assign(new Error("injected"), { code: "22000" });
    const { outcomes, nextIndex } = await appendThroughFault({ step: /insert into log_entry/, when: "before", error });
    expect(outcomes.at(-1)).toEqual({ logIndex: 269 });
    expect(nextIndex).toBe(270);
  });
});

describe("a signer that fails", () => {
  it("refuses the batch, writes nothing, and the next batch is signed", async () => {
    let failing = true;
    const key = createSigner(generateSeed());
    const signer: Signer = {
      publicKey: key.publicKey,
      sign(message) {
        if (failing) throw new Error("the HSM is away");
        return key.sign(message);
      },
    };
    await test.database.sql`truncate log_state`;
    log = await startLog(test.database, key);
    const writer = (await startLog(test.database, signer)).openWriter();
    const outcomes = await writer.appendAll(acceptAll, makeItems(3));
    expect(outcomes).toMatchObject(outcomes.map(() => ({ code: "log_write_failed" })));
    failing = false;
    expect(await writer.append(acceptAll, undefined, makeEntry())).toEqual({ logIndex: 0 });
    expect((await log.audit()).ok).toBe(true);
  });
});

describe("a session that the server ends", () => {
  let admin: Database;
  let victim: Database;
  beforeAll(() => {
    admin = connectDatabase({ url: test.url, poolMax: 1 });
    victim = connectDatabase({ url: test.url, poolMax: 2 });
  });
  afterAll(async () => {
    await admin.close();
    // postgres.js 3.4.9 takes the query that a killed session left for one still running: a plain end() waits for ever.
    await victim.sql.end({ timeout: 0 });
  });

  const terminate = async (pid: number) => {
    await admin.sql`select pg_terminate_backend(${pid})`;
  };
  const pidOf = async (tx: Transaction) => (await tx<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]!.pid;

  async function killedIn(kind: WriteKind<undefined>): Promise<void> {
    const writer = log.openWriter(victim);
    await writer.appendAll(acceptAll, makeItems(3));
    expect(await outcomeCode(writer.append(kind, undefined, makeEntry()))).toBe("database_unavailable");
    expect(await writer.append(acceptAll, undefined, makeEntry())).toEqual({ logIndex: 3 });
    expect((await log.audit()).ok).toBe(true);
  }

  it("while a query runs writes nothing, and the next append goes through", async () => {
    await killedIn({
      ...acceptAll,
      async check(tx, inputs) {
        const pid = await pidOf(tx);
        setTimeout(() => void terminate(pid), 50);
        await tx`select pg_sleep(5)`;
        return inputs.map(() => undefined);
      },
    });
  });

  it("while no query runs writes nothing, and what the kind asks afterwards is refused", async () => {
    await killedIn({
      ...acceptAll,
      async check(tx, inputs) {
        await terminate(await pidOf(tx));
        await new Promise((resolve) => setTimeout(resolve, 200));
        await tx`select 1`;
        return inputs.map(() => undefined);
      },
    });
  });

  it("between two statements that were sent together writes nothing", async () => {
    await killedIn({
      ...acceptAll,
      async store(tx) {
        await Promise.all([tx`select pg_terminate_backend(pg_backend_pid())`, tx`select 1`]);
      },
    });
  });

  it("during the commit leaves the outcome unknown; the log is verified again before it grows", async () => {
    await test.database
      .sql`create function slow_commit() returns trigger language plpgsql as 'begin perform pg_sleep(2); return null; end'`;
    await test.database
      .sql`create constraint trigger slow_commit after insert on log_entry deferrable initially deferred
      for each row execute function slow_commit()`;
    const writer = log.openWriter(victim);
    let pid = 0;
    const kind: WriteKind<undefined> = {
      ...acceptAll,
      async store(tx) {
        pid = await pidOf(tx);
        setTimeout(() => void terminate(pid), 500);
      },
    };
    const code = await outcomeCode(writer.append(kind, undefined, makeEntry()));
    await test.database.sql`drop trigger slow_commit on log_entry`;
    await test.database.sql`drop function slow_commit`;
    expect(code).toBe("log_outcome_unknown");
    expect(await writer.append(acceptAll, undefined, makeEntry())).toEqual({ logIndex: 0 });
    expect((await log.audit()).ok).toBe(true);
  });

  it("is what happens to a process that hangs inside its transaction", async () => {
    let timeout = "";
    const kind: WriteKind<undefined> = {
      ...acceptAll,
      async check(tx, inputs) {
        const rows = await tx<
          { timeout: string }[]
        >`select setting as timeout from pg_settings where name = 'idle_in_transaction_session_timeout'`;
        timeout = rows[0]!.timeout;
        return inputs.map(() => undefined);
      },
    };
    await log.openWriter().append(kind, undefined, makeEntry());
    expect(Number(timeout)).toBe(LOG_TRANSACTION_IDLE_MS);
  });
});

describe("a stored log that does not verify", () => {
  const tampering: [string, (sql: Database["sql"]) => Promise<unknown>][] = [
    ["another root", async (sql) => sql`update log_state set root = decode(repeat('00', 32), 'hex')`],
    ["another size", async (sql) => sql`update log_state set size = size - 1`],
    [
      "a changed leaf hash",
      async (sql) => sql`update log_entry set leaf_hash = decode(repeat('00', 32), 'hex') where index = 299`,
    ],
    ["a changed tile root", async (sql) => sql`update log_tile set root = decode(repeat('00', 32), 'hex')`],
    ["a lost entry of the open tile", async (sql) => sql`delete from log_entry where index = 280`],
    ["a lost entry of a full tile", async (sql) => sql`delete from log_entry where index = 5`],
    ["a lost tile", async (sql) => sql`delete from log_tile`],
    [
      "an entry beyond its size",
      async (sql) =>
        sql`insert into log_entry select log, 300, decode(repeat('00', 32), 'hex'), leaf_hash, entry from log_entry where index = 299`,
    ],
    [
      "a checkpoint by another key",
      async (sql) => {
        await sql`update log_state set name = 'aside'`;
        await initializeLog({
          database: test.database,
          logName: LOG_NAME,
          origin: ORIGIN,
          signer: createSigner(generateSeed()),
          clock: () => 0,
        });
        await sql`update log_state set checkpoint = (select checkpoint from log_state where name = ${LOG_NAME}) where name = 'aside'`;
        await sql`delete from log_state where name = ${LOG_NAME}`;
        await sql`update log_state set name = ${LOG_NAME}`;
      },
    ],
  ];

  it.each(tampering)("(%s) is refused with log_inconsistent, and nothing is signed", async (_name, tamper) => {
    await log.openWriter().appendAll(acceptAll, makeItems(300));
    await tamper(test.database.sql);
    const checkpoint = await log.reader.checkpoint();
    const writer = log.openWriter();
    expect(await outcomeCode(writer.append(acceptAll, undefined, makeEntry()))).toBe("log_inconsistent");
    expect(await outcomeCode(writer.append(acceptAll, undefined, makeEntry()))).toBe("log_inconsistent");
    expect(await log.reader.checkpoint()).toBe(checkpoint);
  });

  it("is refused by a writer that was at work, too, once the row is not what it wrote", async () => {
    const writer = log.openWriter();
    await writer.appendAll(acceptAll, makeItems(10));
    await test.database.sql`update log_state set size = 9`;
    expect(await outcomeCode(writer.append(acceptAll, undefined, makeEntry()))).toBe("log_inconsistent");
  });

  it("is refused at start where the log has another origin", async () => {
    const other = {
      database: test.database,
      logName: LOG_NAME,
      origin: "other.example/log/records",
      signer: log.signer,
    };
    expect(await outcomeCode(initializeLog({ ...other, clock: () => 0 }))).toBe("log_inconsistent");
  });
});
