// Consent across nodes over real HTTP: asked for, given or not, used, withdrawn; what is disclosed, to whom, and what the access log then says.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws, signJws } from "../../src/crypto/jws.ts";
import type { JudgedRecord } from "../../src/resolution/resolution-service.ts";
import type { Evidence } from "../../src/verification/evidence.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { type ConsentWorld, LAW, now, PURPOSE, startConsentWorld } from "../consent-world.ts";
import type { TestNode } from "../node-fixture.ts";

let world: ConsentWorld;
let href: string;
const ID = "AB-1001";

beforeAll(async () => {
  world = await startConsentWorld({
    bases: (_welfare, tax) => [
      { purpose: "audit", law: LAW, consumer: tax, fields: ["name"] },
      { purpose: "inquiry", law: LAW, consumer: tax, fields: ["born"], delay_days: 30 },
    ],
  });
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

describe("a law in place of consent", () => {
  it("gives the fields that it names to the consumer that it names, and the person sees by which law", async () => {
    const { records } = await world.resolve(href, { purpose: "audit", case: "T-7" }, world.tax);
    expect(records[href]).toMatchObject({ outcome: "verified", data: { name: "Meera Rao" } });
    const [latest] = (await world.civil.node.usage.list(world.person(ID))).entries;
    expect(latest).toMatchObject({
      operation: "read",
      by: { entity: world.tax.entity },
      fields: ["name"],
      purpose: "audit",
      basis: { law: LAW },
      case: "T-7",
    });
    expect((await world.resolve(href, { purpose: "audit" })).records[href]).toMatchObject({
      outcome: "consent_required",
    });
  });

  it("that keeps a reading secret shows it later, and counts it now", async () => {
    const before = await world.civil.node.usage.list(world.person(ID));
    expect(before.delayed.count).toBe(0);
    expect((await world.resolve(href, { purpose: "inquiry" }, world.tax)).records[href]).toMatchObject({
      outcome: "verified",
    });
    const after = await world.civil.node.usage.list(world.person(ID));
    expect(after.entries).toEqual(before.entries);
    expect(after.delayed.count).toBe(1);
    expect(after.delayed.until! - now()).toBeGreaterThan(29 * 86_400);
    expect(await world.civil.node.usage.check(world.person(ID))).toEqual([]);
  });

  it("leaves what was received in the reader's own access log, without saying of whom", async () => {
    const { size } = await parseSize(world.tax);
    const audit = await world.tax.node.accessAudit.audit({ size });
    expect(audit).toMatchObject({ ok: true, size: 2, events: 2 });
    const dump = JSON.stringify(await world.tax.database.database.sql`select * from access_event`);
    expect(dump).not.toContain(href.split("/").at(-1));
  });
});

describe("whoever was given fields", () => {
  const read = async (node: TestNode, cursor?: string) => {
    const chain = await node.node.chains.getChain(world.civil.entity);
    const answer = await node.node.signedClient.postJson(chain, `${world.civil.entity}/changes:read`, {
      ...(cursor !== undefined && { cursor }),
    });
    return answer as unknown as { changes: { href: string; operation: string }[]; cursor: string; more: boolean };
  };
  const change = async (target: string, operation: string) => {
    const path = target.slice(world.civil.entity.length);
    const token = await world.civil.token("registrar");
    const { headers } = await world.civil.request("GET", path, { token, headers: { accept: "application/json" } });
    const answer = await world.civil.request("POST", `${path}/${operation}`, {
      token,
      json: { act: { reason: "court order", instrument: "Order 7" } },
      headers: { "if-match": headers.get("etag")! },
    });
    expect(answer.status, answer.text).toBe(200);
  };

  it("is told what changes of just these records, for as long as there is a basis, and of their erasure in any case", async () => {
    const id = "AB-2002";
    const person = await world.addPerson({ national_id: id, name: "Ravi Iyer", born: "1980-05-06" });
    const other = await world.addPerson({ national_id: "AB-2003", name: "Somebody Else", born: "1981-05-06" });
    const start = await read(world.welfare);
    expect(start.changes.filter(({ href: one }) => one === person.href)).toEqual([]);
    const consent = await world.ask(id);
    await world.civil.node.consents.give(world.person(id), consent.id, { language: "en" });
    expect((await world.resolve(person.href, { consentIds: [consent.id] })).records[person.href]).toMatchObject({
      outcome: "verified",
    });
    await change(person.href, "suspend");
    await change(other.href, "suspend");
    const told = await read(world.welfare, start.cursor);
    // The consent covers the record from its first entry on.
    expect(told.changes.filter(({ href: one }) => one !== href)).toMatchObject([
      { href: person.href, operation: "create" },
      { href: person.href, operation: "suspend" },
    ]);
    expect(JSON.stringify(told)).not.toContain("Ravi");
    expect((await read(world.welfare, told.cursor)).changes).toEqual([]);
    expect((await read(world.tax)).changes.filter(({ href: one }) => one === person.href)).toEqual([]);
    await world.civil.node.consents.decide(world.person(id), consent.id, "withdraw");
    await change(person.href, "reinstate");
    expect((await read(world.welfare, told.cursor)).changes).toEqual([]);
    await change(person.href, "erase");
    expect((await read(world.welfare, told.cursor)).changes).toMatchObject([{ href: person.href, operation: "erase" }]);
    // The notice comes by itself, signed and proved, and is kept without anything of the person.
    const reader = await world.welfare.token("reader");
    await expect
      .poll(async () => (await world.welfare.request("GET", "/erasure-notices", { token: reader })).body.notices, {
        timeout: 20_000,
      })
      .toMatchObject([{ href: person.href, home: world.civil.entity }]);
    expect(
      (await world.tax.request("GET", "/erasure-notices", { token: await world.tax.token("reader") })).body.notices,
    ).toEqual([]);
    // What was read stays proved, and the person's events with it.
    const { size } = await parseSize(world.civil);
    expect(await world.civil.node.accessAudit.audit({ size })).toMatchObject({ ok: true });
    expect((await world.civil.node.usage.list(world.person(id))).entries.length).toBeGreaterThan(2);
  });

  it("is told which version was erased, if it was given fields of just that one", async () => {
    const registrar = await world.civil.token("registrar");
    const reader = await world.welfare.token("reader");
    // One was read before it was mended, the other after.
    const mend = async ({ href: one, rid }: { href: string; rid: string }, id: string, readBefore: boolean) => {
      const consent = await world.ask(id);
      await world.civil.node.consents.give(world.person(id), consent.id, { language: "en" });
      const readIt = async () =>
        expect((await world.resolve(one, { consentIds: [consent.id] })).records[one]).toMatchObject({
          outcome: "verified",
        });
      if (readBefore) await readIt();
      const json = { data: { name: "Mended Name" } };
      const path = `/registries/persons/records/${rid}`;
      const headers = { "if-match": '"1.0"' };
      expect((await world.civil.request("PATCH", path, { token: registrar, json, headers })).status).toBe(200);
      if (!readBefore) await readIt();
      await change(one, "versions/1/erase");
    };
    const [after, before] = [
      await world.addPerson({ national_id: "AB-3001", name: "Wrong One", born: "1980-05-06" }),
      await world.addPerson({ national_id: "AB-3002", name: "Wrong Two", born: "1980-05-06" }),
    ];
    const start = await read(world.welfare);
    await mend(after, "AB-3001", false);
    await mend(before, "AB-3002", true);
    const noticed = async () =>
      ((await world.welfare.request("GET", "/erasure-notices", { token: reader })).body.notices as JsonObject[]).filter(
        (notice) => [after.href, before.href].includes(String(notice.href)),
      );
    await expect.poll(noticed, { timeout: 20_000 }).toMatchObject([{ href: before.href, version: 1 }]);
    const [notice] = await noticed();
    const claims = JSON.parse(
      Buffer.from(String(notice!.statement).split(".")[1]!, "base64url").toString(),
    ) as JsonObject;
    expect(claims).toMatchObject({ op: "erase_version", erased_version: 1, rver: 2 });
    const told = (await read(world.welfare, start.cursor)).changes.filter(
      ({ operation }) => operation === "erase_version",
    );
    expect(told.filter(({ href: one }) => one === before.href)).toMatchObject([{ version: 1 }]);
    // What is erased as a whole later is told as a whole, and the sooner notice stays what it was.
    await change(before.href, "erase");
    await expect
      .poll(async () => (await noticed()).map(({ version }) => version ?? "whole"), { timeout: 20_000 })
      .toEqual(expect.arrayContaining([1, "whole"]));
    expect((await noticed()).filter((one) => one.href === after.href)).toEqual([]);
  }, 60_000);

  it("takes no notice of an erasure from anybody but the record's own node", async () => {
    const { entity } = world.welfare;
    const chain = await world.tax.node.chains.getChain(entity);
    const forged = { href, number: 1, statement: "e30.e30.e30", receipt: "c2sp.org/tlog-proof@v1" };
    await expect(
      world.tax.node.signedClient.postJson(chain, `${entity}/erasure-notices`, { notices: [forged] }),
    ).rejects.toMatchObject({ message: expect.stringContaining("request_invalid") });
  });
});

describe("what binds a token to its reader", () => {
  const cases: [string, (given: Bound) => Promise<Partial<Bound>> | Partial<Bound>, string][] = [
    ["nothing", () => ({}), "passed"],
    ["another reader", () => ({ audience: "https://tax.example" }), "presentation_audience_wrong"],
    ["another question", () => ({ nonce: "another nonce altogether" }), "presentation_nonce_wrong"],
    ["that nobody said for whom", () => ({ audience: undefined }), "presentation_audience_not_given"],
    [
      "that it is left out",
      ({ evidence: { presentation: _gone, ...rest } }) => ({ evidence: rest }),
      "presentation_missing",
    ],
    ["that its time is over", () => ({ later: 301 }), "presentation_expired"],
    [
      "its signature",
      (given) =>
        withToken(
          given,
          given.token.replace(/[^.]+$/, (one) => one.split("").reverse().join("")),
        ),
      "presentation_malformed",
    ],
    ["its signer", (given) => resign(given, {}, "request"), "presentation_signature_invalid"],
    [
      "what it says without signing it anew",
      (given) => withToken(given, splice(given.token, { purpose: "other" })),
      "presentation_signature_invalid",
    ],
    ["its form", (given) => resign(given, { basis: {} }), "presentation_malformed"],
    ["its type", (given) => resign(given, {}, "record", "dc+sd-jwt"), "presentation_malformed"],
    ["its issuer", (given) => resign(given, { iss: "https://else.example" }), "presentation_foreign"],
    [
      "the fields that it is for",
      (given) => resign(given, { sd_hash: "q0JZ1n4kq2m0bK7oXJv0mN3y0w1c5dX8r2tU6eYfP9A" }),
      "presentation_token_mismatch",
    ],
    [
      "the fields themselves",
      ({ evidence }) => ({ evidence: { ...evidence, token: evidence.token.replace(/~[^~]+~$/, "~") } }),
      "presentation_token_mismatch",
    ],
    [
      "the reading that it names",
      (given) => resign(given, { event: { commitment: "q0JZ1n4kq2m0bK7oXJv0mN3y0w1c5dX8r2tU6eYfP9A", index: 1 } }),
      "reading_not_logged",
    ],
    [
      "the receipt of the reading",
      ({ evidence }) => ({
        evidence: { ...evidence, presentation: { ...evidence.presentation!, receipt: evidence.receipts.recent } },
      }),
      "reading_not_logged",
    ],
  ];

  let given: Bound;

  beforeAll(async () => {
    const consent = await world.ask(ID);
    await world.civil.node.consents.give(world.person(ID), consent.id, { language: "en" });
    const judged: JudgedRecord[] = [];
    const token = await world.welfare.token("reader");
    const caller = await world.welfare.node.identity.authenticate(`Bearer ${token}`, undefined);
    await world.welfare.node.resolution.resolve({
      references: [{ href }],
      follow: [],
      outgoing: true,
      caller,
      access: { purpose: PURPOSE, consents: [{ entity: world.civil.entity, id: consent.id }] },
      onJudged: (one) => judged.push(one),
    });
    const evidence = judged[0]!.evidence!;
    const { nonce } = decodeJws(evidence.presentation!.token).payload;
    given = {
      evidence,
      token: evidence.presentation!.token,
      audience: world.welfare.entity,
      nonce: nonce as string,
      later: 0,
    };
  });

  it.each(cases)("is refused when somebody changes %s", async (_what, change, code) => {
    const { evidence, audience, nonce, later } = { ...given, ...(await change(given)) };
    const anchors = [world.anchor.pin(["persons"])];
    const verifier = createVerifier({ anchors, statusMaxAgeSeconds: 1_000 });
    const expected = { href, ...(audience !== undefined && { audience }), ...(nonce !== undefined && { nonce }) };
    const report = await verifier.verify(evidence, { now: now() + later, expected });
    expect(report.checks.find(({ check }) => check === "binding")).toMatchObject({ code });
    expect(report.valid).toBe(code === "passed");
  });
});

async function parseSize(node: TestNode): Promise<{ size: number }> {
  const note = await node.node.accessReader.checkpoint();
  return { size: Number(note.split("\n")[1]) };
}

interface Bound {
  readonly evidence: Evidence;
  /** Of the presentation. */
  readonly token: string;
  readonly audience: string | undefined;
  readonly nonce: string | undefined;
  readonly later: number;
}

const withToken = ({ evidence }: Bound, token: string): Partial<Bound> => ({
  evidence: { ...evidence, presentation: { ...evidence.presentation!, token } },
});

async function resign(
  bound: Bound,
  changes: JsonObject,
  role: "record" | "request" = "record",
  typ = "attestry-pres+jwt",
): Promise<Partial<Bound>> {
  const payload = { ...decodeJws(bound.token).payload, ...changes };
  return withToken(bound, await signJws({ signer: world.civil.secrets.signers[role], typ, payload }));
}

/** The token with another payload under its old signature. */
function splice(token: string, changes: JsonObject): string {
  const [header, , signature] = token.split(".");
  const payload = JSON.stringify({ ...decodeJws(token).payload, ...changes });
  return `${header}.${Buffer.from(payload).toString("base64url")}.${signature}`;
}
