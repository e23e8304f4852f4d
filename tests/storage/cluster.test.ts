// The embedded PostgreSQL across processes, kills and restarts.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { silentLogger } from "../../src/logger.ts";
import { type Cluster, openCluster } from "../../src/storage/cluster.ts";
import { connectDatabase } from "../../src/storage/database.ts";
import { isProcessRunning } from "../../src/storage/process-identity.ts";
import { findServer, stopServer } from "../../src/storage/server.ts";
import { reachableBinaries } from "../../src/storage/server-account.ts";
import { findServerBinaries, programPath } from "../../src/storage/server-binaries.ts";

const TIMEOUT = { timeout: 60_000 };
const logger = silentLogger;
const program = fileURLToPath(new URL("cluster-process.ts", import.meta.url));
const IS_ROOT = process.getuid?.() === 0;

// Making the data folder takes longer than all else here; tests that are not about it start from a copy.
let seed: string;
beforeAll(async () => {
  seed = mkdtempSync(join(tmpdir(), "attestry-seed-"));
  await (await openCluster({ directory: seed, logger })).release();
}, 60_000);
afterAll(() => rmSync(seed, { recursive: true, force: true }));

function openSeeded(): Promise<Cluster> {
  expect(spawnSync("cp", ["-a", join(seed, "postgres"), directory]).status).toBe(0);
  return openCluster({ directory, logger });
}

let directory: string;
let data: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "attestry-cluster-"));
  data = join(directory, "postgres", "data");
});
afterEach(async () => {
  const server = findServer(data);
  if (server !== undefined) await stopServer(server);
  rmSync(directory, { recursive: true, force: true });
});

interface Opened {
  readonly child: ChildProcess;
  readonly answer: { port?: number; url?: string; code?: string; message?: string };
}

async function openInProcess(
  options: { prefix?: string[]; rootStrategy?: string; directory?: string } = {},
): Promise<Opened> {
  const command = [
    ...(options.prefix ?? []),
    process.execPath,
    ...["--import", "tsx", program, options.directory ?? directory],
    ...(options.rootStrategy ? [options.rootStrategy] : []),
  ];
  const child = spawn(command[0]!, command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  return { child, answer: JSON.parse(line) as Opened["answer"] };
}

async function leave(opened: Opened): Promise<void> {
  const end = once(opened.child, "exit");
  opened.child.stdin!.end();
  expect(await end).toEqual([0, null]);
}

async function kill(child: ChildProcess): Promise<void> {
  const end = once(child, "exit");
  child.kill("SIGKILL");
  await end;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const database = connectDatabase({ url, poolMax: 1 });
  try {
    return [...(await database.sql.unsafe(text))];
  } finally {
    await database.close();
  }
}

it("keeps its data over a restart and stops with its last handle", TIMEOUT, async () => {
  const first = await openCluster({ directory, logger });
  const second = await openCluster({ directory, logger });
  expect(second.port).toBe(first.port);
  await query(first.url("postgres"), "CREATE TABLE kept AS SELECT 7 AS n");
  await Promise.all([first.release(), first.release()]);
  expect(await query(second.url("postgres"), "SELECT n FROM kept")).toEqual([{ n: 7 }]);
  await second.release();
  expect(findServer(data)).toBeUndefined();
  expect(readdirSync(join(directory, "postgres", "leases"))).toEqual([]);

  const third = await openCluster({ directory, logger });
  expect(await query(third.url("postgres"), "SELECT n FROM kept")).toEqual([{ n: 7 }]);
  await third.release();
  expect(readdirSync(join(directory, "postgres")).sort()).toEqual(["data", "leases", "password", "server.log"]);
});

it("is one server for processes that open it at the same moment, until the last of them leaves", TIMEOUT, async () => {
  const opened = await Promise.all([1, 2, 3, 4].map(() => openInProcess()));
  expect(new Set(opened.map(({ answer }) => answer.port)).size).toBe(1);
  const server = findServer(data)!;
  for (const one of opened) {
    expect(isProcessRunning(server.process)).toBe(true);
    await leave(one);
  }
  expect(isProcessRunning(server.process)).toBe(false);
});

it("runs on when its starter is killed; the next process adopts it and may stop it", TIMEOUT, async () => {
  const starter = await openInProcess();
  const before = findServer(data)!;
  await kill(starter.child);
  const cluster = await openCluster({ directory, logger });
  expect(findServer(data)?.process).toEqual(before.process);
  expect(await query(cluster.url("postgres"), "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  await cluster.release();
  expect(isProcessRunning(before.process)).toBe(false);
});

it("recovers what was committed after kill -9 of the server, on the same port", TIMEOUT, async () => {
  const cluster = await openSeeded();
  const database = connectDatabase({ url: cluster.url("postgres"), poolMax: 2 });
  await database.sql`CREATE TABLE kept AS SELECT 8 AS n`;
  process.kill(findServer(data)!.process.pid, "SIGKILL");
  const again = await openCluster({ directory, logger });
  expect(again.port).toBe(cluster.port);
  // A pool of before the crash connects anew by itself; each of its dead connections may fail one query first.
  const read = () => database.sql`SELECT n FROM kept`.then((rows) => [...rows]).catch(() => undefined);
  await expect.poll(read, { timeout: 10_000, interval: 50 }).toEqual([{ n: 8 }]);
  await database.close();
  await again.release();
  expect(findServer(data)).toBeDefined();
  await cluster.release();
  expect(findServer(data)).toBeUndefined();
});

it("starts over a pid file whose number now belongs to another process", TIMEOUT, async () => {
  await (await openSeeded()).release();
  const other = spawn("sleep", ["60"]);
  writeFileSync(join(data, "postmaster.pid"), `${other.pid}\n${data}\n1\n5432\n\n127.0.0.1\n0 0\nready\n`);
  const cluster = await openCluster({ directory, logger });
  expect(findServer(data)?.process.pid).not.toBe(other.pid);
  await cluster.release();
  expect(findServer(data)).toBeUndefined();
  expect(other.kill()).toBe(true);
});

it("begins again when the process that made the data folder was killed before it was complete", TIMEOUT, async () => {
  const child = spawn(process.execPath, ["--import", "tsx", program, directory], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  const folder = join(directory, "postgres");
  const hasDraft = () => existsSync(folder) && readdirSync(folder).some((name) => name.startsWith("draft-"));
  while (!hasDraft()) await new Promise((resume) => setTimeout(resume, 5));
  await kill(child);
  expect(existsSync(data)).toBe(false);
  const cluster = await openCluster({ directory, logger });
  expect(await query(cluster.url("postgres"), "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  await cluster.release();
});

it("says that a wanted port is taken, and holds no lease then", TIMEOUT, async () => {
  const occupant = createServer().listen(0, "127.0.0.1");
  await once(occupant, "listening");
  const { port } = occupant.address() as { port: number };
  await expect(openCluster({ directory, port, logger })).rejects.toMatchObject({
    code: "database_port_in_use",
    message: expect.stringContaining(`port ${port}`),
  });
  expect(readdirSync(join(directory, "postgres", "leases"))).toEqual([]);
  occupant.close();
  const cluster = await openCluster({ directory, port, logger });
  expect(cluster.port).toBe(port);
  await cluster.release();
});

it("shows its password to no process list or log, and is in a session of its own", TIMEOUT, async () => {
  const cluster = await openSeeded();
  const passwordPath = join(directory, "postgres", "password");
  const password = readFileSync(passwordPath, "utf8");
  expect(password).toMatch(/^[\w-]{43}$/);
  expect(statSync(passwordPath).mode & 0o777).toBe(0o600);
  const server = findServer(data)!;
  await query(cluster.url("postgres"), `SELECT '${password}'::int`).catch(() => undefined);
  for (const text of [
    `/proc/${server.process.pid}/cmdline`,
    `/proc/${server.process.pid}/environ`,
    join(directory, "postgres", "server.log"),
  ]) {
    if (existsSync(text)) expect(readFileSync(text, "utf8")).not.toContain(password);
  }
  const wrong = new URL(cluster.url("postgres"));
  wrong.password = "wrong";
  await expect(query(wrong.href, "SELECT 1")).rejects.toThrow("password authentication failed");
  // Its own session: the terminal's signals go to the node's process group only.
  if (process.platform === "linux") {
    const stat = readFileSync(`/proc/${server.process.pid}/stat`, "utf8");
    expect(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3])).toBe(server.process.pid);
  }
  await cluster.release();
});

it("says so when the password file is gone", TIMEOUT, async () => {
  await (await openSeeded()).release();
  rmSync(join(directory, "postgres", "password"));
  await expect(openCluster({ directory, logger })).rejects.toMatchObject({
    code: "database_unavailable",
    message: expect.stringContaining("password is missing"),
  });
});

function makeHome(): string {
  chmodSync(directory, 0o755);
  const home = join(directory, "home");
  mkdirSync(home, { mode: 0o700 });
  return home;
}

const ORDINARY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];

it.runIf(IS_ROOT)("starts for an ordinary user, and refuses a folder of another with its name", TIMEOUT, async () => {
  chmodSync(directory, 0o777);
  const opened = await openInProcess({ prefix: ORDINARY });
  expect(opened.answer).toMatchObject({ port: expect.any(Number) });
  expect(statSync(data).uid).toBe(65534);
  await leave(opened);

  // Root starts what an ordinary user made as that user, so that the user still can afterwards.
  const cluster = await openCluster({ directory, logger });
  expect(await query(cluster.url("postgres"), "SELECT 1 AS n")).toEqual([{ n: 1 }]);
  await cluster.release();
  await leave(await openInProcess({ prefix: ORDINARY }));

  const closed = join(directory, "closed");
  await (await openCluster({ directory: closed, logger })).release();
  const { answer } = await openInProcess({ prefix: ORDINARY, directory: closed });
  expect(answer).toMatchObject({ code: "database_permission", message: expect.stringContaining(closed) });
});

it.runIf(IS_ROOT).each(["namespace", "user"] as const)(
  "starts for root by way of %s",
  TIMEOUT,
  async (rootStrategy) => {
    const cluster = await openCluster({ directory, logger, rootStrategy });
    expect(await query(cluster.url("postgres"), "SELECT 1 AS n")).toEqual([{ n: 1 }]);
    expect(statSync(data).uid === 0).toBe(rootStrategy === "namespace");
    await cluster.release();
  },
);

it.runIf(IS_ROOT)("goes from namespace to user when namespaces are taken away, with its data", TIMEOUT, async () => {
  const before = await openCluster({ directory, logger, rootStrategy: "namespace" });
  await query(before.url("postgres"), "CREATE TABLE kept AS SELECT 9 AS n");
  await before.release();
  const after = await openCluster({ directory, logger, rootStrategy: "user" });
  expect(await query(after.url("postgres"), "SELECT n FROM kept")).toEqual([{ n: 9 }]);
  await after.release();
});

it.runIf(IS_ROOT)(
  "names the closed home folder that an unprivileged user cannot enter, and leaves it closed",
  TIMEOUT,
  async () => {
    const home = makeHome();
    await expect(openCluster({ directory: join(home, "data"), logger, rootStrategy: "user" })).rejects.toMatchObject({
      code: "database_permission",
      message: expect.stringContaining(`cannot enter ${home};`),
    });
    expect(statSync(home).mode & 0o777).toBe(0o700);
  },
);

it.runIf(IS_ROOT).each(["namespace", "capability"] as const)(
  "starts below a closed home folder by way of %s",
  TIMEOUT,
  async (rootStrategy) => {
    const inside = join(makeHome(), "clone", "data");
    const cluster = await openCluster({ directory: inside, logger, rootStrategy });
    expect(await query(cluster.url("postgres"), "SELECT 1 AS n")).toEqual([{ n: 1 }]);
    await cluster.release();
    const again = await openCluster({ directory: inside, logger });
    expect(await query(again.url("postgres"), "SELECT 1 AS n")).toEqual([{ n: 1 }]);
    await again.release();
  },
);

it.runIf(IS_ROOT)("runs as the ordinary user in whose closed home root keeps the data", TIMEOUT, async () => {
  const home = makeHome();
  chownSync(home, 65534, 65534);
  const cluster = await openCluster({ directory: join(home, "data"), logger });
  expect(statSync(join(home, "data", "postgres", "data")).uid).toBe(65534);
  await cluster.release();
});

it.runIf(IS_ROOT)("copies binaries that the server's user cannot reach, once", TIMEOUT, () => {
  const home = makeHome();
  const installed = findServerBinaries();
  const hidden = { root: join(home, "native"), version: installed.version };
  cpSync(installed.root, hidden.root, { recursive: true, verbatimSymlinks: true });
  const folder = join(directory, "open");
  mkdirSync(folder, { mode: 0o711 });
  const account = { name: "nobody", prefix: [], spawnAs: { uid: 65534, gid: 65534 } };
  const copied = reachableBinaries(account, hidden, folder);
  expect(copied.root).toBe(join(folder, `binaries-${installed.version}`));
  const version = spawnSync(programPath(copied, "postgres"), ["--version"], {
    uid: 65534,
    gid: 65534,
    encoding: "utf8",
    cwd: "/",
  });
  expect(version.stdout).toContain("PostgreSQL");
  const made = statSync(copied.root).ino;
  expect(statSync(reachableBinaries(account, hidden, folder).root).ino).toBe(made);
  expect(reachableBinaries(account, installed, folder)).toEqual(installed);
});
