// Signed answers: which questions are answered, to whom and how often; and that an answer counts for its audience, nonce and question only.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { decodeJws, signJws } from "../../src/crypto/jws.ts";
import {
  ANSWER_SECONDS,
  ANSWER_WINDOW_SECONDS,
  ANSWERS_PER_CALLER_MAX,
  ANSWERS_PER_RECORD_ANONYMOUS_MAX,
  ANSWERS_PER_RECORD_MAX,
} from "../../src/limits.ts";
import type { AnswerQuestion } from "../../src/records/answers/answer-question.ts";
import { type AnswerExpectation, type SignedAnswer, verifyAnswer } from "../../src/verification/index.ts";
import { createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";
import { signDraft } from "../request-signing.ts";

const START = Math.floor(Date.now() / 1_000);
const AUDIENCE = "https://welfare.example";
const anchor = createEntity("https://anchor.example");
const asker = createEntity("https://asker.example");
let now = START;
let node: TestNode;
let wells: RecordCalls;
let reader: string;
/** Made before the clock is moved, while the registrar's token holds. */
let guessed: JsonObject;
let chain: string[];
let codes = 0;
let nonces = 0;

const PROPERTIES: JsonObject = {
  depth: { type: "number" },
  owner: { type: "string", "x-personal": true },
  site: { type: "object", additionalProperties: false, properties: { ward: { type: "string" } } },
};
const ANSWERS = { exists: true, matches: ["name", "depth", "site.ward", "owner"] };

beforeAll(async () => {
  node = await startTestNode({ anchors: [pinOf(anchor, ["houses"])], clock: () => now });
  chain = await signChain(draftChain([asker, anchor], ["houses"], START));
  const open = (name: string, access: string, answers: JsonObject | undefined = ANSWERS) =>
    definition(name, { access, properties: PROPERTIES, members: { ...(answers && { answers }) } });
  const definitions = [
    open("wells", "public"),
    open("houses", "members"),
    open("people", "consent"),
    open("ponds", "public", { exists: true }),
    definition("quiet", { properties: PROPERTIES }),
  ];
  for (const one of definitions) {
    const answer = await node.publish(one);
    expect(answer.status, answer.text).toBe(201);
  }
  wells = await createRecordCalls(node, "wells");
  reader = await node.token("reader", { seconds: 10 * ANSWER_WINDOW_SECONDS });
  guessed = await create();
});

afterAll(() => node?.close());

const nonce = () => `nonce-${String(nonces++).padStart(12, "0")}`;
const create = (calls = wells, more: JsonObject = {}) =>
  calls.create({ code: `C${codes++}`, name: "Old well", depth: 12.5, site: { ward: "7" }, ...more });

type Asked = { question: Json; audience: string; nonce: string };

function ask(question: Json, options: { token?: string; change?: Partial<Asked> } = {}): Promise<Answer> {
  const json = { question, audience: AUDIENCE, nonce: nonce(), ...options.change };
  return node.request("POST", "/answers", { json, token: options.token });
}

async function askAsNode(question: Json): Promise<Answer> {
  const draft = await signDraft({
    signer: asker.request,
    sender: asker.id,
    audience: node.entity,
    method: "POST",
    url: `${node.entity}/answers`,
    json: { question, audience: AUDIENCE, nonce: nonce() },
    chain,
  });
  return node.request("POST", draft.path, { headers: draft.headers, ...(draft.body && { body: draft.body }) });
}

/** What was answered, without a look at the signature. */
function yesOrNo(answer: Answer): Json {
  expect(answer.status, answer.text).toBe(200);
  return decodeJws(String(answer.body.answer)).payload.answer!;
}

const exists = (well: JsonObject) => ({ kind: "exists", registry: "wells", key: (well.data as JsonObject).code! });
const matches = (well: JsonObject, values: JsonObject) => ({ kind: "matches", record: well.href!, values });

describe("a question", () => {
  it("whether a record exists is answered yes while it is in force, and no before, after and for any other key", async () => {
    const well = await create();
    expect(yesOrNo(await ask(exists(well)))).toBe(true);
    expect(yesOrNo(await ask({ kind: "exists", record: well.href! }))).toBe(true);
    expect(yesOrNo(await ask({ kind: "exists", registry: "wells", key: { code: "none" } }))).toBe(false);
    await wells.change(well.rid, "suspend");
    expect(yesOrNo(await ask(exists(well)))).toBe(false);
    await wells.change(well.rid, "reinstate");
    expect(yesOrNo(await ask(exists(well)))).toBe(true);
    await wells.revoke(well.rid);
    expect(yesOrNo(await ask(exists(well)))).toBe(false);
    await wells.change(well.rid, "erase", { act: { reason: "order", instrument: "Order 7" } });
    expect(yesOrNo(await ask({ kind: "exists", record: well.href! }))).toBe(false);
  });

  it("about a record that is in effect at another time is answered no", async () => {
    const later = await wells.create({ code: `C${codes++}`, name: "New" }, { valid_from: "2199-01-01" });
    expect(yesOrNo(await ask({ kind: "exists", record: later.href! }))).toBe(false);
  });

  it("whether values match is answered yes only where every one of them does", async () => {
    const well = await create();
    const cases: [JsonObject, boolean][] = [
      [{ name: "Old well" }, true],
      [{ name: "Old well", depth: 12.5, "site.ward": "7" }, true],
      [{ name: "old well" }, false],
      [{ name: "Old well", depth: 12 }, false],
      [{ depth: "12.5" }, false],
    ];
    for (const [values, answer] of cases)
      expect([values, yesOrNo(await ask(matches(well, values)))]).toEqual([values, answer]);
    await wells.amend(well.rid, "1.0", { data: { name: "Deep well" } });
    expect(yesOrNo(await ask(matches(well, { name: "Old well" })))).toBe(false);
    expect(yesOrNo(await ask(matches(well, { name: "Deep well" })))).toBe(true);
  });

  it("that the definition does not offer, or that needs consent, is refused by its own code to everyone", async () => {
    const well = await create(wells, { owner: "Asha" });
    const refused: [Json, string][] = [
      [matches(well, { code: "C1" }), "422 answer_not_offered"],
      [matches(well, { constructor: "x" }), "422 answer_not_offered"],
      [matches(well, { owner: "Asha" }), "422 answer_not_offered"],
      [{ kind: "matches", registry: "ponds", key: "1", values: { name: "x" } }, "422 answer_not_offered"],
      [{ kind: "exists", registry: "quiet", key: "1" }, "422 answer_not_offered"],
      [{ kind: "age", registry: "wells", key: "1", field: "name", years: 18 }, "422 answer_not_offered"],
      [{ kind: "exists", registry: "nowhere", key: "1" }, "404 registry_unknown"],
      [{ kind: "exists", record: "https://other.example/registries/wells/records/x" }, "400 request_invalid"],
      [{ kind: "exists", registry: "wells", key: { name: "Old well" } }, "400 request_invalid"],
    ];
    for (const [question, code] of refused)
      for (const token of [undefined, reader]) {
        const answer = await ask(question, { ...(token !== undefined && { token }) });
        expect([question, refusal(answer)]).toEqual([question, code]);
      }
  });

  it("that is malformed is refused", async () => {
    const well = await create();
    const questions: Json[] = [
      { kind: "exists" },
      { kind: "older", registry: "wells", key: "1" },
      { ...exists(well), values: { name: "Old well" } },
      { ...exists(well), record: well.href! },
      { kind: "matches", record: well.href! },
      { kind: "matches", record: well.href!, values: {} },
      { kind: "matches", record: well.href!, values: { name: ["Old well"] } },
    ];
    for (const question of questions)
      expect(refusal(await ask(question)), JSON.stringify(question)).toBe("400 request_invalid");
    for (const change of [{ nonce: "short" }, { nonce: "with spaces in it ....." }, { audience: "" }])
      expect(refusal(await ask(exists(well), { change }))).toBe("400 request_invalid");
  });

  it("about a members' registry is answered to nodes of the federation and to staff, not to strangers", async () => {
    const houses = await createRecordCalls(node, "houses");
    const house = await create(houses);
    const question = { kind: "matches", record: house.href!, values: { name: "Old well" } };
    expect(refusal(await ask(question))).toBe("401 authentication_required");
    expect(yesOrNo(await ask(question, { token: reader }))).toBe(true);
    expect(yesOrNo(await askAsNode(question))).toBe(true);
    expect(refusal(await ask(question, { token: await node.token("auditor") }))).toBe("403 permission_denied");
  });
});

describe("a definition", () => {
  it("is refused where it offers to compare what is no field, or no single value", async () => {
    const answer = await node.publish(
      definition("odd", { properties: PROPERTIES, members: { answers: { matches: ["colour", "site"] } } }),
    );
    expect(refusal(answer)).toBe("422 definition_invalid");
    const places = (answer.body.errors as JsonObject[]).map(({ field }) => field);
    expect(places).toEqual(["/answers/matches/0", "/answers/matches/1"]);
  });
});

describe("an answer", () => {
  let signed: SignedAnswer;
  let expected: AnswerExpectation;

  beforeAll(async () => {
    const well = await create();
    const question = exists(well) as AnswerQuestion;
    const used = nonce();
    const answer = await ask(question as unknown as Json, { change: { nonce: used } });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    signed = answer.body as unknown as SignedAnswer;
    const anchors = [node.pin(["wells"])];
    expected = { anchors, now, audience: AUDIENCE, nonce: used, question, issuer: node.entity };
  });

  const verified = (change: Partial<AnswerExpectation> = {}, other = signed) =>
    verifyAnswer(other, { ...expected, ...change }).then(
      ({ answer }) => String(answer),
      (error: { code?: string }) => error.code,
    );

  it("is verified by whoever asked, as the node's word, for its minutes", async () => {
    const found = await verifyAnswer(signed, expected);
    expect(found).toMatchObject({ answer: true, issuer: node.entity, registryType: "wells", issuedAt: now });
    expect(await verified({ now: now + ANSWER_SECONDS })).toBe("true");
    expect(await verified({ now: now + ANSWER_SECONDS + 60 })).toBe("token_expired");
    expect(await verified({ now: now - 61 })).not.toBe("true");
  });

  it("counts for no other audience, nonce, question, node, anchor or type", async () => {
    const question = { ...expected.question, key: "another" } as AnswerQuestion;
    expect(await verified({ audience: "https://other.example" })).toBe("answer_mismatch");
    expect(await verified({ nonce: nonce() })).toBe("answer_mismatch");
    expect(await verified({ question })).toBe("answer_mismatch");
    expect(await verified({ issuer: "https://other.example" })).toBe("answer_mismatch");
    expect(await verified({ anchors: [pinOf(anchor, ["wells"])] })).toBe("anchor_unknown");
    expect(await verified({ anchors: [node.pin(["ponds"])] })).toBe("permission_denied");
  });

  it("is refused where it was changed, signed by another key of the node, or as something else", async () => {
    const { payload } = decodeJws(signed.answer);
    const [header, , signature] = signed.answer.split(".");
    const turned = Buffer.from(JSON.stringify({ ...payload, answer: false })).toString("base64url");
    expect(await verified({}, { ...signed, answer: `${header}.${turned}.${signature}` })).toBe("signature_invalid");
    const { status, record } = node.secrets.signers;
    const typ = "attestry-answer+jwt";
    const made = async (signer: typeof status, change: JsonObject = {}, type = typ) => ({
      ...signed,
      answer: await signJws({ signer, typ: type, payload: { ...payload, ...change } }),
    });
    expect(await verified({}, await made(record))).toBe("true");
    expect(await verified({}, await made(status))).toBe("key_unknown");
    expect(await verified({}, await made(record, {}, "attestry-state+jwt"))).toBe("type_not_allowed");
    for (const change of [{ answer: "yes" }, { exp: now + 10_000 }, { iat: "now" }, { sure: true }, { rtype: 1 }])
      expect([change, await verified({}, await made(record, change))]).toEqual([change, "token_invalid"]);
  });
});

describe("the budget against guessing", () => {
  it("ends comparisons with one record for one caller, says when to go on, and starts anew then", async () => {
    const [well, other] = [await create(), await create()];
    now += ANSWER_WINDOW_SECONDS - (now % ANSWER_WINDOW_SECONDS) + 600;
    const token = await node.token("reader", { seconds: 10 * ANSWER_WINDOW_SECONDS });
    const guess = (of: JsonObject, by = token) => ask(matches(of, { depth: codes++ }), { token: by });
    const answers = await Promise.all(Array.from({ length: ANSWERS_PER_RECORD_MAX + 5 }, () => guess(well)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(ANSWERS_PER_RECORD_MAX);
    const refused = await guess(well);
    expect([refusal(refused), refused.headers.get("retry-after")]).toEqual(["429 answer_budget_exceeded", "3000"]);
    expect((await guess(other)).status).toBe(200);
    expect((await guess(well, reader)).status).toBe(200);
    expect((await ask({ kind: "exists", record: well.href! }, { token })).status).toBe(200);
    now += 3_000;
    expect((await guess(well)).status).toBe(200);
  });

  it("is used up also where the clocks of two processes stand on either side of a full hour", async () => {
    now += ANSWER_WINDOW_SECONDS - (now % ANSWER_WINDOW_SECONDS) + 1;
    const well = guessed;
    const asked: string[] = [];
    for (let i = 0; i < ANSWERS_PER_RECORD_MAX + 2; i++) {
      now += i % 2 === 0 ? -2 : 2;
      const answer = await ask(matches(well, { depth: i }), { token: reader });
      asked.push(answer.status === 200 ? "answered" : refusal(answer));
    }
    now += 2;
    expect(asked.filter((one) => one === "answered")).toHaveLength(ANSWERS_PER_RECORD_MAX + 1);
    expect(asked.at(-1)).toBe("429 answer_budget_exceeded");
  });

  it("is one for all strangers, and one for all questions of a named caller", async () => {
    now += ANSWER_WINDOW_SECONDS - (now % ANSWER_WINDOW_SECONDS);
    const well = guessed;
    expect((await ask(matches(well, { name: "Old well" }))).status).toBe(200);
    expect((await ask(exists(well), { token: reader })).status).toBe(200);
    const { sql } = node.database.database;
    // So many questions take long: what was used is set instead.
    await sql`update answer_budget set used = ${ANSWERS_PER_RECORD_ANONYMOUS_MAX} where used = 1 and digest in (
      select digest from answer_budget where window_start = ${now - (now % ANSWER_WINDOW_SECONDS)})`;
    expect(refusal(await ask(matches(well, { name: "Old well" })))).toBe("429 answer_budget_exceeded");
    expect((await ask(exists(well))).status).toBe(200);
    expect((await ask(exists(well), { token: reader })).status).toBe(200);
    await sql`update answer_budget set used = ${ANSWERS_PER_CALLER_MAX} where window_start = ${now}`;
    expect(refusal(await ask(exists(well), { token: reader }))).toBe("429 answer_budget_exceeded");
    expect((await ask(exists(well))).status).toBe(200);
  });
});
