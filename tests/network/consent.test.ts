// Consent across nodes over real HTTP: asked for, given or not, used, withdrawn; what is disclosed, to whom, and what the access log then says.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConsentWorld, startConsentWorld } from "../consent-world.ts";

let world: ConsentWorld;
let href: string;
const ID = "AB-1001";

beforeAll(async () => {
  world = await startConsentWorld();
  ({ href } = await world.addPerson({
    national_id: ID,
    name: "Meera Rao",
    born: "1990-03-04",
    address: { street: "Lake Road 1", city: "Northmarch" },
    phone: "555-0101",
  }));
});

afterAll(async () => {
  await world?.close();
});

describe("a personal record of another node", () => {
  it("takes consent, and says for which fields it may be asked", async () => {
    const { records } = await world.resolve(href);
    expect(records[href]).toMatchObject({ outcome: "consent_required", fields: ["name", "born", "address"] });
  });

  it("is given as far as the person allowed, bound to the reader, and proved to be in the access log", async () => {
    const consent = await world.ask(ID);
    expect(consent.state).toBe("requested");
    const person = world.person(ID);
    const [waiting] = await world.civil.node.consents.list(person);
    expect(waiting).toMatchObject({ id: consent.id, state: "requested", consumer: world.welfare.entity, case: "W-42" });
    const given = await world.civil.node.consents.give(person, consent.id, { language: "en", fields: ["born"] });
    expect(given).toMatchObject({ state: "given", fields: ["born"], requestedFields: ["name", "born"] });
    const { records } = await world.resolve(href, { consentIds: [consent.id], case: "W-42" });
    expect(records[href]).toMatchObject({ outcome: "verified", data: { born: "1990-03-04" }, type: "persons" });
    expect(Object.keys(records[href]!.data!)).toEqual(["born"]);
    expect(records[href]!.checks!.find(({ check }) => check === "binding")).toMatchObject({ result: "pass" });
    expect(records[href]!.reading).toMatchObject({ index: 1 });
    // A field that the person did not allow is refused, and nothing is given in its place.
    const more = await world.resolve(href, { consentIds: [consent.id], fields: ["born", "name"] });
    expect(more.records[href]).toMatchObject({ outcome: "consent_fields_exceeded" });
    expect(more.records[href]!.data).toBeUndefined();
    await world.civil.node.consents.decide(person, consent.id, "withdraw");
    const after = await world.resolve(href, { consentIds: [consent.id] });
    expect(after.records[href]).toMatchObject({ outcome: "consent_withdrawn" });
  });
});
