// Counts that are kept with every write: against a plain count of the records; small ones hidden; personal ones sealed.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let people: RecordCalls;
let now = 1_750_000_000;

const PEOPLE = definition("people", {
  properties: {
    ward: { type: "integer" },
    sex: { type: "string", "x-personal": true },
  },
  members: {
    statistics: [
      { name: "by-ward", fields: ["ward"], smallest: 1 },
      { name: "by-ward-and-sex", fields: ["ward", "sex"], smallest: 1 },
    ],
  },
});
const SAFE = definition("safe", {
  properties: { ward: { type: "string" }, sex: { type: "string", "x-personal": true } },
  members: { statistics: [{ name: "by-both", fields: ["ward", "sex"] }] },
});

beforeAll(async () => {
  node = await startTestNode({ clock: () => now });
  expect((await node.publish(PEOPLE)).status).toBe(201);
  people = await createRecordCalls(node, "people");
});

afterAll(() => node?.close());

async function counts(name: string, registry = "people"): Promise<unknown> {
  now += 60; // beyond what an answer may be old
  const answer = await node.request("GET", `/registries/${registry}/statistics/${name}`);
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.counts as JsonObject[]).map(({ values, count }) => [
    ...Object.values(values as JsonObject),
    count,
  ]);
}

const storedCounts = () =>
  node.database.database.sql<{ cell: string; count: number }[]>`
    select cell, count from record_statistic where registry = 'people' and name = '' and count > 0 order by cell`;

describe("statistics", () => {
  it("follow every operation, and a failed write changes none", async () => {
    const rids: string[] = [];
    for (const [at, [ward, sex]] of (
      [
        [1, "f"],
        [1, "m"],
        [2, "f"],
        [2, "f"],
        [undefined, "f"],
      ] as const
    ).entries()) {
      const { rid } = await people.create({ code: `p${at}`, name: "x", ...(ward !== undefined && { ward }), sex });
      rids.push(rid as string);
    }
    const [a, b, c] = rids as [string, string, string];
    expect(await counts("by-ward")).toEqual(
      [
        [null, 1],
        [1, 2],
        [2, 2],
      ].sort(byText),
    );
    await people.amend(a, "1.0", { data: { ward: 2 } });
    await people.amend(b, "1.0", { data: { name: "y" } });
    expect((await people.post({ data: { code: "p1", name: "x", ward: 9 } })).status).toBe(409);
    expect(sorted(await counts("by-ward-and-sex"))).toEqual(
      sorted([
        [null, "f", 1],
        [1, "m", 1],
        [2, "f", 3],
      ]),
    );
    expect((await people.change(c, "suspend", { act: { reason: "r" } })).status).toBe(200);
    expect(sorted(await counts("by-ward"))).toEqual(
      sorted([
        [null, 1],
        [1, 1],
        [2, 2],
      ]),
    );
    expect((await people.change(c, "reinstate", { act: { reason: "r" } })).status).toBe(200);
    expect(sorted(await counts("by-ward"))).toEqual(
      sorted([
        [null, 1],
        [1, 1],
        [2, 3],
      ]),
    );
    expect((await people.revoke(b, { act: { reason: "wrong" } })).status).toBe(200);
    expect(sorted(await counts("by-ward"))).toEqual(
      sorted([
        [null, 1],
        [2, 3],
      ]),
    );
    expect((await people.change(a, "erase", { act: { reason: "r", instrument: "i" } })).status).toBe(200);
    expect(sorted(await counts("by-ward"))).toEqual(
      sorted([
        [null, 1],
        [2, 2],
      ]),
    );
    expect(await storedCounts()).toEqual([
      { cell: "active", count: 3 },
      { cell: "erased", count: 1 },
      { cell: "revoked", count: 1 },
    ]);
    const home = await node.request("GET", "/", { headers: { accept: "application/json" } });
    expect((home.body.registries as JsonObject[])[0]).toMatchObject({ records: 4 });
  });

  it("agree with what concurrent writers left", async () => {
    await Promise.all(
      Array.from({ length: 60 }, async (_, at) => {
        const { rid } = await people.create({ code: `q${at}`, name: "x", ward: 50 + (at % 3), sex: "m" });
        if (at % 4 === 0) await people.amend(rid, "1.0", { data: { ward: 60 } });
        if (at % 5 === 0) await people.revoke(rid, { act: { reason: "wrong" } });
      }),
    );
    const wanted = new Map<number, number>();
    for (let at = 0; at < 60; at++) {
      if (at % 5 === 0) continue;
      const ward = at % 4 === 0 ? 60 : 50 + (at % 3);
      wanted.set(ward, (wanted.get(ward) ?? 0) + 1);
    }
    const found = ((await counts("by-ward")) as [number | null, number][]).filter(
      ([ward]) => ward !== null && ward >= 50,
    );
    expect(sorted(found)).toEqual(sorted([...wanted]));
  });

  it("hide what is small where something is personal, unless the definition says otherwise", async () => {
    expect((await node.publish(SAFE)).status).toBe(201);
    const safe = await createRecordCalls(node, "safe");
    const cells = [
      ["a", "f", 3],
      ["a", "m", 12],
      ["b", "f", 14],
      ["b", "m", 20],
      ["c", "f", 21],
      ["c", "m", 25],
    ] as const;
    for (const [ward, sex, of] of cells)
      await Promise.all(
        Array.from({ length: of }, (_, at) => safe.create({ code: `${ward}${sex}${at}`, name: "x", ward, sex })),
      );
    const answer = await node.request("GET", "/registries/safe/statistics/by-both");
    expect(answer.body).toMatchObject({ smallest: 10, withheld: true });
    // The small one, and a box of others around it: neither the wards' totals nor the sexes' give it away.
    expect(await counts("by-both", "safe")).toEqual([
      ["c", "f", 21],
      ["c", "m", 25],
    ]);
    for (const { count } of answer.body.counts as JsonObject[]) expect(count).toBeGreaterThanOrEqual(10);
  });

  it("of personal fields are sealed in the database", async () => {
    const rows = await node.database.database.sql<{ name: string; label: string; cell: string }[]>`
      select name, label, cell from record_statistic where registry = 'people' and name <> ''`;
    const personal = rows.filter(({ name }) => name.includes("sex"));
    expect(personal.length).toBeGreaterThan(2);
    for (const { label, cell } of personal) {
      expect(label).toMatch(/^[A-Za-z0-9+/]{40,}=*$/);
      expect(cell).toMatch(/^[A-Za-z0-9_-]{22}$/);
    }
  });

  it("are listed, unknown ones refused with what there is, and closed registries' for staff only", async () => {
    expect((await node.request("GET", "/registries/people/statistics")).body).toEqual({
      statistics: [
        { name: "by-ward", fields: ["ward"] },
        { name: "by-ward-and-sex", fields: ["ward", "sex"] },
      ],
    });
    const unknown = await node.request("GET", "/registries/people/statistics/nothing");
    expect(refusal(unknown)).toBe("404 statistic_unknown");
    expect(unknown.body.detail).toContain("by-ward");
    const closed = definition("closed", {
      access: "members",
      members: { statistics: [{ name: "all", fields: ["code"] }] },
    });
    expect((await node.publish(closed)).status).toBe(201);
    expect(refusal(await node.request("GET", "/registries/closed/statistics/all"))).toBe("401 authentication_required");
    expect(
      (await node.request("GET", "/registries/closed/statistics/all", { token: await node.token("reader") })).status,
    ).toBe(200);
  });

  it.each([
    ["a field that is none", { statistics: [{ name: "x", fields: ["nothing"] }] }],
    ["a field of many values", { statistics: [{ name: "x", fields: ["tags"] }] }],
    [
      "a name twice",
      {
        statistics: [
          { name: "x", fields: ["code"] },
          { name: "x", fields: ["name"] },
        ],
      },
    ],
    ["a rule of duplicates about nothing", { duplicates: [{ name: "x", fields: ["nothing"] }] }],
  ])("are refused where a definition names %s", async (_name, members) => {
    const tags = { type: "array", items: { type: "string" } };
    const answer = await node.publish(definition("wrong", { properties: { tags }, members: members as JsonObject }));
    expect(refusal(answer)).toBe("422 definition_invalid");
  });
});

const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
const sorted = (rows: unknown) => [...(rows as unknown[])].sort(byText);
