// Decides as whom PostgreSQL runs, for it refuses uid 0. Starts nothing but probes; changes owners only of the cluster's own folder.
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, lchownSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AttestryError } from "../errors.ts";
import { programPath, type ServerBinaries } from "./server-binaries.ts";

/** `namespace`: in a user namespace, where root is nobody in particular. `user`: as an unprivileged user. */
export type RootStrategy = "namespace" | "user";

/** How a server program is started: `prefix` stands before its command line; `uid` and `gid` where root gives up its own. */
export interface ServerAccount {
  readonly name: string;
  readonly prefix: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

// Nothing else of the caller's environment: passphrases and tokens are in it, and PG* variables would change the server.
export const SERVER_ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" };

const CALLER: ServerAccount = { name: "the calling user", prefix: [] };
// An unmapped uid shows as 65534, in the process and on root's files alike: not 0, and PostgreSQL's test that it owns its
// data passes. Toward the kernel it stays root without capabilities, so root's folders of mode 0700 remain open to it.
const NAMESPACE: ServerAccount = { name: "root in a user namespace", prefix: ["unshare", "-U"] };

function run(account: ServerAccount, command: readonly string[]): boolean {
  const [program, ...rest] = [...account.prefix, ...command];
  const { uid, gid } = account;
  return (
    spawnSync(program!, rest, {
      cwd: "/",
      env: SERVER_ENVIRONMENT,
      stdio: "ignore",
      ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
    }).status === 0
  );
}

function findUser(name: string): ServerAccount | undefined {
  const ask = (option: string) => spawnSync("id", [option, name], { encoding: "utf8", env: SERVER_ENVIRONMENT });
  const [uid, gid] = [ask("-u"), ask("-g")];
  if (uid.status !== 0 || gid.status !== 0) return undefined;
  return { name: `user ${name}`, prefix: [], uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function ownerOf(path: string): ServerAccount | undefined {
  const { uid, gid } = statSync(path);
  return uid === 0 ? undefined : { name: `the owner of ${path} (uid ${uid})`, prefix: [], uid, gid };
}

/** The first folder on the way from `/` to `path`, or `path` itself, that the account may not enter. */
function findBarrier(account: ServerAccount, path: string): string | undefined {
  const way = [path];
  while (dirname(way[0]!) !== way[0]) way.unshift(dirname(way[0]!));
  return way.find((step) => !run(account, ["test", "-x", step]));
}

function unreachable(account: ServerAccount, barrier: string): AttestryError {
  return new AttestryError(
    "database_permission",
    `${account.name}, as which PostgreSQL must run because it refuses root, cannot enter ${barrier}; ` +
      "choose a data directory below folders that everyone may enter (such as /var/lib/attestry), or start as an ordinary user",
  );
}

/**
 * As whom the server of the cluster in `folder` runs. `dataExists`: its files exist, and then their owner decides.
 * The folder itself and the one around it, which are ours, are opened for entering (not listing) where that is what is missing.
 * Throws `database_permission` naming the path that cannot be reached.
 */
export function chooseServerAccount(options: {
  folder: string;
  dataFolder: string;
  dataExists: boolean;
  rootStrategy?: RootStrategy | undefined;
}): ServerAccount {
  const folder = resolve(options.folder);
  if (process.getuid?.() !== 0) return CALLER;
  const owner = options.dataExists ? ownerOf(options.dataFolder) : undefined;
  if (owner === undefined && options.rootStrategy !== "user") {
    if (run(NAMESPACE, ["true"])) {
      const barrier = findBarrier(NAMESPACE, folder);
      if (barrier === undefined) return NAMESPACE;
      if (options.rootStrategy === "namespace") throw unreachable(NAMESPACE, barrier);
    } else if (options.rootStrategy === "namespace") {
      throw new AttestryError("database_permission", "user namespaces are forbidden here: `unshare -U true` fails");
    }
  }
  const parent = dirname(folder);
  const candidates = owner
    ? [owner]
    : [ownerOf(parent), ownerOf(dirname(parent)), findUser("postgres"), findUser("nobody")].filter(
        (user) => user !== undefined,
      );
  let refusal = new AttestryError(
    "database_permission",
    "PostgreSQL refuses root, user namespaces are forbidden, and there is neither a user postgres nor nobody; start as an ordinary user, or set DATABASE_URL",
  );
  for (const account of candidates) {
    let barrier = findBarrier(account, folder);
    while (
      barrier !== undefined &&
      (barrier === parent || barrier === folder) &&
      (statSync(barrier).mode & 0o001) === 0
    ) {
      chmodSync(barrier, statSync(barrier).mode | 0o001);
      barrier = findBarrier(account, folder);
    }
    if (barrier === undefined) return account;
    refusal = unreachable(account, barrier);
  }
  throw refusal;
}

/** Gives a file or folder and all below it to the account; follows no link. */
export function giveToAccount(account: ServerAccount, path: string): void {
  if (account.uid === undefined || account.gid === undefined) return;
  lchownSync(path, account.uid, account.gid);
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    lchownSync(join(entry.parentPath, entry.name), account.uid, account.gid);
  }
}

/** Gives one file to the account. */
export function giveFileToAccount(account: ServerAccount, path: string): void {
  if (account.uid !== undefined && account.gid !== undefined) chownSync(path, account.uid, account.gid);
}

/** The binaries where the account can run them: as installed, or else a copy in `folder` (60 MB, once per version). */
export function reachableBinaries(account: ServerAccount, installed: ServerBinaries, folder: string): ServerBinaries {
  if (findBarrier(account, programPath(installed, "postgres")) === undefined) return installed;
  const root = join(resolve(folder), `binaries-${installed.version}`);
  const copied = { root, version: installed.version };
  if (findBarrier(account, programPath(copied, "postgres")) === undefined) return copied;
  rmSync(root, { recursive: true, force: true });
  const draft = `${root}.new`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(installed.root, draft, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !source.endsWith(".a"),
  });
  chmodSync(draft, 0o755);
  renameSync(draft, root);
  const barrier = findBarrier(account, programPath(copied, "postgres"));
  if (barrier !== undefined) throw unreachable(account, barrier);
  return copied;
}
