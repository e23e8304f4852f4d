// `attestry demo` as its users run it: the compiled program, real processes, from nothing to nothing left.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { silentLogger } from "../../src/logger.ts";
import { openCluster } from "../../src/storage/cluster.ts";
import { connectDatabase } from "../../src/storage/database.ts";
import { dumpFiles, dumpTables, findInFiles, findTraces } from "../personal-traces.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
/** Real processes on a busy machine: a start alone may take most of a minute. */
const TIMEOUT_MS = 240_000;
const NODES = 7;
/** One more than nodes, for the sign-in service. */
const PORTS = NODES + 1;
const STEPS = [
  ...["federation", "pages", "sign-in", "approval", "create", "log", "verify", "reference", "resolve", "tamper"],
  ...[
    "anchor",
    "authority",
    "enrolment",
    "withdrawn",
    "suspended",
    "rotation",
    "move",
    "superseded",
    "revoked",
    "time",
    "split",
    "history",
    "consent",
    "elsewhere",
    "share",
    "death",
    "audit",
  ],
];

interface Running {
  readonly event: "running";
  readonly data: string;
  readonly issuer: string;
  readonly nodes: readonly { node: string; entity: string; pid: number; staff: readonly { token: string }[] }[];
}

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly proved: readonly string[];
}

interface Demo {
  readonly child: ChildProcess;
  readonly running: Promise<Running>;
  readonly steps: Step[];
  readonly ended: Promise<{ code: number | null; stderr: string }>;
}

let directory: string;
let data: string;
let portBase: number;
let checkOutput = "";

/** Of the citizens whom src/cli/demo seeds, and of the one who dies in the story. */
const CITIZENS = [
  ...["7310-4482-0916", "5528-1937-6640", "9004-1180-2231"],
  ...["Meera Rao", "Ravi Iyer", "Tara Rao", "Tomas Lind"],
  ...["1990-03-04", "1958-11-20", "2019-06-15", "1941-02-11"],
  ...["Lake Road 1", "Mill Lane 7", "Quay 3"],
];

function listenAt(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve));
}

async function isFree(port: number): Promise<boolean> {
  try {
    await close(await listenAt(port));
    return true;
  } catch {
    return false;
  }
}

/** The first of PORTS free ports in a row. */
async function findPortBase(): Promise<number> {
  for (;;) {
    const probe = await listenAt(0);
    const { port } = probe.address() as AddressInfo;
    await close(probe);
    const others = await Promise.all(Array.from({ length: PORTS - 1 }, (_, at) => isFree(port + 1 + at)));
    if (port < 60_000 && others.every(Boolean)) return port;
  }
}

function startDemo(args: readonly string[], onStep: (step: Step, running: Running) => void = () => {}): Demo {
  const child = spawn(process.execPath, [PROGRAM, "demo", "--json", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const steps: Step[] = [];
  const running = new Promise<Running>((resolve) => {
    let known: Running;
    createInterface({ input: child.stdout }).on("line", (line) => {
      const report = JSON.parse(line) as Running | Step;
      if ("event" in report) {
        known = report;
        resolve(report);
      } else {
        steps.push(report);
        onStep(report, known);
      }
    });
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, stderr }));
  return { child, running, steps, ended };
}

/** No process of the demo's (each, PostgreSQL too, names the data directory in its command line), and no port in use. */
async function expectNothingLeft(dataDirectory: string): Promise<void> {
  const commands = execFileSync("ps", ["-eo", "pid,args"], { encoding: "utf8" }).split("\n");
  expect(commands.filter((line) => line.includes(dataDirectory))).toEqual([]);
  for (let at = 0; at < PORTS; at++) expect(await isFree(portBase + at), `port ${portBase + at}`).toBe(true);
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "attestry-demo-test-"));
  data = join(directory, "data");
  portBase = await findPortBase();
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

if (!existsSync(PROGRAM)) console.warn("the demo is not tested: dist/ is not built; run npm run build");

describe.skipIf(!existsSync(PROGRAM))("attestry demo", () => {
  test(
    "runs until Ctrl-C, keeps the data it was told to keep, and leaves nothing running",
    async () => {
      const demo = startDemo(["--port-base", String(portBase), "--data", data]);
      const { nodes, issuer } = await Promise.race([
        demo.running,
        demo.ended.then(({ stderr }) => Promise.reject(stderr)),
      ]);
      expect(nodes.map(({ entity }) => entity)).toEqual(
        Array.from({ length: NODES }, (_, at) => at).map((at) => `http://127.0.0.1:${portBase + at}`),
      );
      expect(new Set(nodes.map(({ pid }) => pid)).size).toBe(NODES);
      expect(issuer).toBe(`http://127.0.0.1:${portBase + NODES}`);
      demo.child.kill("SIGINT");
      const { code, stderr } = await demo.ended;
      expect(code, stderr).toBe(0);
      await expectNothingLeft(data);
      expect(existsSync(data)).toBe(true);
    },
    TIMEOUT_MS,
  );

  test(
    "goes on with kept data, proves every step of its story and ends with exit code 0",
    async () => {
      // Of the sign-in service no signed record names the address: it goes where there is room.
      const other = await listenAt(portBase + NODES);
      const demo = startDemo(["--check", "--data", data]);
      const { code, stderr } = await demo.ended;
      await close(other);
      expect(code, stderr).toBe(0);
      expect(demo.steps.map(({ step, ok }) => [step, ok])).toEqual(STEPS.map((step) => [step, true]));
      checkOutput = stderr;
      expect(demo.steps.every(({ proved }) => proved.length > 0)).toBe(true);
      // The records of the first start, not made again.
      expect(demo.steps[1]!.proved).toContain(
        "local-government holds 12 districts and 4 states and 2 village-councils",
      );
      expect(await isFree(Number(new URL((await demo.running).issuer).port))).toBe(true);
      await expectNothingLeft(data);
    },
    TIMEOUT_MS,
  );

  test(
    "leaves nothing of its citizens in clear: in no table of any node, no file, no line of its output",
    async () => {
      const cluster = await openCluster({ directory: data, logger: silentLogger });
      try {
        const maintenance = connectDatabase({ url: cluster.url("postgres"), poolMax: 1 });
        const names = (
          await maintenance.sql<{ name: string }[]>`select datname as name from pg_database where not datistemplate`
        ).map(({ name }) => name);
        await maintenance.close();
        const dumps = new Map<string, string>();
        for (const name of names) {
          const database = connectDatabase({ url: cluster.url(name), poolMax: 1 });
          for (const [table, text] of await dumpTables(database)) dumps.set(`${name}: ${table}`, text);
          await database.close();
        }
        // What is public is found by the same search, in a table and in signed tokens, or the search finds nothing.
        expect(findTraces(dumps, ["Alderby"]).length).toBeGreaterThan(1);
        expect(names.length).toBeGreaterThanOrEqual(NODES);
        // The server's own files, of before a row was written over and the write-ahead log among them, are too many for every form.
        const server = join(data, "postgres");
        expect(findInFiles(server, ["village-councils"]).length).toBeGreaterThan(1);
        expect(findInFiles(server, CITIZENS)).toEqual([]);
        for (const [path, text] of dumpFiles(data, (path) => !path.includes("/postgres/"))) dumps.set(path, text);
        dumps.set("output", checkOutput);
        expect(findTraces(dumps, CITIZENS)).toEqual([]);
      } finally {
        await cluster.release();
      }
    },
    TIMEOUT_MS,
  );

  test("refuses to move a data directory, whose addresses stand in signed records", async () => {
    const { code, stderr } = await startDemo(["--data", data, "--port-base", String(portBase + 5)]).ended;
    expect(code).toBe(1);
    expect(stderr).toContain("the addresses stand in its signed records");
  });

  test(
    "fails loudly when a node dies in the middle of the story, and still leaves nothing, not even its temporary data",
    async () => {
      const demo = startDemo(["--check", "--port-base", String(portBase)], ({ step }, running) => {
        if (step === "create")
          process.kill(running.nodes.find(({ node }) => node === "local-government")!.pid, "SIGKILL");
      });
      const { code, stderr } = await demo.ended;
      expect(code).toBe(1);
      expect(stderr).toContain('node \\"local-government\\" ended by itself (signal SIGKILL)');
      expect(demo.steps.length).toBeLessThan(STEPS.length);
      const { data: temporary } = await demo.running;
      await expectNothingLeft(temporary);
      expect(existsSync(temporary)).toBe(false);
    },
    TIMEOUT_MS,
  );

  test("names a port that is taken, and what to do", async () => {
    const other = await listenAt(portBase + 1);
    const { code, stderr } = await startDemo(["--port-base", String(portBase)]).ended;
    await close(other);
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${portBase + 1} cannot be used: another program listens there`);
    expect(stderr).toContain("--port-base");
  });
});
