// Of the mode sync: names the active records that no row is about, and ends or revokes them where that was asked for. Changes no other record.
import { appendFileSync, createReadStream, renameSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { isJsonObject, type JsonObject, parseJson } from "../../crypto/json.ts";
import { isAttestryError } from "../../errors.ts";
import { IMPORT_MISSING_IN_FLIGHT_MAX, IMPORT_MISSING_PAGE_RECORDS, IMPORT_MISSING_PAGES_AHEAD } from "../../limits.ts";
import { type KeyRules, readKeyValues } from "../../records/bulk/import-keys.ts";
import type { NodeClient } from "../node-client.ts";
import type { Progress } from "../terminal.ts";
import type { ImportJournal } from "./import-journal.ts";
import type { Presence } from "./presence.ts";

/** What becomes of missing records, and on which ground. */
export interface MissingOptions {
  readonly operation: "end" | "revoke";
  readonly reason: string;
  readonly instrument?: string;
}

export interface MissingSummary {
  readonly count: number;
  /** The file that names them, or null where there are none. */
  readonly report: string | null;
  readonly operation: "end" | "revoke" | null;
  /** How many of them were ended or revoked, and of how many the node refused it. */
  readonly settled: number;
  readonly refused: number;
  /** Why none was ended or revoked although it was asked for. */
  readonly withheld: string | null;
}

interface Options {
  readonly client: NodeClient;
  readonly registry: string;
  readonly rules: KeyRules;
  readonly presence: Presence;
  readonly journal: ImportJournal;
  readonly path: string;
  readonly onMissing: MissingOptions | undefined;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly createProgress: (label: string) => Progress;
}

/** Writes `path`, one line per missing record: `href`, `identifier`, `keys`, and what became of it. */
export async function settleMissing(options: Options): Promise<MissingSummary> {
  const { journal, path, onMissing, isDryRun, presence, signal } = options;
  // Found once: an import that is cut short while it ends records would find fewer of them the second time.
  const count = journal.missing ?? (await writeMissing(options));
  if (journal.missing === undefined && !signal.aborted) journal.markMissing(count);
  const report = count === 0 ? null : path;
  const none = { count, report, operation: onMissing?.operation ?? null, settled: 0, refused: 0 };
  if (!onMissing || count === 0 || signal.aborted) return { ...none, withheld: null };
  if (presence.unknown > 0) {
    const rows = `${presence.unknown} ${presence.unknown === 1 ? "row does" : "rows do"} not tell which record they are about`;
    return { ...none, withheld: `${rows}, so a record that seems missing may be theirs; mend them first` };
  }
  if (isDryRun) return { ...none, withheld: null };
  return { ...none, ...(await endMissing(options, onMissing)), withheld: null };
}

async function writeMissing(options: Options): Promise<number> {
  const { presence, rules, path, signal } = options;
  const progress = options.createProgress("comparing");
  rmSync(path, { force: true });
  let count = 0;
  let compared = 0;
  // Pages are gathered before they are compared, because each comparison reads what is known from disk once.
  let pages: JsonObject[][] = [];
  const compare = (): void => {
    const records = pages.flat();
    const keys = records.map((record) => readKeyValues(rules, record));
    const present = presence.markPresent(keys.map((values) => values.map(({ text }) => text)));
    const lines = records.flatMap((record, at) =>
      present[at] ? [] : [`${JSON.stringify({ ...describeRecord(record), keys: toObject(keys[at]!) })}\n`],
    );
    if (lines.length > 0) appendFileSync(path, lines.join(""), { mode: 0o600 });
    count += lines.length;
    compared += records.length;
    progress.update(compared, undefined);
    pages = [];
  };
  for await (const page of listActive(options)) {
    if (signal.aborted) break;
    pages.push(page);
    if (pages.length >= IMPORT_MISSING_PAGES_AHEAD) compare();
  }
  compare();
  progress.end();
  return count;
}

function toObject(keys: readonly { readonly values: JsonObject }[]): JsonObject {
  return Object.assign({}, ...keys.map(({ values }) => values)) as JsonObject;
}

function describeRecord({ record, identifier }: JsonObject): JsonObject {
  const told = isJsonObject(record) ? record : {};
  const shown = identifier ?? told.identifier;
  return { href: told.href ?? null, ...(shown !== undefined && { identifier: shown }) };
}

/** The registry's active records as an export tells them, page by page, as of one size of the log. */
async function* listActive({ client, registry, signal }: Options): AsyncGenerator<JsonObject[]> {
  let query: Record<string, string> = { format: "ndjson", limit: String(IMPORT_MISSING_PAGE_RECORDS) };
  for (;;) {
    const { text, headers } = await client.sendFull({
      path: `/registries/${encodeURIComponent(registry)}/records:export`,
      query,
      signal,
    });
    yield text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => parseJson(line) as JsonObject);
    const after = headers.get("attestry-next");
    const size = headers.get("attestry-log-size");
    if (after === null || size === null) return;
    query = { ...query, after, size };
  }
}

async function endMissing(options: Options, onMissing: MissingOptions): Promise<{ settled: number; refused: number }> {
  const { path, signal } = options;
  const progress = options.createProgress(onMissing.operation === "end" ? "ending" : "revoking");
  const draft = `${path}.part`;
  writeFileSync(draft, "", { mode: 0o600 });
  let settled = 0;
  let refused = 0;
  const settleSome = async (lines: readonly string[]): Promise<void> => {
    const records = lines.map((line) => parseJson(line) as JsonObject);
    const outcomes = await Promise.all(records.map((record) => endRecord(options, onMissing, String(record.href))));
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome === "settled") settled++;
      else refused++;
      const told = outcome === "settled" ? { outcome: onMissing.operation } : { outcome: "refused", ...outcome };
      appendFileSync(draft, `${JSON.stringify({ ...records[at], ...told })}\n`);
    }
    progress.update(settled + refused, undefined);
  };
  let lines: string[] = [];
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    lines.push(line);
    if (lines.length < IMPORT_MISSING_IN_FLIGHT_MAX) continue;
    if (signal.aborted) break;
    await settleSome(lines);
    lines = [];
  }
  if (!signal.aborted) {
    await settleSome(lines);
    renameSync(draft, path);
  }
  progress.end();
  return { settled, refused };
}

type EndOutcome = "settled" | { readonly code: string; readonly reason: string };

async function endRecord(options: Options, onMissing: MissingOptions, href: string): Promise<EndOutcome> {
  const { client, journal, registry, signal } = options;
  const { operation, reason, instrument } = onMissing;
  const rid = href.slice(href.lastIndexOf("/") + 1);
  try {
    await client.send({
      method: "POST",
      path: `/registries/${encodeURIComponent(registry)}/records/${encodeURIComponent(rid)}/${operation}`,
      headers: { "idempotency-key": `${journal.id}-${rid}` },
      contentType: "application/json",
      body: JSON.stringify({ act: { reason, ...(instrument !== undefined && { instrument }) } }),
      isRepeatable: true,
      signal,
    });
    return "settled";
  } catch (error) {
    if (!isAttestryError(error) || error.code.startsWith("peer_") || error.code === "database_unavailable") throw error;
    return { code: error.code, reason: error.message };
  }
}
