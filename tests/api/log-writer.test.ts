// The writer of the log on real PostgreSQL: batches, verdicts, bounds.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AttestryError } from "../../src/errors.ts";
import { LOG_QUEUE_ENTRIES_MAX } from "../../src/limits.ts";
import type { WriteKind } from "../../src/log/writer-service.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { acceptAll, LOG_NAME, makeEntry, makeItems, outcomeCode, startLog, type TestLog } from "../log-fixture.ts";

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

function indicesOf(outcomes: readonly ({ logIndex: number } | AttestryError)[]): number[] {
  return outcomes.map((outcome) => {
    if (outcome instanceof AttestryError) throw outcome;
    return outcome.logIndex;
  });
}

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

describe("a log that was just started", () => {
  it("has a signed checkpoint of size 0 that starting again leaves as it is", async () => {
    const checkpoint = await log.reader.checkpoint();
    expect(checkpoint.split("\n")[1]).toBe("0");
    await startLog(test.database, log.signer);
    expect(await log.reader.checkpoint()).toBe(checkpoint);
    expect((await log.audit()).ok).toBe(true);
  });

  it("is refused where the writer finds no row", async () => {
    await test.database.sql`delete from log_state`;
    expect(await outcomeCode(log.openWriter().append(acceptAll, undefined, makeEntry()))).toBe("log_inconsistent");
  });
});

describe("appending", () => {
  it("gives contiguous indices to 50 concurrent callers, in one or few batches, with receipts that verify", async () => {
    const writer = log.openWriter();
    const entries = range(0, 50).map(() => makeEntry());
    const indices = await Promise.all(entries.map((entry) => writer.append(acceptAll, undefined, entry)));
    expect(indices.map((item) => item.logIndex).sort((a, b) => a - b)).toEqual(range(0, 50));
    const receipts = await log.reader.receipts(indices.map((item) => item.logIndex));
    for (const [i, receipt] of receipts.entries()) {
      log.verifyReceipt(receipt);
      expect(Buffer.from(receipt.entry).toString()).toContain(entries[i]!.r);
    }
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 50 } });
  });

  it("calls check with all inputs of a kind before indices are given, and store only with what passed", async () => {
    const checked: number[][] = [];
    const stored: { input: number; logIndex: number }[] = [];
    const kind: WriteKind<number> = {
      name: "odd-refused",
      async check(_tx, inputs) {
        checked.push([...inputs]);
        return inputs.map((input) =>
          input % 2 === 1 ? new AttestryError("version_conflict", `${input} is odd`) : undefined,
        );
      },
      async store(_tx, accepted) {
        stored.push(...accepted);
      },
    };
    const writer = log.openWriter();
    const outcomes = await writer.appendAll(
      kind,
      range(0, 10).map((input) => ({ input, entry: makeEntry() })),
    );
    expect(checked).toEqual([range(0, 10)]);
    expect(stored).toEqual(range(0, 5).map((i) => ({ input: 2 * i, logIndex: i })));
    expect(outcomes.map((outcome) => (outcome instanceof AttestryError ? outcome.code : outcome.logIndex))).toEqual([
      0,
      "version_conflict",
      1,
      "version_conflict",
      2,
      "version_conflict",
      3,
      "version_conflict",
      4,
      "version_conflict",
    ]);
    expect((await log.audit()).ok).toBe(true);
  });

  it("writes what a kind stores in the same transaction as the entry", async () => {
    await test.database.sql`create table if not exists kind_row (log_index bigint primary key, name text not null)`;
    const kind: WriteKind<string> = {
      name: "row",
      check: async (_tx, inputs) => inputs.map(() => undefined),
      async store(tx, accepted) {
        for (const { input, logIndex } of accepted) await tx`insert into kind_row values (${logIndex}, ${input})`;
      },
    };
    const writer = log.openWriter();
    await Promise.all(["a", "b", "c"].map((input) => writer.append(kind, input, makeEntry())));
    const rows = await test.database.sql`select log_index, name from kind_row order by 1`;
    expect([...rows]).toEqual([
      { log_index: 0, name: "a" },
      { log_index: 1, name: "b" },
      { log_index: 2, name: "c" },
    ]);
    await test.database.sql`drop table kind_row`;
  });

  it("writes an input of a kind that stands alone in a batch of its own, between what came before and after it", async () => {
    const batches: string[][] = [];
    const kindOf = (name: string, isAlone?: true): WriteKind<string> => ({
      name,
      ...(isAlone && { isAlone }),
      async check(_tx, inputs) {
        batches.push([...inputs]);
        return inputs.map(() => undefined);
      },
      store: async () => {},
    });
    const [many, alone] = [kindOf("many"), kindOf("alone", true)];
    const writer = log.openWriter();
    const order = ["a", "b", "RULE", "RULES", "c", "d"];
    const indices = await Promise.all(
      order.map((input) => writer.append(/^[A-Z]/.test(input) ? alone : many, input, makeEntry())),
    );
    expect(batches).toEqual([["a", "b"], ["RULE"], ["RULES"], ["c", "d"]]);
    expect(indices.map(({ logIndex }) => logIndex)).toEqual(range(0, 6));
  });

  it("refuses a malformed entry alone", async () => {
    const outcomes = await log.openWriter().appendAll(acceptAll, [
      { input: undefined, entry: makeEntry() },
      { input: undefined, entry: makeEntry({ r: "short" }) },
      { input: undefined, entry: makeEntry() },
    ]);
    expect(outcomes).toMatchObject([{ logIndex: 0 }, { code: "log_entry_invalid" }, { logIndex: 1 }]);
  });

  it("answers an empty list with an empty list", async () => {
    expect(await log.openWriter().appendAll(acceptAll, [])).toEqual([]);
  });

  it("takes nothing after close, and answers what it had taken", async () => {
    const writer = log.openWriter();
    const taken = writer.append(acceptAll, undefined, makeEntry());
    const closed = writer.close();
    expect(await outcomeCode(writer.append(acceptAll, undefined, makeEntry()))).toBe("log_overloaded");
    await closed;
    expect(await taken).toEqual({ logIndex: 0 });
  });
});

describe("tags", () => {
  it("refuses a tag that the log has, and writes its neighbours", async () => {
    const writer = log.openWriter();
    const first = makeEntry();
    await writer.append(acceptAll, undefined, first);
    const outcomes = await writer.appendAll(acceptAll, [
      ...makeItems(3),
      { input: undefined, entry: makeEntry({ r: first.r }) },
      ...makeItems(3),
    ]);
    expect(outcomes).toMatchObject([
      { logIndex: 1 },
      { logIndex: 2 },
      { logIndex: 3 },
      { code: "log_tag_duplicate" },
      { logIndex: 4 },
      { logIndex: 5 },
      { logIndex: 6 },
    ]);
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 7 } });
  });

  it("refuses the second of two equal tags in one batch", async () => {
    const entry = makeEntry();
    const outcomes = await log.openWriter().appendAll(acceptAll, [
      { input: undefined, entry },
      { input: undefined, entry: makeEntry({ r: entry.r }) },
    ]);
    expect(outcomes).toMatchObject([{ logIndex: 0 }, { code: "log_tag_duplicate" }]);
  });

  it("lets a tag pass whose first bearer was refused by its kind", async () => {
    const refuseFirst: WriteKind<number> = {
      ...acceptAll,
      check: async (_tx, inputs) =>
        inputs.map((input) => (input === 0 ? new AttestryError("version_conflict", "refused") : undefined)),
    };
    const entry = makeEntry();
    const outcomes = await log.openWriter().appendAll(refuseFirst, [
      { input: 0, entry },
      { input: 1, entry: makeEntry({ r: entry.r }) },
    ]);
    expect(outcomes).toMatchObject([{ code: "version_conflict" }, { logIndex: 0 }]);
  });
});

describe("a bad item among good ones", () => {
  const badAt = 37;

  async function appendWithBadItem(kind: WriteKind<number>) {
    const items = range(0, 100).map((input) => ({ input, entry: makeEntry() }));
    const outcomes = await log.openWriter().appendAll(kind, items);
    const bad = outcomes[badAt];
    expect(indicesOf(outcomes.filter((_, i) => i !== badAt))).toEqual(range(0, 99));
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 99 } });
    return bad;
  }

  it("is found when the database refuses its data (class 22), and gets no text of the database", async () => {
    const bad = await appendWithBadItem({
      ...acceptAll,
      async store(tx, accepted) {
        for (const { input } of accepted) await tx`select ${input === badAt ? "secret" : "1"}::text::integer`;
      },
    });
    expect(bad).toMatchObject({ code: "request_invalid", message: expect.stringContaining("22P02") });
    expect((bad as AttestryError).message).not.toContain("secret");
  });

  it("is found when it breaks a constraint (class 23)", async () => {
    await test.database.sql`create table kind_unique (value integer constraint kind_unique_value unique)`;
    await test.database.sql`insert into kind_unique values (${badAt})`;
    const bad = await appendWithBadItem({
      ...acceptAll,
      async store(tx, accepted) {
        await Promise.all(accepted.map(({ input }) => tx`insert into kind_unique values (${input})`));
      },
    });
    await test.database.sql`drop table kind_unique`;
    expect(bad).toMatchObject({ code: "value_not_unique", message: expect.stringContaining("kind_unique_value") });
  });

  it("is found when its kind's check throws", async () => {
    const bad = await appendWithBadItem({
      ...acceptAll,
      async check(_tx, inputs) {
        if (inputs.includes(badAt)) throw new TypeError("a bug");
        return inputs.map(() => undefined);
      },
    });
    expect(bad).toMatchObject({ code: "log_write_failed" });
  });

  it("is found when its kind's store refuses it with a code of its own", async () => {
    const bad = await appendWithBadItem({
      ...acceptAll,
      async store(_tx, accepted) {
        if (accepted.some(({ input }) => input === badAt)) throw new AttestryError("state_conflict", "too late");
      },
    });
    expect(bad).toMatchObject({ code: "state_conflict" });
  });

  it("leaves other kinds of the batch alone, and nothing of what was undone stays", async () => {
    await test.database.sql`create table kind_log (log_index bigint primary key)`;
    const good: WriteKind<number> = {
      ...acceptAll,
      async store(tx, accepted) {
        for (const { logIndex } of accepted) await tx`insert into kind_log values (${logIndex})`;
      },
    };
    const broken: WriteKind<number> = {
      ...acceptAll,
      async store(tx) {
        await tx`select * from table_that_is_not_there`;
      },
    };
    const writer = log.openWriter();
    const all = await Promise.all([
      writer.appendAll(
        good,
        range(0, 5).map((input) => ({ input, entry: makeEntry() })),
      ),
      writer.appendAll(
        broken,
        range(0, 5).map((input) => ({ input, entry: makeEntry() })),
      ),
    ]);
    expect(indicesOf(all[0])).toEqual(range(0, 5));
    expect(all[1]).toMatchObject(range(0, 5).map(() => ({ code: "log_write_failed" })));
    const rows = await test.database.sql`select log_index from kind_log order by 1`;
    expect(rows.map((row) => row.log_index)).toEqual(range(0, 5));
    await test.database.sql`drop table kind_log`;
  });
});

describe("overload", () => {
  it("refuses with log_overloaded what passes the queue's maximum, and writes all it took", async () => {
    const writer = log.openWriter();
    let answer: Promise<unknown> | undefined;
    let refused = "";
    await test.database.sql.begin(async (tx) => {
      await tx`select 1 from log_state where name = ${LOG_NAME} for update`;
      answer = writer.appendAll(acceptAll, makeItems(LOG_QUEUE_ENTRIES_MAX));
      refused = await outcomeCode(writer.append(acceptAll, undefined, makeEntry()));
    });
    expect(refused).toBe("log_overloaded");
    expect(await answer).toHaveLength(LOG_QUEUE_ENTRIES_MAX);
    expect(await writer.append(acceptAll, undefined, makeEntry())).toEqual({ logIndex: LOG_QUEUE_ENTRIES_MAX });
  });
});

describe("several writers on one database", () => {
  it("take turns without forking the log", async () => {
    const writers = [log.openWriter(), log.openWriter()];
    const appended = range(0, 200).map((i) => writers[i % 2]!.append(acceptAll, undefined, makeEntry()));
    const indices = (await Promise.all(appended)).map((item) => item.logIndex);
    expect(indices.sort((a, b) => a - b)).toEqual(range(0, 200));
    for (let i = 0; i < 20; i++) await writers[i % 2]!.append(acceptAll, undefined, makeEntry());
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 220 } });
  });
});
