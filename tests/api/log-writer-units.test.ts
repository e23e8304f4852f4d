// The writer of the log with inputs of several entries: each is written whole, at adjacent indices, or not at all.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AttestryError } from "../../src/errors.ts";
import { LOG_BATCH_ENTRIES_MAX, LOG_QUEUE_ENTRIES_MAX, LOG_UNIT_ENTRIES_MAX } from "../../src/limits.ts";
import type { WriteKind } from "../../src/log/writer-service.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import {
  acceptAll,
  LOG_NAME,
  makeEntry,
  makeItems,
  makeUnits,
  outcomeCode,
  startLog,
  type TestLog,
} from "../log-fixture.ts";

let test: TestDatabase;
let log: TestLog;

beforeAll(async () => {
  test = await createTestDatabase();
  await test.database.sql`create table unit_row (log_index bigint primary key, unit text not null)`;
});

afterAll(() => test.drop());

beforeEach(async () => {
  await test.database.sql`truncate log_state, log_entry, log_tile, unit_row`;
  log = await startLog(test.database);
});

/** A unit as a test writes it: a name and how many entries it has. */
interface Unit {
  readonly name: string;
  readonly size: number;
}

/** Stores a row per entry; refuses or breaks on the units named so. */
function rowKind(options: { refused?: string; broken?: string } = {}): WriteKind<Unit> {
  return {
    name: "unit-row",
    check: async (_tx, inputs) =>
      inputs.map(({ name }) => (name === options.refused ? new AttestryError("state_conflict", "refused") : undefined)),
    async store(tx, accepted) {
      for (const { input, logIndex } of accepted) {
        for (let at = 0; at < input.size; at++) {
          await tx`insert into unit_row values (${logIndex + at}, ${input.name})`;
          // Half of it is stored by now.
          if (input.name === options.broken && at > 0) await tx`select ${"no number"}::text::integer`;
        }
      }
    },
  };
}

const unitOf = (name: string, size: number) => ({
  input: { name, size },
  entry: Array.from({ length: size }, () => makeEntry()),
});

async function storedRows(): Promise<string[]> {
  const rows = await test.database.sql<{ unit: string }[]>`select unit from unit_row order by log_index`;
  return rows.map(({ unit }) => unit);
}

async function loggedTags(): Promise<string[]> {
  const rows = await test.database.sql<{ tag: Uint8Array }[]>`select tag from log_entry order by index`;
  return rows.map(({ tag }) => Buffer.from(tag).toString("base64url"));
}

describe("a unit", () => {
  it("has adjacent indices in the order of its entries, and its kind is given the first", async () => {
    const items = [unitOf("a", 1), unitOf("b", 3), unitOf("c", 2)];
    const outcomes = await log.openWriter().appendAll(rowKind(), items);
    expect(outcomes).toEqual([{ logIndex: 0 }, { logIndex: 1 }, { logIndex: 4 }]);
    expect(await storedRows()).toEqual(["a", "b", "b", "b", "c", "c"]);
    expect(await loggedTags()).toEqual(items.flatMap(({ entry }) => entry.map(({ r }) => r)));
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 6 } });
  });

  it("leaves no index to the refused ones between", async () => {
    const items = [unitOf("a", 2), unitOf("no", 3), unitOf("c", 2)];
    const outcomes = await log.openWriter().appendAll(rowKind({ refused: "no" }), items);
    expect(outcomes).toMatchObject([{ logIndex: 0 }, { code: "state_conflict" }, { logIndex: 2 }]);
    expect(await storedRows()).toEqual(["a", "a", "c", "c"]);
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 4 } });
  });

  it("is refused whole for one malformed entry, and its neighbours are written", async () => {
    const bad = unitOf("bad", 3);
    bad.entry[2] = makeEntry({ r: "short" });
    const outcomes = await log.openWriter().appendAll(rowKind(), [unitOf("a", 1), bad, unitOf("c", 1)]);
    expect(outcomes).toMatchObject([{ logIndex: 0 }, { code: "log_entry_invalid" }, { logIndex: 1 }]);
    expect(await storedRows()).toEqual(["a", "c"]);
  });

  it("has at least one entry and at most LOG_UNIT_ENTRIES_MAX", async () => {
    const writer = log.openWriter();
    expect(await outcomeCode(writer.append(acceptAll, undefined, []))).toBe("log_entry_invalid");
    const [large, tooLarge] = [makeUnits(1, LOG_UNIT_ENTRIES_MAX)[0]!, makeUnits(1, LOG_UNIT_ENTRIES_MAX + 1)[0]!];
    expect(await outcomeCode(writer.append(acceptAll, undefined, tooLarge.entry))).toBe("log_entry_invalid");
    expect(await writer.append(acceptAll, undefined, large.entry)).toEqual({ logIndex: 0 });
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: LOG_UNIT_ENTRIES_MAX } });
  });

  it("is never cut by the end of a batch", async () => {
    const sizes: number[] = [];
    const kind: WriteKind<undefined> = {
      ...acceptAll,
      async store(_tx, accepted) {
        sizes.push(accepted.length);
      },
    };
    // One entry first, so that no whole number of units of three fills a batch.
    const items = [...makeUnits(1, 1), ...makeUnits(LOG_BATCH_ENTRIES_MAX, 3)];
    const outcomes = await log.openWriter().appendAll(kind, items);
    expect(outcomes.slice(1)).toEqual(items.slice(1).map((_, at) => ({ logIndex: 1 + 3 * at })));
    expect(sizes[0]).toBe(1 + Math.floor((LOG_BATCH_ENTRIES_MAX - 1) / 3));
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 1 + 3 * LOG_BATCH_ENTRIES_MAX } });
  });

  it("counts by its entries towards the queue's maximum", async () => {
    const writer = log.openWriter();
    let answer: Promise<unknown> | undefined;
    let refused = "";
    await test.database.sql.begin(async (tx) => {
      await tx`select 1 from log_state where name = ${LOG_NAME} for update`;
      answer = writer.appendAll(acceptAll, makeUnits(LOG_QUEUE_ENTRIES_MAX / 100, 100));
      refused = await outcomeCode(writer.append(acceptAll, undefined, makeEntry()));
    });
    expect(refused).toBe("log_overloaded");
    expect(await answer).toHaveLength(LOG_QUEUE_ENTRIES_MAX / 100);
  });
});

describe("a tag", () => {
  it("that the log has refuses the whole unit, wherever in it the tag stands, and its neighbours are written", async () => {
    const writer = log.openWriter();
    const first = makeEntry();
    await writer.append(acceptAll, undefined, first);
    const units = [0, 1, 2].map((place) => {
      const unit = unitOf(`u${place}`, 3);
      unit.entry[place] = makeEntry({ r: first.r });
      return unit;
    });
    const outcomes = await writer.appendAll(rowKind(), [
      units[0]!,
      unitOf("a", 2),
      units[1]!,
      units[2]!,
      unitOf("b", 2),
    ]);
    const duplicate = { code: "log_tag_duplicate" };
    expect(outcomes).toMatchObject([duplicate, { logIndex: 1 }, duplicate, duplicate, { logIndex: 3 }]);
    expect(await storedRows()).toEqual(["a", "a", "b", "b"]);
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 5 } });
  });

  it("may stand once among all the units of a batch", async () => {
    const one = unitOf("one", 2);
    const two = unitOf("two", 2);
    two.entry[1] = makeEntry({ r: one.entry[0]!.r });
    const outcomes = await log.openWriter().appendAll(rowKind(), [one, two, unitOf("three", 1)]);
    expect(outcomes).toMatchObject([{ logIndex: 0 }, { code: "log_tag_duplicate" }, { logIndex: 2 }]);
  });

  it("may stand once within a unit", async () => {
    const twice = unitOf("twice", 3);
    twice.entry[2] = makeEntry({ r: twice.entry[0]!.r });
    const outcomes = await log.openWriter().appendAll(rowKind(), [twice, unitOf("a", 1)]);
    expect(outcomes).toMatchObject([{ code: "log_tag_duplicate" }, { logIndex: 0 }]);
    expect(await storedRows()).toEqual(["a"]);
  });

  it("of a unit that its kind refuses stays free for the others", async () => {
    const no = unitOf("no", 2);
    const yes = unitOf("yes", 1);
    yes.entry[0] = makeEntry({ r: no.entry[1]!.r });
    const outcomes = await log.openWriter().appendAll(rowKind({ refused: "no" }), [no, yes]);
    expect(outcomes).toMatchObject([{ code: "state_conflict" }, { logIndex: 0 }]);
  });
});

describe("a unit that the database refuses when half of it is stored", () => {
  it("is found among its neighbours by halving, and leaves nothing behind", async () => {
    const items = Array.from({ length: 40 }, (_, at) => unitOf(at === 23 ? "broken" : `u${at}`, 3));
    const outcomes = await log.openWriter().appendAll(rowKind({ broken: "broken" }), items);
    expect(outcomes[23]).toMatchObject({ code: "request_invalid" });
    const written = outcomes.filter((_, at) => at !== 23);
    expect(written).toEqual(written.map((_, at) => ({ logIndex: 3 * at })));
    const rows = await storedRows();
    expect(rows).toEqual(
      items.flatMap(({ input }) => (input.name === "broken" ? [] : [1, 2, 3].map(() => input.name))),
    );
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: 117 } });
  });

  it("is refused alone, too, and the next write goes through", async () => {
    const writer = log.openWriter();
    const broken = unitOf("broken", 3);
    expect(await outcomeCode(writer.append(rowKind({ broken: "broken" }), broken.input, broken.entry))).toBe(
      "request_invalid",
    );
    expect(await writer.appendAll(acceptAll, makeItems(1))).toEqual([{ logIndex: 0 }]);
    expect(await storedRows()).toEqual([]);
  });
});

describe("several writers on one database", () => {
  it("mix units and single entries without tearing a unit apart", async () => {
    const writers = [log.openWriter(), log.openWriter()];
    const items = Array.from({ length: 120 }, (_, at) => unitOf(`u${at}`, 1 + (at % 4)));
    await Promise.all(items.map(({ input, entry }, at) => writers[at % 2]!.append(rowKind(), input, entry)));
    const tags = await loggedTags();
    for (const { entry } of items) {
      const start = tags.indexOf(entry[0]!.r);
      expect(tags.slice(start, start + entry.length)).toEqual(entry.map(({ r }) => r));
    }
    expect(await log.audit()).toMatchObject({ ok: true, tree: { size: tags.length } });
  });
});
