// A definition goes through five versions with thousands of records under each: every one of them reads, verifies and migrates, and a
// migration that is killed midway ends the same. 2,000 records a version; ATTESTRY_RECORDS_PER_VERSION=10000 is the whole of it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isJsonObject, type JsonObject } from "../../src/crypto/json.ts";
import { createVerifier } from "../../src/verification/index.ts";
import { importInto } from "../import-fixture.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

const EACH = Number(process.env.ATTESTRY_RECORDS_PER_VERSION ?? 2_000);
const MINUTES = 60_000;
const READ_MAX = 500;
const root = new URL("../../", import.meta.url).pathname;
const directory = mkdtempSync(join(tmpdir(), "attestry-years-"));
const text = { type: "string" } as const;
const number = { type: "integer", minimum: 0 } as const;
let node: TestNode;

beforeAll(async () => {
  node = await startTestNode();
});

afterAll(async () => {
  await node?.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Fields and data of each version: a field more, another name, numbers for texts, two fields of one. */
const VERSIONS: readonly { properties: JsonObject; data: (code: string, at: number) => JsonObject }[] = [
  { properties: { head: text }, data: (code, at) => ({ code, name: code, head: `Asha Rani ${at}` }) },
  {
    properties: { head: text, houses: text },
    data: (code, at) => ({ code, name: code, head: `Asha Rani ${at}`, houses: `${at}` }),
  },
  {
    properties: { leader: text, houses: text },
    data: (code, at) => ({ code, name: code, leader: `Asha Rani ${at}`, houses: `${at}` }),
  },
  {
    properties: { leader: text, houses: number },
    data: (code, at) => ({ code, name: code, leader: `Asha Rani ${at}`, houses: at }),
  },
  {
    properties: { given: text, family: text, houses: number },
    data: (code, at) => ({ code, name: code, given: "Asha", family: `Rani ${at}`, houses: at }),
  },
];
const PLAN = {
  to: 5,
  steps: [
    { step: "rename", from: "head", to: "leader" },
    { step: "convert", field: "houses", to: "integer" },
    { step: "split", field: "leader", into: ["given", "family"], separator: " " },
  ],
};
const codeOf = (version: number, at: number) => `${version}-${at}`;

async function fill(version: number): Promise<void> {
  const { properties, data } = VERSIONS[version - 1]!;
  const published = await node.request("PUT", "/registries/hamlets?allow-breaking=true", {
    token: await node.token("operator"),
    json: definition("hamlets", { properties }),
  });
  expect(published.body.version).toBe(version);
  const rows = Array.from({ length: EACH }, (_, at) => data(codeOf(version, at), at));
  const filePath = join(directory, `${version}.ndjson`);
  const mapPath = join(directory, `${version}.map.json`);
  writeFileSync(filePath, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const fields = Object.keys(rows[0]!).map((field) => ({
    field,
    column: field,
    ...(isJsonObject(properties[field]) && properties[field].type === "integer" && { type: "integer" }),
  }));
  writeFileSync(mapPath, JSON.stringify({ key: ["code"], fields }));
  expect((await importInto(node, { registry: "hamlets", filePath, mapPath })).summary.created).toBe(EACH);
}

/** Every record as a verifier finds it: its data by code, and its version. What does not verify fails the test. */
async function verifyAll(): Promise<Map<string, { data: JsonObject; version: number }>> {
  const rids = await node.database.database.sql<{ rid: string }[]>`select rid from record order by first_index`;
  const verifier = createVerifier({ anchors: [node.pin(["hamlets"])], statusMaxAgeSeconds: 3_600 });
  const found = new Map<string, { data: JsonObject; version: number }>();
  for (let from = 0; from < rids.length; from += READ_MAX) {
    const references = rids
      .slice(from, from + READ_MAX)
      .map(({ rid }) => ({ href: `${node.entity}/registries/hamlets/records/${rid}` }));
    const answer = (await node.request("POST", "/records:read", { json: { references } })).body as {
      records: { token: string; receipt: string }[];
      statusLists: Record<string, string>;
      definitions: Record<string, string>;
      chain: string[];
    };
    for (const { token, receipt } of answer.records) {
      const payload = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as JsonObject;
      const { status_list: place } = payload.status as { status_list: { uri: string } };
      const evidence = {
        token,
        receipts: { recent: receipt },
        status: { token: answer.statusLists[place.uri] },
        chain: answer.chain,
        definition: answer.definitions[String(payload.vct)],
      };
      const report = await verifier.verify(evidence, { now: Math.floor(Date.now() / 1_000) });
      if (!report.valid) expect(report.checks.filter(({ result }) => result === "fail")).toEqual([]);
      const data = payload.data as JsonObject;
      found.set(String(data.code), { data, version: Number(String(payload.vct).split("/").at(-1)) });
    }
  }
  return found;
}

async function start(): Promise<ChildProcess> {
  const args = [
    "registry",
    "migrate",
    "hamlets",
    "--url",
    node.entity,
    "--plan",
    join(directory, "plan.json"),
    "--json",
  ];
  const loader = join(root, "node_modules/tsx/dist/loader.mjs");
  return spawn(process.execPath, ["--import", loader, join(root, "src/main.ts"), ...args], {
    cwd: directory,
    env: { ...process.env, ATTESTRY_TOKEN: await node.token("registrar") },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

async function countMigrated(): Promise<number> {
  const [row] = await node.database.database.sql<{ count: number }[]>`
    select count(*)::int as count from record_version where version = 2`;
  return row!.count;
}

it("every record of five versions reads, verifies and migrates, though the migration is killed midway", {
  timeout: 20 * MINUTES,
}, async () => {
  for (const version of [1, 2, 3, 4, 5]) await fill(version);
  const before = await verifyAll();
  expect(before.size).toBe(5 * EACH);
  for (const version of [1, 2, 3, 4, 5])
    for (let at = 0; at < EACH; at++)
      expect(before.get(codeOf(version, at))).toEqual({
        version,
        data: VERSIONS[version - 1]!.data(codeOf(version, at), at),
      });

  writeFileSync(join(directory, "plan.json"), JSON.stringify(PLAN));
  const first = await start();
  while ((await countMigrated()) < EACH / 2) await sleep(20);
  first.kill("SIGKILL");
  await once(first, "close");
  expect(await countMigrated()).toBeLessThan(4 * EACH);

  const second = await start();
  let stdout = "";
  second.stdout!.on("data", (chunk) => (stdout += chunk));
  expect((await once(second, "close"))[0]).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ state: "done", to: 5, refused: 0, left: 0 });
  expect(await countMigrated()).toBe(4 * EACH);

  const after = await verifyAll();
  expect(after.size).toBe(5 * EACH);
  for (const version of [1, 2, 3, 4, 5]) {
    for (let at = 0; at < EACH; at++) {
      const [code, { data }] = [codeOf(version, at), VERSIONS[4]!];
      // Version 1 had no number of houses.
      const { houses, ...rest } = data(code, at);
      expect(after.get(code)).toEqual({ version: 5, data: version === 1 ? rest : { ...rest, houses } });
    }
  }
});
