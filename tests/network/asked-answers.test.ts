// A clerk asks another department's node for a yes or no through the office's own node: two nodes over real HTTP, by the API and by `attestry ask`.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { askCommand } from "../../src/cli/ask.ts";
import type { LineInput } from "../../src/cli/secret-line.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { type AnswerExpectation, type SignedAnswer, verifyAnswer } from "../../src/verification/index.ts";
import { type ConsentWorld, LAW, PURPOSE, startConsentWorld } from "../consent-world.ts";
import type { Answer } from "../node-fixture.ts";
import { createDocumentCheck, type DocumentCheck } from "../openapi-check.ts";
import { refusal } from "../record-calls.ts";

const ID = "AB-4711-SECRET";
let world: ConsentWorld;
let href: string;
let token: string;
let check: DocumentCheck;
let directory: string;

async function ask(json: JsonObject, bearer = token): Promise<Answer> {
  const answer = await world.welfare.request("POST", "/asked-answers", { token: bearer, json });
  expect(check.faults("POST", "/asked-answers", answer), answer.text).toEqual([]);
  return answer;
}

const age = (changes: JsonObject = {}): JsonObject => ({
  home: world.civil.entity,
  question: { kind: "age", registry: "persons", key: { national_id: ID }, field: "born", years: 18 },
  access: { purpose: "pension" },
  ...changes,
});

beforeAll(async () => {
  world = await startConsentWorld({
    persons: { answers: { exists: true, matches: ["name"], ages: [{ field: "born", years: [18] }] } },
    bases: (welfare) => [{ purpose: "pension", law: LAW, consumer: welfare, fields: ["born"] }],
  });
  token = await world.welfare.token("reader", { name: "Clerk Bina" });
  directory = mkdtempSync(join(tmpdir(), "attestry-ask-"));
  writeFileSync(join(directory, "token"), token, { mode: 0o600 });
  check = createDocumentCheck((await world.welfare.request("GET", "/openapi.json")).body);
  ({ href } = await world.addPerson({ national_id: ID, name: "Meera Rao", born: "1990-03-04", phone: "555-0101" }));
});

afterAll(async () => {
  await world?.close();
  rmSync(directory, { recursive: true, force: true });
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** The office's own log of what it was given: its events by what they commit to. */
async function received(): Promise<string[]> {
  const rows = await world.welfare.database.database.sql<{ reference: string }[]>`
    select reference from access_event where reference is not null order by log_index`;
  return rows.map(({ reference }) => reference);
}

/** A command's output, with what was piped in. */
async function run(args: string[], piped = ""): Promise<{ out: string; failed: string }> {
  const out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  const command = askCommand(Readable.from([piped]) as LineInput);
  const failed = await command
    .parseAsync([...args, "--url", world.welfare.entity, "--token-file", join(directory, "token")], { from: "user" })
    .then(
      () => "",
      ({ code }) => code as string,
    );
  const printed = out.mock.calls.map(([text]) => String(text)).join("");
  out.mockRestore();
  return { out: printed, failed };
}

describe("a question to another department", () => {
  it("by a law is answered, verified, and noted here before it is shown, without whom it is about", async () => {
    const before = (await received()).length;
    const { status, body, text } = await ask(age({ access: { purpose: "pension", case: "W-42" } }));
    expect([status, body.answer, body.issuer], text).toEqual([200, true, world.civil.entity]);
    const { commitment } = (body.reading as JsonObject).event as JsonObject;
    expect((await received()).slice(before)).toEqual([commitment]);
    const { entries } = await world.civil.node.usage.list(world.person(ID));
    expect(entries[0]).toMatchObject({
      action: "answer",
      by: { entity: world.welfare.entity },
      case: "W-42",
      commitment,
    });
    // Whoever it is shown to can verify it again.
    const { question, audience, nonce } = body as unknown as AnswerExpectation;
    const expected = {
      ...{ question, audience, nonce, issuer: world.civil.entity },
      anchors: [world.anchor.pin(["persons"])],
      now: Math.floor(Date.now() / 1_000),
    };
    expect(await verifyAnswer(body.signed as unknown as SignedAnswer, expected)).toMatchObject({ answer: true });
    for (const table of await world.welfare.database.database.sql<{ name: string }[]>`
      select table_name as name from information_schema.tables where table_schema = 'public'`) {
      const rows = await world.welfare.database.database.sql.unsafe(`select t::text as row from "${table.name}" t`);
      expect(rows.filter(({ row }) => String(row).includes(ID))).toEqual([]);
    }
  });

  it("by a consent is answered about the record at its URL", async () => {
    const asked = await world.ask(ID, { fields: ["name"] });
    await world.civil.node.consents.give(world.person(ID), asked.id, { language: "en" });
    const access = { purpose: PURPOSE, consents: [`${world.civil.entity}/consents/${asked.id}`] };
    const named = (name: string) => ask({ question: { kind: "matches", record: href, values: { name } }, access });
    expect((await named("Meera Rao")).body.answer).toBe(true);
    expect((await named("Mira Rao")).body.answer).toBe(false);
  });

  const cases: [string, () => Promise<Answer>, string][] = [
    ["no right", () => ask(age({ access: { purpose: PURPOSE } })), "403 consent_required"],
    [
      "no purpose",
      () => ask(JSON.parse(JSON.stringify(age({ access: null }), (_, value) => value ?? undefined))),
      "422 purpose_required",
    ],
    [
      "what is not offered",
      () => ask(age({ question: { kind: "exists", registry: "births", key: "1" } })),
      "422 answer_not_offered",
    ],
    [
      "an unknown registry",
      () => ask(age({ question: { kind: "exists", registry: "nowhere", key: "1" } })),
      "404 registry_unknown",
    ],
    ["no node", async () => ask({ question: age().question! }), "400 request_invalid"],
    ["this node itself", () => ask(age({ home: world.welfare.entity })), "400 request_invalid"],
    ["what is no address", () => ask(age({ home: "ftp://civil.example" })), "400 entity_identifier_invalid"],
    [
      "another node than the record's",
      () => ask({ home: world.tax.entity, question: { kind: "exists", record: href } }),
      "400 request_invalid",
    ],
    [
      "another node's consent",
      () =>
        ask(
          age({
            access: {
              purpose: PURPOSE,
              consents: [`${world.tax.entity}/consents/7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60`],
            },
          }),
        ),
      "400 request_invalid",
    ],
    ["what is no consent", () => ask(age({ access: { purpose: PURPOSE, consents: ["W-42"] } })), "400 request_invalid"],
    ["as an auditor", async () => ask(age(), await world.welfare.token("auditor")), "403 permission_denied"],
  ];
  it.each(cases)("with %s is refused, and nothing is noted", async (_name, answered, code) => {
    const before = await received();
    expect(refusal(await answered())).toBe(code);
    expect(await received()).toEqual(before);
  });
});

describe("attestry ask", () => {
  const byKey = ["--registry", "persons", "--by", "national_id", "--purpose", "pension"];

  it("says yes or no; whom it is about is typed, not an argument", async () => {
    const yes = await run([world.civil.entity, ...byKey, "--years", "born=18"], `${ID}\n`);
    expect(yes.failed).toBe("");
    expect(yes.out).toMatch(/^yes\n {2}the word of /);
    expect(yes.out).not.toContain(ID);
    const no = await run([world.civil.entity, ...byKey, "--years", "born=18"], "somebody else\n");
    expect(no.out).toMatch(/^no\n/);
  });

  it("prints the whole answer as JSON", async () => {
    const { out } = await run([world.civil.entity, ...byKey, "--exists", "--json"], `${ID}\n`);
    expect(JSON.parse(out)).toMatchObject({ answer: true, question: { kind: "exists" } });
  });

  it.each([
    ["nothing", [...byKey]],
    ["two things", [...byKey, "--exists", "--years", "born=18"]],
    ["no number of years", [...byKey, "--years", "born=many"]],
    ["no field", [...byKey, "--is", "=Meera"]],
    ["no registry", ["--exists", "--purpose", "pension"]],
    ["for nothing", ["--registry", "persons", "--by", "national_id", "--exists", "--case", "W-42"]],
  ])("refuses to ask %s", async (_name, args) => {
    expect((await run([world.civil.entity, ...args], `${ID}\n`)).failed).toBe("request_invalid");
  });
});
