// What a node asks of others on behalf of its staff: over its API, with the home node's own reasons where that refuses, and nothing kept that says of whom.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { consentCommand } from "../../src/cli/consent.ts";
import { resolveCommand } from "../../src/cli/resolve.ts";
import type { LineInput } from "../../src/cli/secret-line.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { type ConsentWorld, now, PURPOSE, startConsentWorld } from "../consent-world.ts";
import type { Answer } from "../node-fixture.ts";
import { createDocumentCheck, type DocumentCheck } from "../openapi-check.ts";

const ID = "AB-4711-SECRET";
const DAY = 86_400;
let world: ConsentWorld;
let href: string;
let token: string;
let check: DocumentCheck;
let directory: string;

async function send(method: string, path: string, json?: JsonObject, bearer = token): Promise<Answer> {
  const answer = await world.welfare.request(method, path, { token: bearer, ...(json && { json }) });
  expect(check.faults(method, path, answer), answer.text).toEqual([]);
  return answer;
}

const ask = (changes: JsonObject = {}, bearer = token): Promise<Answer> =>
  send(
    "POST",
    "/asked-consents",
    {
      home: world.civil.entity,
      registry: "persons",
      subject: { claim: "national_id", value: ID },
      purpose: PURPOSE,
      fields: ["name", "born"],
      expires_at: now() + 30 * DAY,
      case: "W-42",
      ...changes,
    },
    bearer,
  );

beforeAll(async () => {
  world = await startConsentWorld();
  token = await world.welfare.token("reader", { name: "Clerk Bina" });
  directory = mkdtempSync(join(tmpdir(), "attestry-consent-"));
  writeFileSync(join(directory, "token"), token, { mode: 0o600 });
  check = createDocumentCheck((await world.welfare.request("GET", "/openapi.json")).body);
  ({ href } = await world.addPerson({ national_id: ID, name: "Meera Rao", born: "1990-03-04", phone: "555-0101" }));
});

afterAll(async () => {
  await world?.close();
  rmSync(directory, { recursive: true, force: true });
});

afterEach(() => vi.restoreAllMocks());

/** Runs a command as the program would; gives what it printed. `typed`: what comes from standard input. */
async function run(command: (input: LineInput) => Command, parameters: readonly string[], typed = ""): Promise<string> {
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  await command(Readable.from([typed])).parseAsync([...parameters, "--token-file", join(directory, "token")], {
    from: "user",
  });
  vi.restoreAllMocks();
  return printed;
}

describe("a consent that staff asked for", () => {
  it("is followed from being asked to being withdrawn, and readings go by it", async () => {
    const asked = await ask();
    expect([asked.status, asked.body.state], asked.text).toEqual([200, "requested"]);
    const id = String(asked.body.id);
    const person = world.person(ID);
    const [waiting] = await world.civil.node.consents.list(person);
    expect(waiting).toMatchObject({ consumer: world.welfare.entity, case: "W-42", requestedFields: ["name", "born"] });
    await world.civil.node.consents.give(person, waiting!.id, { language: "en", fields: ["born"] });
    // Nobody told this node yet.
    const before = await send("GET", "/asked-consents?case=W-42");
    expect(before.body.consents).toMatchObject([{ id, state: "requested" }]);
    const given = await send("POST", `/asked-consents/${id}/refresh`);
    expect(given.body).toMatchObject({ state: "given", fields: ["born"], requested_fields: ["name", "born"] });
    const read = await world.welfare.request("POST", "/resolve", {
      token,
      json: { references: [href], access: { purpose: PURPOSE, consents: [String(given.body.href)], case: "W-42" } },
    });
    expect((read.body.records as JsonObject)[href]).toMatchObject({
      outcome: "verified",
      data: { born: "1990-03-04" },
    });
    await world.civil.node.consents.decide(person, waiting!.id, "withdraw");
    const after = await send("POST", `/asked-consents/${id}/refresh`);
    expect(after.body).toMatchObject({ state: "withdrawn", asked_by: "Clerk Bina" });
  });

  it("shows nothing once the person's record has ended, and then was erased, though it still holds", async () => {
    const [id, registrar] = ["AB-9001", await world.civil.token("registrar")];
    const person = await world.addPerson({ national_id: id, name: "Tomas Lind", born: "1941-02-11" });
    const asked = await ask({ subject: { claim: "national_id", value: id }, case: "W-9", request_id: "welfare-death" });
    const [waiting] = await world.civil.node.consents.list(world.person(id));
    await world.civil.node.consents.give(world.person(id), waiting!.id, { language: "en" });
    const path = `/registries/persons/records/${person.rid}`;
    for (const [act, outcome] of [
      ["end", "record_ended"],
      // Of what is gone it is not even told that it was there.
      ["erase", "record_unknown"],
    ] as const) {
      const json = { act: { reason: "death", instrument: "Register of deaths 9" } };
      const done = await world.civil.request("POST", `${path}/${act}`, { token: registrar, json });
      expect(done.status, done.text).toBe(200);
      const access = { purpose: PURPOSE, consents: [String(asked.body.href)] };
      const read = await world.welfare.request("POST", "/resolve", {
        token,
        json: { references: [person.href], access },
      });
      const record = (read.body.records as JsonObject)[person.href] as JsonObject;
      expect([record.outcome, record.data], read.text).toEqual([outcome, undefined]);
    }
    expect((await send("POST", `/asked-consents/${String(asked.body.id)}/refresh`)).body.state).toBe("given");
  });

  it("is one however often the same request is sent, and another content under its number is refused", async () => {
    const number = { request_id: "welfare-request-1", case: "W-43" };
    const terms = { ...number, expires_at: now() + 9 * DAY };
    const [first, second] = [await ask(terms), await ask(terms)];
    expect([first.body.id, second.body.state]).toEqual([second.body.id, "requested"]);
    expect((await send("GET", "/asked-consents?case=W-43")).body.consents).toHaveLength(1);
    const other = await ask({ ...terms, fields: ["born"] });
    expect([other.status, other.body.code], other.text).toEqual([409, "request_id_reused"]);
  });

  it.each([
    [
      "fields that the purpose does not have",
      { fields: ["born", "phone"] },
      422,
      "consent_fields_unknown",
      "/fields/1",
    ],
    ["another purpose", { purpose: "curiosity" }, 422, "purpose_unknown", undefined],
    ["too long a term", { expires_at: 4_000_000_000 }, 422, "consent_term_invalid", "/expires_at"],
    ["a registry that is not there", { registry: "animals" }, 404, "registry_unknown", undefined],
    ["another claim", { subject: { claim: "passport", value: ID } }, 400, "request_invalid", "/subject/claim"],
    ["an address that is no node's", { home: "https://civil.example/?a" }, 400, "entity_identifier_invalid", undefined],
    ["a node that is not there", { home: "http://127.0.0.1:9" }, 502, "peer_unreachable", undefined],
  ] as const)("is refused by its own code where it asks for %s", async (_, changes, status, code, field) => {
    const answer = await ask(changes as unknown as JsonObject);
    expect([answer.status, answer.body.code], answer.text).toEqual([status, code]);
    // Whose word it is.
    const { host } = new URL(world.civil.entity);
    if (!["entity_identifier_invalid", "peer_unreachable"].includes(code))
      expect(String(answer.body.detail)).toContain(`${host} says: `);
    if (field !== undefined) expect(answer.body.errors).toMatchObject([{ field }]);
    expect(answer.text).not.toContain(ID);
  });

  it("is nothing for operators, auditors, tokens of some registries and strangers", async () => {
    for (const bearer of [
      await world.welfare.token("operator"),
      await world.welfare.token("auditor"),
      await world.welfare.token("reader", { registries: ["applications"] }),
    ]) {
      expect((await ask({}, bearer)).body.code).toBe("permission_denied");
      expect((await send("GET", "/asked-consents", undefined, bearer)).body.code).toBe("permission_denied");
    }
    expect((await world.welfare.request("GET", "/asked-consents")).body.code).toBe("authentication_required");
  });

  it("is listed newest first by pages, and unknown ones are unknown", async () => {
    const all = (await send("GET", "/asked-consents")).body.consents as JsonObject[];
    const paged: JsonObject[] = [];
    for (let cursor = ""; paged.length <= all.length; ) {
      const { body } = await send("GET", `/asked-consents?limit=1${cursor}`);
      paged.push(...(body.consents as JsonObject[]));
      if (body.next === undefined) break;
      cursor = `&cursor=${String(body.next)}`;
    }
    expect(paged).toEqual(all);
    const times = all.map((one) => Number(one.asked_at));
    expect([all.length, times]).toEqual([3, times.toSorted((a, b) => b - a)]);
    expect((await send("GET", "/asked-consents?cursor=x")).body.code).toBe("query_invalid");
    expect((await send("POST", `/asked-consents/${"A".repeat(43)}/refresh`)).body.code).toBe("consent_unknown");
  });

  it("leaves no trace of the person in what the node keeps of it", async () => {
    const rows = await world.welfare.database.database.sql`select * from asked_consent`;
    expect(rows.length).toBeGreaterThan(1);
    expect(JSON.stringify(rows)).not.toContain(ID);
    expect(JSON.stringify(rows)).not.toContain("Meera");
  });

  it("is forgotten as long after its end as reports of checks are kept", async () => {
    const { sql } = world.welfare.database.database;
    await sql`update asked_consent set expires_at = 1 where case_number = 'W-43'`;
    await world.welfare.node.askedConsents.purge();
    expect((await send("GET", "/asked-consents?case=W-43")).body.consents).toEqual([]);
    expect((await send("GET", "/asked-consents?case=W-42")).body.consents).toHaveLength(1);
  });
});

describe("the commands", () => {
  const terms = ["--registry", "persons", "--claim", "national_id", "--purpose", PURPOSE, "--expires", "30d"];

  it("ask, follow and read by a consent; who it is comes from standard input", async () => {
    const node = ["--url", world.welfare.entity, "--json"];
    const request = [
      "request",
      world.civil.entity,
      ...terms,
      "--field",
      "born",
      "--one-time",
      "--case",
      "W-44",
      ...node,
    ];
    const asked = JSON.parse(await run(consentCommand, request, `${ID}\n`)) as JsonObject;
    expect(asked).toMatchObject({ state: "requested", one_time: true, case: "W-44" });
    const person = world.person(ID);
    const waiting = (await world.civil.node.consents.list(person)).find((one) => one.case === "W-44")!;
    await world.civil.node.consents.give(person, waiting.id, { language: "en" });
    const status = JSON.parse(await run(consentCommand, ["status", String(asked.id), ...node])) as JsonObject;
    expect(status).toMatchObject({ state: "given", used: false });
    const read = [
      "--via",
      world.welfare.entity,
      "--purpose",
      PURPOSE,
      "--consent",
      String(asked.href),
      "--case",
      "W-44",
    ];
    expect(await run(resolveCommand, [href, ...read])).toContain('{"born":"1990-03-04"}');
    const table = await run(consentCommand, ["status", String(asked.id), "--url", world.welfare.entity]);
    expect(table).toContain(`${String(asked.href)}: used`);
    expect(await run(consentCommand, ["status", "--case", "W-44", "--url", world.welfare.entity])).toMatch(
      /W-44 +persons +used/,
    );
    process.exitCode = 0;
    expect(await run(resolveCommand, [href, ...read])).toContain("consent_used");
    expect(process.exitCode).toBe(2);
    process.exitCode = 0;
  });

  it("say for what consent may be asked, and what is missing", async () => {
    const read = await run(resolveCommand, [href, "--via", world.welfare.entity, "--purpose", PURPOSE]);
    process.exitCode = 0;
    expect(read).toContain("consent may be asked for: name, born, address");
    await expect(run(resolveCommand, [href, "--via", world.welfare.entity, "--case", "W-1"])).rejects.toMatchObject({
      code: "request_invalid",
    });
    const request = ["request", world.civil.entity, ...terms, "--field", "born", "--url", world.welfare.entity];
    await expect(run(consentCommand, request, "\n")).rejects.toMatchObject({ code: "request_invalid" });
  });
});
