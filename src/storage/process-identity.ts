// Which process is meant by a pid, also after the number was given to another one. Never signals anything.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process of this machine; `startedAt` is opaque and differs for every process that ever had this pid. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

// proc_pid_stat(5): field 3 is the state, field 22 the start in clock ticks since boot. The command in field 2 may hold
// blanks and brackets, so counting starts after its last bracket. Ticks repeat after a reboot, hence the boot id.
function linuxStart(pid: number): string | undefined {
  const stat = readIfPresent(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return `${readIfPresent("/proc/sys/kernel/random/boot_id")?.trim() ?? ""}:${fields[19]}`;
}

function portableStart(pid: number): string | undefined {
  try {
    const [state, ...start] = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    })
      .trim()
      .split(/\s+/);
    return state === undefined || state.startsWith("Z") ? undefined : start.join(" ");
  } catch {
    return undefined;
  }
}

/** The process that has this pid now; undefined where there is none or only a zombie, which holds no file or port. */
export function findProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? linuxStart(pid) : portableStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** The calling process. */
export function currentProcess(): ProcessIdentity {
  const self = findProcess(process.pid);
  if (self === undefined) throw new Error("the running process cannot see itself: is /proc mounted and ps installed?");
  return self;
}

export function isProcessRunning(identity: ProcessIdentity): boolean {
  return findProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** Reads what a lock or lease file holds; undefined for anything else, such as a file its writer did not finish. */
export function parseProcessIdentity(text: string): ProcessIdentity | undefined {
  try {
    const { pid, startedAt } = JSON.parse(text) as Partial<ProcessIdentity>;
    return Number.isSafeInteger(pid) && typeof startedAt === "string" ? { pid: pid!, startedAt } : undefined;
  } catch {
    return undefined;
  }
}
