// Nothing personal in clear: recognisable values go through every operation, failed ones too, and are then searched for wherever the node leaves something.
import { statSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { createLogger, describeFault } from "../../src/logger.ts";
import { type Answer, definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { dumpFiles, dumpTables, findTraces } from "../personal-traces.ts";
import { refusal } from "../record-calls.ts";

const PERSONAL = { type: "string", "x-personal": true } as const;
const PERSONS = definition("persons", {
  access: "consent",
  properties: {
    name: { ...PERSONAL, "x-search": "exact" },
    tax: { ...PERSONAL, "x-unique": true, pattern: "^ZQ[A-Z0-9]+$", maxLength: 20 },
    mail: { ...PERSONAL, "x-search": "exact" },
    born: { ...PERSONAL, format: "date" },
    district: { ...PERSONAL, "x-search": "exact" },
    notes: { type: "array", items: { type: "string" }, "x-personal": true },
    paper: { type: "object", "x-attachment": true, "x-personal": true },
  },
  members: {
    identifier: "P-{seq}",
    jurisdiction: [{ field: "district", claim: "district" }],
    duplicates: [{ name: "same-mail", fields: ["mail"] }],
    statistics: [{ name: "by-district", fields: ["district"], smallest: 1 }],
  },
});
const CASES = definition("cases", {
  access: "consent",
  properties: { suspect: { ...PERSONAL, "x-unique": true } },
  members: { approval: ["approver"] },
});

let node: TestNode;
let registrar: string;
let approver: string;
const log: string[] = [];
const values: string[] = [];
const begun = Date.now();

/** A value that stands nowhere else. */
function mark(text: string): string {
  values.push(text);
  return text;
}

const ask = (method: string, path: string, json?: Json, headers: Record<string, string> = {}, token = registrar) =>
  node.request(method, path, { token, headers, ...(json !== undefined && { json }) });
const create = (data: JsonObject, headers = {}) => ask("POST", "/registries/persons/records", { data }, headers);

function expectStatus(answer: Answer, status: number): JsonObject {
  expect(answer.status, answer.text).toBe(status);
  return answer.body;
}

beforeAll(async () => {
  const destination = { write: (line: string) => void log.push(line) };
  node = await startTestNode({ logger: createLogger({ name: "test", level: "debug", destination }) });
  registrar = await node.token("registrar", { claims: { district: ["*"] } });
  approver = await node.token("approver", { claims: { district: ["*"] } });
  for (const one of [PERSONS, CASES]) expectStatus(await node.publish(one), 201);
});

afterAll(() => node?.close());

it("is written, changed, found, imported, proposed, refused, and told to whom it belongs", async () => {
  const upload = await node.request("POST", `/registries/persons/attachments?name=${mark("zq-passport-Ünal.pdf")}`, {
    token: registrar,
    body: `%PDF-1.7\n${mark("Zq scanned passport of Odile")}`,
    headers: { "content-type": "application/pdf" },
  });
  const paper = expectStatus(upload, 201);
  const data = {
    code: "p1",
    name: mark("Zqodile Wünsche-Marchetti"),
    tax: mark("ZQTAX7741X"),
    mail: mark("zq.odile@example.org"),
    born: mark("1871-02-17"),
    district: mark("Zqdistrict-North"),
    notes: [mark("zq is allergic to hazelnuts")],
    paper,
  };
  const made = expectStatus(await create(data, { "idempotency-key": "one" }), 201);
  expectStatus(await create(data, { "idempotency-key": "one" }), 201);
  expect(refusal(await create({ ...data, code: "other" }, { "idempotency-key": "one" }))).toContain("idempotency");
  expect(refusal(await create({ ...data, code: "p2" }))).toBe("409 value_not_unique");
  const twin = { ...data, code: "p2", tax: mark("ZQTAX9930Y") };
  expect(refusal(await create(twin))).toBe("409 possible_duplicate");
  // Refused by the definition, by the form of the body, and by the body not being JSON.
  expect(refusal(await create({ ...twin, tax: mark("zq-not-a-tax-number") }))).toBe("422 record_invalid");
  expect(refusal(await create({ ...twin, [mark("zqunknownfield")]: mark("zq value of no field") }))).toBe(
    "422 record_invalid",
  );
  const broken = await node.request("POST", "/registries/persons/records", {
    token: registrar,
    body: `{"data": {"name": ${mark("Zqbroken Json")}`,
    headers: { "content-type": "application/json" },
  });
  expect(refusal(broken)).toBe("400 json_invalid");
  const path = `/registries/persons/records/${String(made.rid)}`;
  const changed = { data: { mail: mark("zq.new@example.org"), notes: [mark("zq moved abroad")] } };
  expectStatus(await ask("PATCH", path, changed, { "if-match": '"1.0"' }), 200);
  expect(
    refusal(await ask("PATCH", path, { data: { mail: mark("zq.late@example.org") } }, { "if-match": '"1.0"' })),
  ).toContain("version_conflict");
  const search = (fields: JsonObject) => ask("POST", "/registries/persons/records:search", { fields });
  expect(expectStatus(await search({ tax: "ZQTAX7741X" }), 200).records).toHaveLength(1);
  expect(expectStatus(await search({ mail: mark("zq.unknown@example.org") }), 200).records).toHaveLength(0);
  expect((await search({ born: mark("1871-02-18") })).status).toBe(400);
  expect((await ask("GET", `/registries/persons/records?name=${mark("Zqsearched")}`)).status).toBe(400);
  expectStatus(await ask("POST", "/registries/persons/records:duplicates", { data: twin }), 200);
  expectStatus(
    await ask("POST", "/records:find", { lookups: [{ registry: "persons", key: { tax: "ZQTAX7741X" } }] }),
    200,
  );
  const rows = [
    { data: { code: "i1", name: mark("Zqimported Ottokar"), tax: mark("ZQTAX5512Z"), district: "Zqdistrict-North" } },
    { data: { code: "i2", name: mark("Zqrefused Ottilie"), tax: mark("zq-refused-number") } },
    { data: { code: "i3", name: mark("Zqtwice Oskar"), tax: "ZQTAX7741X" } },
  ];
  const imported = await node.request("POST", "/registries/persons/records:import", {
    token: registrar,
    body: `${rows.map((row) => JSON.stringify(row)).join("\n")}\n{"data": {"name": "${mark("Zqhalf a row")}`,
    headers: { "content-type": "application/x-ndjson", "idempotency-key": "import" },
  });
  expect(imported.status, imported.text).toBe(200);
  const propose = async (suspect: string) =>
    expectStatus(
      await ask("POST", "/registries/cases/records", {
        data: { code: suspect.slice(-3), name: mark(`Zqcase of ${suspect}`), suspect: mark(suspect) },
      }),
      202,
    );
  const [first, second] = [await propose("Zqsuspect-Otto-001"), await propose("Zqsuspect-Olga-002")];
  const idOf = ({ proposal }: JsonObject) => String((proposal as JsonObject).id);
  expectStatus(await ask("POST", `/proposals/${idOf(first)}/approve`, {}, {}, approver), 200);
  const note = { reason: mark("zq the suspect was named wrongly") };
  expectStatus(await ask("POST", `/proposals/${idOf(second)}/return`, note, {}, approver), 200);
  expect(
    (await ask("POST", "/registries/cases/records", { data: { code: "x", name: "n", suspect: "Zqsuspect-Otto-001" } }))
      .status,
  ).toBe(409);
  await ask("GET", `${path}/evidence`);
  for (const below of ["", "/versions", "/history"]) expectStatus(await ask("GET", `${path}${below}`), 200);
  for (const format of ["csv", "ndjson"])
    expect((await ask("GET", `/registries/persons/records:export?format=${format}`)).status).toBe(200);
  expectStatus(await ask("GET", "/registries/persons/statistics/by-district"), 200);
  const spare = expectStatus(await create({ code: "e1", name: mark("Zqerased Emil"), tax: mark("ZQTAX0001E") }), 201);
  const act = { act: { reason: mark("zq asked for it by letter"), note: mark("zq letter of Emil") } };
  expectStatus(await ask("POST", `/registries/persons/records/${String(spare.rid)}/revoke`, act), 200);
  expectStatus(
    await ask("POST", `/registries/persons/records/${String(spare.rid)}/erase`, {
      act: { reason: mark("zq wrote to us"), instrument: "order 7" },
    }),
    200,
  );
});

it("is in no table, in no form", async () => {
  const dump = await dumpTables(node.database.database);
  // What is looked for would be found, wherever it began in what was encoded; and what is open is.
  for (const planted of ["a", "ab", "abc", "abcd"].map((before) => Buffer.from(`${before}Zqplänted Ärger.zq${before}`)))
    for (const text of [
      planted.toString("latin1"),
      planted.toString("hex"),
      planted.toString("base64"),
      planted.toString("base64url"),
    ])
      expect(findTraces(new Map([["somewhere", text]]), ["Zqplänted Ärger.zq"]), text).not.toEqual([]);
  expect(findTraces(dump, ["P-1"]).some((trace) => trace.includes("table record "))).toBe(true);
  expect(dump.size).toBeGreaterThan(20);
  expect(values.length).toBeGreaterThan(30);
  expect(findTraces(dump, values)).toEqual([]);
});

it("is in no file of the node, of the database server's log, nor in the node's log", async () => {
  const { directory } = node.node.config;
  expect(findTraces(dumpFiles(directory), values)).toEqual([]);
  const lines = new Map([["log", log.join("")]]);
  expect(findTraces(lines, values)).toEqual([]);
  const server = inject("databaseServer");
  if (server.url !== "") return;
  await node.database.database.sql`checkpoint`;
  // Its log, its write-ahead log since this began, and whatever it put aside.
  const isMeant = (path: string) =>
    /\.log$|pg_wal\/[0-9A-F]{24}$|pgsql_tmp/.test(path) && statSync(path).mtimeMs >= begun;
  const files = dumpFiles(server.directory, isMeant);
  expect([...files.keys()].some((path) => path.includes("pg_wal"))).toBe(true);
  const clear = new RegExp(values.map((value) => Buffer.from(value).toString("latin1")).join("|"), "i");
  expect([...files].flatMap(([path, text]) => clear.exec(text)?.map((found) => `${found} in ${path}`) ?? [])).toEqual(
    [],
  );
});

it("is not in what is logged of a bug, whose message may quote what was read", () => {
  const text = '{"name": Zqodile}';
  const caught = (() => {
    try {
      return JSON.parse(text) as never;
    } catch (error) {
      return error;
    }
  })();
  expect(String(caught)).toContain("Zqodile");
  const lines: string[] = [];
  const logger = createLogger({
    name: "test",
    level: "debug",
    destination: { write: (line) => void lines.push(line) },
  });
  logger.error({ err: caught }, "a request failed by a bug");
  expect(lines.join("")).not.toContain("Zqodile");
  expect(JSON.parse(lines[0]!).err).toMatchObject({
    type: "SyntaxError",
    stack: [expect.stringContaining("at JSON.parse"), ...(describeFault(caught).stack as string[]).slice(1)],
  });
});
