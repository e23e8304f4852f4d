// `attestry registry migrate`: carries records over to the current version of their definition, batch by batch, on a running node.
import { type FileHandle, open } from "node:fs/promises";
import { Command } from "commander";
import { readBearerToken } from "../config.ts";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../crypto/json.ts";
import { MIGRATION_BATCH_RECORDS_MAX, NODE_IMPORT_TIMEOUT_MS } from "../limits.ts";
import { parseMigrationPlan } from "../records/bulk/migration-plan.ts";
import { readInputJson } from "./input-file.ts";
import { createNodeClient, type NodeClient } from "./node-client.ts";
import { describeProposed } from "./proposed.ts";
import { createProgress, EXIT, formatCount, formatTable, printable, printFailure } from "./terminal.ts";

interface Flags {
  readonly url: string;
  readonly plan: string;
  readonly preview?: true;
  readonly report?: string;
  readonly batch: string;
  readonly tokenFile?: string;
  readonly json?: true;
}

interface MigrationSummary {
  readonly registry: string;
  readonly dry_run: boolean;
  readonly state: "done" | "interrupted" | "failed";
  readonly to: number | null;
  readonly migrated: number;
  readonly refused: number;
  /** Active records that the plan is for, and that nothing was tried with yet. */
  readonly left: number;
  readonly left_as_they_are: number;
  readonly seconds: number;
  readonly report: string | null;
  /** Nothing was migrated yet: others must approve this proposal first. */
  readonly proposed?: string;
}

interface Run {
  readonly registry: string;
  readonly flags: Flags;
  readonly plan: JsonObject;
  readonly client: NodeClient;
  readonly signal: AbortSignal;
}

/** Counts as they grow; what ends a migration early leaves them as they are then. */
interface Tally {
  to: number | null;
  migrated: number;
  refused: number;
  total: number;
  leftAsTheyAre: number;
  readonly examples: JsonObject[];
  records: JsonObject[];
  /** Others must approve it first. */
  proposed?: { readonly href: string; readonly lines: readonly string[] };
}

/** Exit codes: 0 all migrated, 2 some refused, 1 failed, 130 interrupted. */
export function migrateCommand(): Command {
  return new Command("migrate")
    .description("carry records over to the current version of the definition, as amendments along a plan")
    .argument("<registry>", "name of the registry")
    .requiredOption("--url <url>", "the node's base URL")
    .requiredOption("--plan <file>", "what is done to the data (docs/registries.md)")
    .option("--preview", "write nothing: show what would change in some records, and which would be refused")
    .option(
      "--report <file>",
      "name each refused record here, NDJSON (default: REGISTRY.migration-refused.ndjson, if any)",
    )
    .option("--batch <records>", "records per request", String(MIGRATION_BATCH_RECORDS_MAX))
    .option("--token-file <file>", "file with the bearer token of a registrar (default: $ATTESTRY_TOKEN)")
    .option("--json", "print one JSON object")
    .action(runCommand);
}

async function runCommand(registry: string, flags: Flags): Promise<void> {
  const json = flags.json === true;
  const stopping = new AbortController();
  // Only the first Ctrl-C is caught: the batch under way is waited for. The second ends the process at once.
  const onInterrupt = (): void => {
    process.stderr.write("\nstopping: waiting for what was sent\n");
    stopping.abort();
  };
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  try {
    const plan = readPlan(flags.plan);
    const client = createNodeClient({ baseUrl: flags.url, token: readBearerToken(flags.tokenFile) });
    await runMigration({ registry, flags, plan, client, signal: stopping.signal });
  } catch (error) {
    printFailure(error, { json });
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

function readPlan(path: string): JsonObject {
  const plan = readInputJson(path, "migration_plan_invalid");
  parseMigrationPlan(plan);
  return plan as JsonObject;
}

async function runMigration(run: Run): Promise<void> {
  const { registry, flags, signal } = run;
  const startedAt = performance.now();
  const tally: Tally = { to: null, migrated: 0, refused: 0, total: 0, leftAsTheyAre: 0, examples: [], records: [] };
  const report = createReport(flags.report ?? `${registry}.migration-refused.ndjson`, flags.report !== undefined);
  let failure: { readonly error: unknown } | undefined;
  let isDone = false;
  try {
    isDone = await sendBatches(run, tally, report);
  } catch (error) {
    failure = { error };
  }
  const reportPath = await report.close();
  const summary: MigrationSummary = {
    registry,
    dry_run: flags.preview === true,
    state: failure ? "failed" : isDone ? "done" : "interrupted",
    to: tally.to,
    migrated: tally.migrated,
    refused: tally.refused,
    left: Math.max(0, tally.total - tally.migrated - tally.refused),
    left_as_they_are: tally.leftAsTheyAre,
    seconds: Math.round(performance.now() - startedAt) / 1_000,
    report: reportPath,
    ...(tally.proposed && { proposed: tally.proposed.href }),
  };
  const json = flags.json === true;
  process.exitCode = signal.aborted && !isDone ? EXIT.interrupted : tally.refused > 0 ? EXIT.incomplete : EXIT.ok;
  const shown = { ...summary, ...(flags.preview && { examples: tally.examples, records: tally.records }) };
  const text = tally.proposed
    ? tally.proposed.lines.map((line) => `${line}\n`).join("")
    : formatSummary(summary, tally);
  process.stdout.write(json ? `${JSON.stringify(shown)}\n` : text);
  if (failure) printFailure(failure.error, { json });
}

/** Whether the last batch was reached. */
async function sendBatches(run: Run, tally: Tally, report: ReturnType<typeof createReport>): Promise<boolean> {
  const { registry, flags, plan, client, signal } = run;
  const progress = createProgress({
    label: flags.preview ? "checking" : "migrating",
    unit: "records",
    stream: process.stderr,
  });
  // A plan for no version in particular is held to the one that it met first.
  let to: Json | undefined = plan.to;
  try {
    for (let after: Json | undefined; ; ) {
      const body = {
        plan: { ...plan, ...(to !== undefined && { to }) },
        limit: Number(flags.batch),
        ...(after !== undefined && { after }),
        ...(flags.preview && { dryRun: true }),
      };
      const answer = parseJson(
        await client.send({
          method: "POST",
          path: `/registries/${encodeURIComponent(registry)}/records:migrate`,
          body: JSON.stringify(body),
          contentType: "application/json",
          // What is migrated is not met again.
          isRepeatable: true,
          timeoutMs: NODE_IMPORT_TIMEOUT_MS,
          signal,
        }),
      ) as JsonObject;
      const proposed = describeProposed(answer);
      if (proposed) {
        tally.proposed = { href: String((answer.proposal as JsonObject).href), lines: proposed };
        return true;
      }
      if (after === undefined) {
        tally.total = Number(answer.left ?? 0);
        tally.leftAsTheyAre = Number(answer.left_as_they_are ?? 0);
        tally.records = readObjects(answer.records);
        tally.examples.push(...readObjects(answer.examples));
      }
      to = answer.to;
      tally.to = Number(answer.to);
      tally.migrated += Number(answer.migrated);
      for (const refusal of readObjects(answer.refused)) {
        tally.refused++;
        await report.add(refusal);
      }
      progress.update(tally.migrated + tally.refused, tally.total);
      if (answer.next === null || answer.next === undefined) return true;
      if (signal.aborted) return false;
      after = answer.next;
    }
  } finally {
    progress.end();
  }
}

export function readObjects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** One line of NDJSON per refused record; a file only where there is one, or where one was asked for. */
function createReport(path: string, isWanted: boolean) {
  let file: FileHandle | undefined;
  return {
    async add(refusal: JsonObject): Promise<void> {
      file ??= await open(path, "w");
      const { href, code, message, details } = refusal;
      const [first] = readObjects(details);
      const line = {
        href,
        field: first?.field ?? "",
        code,
        reason: message,
        ...(details !== undefined && { details }),
      };
      await file.write(`${JSON.stringify(line)}\n`);
    },
    async close(): Promise<string | null> {
      if (!file && isWanted) file = await open(path, "w");
      await file?.close();
      return file ? path : null;
    },
  };
}

/** How many records are under which version, as lines; none where there is no record. */
export function describeCounts(counts: readonly JsonObject[]): string[] {
  if (counts.length === 0) return [];
  const rows = counts.map(({ version, state, records }) => [`version ${version}`, String(state), Number(records)]);
  return [
    "records by version of the definition:",
    ...formatTable(rows)
      .trimEnd()
      .split("\n")
      .map((line) => `  ${line}`),
  ];
}

function formatSummary(summary: MigrationSummary, tally: Tally): string {
  const { state, to, dry_run: isPreview, migrated, refused, left, left_as_they_are: others, seconds, report } = summary;
  const endings = {
    done: isPreview ? "preview, nothing was written; this would happen:\n" : "",
    interrupted: "interrupted; run the same command again to go on. So far:\n",
    failed: "failed; what follows was done before, and the same command goes on:\n",
  };
  const counts = formatTable([
    [`records migrated to version ${to ?? "?"}`, migrated],
    ["records refused", refused],
    ["records left", left],
    ["records in other states, left as they are", others],
  ]);
  const rate = seconds > 0 ? `, ${formatCount(Math.round((migrated + refused) / seconds))} records/s` : "";
  const examples = tally.examples.flatMap((example) => formatExample(example));
  const lines = isPreview ? [...describeCounts(tally.records), ...examples].map((line) => `${line}\n`).join("") : "";
  const refusals = report === null ? "" : `refused records are named in ${report}\n`;
  return `${endings[state]}${lines}${counts}in ${seconds.toFixed(1)} s${rate}\n${refusals}`;
}

function formatExample({ href, from, changes }: JsonObject): string[] {
  const show = (value: Json | undefined): string => (value === undefined ? "(nothing)" : JSON.stringify(value));
  const lines = readObjects(changes).map(
    ({ field, before, after }) => `  ${String(field).replace("/data/", "")}: ${show(before)} -> ${show(after)}`,
  );
  const title = `${href}, from version ${from}:`;
  return [title, ...(lines.length > 0 ? lines : ["  the data stays as it is"])].map(printable);
}
