// What every row measures on: one embedded database server, a node of the built program and its twin, each a process of its own.
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../src/crypto/hash.ts";
import { silentLogger } from "../../src/logger.ts";
import { type Cluster, openCluster } from "../../src/storage/cluster.ts";
import { createDatabaseIfMissing } from "../../src/storage/database.ts";
import { createSeededEntity, pinOf } from "../chain-fixture.ts";
import { freePort } from "../free-port.ts";

export interface World {
  readonly directory: string;
  readonly cluster: Cluster;
  readonly nodePort: number;
  readonly twinPort: number;
  readonly twinUrl: string;
  readonly registrar: string;
  readonly operator: string;
  /** How many records the rows of a crowded registry are measured with. */
  readonly records: number;
  readonly nodePid: number;
  readonly nodeMegabytesAtStart: number;
  /** Called before anything is stopped. */
  onClose(close: () => Promise<unknown>): void;
  close(): Promise<void>;
}

/** Vouches for the consumer that asks for personal records (disclosure-rows.ts). */
export const CONSUMER_ANCHOR = createSeededEntity("https://anchor.bench.example", (what) => sha256(`bench ${what}`));
export const CONSUMER_TYPES = ["patients", "patients-plain"];

const MAIN = new URL("../../dist/main.js", import.meta.url).pathname;
const TWIN = new URL("./twin-server.ts", import.meta.url).pathname;
const NODE_NAME = "bench";

function attestry(...args: string[]): string {
  return execFileSync(process.execPath, [MAIN, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();
}

function start(
  file: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; execArgv?: string[] } = {},
): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = fork(file, args, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, ...options.env },
      execArgv: options.execArgv ?? [],
    });
    child.once("message", () => resolve(child));
    child.once("exit", (code) => reject(new Error(`${file} ended with ${code} before it listened`)));
  });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.removeAllListeners("exit");
    child.once("exit", () => resolve());
    child.disconnect();
  });
}

/** Starts everything in a temporary directory, which `close` removes, or in one that is kept and used again. */
export async function createWorld(options: { records: number; directory: string | undefined }): Promise<World> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "attestry-bench-"));
  const cluster = await openCluster({ directory, logger: silentLogger });
  const common = ["--data", directory, "--node", NODE_NAME];
  const nodePort = await initializeBenchNode(directory, common);
  const twinPort = await freePort();
  const token = (role: string) => attestry("token", ...common, "--role", role, "--name", role);
  const [registrar, operator] = [token("registrar"), token("operator")];
  const twinUrl = cluster.url("twin");
  await createDatabaseIfMissing({ url: twinUrl });
  const node = await start(MAIN, ["serve", ...common, "--log-level", "error"]);
  const twin = await start(TWIN, [], {
    env: { TWIN_URL: twinUrl, TWIN_PORT: String(twinPort) },
    execArgv: ["--import", "tsx"],
  });
  const nodePid = node.pid!;
  const closing: (() => Promise<unknown>)[] = [];
  return {
    records: options.records,
    nodePid,
    nodeMegabytesAtStart:
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${nodePid}/status`, "utf8"))?.[1] ?? 0) / 1_024,
    onClose: (close) => void closing.push(close),
    directory,
    cluster,
    nodePort,
    twinPort,
    twinUrl,
    registrar,
    operator,
    async close() {
      for (const close of closing) await close();
      await Promise.all([stop(node), stop(twin)]);
      await cluster.release();
      if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The port that the node listens on: a free one, or that of the node that is there already. */
async function initializeBenchNode(directory: string, common: readonly string[]): Promise<number> {
  const nodeDirectory = join(directory, "nodes", NODE_NAME);
  const path = join(nodeDirectory, "config.json");
  if (existsSync(path)) {
    attestry("init", ...common);
    return (JSON.parse(readFileSync(path, "utf8")) as { listen: { port: number } }).listen.port;
  }
  const port = await freePort();
  const entity = `http://127.0.0.1:${port}`;
  attestry("init", ...common, "--entity", entity, "--organization", "Bench", "--development");
  pinItself(nodeDirectory);
  return port;
}

/** A node that is its own anchor has a chain, as the evidence of `read` needs one. */
function pinItself(nodeDirectory: string): void {
  const pins = JSON.parse(readFileSync(join(nodeDirectory, "anchor-pin.json"), "utf8")) as {
    registry_types: string[];
  }[];
  pins[0]!.registry_types = ["people", "places", ...CONSUMER_TYPES];
  const anchors = [...pins, pinOf(CONSUMER_ANCHOR, CONSUMER_TYPES)];
  writeFileSync(join(nodeDirectory, "anchors.json"), JSON.stringify(anchors));
  const path = join(nodeDirectory, "config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), anchors: "anchors.json" }));
}
