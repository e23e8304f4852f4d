// Decides as whom PostgreSQL runs, for it refuses uid 0. Starts nothing but probes; changes owners only of the cluster's own folder.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lchownSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AttestryError } from "../errors.ts";
import { programPath, type ServerBinaries } from "./server-binaries.ts";

/**
 * `namespace`: in a user namespace, where root is nobody in particular. `user`: as an unprivileged user.
 * `capability`: as such a user who may nevertheless enter every folder, where namespaces are forbidden and the data lies in root's home.
 */
export type RootStrategy = "namespace" | "user" | "capability";

interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

/** How a server program is started: `prefix` stands before its command line; `spawnAs` and `owner` (of its files) where root gives up its own. */
export interface ServerAccount {
  readonly name: string;
  readonly prefix: readonly string[];
  readonly spawnAs?: UserIds;
  readonly owner?: UserIds;
}

// Nothing else of the caller's environment: passphrases and tokens are in it, and PG* variables would change the server.
export const SERVER_ENVIRONMENT = { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" };

const CALLER: ServerAccount = { name: "the calling user", prefix: [] };
// An unmapped uid shows as 65534, in the process and on root's files alike: not 0, and PostgreSQL's test that it owns its
// data passes. Toward the kernel it stays root without capabilities, so root's folders of mode 0700 remain open to it.
const NAMESPACE: ServerAccount = { name: "root in a user namespace", prefix: ["unshare", "-U"] };

function userAccount(user: NamedUser): ServerAccount {
  const ids = { uid: user.uid, gid: user.gid };
  return { name: user.name, prefix: [], spawnAs: ids, owner: ids };
}

// capabilities(7): ambient capabilities outlive execve. access(2) ignores those of an unprivileged user unless no_setuid_fixup
// is set, and PostgreSQL looks for its own files with access(2). Everything else root could do is dropped for good.
function capabilityAccount(user: NamedUser): ServerAccount {
  const only = "-all,+dac_override";
  return {
    name: `${user.name} with CAP_DAC_OVERRIDE`,
    prefix: [
      ...["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", "--no-new-privs"],
      ...["--securebits=+no_setuid_fixup", `--bounding-set=${only}`, `--inh-caps=${only}`, `--ambient-caps=${only}`],
    ],
    owner: { uid: user.uid, gid: user.gid },
  };
}

function run(account: ServerAccount, command: readonly string[]): boolean {
  const [program, ...rest] = [...account.prefix, ...command];
  return (
    spawnSync(program!, rest, { cwd: "/", env: SERVER_ENVIRONMENT, stdio: "ignore", ...account.spawnAs }).status === 0
  );
}

interface NamedUser extends UserIds {
  readonly name: string;
}

function findUser(name: string): NamedUser | undefined {
  const ask = (option: string) => spawnSync("id", [option, name], { encoding: "utf8", env: SERVER_ENVIRONMENT });
  const [uid, gid] = [ask("-u"), ask("-g")];
  if (uid.status !== 0 || gid.status !== 0) return undefined;
  return { name: `user ${name}`, uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

function findOwner(path: string): NamedUser | undefined {
  const { uid, gid } = statSync(path);
  return uid === 0 ? undefined : { name: `the owner of ${path} (uid ${uid})`, uid, gid };
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

function chooseNamespace(folder: string): ServerAccount | AttestryError {
  if (!run(NAMESPACE, ["true"])) {
    return new AttestryError("database_permission", "user namespaces are forbidden here: `unshare -U true` fails");
  }
  const barrier = findBarrier(NAMESPACE, folder);
  return barrier === undefined ? NAMESPACE : unreachable(NAMESPACE, barrier);
}

/** Opens the folder and the one around it, which are ours, for entering (not listing) where that is what the user lacks. */
function chooseUser(users: readonly NamedUser[], folder: string): ServerAccount | AttestryError {
  let refusal = new AttestryError(
    "database_permission",
    "PostgreSQL refuses root, and there is neither a user postgres nor nobody; start as an ordinary user, or set DATABASE_URL",
  );
  const ours = [dirname(folder), folder];
  for (const account of users.map(userAccount)) {
    let barrier = findBarrier(account, folder);
    while (barrier !== undefined && ours.includes(barrier) && (statSync(barrier).mode & 0o001) === 0) {
      chmodSync(barrier, (statSync(barrier).mode & 0o777) | 0o001);
      barrier = findBarrier(account, folder);
    }
    if (barrier === undefined) return account;
    refusal = unreachable(account, barrier);
  }
  return refusal;
}

function chooseCapability(users: readonly NamedUser[], folder: string): ServerAccount | AttestryError {
  const account = users.map(capabilityAccount).find((candidate) => findBarrier(candidate, folder) === undefined);
  return (
    account ??
    new AttestryError(
      "database_permission",
      `setpriv cannot keep CAP_DAC_OVERRIDE here, so nobody but root can enter ${folder}`,
    )
  );
}

/**
 * As whom the server of the cluster in `folder` runs: the caller; for root the first way that works, or `rootStrategy`.
 * `dataFolder`: where its files are or will be; if they belong to an ordinary user already, it is that one.
 * Throws `database_permission` naming the path that cannot be reached.
 */
export function chooseServerAccount(options: {
  folder: string;
  dataFolder: string;
  rootStrategy?: RootStrategy | undefined;
}): ServerAccount {
  const { rootStrategy } = options;
  if (process.getuid?.() !== 0) return CALLER;
  const folder = resolve(options.folder);
  const owner = existsSync(options.dataFolder) ? findOwner(options.dataFolder) : undefined;
  const parent = dirname(folder);
  const users = owner
    ? [owner]
    : [findOwner(parent), findOwner(dirname(parent)), findUser("postgres"), findUser("nobody")].filter(
        (user) => user !== undefined,
      );
  const ways: Record<RootStrategy, () => ServerAccount | AttestryError> = {
    namespace: () => chooseNamespace(folder),
    user: () => chooseUser(users, folder),
    capability: () => chooseCapability(users, folder),
  };
  const order: RootStrategy[] = owner
    ? ["user", "capability"]
    : rootStrategy
      ? [rootStrategy]
      : ["namespace", "user", "capability"];
  const refusals: AttestryError[] = [];
  for (const way of order) {
    const choice = ways[way]();
    if (!(choice instanceof AttestryError)) return choice;
    refusals.push(choice);
  }
  // What stopped the unprivileged user is what the operator can mend.
  throw refusals[order.indexOf("user")] ?? refusals[0]!;
}

/** Gives a file or folder and all below it to the account; follows no link. */
export function giveToAccount(account: ServerAccount, path: string): void {
  if (account.owner === undefined) return;
  const { uid, gid } = account.owner;
  lchownSync(path, uid, gid);
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    lchownSync(join(entry.parentPath, entry.name), uid, gid);
  }
}

/** Gives one file to the account. */
export function giveFileToAccount(account: ServerAccount, path: string): void {
  if (account.owner !== undefined) chownSync(path, account.owner.uid, account.owner.gid);
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
