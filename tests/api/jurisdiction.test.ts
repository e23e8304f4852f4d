// Staff bound to a part of a registry's records: what they find, count, write and move, and what they are told of the rest.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { lockLogState } from "../../src/log/log-store.ts";
import { createRecordSealer } from "../../src/records/record-sealer.ts";
import { createIndexRebuildService } from "../../src/records/search/index-rebuild-service.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { refusal } from "../record-calls.ts";

const BASE = "/registries/births/records";
const BIRTHS = definition("births", {
  access: "consent",
  properties: {
    district: { type: "string", "x-search": "exact", "x-personal": true },
    year: { type: "integer", "x-search": "range", "x-personal": false },
    mother: { type: "string", "x-personal": true, "x-unique": true },
  },
  members: {
    jurisdiction: [{ field: "district", claim: "district" }],
    duplicates: [{ name: "same-name", fields: ["name"] }],
  },
});

let node: TestNode;
let all: string;
let clerk: string;
let both: string;
let neighbour: string;

beforeAll(async () => {
  node = await startTestNode();
  const published = await node.publish(BIRTHS);
  expect(published.status, published.text).toBe(201);
  const token = (...district: string[]) => node.token("registrar", { claims: { district } });
  [all, clerk, both, neighbour] = await Promise.all([token("*"), token("021"), token("021", "022"), token("022")]);
});

afterAll(() => node?.close());

let codes = 0;

async function create(district: string, more: JsonObject = {}, token = all): Promise<JsonObject> {
  const code = `B-${++codes}`;
  const data = { code, name: `Child ${code}`, district, year: 2000 + codes, ...more };
  const created = await node.request("POST", BASE, { token, json: { data } });
  expect(created.status, created.text).toBe(201);
  return created.body;
}

const amend = (token: string, { rid }: JsonObject, data: JsonObject, etag = "1.0"): Promise<Answer> =>
  node.request("PATCH", `${BASE}/${String(rid)}`, { token, json: { data }, headers: { "if-match": `"${etag}"` } });

const get = (token: string, { rid }: JsonObject, below = "") =>
  node.request("GET", `${BASE}/${String(rid)}${below}`, { token });

const search = (token: string, json: Json) => node.request("POST", `${BASE}:search`, { token, json });

async function walk(token: string, fields: JsonObject, limit: number): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  for (let cursor: Json | undefined; ; ) {
    const page = await search(token, { fields, limit, sort: "year", ...(cursor !== undefined && { cursor }) });
    expect(page.status, page.text).toBe(200);
    found.push(...(page.body.records as JsonObject[]));
    cursor = page.body.next;
    if (cursor === undefined) return found;
  }
}

describe("a clerk of one district", () => {
  it("finds, counts and exports the district's records, page by page, and no other", async () => {
    const own: unknown[] = [];
    for (let at = 0; at < 12; at++) {
      const { rid } = await create(at % 3 === 0 ? "021" : "023");
      if (at % 3 === 0) own.push(rid);
    }
    for (const fields of [{}, { year: { gte: 2000 } }]) {
      // Pages are full but for the last: what is not the clerk's was never part of them.
      expect((await walk(clerk, fields, 3)).map(({ rid }) => rid)).toEqual(own);
      const counted = await search(clerk, { fields, count: true, limit: 1 });
      expect(counted.body.count).toEqual({ value: own.length, relation: "exact" });
    }
    expect((await search(clerk, { fields: { district: "023" } })).body.records).toEqual([]);
    expect((await search(all, { fields: { district: "023" } })).body.records).toHaveLength(8);
    const past = await search(clerk, { fields: {}, asOf: "2199-01-01", count: true });
    expect(past.body.count).toEqual({ value: own.length, relation: "exact" });
    for (const path of [":export", ":export?history=true"]) {
      const { text } = await node.request("GET", `${BASE}${path}`, { token: clerk });
      const hrefs = [...text.matchAll(/records\/([0-9a-f-]{36})"/g)].map((match) => match[1]);
      expect(new Set(hrefs), path).toEqual(new Set(own));
    }
  });

  it("is not told whether a record is there that is none of the district's", async () => {
    const there = await get(clerk, await create("022"));
    const nowhere = await get(clerk, { rid: "4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60" });
    expect([refusal(there), there.body.detail]).toEqual(["403 permission_denied", nowhere.body.detail]);
  });

  it("neither takes a record into the district nor gives one away: who answers for both does", async () => {
    const [own, other] = [await create("021"), await create("022")];
    const attempts = [
      await amend(clerk, own, { district: "022" }),
      await amend(clerk, other, { district: "021" }),
      await amend(neighbour, own, { district: "022" }),
      await node.request("POST", BASE, { token: clerk, json: { data: { code: "x", name: "x", district: "022" } } }),
      await node.request("POST", BASE, { token: clerk, json: { data: { code: "x", name: "x" } } }),
      await node.request("POST", `${BASE}/${String(other.rid)}/revoke`, { token: clerk, json: {} }),
      await node.request("POST", `${BASE}/${String(own.rid)}/replace`, {
        token: clerk,
        json: { by: [{ data: { code: "y", name: "y", district: "022" } }] },
      }),
      await node.request("POST", `${BASE}/${String(own.rid)}/replace`, {
        token: clerk,
        json: { by: [{ data: { code: "y", name: "y", district: "021" } }], also: [{ rid: String(other.rid) }] },
      }),
    ];
    expect(attempts.map(refusal)).toEqual(attempts.map(() => "403 permission_denied"));
    const moved = await amend(both, own, { district: "022" });
    expect([moved.status, moved.body.version], moved.text).toEqual([200, 2]);
    // Who answers for it now sees its past; who did, no longer, and finds it no more.
    for (const below of ["", "?version=1", "/versions", "/history"]) {
      expect((await get(neighbour, own, below)).status, below).toBe(200);
      expect(refusal(await get(clerk, own, below)), below).toBe("403 permission_denied");
    }
    expect((await walk(clerk, {}, 50)).map(({ rid }) => rid)).not.toContain(own.rid);
    expect((await walk(neighbour, {}, 50)).map(({ rid }) => rid)).toContain(own.rid);
    expect((await amend(neighbour, own, { name: "Another" }, "2.0")).status).toBe(200);
  });

  it("learns of a possible duplicate elsewhere that there is one, and nothing of it", async () => {
    const twin = await create("022", { name: "Ravi Kumar", mother: "M-1" });
    const own = await create("021", { name: "Sita Devi" });
    const data = { code: "B-twin", name: "Ravi Kumar", district: "021" };
    const asked = await node.request("POST", `${BASE}:duplicates`, { token: clerk, json: { data } });
    expect(asked.body, asked.text).toEqual({ candidates: [], elsewhere: 1 });
    const refused = await node.request("POST", BASE, { token: clerk, json: { data } });
    expect(refusal(refused)).toBe("409 possible_duplicate");
    for (const told of [String(twin.rid), "B-1", "022"]) expect(refused.text).not.toContain(told);
    expect(refused.text).toContain("another jurisdiction");
    const near = { ...data, code: "B-near", name: "Sita Devi" };
    const open = await node.request("POST", BASE, { token: clerk, json: { data: near } });
    expect(open.text).toContain(String(own.rid));
    // A unique value is unique in all of the registry; looked up by it, the record is not there.
    const lookup = { registry: "births", key: { mother: "M-1" } };
    const results = async (token: string) => {
      const { body } = await node.request("POST", "/records:find", { token, json: { lookups: [lookup] } });
      return (body.results as JsonObject[])[0]!.outcome;
    };
    expect([await results(clerk), await results(neighbour)]).toEqual(["record_unknown", "found"]);
  });

  it("imports rows of the district, and is refused each other one by itself", async () => {
    const [other, third] = [await create("022", { mother: "M-2" }), await create("022")];
    const rows = [
      { data: { code: "I-1", name: "First", district: "021" } },
      { data: { code: "I-2", name: "Second", district: "022" } },
      { data: { ...(other.data as JsonObject), district: "021" } },
      { data: third.data as JsonObject },
    ];
    for (const dry of ["true", "false"]) {
      const answer = await node.request("POST", `${BASE}:import?mode=upsert&dryRun=${dry}`, {
        token: clerk,
        body: rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
        headers: { "content-type": "application/x-ndjson" },
      });
      const outcomes = [...answer.text.matchAll(/"outcome":"(\w+)"(?:,"code":"(\w+)")?/g)].map((m) => m[2] ?? m[1]);
      expect(outcomes, answer.text).toEqual(["created", "permission_denied", "permission_denied", "permission_denied"]);
    }
  });
});

describe("a definition that binds its staff", () => {
  it("names fields with a single value, and is a breaking change of one that does not", async () => {
    const binding = (field: string) => ({ ...BIRTHS, jurisdiction: [{ field, claim: "district" }] });
    const unknown = await node.request("PUT", "/registries/births?dryRun=true", {
      token: await node.token("operator"),
      json: binding("town"),
    });
    expect([refusal(unknown), JSON.stringify(unknown.body.errors)]).toEqual([
      "422 definition_invalid",
      expect.stringContaining("/jurisdiction/0/field"),
    ]);
    const changed = await node.request("PUT", "/registries/births", {
      token: await node.token("operator"),
      json: binding("code"),
    });
    expect([refusal(changed), changed.text]).toEqual([
      "409 definition_breaking",
      expect.stringContaining("/jurisdiction"),
    ]);
  });

  it("gives nobody a record by the rule before it: old records are the clerk's again once they are indexed", async () => {
    const wells = definition("wells", {
      access: "members",
      properties: { district: { type: "string" }, block: { type: "string" } },
      members: { jurisdiction: [{ field: "district", claim: "area" }] },
    });
    expect((await node.publish(wells)).status).toBe(201);
    const token = await node.token("registrar", { claims: { area: ["7"] } });
    const json = { data: { code: "1", name: "Well", district: "7", block: "8" } };
    expect((await node.request("POST", "/registries/wells/records", { token, json })).status).toBe(201);
    const list = async (area: string) => {
      const reader = await node.token("reader", { claims: { area: [area] } });
      const { body } = await node.request("GET", "/registries/wells/records", { token: reader });
      return (body.records as JsonObject[]).length;
    };
    expect([await list("7"), await list("8")]).toEqual([1, 0]);
    const operator = await node.token("operator");
    const changed = { ...wells, jurisdiction: [{ field: "block", claim: "area" }] };
    const answer = await node.request("PUT", "/registries/wells?allow-breaking=true", {
      token: operator,
      json: changed,
    });
    expect(answer.status, answer.text).toBe(201);
    expect(await list("7")).toBe(0);
    await createIndexRebuildService({
      database: node.database.database,
      registries: node.node.registries,
      sealer: createRecordSealer({ entity: node.entity, nodeKey: node.secrets.wrappingKey }),
      searchKey: node.secrets.searchKey,
      lockRecords: async (tx) => void (await lockLogState(tx, "records")),
    }).run(() => false);
    expect([await list("7"), await list("8")]).toEqual([0, 1]);
  });
});
