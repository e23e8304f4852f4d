// The lock between processes, with holders that are killed while they hold it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { withFileLock } from "../../src/storage/file-lock.ts";
import { currentProcess } from "../../src/storage/process-identity.ts";

const ROUNDS = 60;
const program = fileURLToPath(new URL("lock-process.ts", import.meta.url));
let folder: string;
let path: string;
let journal: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "attestry-lock-"));
  path = join(folder, "lock");
  journal = join(folder, "journal");
  writeFileSync(journal, "");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function startHolder(): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", program, path, journal, String(ROUNDS)], { stdio: "inherit" });
}

it("is held by one process at a time, whoever is killed while holding it", { timeout: 60_000 }, async () => {
  const killed = new Set<number>();
  const holders = Array.from({ length: 4 }, startHolder);
  const victims = Array.from({ length: 4 }, startHolder);
  const ends = holders.map((holder) => once(holder, "exit"));
  for (const victim of victims) {
    const holds = () => readFileSync(journal, "utf8").endsWith(`enter ${victim.pid}\n`);
    while (!holds() && victim.exitCode === null) await sleep(1);
    victim.kill("SIGKILL");
    killed.add(victim.pid!);
  }
  expect(await Promise.all(ends)).toEqual(holders.map(() => [0, null]));

  let holder: number | undefined;
  for (const line of readFileSync(journal, "utf8").trim().split("\n")) {
    const [event, pid] = [line.split(" ")[0], Number(line.split(" ")[1])];
    if (event === "enter") {
      if (holder !== undefined && !killed.has(holder)) throw new Error(`${pid} entered while ${holder} held the lock`);
      holder = pid;
    } else {
      expect(holder).toBe(pid);
      holder = undefined;
    }
  }
  expect(existsSync(path)).toBe(false);
});

it("is taken from a process whose pid now belongs to another, and leaves nothing behind", async () => {
  const recycled = { id: "earlier", ...currentProcess(), startedAt: "before the last boot" };
  writeFileSync(path, JSON.stringify(recycled));
  expect(await withFileLock({ path, timeoutMs: 1_000 }, async () => "held")).toBe("held");
  expect(readdirSync(folder)).toEqual(["journal"]);
});

it("is not taken from a living process, and says which one holds it", async () => {
  writeFileSync(path, JSON.stringify({ id: "other", ...currentProcess() }));
  await expect(withFileLock({ path, timeoutMs: 50 }, async () => "held")).rejects.toMatchObject({
    code: "database_in_use",
    message: expect.stringContaining(`process ${process.pid}`),
  });
});

it("is given back when the work fails", async () => {
  await expect(withFileLock({ path, timeoutMs: 50 }, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(existsSync(path)).toBe(false);
});
