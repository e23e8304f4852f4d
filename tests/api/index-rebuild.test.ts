// A definition begins to search, count and compare by other fields: old records follow, while writes go on, in steps that several processes may take.
import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { lockLogState } from "../../src/log/log-store.ts";
import { createRecordSealer } from "../../src/records/record-sealer.ts";
import { createIndexRebuildService } from "../../src/records/search/index-rebuild-service.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls } from "../record-calls.ts";

let node: TestNode;
let now = 1_750_000_000;

afterEach(() => node?.close());

const FIRST = definition("people", {
  properties: { ward: { type: "integer" }, tax: { type: "string", "x-personal": true } },
});
const SECOND: JsonObject = {
  ...definition("people", {
    properties: {
      name: { type: "string", "x-search": "prefix" },
      ward: { type: "integer", "x-search": "range" },
      tax: { type: "string", "x-personal": true, "x-search": "exact" },
    },
    members: {
      statistics: [{ name: "by-ward", fields: ["ward"], smallest: 1 }],
      duplicates: [{ name: "same-tax", fields: [{ field: "tax", normal: "digits" }] }],
    },
  }),
};

function rebuilder(recordsPerStep: number) {
  const { registries } = node.node;
  const { database } = node.database;
  const sealer = createRecordSealer({ entity: node.entity, nodeKey: node.secrets.wrappingKey });
  return createIndexRebuildService({
    database,
    registries,
    sealer,
    searchKey: node.secrets.searchKey,
    lockRecords: async (tx) => void (await lockLogState(tx, "records")),
    recordsPerStep,
  });
}

/** All rows of the index, as a later rebuild of everything must make them again. */
const readIndex = () =>
  node.database.database.sql`
    select field, value, since, until, first_index from record_search where field <> '~key' order by field, value, first_index, since`;
const readCounts = () =>
  node.database.database.sql`select name, cell, count from record_statistic where count <> 0 order by name, cell`;

async function start(): Promise<Awaited<ReturnType<typeof createRecordCalls>>> {
  node = await startTestNode({ clock: () => now });
  expect((await node.publish(FIRST)).status).toBe(201);
  return createRecordCalls(node, "people");
}

async function publishSecond(): Promise<void> {
  const token = await node.token("operator");
  const answer = await node.request("PUT", "/registries/people?allow-breaking=true", { token, json: SECOND });
  expect(answer.status, answer.text).toBe(201);
}

const find = async (query: string) => {
  const answer = await node.request("GET", `/registries/people/records?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
};
const codes = (page: JsonObject) => (page.records as JsonObject[]).map(({ data }) => (data as JsonObject).code);

describe("a changed definition", () => {
  it("is followed by the index of old records: search, counts and likeness, at any time", async () => {
    const people = await start();
    const a = await people.create({ code: "a", name: "Ada", ward: 1, tax: "11-1" });
    await people.create({ code: "b", name: "Bo", ward: 2, tax: "22-2" });
    const c = await people.create({ code: "c", name: "Cy", ward: 2 });
    now += 1_000;
    await people.amend(a.rid, "1.0", { data: { name: "Adele" } });
    await people.revoke(c.rid, { act: { reason: "wrong" } });
    await publishSecond();
    expect(await find("name[prefix]=ad")).toEqual({ records: [], index: { complete: false, done: 0, of: 0 } });
    await rebuilder(2).run(() => false);
    const page = await find("name[prefix]=ad");
    expect(codes(page)).toEqual(["a"]);
    expect(page).not.toHaveProperty("index");
    expect(codes(await find("name=ada"))).toEqual([]);
    expect(codes(await find(`name=ada&asOf=${new Date((now - 500) * 1_000).toISOString()}`))).toEqual(["a"]);
    expect(codes(await find("ward[gte]=2"))).toEqual(["b", "c"]);
    const statistic = await node.request("GET", "/registries/people/statistics/by-ward");
    expect(statistic.body.counts).toEqual([
      { values: { ward: 1 }, count: 1 },
      { values: { ward: 2 }, count: 1 },
    ]);
    expect((await people.post({ data: { code: "d", name: "Di", tax: "111" } })).body.code).toBe("possible_duplicate");
  });

  it("is followed while others write, by several processes at once, and ends as if it had always been so", async () => {
    const people = await start();
    const rids: string[] = [];
    for (let at = 0; at < 60; at++) {
      const { rid } = await people.create({ code: `c${at}`, name: `n${at % 7}`, ward: at % 5, tax: `${at}` });
      rids.push(rid as string);
    }
    await publishSecond();
    let stopped = false;
    const writing = (async () => {
      for (let at = 0; !stopped && at < 400; at++) {
        const rid = rids[(at * 17) % rids.length]!;
        const version = Math.floor(at / rids.length) + 1;
        await people.patch(rid, { data: { ward: (at * 3) % 5, name: `m${at % 4}` } }, { "if-match": `"${version}.0"` });
        if (at % 20 === 7) await people.create({ code: `new${at}`, name: "new", ward: 9 });
      }
    })();
    // Stopped after each step, and by two at once: what one did, the other does not do again.
    for (let round = 0; round < 100; round++) {
      const oneStep = (recordsPerStep: number) => {
        let steps = 0;
        return rebuilder(recordsPerStep).run(() => steps++ > 0);
      };
      await Promise.all([oneStep(7), oneStep(5)]);
      if (!("index" in (await find("limit=1")))) break;
    }
    stopped = true;
    await writing;
    expect(await find("limit=1")).not.toHaveProperty("index");
    // Nothing was done twice.
    const [progress] = await node.database.database.sql<{ done: number; total: number; records: number }[]>`
      select done, total, (select count(*)::int8 from record) as records from record_index`;
    expect(progress!.done).toBe(progress!.total);
    expect(progress!.done).toBeLessThanOrEqual(progress!.records);
    const [index, counts] = await Promise.all([readIndex(), readCounts()]);
    expect(index.length).toBeGreaterThan(200);
    // Once more from nothing, with nobody writing.
    await node.database.database.sql`delete from record_search where field <> '~key'`;
    await node.database.database.sql`delete from record_statistic where name <> ''`;
    await node.database.database.sql`update record_index set complete = false, done_index = -1, done = 0`;
    await rebuilder(1_000).run(() => false);
    expect(await readIndex()).toEqual(index);
    expect(await readCounts()).toEqual(counts);
  }, 120_000);

  it("is not begun where only texts changed", async () => {
    const people = await start();
    await people.create({ code: "a", name: "Ada" });
    expect((await node.publish({ ...FIRST, title: { en: "People", hi: "लोग" } })).status).toBe(201);
    expect(await find("limit=1")).not.toHaveProperty("index");
    await rebuilder(10).run(() => false);
    expect(await node.database.database.sql`select * from record_index`).toEqual([]);
  });

  it("counts records that were suspended when it came, once they are reinstated", async () => {
    const people = await start();
    const ada = await people.create({ code: "a", name: "Ada", ward: 7 });
    expect((await people.change(ada.rid, "suspend")).status).toBe(200);
    await publishSecond();
    await rebuilder(10).run(() => false);
    expect((await people.change(ada.rid, "reinstate")).status).toBe(200);
    now += 60;
    const statistic = await node.request("GET", "/registries/people/statistics/by-ward");
    expect(statistic.status, statistic.text).toBe(200);
    expect(statistic.body.counts).toEqual([{ values: { ward: 7 }, count: 1 }]);
  });

  it("is followed where it was changed and changed back before the work began", async () => {
    const people = await start();
    await people.create({ code: "a", name: "Ada", ward: 1 });
    await publishSecond();
    await rebuilder(10).run(() => false);
    const token = await node.token("operator");
    const publish = (json: JsonObject) =>
      node.request("PUT", "/registries/people?allow-breaking=true", { token, json });
    expect((await publish(FIRST)).status).toBe(201);
    await people.create({ code: "b", name: "Bo", ward: 1 });
    expect((await publish(SECOND)).status).toBe(201);
    expect(await find("limit=1")).toHaveProperty("index");
    await rebuilder(10).run(() => false);
    expect(codes(await find("ward=1"))).toEqual(["a", "b"]);
  });

  it("seals what is counted once it is personal, and counts on", async () => {
    const people = await start();
    await publishSecond();
    await people.create({ code: "a", name: "Ada", ward: 7 });
    await rebuilder(10).run(() => false);
    const properties = ((SECOND.schema as JsonObject).properties ?? {}) as JsonObject;
    const ward = { ...(properties.ward as JsonObject), "x-search": "exact", "x-personal": true };
    const personal = { ...SECOND, schema: { ...(SECOND.schema as JsonObject), properties: { ...properties, ward } } };
    const token = await node.token("operator");
    const answer = await node.request("PUT", "/registries/people?allow-breaking=true", { token, json: personal });
    expect(answer.status, answer.text).toBe(201);
    await people.create({ code: "b", name: "Bo", ward: 7 });
    await rebuilder(10).run(() => false);
    now += 60;
    const statistic = await node.request("GET", "/registries/people/statistics/by-ward");
    expect(statistic.status, statistic.text).toBe(200);
    expect(statistic.body.counts).toEqual([{ values: { ward: 7 }, count: 2 }]);
    const labels = await node.database.database
      .sql`select label from record_statistic where name <> '' and label like '[%'`;
    expect(labels).toEqual([]);
  });
});
