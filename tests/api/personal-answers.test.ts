// Signed answers about people: a reading that gives less, by the same rights, counted and logged as one. One node over real HTTP, asked by nodes that sign.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { decodeJws, signJws } from "../../src/crypto/jws.ts";
import { ANSWERS_PER_RECORD_MAX } from "../../src/limits.ts";
import type { AnswerQuestion } from "../../src/records/answers/answer-question.ts";
import { type SignedAnswer, verifyAnswer } from "../../src/verification/index.ts";
import { createEntity, draftChain, pinOf, signChain, type TestEntity } from "../chain-fixture.ts";
import { LAW, PERSONS, PURPOSE } from "../consent-world.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { refusal } from "../record-calls.ts";
import { signDraft } from "../request-signing.ts";

const START = Date.UTC(2026, 10, 28, 12) / 1_000;
const DAY = 86_400;
const anchor = createEntity("https://anchor.example");
const welfare = createEntity("https://welfare.example");
const police = createEntity("https://police.example");
const stranger = createEntity("https://stranger.example");
const chains = new Map<TestEntity, string[]>();

let node: TestNode;
let registrar: string;
let asha: string;
let drawn = 0;
let now = START;

const nextId = (what = "question") => `${what}-${String(++drawn).padStart(12, "0")}`;

async function send(from: TestEntity, path: string, json: Json): Promise<Answer> {
  const signed = await signDraft({
    signer: from.request,
    sender: from.id,
    audience: node.entity,
    method: "POST",
    url: `${node.entity}${path}`,
    json,
    chain: chains.get(from),
    created: now - Math.floor(Date.now() / 1_000),
    expires: now - Math.floor(Date.now() / 1_000) + 120,
  });
  return node.request(signed.method, signed.path, {
    headers: signed.headers,
    ...(signed.body !== undefined && { body: signed.body }),
  });
}

type Access = Record<string, Json | undefined>;

const body = (question: JsonObject, access?: Access): JsonObject =>
  JSON.parse(
    JSON.stringify({
      question,
      audience: welfare.id,
      nonce: nextId("nonce-nonce"),
      ...(access && { access: { purpose: PURPOSE, request_id: nextId(), ...access } }),
    }),
  ) as JsonObject;

const ask = (question: JsonObject, access?: Access, from = welfare) => send(from, "/answers", body(question, access));

const AGE = (years: number, more: JsonObject = {}): JsonObject => ({
  kind: "age",
  registry: "persons",
  key: { national_id: "A-1" },
  field: "born",
  years,
  ...more,
});
const NAME = (name: string): JsonObject => ({
  kind: "matches",
  registry: "persons",
  key: { national_id: "A-1" },
  values: { name },
});
const EXISTS: JsonObject = { kind: "exists", registry: "persons", key: { national_id: "A-1" } };

function yesOrNo(answer: Answer): Json {
  expect(answer.status, answer.text).toBe(200);
  return decodeJws(String(answer.body.answer)).payload.answer!;
}

async function give(changes: Record<string, Json> = {}, person = "A-1"): Promise<string> {
  const answer = await send(welfare, "/consents", {
    request_id: nextId("consent"),
    registry: "persons",
    subject: { claim: "national_id", value: "A-1" },
    purpose: PURPOSE,
    fields: ["name", "born"],
    expires_at: now + 30 * DAY,
    ...changes,
  });
  expect(answer.status, answer.text).toBe(200);
  const id = answer.body.id as string;
  await node.node.consents.give({ claims: { national_id: person } }, id, { language: "en" });
  return id;
}

const usage = (value: string) => node.node.usage.list({ claims: { national_id: value } }, { limit: 1_000 });

/** The person's own events, oldest first. */
const eventsOf = async (value: string) => [...(await usage(value)).entries].sort((a, b) => a.number - b.number);

/** Chains hold for an hour. */
async function vouch(): Promise<void> {
  for (const entity of [welfare, police, stranger])
    chains.set(entity, await signChain(draftChain([entity, anchor], ["persons"], now)));
}

async function create(data: JsonObject): Promise<string> {
  const answer = await node.request("POST", "/registries/persons/records", { token: registrar, json: { data } });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.href as string;
}

beforeAll(async () => {
  node = await startTestNode({ anchors: [pinOf(anchor, ["persons"])], clock: () => now });
  await vouch();
  const answers = { exists: true, matches: ["name"], ages: [{ field: "born", years: [18, 60] }] };
  const bases = [
    { purpose: "inquiry", law: LAW, consumer: police.id, fields: ["born"], delay_days: 30 },
    { purpose: "pension", law: LAW, consumer: welfare.id, fields: ["born"] },
  ];
  const notes = definition("notes", { access: "consent", members: { answers: { exists: true } } });
  for (const one of [{ ...PERSONS, answers, bases } as JsonObject, notes]) {
    const answer = await node.publish(one);
    expect(answer.status, answer.text).toBe(201);
  }
  registrar = await node.token("registrar");
  asha = await create({ national_id: "A-1", name: "Asha", born: "2008-11-28", phone: "555" });
  await create({ national_id: "A-2", name: "Bina", born: "2008-11-29" });
});

afterAll(() => node?.close());

describe("a question about a person", () => {
  it("is answered by a consent: an age to the day, a value, and that there is a record", async () => {
    const consents = [await give()];
    expect(yesOrNo(await ask(AGE(18), { consents }))).toBe(true);
    expect(yesOrNo(await ask(AGE(60), { consents }))).toBe(false);
    expect(yesOrNo(await ask(NAME("Asha"), { consents }))).toBe(true);
    expect(yesOrNo(await ask(NAME("Ana"), { consents }))).toBe(false);
    expect(yesOrNo(await ask(EXISTS, { consents }))).toBe(true);
    expect(yesOrNo(await ask({ kind: "exists", record: asha }, { consents }))).toBe(true);
    // Who is of age tomorrow is not today.
    expect(yesOrNo(await ask(AGE(18, { key: { national_id: "A-2" } }), { purpose: "pension" }))).toBe(false);
  });

  it("is answered by a law, about somebody who is not here too, and is secret for as long as the law has it", async () => {
    const law = { purpose: "inquiry" };
    expect(yesOrNo(await ask(AGE(18), law, police))).toBe(true);
    expect(yesOrNo(await ask(AGE(18, { key: { national_id: "nobody" } }), law, police))).toBe(false);
    expect((await usage("nobody")).entries).toEqual([]);
    expect((await usage("nobody")).delayed).toEqual({ count: 1, until: now + 30 * DAY });
  });

  it("is an event of the person's that names fields and age, and neither what was compared nor what was answered", async () => {
    const consents = [await give()];
    const before = (await eventsOf("A-1")).length;
    await ask(NAME("Asha-guessed"), { consents, case: "W-42" });
    const events = (await eventsOf("A-1")).slice(before);
    expect(events).toMatchObject([
      {
        action: "answer",
        by: { entity: welfare.id },
        fields: ["name"],
        purpose: PURPOSE,
        basis: { consent: consents[0] },
        case: "W-42",
        question: { registry: "persons", kind: "matches" },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain("Asha");
    expect(JSON.stringify(events)).not.toMatch(/"answer":/);
  });

  it("made again under its number is one reading, and under that number nothing else is asked", async () => {
    const consents = [await give({ one_time: true })];
    const before = (await eventsOf("A-1")).length;
    const access = { consents, request_id: nextId() };
    expect(yesOrNo(await ask(AGE(18), access))).toBe(true);
    expect(yesOrNo(await ask(AGE(18), access))).toBe(true);
    expect((await eventsOf("A-1")).length).toBe(before + 1);
    expect(refusal(await ask(AGE(60), access))).toBe("409 request_id_reused");
    // A consent for one time is used up by an answer.
    expect(refusal(await ask(AGE(60), { consents }))).toBe("403 consent_used");
  });

  const cases: [string, () => Promise<Answer>, string][] = [
    ["without a purpose", () => ask(AGE(18)), "422 purpose_required"],
    ["with a blank purpose", () => ask(AGE(18), { purpose: "  " }), "422 purpose_required"],
    ["without a number of its own", () => ask(AGE(18), { request_id: undefined }), "400 request_invalid"],
    ["by nobody's right", () => ask(AGE(18), {}, stranger), "403 consent_required"],
    [
      "by nobody's right about somebody who is not here",
      () => ask(AGE(18, { key: { national_id: "nobody" } }), {}, stranger),
      "403 consent_required",
    ],
    ["by another's consent", async () => ask(AGE(18), { consents: [await give()] }, stranger), "403 consent_foreign"],
    [
      "by a consent of somebody else",
      async () => ask(AGE(18, { key: { national_id: "nobody" } }), { consents: [await give()] }),
      "403 consent_record_mismatch",
    ],
    [
      "for another purpose than the consent's",
      async () => ask(AGE(18), { consents: [await give()], purpose: "statistics" }),
      "403 consent_purpose_mismatch",
    ],
    [
      "about a field that the consent has not",
      async () => ask(NAME("Asha"), { consents: [await give({ fields: ["born"] })] }),
      "403 consent_fields_exceeded",
    ],
    [
      "about a field that the law has not",
      () => ask(NAME("Asha"), { purpose: "pension" }),
      "403 basis_fields_exceeded",
    ],
    [
      "by a withdrawn consent",
      async () => {
        const id = await give();
        await node.node.consents.decide({ claims: { national_id: "A-1" } }, id, "withdraw");
        return ask(AGE(18), { consents: [id] });
      },
      "403 consent_withdrawn",
    ],
    [
      "by a consent that is none",
      () => ask(AGE(18), { consents: ["7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60"] }),
      "404 consent_unknown",
    ],
    [
      "about an age that is not offered",
      async () => ask(AGE(21), { consents: [await give()] }),
      "422 answer_not_offered",
    ],
    [
      "about the age by a field that is not offered",
      async () => ask(AGE(18, { field: "phone" }), { consents: [await give()] }),
      "422 answer_not_offered",
    ],
    [
      "about a value that is not offered",
      async () => ask({ ...NAME("x"), values: { phone: "555" } }, { consents: [await give()] }),
      "422 answer_not_offered",
    ],
    [
      "by a key that names nobody",
      () => ask({ ...EXISTS, key: { name: "Asha" } }, { purpose: "pension" }),
      "400 request_invalid",
    ],
    [
      "in a registry that names nobody",
      () => ask({ kind: "exists", registry: "notes", key: "1" }, {}),
      "400 request_invalid",
    ],
    [
      "by this node's own staff, who read the record",
      () => node.request("POST", "/answers", { token: registrar, json: body(AGE(18), { purpose: "pension" }) }),
      "403 permission_denied",
    ],
    [
      "by a stranger",
      () => node.request("POST", "/answers", { json: body(AGE(18), { purpose: "pension" }) }),
      "401 authentication_required",
    ],
  ];
  it.each(cases)("is refused %s, and logs nothing", async (_name, answered, code) => {
    const before = (await eventsOf("A-1")).filter(({ action }) => action === "answer").length;
    expect(refusal(await answered())).toBe(code);
    expect((await eventsOf("A-1")).filter(({ action }) => action === "answer").length).toBe(before);
  });

  it("is not answered by the consent of somebody whom the record is not about any more", async () => {
    const href = await create({ national_id: "C-1", name: "Chitra", born: "1990-01-02" });
    const consents = [await give({ subject: { claim: "national_id", value: "C-1" } }, "C-1")];
    const question = { kind: "age", record: href, field: "born", years: 18 };
    expect(yesOrNo(await ask(question, { consents }))).toBe(true);
    const amended = await node.request("PATCH", href.slice(node.entity.length), {
      token: registrar,
      headers: { "if-match": '"1.0"' },
      json: { data: { national_id: "C-2" } },
    });
    expect(amended.status, amended.text).toBe(200);
    expect(refusal(await ask(question, { consents }))).toBe("403 consent_record_mismatch");
  });

  it("is decided, logged and answered by one version: the one that is in effect", async () => {
    const href = await create({ national_id: "D-1", name: "Dara", born: "1990-01-02" });
    const path = href.slice(node.entity.length);
    // What was so from 2000 to 2010 is recorded last, and in effect no more.
    const amended = await node.request("PATCH", path, {
      token: registrar,
      headers: { "if-match": '"1.0"' },
      json: { data: { national_id: "D-2", born: "1950-01-02" }, valid_from: "2000-01-01", valid_until: "2010-01-01" },
    });
    expect(amended.status, amended.text).toBe(200);
    const question = { kind: "age", record: href, field: "born", years: 60 };
    expect(yesOrNo(await ask(question, { purpose: "pension" }))).toBe(false);
    expect((await eventsOf("D-1")).at(-1)).toMatchObject({ action: "answer", records: [{ version: 1 }] });
    expect((await eventsOf("D-2")).filter(({ action }) => action === "answer")).toEqual([]);
  });

  it("about a version that was erased is answered no", async () => {
    const href = await create({ national_id: "E-1", name: "Esha", born: "1950-01-02" });
    const path = href.slice(node.entity.length);
    const amended = await node.request("PATCH", path, {
      token: registrar,
      headers: { "if-match": '"1.0"' },
      json: { data: { name: "Esha Rao" }, valid_from: "2000-01-01", valid_until: "2010-01-01" },
    });
    expect(amended.status, amended.text).toBe(200);
    const question = { kind: "age", record: href, field: "born", years: 60 };
    expect(yesOrNo(await ask(question, { purpose: "pension" }))).toBe(true);
    const json = { act: { reason: "wrong", instrument: "Order 1" } };
    const erased = await node.request("POST", `${path}/versions/1/erase`, { token: registrar, json });
    expect(erased.status, erased.text).toBe(200);
    expect(yesOrNo(await ask(question, { purpose: "pension" }))).toBe(false);
  });

  it("is answered no more often an hour than guessing would need, whether there is such a person or not", async () => {
    for (const value of ["A-1", "nobody"]) {
      now += 3_600 - (now % 3_600);
      await vouch();
      const question = AGE(18, { key: { national_id: value } });
      const answers = [];
      for (let at = 0; at <= ANSWERS_PER_RECORD_MAX; at++) answers.push(await ask(question, { purpose: "pension" }));
      expect(new Set(answers.slice(0, -1).map(({ status, body: { code } }) => `${status} ${code}`))).toEqual(
        new Set(["200 undefined"]),
      );
      expect(refusal(answers.at(-1)!)).toBe("429 answer_budget_exceeded");
      // By its URL it is the same person.
      if (value === "A-1")
        expect(refusal(await ask({ kind: "exists", record: asha }, { purpose: "pension" }))).toBe(
          "429 answer_budget_exceeded",
        );
      // Another consumer's budget is its own.
      expect((await ask(question, { purpose: "inquiry" }, police)).status).toBe(200);
    }
  });
});

describe("an answer about a person", () => {
  it("is verified with its event in the access log, and not without", async () => {
    const question = AGE(18);
    const json = body(question, { purpose: "pension", case: "W-7" });
    const { body: answered } = await send(welfare, "/answers", json);
    const signed = answered as unknown as SignedAnswer;
    const expected = {
      anchors: [node.pin(["persons"])],
      now,
      audience: welfare.id,
      nonce: json.nonce as string,
      question: question as unknown as AnswerQuestion,
      issuer: node.entity,
    };
    const verified = await verifyAnswer(signed, expected);
    const event = (await eventsOf("A-1")).at(-1)!;
    expect(verified).toMatchObject({ answer: true, reading: { purpose: "pension", basis: { law: LAW } } });
    expect(event).toMatchObject({ action: "answer", case: "W-7" });
    const { payload } = decodeJws(signed.answer);
    const resigned = async (change: JsonObject) => ({
      ...signed,
      answer: await signJws({
        signer: node.secrets.signers.record,
        typ: "attestry-answer+jwt",
        payload: { ...payload, ...change },
      }),
    });
    const { receipt: _, ...bare } = signed;
    const reading = payload.reading as JsonObject;
    const { reading: _reading, ...silent } = payload;
    const faulty: [string, SignedAnswer][] = [
      ["no receipt", bare],
      [
        "another entry",
        await resigned({ reading: { ...reading, event: { ...(reading.event as JsonObject), index: 0 } } }),
      ],
      ["no basis", await resigned({ reading: { ...reading, basis: {} } })],
      ["no purpose", await resigned({ reading: { ...reading, purpose: "" } })],
      ["a member more", await resigned({ reading: { ...reading, sure: true } })],
      [
        "a receipt of nothing that is signed",
        {
          ...signed,
          answer: await signJws({ signer: node.secrets.signers.record, typ: "attestry-answer+jwt", payload: silent }),
        },
      ],
    ];
    for (const [name, one] of faulty)
      expect([name, await verifyAnswer(one, expected).catch(({ code }) => code as string)]).toEqual([
        name,
        "token_invalid",
      ]);
  });
});
