// One PostgreSQL server process on one data folder: make, find, start, stop. Its callers hold the cluster's lock; knows no lease.
import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError, isAttestryError } from "../errors.ts";
import {
  DATABASE_ANSWER_TIMEOUT_MS,
  DATABASE_LOG_BYTES_MAX,
  DATABASE_START_TIMEOUT_MS,
  DATABASE_STOP_TIMEOUT_MS,
} from "../limits.ts";
import { findProcess, isProcessRunning, type ProcessIdentity } from "./process-identity.ts";
import { SERVER_ENVIRONMENT, type ServerAccount } from "./server-account.ts";
import { programPath, type ServerBinaries } from "./server-binaries.ts";
import { describeFailure, type ProgramEnd } from "./server-failure.ts";
import { SERVER_SETTINGS } from "./server-settings.ts";

export const SERVER_USER = "attestry";
const POLL_MS = 10;
const FREE_PORT_ATTEMPTS_MAX = 5;

/** Where a cluster's server keeps things, and how it is run. */
export interface ServerPlace {
  readonly dataFolder: string;
  readonly logPath: string;
  readonly account: ServerAccount;
  readonly binaries: ServerBinaries;
}

export interface RunningServer {
  readonly process: ProcessIdentity;
  readonly port: number;
  readonly isReady: boolean;
}

function startProgram(
  place: ServerPlace,
  command: { program: "initdb" | "postgres"; arguments: string[]; logFile: number },
): ChildProcess {
  const { account } = place;
  const [program, ...rest] = [...account.prefix, programPath(place.binaries, command.program), ...command.arguments];
  return spawn(program!, rest, {
    cwd: "/",
    env: SERVER_ENVIRONMENT,
    // A session of its own: Ctrl-C at the terminal must reach the node first, which still has work to commit.
    detached: true,
    stdio: ["ignore", command.logFile, command.logFile],
    ...account.spawnAs,
  });
}

function watchEnd(child: ChildProcess): Promise<ProgramEnd> {
  return new Promise((settle) => {
    child.once("error", (error) => settle({ code: null, error }));
    child.once("exit", (code) => settle({ code }));
  });
}

function openLog(path: string): { file: number; start: number } {
  if (existsSync(path) && statSync(path).size > DATABASE_LOG_BYTES_MAX) renameSync(path, `${path}.1`);
  const file = openSync(path, "a", 0o600);
  return { file, start: statSync(path).size };
}

/** Runs initdb for an empty data folder; `passwordPath` is read once. The folder appears only when it is complete. */
export async function createDataFolder(
  place: ServerPlace,
  options: { draftFolder: string; passwordPath: string },
): Promise<void> {
  const log = openLog(place.logPath);
  try {
    const child = startProgram(place, {
      program: "initdb",
      arguments: [
        `--pgdata=${options.draftFolder}`,
        `--username=${SERVER_USER}`,
        `--pwfile=${options.passwordPath}`,
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        // The builtin provider sorts by code point on every machine; the system's locales change between versions.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
      ],
      logFile: log.file,
    });
    const end = await watchEnd(child);
    if (end.code !== 0) throw describeFailure(place, { program: "initdb", end, logStart: log.start });
    renameSync(options.draftFolder, place.dataFolder);
  } finally {
    closeSync(log.file);
  }
}

function isPostmaster(pid: number, dataFolder: string): boolean {
  if (process.platform !== "linux") return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataFolder);
  } catch (error) {
    // Another account's process may be hidden; taking it for the server leads to a clear error, the contrary to two servers.
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

/** The server that runs on the data folder, by its postmaster.pid; undefined where that file is absent or left behind. */
export function findServer(dataFolder: string): RunningServer | undefined {
  const path = join(dataFolder, "postmaster.pid");
  if (!existsSync(path)) return undefined;
  // https://www.postgresql.org/docs/18/storage-file-layout.html: pid, folder, start, port, socket folder, address, memory, status
  const lines = readFileSync(path, "utf8").split("\n");
  const postmaster = findProcess(Number(lines[0]));
  if (postmaster === undefined || !isPostmaster(postmaster.pid, dataFolder)) return undefined;
  return { process: postmaster, port: Number(lines[3] ?? 0), isReady: lines[7]?.trim() === "ready" };
}

function portLeftBehind(dataFolder: string): number | undefined {
  const path = join(dataFolder, "postmaster.pid");
  return existsSync(path) ? Number(readFileSync(path, "utf8").split("\n")[3]) || undefined : undefined;
}

/** A port of 127.0.0.1 that is free now: `wanted` if it is, otherwise any. */
function findFreePort(wanted = 0): Promise<number> {
  return new Promise((settle, fail) => {
    const probe = createServer();
    probe.once("error", (error) => (wanted === 0 ? fail(error) : settle(findFreePort())));
    probe.listen({ host: "127.0.0.1", port: wanted, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => settle(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function notReady(logPath: string): AttestryError {
  return new AttestryError(
    "database_unavailable",
    `PostgreSQL is not ready after ${DATABASE_START_TIMEOUT_MS} ms; see ${logPath}`,
  );
}

/** The server that runs on the data folder, once it answers; undefined where none runs, or where it ends while it is waited for. */
export async function findReadyServer(
  place: Pick<ServerPlace, "dataFolder" | "logPath">,
): Promise<RunningServer | undefined> {
  const deadline = Date.now() + DATABASE_START_TIMEOUT_MS;
  for (;;) {
    const server = findServer(place.dataFolder);
    // A server that was just killed is still in the process table and its file says ready, but it answers nobody.
    if (server === undefined || (server.isReady && (await answers(server.port)))) return server;
    if (Date.now() > deadline) throw notReady(place.logPath);
    await sleep(POLL_MS);
  }
}

// https://www.postgresql.org/docs/18/protocol-message-formats.html, SSLRequest: any living server answers it with one byte.
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);

/** Whether a PostgreSQL server answers on a port of 127.0.0.1. Being connected is not enough: the kernel does that for the dying, too. */
function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ host: "127.0.0.1", port });
    const end = (isAnswered: boolean) => () => {
      socket.destroy();
      settle(isAnswered);
    };
    socket.setTimeout(DATABASE_ANSWER_TIMEOUT_MS);
    socket.once("connect", () => socket.write(SSL_REQUEST));
    socket.once("data", end(true));
    for (const event of ["error", "close", "timeout"]) socket.once(event, end(false));
  });
}

async function startOnPort(place: ServerPlace, port: number): Promise<RunningServer> {
  const log = openLog(place.logPath);
  try {
    const settings = Object.entries({ ...SERVER_SETTINGS, port }).flatMap(([name, value]) => [
      "-c",
      `${name}=${value}`,
    ]);
    const child = startProgram(place, {
      program: "postgres",
      arguments: ["-D", place.dataFolder, ...settings],
      logFile: log.file,
    });
    child.unref();
    let end: ProgramEnd | undefined;
    void watchEnd(child).then((value) => {
      end = value;
    });
    const deadline = Date.now() + DATABASE_START_TIMEOUT_MS;
    for (;;) {
      const server = findServer(place.dataFolder);
      if (server?.isReady) return server;
      if (end !== undefined) throw describeFailure(place, { program: "postgres", end, logStart: log.start, port });
      if (Date.now() > deadline) {
        child.kill("SIGINT");
        throw notReady(place.logPath);
      }
      await sleep(POLL_MS);
    }
  } finally {
    closeSync(log.file);
  }
}

/** Starts a server on a data folder where `findServer` found none. `port` undefined: a free one, if possible the one of before a crash. */
export async function startServer(place: ServerPlace, options: { port?: number | undefined }): Promise<RunningServer> {
  const previousPort = portLeftBehind(place.dataFolder);
  // PostgreSQL takes any living process of the same user with this pid for its predecessor and refuses to start.
  if (previousPort !== undefined) rmSync(join(place.dataFolder, "postmaster.pid"), { force: true });
  const deadline = Date.now() + DATABASE_STOP_TIMEOUT_MS;
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await findFreePort(attempt === 1 ? previousPort : undefined));
    try {
      return await startOnPort(place, port);
    } catch (error) {
      const lostRace =
        isAttestryError(error, "database_port_in_use") &&
        options.port === undefined &&
        attempt < FREE_PORT_ATTEMPTS_MAX;
      // After kill -9 of the server its own children live on for a moment and hold its shared memory.
      const childrenLeft = isAttestryError(error, "database_in_use") && Date.now() < deadline;
      if (!lostRace && !childrenLeft) throw error;
      if (childrenLeft) await sleep(10 * POLL_MS);
    }
  }
}

/** Ends the server: open transactions are rolled back, connections closed, everything written out. */
export async function stopServer(server: RunningServer): Promise<void> {
  const deadline = Date.now() + DATABASE_STOP_TIMEOUT_MS;
  if (isProcessRunning(server.process)) process.kill(server.process.pid, "SIGINT"); // fast shutdown
  while (isProcessRunning(server.process)) {
    if (Date.now() > deadline) {
      throw new AttestryError(
        "database_unavailable",
        `PostgreSQL (process ${server.process.pid}) does not stop; end it by hand`,
      );
    }
    await sleep(POLL_MS);
  }
}
