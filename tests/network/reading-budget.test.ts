// A department that has a right to read and floods a person's log with readings: it is stopped, and what it would hide is found.
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ConsentWorld, LAW, now, PURPOSE, startConsentWorld } from "../consent-world.ts";

let world: ConsentWorld;
const ID = "AB-2001";
// Written by hand: how many readings of one consumer about one person an hour has.
const MAX = 100;

beforeAll(async () => {
  const start = now();
  world = await startConsentWorld({
    // So that no hour ends meanwhile.
    clock: () => start,
    bases: (welfare, tax) =>
      [welfare, tax].map((consumer) => ({ purpose: PURPOSE, law: LAW, consumer, fields: ["born"] })),
  });
}, 60_000);

afterAll(async () => world?.close());

it("stops a consumer after so many readings about one person, and nobody else; what was noted between is found by who read", async () => {
  const { href, rid } = await world.addPerson({ national_id: ID, name: "Meera Rao", born: "1990-03-04" });
  const other = await world.addPerson({ national_id: "AB-2002", name: "Asha Das", born: "1991-05-06" });
  const clerk = await world.civil.token("reader");
  const looked = await world.civil.request("GET", `/registries/persons/records/${rid}`, { token: clerk });
  expect(looked.status).toBe(200);
  const resolveOne = async (of: string, from = world.welfare) => {
    const { records } = await world.resolve(of, { fields: ["born"] }, from);
    return records[of]!.outcome;
  };
  const outcomes: string[] = [];
  for (let asked = 0; asked < MAX + 5; asked += 15)
    outcomes.push(...(await Promise.all(Array.from({ length: 15 }, () => resolveOne(href)))));
  expect(outcomes.filter((one) => one === "verified")).toHaveLength(MAX);
  expect(new Set(outcomes.filter((one) => one !== "verified"))).toEqual(new Set(["reading_budget_exceeded"]));
  // Other people, and other readers, are not held up by it.
  expect(await resolveOne(other.href)).toBe("verified");
  expect(await resolveOne(href, world.tax)).toBe("verified");

  const { usage } = world.civil.node;
  const all = await usage.list(world.person(ID), { limit: 200 });
  expect(all.entries).toHaveLength(MAX + 2);
  const byOffice = await usage.list(world.person(ID), { consumer: "office", limit: 1 });
  expect(byOffice.entries.map(({ action, by }) => [action, "staff" in by])).toEqual([["read", true]]);
  const byTax = await usage.list(world.person(ID), { consumer: world.tax.entity });
  expect(byTax.entries.map(({ fields, basis }) => [fields, basis])).toEqual([[["born"], { law: LAW }]]);
}, 60_000);
