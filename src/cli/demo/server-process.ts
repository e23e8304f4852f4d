// One `attestry serve` in a process of its own: start it, wait until it listens, notice its end, stop it. Knows no federation.
import { type ChildProcess, execFile, fork } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { demoEnvironment } from "../../config.ts";
import { AttestryError } from "../../errors.ts";
import { DEMO_START_TIMEOUT_MS, DEMO_STOP_TIMEOUT_MS } from "../../limits.ts";

const LAST_LINES_MAX = 10;

export interface ServerProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has ended without having been told to, with a sentence about how. */
  readonly failed: Promise<string>;
  /** Ends the process and waits for it; after DEMO_STOP_TIMEOUT_MS it is killed. */
  stop(): Promise<void>;
}

/** Runs a command of this program as an operator would, and gives what it prints. Throws `demo_failed` with what it complained of. */
export async function runCommand(args: readonly string[]): Promise<string> {
  try {
    const command = [...process.execArgv, process.argv[1]!, ...args];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env: demoEnvironment() });
    return stdout;
  } catch (cause) {
    const { stderr } = cause as { stderr?: string };
    throw new AttestryError("demo_failed", `attestry ${args.join(" ")}: ${stderr?.trim() ?? String(cause)}`, { cause });
  }
}

/** A port of 127.0.0.1 on which nobody listens. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Throws `config_invalid` naming the first port on which another program listens. */
export async function checkPortsFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await new Promise<void>((resolve, reject) => {
      const probe = createServer();
      probe.once("error", (cause: NodeJS.ErrnoException) => {
        const reason = cause.code === "EADDRINUSE" ? "another program listens there" : cause.message;
        const advice = "stop it, or move the demo with --port-base N";
        reject(new AttestryError("config_invalid", `port ${port} cannot be used: ${reason}; ${advice}`, { cause }));
      });
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
    });
  }
}

function describeEnd(child: ChildProcess): string {
  return child.signalCode === null ? `exit code ${child.exitCode}` : `signal ${child.signalCode}`;
}

/**
 * Starts a node of the data directory and resolves once it listens. `onLine` gets what the node logs.
 * Throws `demo_failed` with the node's last lines where it ends, or does not listen in time.
 */
export async function startServer(options: {
  readonly name: string;
  readonly dataDirectory: string;
  readonly onLine: (line: string) => void;
}): Promise<ServerProcess> {
  const { name, dataDirectory, onLine } = options;
  // The program that runs now, be it compiled or not: fork hands on the arguments of Node itself.
  const child = fork(process.argv[1]!, ["serve", "--data", dataDirectory, "--node", name, "--log-level", "warn"], {
    env: demoEnvironment(),
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    // A group of its own: Ctrl-C reaches the demo alone, which stops its nodes in order. Should the demo be killed, they
    // notice by the closed channel.
    detached: true,
  });
  const lines: string[] = [];
  createInterface({ input: child.stderr! }).on("line", (line) => {
    lines.push(line);
    if (lines.length > LAST_LINES_MAX) lines.shift();
    onLine(line);
  });
  let isStopping = false;
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));

  async function stop(): Promise<void> {
    isStopping = true;
    const timer = setTimeout(() => child.kill("SIGKILL"), DEMO_STOP_TIMEOUT_MS);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(timer);
  }

  const listening = new Promise<undefined>((resolve) => {
    child.on("message", (message) => {
      if (message === "listening") resolve(undefined);
    });
  });
  const late = new Promise<string>((resolve) => {
    setTimeout(
      () => resolve(`does not listen after ${DEMO_START_TIMEOUT_MS / 1_000} s`),
      DEMO_START_TIMEOUT_MS,
    ).unref();
  });
  const problem = await Promise.race([listening, late, ended.then(() => `ended with ${describeEnd(child)}`)]);
  if (problem !== undefined) {
    await stop();
    throw new AttestryError("demo_failed", `node "${name}" ${problem}:\n${lines.join("\n")}`);
  }
  return {
    name,
    pid: child.pid!,
    failed: new Promise((resolve) => {
      ended.then(() => {
        if (!isStopping) resolve(`node "${name}" ended by itself (${describeEnd(child)})`);
      });
    }),
    stop,
  };
}
