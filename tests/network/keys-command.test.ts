// `attestry keys` on a real data directory, beside a served node and without one; killed between the key file and the log.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { silentLogger } from "../../src/logger.ts";
import { type Cluster, openCluster } from "../../src/storage/cluster.ts";
import { connectDatabase } from "../../src/storage/database.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { ensureBuilt, runAttestry, startServing } from "../built-program.ts";
import { freePort } from "../free-port.ts";
import { definition } from "../node-fixture.ts";
import { callAttestry } from "../warm-program.ts";

const COMMANDS_MS = 120_000;
const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;

let directory: string;
let entity: string;
let common: string[];
let tokens: Record<"operator" | "registrar", string>;
let serving: ChildProcess | undefined;
let cluster: Cluster | undefined;
let codes = 0;

beforeAll(async () => {
  await ensureBuilt();
  directory = mkdtempSync(join(tmpdir(), "attestry-keys-"));
  entity = `http://127.0.0.1:${await freePort()}`;
  common = ["--data", directory, "--node", "wells"];
  await runAttestry("init", ...common, "--entity", entity, "--organization", "Wells", "--development");
  // Held, so that its server does not stop and start with the node.
  cluster = await openCluster({ directory, logger: silentLogger });
  const token = (role: string) => callAttestry("token", ...common, "--role", role, "--name", role);
  tokens = { operator: await token("operator"), registrar: await token("registrar") };
  await serve();
  expect((await call("PUT", "/registries/wells", definition("wells"), tokens.operator)).status).toBe(201);
}, 180_000);

afterAll(async () => {
  await stop("SIGKILL");
  await cluster?.release();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, 60_000);

const keyFile = () => join(directory, "nodes", "wells", "keys.json");

async function serve(): Promise<void> {
  await stop("SIGTERM");
  serving = await startServing(...common);
}

async function stop(signal: NodeJS.Signals): Promise<void> {
  if (!serving || serving.exitCode !== null || serving.signalCode !== null) return;
  serving.removeAllListeners("exit");
  const gone = once(serving, "exit");
  serving.kill(signal);
  await gone;
  await sleep(50);
}

async function call(method: string, path: string, json?: JsonObject, token?: string) {
  const response = await fetch(`${entity}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(json && { "content-type": "application/json" }),
    },
    ...(json && { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith("{") ? (JSON.parse(text) as JsonObject) : {} };
}

async function keys(...args: string[]): Promise<JsonObject> {
  return JSON.parse(await callAttestry("keys", ...args, ...common, "--json")) as JsonObject;
}

async function refusal(...args: string[]): Promise<JsonObject> {
  const failed = await callAttestry("keys", ...args, ...common, "--json").then(
    (printed) => ({ stderr: `it was not refused: ${printed}` }),
    (error: { stderr: string }) => error,
  );
  return (JSON.parse(failed.stderr) as { error: JsonObject }).error;
}

async function list(role: string): Promise<JsonObject[]> {
  return ((await keys("list")).keys as JsonObject[]).filter((key) => key.role === role);
}

const states = async (role: string) => (await list(role)).map(({ state }) => state);

async function create(): Promise<string> {
  const json = { data: { code: String(++codes), name: "Well" } };
  const answer = await call("POST", "/registries/wells/records", json, tokens.registrar);
  expect(answer.status, answer.text).toBe(201);
  return String(answer.body.href).slice(entity.length);
}

/** Whether the evidence of a record holds under the node's own pin, and what its signature is said to be. */
async function verify(path: string): Promise<[boolean, string]> {
  const { body } = await call("GET", `${path}/evidence`);
  const jwks = decodeJws((await call("GET", "/.well-known/openid-federation")).text).payload.jwks as never;
  const anchors = [{ entity, jwks, registry_types: ["wells"] }];
  const now = Math.floor(Date.now() / 1_000);
  const report = await createVerifier({ anchors, statusMaxAgeSeconds: 300 }).verify(body, { now });
  return [report.valid, report.checks.find(({ check }) => check === "signature")!.code];
}

async function readEvents(): Promise<JsonObject[]> {
  return ((await call("GET", "/federation/key-events")).body.events as JsonObject[]).map(
    ({ event }) => event as JsonObject,
  );
}

describe("attestry keys", { timeout: COMMANDS_MS }, () => {
  it("lists one current key per role, and tells in its help what a change costs", async () => {
    const shown = (await keys("list")).keys as JsonObject[];
    expect(shown.map(({ role, state }) => [role, state])).toEqual(
      ["federation", "record", "log", "status", "request", "witness"].map((role) => [role, "current"]),
    );
    expect(Object.keys(shown[0]!)).not.toContain("seed");
    const help = await runAttestry("keys", "rotate", "--help");
    expect(help).toContain("What a rotation costs");
    expect(help).toContain("attestry keys rotate record");
  });

  it("rotates beside a served node: the next key is announced, and the served node goes on meanwhile", async () => {
    const rotated = await keys("rotate", "log");
    expect(rotated).toMatchObject({ role: "log", state: "next", logged: true });
    expect((await list("log")).map(({ served }) => served)).toEqual([true, false]);
    expect(Date.parse(String(rotated.signs_from)) - Date.now()).toBeGreaterThan(1.9 * 3_600_000);
    expect(await states("log")).toEqual(["current", "next"]);
    // It has neither been restarted nor told, and the last checkpoint is another process's, by both keys.
    expect(await verify(await create())).toEqual([true, "passed"]);
    expect(await readEvents()).toContainEqual(expect.objectContaining({ role: "log", kid: rotated.kid }));
    expect(await callAttestry("keys", "list", ...common)).toContain("does not go by this file yet: restart it");
    await serve();
    expect((await list("log")).map(({ served }) => served)).toEqual([true, true]);
    expect(await callAttestry("keys", "list", ...common)).toContain("goes by this file.");
    expect(await verify(await create())).toEqual([true, "passed"]);
    expect((await refusal("rotate", "log")).code).toBe("request_invalid");
    expect((statSync(keyFile()).mode & 0o077).toString(8)).toBe("0");
  });

  it("lets a new record key sign at once where that is asked for, and records of before still verify", async () => {
    const before = await create();
    const { kid } = await keys("rotate", "record", "--now");
    await serve();
    const after = await create();
    const header = async (path: string) =>
      decodeJws(String((await call("GET", `${path}/evidence`)).body.token).split("~")[0]!).header.kid;
    expect(await header(after)).toBe(kid);
    expect(await header(before)).not.toBe(kid);
    expect(await verify(before)).toEqual([true, "passed"]);
    expect(await verify(after)).toEqual([true, "passed"]);
    expect(await states("record")).toEqual(["retired", "current"]);
  });

  it("reports a stolen record key: counts what is refused, replaces it, and what came before still verifies", async () => {
    const before = await create();
    await sleep(1_100);
    const since = new Date().toISOString();
    await sleep(1_100);
    const after = await create();
    const [, stolen] = await list("record");
    const reported = await keys("report", String(stolen!.kid), "--compromised-since", since);
    expect(reported).toMatchObject({ role: "record", kid: stolen!.kid, versions_refused: 1 });
    await serve();
    const fresh = await create();
    expect(await verify(before)).toEqual([true, "passed_before_report"]);
    expect(await verify(after)).toEqual([false, "key_compromised"]);
    expect(await verify(fresh)).toEqual([true, "passed"]);
    const shown = await list("record");
    expect(shown.map(({ state }) => state)).toEqual(["retired", "compromised", "current"]);
    expect(shown[1]).toMatchObject({ private_key_held: false });
    expect(shown[2]!.kid).toBe(reported.current);
  });

  it("lets the next federation key sign only when it is known, or when it is forced", async () => {
    const { kid } = await keys("rotate", "federation");
    expect(await states("federation")).toEqual(["current", "next"]);
    const [pin] = JSON.parse(readFileSync(join(directory, "nodes", "wells", "anchor-pin.json"), "utf8"));
    expect(pin.jwks.keys.map((key: JsonObject) => key.kid)).toEqual((await list("federation")).map((key) => key.kid));
    expect((await refusal("rotate", "federation", "--start")).message).toContain("--force");
    await keys("rotate", "federation", "--start", "--force");
    await serve();
    const configuration = decodeJws((await call("GET", "/.well-known/openid-federation")).text);
    expect(configuration.header.kid).toBe(kid);
    const historical = decodeJws((await call("GET", "/federation/historical-keys")).text);
    expect((historical.payload.keys as JsonObject[]).map((key) => key.kid)).toEqual([
      (await list("federation"))[0]!.kid,
    ]);
    expect(await verify(await create())).toEqual([true, "passed"]);
  });

  it("refuses what it cannot do, by code, and leaves the key file as it is", async () => {
    const file = readFileSync(keyFile());
    expect((await refusal("rotate", "witness")).code).toBe("request_invalid");
    expect((await refusal("rotate", "record", "--start")).code).toBe("request_invalid");
    expect((await refusal("report", "nobody", "--compromised-since", "2026-01-01T00:00:00Z")).code).toBe("key_unknown");
    expect((await refusal("report", "-W_v6", "--compromised-since", "2026-01-01T00:00:00Z")).code).toBe("key_unknown");
    const { kid } = (await list("status"))[0]!;
    for (const time of ["yesterday", "2026-01-01T00:00:00", "2199-01-01T00:00:00Z"])
      expect((await refusal("report", String(kid), "--compromised-since", time)).code).toBe("request_invalid");
    expect(readFileSync(keyFile())).toEqual(file);
  });

  it("killed between the key file and the log, leaves a node that starts, signs, and logs what happened", async () => {
    await stop("SIGTERM");
    const before = readFileSync(keyFile());
    // What a process leaves behind that was killed while it wrote.
    writeFileSync(`${keyFile()}.new`, "half a file", { mode: 0o600 });
    const child = fork(MAIN, ["keys", "rotate", "status", "--now", ...common], { stdio: "ignore" });
    const gone = once(child, "exit");
    while (readFileSync(keyFile()).equals(before)) await sleep(1);
    child.kill("SIGKILL");
    expect((await gone)[1]).toBe("SIGKILL");
    expect(existsSync(`${keyFile()}.new`)).toBe(false);
    const [old, current] = await list("status");
    expect([old!.state, current!.state]).toEqual(["retired", "current"]);
    await serve();
    for (let round = 0; round < 100 && !(await readEvents()).some((event) => event.kid === current!.kid); round++)
      await sleep(100);
    expect((await readEvents()).filter((event) => event.kid === current!.kid)).toHaveLength(1);
    expect(decodeJws((await call("GET", "/status/0")).text).header.kid).toBe(current!.kid);
    expect(await verify(await create())).toEqual([true, "passed"]);
    // The lock of the dead process stands in nobody's way.
    expect(await keys("rotate", "request")).toMatchObject({ role: "request", state: "next" });
    expect(await callAttestry("log", "audit", entity)).toContain("The log is whole");
  });

  it("replaces the sealing keys: beside the served node, over a kill, and ends it when nothing needs the old ones", async () => {
    const rows = Array.from({ length: 600 }, () => JSON.stringify({ data: { code: String(++codes), name: "Well" } }));
    const first = `${codes - rows.length + 1}`;
    const imported = await fetch(`${entity}/registries/wells/records:import`, {
      method: "POST",
      headers: { authorization: `Bearer ${tokens.registrar}`, "content-type": "application/x-ndjson" },
      body: rows.join("\n"),
    });
    expect((await imported.text()).match(/"created"/g)).toHaveLength(rows.length);
    const before = join(directory, "keys-before.json");
    writeFileSync(before, readFileSync(keyFile()), { mode: 0o600 });
    const rotated = await keys("rotate", "sealing");
    expect(rotated).toEqual({ role: "sealing", generation: 2, former: 1, state: "next" });
    // The served node goes by the old file still, and nobody by the new one.
    await create();
    expect((await refusal("rotate", "sealing", "--finish")).code).toBe("keys_in_use");
    await serve();
    const database = connectDatabase({ url: cluster!.url("attestry_wells"), poolMax: 1 });
    const readDone = async () => {
      const [row] = await database.sql<{ done: number; complete: boolean }[]>`
        select done, complete from sealing_progress where part = 'records' and generation = 2`;
      return row;
    };
    while (((await readDone())?.done ?? 0) === 0) await sleep(2);
    await stop("SIGKILL");
    expect(await readDone()).toMatchObject({ complete: false });
    expect((await keys("list")).sealing).toMatchObject({ progress: { begun: true, complete: false } });
    await serve();
    expect(await verify(await create())).toEqual([true, "passed"]);
    const find = async () =>
      ((await call("GET", `/registries/wells/records?code=${first}`)).body.records as JsonObject[]).length;
    expect(await find()).toBe(1);
    while (!(await readDone())?.complete) await sleep(20);
    await database.close();
    const ended = await keys("rotate", "sealing", "--finish");
    expect(ended).toEqual({ role: "sealing", generation: 2, former: null, state: "current" });
    expect((await keys("list")).sealing).toEqual({ generation: 2, former: null, progress: null });
    // For a database that is restored from before.
    const restored = await keys("rotate", "sealing", "--former", before);
    expect(restored).toEqual({ role: "sealing", generation: 2, former: 1, state: "next" });
  });
});
