// The built program's commands, run one after another by one process that stays: as tests/built-program.ts, without a start for each.
// What is about a process itself (signals, kills, its help) is for built-program.ts. Test code only.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const RUNNER = fileURLToPath(new URL("command-runner.mjs", import.meta.url));
const waiting = new Map<number, (outcome: Outcome) => void>();
let runner: ChildProcess | undefined;
let calls = 0;

function startRunner(): ChildProcess {
  const child = fork(RUNNER, { stdio: ["ignore", "inherit", "inherit", "ipc"], execArgv: [] });
  child.on("message", ({ id, ...outcome }: Outcome & { id: number }) => {
    waiting.get(id)?.(outcome);
    waiting.delete(id);
    // Between commands it keeps no test file from ending; it ends with it.
    if (waiting.size === 0) {
      child.unref();
      child.channel?.unref();
    }
  });
  child.on("exit", (code, signal) => {
    const outcome = { code: -1, stdout: "", stderr: `the runner of commands ended with ${code ?? signal}` };
    for (const resolve of waiting.values()) resolve(outcome);
    waiting.clear();
    runner = undefined;
  });
  return child;
}

/** One command to its end, after those that were asked for before. */
export function callProgram(
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; cwd?: string } = {},
): Promise<Outcome> {
  runner ??= startRunner();
  runner.ref();
  runner.channel?.ref();
  const id = calls++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    runner!.send({ id, args, ...options });
  });
}

/** As `runAttestry`: what it printed; rejects with `stderr` and `code` where the command failed. */
export async function callAttestry(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await callProgram(args);
  if (code === 0) return stdout.trim();
  throw Object.assign(new Error(`attestry ${args.join(" ")} ended with ${code}: ${stderr}`), { code, stdout, stderr });
}
