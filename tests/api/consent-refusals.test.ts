// Everything that is wrong with a request for consent, with a decision and with a reading, each refused by its own code. One node over real HTTP, asked by nodes that sign.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { settledCode } from "../caught-code.ts";
import { createEntity, draftChain, pinOf, signChain, type TestEntity } from "../chain-fixture.ts";
import { BIRTHS, LAW, PERSONS, PURPOSE } from "../consent-world.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { type RequestDraft, type SignedDraft, signDraft } from "../request-signing.ts";

const now = () => Math.floor(Date.now() / 1_000);
const DAY = 86_400;
const anchor = createEntity("https://anchor.example");
const welfare = createEntity("https://welfare.example");
const tax = createEntity("https://tax.example");
const otherAnchor = createEntity("https://other-anchor.example");
const outsider = createEntity("https://outsider.example");

let node: TestNode;
let registrar: string;
const chains = new Map<TestEntity, string[]>();
/** Records by the number of the person. */
const hrefs = new Map<string, string>();
let drawn = 0;
const nextId = (what = "request") => `${what}-${String(++drawn).padStart(6, "0")}`;

async function send(
  from: TestEntity,
  path: string,
  json: Json,
  changes: Partial<RequestDraft> = {},
  tamper: (signed: SignedDraft) => Partial<SignedDraft> = () => ({}),
): Promise<Answer> {
  const signed = await signDraft({
    signer: from.request,
    sender: from.id,
    audience: node.entity,
    method: "POST",
    url: `${node.entity}${path}`,
    json,
    chain: chains.get(from),
    ...changes,
  });
  const { method, headers, body } = { ...signed, ...tamper(signed) };
  return node.request(method, path, { headers, ...(body !== undefined && { body }) });
}

const person = (id: string) => ({ claims: { national_id: id } });

function request(changes: Record<string, Json | undefined> = {}): JsonObject {
  const whole = {
    request_id: nextId(),
    registry: "persons",
    subject: { claim: "national_id", value: "A-1" },
    purpose: PURPOSE,
    fields: ["name", "born"],
    expires_at: now() + 30 * DAY,
    ...changes,
  };
  return JSON.parse(JSON.stringify(whole)) as JsonObject;
}

async function ask(changes: Record<string, Json | undefined> = {}, from = welfare): Promise<string> {
  const answer = await send(from, "/consents", request(changes));
  expect(answer.status, answer.text).toBe(200);
  return answer.body.id as string;
}

async function given(changes: Record<string, Json | undefined> = {}, choice: object = {}): Promise<string> {
  const id = await ask(changes);
  const value = ((changes.subject as JsonObject | undefined)?.value as string | undefined) ?? "A-1";
  await node.node.consents.give(person(value), id, { language: "en", ...choice });
  return id;
}

function access(changes: Record<string, Json | undefined> = {}): Json {
  return JSON.parse(
    JSON.stringify({ purpose: PURPOSE, request_id: nextId("reading"), nonce: "nonce-nonce-nonce-1", ...changes }),
  ) as JsonObject;
}

/** What became of one reading: the record's outcome, or the code of the whole answer. */
async function read(
  changes: Record<string, Json | undefined> | undefined,
  { href = hrefs.get("A-1")!, from = welfare }: { href?: string; from?: TestEntity } = {},
): Promise<string> {
  const json = { references: [{ href }], ...(changes && { access: access(changes) }) };
  const answer = await send(from, "/records:read", json);
  return answer.status === 200
    ? ((answer.body.records as JsonObject[])[0]!.outcome as string)
    : (answer.body.code as string);
}

const create = async (registry: string, data: JsonObject) => {
  const answer = await node.request("POST", `/registries/${registry}/records`, { token: registrar, json: { data } });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.href as string;
};

const act = async (href: string, operation: string) => {
  const json = { act: { reason: "test", instrument: "Order 1" } };
  const path = href.slice(node.entity.length);
  const { headers } = await node.request("GET", path, { token: registrar, headers: { accept: "application/json" } });
  const answer = await node.request("POST", `${path}/${operation}`, {
    token: registrar,
    json,
    headers: { "if-match": headers.get("etag")! },
  });
  expect(answer.status, answer.text).toBe(200);
};

beforeAll(async () => {
  node = await startTestNode({ anchors: [pinOf(anchor, ["persons", "births"])] });
  for (const entity of [welfare, tax])
    chains.set(entity, await signChain(draftChain([entity, anchor], ["persons"], now())));
  chains.set(outsider, await signChain(draftChain([outsider, otherAnchor], ["persons"], now())));
  const bases = [
    { purpose: "audit", law: LAW, consumer: tax.id, fields: ["name"] },
    { purpose: "pension", law: LAW, consumer: welfare.id, fields: ["name", "born"] },
  ];
  const births = {
    ...BIRTHS,
    purposes: [PURPOSE],
    bases: [{ purpose: "pension", law: "Births Act, section 3", consumer: welfare.id, fields: ["born"] }],
  };
  const twins = { ...PERSONS, name: "twins", type: "twins" } as JsonObject;
  const plainId = { ...((twins.schema as JsonObject).properties as JsonObject), national_id: { type: "string" } };
  twins.schema = { ...(twins.schema as JsonObject), properties: plainId };
  for (const one of [{ ...PERSONS, bases }, births, twins, definition("notes", { access: "consent" })]) {
    const answer = await node.publish(one as JsonObject);
    expect(answer.status, answer.text).toBe(201);
  }
  registrar = await node.token("registrar");
  for (const id of ["A-1", "A-2", "S-1", "R-1", "E-1", "M-1", "B-1"])
    hrefs.set(id, await create("persons", { national_id: id, name: `Person ${id}`, born: "1990-01-02", phone: "555" }));
  for (const name of ["First", "Second"]) await create("twins", { national_id: "T-1", name, born: "1990-01-02" });
  await create("births", { child_id: "A-1", mother_id: "G-1", born: "1990-01-02" });
});

afterAll(() => node?.close());

describe("a request for consent is refused", () => {
  const long = "x".repeat(1_001);
  const cases: [string, () => JsonObject, string][] = [
    ["without a number", () => request({ request_id: undefined }), "request_invalid"],
    ["with a number that is too short", () => request({ request_id: "short" }), "request_invalid"],
    ["with a number that has a space", () => request({ request_id: "has a space in it" }), "request_invalid"],
    ["with a number that is too long", () => request({ request_id: "x".repeat(101) }), "request_invalid"],
    ["without a registry", () => request({ registry: undefined }), "request_invalid"],
    ["for an unknown registry", () => request({ registry: "nowhere" }), "registry_unknown"],
    ["for a registry that names no person", () => request({ registry: "notes" }), "request_invalid"],
    ["without a person", () => request({ subject: undefined }), "request_invalid"],
    ["for a person without a value", () => request({ subject: { claim: "national_id" } }), "request_invalid"],
    [
      "for a person with an empty value",
      () => request({ subject: { claim: "national_id", value: "" } }),
      "request_invalid",
    ],
    [
      "for a person with a blank value",
      () => request({ subject: { claim: "national_id", value: "  " } }),
      "request_invalid",
    ],
    [
      "for a person with a value that is too long",
      () => request({ subject: { claim: "national_id", value: long } }),
      "request_invalid",
    ],
    ["for a person by another claim", () => request({ subject: { claim: "email", value: "a@b" } }), "request_invalid"],
    [
      "for a person with more members",
      () => request({ subject: { claim: "national_id", value: "A-1", name: "A" } }),
      "request_invalid",
    ],
    ["without a purpose", () => request({ purpose: undefined }), "request_invalid"],
    ["with an empty purpose", () => request({ purpose: "" }), "request_invalid"],
    ["for an unknown purpose", () => request({ purpose: "marketing" }), "purpose_unknown"],
    ["for a purpose that is a law's only", () => request({ purpose: "pension" }), "purpose_unknown"],
    ["for a purpose in another spelling", () => request({ purpose: PURPOSE.toUpperCase() }), "purpose_unknown"],
    ["without fields", () => request({ fields: undefined }), "request_invalid"],
    ["for no field", () => request({ fields: [] }), "request_invalid"],
    ["for a field that the registry has not", () => request({ fields: ["salary"] }), "consent_fields_unknown"],
    ["for a field that the purpose has not", () => request({ fields: ["name", "phone"] }), "consent_fields_unknown"],
    ["for the number of the person itself", () => request({ fields: ["national_id"] }), "consent_fields_unknown"],
    ["for a field twice", () => request({ fields: ["name", "name"] }), "consent_fields_unknown"],
    [
      "for a nested field that is none of the purpose's",
      () => request({ fields: ["phone.home"] }),
      "consent_fields_unknown",
    ],
    ["for the name of a field that begins alike", () => request({ fields: ["names"] }), "consent_fields_unknown"],
    ["for an empty field", () => request({ fields: [""] }), "request_invalid"],
    ["for a field that is no text", () => request({ fields: [1] }), "request_invalid"],
    [
      "for more fields than may be named",
      () => request({ fields: Array.from({ length: 201 }, (_, at) => `f${at}`) }),
      "too_many_items",
    ],
    ["without an end", () => request({ expires_at: undefined }), "request_invalid"],
    ["with an end that is over", () => request({ expires_at: now() - 1 }), "consent_term_invalid"],
    [
      "with an end before its start",
      () => request({ starts_at: now() + 20 * DAY, expires_at: now() + 10 * DAY }),
      "consent_term_invalid",
    ],
    [
      "with an end at its start",
      () => request({ starts_at: now() + DAY, expires_at: now() + DAY }),
      "consent_term_invalid",
    ],
    ["for longer than the purpose allows", () => request({ expires_at: now() + 401 * DAY }), "consent_term_invalid"],
    [
      "with a start that is too far away",
      () => request({ starts_at: now() + 500 * DAY, expires_at: now() + 510 * DAY }),
      "consent_term_invalid",
    ],
    ["with an end that is no whole number", () => request({ expires_at: now() + 0.5 }), "request_invalid"],
    ["with a negative end", () => request({ expires_at: -1 }), "request_invalid"],
    ["with an end that is a text", () => request({ expires_at: "2030-01-01" }), "request_invalid"],
    ["with a one_time that is no yes or no", () => request({ one_time: "yes" }), "request_invalid"],
    ["with a case that is too long", () => request({ case: long }), "request_invalid"],
    ["with a note that is too long", () => request({ note: long }), "request_invalid"],
    ["with a member that nobody knows", () => request({ basis: "law" }), "request_invalid"],
  ];
  it.each(cases)("%s", async (_name, json, code) => {
    const answer = await send(welfare, "/consents", json());
    expect(`${answer.status >= 400} ${answer.body.code}`).toBe(`true ${code}`);
  });

  const wire: [string, () => Promise<Answer>, string][] = [
    ["unsigned", () => node.request("POST", "/consents", { json: request() }), "authentication_required"],
    [
      "from this node's own staff",
      async () => node.request("POST", "/consents", { token: registrar, json: request() }),
      "permission_denied",
    ],
    [
      "from a node below an anchor that is not pinned",
      () => send(outsider, "/consents", request()),
      "signature_chain_invalid",
    ],
    [
      "meant for another node",
      () => send(welfare, "/consents", request(), { audience: "https://else.example" }),
      "signature_audience_wrong",
    ],
    [
      "signed too long ago",
      () => send(welfare, "/consents", request(), { created: -600, expires: -400 }),
      "signature_expired",
    ],
    [
      "with another body than was signed",
      () => send(welfare, "/consents", request(), {}, () => ({ body: JSON.stringify(request()) })),
      "content_digest_mismatch",
    ],
  ];
  it.each(wire)("%s", async (_name, answer, code) => {
    expect((await answer()).body.code).toBe(code);
  });

  it("under a number that another request has", async () => {
    const first = request();
    expect((await send(welfare, "/consents", first)).status).toBe(200);
    const again = await send(welfare, "/consents", first);
    expect(again.status).toBe(200);
    expect((await send(welfare, "/consents", { ...first, fields: ["name"] })).body.code).toBe("request_id_reused");
    // Another node's number is another number.
    expect((await send(tax, "/consents", first)).body.id).not.toBe(again.body.id);
  });

  it("when too many about one person wait, known here or not", async () => {
    const subject = { claim: "national_id", value: "nobody here" };
    for (let at = 0; at < 20; at++) await ask({ subject });
    expect((await send(welfare, "/consents", request({ subject }))).body.code).toBe("consents_too_many");
  });

  it("for no reason that tells whether the person is known here: known or not, the answers are alike", async () => {
    const answers = await Promise.all(
      ["A-1", "nobody at all"].map((value) =>
        send(welfare, "/consents", request({ subject: { claim: "national_id", value } })),
      ),
    );
    const [known, unknown] = answers.map(({ status, body }) => {
      const { id, href, requested_at, starts_at, expires_at, ...rest } = body;
      return { status, rest, members: Object.keys({ id, href, requested_at, starts_at, expires_at }) };
    });
    expect(known!.status).toBe(200);
    expect(unknown).toEqual(known);
  });

  it("to be read by whoever did not ask", async () => {
    const id = await ask({ subject: { claim: "national_id", value: "A-2" } });
    const answers = [
      await send(tax, "/consents:read", { ids: [id] }),
      await send(welfare, "/consents:read", { ids: ["7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60"] }),
      await send(welfare, "/consents:read", { ids: ["no-id"] }),
      await send(welfare, "/consents:read", { ids: [] }),
      await node.request("POST", "/consents:read", { json: { ids: [id] } }),
    ];
    expect(answers.map(({ body }) => body.code)).toEqual([
      "consent_unknown",
      "consent_unknown",
      "consent_unknown",
      "request_invalid",
      "authentication_required",
    ]);
  });
});

describe("a decision is refused", () => {
  const { give, decide } = {
    give: (id: string, choice: object = {}, who = "A-2") =>
      node.node.consents.give(person(who), id, { language: "en", ...choice }),
    decide: (id: string, action: "refuse" | "pause" | "resume" | "withdraw", who = "A-2") =>
      node.node.consents.decide(person(who), id, action),
  };
  const subject = { claim: "national_id", value: "A-2" };
  const cases: [string, () => Promise<unknown>, string][] = [
    ["of somebody else", async () => give(await ask({ subject }), {}, "A-1"), "consent_unknown"],
    ["about no consent", async () => give("7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60"), "consent_unknown"],
    ["about what is no id", async () => give("'; drop table consent"), "consent_unknown"],
    ["that gives twice", async () => give(await given({ subject })), "consent_state_conflict"],
    [
      "that gives what was refused",
      async () => {
        const id = await ask({ subject });
        await decide(id, "refuse");
        return give(id);
      },
      "consent_state_conflict",
    ],
    ["that refuses what was given", async () => decide(await given({ subject }), "refuse"), "consent_state_conflict"],
    ["that pauses what was not given", async () => decide(await ask({ subject }), "pause"), "consent_state_conflict"],
    [
      "that pauses twice",
      async () => {
        const id = await given({ subject });
        await decide(id, "pause");
        return decide(id, "pause");
      },
      "consent_state_conflict",
    ],
    [
      "that resumes what is not paused",
      async () => decide(await given({ subject }), "resume"),
      "consent_state_conflict",
    ],
    [
      "that withdraws what was not given",
      async () => decide(await ask({ subject }), "withdraw"),
      "consent_state_conflict",
    ],
    [
      "that resumes what was withdrawn",
      async () => {
        const id = await given({ subject });
        await decide(id, "withdraw");
        return decide(id, "resume");
      },
      "consent_state_conflict",
    ],
    [
      "that gives more fields than were asked",
      async () => give(await ask({ subject, fields: ["name"] }), { fields: ["name", "born"] }),
      "consent_fields_exceeded",
    ],
    ["that gives no field", async () => give(await ask({ subject }), { fields: [] }), "consent_fields_unknown"],
    [
      "that gives for longer than was asked",
      async () => give(await ask({ subject }), { expiresAt: now() + 31 * DAY }),
      "consent_term_invalid",
    ],
    [
      "that gives until before now",
      async () => give(await ask({ subject }), { expiresAt: now() - 1 }),
      "consent_term_invalid",
    ],
    [
      "for who has no record here",
      async () => give(await ask({ subject: { claim: "national_id", value: "none" } }), {}, "none"),
      "subject_unknown",
    ],
    [
      "where several records match",
      async () => give(await ask({ registry: "twins", subject: { claim: "national_id", value: "T-1" } }), {}, "T-1"),
      "subject_ambiguous",
    ],
    ["of a parent for a child that is of age", async () => give(await ask(), {}, "G-1"), "consent_unknown"],
    [
      "about one that waited too long",
      async () => {
        const id = await ask({ subject });
        await node.database.database.sql`update consent set requested_at = 1 where id = ${id}`;
        return give(id);
      },
      "consent_state_conflict",
    ],
  ];
  it.each(cases)("%s", async (_name, decision, code) => {
    expect(await settledCode(decision())).toBe(code);
  });

  const counter = async (id: string, changes: JsonObject = {}, options: { token?: string; registry?: string } = {}) => {
    const { token = registrar, registry = "persons" } = options;
    const json = {
      id,
      decision: "give",
      witness: "Asha Verma",
      evidence: "q0JZ1n4kq2m0bK7oXJv0mN3y0w1c5dX8r2tU6eYfP9A",
      ...changes,
    };
    return (await node.request("POST", `/registries/${registry}/consents:assist`, { token, json })).body.code;
  };

  it("at the counter without a witness, its paper, the right or the right registry", async () => {
    const id = await ask({ subject });
    const reader = await node.token("reader");
    expect([
      await counter(id, { witness: " " }),
      await counter(id, { evidence: "short" }),
      await counter(id, { decision: "withdraw" }),
      await counter(id, {}, { token: reader }),
      await counter(id, {}, { registry: "births" }),
      await counter(id),
      await counter(id),
    ]).toEqual([
      "consent_evidence_missing",
      "request_invalid",
      "request_invalid",
      "permission_denied",
      "consent_unknown",
      undefined,
      "consent_state_conflict",
    ]);
  });

  it("that declares invalid what is over", async () => {
    const id = await given({ subject });
    const invalidate = async (token: string) =>
      (await node.request("POST", "/registries/persons/consents:invalidate", { token, json: { id } })).body;
    expect((await invalidate(await node.token("reader"))).code).toBe("permission_denied");
    expect(await invalidate(registrar)).toMatchObject({ state: "invalidated" });
    expect((await invalidate(registrar)).code).toBe("consent_state_conflict");
  });
});

describe("a reading is refused", () => {
  const sql = () => node.database.database.sql;
  const decided = async (action: "refuse" | "pause" | "withdraw") => {
    const id = action === "refuse" ? await ask() : await given();
    await node.node.consents.decide(person("A-1"), id, action);
    return id;
  };
  const cases: [string, () => Promise<string>, string][] = [
    ["without a purpose and a basis", () => read(undefined), "consent_required"],
    ["without a purpose", () => read({ purpose: undefined }), "request_invalid"],
    ["for a blank purpose", () => read({ purpose: " " }), "purpose_required"],
    ["for a purpose that no law names for it", () => read({}), "consent_required"],
    ["by a law for somebody else", () => read({ purpose: "audit" }), "consent_required"],
    [
      "by a law, of fields that it does not name",
      () => read({ purpose: "pension", fields: ["name", "phone"] }),
      "basis_fields_exceeded",
    ],
    [
      "by a law, of what the registry has not",
      () => read({ purpose: "pension", fields: ["salary"] }),
      "basis_fields_exceeded",
    ],
    [
      "by a law, of a record that is not there",
      () => read({ purpose: "pension" }, { href: `${hrefs.get("A-1")!.slice(0, -12)}aaaaaaaaaaaa` }),
      "record_unknown",
    ],
    ["without a number", () => read({ request_id: undefined }), "request_invalid"],
    ["with a number that is too short", () => read({ request_id: "r" }), "request_invalid"],
    ["with a number that has a line break", () => read({ request_id: "reading\nreading" }), "request_invalid"],
    ["without a nonce", () => read({ nonce: undefined }), "request_invalid"],
    ["with a nonce that is too short", () => read({ nonce: "n" }), "request_invalid"],
    ["with an empty list of consents", () => read({ consents: [] }), "request_invalid"],
    ["with a consent that is no id", () => read({ consents: ["not-an-id"] }), "request_invalid"],
    [
      "with too many consents",
      () =>
        read({
          consents: Array.from({ length: 101 }, (_, at) => `7f0c2a4e-6d1b-4c57-9f3e-${String(at).padStart(12, "0")}`),
        }),
      "too_many_items",
    ],
    ["with an empty list of fields", () => read({ fields: [] }), "request_invalid"],
    ["with a case that is too long", () => read({ purpose: "pension", case: "x".repeat(1_001) }), "request_invalid"],
    ["with a member that nobody knows", () => read({ consent: "yes" }), "request_invalid"],
    [
      "with a consent that is not there",
      () => read({ consents: ["7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60"] }),
      "consent_unknown",
    ],
    [
      "with a consent that another node asked for",
      async () => read({ consents: [await given()] }, { from: tax }),
      "consent_foreign",
    ],
    ["before the person decided", async () => read({ consents: [await ask()] }), "consent_not_given"],
    ["after the person refused", async () => read({ consents: [await decided("refuse")] }), "consent_refused"],
    ["while the person paused it", async () => read({ consents: [await decided("pause")] }), "consent_paused"],
    ["after the person withdrew it", async () => read({ consents: [await decided("withdraw")] }), "consent_withdrawn"],
    [
      "after its end",
      async () => {
        const id = await given({}, { expiresAt: now() + 2 });
        await sleep(2_500);
        return read({ consents: [id] });
      },
      "consent_expired",
    ],
    [
      "after the time to decide was over",
      async () => {
        const id = await ask();
        await sql()`update consent set requested_at = 1 where id = ${id}`;
        return read({ consents: [id] });
      },
      "consent_expired",
    ],
    [
      "before its start",
      async () => read({ consents: [await given({ starts_at: now() + DAY })] }),
      "consent_not_started",
    ],
    [
      "after it was declared invalid",
      async () => {
        const id = await given();
        await node.node.consents.invalidate({ staff: "p", role: "registrar" }, { id, registry: "persons" });
        return read({ consents: [id] });
      },
      "consent_invalidated",
    ],
    [
      "for another purpose than the consent's",
      async () => read({ consents: [await given()], purpose: "statistics" }),
      "consent_purpose_mismatch",
    ],
    [
      "of a record of another registry",
      async () => read({ consents: [await given({ registry: "births", fields: ["born"] })] }),
      "consent_registry_mismatch",
    ],
    [
      "of another person's record",
      async () => read({ consents: [await given()] }, { href: hrefs.get("A-2")! }),
      "consent_record_mismatch",
    ],
    [
      "of a field that the person did not allow",
      async () => read({ consents: [await given({}, { fields: ["born"] })], fields: ["born", "name"] }),
      "consent_fields_exceeded",
    ],
    [
      "of a field that nobody asked for",
      async () => read({ consents: [await given()], fields: ["phone"] }),
      "consent_fields_exceeded",
    ],
    [
      "of a field inside one that is not allowed",
      async () => read({ consents: [await given()], fields: ["address.city"] }),
      "consent_fields_exceeded",
    ],
    [
      "twice with a consent for one reading",
      async () => {
        const id = await given({ one_time: true });
        expect(await read({ consents: [id] })).toBe("found");
        return read({ consents: [id] });
      },
      "consent_used",
    ],
    [
      "of a suspended record, but for its state",
      async () => {
        const id = await given({ subject: { claim: "national_id", value: "S-1" } });
        await act(hrefs.get("S-1")!, "suspend");
        return read({ consents: [id] }, { href: hrefs.get("S-1")! });
      },
      "record_suspended",
    ],
    [
      "of a revoked record, but for its state",
      async () => {
        const id = await given({ subject: { claim: "national_id", value: "R-1" } });
        await act(hrefs.get("R-1")!, "revoke");
        return read({ consents: [id] }, { href: hrefs.get("R-1")! });
      },
      "record_revoked",
    ],
    [
      "of an ended record, but for its state",
      async () => {
        const id = await given({ subject: { claim: "national_id", value: "E-1" } });
        await act(hrefs.get("E-1")!, "end");
        return read({ consents: [id] }, { href: hrefs.get("E-1")! });
      },
      "record_ended",
    ],
    [
      "under a number that another reading of the person has",
      async () => {
        const id = await given();
        const request_id = nextId("reading");
        expect(await read({ consents: [id], request_id })).toBe("found");
        return read({ consents: [id], request_id, fields: ["born"] });
      },
      "request_id_reused",
    ],
    [
      "once more, after the consent was withdrawn",
      async () => {
        const id = await given();
        const request_id = nextId("reading");
        expect(await read({ consents: [id], request_id })).toBe("found");
        await node.node.consents.decide(person("A-1"), id, "withdraw");
        return read({ consents: [id], request_id });
      },
      "consent_withdrawn",
    ],
  ];
  it.each(cases)("%s", async (_name, reading, code) => {
    expect(await reading()).toBe(code);
  });

  it("to strangers and to this node's own staff on this way", async () => {
    const json = { references: [{ href: hrefs.get("A-1")! }], access: access({ purpose: "pension" }) };
    for (const token of [undefined, registrar]) {
      const answer = await node.request("POST", "/records:read", { token, json });
      expect((answer.body.records as JsonObject[])[0]).toMatchObject({ outcome: "consent_required" });
      expect(answer.text).not.toContain("Person A-1");
    }
  });

  it("under the number of a reading of what the record was before", async () => {
    const id = await given({ subject: { claim: "national_id", value: "M-1" } });
    const href = hrefs.get("M-1")!;
    const request_id = nextId("reading");
    expect(await read({ consents: [id], request_id }, { href })).toBe("found");
    expect(await read({ consents: [id], request_id }, { href })).toBe("found");
    const path = href.slice(node.entity.length);
    const amended = await node.request("PATCH", path, {
      token: registrar,
      json: { data: { name: "Another name" } },
      headers: { "if-match": '"1.0"' },
    });
    expect(amended.status, amended.text).toBe(200);
    expect(await read({ consents: [id], request_id }, { href })).toBe("request_id_reused");
    expect(await read({ consents: [id] }, { href })).toBe("found");
  });

  it("by what somebody with the database made of a consent, whatever its state then says", async () => {
    const changes: [string, (id: string) => Promise<unknown>][] = [
      ["a later end", (id) => sql()`update consent set expires_at = expires_at + 1 where id = ${id}`],
      ["another reader", (id) => sql()`update consent set consumer = ${tax.id} where id = ${id}`],
      ["another purpose", (id) => sql()`update consent set purpose = 'statistics' where id = ${id}`],
      ["more than one reading", (id) => sql()`update consent set is_one_time = false where id = ${id}`],
    ];
    for (const [what, change] of changes) {
      const id = await given({ one_time: true });
      await change(id);
      expect(await read({ consents: [id] }), what).toBe("consent_invalidated");
      expect(await read({ consents: [id] }, { from: tax }), what).toBe("consent_invalidated");
    }
  });

  it("by a consent whose state, use or whole row somebody with the database set back", async () => {
    const decide = (id: string, action: "withdraw" | "pause") => node.node.consents.decide(person("A-1"), id, action);
    const setBack: [string, (id: string) => Promise<unknown>][] = [
      [
        "a withdrawn one is given again",
        async (id) => {
          await decide(id, "withdraw");
          await sql()`update consent set state = 'given' where id = ${id}`;
        },
      ],
      [
        "a paused one goes on",
        async (id) => {
          await decide(id, "pause");
          await sql()`update consent set state = 'given' where id = ${id}`;
        },
      ],
      [
        "one for one reading is not used yet",
        async (id) => {
          expect(await read({ consents: [id] })).toBe("found");
          await sql()`update consent set used = null where id = ${id}`;
        },
      ],
      [
        "the whole row is as it was before the withdrawal",
        async (id) => {
          await sql()`create table kept_consent as select * from consent where id = ${id}`;
          await decide(id, "withdraw");
          await sql()`delete from consent where id = ${id}`;
          await sql()`insert into consent select * from kept_consent`;
          await sql()`drop table kept_consent`;
        },
      ],
    ];
    for (const [what, change] of setBack) {
      const id = await given({ one_time: true });
      await change(id);
      expect(await read({ consents: [id] }), what).toBe("consent_invalidated");
      expect((await node.node.consents.get(person("A-1"), id)).state, what).toBe("invalidated");
      expect(await settledCode(decide(id, "withdraw")), what).toBe("consent_state_conflict");
    }
  });

  it("nor told of by the feed of changes, where the row of a withdrawn consent says that it is given", async () => {
    const href: Record<string, string> = {};
    for (const value of ["F-1", "F-2"]) {
      href[value] = await create("persons", { national_id: value, name: `Person ${value}`, born: "1990-01-02" });
      const id = await given({ subject: { claim: "national_id", value } });
      if (value === "F-2") continue;
      await node.node.consents.decide(person(value), id, "withdraw");
      await sql()`update consent set state = 'given' where id = ${id}`;
    }
    const { body: before } = await send(welfare, "/changes:read", {});
    for (const one of Object.values(href)) await act(one, "suspend");
    const { body: after } = await send(welfare, "/changes:read", { cursor: before.cursor! });
    const told = (after.changes as JsonObject[]).map((change) => change.href);
    expect([told.includes(href["F-1"]!), told.includes(href["F-2"]!)]).toEqual([false, true]);
  });

  it("by a consent whose sealed text is from before the giving, which has no terms", async () => {
    const id = await ask({ fields: ["name"] });
    const [asked] = await sql()<{ sealed: Uint8Array }[]>`select sealed from consent where id = ${id}`;
    await node.node.consents.give(person("A-1"), id, { language: "en" });
    expect(await read({ consents: [id], fields: ["born"] })).toBe("consent_fields_exceeded");
    await sql()`update consent set sealed = ${Buffer.from(asked!.sealed)} where id = ${id}`;
    expect(await read({ consents: [id], fields: ["born"] })).toBe("consent_invalidated");
  });

  it("by what a guardian gave, once the record that says so is revoked", async () => {
    const birth = await create("births", { child_id: "K-1", mother_id: "G-2", born: "2020-01-02" });
    const href = await create("persons", { national_id: "K-1", name: "Child K-1", born: "2020-01-02" });
    const subject = { claim: "national_id", value: "K-1" };
    const id = await ask({ subject });
    const shown = await node.node.consents.give(person("G-2"), id, { language: "en" });
    expect(shown).toMatchObject({ state: "given", isOwn: false });
    expect(await read({ consents: [id] }, { href })).toBe("found");
    await act(birth, "revoke");
    expect(await read({ consents: [id] }, { href })).toBe("consent_invalidated");
    expect(await settledCode(node.node.consents.get(person("G-2"), id))).toBe("consent_unknown");
  });

  it("after the day on which the child is of age, however long the guardian gave", async () => {
    const born = `${new Date().getUTCFullYear() - 17}-01-02`;
    await create("births", { child_id: "K-2", mother_id: "G-2", born });
    await create("persons", { national_id: "K-2", name: "Child K-2", born });
    const id = await ask({ subject: { claim: "national_id", value: "K-2" }, expires_at: now() + 399 * DAY });
    const { expiresAt } = await node.node.consents.give(person("G-2"), id, { language: "en" });
    expect(expiresAt).toBe(Date.UTC(new Date().getUTCFullYear() + 1, 0, 2) / 1_000);
  });

  it("of two registries under two laws only with an event each, and never by the event of the other", async () => {
    const other = await create("births", { child_id: "A-2", born: "1990-01-02" });
    const references = [{ href: hrefs.get("A-2")! }, { href: other }];
    const json = { references, access: access({ purpose: "pension", fields: ["born"] }) };
    const answer = await send(welfare, "/records:read", json);
    expect((answer.body.records as JsonObject[]).map(({ outcome }) => outcome)).toEqual(["found", "found"]);
    const { entries } = await node.node.usage.list(person("A-2"), { purpose: "pension" });
    expect(entries.flatMap(({ records }) => records.map(({ registry }) => registry)).sort()).toEqual([
      "births",
      "persons",
    ]);
  });

  it("of a record that was corrected to be about another person since", async () => {
    const subject = { claim: "national_id", value: "C-1" };
    const href = await create("persons", { national_id: "C-1", name: "Person C-1", born: "1990-01-02" });
    const id = await given({ subject });
    expect(await read({ consents: [id] }, { href })).toBe("found");
    const amended = await node.request("PATCH", href.slice(node.entity.length), {
      token: registrar,
      json: { data: { national_id: "C-2", name: "Person C-2" } },
      headers: { "if-match": '"1.0"' },
    });
    expect(amended.status, amended.text).toBe(200);
    expect(await read({ consents: [id] }, { href })).toBe("consent_record_mismatch");
  });

  it("when so many are made about one person that one more would hide among them", async () => {
    const href = hrefs.get("B-1")!;
    expect(await read({ purpose: "pension" }, { href })).toBe("found");
    await sql()`update answer_budget set used = 1000`;
    expect(await read({ purpose: "pension" }, { href })).toBe("reading_budget_exceeded");
    await sql()`delete from answer_budget`;
    expect(await read({ purpose: "pension" }, { href })).toBe("found");
  });

  it("and leaves no event, nor anything of the person in the answer", async () => {
    const before = (await node.node.usage.list(person("A-2"))).entries.filter(({ operation }) => operation === "read");
    // Those by the law of pensions, which were given.
    expect(before.filter(({ purpose }) => purpose !== "pension")).toEqual([]);
  });
});

describe("a field that a later definition puts inside one that was given", () => {
  it("is not given with it", async () => {
    const data = { national_id: "L-1", name: "Leela", born: "1990-01-02", address: { city: "Northmarch" } };
    const href = await create("persons", data);
    const subject = { claim: "national_id", value: "L-1" };
    const consents = [await given({ subject, fields: ["address"] })];
    expect(await read({ consents, fields: ["address"] }, { href })).toBe("found");
    const { definition: before } = await node.node.registries.getCurrent("persons");
    const { schema } = before;
    const properties = schema.properties as JsonObject;
    const address = properties.address as JsonObject;
    const inner = { ...(address.properties as JsonObject), shelter: { type: "string" } };
    const later = {
      ...before,
      schema: { ...schema, properties: { ...properties, address: { ...address, properties: inner } } },
    };
    expect((await node.publish(later as unknown as JsonObject)).status).toBe(201);
    const path = href.slice(node.entity.length);
    const { headers } = await node.request("GET", path, { token: registrar });
    const amended = await node.request("PATCH", path, {
      token: registrar,
      headers: { "if-match": headers.get("etag")! },
      json: { data: { address: { shelter: "House 7" } }, act: { reason: "test" } },
    });
    expect(amended.status, amended.text).toBe(200);
    expect(await read({ consents, fields: ["address"] }, { href })).toBe("consent_fields_exceeded");
    const answer = await send(welfare, "/records:read", { references: [{ href }], access: access({ consents }) });
    const [record] = answer.body.records as JsonObject[];
    const shown = String(record!.token)
      .split("~")
      .slice(1, -1)
      .map((one) => (JSON.parse(Buffer.from(one, "base64url").toString()) as Json[])[1]);
    expect(shown.sort()).toEqual(["address", "city"]);
  });
});
