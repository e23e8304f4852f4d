// The built program as child processes, as operators run it. Test code only.
import { type ChildProcess, execFile, fork } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MAIN = join(ROOT, "dist/main.js");
const run = promisify(execFile);

function newestChange(directory: string): number {
  return Math.max(
    ...readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
}

/** Builds `dist` if a source is newer: `npm test` builds before, a single test run by hand may not. */
export async function ensureBuilt(): Promise<void> {
  const built = statSync(MAIN, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built >= newestChange(join(ROOT, "src"))) return;
  await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", join(ROOT, "tsconfig.build.json")]);
}

/** Runs one command to its end; gives what it printed. */
export async function runAttestry(...args: string[]): Promise<string> {
  return (await run(process.execPath, [MAIN, ...args])).stdout.trim();
}

/** Starts `attestry serve`; resolves once it listens. */
export function startServing(...args: string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = fork(MAIN, ["serve", "--log-level", "silent", ...args], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    child.once("message", () => resolve(child));
    child.once("exit", (code, signal) => reject(new Error(`serve ended with ${code ?? signal} before it listened`)));
  });
}
