// A lock between processes, as a file. Survives kill -9 of its holder; never takes a lock from a living one.
import { randomUUID } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError } from "../errors.ts";
import { currentProcess, isProcessRunning, type ProcessIdentity, parseProcessIdentity } from "./process-identity.ts";

const RETRY_MS = 20;

interface LockOwner {
  readonly id: string;
  readonly process: ProcessIdentity;
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  const owner = text === undefined ? undefined : parseProcessIdentity(text);
  if (text === undefined || owner === undefined) return undefined;
  return { id: (JSON.parse(text) as { id: string }).id, process: owner };
}

// Two processes may both see the same dead owner. Removing is therefore done under a second lock that names this owner,
// and only while the first lock still is his: a slow process cannot remove the lock that a quick one has taken since.
async function removeDeadLock(path: string, owner: LockOwner, deadline: number): Promise<void> {
  const release = await acquire(`${path}.${owner.id}`, deadline);
  try {
    if ((await readOwner(path))?.id === owner.id) await rm(path, { force: true });
  } finally {
    await release();
  }
}

async function acquire(path: string, deadline: number): Promise<() => Promise<void>> {
  const id = randomUUID();
  const draft = `${path}-${id}`;
  await writeFile(draft, JSON.stringify({ id, ...currentProcess() }), { mode: 0o600, flag: "wx" });
  try {
    for (;;) {
      try {
        // link(2) fails where the name exists, and the name appears with its whole content: no half-written lock is ever read.
        await link(draft, path);
        return () => rm(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const owner = await readOwner(path);
      if (owner !== undefined && !isProcessRunning(owner.process)) {
        await removeDeadLock(path, owner, deadline);
      } else {
        if (Date.now() > deadline) {
          throw new AttestryError(
            "database_in_use",
            `${path} is held by process ${owner?.process.pid ?? "?"}, which is still starting or stopping the database; wait for it or end it`,
          );
        }
        await sleep(RETRY_MS);
      }
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Runs `work` while no other process, nor another call in this one, holds `path`. Throws `database_in_use` after `timeoutMs`. */
export async function withFileLock<Result>(
  options: { path: string; timeoutMs: number },
  work: () => Promise<Result>,
): Promise<Result> {
  const release = await acquire(options.path, Date.now() + options.timeoutMs);
  try {
    return await work();
  } finally {
    await release();
  }
}
