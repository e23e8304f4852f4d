// The command `attestry registry` against a real node: publishing with its changes, drafts that import as they are, migration that is killed midway, retirement.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { ensureBuilt } from "../built-program.ts";
import { importInto } from "../import-fixture.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls } from "../record-calls.ts";
import { callProgram } from "../warm-program.ts";

const root = new URL("../../", import.meta.url).pathname;
const lgd = new URL("../../../shared/data/lgd/", import.meta.url).pathname;
const COMMAND_MS = 120_000;
const text = { type: "string" } as const;

const directory = mkdtempSync(join(tmpdir(), "attestry-registry-test-"));
let node: TestNode;
let tokens: Record<"operator" | "registrar", string>;

beforeAll(async () => {
  await ensureBuilt();
  node = await startTestNode();
  tokens = { operator: await node.token("operator"), registrar: await node.token("registrar") };
});

afterAll(async () => {
  await node?.close();
  rmSync(directory, { recursive: true, force: true });
});

function write(name: string, content: string | JsonObject): string {
  const path = join(directory, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function start(role: "operator" | "registrar", ...args: string[]): ChildProcess {
  return spawn(process.execPath, [join(root, "dist/main.js"), "registry", ...args], {
    cwd: directory,
    env: { ...process.env, ATTESTRY_TOKEN: tokens[role] },
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

const run = (role: "operator" | "registrar", ...args: string[]) =>
  callProgram(["registry", ...args], { cwd: directory, env: { ATTESTRY_TOKEN: tokens[role] } });

async function countVersions(registry: string): Promise<Record<number, number>> {
  const rows = await node.database.database.sql<{ version: number; count: number }[]>`
    select v.definition_version as version, count(*)::int as count from record r
    join record_version v on v.rid = r.rid and v.version = r.version where r.registry = ${registry} group by 1`;
  return Object.fromEntries(rows.map(({ version, count }) => [version, count]));
}

describe("publishing", () => {
  it("shows in a dry run what changes and what it needs, refuses it by name, and prints it when it is done", {
    timeout: COMMAND_MS,
  }, async () => {
    const first = write("ferries.json", definition("ferries", { properties: { quay: text } }));
    expect((await run("operator", "publish", first, "--url", node.entity)).stdout).toContain("published as version 1");
    const calls = await createRecordCalls(node, "ferries");
    await calls.create({ code: "1", name: "A" });
    const next = write("ferries-2.json", definition("ferries", { properties: { fare: { type: "number" } } }));
    const dry = await run("operator", "publish", next, "--url", node.entity, "--dry-run");
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain("would be published as version 2");
    expect(dry.stdout).toContain("breaking  /schema/properties/quay: is removed");
    expect(dry.stdout).toContain("compatible  /schema/properties/fare: is new and may be left out");
    expect(dry.stdout).toContain("needs --allow-breaking");
    expect(dry.stdout).toMatch(/version 1 +active +1/);
    const refused = await run("operator", "publish", next, "--url", node.entity);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("/schema/properties/quay: is removed")]);
    const done = await run("operator", "publish", next, "--url", node.entity, "--allow-breaking");
    expect(done.stdout).toContain("published as version 2");
    expect(done.stdout).toContain("breaking  /schema/properties/quay: is removed");
  });
});

describe("a draft", () => {
  const PERSONS =
    "Serial No,Full Name,Date of Birth,Gender,Mobile,Ward Code,Votes\n" +
    Array.from(
      { length: 30 },
      (_, at) =>
        `${at + 1},Person ${at},${String((at % 28) + 1).padStart(2, "0")}/12/1980,F,98765432${10 + at},0${at % 7},${at % 2 ? "Yes" : "No"}`,
    ).join("\n");
  const BLOCKS =
    "S.No.,District Code,Block Code,Block Name ,Block Name\n1,603,6498,CAMPBELL BAY,\n2,603,6499,CAR NICOBAR,\n3,632,6498,CAMPBELL BAY,\n4,632,07,DIGLIPUR,डिगलीपुर\n";
  const NDJSON = ['{"code":"a","size":1.5,"tags":["x"]}', '{"code":"b","size":2,"open":true}'].join("\n");

  it.for<[string, () => string, number, (data: JsonObject) => void]>([
    ["the districts of the Local Government Directory", () => `${lgd}districts.csv`, 763, () => undefined],
    ["some of its blocks, which only two codes tell apart", () => write("blocks.csv", BLOCKS), 4, () => undefined],
    [
      "a list of people",
      () => write("people.csv", PERSONS),
      30,
      (data) =>
        expect(data).toMatchObject({
          date_of_birth: "1980-12-01",
          mobile: "9876543210",
          ward_code: "00",
          votes: false,
        }),
    ],
    [
      "rows of JSON",
      () => write("things.ndjson", NDJSON),
      2,
      (data) => expect(data).toEqual({ code: "a", size: 1.5, tags: ["x"] }),
    ],
  ])(
    "of %s is published and imports as it is",
    { timeout: COMMAND_MS },
    async ([_name, file, count, check], context) => {
      const path = file();
      if (!existsSync(path)) context.skip(`${path} is not there`);
      const drafted = await run("operator", "draft", path, "--json");
      expect(drafted.code, drafted.stderr).toBe(0);
      const { name, rows, definition: out, map } = JSON.parse(drafted.stdout) as Record<string, string>;
      expect(Number(rows)).toBe(count);
      const published = await run("operator", "publish", join(directory, out!), "--url", node.entity);
      expect(published.code, published.stderr).toBe(0);
      const { summary, error } = await importInto(node, {
        registry: name!,
        filePath: path,
        mapPath: join(directory, map!),
      });
      expect([error, summary.created, summary.refused, summary.state]).toEqual([undefined, count, 0, "done"]);
      const page = (await node.request("GET", `/registries/${name}/records?limit=1`, { token: tokens.registrar })).body;
      check((page.records as JsonObject[])[0]!.data as JsonObject);
      const again = await run("operator", "draft", path);
      expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("exists already")]);
    },
  );

  it("makes personal what may be, and leaves nothing of it open but the code", { timeout: COMMAND_MS }, async () => {
    const { access, schema } = JSON.parse(
      readFileSync(join(directory, "people.definition.json"), "utf8"),
    ) as JsonObject & { schema: { properties: Record<string, JsonObject> } };
    expect(access).toBe("consent");
    for (const [field, rule] of Object.entries(schema.properties))
      expect([field, rule["x-personal"]]).toEqual([field, true]);
    // However a name or a number is written, it is found.
    expect(schema.properties.full_name!["x-search"]).toEqual({ match: "exact", normal: "name" });
    expect(schema.properties.mobile!["x-search"]).toEqual({ match: "exact", normal: "digits" });
  });
});

describe("migrating", () => {
  const COUNT = 400;
  const plan = () => write("plan.json", { to: 2, steps: [{ step: "convert", field: "seats", to: "integer" }] });
  const migrate = (...args: string[]) => [
    "migrate",
    "halls",
    "--url",
    node.entity,
    "--plan",
    plan(),
    "--batch",
    "10",
    ...args,
  ];

  async function fillHalls(): Promise<void> {
    expect((await node.publish(definition("halls", { properties: { seats: text } }))).status).toBe(201);
    const rows = Array.from({ length: COUNT }, (_, at) => ({
      code: `${at}`,
      name: `Hall ${at}`,
      seats: at === 7 ? "many" : `${at}`,
    }));
    const file = write("halls.ndjson", rows.map((row) => JSON.stringify(row)).join("\n"));
    const map = write("halls.json", {
      key: ["code"],
      fields: ["code", "name", "seats"].map((field) => ({ field, column: field })),
    });
    expect((await importInto(node, { registry: "halls", filePath: file, mapPath: map })).summary.created).toBe(COUNT);
    const next = definition("halls", { properties: { seats: { type: "integer" } } });
    await node.request("PUT", "/registries/halls?allow-breaking=true", { token: tokens.operator, json: next });
  }

  it("previews, stops cleanly, survives being killed, and ends the same when it is run again", {
    timeout: COMMAND_MS,
  }, async () => {
    await fillHalls();
    const preview = await run("registrar", ...migrate("--preview"));
    expect(preview.code).toBe(2);
    expect(preview.stdout).toContain('seats: "0" -> 0');
    expect(preview.stdout).toMatch(/records refused +1\n/);
    expect(await countVersions("halls")).toEqual({ 1: COUNT });
    rmSync(join(directory, "halls.migration-refused.ndjson"));

    for (const signal of ["SIGKILL", "SIGINT"] as const) {
      const before = (await countVersions("halls"))[2] ?? 0;
      const child = start("registrar", ...migrate());
      const ended = finish(child);
      for (let now = before; now < before + 30; await sleep(5)) now = (await countVersions("halls"))[2] ?? 0;
      child.kill(signal);
      const { code, stdout } = await ended;
      const done = (await countVersions("halls"))[2]!;
      expect(done).toBeLessThan(COUNT - 1);
      if (signal === "SIGINT") {
        expect(code).toBe(130);
        expect(stdout).toContain("interrupted; run the same command again to go on");
        // The run before was killed while the node wrote: what was written after the count above is not of this run.
        const told = (label: string) => Number(new RegExp(`${label} +([0-9]+)\n`).exec(stdout)![1]);
        expect(told("records migrated to version 2")).toBeGreaterThan(0);
        expect(told("records migrated to version 2")).toBeLessThanOrEqual(done - before);
        expect(told("records left")).toBe(COUNT - done - told("records refused"));
      }
    }

    const last = await run("registrar", ...migrate("--json"));
    expect(last.code).toBe(2);
    expect(JSON.parse(last.stdout)).toMatchObject({
      state: "done",
      to: 2,
      refused: 1,
      left: 0,
      report: "halls.migration-refused.ndjson",
    });
    expect(await countVersions("halls")).toEqual({ 1: 1, 2: COUNT - 1 });
    const [line, ...others] = readFileSync(join(directory, "halls.migration-refused.ndjson"), "utf8")
      .trim()
      .split("\n");
    expect(others).toEqual([]);
    expect(JSON.parse(line!)).toMatchObject({ field: "/seats", code: "record_invalid" });
    const versions = await node.database.database.sql<{ version: number; count: number }[]>`
      select version, count(*)::int as count from record where registry = 'halls' group by version order by version`;
    expect([...versions]).toEqual([
      { version: 1, count: 1 },
      { version: 2, count: COUNT - 1 },
    ]);
  });

  it("refuses a plan that it cannot read before anything is sent", { timeout: COMMAND_MS }, async () => {
    const wrong = write("wrong.json", { steps: [{ step: "drop", field: "a" }] });
    const { code, stderr } = await run("registrar", "migrate", "halls", "--url", "http://127.0.0.1:9", "--plan", wrong);
    expect([code, stderr]).toEqual([1, expect.stringContaining("/steps/0")]);
  });
});

it("retiring takes no more new records and names the successor", { timeout: COMMAND_MS }, async () => {
  await node.publish(definition("bridges"));
  const successor = "https://roads.example/registries/bridges";
  const retired = await run(
    "operator",
    "retire",
    "bridges",
    "--url",
    node.entity,
    "--successor",
    successor,
    "--reason",
    "merged",
  );
  expect([retired.code, retired.stderr]).toEqual([0, ""]);
  const calls = await createRecordCalls(node, "bridges");
  const refused = await calls.post({ data: { code: "1", name: "A" } });
  expect([refused.body.code, refused.body.detail]).toEqual(["registry_retired", expect.stringContaining(successor)]);
});
