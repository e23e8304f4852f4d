// Numbers of records: never given twice, whoever else writes; official ones kept; fields of the same name told apart.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseNodeConfig } from "../../src/config.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { silentLogger } from "../../src/logger.ts";
import { createNode, initializeNode, type Node } from "../../src/node.ts";
import { generateSecrets, parseSecrets } from "../../src/secrets.ts";
import { connectDatabase, type Database } from "../../src/storage/database.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

let node: TestNode;
let codes = 0;
const data = (members: JsonObject = {}): JsonObject => ({ code: `c${codes++}`, name: "n", ...members });

async function registry(name: string, identifier: string, members: JsonObject = {}): Promise<RecordCalls> {
  const answer = await node.publish(definition(name, { members: { identifier }, ...members }));
  expect(answer.status, answer.text).toBe(201);
  return createRecordCalls(node, name);
}

async function importRows(name: string, rows: readonly JsonObject[]): Promise<JsonObject[]> {
  const answer = await node.request("POST", `/registries/${name}/records:import`, {
    token: await node.token("registrar"),
    body: rows.map((row) => JSON.stringify(row)).join("\n"),
    headers: { "content-type": "application/x-ndjson" },
  });
  return answer.text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);
}

beforeAll(async () => {
  node = await startTestNode();
});
afterAll(() => node.close());

describe("a number of a template", () => {
  it("runs per value of a field of the record", async () => {
    const properties = { office: { type: "string" } };
    const parcels = await registry("parcels", "{data.office}-{seq:3}", { properties, required: ["office"] });
    const numbers: unknown[] = [];
    for (const office of ["DL", "MH", "DL", "MH", "DL"])
      numbers.push((await parcels.create(data({ office }))).identifier);
    expect(numbers).toEqual(["DL-001", "MH-001", "DL-002", "MH-002", "DL-003"]);
    const answer = await parcels.post({ data: data({ office: "D L" }) });
    expect(refusal(answer)).toBe("422 record_invalid");
    expect((answer.body.errors as JsonObject[])[0]!.field).toBe("/office");
  });

  it("ends with a check character", async () => {
    const births = await registry("births", "A1-2425G-ABC{seq:7}-{check}");
    const name = "identifier/births/A1-2425G-ABC{seq}-{check}";
    await node.database.database.sql`insert into counter (name, next) values (${name}, 1234001)`;
    // The example of the Global Release Identifier's own norm.
    expect((await births.create(data())).identifier).toBe("A1-2425G-ABC1234002-M");
  });
});

describe("an official number", () => {
  it("is kept, found by search, and unique", async () => {
    const deeds = await registry("deeds", "D-{seq:4}");
    const old = await deeds.create(data(), { identifier: "Vol. III, fol. 27" });
    expect(old.identifier).toBe("Vol. III, fol. 27");
    const found = await node.request("GET", "/registries/deeds/records?identifier=Vol.%20III%2C%20fol.%2027");
    expect((found.body.records as JsonObject[]).map(({ rid }) => rid)).toEqual([old.rid]);
    const again = await deeds.post({ data: data(), identifier: "Vol. III, fol. 27" });
    expect(refusal(again)).toBe("409 value_not_unique");
    expect((await deeds.create(data())).identifier).toBe("D-0001");
  });

  it("that the template would write is never given again: the numbers go on behind it", async () => {
    const permits = await registry("permits", "P-{seq:4}");
    expect((await permits.create(data())).identifier).toBe("P-0001");
    await permits.create(data(), { identifier: "P-0007" });
    await permits.create(data(), { identifier: "P-0003" });
    expect((await permits.create(data())).identifier).toBe("P-0008");
    // Refused, it moves nothing.
    expect((await permits.post({ data: { code: 1 }, identifier: "P-0500" })).status).toBe(422);
    expect(refusal(await permits.post({ data: data({ code: "c0" }), identifier: "P-0007" }))).toBe(
      "409 value_not_unique",
    );
    expect((await permits.create(data())).identifier).toBe("P-0009");
  });

  it("of another year or office moves that one's numbers, and no other's", async () => {
    const yearly = await registry("yearly", "{yyyy}/{seq}");
    const year = new Date().getUTCFullYear();
    await yearly.create(data(), { identifier: `${year - 1}/900` });
    expect((await yearly.create(data())).identifier).toBe(`${year}/1`);
  });

  it("that the counter comes to all the same is stepped over, in creations and imports alike", async () => {
    const cases = await registry("cases", "C-{seq}");
    for (let i = 1; i <= 12; i++) await cases.create(data(), { identifier: `C-${i}` });
    await node.database.database.sql`update counter set next = 0 where name = 'identifier/cases/C-{seq}'`;
    expect((await cases.create(data())).identifier).toBe("C-13");
    await node.database.database.sql`update counter set next = 0 where name = 'identifier/cases/C-{seq}'`;
    const outcomes = await importRows("cases", [{ data: data() }, { data: data() }, { data: data() }]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["created", "created", "created"]);
    const page = await node.request("GET", "/registries/cases/records?limit=100");
    const numbers = (page.body.records as JsonObject[]).map(({ identifier }) => identifier);
    expect(new Set(numbers).size).toBe(16);
    expect(numbers).toHaveLength(16);
  });

  it("comes with the rows of an import", async () => {
    await registry("imported", "I-{seq}");
    const rows = [{ data: data(), identifier: "I-40" }, { data: data() }, { data: data(), identifier: "I-40" }];
    expect((await importRows("imported", rows)).map(({ outcome }) => outcome)).toEqual([
      "created",
      "created",
      "refused",
    ]);
    expect((await importRows("imported", [{ data: data() }]))[0]!.outcome).toBe("created");
    const page = await node.request("GET", "/registries/imported/records");
    expect((page.body.records as JsonObject[]).map(({ identifier }) => identifier).sort()).toContain("I-41");
  });

  it.each([
    ["with a line break", "a\nb", "400 request_invalid"],
    ["with a space before it", " a", "422 record_invalid"],
    ["with two spaces", "a  b", "422 record_invalid"],
    ["with what turns the writing round", "a\u202eb", "422 record_invalid"],
    ["of nothing", "", "400 request_invalid"],
    ["too long", "x".repeat(81), "400 request_invalid"],
  ])("%s is refused", async (_name, identifier, expected) => {
    const answer = await node.request("POST", "/registries/refused/records", {
      token: await node.token("registrar"),
      json: { data: data(), identifier },
    });
    await node.publish(definition("refused", { members: { identifier: "{seq}" } }));
    const second = await node.request("POST", "/registries/refused/records", {
      token: await node.token("registrar"),
      json: { data: data(), identifier },
    });
    expect(refusal(answer.status === 404 ? second : answer)).toBe(expected);
  });

  it("is refused where a field carries it, or where records have none", async () => {
    await node.publish(definition("fields", { members: { identifier: { field: "code" } } }));
    await node.publish(definition("none"));
    for (const name of ["fields", "none"]) {
      const answer = await (await createRecordCalls(node, name)).post({ data: data(), identifier: "X-1" });
      expect(refusal(answer)).toBe("422 record_invalid");
      expect((answer.body.errors as JsonObject[])[0]!.field).toBe("/identifier");
    }
  });
});

describe("a field that is named identifier, too", () => {
  it("is no obstacle to the number of another record, and is searched as data.identifier", async () => {
    const properties = { identifier: { type: "string", "x-unique": true } };
    const both = await registry("both", "N-{seq}", { properties });
    const first = await both.create(data({ identifier: "N-2" }));
    const second = await both.create(data({ identifier: "N-1" }));
    expect([first.identifier, second.identifier]).toEqual(["N-1", "N-2"]);
    const find = async (query: string) => {
      const answer = await node.request("GET", `/registries/both/records?${query}`);
      return (answer.body.records as JsonObject[] | undefined)?.map(({ rid }) => rid) ?? answer.text;
    };
    expect(await find("identifier=N-1")).toEqual([first.rid]);
    expect(await find("data.identifier=N-1")).toEqual([second.rid]);
    const taken = await both.post({ data: data({ identifier: "N-1" }) });
    expect(refusal(taken)).toBe("409 value_not_unique");
    expect((taken.body.errors as JsonObject[])[0]!.field).toBe("/identifier");
  });
});

describe("two processes of a node at one database", () => {
  const NEW_YEAR = Date.parse("2027-01-01T00:00:00Z") / 1_000;
  let test: TestDatabase;
  let directory: string;
  let databases: Database[];
  let nodes: Node[];
  let now = NEW_YEAR - 1;

  beforeAll(async () => {
    test = await createTestDatabase();
    directory = mkdtempSync(join(tmpdir(), "attestry-numbers-"));
    const file = {
      entity: "http://127.0.0.1:1",
      organization_name: "Department",
      listen: { host: "127.0.0.1", port: 1 },
      database: "unused",
      development: true,
    };
    const config = parseNodeConfig({ name: "test", directory, file });
    const secrets = parseSecrets(generateSecrets());
    await initializeNode({ config, secrets, database: test.database, logger: silentLogger });
    databases = [connectDatabase({ url: test.url }), connectDatabase({ url: test.url })];
    // Each with counters, drafter and log writer of its own, as a process has them.
    nodes = databases.map((database) =>
      createNode({ config, secrets, database, logger: silentLogger, clock: () => now }),
    );
  });

  afterAll(async () => {
    for (const one of nodes) await one.close();
    for (const database of databases) await database.close();
    await test.drop();
    rmSync(directory, { recursive: true, force: true });
  });

  async function ask(one: Node, method: string, path: string, token: string, json: JsonObject): Promise<JsonObject> {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const request = new Request(`http://127.0.0.1:1${path}`, { method, headers, body: JSON.stringify(json) });
    const answer = await one.fetch(request);
    return { ...((await answer.json()) as JsonObject), status: answer.status };
  }

  async function call(...request: Parameters<typeof ask>): Promise<JsonObject> {
    const answer = await ask(...request);
    expect(answer.status, JSON.stringify(answer)).toBe(201);
    return answer;
  }

  it("give every number once and leave none out, hundreds at a time, across the turn of the year", async () => {
    const expiresAt = NEW_YEAR + 3_600;
    const issue = (role: "operator" | "registrar") =>
      nodes[0]!.identity.createToken({ name: role, role, registries: undefined, expiresAt });
    const operator = await issue("operator");
    const registrar = await issue("registrar");
    const births = definition("births", { members: { identifier: "BR-{yyyy}-{seq:6}-{check}" } });
    await call(nodes[0]!, "PUT", "/registries/births", operator, births);
    const create = async (at: number) =>
      String(
        (await call(nodes[at % 2]!, "POST", "/registries/births/records", registrar, { data: data() })).identifier,
      );
    const numbers: string[] = [];
    let started = 0;
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        while (started < 600) {
          numbers.push(await create(started++));
          // A hundred are under way when the year changes.
          if (numbers.length === 300) now = NEW_YEAR;
        }
      }),
    );
    expect(new Set(numbers).size).toBe(600);
    for (const year of ["2026", "2027"]) {
      const ofYear = numbers
        .filter((number) => number.startsWith(`BR-${year}-`))
        .map((number) => Number(number.slice(8, 14)));
      expect(ofYear.length).toBeGreaterThan(0);
      expect(ofYear.sort((a, b) => a - b)).toEqual(ofYear.map((_, at) => at + 1));
    }
  }, 60_000);

  it("keep official numbers and drawn ones apart, when both are written at the same time", async () => {
    const issue = (role: "operator" | "registrar") =>
      nodes[0]!.identity.createToken({ name: role, role, registries: undefined, expiresAt: NEW_YEAR + 3_600 });
    const [operator, registrar] = [await issue("operator"), await issue("registrar")];
    await call(
      nodes[0]!,
      "PUT",
      "/registries/mixed",
      operator,
      definition("mixed", { members: { identifier: "M-{seq}" } }),
    );
    const officials = Array.from({ length: 60 }, (_, at) => ({ data: data(), identifier: `M-${3 * at + 20}` }));
    const drawn = Array.from({ length: 60 }, () => ({ data: data() }));
    const all = officials.flatMap((official, at) => [official, drawn[at]!]);
    const answers = await Promise.all(
      all.map((body, at) => ask(nodes[at % 2]!, "POST", "/registries/mixed/records", registrar, body)),
    );
    // A number that was drawn a moment before is taken; the official one is then refused by name, and never written twice.
    const kept = answers.filter(({ status }) => status === 201);
    expect(new Set(kept.map(({ identifier }) => identifier)).size).toBe(kept.length);
    expect(answers.filter(({ status }, at) => at % 2 === 1 && status !== 201)).toEqual([]);
    for (const [at, answer] of answers.entries()) {
      if (at % 2 === 1) continue;
      if (answer.status === 201) expect(answer.identifier).toBe(officials[at / 2]!.identifier);
      else expect(answer.code).toBe("value_not_unique");
    }
  }, 60_000);
});
