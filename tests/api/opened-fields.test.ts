// A definition that opens a personal field, attacked: what was sealed before stays unknown to strangers.
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";

const BASE = "/registries/people";
const INDEX_WAIT_MS = 20_000;

function people(personal: boolean): JsonObject {
  const field = (annotations: JsonObject) => ({ type: "string", "x-personal": personal, ...annotations });
  return definition("people", {
    properties: {
      phone: field({ "x-search": personal ? "exact" : "prefix" }),
      tax: field({ "x-unique": true }),
      sex: field({}),
    },
    members: { statistics: [{ name: "by-sex", fields: ["sex"], smallest: 1 }] },
  });
}

describe("a field that a later definition opens", () => {
  let node: TestNode;
  let calls: RecordCalls;
  let sealed: JsonObject;

  beforeAll(async () => {
    node = await startTestNode();
    await node.publish(people(true));
    calls = await createRecordCalls(node, "people");
    sealed = await calls.create({ code: "1", name: "Old", phone: "0171", tax: "T1", sex: "f" });
    const token = await node.token("operator");
    const opened = await node.request("PUT", `${BASE}?allow-breaking=true`, { token, json: people(false) });
    expect(opened.status, opened.text).toBe(201);
    await calls.create({ code: "2", name: "New", phone: "0172", tax: "T2", sex: "m" });
    const isIndexed = async () => !("index" in (await node.request("GET", `${BASE}/records`)).body);
    await vi.waitFor(async () => expect(await isIndexed()).toBe(true), { timeout: INDEX_WAIT_MS, interval: 200 });
  }, 2 * INDEX_WAIT_MS);
  afterAll(() => node.close());

  const names = async (query: string): Promise<unknown[]> => {
    const answer = await node.request("GET", `${BASE}/records?${query}`);
    expect(answer.status, answer.text).toBe(200);
    return (answer.body.records as JsonObject[]).map((record) => (record.data as JsonObject).name);
  };

  it("finds no record openly by a value that it withholds", async () => {
    expect(await names("phone=0172")).toEqual(["New"]);
    expect(await names("phone=0171")).toEqual([]);
    expect(await names("phone[prefix]=0")).toEqual(["New"]);
  });

  it("sorts a record whose value is withheld among those that have none", async () => {
    expect(await names("sort=phone")).toEqual(["New", "Old"]);
    expect(await names("sort=-phone")).toEqual(["New", "Old"]);
  });

  it("confirms a unique value that is withheld to no stranger, whichever way it is asked", async () => {
    expect(await names("tax=T2")).toEqual(["New"]);
    expect(await names("tax=T1")).toEqual([]);
    expect(await names("tax=T1&asOf=2999-01-01")).toEqual([]);
    const count = await node.request("GET", `${BASE}/records?tax=T1&count=true`);
    expect(count.body.count).toEqual({ value: 0, relation: "exact" });
    const lookups = ["T1", "T2"].map((tax) => ({ registry: "people", key: { tax } }));
    const found = await node.request("POST", "/records:find", { json: { lookups } });
    expect((found.body.results as JsonObject[]).map(({ outcome }) => outcome)).toEqual(["record_unknown", "found"]);
  });

  it("counts no record by a value that it withholds", async () => {
    const answer = await node.request("GET", `${BASE}/statistics/by-sex`);
    expect(answer.body.counts).toEqual([{ values: { sex: "m" }, count: 1 }]);
  });

  it("stays unique, and is found by staff", async () => {
    const again = await calls.post({ data: { code: "3", name: "Third", tax: "T1" } });
    expect(again.body.code).toBe("value_not_unique");
    const token = await node.token("reader", { registries: ["people"] });
    const found = await node.request("GET", `${BASE}/records?tax=T1`, { token });
    expect((found.body.records as JsonObject[]).map(({ rid }) => rid)).toEqual([sealed.rid]);
  });

  it("is open once the record is issued again under the definition that opens it", async () => {
    await calls.amend(sealed.rid, "1.0", { data: { name: "Renewed" } });
    expect(await names("phone[prefix]=0&sort=phone")).toEqual(["Renewed", "New"]);
    expect(await names("tax=T1")).toEqual(["Renewed"]);
  });
});
