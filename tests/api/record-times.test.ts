// Reading records at other times, and their history in words; over HTTP on a node whose clock the test moves.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

const DAY = 86_400;
// Everything is recorded on days of March 2026; what is in effect reaches further back.
const MARCH = Date.UTC(2026, 2, 1) / 1_000;
let today = 1;
let node: TestNode;
let districts: RecordCalls;
let people: RecordCalls;

/** What is done next is recorded at noon of this day of March 2026. */
function on(day: number): void {
  today = day;
}

async function state(calls: RecordCalls, rid: unknown, operation: string, body: JsonObject = {}): Promise<JsonObject> {
  const token = await node.token("registrar");
  const answer = await node.request("POST", `${calls.path(rid)}/${operation}`, { token, json: body });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer.body;
}

/** `name state` of a record at a time, or its refusal. */
async function at(calls: RecordCalls, rid: unknown, query: string): Promise<string> {
  const answer = await calls.get(rid, `?${query}`);
  if (answer.status !== 200) return refusal(answer);
  return `${String((answer.body.data as JsonObject).name)} ${String(answer.body.state)}`;
}

beforeAll(async () => {
  node = await startTestNode({ clock: () => MARCH + (today - 1) * DAY + DAY / 2 });
  const labels = { name: { type: "string", "x-title": { en: "Name", hi: "नाम" } } };
  const acts = { reasons: { renamed: { en: "Renamed by order", hi: "आदेश से नाम बदला" }, divided: "Divided" } };
  const display = { en: "{name} district", hi: "{name} ज़िला" };
  await node.publish(
    definition("districts", { properties: labels, members: { acts, display, identifier: { field: "code" } } }),
  );
  await node.publish(
    definition("people", {
      properties: { name: { type: "string", "x-personal": true }, town: { type: "string" } },
      members: { display: "{name}, {town}" },
    }),
  );
  districts = await createRecordCalls(node, "districts");
  people = await createRecordCalls(node, "people");
});

afterAll(async () => node?.close());

describe("a record at other times", () => {
  it("is what was recorded by then, and what was in effect then", async () => {
    on(2);
    const { rid } = await districts.create({ code: "120", name: "Allahabad" }, { valid_from: "2011-01-01" });
    on(5);
    await districts.amend(rid, "1.0", { data: { name: "Prayagraj" }, valid_from: "2018-10-16" });
    on(9);
    const table: [string, string][] = [
      ["validAt=2010-12-31", "404 not_in_effect"],
      ["validAt=2011-01-01", "Allahabad active"],
      ["validAt=2018-10-15", "Allahabad active"],
      ["validAt=2018-10-15T23:59:59Z", "Allahabad active"],
      ["validAt=2018-10-16T00:00:00Z", "Prayagraj active"],
      ["validAt=2018-10-16", "Prayagraj active"],
      ["asOf=2026-03-01", "404 record_unknown"],
      ["asOf=2026-03-02", "Allahabad active"],
      ["asOf=2026-03-05T11:59:59Z", "Allahabad active"],
      ["asOf=2026-03-05T12:00:00Z", "Prayagraj active"],
      ["asOf=2026-03-04&validAt=2024-01-01", "Allahabad active"],
      ["asOf=2026-03-06&validAt=2024-01-01", "Prayagraj active"],
      ["asOf=2026-03-06&validAt=2010-01-01", "404 not_in_effect"],
    ];
    const found = await Promise.all(table.map(([query]) => at(districts, rid, query)));
    expect(found).toEqual(table.map(([, expected]) => expected));
  });

  it("is right after a correction of the past, and still says what was believed before it", async () => {
    on(2);
    const { rid } = await districts.create({ code: "507", name: "Hydrabad" }, { valid_from: "2011-01-01" });
    on(3);
    await districts.amend(rid, "1.0", { data: { name: "Hyderabad" }, valid_from: "2014-06-02" });
    on(6);
    const corrected = await districts.amend(rid, "2.0", {
      data: { name: "Hyderabad (Deccan)" },
      valid_from: "2011-01-01",
      valid_until: "2014-06-01",
    });
    on(9);
    expect(await at(districts, rid, "validAt=2012-01-01&asOf=2026-03-05")).toBe("Hydrabad active");
    expect(await at(districts, rid, "validAt=2012-01-01&asOf=2026-03-06")).toBe("Hyderabad (Deccan) active");
    expect(await at(districts, rid, "validAt=2020-01-01")).toBe("Hyderabad active");
    expect(await at(districts, rid, "")).toBe("Hyderabad active");
    expect(corrected.rid).toBe(rid);
    const { entries } = (await districts.get(rid, "/history")).body as { entries: JsonObject[] };
    expect(entries.map(({ version, compared_with: before, changes }) => ({ version, before, changes }))).toEqual([
      { version: 4, before: 2, changes: [] },
      {
        version: 3,
        before: 1,
        changes: [
          { field: "/data/name", label: "Name", before: "Hydrabad", after: "Hyderabad (Deccan)" },
          { field: "/valid_until", after: "2014-06-01" },
        ],
      },
      {
        version: 2,
        before: 1,
        changes: [
          { field: "/data/name", label: "Name", before: "Hydrabad", after: "Hyderabad" },
          { field: "/valid_from", before: "2011-01-01", after: "2014-06-02" },
        ],
      },
      { version: 1, before: undefined, changes: undefined },
    ]);
  });

  it("has the state that held then: recorded by then, and since when it was in effect", async () => {
    on(2);
    const { rid } = await districts.create({ code: "1", name: "Burdwan" }, { valid_from: "2011-01-01" });
    on(4);
    await state(districts, rid, "suspend", { effective: "2026-03-03" });
    on(6);
    await state(districts, rid, "reinstate");
    on(8);
    await state(districts, rid, "end", { effective: "2017-04-07", act: { reason: "divided" } });
    on(10);
    const table: [string, string][] = [
      ["", "Burdwan ended"],
      ["asOf=2026-03-03", "Burdwan active"],
      ["asOf=2026-03-04", "Burdwan suspended"],
      ["asOf=2026-03-07", "Burdwan active"],
      ["asOf=2026-03-05&validAt=2026-03-02", "Burdwan active"],
      ["asOf=2026-03-05&validAt=2026-03-03", "Burdwan suspended"],
      ["asOf=2026-03-07&validAt=2026-03-05", "Burdwan suspended"],
      ["validAt=2017-04-06", "Burdwan active"],
      ["validAt=2017-04-07", "Burdwan ended"],
      ["validAt=2026-03-05", "Burdwan ended"],
      ["asOf=2026-03-07&validAt=2017-04-07", "Burdwan active"],
    ];
    const found = await Promise.all(table.map(([query]) => at(districts, rid, query)));
    expect(found).toEqual(table.map(([, expected]) => expected));
  });

  it("that was revoked was wrong at all times, once that is known", async () => {
    on(2);
    const { rid } = await districts.create({ code: "2", name: "Nowhere" }, { valid_from: "2011-01-01" });
    on(4);
    await state(districts, rid, "revoke");
    expect(await at(districts, rid, "validAt=2012-01-01")).toBe("Nowhere revoked");
    expect(await at(districts, rid, "validAt=2012-01-01&asOf=2026-03-03")).toBe("Nowhere active");
  });

  it("is on the list of what was in effect then exactly as it is read by itself", async () => {
    on(2);
    const { rid } = await districts.create(
      { code: "6", name: "Brief" },
      { valid_from: "2012-01-01", valid_until: "2012-12-31" },
    );
    on(10);
    const times = ["validAt=2012-06-01", "validAt=2013-01-01", "asOf=2026-03-03", "asOf=2026-03-05&validAt=2017-04-07"];
    const found: string[] = [];
    for (const time of times) {
      const list = await node.request("GET", `/registries/districts/records?limit=500&${time}`);
      const listed = (list.body.records as JsonObject[]).map((one) => [String(one.rid), one] as const);
      for (const [one, view] of listed) expect((await districts.get(one, `?${time}`)).body, time).toEqual(view);
      found.push(new Map(listed).has(String(rid)) ? "listed" : await at(districts, rid, time));
    }
    expect(found).toEqual(["listed", "404 not_in_effect", "listed", "404 not_in_effect"]);
  });

  it("echoes the times, has an ETag that is no base for a change, and refuses times that are none", async () => {
    on(2);
    const { rid } = await districts.create({ code: "3", name: "X" });
    const answer = await districts.get(rid, "?asOf=2026-03-02&validAt=2026-03-02T10:00:00%2B05:30");
    expect(answer.body).toMatchObject({ as_of: "2026-03-02", valid_at: "2026-03-02T10:00:00+05:30", version: 1 });
    expect(answer.headers.get("etag")).toBe('"1.0.at"');
    const change = await districts.patch(rid, { data: { name: "Y" } }, { "if-match": '"1.0.at"' });
    expect(refusal(change)).toBe("412 version_conflict");
    expect(refusal(await districts.get(rid, "?asOf=2026-02-30"))).toBe("400 query_invalid");
    expect(refusal(await districts.get(rid, "?version=1&asOf=2026-03-02"))).toBe("400 query_invalid");
  });

  it("is shown with its name in the reader's language", async () => {
    on(2);
    const { rid } = await districts.create({ code: "4", name: "Nuh" });
    const nameIn = async (language: string) =>
      (await node.request("GET", districts.path(rid), { headers: { "accept-language": language } })).body.display;
    expect([await nameIn("hi-IN,hi;q=0.9"), await nameIn("fr"), await nameIn("fr;q=0.1, hi;q=0.2")]).toEqual([
      "Nuh ज़िला",
      "Nuh district",
      "Nuh ज़िला",
    ]);
  });
});

describe("the history of a record", () => {
  let rid: unknown;

  beforeAll(async () => {
    on(11);
    const created = await people.create(
      { code: "p1", name: "Asha", town: "Pune" },
      { act: { note: "seen in person" } },
    );
    rid = created.rid;
    on(12);
    await people.amend(rid, "1.0", {
      data: { name: "Asha Rao", town: "Thane" },
      act: { reason: "marriage of 3 March", instrument: "Certificate 9" },
    });
    on(13);
    await state(people, rid, "suspend", { act: { reason: "under inquiry" } });
  });

  async function history(token?: string, query = ""): Promise<JsonObject[]> {
    const answer = await people.get(rid, `/history${query}`, token);
    expect(answer.status, answer.text).toBe(200);
    return answer.body.entries as JsonObject[];
  }

  it("tells staff who did what when and why, and what changed, newest first", async () => {
    const entries = await history(await node.token("reader"));
    const pseudonym = expect.stringMatching(/^[\w-]{22}$/);
    expect(entries).toMatchObject([
      {
        operation: "suspend",
        recorded_at: "2026-03-13T12:00:00.000Z",
        state: "suspended",
        state_number: 1,
        effective_from: "2026-03-13T12:00:00.000Z",
        act: { role: "registrar", by: pseudonym, reason: "under inquiry" },
      },
      {
        operation: "amend",
        version: 2,
        compared_with: 1,
        act: { role: "registrar", by: pseudonym, reason: "marriage of 3 March", instrument: "Certificate 9" },
        changes: [
          { field: "/data/name", before: "Asha", after: "Asha Rao" },
          { field: "/data/town", before: "Pune", after: "Thane" },
        ],
        withheld: false,
      },
      { operation: "create", version: 1, act: { by: pseudonym, note: "seen in person" } },
    ]);
    const indices = entries.map(({ log_index: index }) => index as number);
    expect(indices).toEqual([...indices].sort((a, b) => b - a));
    const links = entries.map((entry) => (entry.links as { version?: string }).version);
    expect(links[1]).toBe(`${node.entity}${people.path(rid)}?version=2`);
  });

  it("tells anybody else what is open, and no personal value, pseudonym or free words", async () => {
    const entries = await history();
    expect(entries.map(({ act }) => act)).toEqual([
      { role: "registrar" },
      { role: "registrar" },
      { role: "registrar" },
    ]);
    expect(entries[1]).toMatchObject({
      changes: [{ field: "/data/town", before: "Pune", after: "Thane" }],
      withheld: true,
    });
    const text = JSON.stringify(entries);
    for (const secret of ["Asha", "marriage", "inquiry", "in person", "Certificate"])
      expect(text).not.toContain(secret);
  });

  it("comes in pages that join without gap or repetition", async () => {
    const whole = (await history()).map(({ log_index: index }) => index);
    const paged: unknown[] = [];
    let cursor = "";
    do {
      const { body } = await people.get(rid, `/history?limit=1${cursor}`);
      paged.push(...(body.entries as JsonObject[]).map(({ log_index: index }) => index));
      cursor = body.next === undefined ? "" : `&cursor=${String(body.next)}`;
    } while (cursor !== "");
    expect(paged).toEqual(whole);
    for (const query of ["?limit=0", "?limit=100000", "?cursor=x"])
      expect(refusal(await people.get(rid, `/history${query}`))).toBe("400 query_invalid");
  });

  it("gives a reason's text in the reader's language", async () => {
    on(14);
    const { rid: district } = await districts.create({ code: "5", name: "Gurgaon" });
    await districts.amend(district, "1.0", { data: { name: "Gurugram" }, act: { reason: "renamed" } });
    const { body } = await node.request("GET", `${districts.path(district)}/history`, {
      headers: { "accept-language": "hi" },
    });
    expect((body.entries as JsonObject[])[0]).toMatchObject({
      act: { reason: "renamed", reason_text: "आदेश से नाम बदला" },
      changes: [{ label: "नाम", before: "Gurgaon", after: "Gurugram" }],
    });
  });

  it("of an erased record tells staff that it was there, and others that it was erased", async () => {
    on(15);
    const { rid: erased } = await people.create({ code: "p2", name: "Ravi Kumar" });
    await people.amend(erased, "1.0", { data: { name: "Ravi K" } });
    on(16);
    await state(people, erased, "erase", { act: { reason: "court order", instrument: "Order 5" } });
    expect(refusal(await people.get(erased))).toBe("410 record_erased");
    expect(refusal(await people.get(erased, "/history"))).toBe("410 record_erased");
    expect(refusal(await people.get(erased, "/evidence"))).toBe("410 record_erased");
    expect(refusal(await people.get(erased, "?version=1"))).toBe("410 record_erased");
    expect(refusal(await people.get(erased, "?asOf=2026-03-15"))).toBe("410 record_erased");
    const answer = await people.get(erased, "/history", await node.token("reader"));
    expect(
      (answer.body.entries as JsonObject[]).map(({ operation, version, state: now }) => ({ operation, version, now })),
    ).toEqual([
      { operation: "erase", version: undefined, now: "erased" },
      { operation: "amend", version: 2, now: undefined },
      { operation: "create", version: 1, now: undefined },
    ]);
    expect(answer.text).not.toContain("Ravi");
  });
});
