// Finding records: by unique fields, by identifier, page by page; and what a search tells to whom.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let people: RecordCalls;
let reader: string;
let ada: JsonObject;

const PEOPLE = definition("people", {
  members: { identifier: "P-{seq}" },
  properties: {
    number: { type: "integer", "x-unique": true },
    listed: { type: "boolean" },
    tax: { type: "string", "x-unique": true, "x-personal": true },
    place: {
      type: "object",
      additionalProperties: false,
      properties: { plot: { type: "string", "x-unique": true } },
    },
  },
});
(PEOPLE.schema as JsonObject)["x-unique"] = [["name", "listed"]];

beforeAll(async () => {
  node = await startTestNode();
  expect((await node.publish(PEOPLE)).status).toBe(201);
  people = await createRecordCalls(node, "people");
  reader = await node.token("reader");
  ada = await people.create({ code: "a", name: "Ada", number: 7, listed: true, tax: "TAX-1", place: { plot: "7/2" } });
  await people.create({ code: "7", name: "Ada", number: 8, listed: false, tax: "TAX-2" });
});

afterAll(() => node?.close());

const search = (query: string, token?: string) => node.request("GET", `/registries/people/records?${query}`, { token });
const searchByBody = (fields: JsonObject, token?: string) =>
  node.request("POST", "/registries/people/records:search", { token, json: { fields } });
const rids = (answer: Answer) => (answer.body.records as JsonObject[]).map(({ rid }) => rid);

describe("an exact search", () => {
  it.each([
    ["one text", "code=a"],
    ["a number, which an address can only spell", "number=7"],
    ["fields together, in any order", "listed=true&name=Ada"],
    ["a nested field", "place.plot=7%2F2"],
    ["the identifier", "identifier=P-1"],
    ["two unique fields at once", "code=a&number=7"],
  ])("finds a record by %s", async (_name, query) => {
    expect(rids(await search(query))).toEqual([ada.rid]);
  });

  it("finds the same by a body, where values have types", async () => {
    expect(rids(await searchByBody({ number: 7 }, reader))).toEqual([ada.rid]);
    expect(rids(await searchByBody({ number: "7" }, reader))).toEqual([]);
    expect(rids(await searchByBody({ name: "Ada", listed: true }, reader))).toEqual([ada.rid]);
  });

  it("finds nothing where nothing is, and does not take a like text for the same", async () => {
    for (const query of ["code=A", "code=", "code=a%00", "number=7.0.0", "number=x", "name=Ada&listed=maybe"])
      expect((await search(query)).body.records, query).toEqual([]);
  });

  it("finds a record by what its current version says, not by an older one", async () => {
    const { rid } = await people.create({ code: "before", name: "x" });
    await people.amend(rid, "1.0", { data: { code: "after" } });
    expect(rids(await search("code=before"))).toEqual([]);
    expect(rids(await search("code=after"))).toEqual([rid]);
  });

  it.each([
    ["a field that is not unique", "name=Ada"],
    ["a field that is none", "nonsense=1"],
    ["part of a compound key", "listed=true"],
    ["a unique field beside one that is not searched by", "code=a&name=Ada"],
    ["a field given twice", "code=a&code=7"],
    ["a name that objects inherit", "constructor=1"],
    ["a name that would set a prototype", "__proto__=1"],
    ["thousands of fields", Array.from({ length: 3_000 }, (_, i) => `a${i}=1`).join("&")],
  ])("refuses %s, and says by what it searches", async (_name, query) => {
    const answer = await search(query);
    expect(refusal(answer)).toBe("400 query_invalid");
    expect(answer.text.length).toBeLessThan(2_000);
  });
});

describe("personal fields", () => {
  it("are searched by staff, in a body and never in an address", async () => {
    expect(rids(await searchByBody({ tax: "TAX-1" }, reader))).toEqual([ada.rid]);
    expect(refusal(await search("tax=TAX-1", reader))).toBe("400 query_invalid");
    expect(refusal(await search("tax=TAX-1"))).toBe("400 query_invalid");
  });

  it("are no oracle for strangers, also in a public registry", async () => {
    const known = await searchByBody({ tax: "TAX-1" });
    const unknown = await searchByBody({ tax: "TAX-9" });
    expect([refusal(known), refusal(unknown)]).toEqual(["401 authentication_required", "401 authentication_required"]);
    const auditor = await node.token("auditor");
    expect(refusal(await searchByBody({ tax: "TAX-1" }, auditor))).toBe("403 permission_denied");
    const elsewhere = await node.token("reader", { registries: ["others"] });
    expect(refusal(await searchByBody({ tax: "TAX-1" }, elsewhere))).toBe("403 permission_denied");
  });

  it("stay out of what a stranger finds by other fields", async () => {
    const found = await search("code=a");
    expect(found.text).not.toContain("TAX-1");
    expect((found.body.records as JsonObject[])[0]).toMatchObject({ withheld: true, data: { name: "Ada" } });
    expect((await search("code=a", reader)).text).toContain("TAX-1");
  });
});

describe("a list", () => {
  async function walk(query: string): Promise<{ seen: unknown[]; pages: number }> {
    const seen: unknown[] = [];
    let cursor: string | undefined;
    for (let pages = 1; ; pages++) {
      const answer = await search(`${query}${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      expect(answer.status, answer.text).toBe(200);
      seen.push(...rids(answer));
      cursor = answer.body.next as string | undefined;
      if (cursor === undefined) return { seen, pages };
    }
  }

  it("is walked page by page in the order of creation, each record once, while others write and amend", async () => {
    const before = (await walk("limit=500")).seen;
    const writing = Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const { rid } = await people.create({ code: `w${i}`, name: `w${i}` });
        await people.amend(rid, "1.0", { data: { name: `v${i}` } });
      }),
    );
    const during = await walk("limit=3");
    await writing;
    const after = (await walk("limit=7")).seen;
    expect(new Set(during.seen).size).toBe(during.seen.length);
    expect(during.seen.slice(0, before.length)).toEqual(before);
    expect(after.slice(0, during.seen.length)).toEqual(during.seen);
    expect(after).toHaveLength(before.length + 40);
  });

  it("ends without a cursor when the last page is exactly full", async () => {
    const total = (await walk("limit=500")).seen.length;
    const answer = await search(`limit=${total}`);
    expect(rids(answer)).toHaveLength(total);
    expect(answer.body).not.toHaveProperty("next");
  });

  it.each(["limit=0", "limit=501", "limit=-1", "limit=ten", "limit=1&limit=2", "cursor=x", "cursor=", "cursor=1e3"])(
    "refuses %s",
    async (query) => {
      expect(refusal(await search(query))).toBe("400 query_invalid");
    },
  );
});
