// Searching by conditions: every query against a plain filter over the same records, sorted, counted, page by page, while others write.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { parseQuery } from "../../src/records/search/record-query.ts";
import { createSearchQueries } from "../../src/records/search/record-search-store.ts";
import type { SearchPosition } from "../../src/records/search/search-cursor.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";
import { createRandom, type Random } from "./seeded-random.ts";

let node: TestNode;
let places: RecordCalls;
let reader: string;

interface Place {
  rid: string;
  order: number;
  state: string;
  data: {
    code: string;
    name: string;
    people?: number;
    founded?: string;
    seen?: string;
    tags?: string[];
    owner?: string;
    flat?: boolean;
  };
}
const world: Place[] = [];

const PLACES = definition("places", {
  properties: {
    name: { type: "string", "x-search": { match: "prefix", normal: "name" } },
    people: { type: "number", "x-search": "range" },
    founded: { type: "string", format: "date", "x-search": "range" },
    seen: { type: "string", format: "date-time", "x-search": "range" },
    tags: { type: "array", items: { type: "string" }, "x-search": "prefix" },
    flat: { type: "boolean", "x-search": "exact" },
    owner: { type: "string", "x-personal": true, "x-search": { match: "exact", normal: "name" } },
    note: { type: "string" },
  },
});

const NAMES = ["Jaipur", "JAISALMER", "Jaí-pur", "Agra", "agra", "Ágra", "Zira", "Étah", "कि", "की"];
const OWNERS = ["Ada K. Rao", "ada k rao", "Adā Rao", "Bo"];

function makePlace(random: Random, at: number): Place["data"] {
  const { pick } = random;
  const maybe = (make: () => Partial<Place["data"]>) => (random.chance(0.7) ? make() : {});
  return {
    code: `c${at}`,
    name: pick(NAMES),
    ...maybe(() => ({ people: pick([-5, -0.5, 0, 1, 2.5, 10, 9, 1_000, 999_999]) })),
    ...maybe(() => ({ founded: pick(["1799-01-01", "1947-08-15", "2011-02-28", "2026-12-31"]) })),
    ...maybe(() => ({
      seen: pick([
        "2026-01-01T00:00:00Z",
        "2026-01-01T05:30:00+05:30",
        "2026-01-01T00:00:00.5Z",
        "2026-01-02T00:00:00Z",
      ]),
    })),
    ...maybe(() => ({ tags: pick([["red"], ["red", "reddish"], ["blue", "Red"], []]) })),
    ...maybe(() => ({ flat: pick([true, false]) })),
    ...maybe(() => ({ owner: pick(OWNERS) })),
  };
}

beforeAll(async () => {
  node = await startTestNode();
  expect((await node.publish(PLACES)).status).toBe(201);
  places = await createRecordCalls(node, "places");
  reader = await node.token("reader");
  const random = createRandom(20_260_101);
  const made = Array.from({ length: 120 }, (_, at) => makePlace(random, at));
  for (const data of made) {
    const { rid, log_index } = await places.create(data as unknown as JsonObject);
    world.push({ rid: rid as string, order: log_index as number, state: "active", data });
  }
  for (const place of world.filter((_, at) => at % 5 === 0)) {
    const data = { ...makePlace(random, 0), code: place.data.code };
    const change = { people: null, founded: null, seen: null, tags: null, flat: null, owner: null, ...data };
    await places.amend(place.rid, "1.0", { data: change as unknown as JsonObject });
    place.data = data;
  }
  for (const place of world.filter((_, at) => at % 11 === 0)) {
    expect((await places.revoke(place.rid, { act: { reason: "wrong" } })).status).toBe(200);
    place.state = "revoked";
  }
}, 120_000);

afterAll(() => node?.close());

const list = (query: string, token?: string) => node.request("GET", `/registries/places/records?${query}`, { token });
const post = (body: JsonObject, token: string | undefined = reader) =>
  node.request("POST", "/registries/places/records:search", { token, json: body });
const ridsOf = (answer: Answer): string[] => {
  expect(answer.status, answer.text).toBe(200);
  return (answer.body.records as JsonObject[]).map(({ rid }) => rid as string);
};

async function walk(body: JsonObject): Promise<string[]> {
  const seen: string[] = [];
  for (let cursor: Json | undefined; ; ) {
    const answer = await post({ ...body, ...(cursor !== undefined && { cursor }) });
    seen.push(...ridsOf(answer));
    cursor = answer.body.next;
    if (cursor === undefined) return seen;
  }
}

// What a value counts as, written down by hand rather than computed by what is tested.
const NAME_FORMS: Record<string, string> = {
  Jaipur: "jaipur",
  JAISALMER: "jaisalmer",
  "Jaí-pur": "jai pur",
  Agra: "agra",
  agra: "agra",
  Ágra: "agra",
  Zira: "zira",
  Étah: "etah",
  कि: "कि",
  की: "की",
};
const OWNER_FORMS: Record<string, string> = {
  "Ada K. Rao": "ada k rao",
  "ada k rao": "ada k rao",
  "Adā Rao": "ada rao",
  Bo: "bo",
};

type Filter = (data: Place["data"]) => boolean;
const CONDITIONS: readonly [JsonObject, Filter][] = [
  [{ name: "AGRA" }, (d) => NAME_FORMS[d.name] === "agra"],
  [{ name: { prefix: "jai" } }, (d) => NAME_FORMS[d.name]!.startsWith("jai")],
  [{ name: { prefix: "JAÍP" } }, (d) => NAME_FORMS[d.name]!.startsWith("jaip")],
  [{ name: "कि" }, (d) => d.name === "कि"],
  [{ people: 1 }, (d) => d.people === 1],
  [{ people: { gte: 0 } }, (d) => d.people !== undefined && d.people >= 0],
  [{ people: { gt: -0.5, lt: 10 } }, (d) => d.people !== undefined && d.people > -0.5 && d.people < 10],
  [{ people: { lte: -0.5 } }, (d) => d.people !== undefined && d.people <= -0.5],
  [
    { founded: { gte: "1947-08-15", lte: "2011-02-28" } },
    (d) => d.founded !== undefined && d.founded >= "1947-08-15" && d.founded <= "2011-02-28",
  ],
  [
    { seen: "2026-01-01T01:00:00+01:00" },
    (d) => d.seen === "2026-01-01T00:00:00Z" || d.seen === "2026-01-01T05:30:00+05:30",
  ],
  [{ seen: { lte: "2026-01-01" } }, (d) => d.seen !== undefined && d.seen < "2026-01-02"],
  [
    { seen: { gt: "2026-01-01T00:00:00Z" } },
    (d) => d.seen === "2026-01-01T00:00:00.5Z" || d.seen === "2026-01-02T00:00:00Z",
  ],
  [{ tags: "red" }, (d) => d.tags?.some((tag) => tag.toLowerCase() === "red") === true],
  [{ tags: { prefix: "RED" } }, (d) => d.tags?.some((tag) => tag.toLowerCase().startsWith("red")) === true],
  [{ flat: false }, (d) => d.flat === false],
  [{ owner: "ADA K RAO" }, (d) => d.owner !== undefined && OWNER_FORMS[d.owner] === "ada k rao"],
];

const SORTS: readonly [string, ((data: Place["data"]) => string | number | undefined) | undefined][] = [
  ["recorded", undefined],
  ["name", (d) => NAME_FORMS[d.name]],
  ["people", (d) => d.people],
  ["founded", (d) => d.founded],
  ["seen", (d) => (d.seen === undefined ? undefined : Date.parse(d.seen))],
];

function expected(options: {
  filters: readonly Filter[];
  state?: string;
  sort: (typeof SORTS)[number];
  descending: boolean;
}): string[] {
  const { filters, state, sort, descending } = options;
  const found = world.filter(
    (place) => filters.every((filter) => filter(place.data)) && (state === undefined || place.state === state),
  );
  const sign = descending ? -1 : 1;
  const keyOf = sort[1];
  const byOrder = (a: Place, b: Place) => a.order - b.order;
  if (!keyOf) return found.toSorted((a, b) => sign * byOrder(a, b)).map(({ rid }) => rid);
  const compare = (a: string | number, b: string | number) =>
    typeof a === "number" ? a - (b as number) : Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  const having = found.filter(({ data }) => keyOf(data) !== undefined);
  const lacking = found.filter(({ data }) => keyOf(data) === undefined).toSorted(byOrder);
  having.sort((a, b) => sign * (compare(keyOf(a.data)!, keyOf(b.data)!) || byOrder(a, b)));
  return [...having, ...lacking].map(({ rid }) => rid);
}

describe("a search by conditions", () => {
  it.each(CONDITIONS.map(([fields, filter]) => [JSON.stringify(fields), fields, filter] as const))(
    "finds just what meets %s",
    async (_text, fields, filter) => {
      const answer = await post({ fields, limit: 500, count: true });
      const wanted = expected({ filters: [filter], sort: SORTS[0]!, descending: false });
      expect(wanted.length).toBeGreaterThan(0);
      expect(ridsOf(answer)).toEqual(wanted);
      expect(answer.body.count).toEqual({ value: wanted.length, relation: "exact" });
    },
  );

  it("agrees with a plain filter, for any conditions together, state, order and page size", async () => {
    const random = createRandom(7);
    const { pick } = random;
    for (let round = 0; round < 60; round++) {
      const chosen = new Map(
        Array.from({ length: random.below(4) }, () => pick(CONDITIONS)).map((one) => [Object.keys(one[0])[0]!, one]),
      );
      const filters = [...chosen.values()].map(([, filter]) => filter);
      const fields = Object.assign({}, ...[...chosen.values()].map(([one]) => one)) as JsonObject;
      const state = pick([undefined, undefined, "active", "revoked"]);
      const sort = pick(SORTS);
      const descending = random.chance(0.5);
      const body: JsonObject = {
        fields,
        sort: `${descending ? "-" : ""}${sort[0]}`,
        limit: 1 + random.below(40),
        count: true,
        ...(state !== undefined && { state }),
      };
      const wanted = expected({ filters, sort, descending, ...(state !== undefined && { state }) });
      expect(await walk(body), JSON.stringify(body)).toEqual(wanted);
      expect((await post(body)).body.count, JSON.stringify(body)).toEqual({ value: wanted.length, relation: "exact" });
    }
  }, 120_000);

  it("is the same in an address, where values are spelled", async () => {
    const byAddress = ridsOf(
      await list("name[prefix]=jai&people[gte]=0&people[lt]=1000&recordState=active&sort=-people&limit=500"),
    );
    const sort = SORTS[2]!;
    const filters: Filter[] = [
      (d) => NAME_FORMS[d.name]!.startsWith("jai"),
      (d) => d.people !== undefined && d.people >= 0 && d.people < 1_000,
    ];
    expect(byAddress).toEqual(expected({ filters, state: "active", sort, descending: true }));
    expect(ridsOf(await list("flat=true&limit=500"))).toEqual(
      expected({ filters: [(d) => d.flat === true], sort: SORTS[0]!, descending: false }),
    );
    expect((await list("count=true&limit=1")).body.count).toEqual({ value: 120, relation: "exact" });
    expect((await list("count=true&limit=1&recordState=revoked")).body.count).toEqual({ value: 11, relation: "exact" });
  });

  it.each([
    ["a field that is not searched", "note=x", /cannot search by "note".*people \(also \[gte\]/],
    ["a prefix of a range field", "people[prefix]=1", /people\[prefix\] can only be gte, gt, lte, lt/],
    ["a range of a prefix field", "name[gte]=a", /can only be prefix/],
    ["a number that is none", "people=many", /must be a number/],
    ["a date that is none", "founded[gte]=yesterday", /must be a date/],
    ["a time without zone", "seen=2026-01-01T00:00:00", /must be a time with zone/],
    ["nothing to begin with", "name[prefix]=!!", /must hold something/],
    ["a test that is none", "name[like]=x", /can only be prefix/],
    ["a value and a condition", "people=1&people[gte]=0", /value and with a condition/],
    ["an order by nothing known", "sort=note", /cannot sort by "note"/],
    ["an order by a field of many values", "sort=tags", /cannot sort by "tags"/],
    ["an order by a personal field", "sort=owner", /cannot sort by "owner"/],
    ["a state that is none", "recordState=lost", /must be|one of/],
    ["a count that is none", "count=maybe", /count/],
    ["a day that is none", "asOf=2026-13-01", /asOf/],
    ["a long beginning", `name[prefix]=${"x".repeat(300)}`, /at most 200 characters/],
  ])("refuses %s, and says what can be", async (_name, query, message) => {
    const answer = await list(query);
    expect(refusal(answer)).toBe("400 query_invalid");
    expect(answer.body.detail).toMatch(message);
  });

  it("asks for personal fields in a body only, of who may read them, and by the whole value", async () => {
    expect(refusal(await list("owner=Bo", reader))).toBe("400 query_invalid");
    const byStranger = await node.request("POST", "/registries/places/records:search", {
      json: { fields: { owner: "Bo" } },
    });
    expect(refusal(byStranger)).toBe("401 authentication_required");
    expect(refusal(await post({ fields: { owner: { prefix: "A" } } }))).toBe("400 query_invalid");
    const stored = await node.database.database.sql<
      { value: string }[]
    >`select value from record_search where field = 'owner'`;
    expect(stored.length).toBeGreaterThan(0);
    for (const { value } of stored) expect(value).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});

describe("the ways to a page", () => {
  const ways = {
    "gathering all matches": [{ gathered: 1_000_000, windows: [] }],
    "walking in order": [{ gathered: -1, windows: [1_000_000] }],
    "walking a while, then gathering": [{ gathered: -1, windows: [3, 4] }],
    "walking through windows": [{ gathered: -1, windows: [2, 5, 20, 1_000_000] }],
    "walking, then gathering what is few enough by then": [
      { gathered: 1, windows: [2, 5] },
      { gathered: 12, windows: [9] },
    ],
    "walking on in the next stage": [
      { gathered: -1, windows: [2, 5] },
      { gathered: -1, windows: [4, 1_000_000] },
    ],
  };
  const times = [{}, { asOf: "2999-01-01" }, { validAt: "2025-01-01" }, { asOf: "2999-01-01", validAt: "2025-01-01" }];

  it("all lead to the same records, in the same order, at any time asked for", async () => {
    const { database } = node.database;
    const { searchKey } = node.secrets;
    const compiled = await node.node.registries.getCurrent("places");
    const random = createRandom(99);
    for (let round = 0; round < 40; round++) {
      const chosen = [random.pick(CONDITIONS), random.pick(CONDITIONS)].slice(random.below(2));
      const fields = Object.assign({}, ...chosen.map(([one]) => one)) as JsonObject;
      const sort = `${random.pick(["", "-"])}${random.pick(SORTS)[0]}`;
      const state = random.pick([undefined, "active", "revoked"]);
      const request = { fields, sort, state, inAddress: false, ...random.pick(times) };
      const query = parseQuery(request, { searchKey, compiled });
      const limit = 1 + random.below(9);
      const results = await Promise.all(
        Object.values(ways).map(async (stages) => {
          const found: string[] = [];
          for (let after: SearchPosition | undefined; ; ) {
            const plan = { registry: "places", query, among: undefined };
            const page = await createSearchQueries(database.bounded, plan, stages).findPage({ after, limit });
            found.push(...page.map(({ row }) => row.record.rid));
            if (page.length < limit) return found;
            after = page.at(-1)!.position;
          }
        }),
      );
      for (const found of results.slice(1)) expect(found, JSON.stringify(request)).toEqual(results[0]);
      expect(new Set(results[0]).size).toBe(results[0]!.length);
    }
  }, 120_000);
});

describe("a cursor", () => {
  const first = async (query: string) => (await list(`${query}&limit=3`)).body.next as string;

  it("belongs to its search, and to nothing else", async () => {
    const cursor = await first("name[prefix]=jai&sort=people");
    expect((await list(`name[prefix]=jai&sort=people&limit=7&cursor=${cursor}`)).status).toBe(200);
    for (const query of [
      "name[prefix]=jais&sort=people",
      "name[prefix]=jai&sort=-people",
      "name[prefix]=jai",
      "name[prefix]=jai&sort=people&recordState=active",
      "",
    ])
      expect(refusal(await list(`${query}&cursor=${cursor}`)), query).toBe("400 query_invalid");
  });

  it("is not taken where somebody made or changed it", async () => {
    const cursor = await first("sort=people");
    const [position, binding] = cursor.split(".");
    const changed = Buffer.from(JSON.stringify([null, 1])).toString("base64url");
    for (const other of [
      `${changed}.${binding}`,
      `${position}.`,
      `${position}`,
      `.${binding}`,
      `${cursor}.x`,
      "0",
      "x".repeat(3_000),
    ])
      expect(refusal(await list(`sort=people&cursor=${encodeURIComponent(other)}`)), other.slice(0, 40)).toBe(
        "400 query_invalid",
      );
  });

  it("loses and doubles no record that does not change, while others do", async () => {
    const still = world.filter((place, at) => at % 2 === 1 && place.state === "active");
    const moving = world.filter((place, at) => at % 2 === 0 && at % 5 !== 0 && place.state === "active");
    let stopped = false;
    const writing = (async () => {
      for (let i = 0; !stopped; i++) {
        const place = moving[i % moving.length]!;
        const version = Math.floor(i / moving.length) + 1;
        await places.amend(place.rid, `${version}.0`, { data: { people: (i * 7_919) % 2_000 } });
        place.data = { ...place.data, people: (i * 7_919) % 2_000 };
      }
    })();
    try {
      for (let round = 0; round < 3; round++) {
        const seen = await walk({ fields: {}, sort: "people", limit: 4 });
        const seenStill = seen.filter((rid) => still.some((place) => place.rid === rid));
        const wanted = expected({ filters: [], sort: SORTS[2]!, descending: false }).filter((rid) =>
          still.some((place) => place.rid === rid),
        );
        expect(seenStill).toEqual(wanted);
      }
    } finally {
      stopped = true;
      await writing;
    }
  }, 60_000);
});

describe("a search at another time", () => {
  it("finds what was in effect, and recorded, then: by fields, by unique values, sorted and counted", async () => {
    let now = 1_700_000_000;
    const past = await startTestNode({ clock: () => now });
    try {
      expect((await past.publish(PLACES)).status).toBe(201);
      const calls = await createRecordCalls(past, "places");
      const find = async (query: string) => {
        const answer = await past.request("GET", `/registries/places/records?${query}&count=true`);
        expect(answer.status, answer.text).toBe(200);
        const records = answer.body.records as JsonObject[];
        expect(answer.body.count).toEqual({ value: records.length, relation: "exact" });
        return records.map(({ data }) => `${String((data as JsonObject).code)}:${String((data as JsonObject).name)}`);
      };
      const a = await calls.create(
        { code: "a", name: "Allahabad", people: 5 },
        { valid_from: "2001-01-01", valid_until: "2018-10-15" },
      );
      await calls.create({ code: "b", name: "Banda", people: 3 }, { valid_from: "2010-01-01" });
      now = 1_710_000_000;
      await calls.amend(a.rid, "1.0", {
        data: { code: "a2", name: "Prayagraj", people: 1 },
        valid_from: "2018-10-16",
        valid_until: null,
      });
      expect(await find("sort=people")).toEqual(["a2:Prayagraj", "b:Banda"]);
      expect(await find("sort=people&validAt=2015-01-01")).toEqual(["b:Banda", "a:Allahabad"]);
      expect(await find("sort=-people&validAt=2020-01-01")).toEqual(["b:Banda", "a2:Prayagraj"]);
      expect(await find("sort=people&asOf=2023-12-01")).toEqual(["b:Banda", "a:Allahabad"]);
      expect(await find("validAt=2005-01-01")).toEqual(["a:Allahabad"]);
      expect(await find("name=allahabad")).toEqual([]);
      expect(await find("name=allahabad&validAt=2018-10-15")).toEqual(["a:Allahabad"]);
      expect(await find("name[prefix]=pray&validAt=2018-10-15")).toEqual([]);
      expect(await find("name[prefix]=pray&validAt=2018-10-16")).toEqual(["a2:Prayagraj"]);
      expect(await find("code=a")).toEqual([]);
      expect(await find("code=a&validAt=2018-10-15")).toEqual(["a:Allahabad"]);
      expect(await find("code=a&validAt=2018-10-16")).toEqual([]);
      expect(await find("code=a&asOf=2023-12-01")).toEqual(["a:Allahabad"]);
      expect(await find("code=a2&asOf=2023-12-01")).toEqual([]);
      now = 1_720_000_000;
      const banda = (await past.request("GET", "/registries/places/records?code=b")).body.records as JsonObject[];
      expect((await calls.revoke(banda[0]!.rid, { act: { reason: "wrong" } })).status).toBe(200);
      expect(await find("code=b")).toEqual([]);
      expect(await find("code=b&asOf=2024-06-01")).toEqual(["b:Banda"]);
      expect(await find("recordState=revoked")).toEqual(["b:Banda"]);
      expect(await find("recordState=active&asOf=2024-06-01&sort=name")).toEqual(["b:Banda", "a2:Prayagraj"]);
    } finally {
      await past.close();
    }
  }, 60_000);

  it("finds a record by the unique value that a correction says it had then, which it takes from nobody", async () => {
    const places = await startTestNode();
    try {
      expect((await places.publish(PLACES)).status).toBe(201);
      const calls = await createRecordCalls(places, "places");
      const { rid } = await calls.create({ code: "new", name: "Town", people: 1 }, { valid_from: "2010-01-01" });
      await calls.create({ code: "old", name: "Another", people: 2 }, { valid_from: "2012-01-01" });
      await calls.amend(rid, "1.0", { data: { code: "old" }, valid_from: "2001-01-01", valid_until: "2009-12-31" });
      const find = async (query: string) => {
        const { body } = await places.request("GET", `/registries/places/records?${query}`);
        return (body.records as JsonObject[]).map(({ data }) => (data as JsonObject).name);
      };
      expect(await find("code=old&validAt=2005-01-01")).toEqual(["Town"]);
      expect(await find("code=old&validAt=2015-01-01")).toEqual(["Another"]);
      expect(await find("code=new&validAt=2005-01-01")).toEqual([]);
      expect(await find("code=new")).toEqual(["Town"]);
      expect(await find("code=old")).toEqual(["Another"]);
    } finally {
      await places.close();
    }
  }, 60_000);

  it("fills its pages with those that held a unique value then, however many held it before and after", async () => {
    let now = 1_700_000_000;
    const past = await startTestNode({ clock: () => now });
    try {
      expect((await past.publish(PLACES)).status).toBe(201);
      const calls = await createRecordCalls(past, "places");
      // Five held the code and gave it on; the sixth has it.
      for (let holder = 1; holder <= 6; holder++) {
        const { rid } = await calls.create({ code: "x", name: `Holder ${holder}`, people: holder });
        now += 86_400;
        if (holder < 6) await calls.amend(rid, "1.0", { data: { code: `former${holder}` } });
        now += 86_400;
      }
      const asOf = new Date((now - 3_600) * 1_000).toISOString();
      for (const limit of [1, 2, 20]) {
        const query = `code=x&asOf=${asOf}&limit=${limit}&count=true`;
        const { body } = await past.request("GET", `/registries/places/records?${query}`);
        expect((body.records as JsonObject[]).map(({ data }) => (data as JsonObject).name)).toEqual(["Holder 6"]);
        expect([body.count, body.next]).toEqual([{ value: 1, relation: "exact" }, undefined]);
      }
    } finally {
      await past.close();
    }
  }, 60_000);
});
