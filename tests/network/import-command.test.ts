// The command `attestry import` against real nodes: what it sends, refuses, reports and returns, and that a second run goes on.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { createImportDirectory, importInto, type TestImport, writeIn } from "../import-fixture.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

const root = new URL("../../", import.meta.url).pathname;
const COMMAND_MS = 120_000;

const directory = createImportDirectory();
const write = (name: string, content: string | object) => writeIn(directory, name, content);
let anchor: TestNode;
let lgd: TestNode;
let rural: TestNode;

const reference = (type: string) => ({ type: "string", "x-reference": { type, onWrite: "verify" } });
const column = (field: string, name: string, more: object = {}) => ({ field, column: name, ...more });
const toState = { field: "state", reference: { registry: "states", by: { code: { column: "State" } } } };
const statesMap = write("states.json", { key: ["Code"], fields: [column("code", "Code"), column("name", "Name")] });

beforeAll(async () => {
  anchor = await startTestNode();
  const member = { superiors: [anchor.entity], anchors: [anchor.pin(["states", "blocks", "notes"])] };
  lgd = await startTestNode({ ...member, path: "/lgd" });
  rural = await startTestNode({ ...member, path: "/rural" });
  await anchor.node.federation.acceptSubordinate({ entity: lgd.entity, registryTypes: ["states"] });
  await anchor.node.federation.acceptSubordinate({ entity: rural.entity, registryTypes: ["blocks", "notes"] });
  const population = { type: "integer", minimum: 0 };
  expect((await lgd.publish(definition("states", { properties: { population } }))).status).toBe(201);
  expect(
    (await rural.publish(definition("blocks", { properties: { state: reference("states"), population } }))).status,
  ).toBe(201);
  const notes = definition("notes");
  (notes.schema as { properties: JsonObject }).properties.code = { type: "string" };
  expect((await rural.publish(notes)).status).toBe(201);
  const states = write("states.csv", "Code,Name\n35,Islands\n28,Coast\n");
  await run(lgd, { registry: "states", filePath: states, mapPath: statesMap });
});

afterAll(async () => {
  for (const node of [rural, lgd, anchor]) await node?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs an import that is expected to come to an end. */
async function run(node: TestNode, options: TestImport) {
  const { summary, error } = await importInto(node, options);
  if (error !== undefined) throw error;
  return summary;
}

async function list(node: TestNode, registry: string): Promise<JsonObject[]> {
  const { body } = await node.request("GET", `/registries/${registry}/records?limit=500`, {
    token: await node.token("reader"),
  });
  return (body.records as JsonObject[]).map(({ data }) => data as JsonObject);
}

async function logSize(node: TestNode): Promise<number> {
  return Number((await node.request("GET", "/log/records/checkpoint")).text.split("\n")[1]);
}

function readReport(path: string): JsonObject[] {
  return readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);
}

function start(args: string[], env: Record<string, string> = {}): ChildProcess {
  const { ATTESTRY_TOKEN: _token, ...rest } = process.env;
  return spawn(process.execPath, ["--import", "tsx", "tests/network/import-process.ts", ...args], {
    cwd: root,
    env: { ...rest, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const texts = { stdout: "", stderr: "" };
  child.stdout!.on("data", (chunk) => (texts.stdout += chunk));
  child.stderr!.on("data", (chunk) => (texts.stderr += chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...texts };
}

describe("what is refused before anything is sent", () => {
  const filePath = write("plain.csv", "Code,Name,Name\n1,a,b\n");

  it.each([
    ["a field that the definition has not", [column("kode", "Code")], "the map does not fit the registry's definition"],
    ["a column that the file has not", [column("code", "Kode"), column("name", "#2")], "the map does not fit the file"],
    ["a header that stands twice", [column("code", "Code"), column("name", "Name")], "the map does not fit the file"],
  ])("is %s", async (_what, fields, message) => {
    const before = await logSize(lgd);
    const mapPath = write("wrong.json", { fields });
    const importing = importInto(lgd, { registry: "states", filePath, mapPath });
    await expect(importing).rejects.toMatchObject({ code: "import_map_invalid", message });
    expect(await logSize(lgd)).toBe(before);
  });

  it("is a node for a registry that the map does not refer to", async () => {
    const importing = importInto(lgd, {
      registry: "states",
      filePath,
      mapPath: statesMap,
      nodes: { state: lgd.entity },
    });
    await expect(importing).rejects.toMatchObject({ code: "import_map_invalid" });
  });

  it("is amending without a key, or in a registry without a unique field", async () => {
    const fields = [column("code", "Code"), column("name", "#2")];
    const withoutKey = importInto(lgd, {
      registry: "states",
      filePath,
      mapPath: write("m.json", { fields }),
      mode: "upsert",
    });
    await expect(withoutKey).rejects.toMatchObject({ message: expect.stringContaining('no "key"') });
    const mapPath = write("m.json", { key: ["Code"], fields });
    const withoutUnique = importInto(rural, { registry: "notes", filePath, mapPath, mode: "upsert" });
    await expect(withoutUnique).rejects.toMatchObject({ message: expect.stringContaining("no unique field") });
  });

  it("is a registry that the node has not, a report over the file, and a token that would cross a network in clear", async () => {
    const mapPath = write("m.json", { fields: [column("code", "Code"), column("name", "#2")] });
    const unknown = importInto(lgd, { registry: "planets", filePath, mapPath });
    await expect(unknown).rejects.toMatchObject({ code: "registry_unknown" });
    const over = importInto(lgd, { registry: "states", filePath, mapPath, reportPath: filePath });
    await expect(over).rejects.toMatchObject({ code: "import_file_invalid" });
    const clear = importInto(lgd, { registry: "states", filePath, mapPath, url: "http://node.example" });
    await expect(clear).rejects.toMatchObject({ code: "peer_address_refused" });
  });
});

describe("an import", () => {
  const mapPath = write("blocks.json", {
    key: ["Code"],
    fields: [
      column("code", "Code"),
      column("name", "Name"),
      toState,
      column("population", "People", { type: "integer" }),
    ],
  });
  const elsewhere = () => ({ nodes: { states: lgd.entity } });

  it("imports the sound rows and names each other one by line, field, code and reason", async () => {
    const filePath = write(
      "blocks.csv",
      [
        "Code,Name,State,People",
        "1,One,35,10",
        "2,Two,99,10",
        "3,Three,28,many",
        "4,Four,28,-4",
        "1,One again,35,1",
        "6,,28,1",
        "7,Seven,,",
        "8,Eight\n",
      ].join("\n"),
    );
    const summary = await run(rural, { registry: "blocks", filePath, mapPath, ...elsewhere() });
    expect(summary).toMatchObject({
      state: "done",
      rows: 8,
      created: 2,
      refused: 6,
      report: `${filePath}.refused.ndjson`,
    });
    const state = (await lgd.request("GET", "/registries/states/records?code=35")).body.records as JsonObject[];
    expect(await list(rural, "blocks")).toEqual([
      { code: "1", name: "One", state: state[0]!.href, population: 10 },
      { code: "7", name: "Seven" },
    ]);
    const report = readReport(summary.report!).toSorted((a, b) => Number(a.line) - Number(b.line));
    expect(report).toEqual([
      { line: 3, field: "state", code: "reference_unresolved", reason: "no record of states has this key" },
      {
        line: 4,
        field: "population",
        code: "record_invalid",
        reason: expect.stringContaining('column "People" is not a whole number'),
      },
      {
        line: 5,
        field: "population",
        code: "record_invalid",
        reason: expect.stringContaining("population must be >= 0"),
      },
      { line: 6, field: "", code: "value_not_unique", reason: "line 2 has the same key (Code)" },
      { line: 7, field: "name", code: "record_invalid", reason: expect.stringContaining("name is required") },
      { line: 9, field: "", code: "import_file_invalid", reason: "the row has 2 cells and the header 4" },
    ]);
  });

  it("changes nothing when it runs again, and takes an old report away", async () => {
    const before = await logSize(rural);
    const filePath = write("again.csv", "Code,Name,State,People\n1,One,35,10\n7,Seven,,\n");
    const stale = write("again.csv.refused.ndjson", "an older run's");
    const summary = await run(rural, { registry: "blocks", filePath, mapPath, ...elsewhere() });
    expect(summary).toMatchObject({ rows: 2, created: 0, unchanged: 2, refused: 0, report: null });
    expect(existsSync(stale)).toBe(false);
    expect(await logSize(rural)).toBe(before);
  });

  it("names the record that a row is like, and takes the word of whoever says that it is another, for what was refused alone", async () => {
    const duplicates = [{ name: "same-name", fields: ["name"] }];
    expect((await lgd.publish(definition("villages", { members: { duplicates } }))).status).toBe(201);
    const filePath = write("villages.csv", "Code,Name\n1,Rampur\n2,Rampur\n3,Sitapur\n");
    const options = { registry: "villages", filePath, mapPath: statesMap };
    expect(await run(lgd, options)).toMatchObject({ created: 2, refused: 1 });
    const token = await lgd.token("registrar");
    const [first] = (await lgd.request("GET", "/registries/villages/records?code=1", { token })).body
      .records as JsonObject[];
    expect(readReport(`${filePath}.refused.ndjson`)).toEqual([
      {
        line: 3,
        field: "data",
        code: "possible_duplicate",
        reason: expect.stringContaining(`rule "same-name" finds it alike: ${first!.href}`),
      },
    ]);
    const sure = { ...options, distinct: "another village of that name" };
    expect(await run(lgd, { ...sure, isDryRun: true })).toMatchObject({ created: 1, unchanged: 2, refused: 0 });
    expect(await run(lgd, sure)).toMatchObject({ created: 1, unchanged: 2, refused: 0 });
    const [second] = (await lgd.request("GET", "/registries/villages/records?code=2", { token })).body
      .records as JsonObject[];
    const history = await lgd.request("GET", new URL(`${second!.href}/history`).pathname.replace(/^\/lgd/, ""), {
      token,
    });
    expect((history.body.entries as JsonObject[])[0]!.act).toMatchObject({ distinct: sure.distinct });
  });

  it("refuses a changed row in the mode create, foretells its amendment in a dry run, and amends it in the mode upsert", async () => {
    const filePath = write("changed.csv", "Code,Name,State,People\n1,One,35,11\n20,Twenty,28,1\n");
    const options = { registry: "blocks", filePath, mapPath, ...elsewhere() };
    const before = await logSize(rural);
    expect(await run(rural, { ...options, mode: "upsert", isDryRun: true })).toMatchObject({
      dry_run: true,
      created: 1,
      amended: 1,
    });
    expect(await logSize(rural)).toBe(before);
    const created = await run(rural, { ...options, reportPath: write("changed.report.csv", "") });
    expect(created).toMatchObject({ created: 1, refused: 1 });
    expect(readFileSync(created.report!, "utf8")).toMatch(/^line,field,code,reason\n2,".*",value_not_unique,".*"\n$/);
    expect(await run(rural, { ...options, mode: "upsert" })).toMatchObject({ created: 0, amended: 1, unchanged: 1 });
    expect(await logSize(rural)).toBe(before + 2);
  });

  it("reads NDJSON rows by the names of their members", async () => {
    const rows = [
      { id: 50, who: { name: "Fifty" } },
      { id: 51, who: { name: "Fifty-one" } },
    ];
    const filePath = write("rows.ndjson", rows.map((row) => JSON.stringify(row)).join("\n"));
    const map = { key: ["id"], fields: [column("code", "id"), column("name", "/who/name")] };
    const summary = await run(lgd, { registry: "states", filePath, mapPath: write("rows.json", map) });
    expect(summary).toMatchObject({ rows: 2, created: 2, refused: 0 });
    expect(await list(lgd, "states")).toContainEqual({ code: "51", name: "Fifty-one" });
  });

  it("refuses a group of rows whole where one of them is refused", async () => {
    const definitionOfGroups = definition("notes", {
      properties: { states: { type: "array", items: { type: "string" } } },
    });
    (definitionOfGroups.schema as { properties: JsonObject }).properties.code = { type: "string" };
    expect((await rural.publish(definitionOfGroups)).status).toBe(201);
    const collected = { ...toState, field: "states", collect: true };
    const fields = [column("code", "Code"), column("name", "Name"), collected];
    const filePath = write("groups.csv", "Code,Name,State\na,A,35\nb,B,35\na,A,99\nb,B,28\nb,B,35\n");
    const map = write("groups.json", { key: ["Code"], fields });
    const summary = await run(rural, { registry: "notes", filePath, mapPath: map, ...elsewhere() });
    expect(summary).toMatchObject({ rows: 5, created: 1, refused: 2 });
    expect((await list(rural, "notes"))[0]!.states).toHaveLength(2);
    expect(readReport(summary.report!)).toEqual([
      {
        line: 2,
        field: "",
        code: "reference_unresolved",
        reason: "not sent, because line 4 of the same record was refused",
      },
      { line: 4, field: "states", code: "reference_unresolved", reason: "no record of states has this key" },
    ]);
  });

  it("gives the same through temporary files, several batches in flight", { timeout: COMMAND_MS }, async () => {
    const count = 2_500;
    const rows = Array.from({ length: count }, (_, at) => `p${at},Name ${at}\n`);
    const filePath = write("many.csv", `Code,Name\n${rows.join("")}p0,Again\n`);
    const options = { registry: "states", filePath, mapPath: statesMap };
    const split = await run(lgd, { ...options, memoryBytesMax: 5_000 });
    expect(split).toMatchObject({ rows: count + 1, created: count, refused: 1 });
    expect(readReport(split.report!)).toEqual([expect.objectContaining({ line: count + 2, code: "value_not_unique" })]);
    expect(await run(lgd, options)).toMatchObject({ rows: count + 1, unchanged: count, refused: 1 });
  });

  it("says how far it came where the node stops answering for good", async () => {
    const filePath = write("one.csv", "Code,Name\n900,Nine\n");
    const { summary, error } = await importInto(lgd, {
      registry: "states",
      filePath,
      mapPath: statesMap,
      role: "reader",
    });
    expect(summary).toMatchObject({ state: "failed", rows: 0, created: 0 });
    expect(error).toMatchObject({ code: "permission_denied" });
  });
});

describe("the mode sync", () => {
  const wellsMap = write("wells.json", {
    key: ["Code"],
    fields: [column("code", "Code"), column("name", "Name"), column("population", "People", { type: "integer" })],
  });
  const csv = (...rows: string[]) => write("wells.csv", `Code,Name,People\n${rows.join("\n")}\n`);
  const sync = (filePath: string, options: Partial<TestImport> = {}) =>
    run(lgd, { registry: "wells", filePath, mapPath: wellsMap, mode: "sync", ...options });
  const missingCodes = (filePath: string) =>
    readReport(`${filePath}.missing.ndjson`).map(({ keys }) => (keys as JsonObject).code);
  const onMissing = { operation: "revoke", reason: "gone" } as const;

  beforeAll(async () => {
    const population = { type: "integer", minimum: 0 };
    expect((await lgd.publish(definition("wells", { properties: { population } }))).status).toBe(201);
    await run(lgd, {
      registry: "wells",
      filePath: csv("1,One,1", "2,Two,2", "3,Three,3", "4,Four,4"),
      mapPath: wellsMap,
    });
  });

  it("amends, creates, and names what is missing without changing it; a refused row is not missing", async () => {
    const before = await logSize(lgd);
    const filePath = csv("1,One,1", "2,Two,22", "3,Three,-3", "5,Five,5");
    const summary = await sync(filePath);
    expect(summary).toMatchObject({
      created: 1,
      amended: 1,
      unchanged: 1,
      refused: 1,
      missing: { count: 1, settled: 0 },
    });
    expect(missingCodes(filePath)).toEqual(["4"]);
    expect(await logSize(lgd)).toBe(before + 2);
  });

  it("leaves missing records alone where a refused row does not tell which record it is about", async () => {
    const before = await logSize(lgd);
    const filePath = csv("1,One,1", "2,Two,22", "3,Three,3", "5,Five,5", "broken");
    const { missing } = await sync(filePath, { onMissing });
    expect(missing).toMatchObject({ count: 1, settled: 0, withheld: expect.stringContaining("1 row does not tell") });
    expect(await logSize(lgd)).toBe(before);
    // A row whose number does not convert tells its key all the same.
    const told = csv("1,One,1", "2,Two,22", "3,Three,many", "5,Five,5");
    expect((await sync(told, { onMissing, isDryRun: true })).missing).toMatchObject({ count: 1, withheld: null });
    expect(await logSize(lgd)).toBe(before);
  });

  it("revokes them where that is asked for, once", async () => {
    const filePath = csv("1,One,1", "2,Two,22", "3,Three,3", "5,Five,5");
    expect((await sync(filePath, { onMissing })).missing).toMatchObject({ count: 1, settled: 1, refused: 0 });
    expect(readReport(`${filePath}.missing.ndjson`)).toMatchObject([{ keys: { code: "4" }, outcome: "revoke" }]);
    expect((await sync(filePath, { onMissing })).missing).toMatchObject({ count: 0, report: null });
  });
});

describe("an import that was cut short", () => {
  it("is not gone on with where the file changed: it says so, and without a unique field it refuses", async () => {
    const warnings: string[] = [];
    const cut = async (node: TestNode, registry: string, mapPath: string) => {
      const filePath = write(`${registry}-cut.csv`, "Code,Name\ncut,Cut\n");
      const stop = new AbortController();
      stop.abort();
      const { summary } = await importInto(node, { registry, filePath, mapPath, signal: stop.signal });
      expect(summary.state).toBe("interrupted");
      expect(existsSync(`${filePath}.import-journal`)).toBe(true);
      write(`${registry}-cut.csv`, "Code,Name\ncut,Cut\nmore,More\n");
      return { registry, filePath, mapPath, warn: (text: string) => void warnings.push(text) };
    };
    const summary = await run(lgd, await cut(lgd, "states", statesMap));
    expect(summary).toMatchObject({ state: "done", created: 2 });
    expect(warnings).toEqual([expect.stringContaining("file changed since this import was cut short")]);
    const notes = await cut(
      rural,
      "notes",
      write("n.json", { fields: [column("code", "Code"), column("name", "Name")] }),
    );
    const { error } = await importInto(rural, notes);
    expect(error).toMatchObject({ code: "import_file_invalid", message: expect.stringContaining("a second time") });
  });

  it("is gone on with from its journal, whose half-written last line does not count", async () => {
    const filePath = write("journal.csv", "Code,Name\nj1,One\nj2,Two\nj2,Again\n");
    const stop = new AbortController();
    stop.abort();
    await importInto(lgd, { registry: "states", filePath, mapPath: statesMap, signal: stop.signal });
    const journal = `${filePath}.import-journal`;
    appendFileSync(journal, '{"batch":0,"rows":2,"crea');
    const summary = await run(lgd, { registry: "states", filePath, mapPath: statesMap });
    expect(summary).toMatchObject({ rows: 3, created: 2, refused: 1 });
    expect(existsSync(journal)).toBe(false);
  });
});

describe("looking references up", () => {
  let proxy: Server;
  let proxyUrl: string;
  const seen: { url: string; authorization: string | undefined }[] = [];

  // Stands before the real node and counts what it is asked.
  beforeAll(async () => {
    proxy = createServer(async (request, response) => {
      seen.push({ url: request.url ?? "", authorization: request.headers.authorization });
      const answer = await fetch(`${new URL(lgd.entity).origin}${request.url}`);
      response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/lgd`;
  });
  afterAll(() => new Promise((resolve) => proxy.close(resolve)));

  it("asks each distinct key once, and gives the other node no token", async () => {
    const rows = Array.from({ length: 1_200 }, (_, at) => `r${at},N,${[" 35", "28", "77"][at % 3]}\n`);
    const filePath = write("refs.csv", `Code,Name,State\n${rows.join("")}`);
    const fields = [column("code", "Code"), column("name", "Name"), toState];
    const mapPath = write("refs.json", { key: ["Code"], fields });
    const summary = await run(rural, {
      registry: "blocks",
      filePath,
      mapPath,
      isDryRun: true,
      nodes: { states: proxyUrl },
    });
    expect(summary).toMatchObject({ rows: 1_200, created: 800, refused: 400 });
    expect(seen.map(({ url }) => url).toSorted()).toEqual(
      ["28", "35", "77"].map((code) => `/lgd/registries/states/records?code=${code}`),
    );
    expect(seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined, undefined]);
  });

  it("ends the import where the other node has no such registry, naming that node", async () => {
    const filePath = write("refs.csv", "Code,Name,State\n1,N,35\n");
    const fields = [
      column("code", "Code"),
      column("name", "Name"),
      { ...toState, reference: { ...toState.reference, registry: "planets" } },
    ];
    const mapPath = write("refs.json", { key: ["Code"], fields });
    const { error } = await importInto(rural, {
      registry: "blocks",
      filePath,
      mapPath,
      nodes: { planets: lgd.entity },
    });
    expect(error).toMatchObject({
      code: "registry_unknown",
      message: expect.stringContaining(`planets at ${lgd.entity}`),
    });
  });
});

describe("the command", () => {
  const tokenFile = async (node: TestNode) => write("token", await node.token("registrar"));

  it("prints one object with --json and returns 0, and 2 with a row refused", { timeout: COMMAND_MS }, async () => {
    const filePath = write("command.csv", "Code,Name\n700,Seven\n");
    const args = ["states", filePath, "--url", lgd.entity, "--map", statesMap, "--json"];
    const first = await finish(start([...args, "--token-file", await tokenFile(lgd)]));
    expect(first.code, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ state: "done", rows: 1, created: 1, report: null });
    write("command.csv", "Code,Name\n700,Seven\n700,Sieben\n");
    const second = await finish(start(args, { ATTESTRY_TOKEN: await lgd.token("registrar") }));
    expect(second.code, second.stderr).toBe(2);
    expect(JSON.parse(second.stdout)).toMatchObject({ rows: 2, unchanged: 1, refused: 1 });
  });

  it("returns 1 and names every fault of a map, the code, and never the token", { timeout: COMMAND_MS }, async () => {
    const filePath = write("command.csv", "Code,Name\n700,Seven\n");
    const mapPath = write("faulty.json", { fields: [column("kode", "Code")] });
    const token = await lgd.token("registrar");
    const args = ["states", filePath, "--url", lgd.entity, "--map", mapPath];
    const { code, stdout, stderr } = await finish(start(args, { ATTESTRY_TOKEN: token }));
    expect(code).toBe(1);
    expect(stderr).toContain("(import_map_invalid)");
    expect(stderr).toContain('"kode" is no field');
    expect(stderr).toContain('required field "name"');
    expect(stdout + stderr).not.toContain(token);
  });

  it("prints nothing but the refusal where nothing was begun", { timeout: COMMAND_MS }, async () => {
    const filePath = write("reader.csv", "Code,Name\n701,Seven\n");
    const args = ["states", filePath, "--url", lgd.entity, "--map", statesMap];
    const { code, stdout, stderr } = await finish(start(args, { ATTESTRY_TOKEN: await lgd.token("reader") }));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/needs role registrar \(permission_denied\)\n$/);
  });

  it("stops at Ctrl-C after what was sent, says how far it came, and goes on the next time", {
    timeout: COMMAND_MS,
  }, async () => {
    const count = 30_000;
    const rows = Array.from({ length: count }, (_, at) => `k${at},Name ${at}\n`);
    const filePath = write("long.csv", `Code,Name\n${rows.join("")}`);
    const before = await logSize(lgd);
    const args = ["states", filePath, "--url", lgd.entity, "--map", statesMap, "--json"];
    const child = start([...args, "--token-file", await tokenFile(lgd)]);
    const ended = finish(child);
    while ((await logSize(lgd)) === before && child.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(130);
    const summary = JSON.parse(stdout) as JsonObject;
    expect(summary.state).toBe("interrupted");
    expect(summary.created).toBeGreaterThan(0);
    expect(summary.rows).toBeLessThan(count / 2);
    expect(await logSize(lgd)).toBe(before + Number(summary.created));
    const some = write("long.csv", `Code,Name\n${rows.slice(0, Number(summary.created) + 500).join("")}`);
    const next = await run(lgd, { registry: "states", filePath: some, mapPath: statesMap });
    expect(next).toMatchObject({ created: 500, unchanged: summary.created, refused: 0 });
  });
});
