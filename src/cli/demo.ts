// `attestry demo`: a whole federation on this machine, to look at, or to prove itself with --check. Leaves nothing running.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { AttestryError } from "../errors.ts";
import { seedCouncils } from "./demo/approval-steps.ts";
import { BLOCKS } from "./demo/country.ts";
import { DEMO_NODES, PORT_BASE_DEFAULT } from "./demo/federation-plan.ts";
import { describeGuide, describeRunning } from "./demo/guide.ts";
import { seedPeople } from "./demo/people.ts";
import { getSeeded } from "./demo/record-steps.ts";
import { seedCountry } from "./demo/seed.ts";
import { type DemoFederation, getParty, startFederation } from "./demo/start-federation.ts";
import { type StepReport, tellStory } from "./demo/story.ts";
import { EXIT, formatDuration, printable } from "./terminal.ts";

interface DemoOptions {
  readonly portBase?: string;
  readonly data?: string;
  readonly check?: boolean;
  readonly json?: boolean;
}

const DEATH_NOTICE_MS = 500;
const PORT_MIN = 1_024;
const PORT_MAX = 65_535;

function parsePortBase(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  // One more than nodes, for the sign-in service.
  const max = PORT_MAX - DEMO_NODES.length;
  if (port >= PORT_MIN && port <= max) return port;
  throw new AttestryError(
    "request_invalid",
    `--port-base is "${text}"; it must be a number from ${PORT_MIN} to ${max}`,
  );
}

/** Aborted by Ctrl-C, SIGTERM or a closed terminal. Further signals change nothing: stopping is under way. */
function watchSignals(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) return;
    process.stderr.write("\nstopping\n");
    controller.abort(new AttestryError("demo_failed", "interrupted"));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, stop);
  return {
    signal: controller.signal,
    end() {
      for (const name of signals) process.off(name, stop);
    },
  };
}

function whenAborted(signal: AbortSignal): Promise<"interrupted"> {
  return new Promise((settle) => {
    if (signal.aborted) settle("interrupted");
    else signal.addEventListener("abort", () => settle("interrupted"), { once: true });
  });
}

function printStep(report: StepReport, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
    return;
  }
  const { ok, number, step, proved, error, milliseconds } = report;
  const text = ok ? proved.join("; ") : `${error!.code}: ${printable(error!.message)}`;
  process.stdout.write(
    `${ok ? "✓" : "✗"} ${String(number).padStart(2)} ${step.padEnd(10)} ${text} (${formatDuration(milliseconds)})\n`,
  );
}

async function check(federation: DemoFederation, json: boolean): Promise<void> {
  const steps = await tellStory(federation, (report) => printStep(report, json));
  if (!json) process.stdout.write(`All ${steps} steps hold.\n`);
}

/** A step that fails because a node died waits for that news, which says more than a connection refused. */
async function rejectLater(error: unknown): Promise<never> {
  await sleep(DEATH_NOTICE_MS);
  throw error;
}

/** Runs the story, or waits, until that is done, a node dies, or somebody stops it. */
async function useFederation(
  federation: DemoFederation,
  options: { check: boolean; json: boolean; dataDirectory: string; signal: AbortSignal },
): Promise<void> {
  const { json, dataDirectory, signal } = options;
  const rural = getParty(federation, "rural-development");
  const { href: record } = await getSeeded(rural, "blocks", BLOCKS[0]!.code);
  const running = describeRunning(federation, { dataDirectory, record });
  if (json) process.stdout.write(`${JSON.stringify(running)}\n`);
  else if (!options.check) process.stdout.write(`${describeGuide(federation, { dataDirectory, record }).join("\n")}\n`);

  const story = options.check ? check(federation, json).catch(rejectLater) : new Promise<undefined>(() => {});
  // Where a node dies first, the step under way fails later and to nobody's ears.
  story.catch(() => {});
  const death = federation.failed.then((sentence) => {
    throw new AttestryError("demo_failed", sentence);
  });
  const end = await Promise.race([story, death, whenAborted(signal)]);
  if (end === "interrupted" && options.check) process.exitCode = EXIT.interrupted;
}

async function demo(options: DemoOptions): Promise<void> {
  const portBase = parsePortBase(options.portBase);
  const json = options.json ?? false;
  const startedAt = performance.now();
  const dataDirectory =
    options.data === undefined ? mkdtempSync(join(tmpdir(), "attestry-demo-")) : resolve(options.data);
  const { signal, end } = watchSignals();
  const tell = (sentence: string): void => {
    process.stderr.write(`${sentence} (${formatDuration(performance.now() - startedAt)})\n`);
  };
  let federation: DemoFederation | undefined;
  try {
    federation = await startFederation({
      dataDirectory,
      portBase,
      signal,
      onProgress: tell,
      onLine: (node, line) => process.stderr.write(`[${node}] ${printable(line)}\n`),
    });
    signal.throwIfAborted();
    tell("filling the registries");
    const count = await seedCountry(federation);
    await seedCouncils(federation);
    const people = await seedPeople(federation);
    tell(`ready: ${count + people} records`);
    await useFederation(federation, { check: options.check ?? false, json, dataDirectory, signal });
  } catch (error) {
    if (error !== signal.reason) throw error;
    process.exitCode = EXIT.interrupted;
  } finally {
    await federation?.stop();
    if (options.data === undefined) rmSync(dataDirectory, { recursive: true, force: true });
    end();
  }
}

export function demoCommand(): Command {
  return new Command("demo")
    .description(
      "run a federation of an anchor, a state and five departments with invented data on this machine; --check proves what it promises and ends",
    )
    .option("--check", "walk the whole story over HTTP: one line per step; exit code 1 at the first that does not hold")
    .option(
      "--port-base <port>",
      `first of ${DEMO_NODES.length + 1} ports on 127.0.0.1 (default: ${PORT_BASE_DEFAULT})`,
    )
    .option("--data <directory>", "keep the data here and go on with what is there (default: temporary)")
    .option("--json", "print one JSON object per step")
    .action((options: DemoOptions) => demo(options));
}
