// An import killed at random moments, with its node and its database too, ends with the same records and the same report as one that was not.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { silentLogger } from "../../src/logger.ts";
import { openCluster } from "../../src/storage/cluster.ts";
import { ensureBuilt, startServing } from "../built-program.ts";
import { freePort } from "../free-port.ts";
import { definition } from "../node-fixture.ts";
import { callAttestry } from "../warm-program.ts";

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;
const ROWS = Number(process.env.IMPORT_CRASH_ROWS ?? 12_000);
const KILLS = Number(process.env.IMPORT_CRASH_KILLS ?? 10); // in each of two registries
const SEED = Number(process.env.IMPORT_CRASH_SEED ?? Math.floor(Math.random() * 1e9));
const TEST_MS = 900_000;

const VICTIMS = ["command", "node", "database"] as const;
type Victim = (typeof VICTIMS)[number];

let directory: string;
let entity: string;
let registrar: string;
let serving: ChildProcess | undefined;

function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

beforeAll(async () => {
  await ensureBuilt();
  directory = mkdtempSync(join(tmpdir(), "attestry-import-crash-"));
  entity = `http://127.0.0.1:${await freePort()}`;
  const common = ["--data", directory, "--node", "wells"];
  // Held, so that its server does not stop and start with each command.
  const cluster = await openCluster({ directory, logger: silentLogger });
  await callAttestry("init", ...common, "--entity", entity, "--organization", "Wells", "--development");
  const token = (role: string) => callAttestry("token", ...common, "--role", role, "--name", role);
  registrar = await token("registrar");
  serving = await startServing("--data", directory);
  await cluster.release();
  const operator = await token("operator");
  for (const name of ["wells", "wells-twin", "notes", "notes-twin"]) {
    const published = definition(name, { properties: { depth: { type: "integer", minimum: 0 } } });
    // Without a unique field nothing but the import itself tells whether a row is in.
    if (name.startsWith("notes"))
      delete (published.schema as { properties: { code: JsonObject } }).properties.code["x-unique"];
    const answer = await fetch(`${entity}/registries/${name}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${operator}`, "content-type": "application/json" },
      body: JSON.stringify(published),
    });
    expect(answer.status, await answer.text()).toBe(201);
  }
}, 180_000);

afterAll(async () => {
  if (serving) await kill(serving);
  if (directory) await (await openCluster({ directory, logger: silentLogger })).release();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, 60_000);

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.removeAllListeners("exit");
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function killPostmaster(): void {
  const file = join(directory, "postgres", "data", "postmaster.pid");
  process.kill(Number(readFileSync(file, "utf8").split("\n")[0]), "SIGKILL");
}

/** Rows of which some are refused by the command, some by the node, and some stand twice. */
function writeRows(name: string): string {
  const path = join(directory, `${name}.csv`);
  const lines = Array.from({ length: ROWS }, (_, at) => {
    if (at % 997 === 5) return `w${at},Well ${at},many`;
    if (at % 1_009 === 7) return `w${at},Well ${at},-4`;
    if (at % 503 === 9) return `w${at - 9},Well twice,1`;
    if (at % 1_499 === 3) return `w${at},too few`;
    return `w${at},Well ${at},${at % 90}`;
  });
  writeFileSync(path, `Code,Name,Depth\n${lines.join("\n")}\n`);
  return path;
}

function startImport(
  registry: string,
  path: string,
): { child: ChildProcess; ended: Promise<{ code: number | null; out: string; err: string }> } {
  const args = [MAIN, "import", registry, path, "--url", entity, "--map", join(directory, "map.json"), "--json"];
  const { ATTESTRY_TOKEN: _token, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    env: { ...env, ATTESTRY_TOKEN: registrar },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { out: "", err: "" };
  child.stdout!.on("data", (chunk) => (texts.out += chunk));
  child.stderr!.on("data", (chunk) => (texts.err += chunk));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...texts }));
  return { child, ended };
}

async function contents(registry: string): Promise<string[]> {
  const answer = await fetch(`${entity}/registries/${registry}/records:export`, {
    headers: { authorization: `Bearer ${registrar}` },
  });
  return (await answer.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.stringify((JSON.parse(line) as JsonObject).data))
    .sort();
}

async function logSize(): Promise<number> {
  const answer = await fetch(`${entity}/log/records/checkpoint`);
  return answer.ok ? Number((await answer.text()).split("\n")[1]) : 0;
}

/** Waits until the log has so many entries, or the import has ended. */
async function reachLogSize(size: number, importing: ChildProcess): Promise<void> {
  while (importing.exitCode === null && (await logSize().catch(() => 0)) < size) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What an import says of itself, without what differs from run to run. */
function told(out: string): JsonObject {
  const { registry: _registry, seconds: _seconds, report: _report, ...rest } = JSON.parse(out) as JsonObject;
  return rest;
}

describe.each([
  ["with a unique field", "wells", { key: ["Code"] }, 0],
  ["without one", "notes", {}, 1],
] as const)("an import into a registry %s", (_what, registry, key, salt) => {
  it("survives being killed at random moments", { timeout: TEST_MS }, async () => {
    const seed = SEED + salt;
    const random = createRandom(seed);
    const fields = [
      { field: "code", column: "Code" },
      { field: "name", column: "Name" },
      { field: "depth", column: "Depth", type: "integer" },
    ];
    writeFileSync(join(directory, "map.json"), JSON.stringify({ ...key, fields }));
    const [twin, killed] = [writeRows(`${registry}-twin`), writeRows(registry)];
    const startedAt = performance.now();
    const undisturbed = await startImport(`${registry}-twin`, twin).ended;
    const wholeMs = performance.now() - startedAt;
    expect(undisturbed.code, undisturbed.err).toBe(2);

    const kills: Record<Victim, number> = { command: 0, node: 0, database: 0 };
    const before = await logSize();
    let last = startImport(registry, killed);
    for (let count = 0; count < KILLS; count++) {
      // By what was written and not by the clock: so every kill hits the import under way, somewhere in its own part of the rows.
      await reachLogSize(before + Math.floor((ROWS * 0.95 * (count + random())) / (KILLS + 1)), last.child);
      await new Promise((resolve) => setTimeout(resolve, random() * 40));
      const victim = VICTIMS[Math.floor(random() * VICTIMS.length)]!;
      kills[victim]++;
      if (victim === "command") {
        last.child.kill("SIGKILL");
        await last.ended;
      } else {
        if (victim === "database") killPostmaster();
        await kill(serving!);
        serving = await startServing("--data", directory);
      }
      const isOver = last.child.exitCode !== null || last.child.signalCode !== null;
      // Done already: another import of the same file would be another one.
      if (isOver && (await last.ended).code === 2) break;
      if (isOver) last = startImport(registry, killed);
    }
    let result = await last.ended;
    // Where the node was away for longer than the command waits, the same command goes on.
    for (let tries = 0; result.code === 1 && tries < 5; tries++) result = await startImport(registry, killed).ended;
    console.log(
      `${registry}: seed ${seed}, ${KILLS} kills ${JSON.stringify(kills)}, undisturbed ${Math.round(wholeMs)} ms`,
    );

    const where = `seed ${seed}: ${result.err}`;
    expect(result.code, where).toBe(2);
    expect(await contents(registry), where).toEqual(await contents(`${registry}-twin`));
    expect(readFileSync(`${killed}.refused.ndjson`, "utf8"), where).toBe(
      readFileSync(`${twin}.refused.ndjson`, "utf8"),
    );
    expect(existsSync(`${killed}.import-journal`), where).toBe(false);
    expect(told(result.out), where).toEqual(told(undisturbed.out));
  });
});
