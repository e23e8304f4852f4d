// Who uses the cluster: one file per open cluster handle. Read and written only under the cluster's lock.
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { currentProcess, isProcessRunning, parseProcessIdentity } from "./process-identity.ts";

export interface Lease {
  end(): void;
}

/** Notes in `folder` that this process uses the cluster until `end`, or until it dies. */
export function beginLease(folder: string): Lease {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, randomUUID());
  writeFileSync(path, JSON.stringify(currentProcess()), { mode: 0o600, flag: "wx" });
  return { end: () => rmSync(path, { force: true }) };
}

/** Counts the leases of living processes and removes the others: under the lock nobody is halfway through writing one. */
export function countLeases(folder: string): number {
  let count = 0;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const holder = parseProcessIdentity(readFileSync(path, "utf8"));
    if (holder !== undefined && isProcessRunning(holder)) count += 1;
    else rmSync(path, { force: true });
  }
  return count;
}
