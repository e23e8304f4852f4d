// The embedded PostgreSQL of one data directory, shared by every process that opens it. Knows no database in it and no table.
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AttestryError } from "../errors.ts";
import { DATABASE_LOCK_TIMEOUT_MS } from "../limits.ts";
import type { Logger } from "../logger.ts";
import { withFileLock } from "./file-lock.ts";
import { beginLease, countLeases } from "./lease.ts";
import {
  createDataFolder,
  findReadyServer,
  findServer,
  type RunningServer,
  SERVER_USER,
  type ServerPlace,
  startServer,
  stopServer,
} from "./server.ts";
import {
  chooseServerAccount,
  giveFileToAccount,
  giveToAccount,
  type RootStrategy,
  reachableBinaries,
} from "./server-account.ts";
import { findServerBinaries } from "./server-binaries.ts";

export interface Cluster {
  readonly port: number;
  /** A `postgres://` URL with the password: a secret, never to be logged or put on a command line. */
  url(database: string): string;
  /** Says that this handle is done; the last handle of the last process stops the server. Safe to call again. */
  release(): Promise<void>;
}

export interface ClusterOptions {
  /** The data directory; everything of the cluster is in its folder `postgres`. */
  readonly directory: string;
  /** Counts only when this call starts the server. Default: a free one. */
  readonly port?: number | undefined;
  readonly logger: Pick<Logger, "info" | "warn">;
  /** How root runs the server; default: the first that works. */
  readonly rootStrategy?: RootStrategy | undefined;
}

/** <directory>/postgres: `data` (PGDATA), `password`, `server.log`, `lock`, `leases/`, perhaps `binaries-<version>/`. */
interface ClusterPaths {
  readonly folder: string;
  readonly data: string;
  readonly password: string;
  readonly log: string;
  readonly lock: string;
  readonly leases: string;
}

function clusterPaths(directory: string): ClusterPaths {
  const folder = join(resolve(directory), "postgres");
  return {
    folder,
    data: join(folder, "data"),
    password: join(folder, "password"),
    log: join(folder, "server.log"),
    lock: join(folder, "lock"),
    leases: join(folder, "leases"),
  };
}

const SYSTEM_ERRORS_OF_PERMISSION = new Set(["EACCES", "EPERM", "EROFS"]);

async function namingPermission<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, path, syscall } = error as NodeJS.ErrnoException;
    if (error instanceof AttestryError || code === undefined || !SYSTEM_ERRORS_OF_PERMISSION.has(code)) throw error;
    throw new AttestryError(
      "database_permission",
      `${syscall ?? "access"} of ${path ?? folder} is not permitted (${code}); give the data directory to the user who runs this, or choose another`,
      { cause: error },
    );
  }
}

function readPassword(paths: ClusterPaths): string {
  if (!existsSync(paths.password)) {
    throw new AttestryError(
      "database_unavailable",
      `${paths.password} is missing, and without it nobody can sign in to ${paths.data}; put it back from a backup, or move ${paths.folder} away to start empty`,
    );
  }
  return readFileSync(paths.password, "utf8").trim();
}

const DRAFT_REMOVAL = { recursive: true, force: true, maxRetries: 20, retryDelay: 50 } as const;

async function createData(paths: ClusterPaths, place: ServerPlace): Promise<void> {
  for (const name of readdirSync(paths.folder)) {
    // The initdb of a killed process may still be writing here, until it finds its files gone.
    if (name.startsWith("draft-")) await rm(join(paths.folder, name), DRAFT_REMOVAL);
  }
  const password = randomBytes(32).toString("base64url");
  writeFileSync(paths.password, password, { mode: 0o600, flush: true });
  const draft = join(paths.folder, `draft-${randomUUID()}`);
  // The server's account may be a stranger to the password file, so initdb reads a copy of its own.
  const passwordCopy = `${draft}.password`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    giveToAccount(place.account, draft);
    writeFileSync(passwordCopy, password, { mode: 0o600, flag: "wx" });
    giveFileToAccount(place.account, passwordCopy);
    await createDataFolder(place, { draftFolder: draft, passwordPath: passwordCopy });
  } finally {
    rmSync(passwordCopy, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

async function startOrJoin(paths: ClusterPaths, options: ClusterOptions): Promise<RunningServer> {
  const running = await findReadyServer({ dataFolder: paths.data, logPath: paths.log });
  if (running !== undefined) {
    options.logger.info({ port: running.port }, "joined the embedded database");
    return running;
  }
  const began = Date.now();
  const installed = findServerBinaries();
  const { rootStrategy } = options;
  const account = chooseServerAccount({ folder: paths.folder, dataFolder: paths.data, rootStrategy });
  const binaries = reachableBinaries(account, installed, paths.folder);
  const place = { dataFolder: paths.data, logPath: paths.log, account, binaries };
  if (existsSync(paths.data)) giveToAccount(account, paths.data);
  else await createData(paths, place);
  const started = await startServer(place, { port: options.port });
  options.logger.info(
    { port: started.port, as: account.name, milliseconds: Date.now() - began },
    "started the embedded database",
  );
  return started;
}

/** Under the lock: stops the server if no living process holds a lease. */
async function stopUnused(paths: ClusterPaths): Promise<void> {
  if (countLeases(paths.leases) > 0) return;
  const server = findServer(paths.data);
  if (server !== undefined) await stopServer(server);
}

/**
 * Starts the embedded PostgreSQL of a data directory (about a second when it is new, a tenth of that later), or joins the one
 * that runs there, also one whose starter died. Any number of processes may do this at the same time; never are there two servers.
 * Throws `database_port_in_use`, `database_permission`, `database_binary_missing`, `database_in_use`, `database_unavailable`.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const paths = clusterPaths(options.directory);
  const locked = <Result>(work: () => Promise<Result>) =>
    namingPermission(paths.folder, () => withFileLock({ path: paths.lock, timeoutMs: DATABASE_LOCK_TIMEOUT_MS }, work));

  await namingPermission(paths.folder, async () => mkdirSync(paths.folder, { recursive: true, mode: 0o700 }));
  const { lease, server, password } = await locked(async () => {
    const lease = beginLease(paths.leases);
    try {
      const server = await startOrJoin(paths, options);
      return { lease, server, password: readPassword(paths) };
    } catch (error) {
      lease.end();
      throw error;
    }
  });

  let released: Promise<void> | undefined;
  return {
    port: server.port,
    url: (database) => `postgres://${SERVER_USER}:${password}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`,
    release() {
      released ??= locked(async () => {
        lease.end();
        await stopUnused(paths);
      });
      return released;
    },
  };
}
