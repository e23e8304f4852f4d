// One import from file to node: checks everything that can be checked first, then reads, builds, sends, counts and reports.
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { decodeUtf8 } from "../../crypto/hash.ts";
import { isJsonObject, type JsonObject } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { IMPORT_MAP_BYTES_MAX } from "../../limits.ts";
import { checkMapTargets, type ImportMap, isGrouping, mapInvalid, parseImportMap } from "../../records/import-map.ts";
import { type BoundMap, bindMap, type Refusal } from "../../records/import-row.ts";
import type { ImportMode, RowOutcome } from "../../records/import-service.ts";
import { collectAnnotations } from "../../registries/annotations.ts";
import { createNodeClient, type NodeClient, parseNodeUrl } from "../node-client.ts";
import type { Progress } from "../terminal.ts";
import { createBatchSender, type OutgoingRecord } from "./batch-sender.ts";
import { buildRecords } from "./record-builder.ts";
import { createReferenceLookup } from "./reference-lookup.ts";
import { createRefusalReport } from "./refusal-report.ts";
import { groupRows } from "./row-groups.ts";
import { openRows, type ReadPosition, type ReadRow, type RowReader } from "./row-reader.ts";

export interface ImportOptions {
  readonly registry: string;
  readonly filePath: string;
  readonly mapPath: string;
  /** Base URL of the node imported into, and the bearer token for it, which no other node gets. */
  readonly url: string;
  readonly token: string | undefined;
  readonly mode: ImportMode;
  readonly isDryRun: boolean;
  readonly reportPath: string | undefined;
  /** Base URL by name of a registry that the map refers to. */
  readonly nodes: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
  readonly createProgress: (label: string) => Progress;
  readonly warn: (text: string) => void;
  readonly memoryBytesMax?: number;
}

/** What became of the rows of the file. Records are counted by created, amended and unchanged, rows by refused and rows. */
export interface ImportSummary {
  readonly registry: string;
  readonly mode: ImportMode;
  readonly dry_run: boolean;
  readonly state: "done" | "interrupted" | "failed";
  readonly rows: number;
  readonly created: number;
  readonly amended: number;
  readonly unchanged: number;
  readonly refused: number;
  readonly seconds: number;
  readonly report: string | null;
}

export interface ImportResult {
  readonly summary: ImportSummary;
  /** What ended an import of state "failed". */
  readonly error?: unknown;
}

interface Prepared {
  readonly client: NodeClient;
  readonly map: ImportMap;
  readonly bound: BoundMap;
  readonly reader: RowReader;
  readonly isRepeatable: boolean;
}

/** Runs an import. Throws what is found wrong before anything is sent; later failures come with how far it came. */
export async function runImport(options: ImportOptions): Promise<ImportResult> {
  const startedAt = performance.now();
  const prepared = await prepareImport(options);
  const { reader } = prepared;
  const reportPath = options.reportPath ?? `${options.filePath}.refused.ndjson`;
  const counts = { rows: 0, created: 0, amended: 0, unchanged: 0, refused: 0 };
  let state: ImportSummary["state"] = "done";
  let error: unknown;
  let report: string | undefined;
  try {
    const refusals = createRefusalReport({ path: reportPath, isWanted: options.reportPath !== undefined });
    try {
      await transfer({ options, prepared, counts, refusals });
      if (options.signal.aborted) state = "interrupted";
    } finally {
      report = await refusals.close();
    }
  } catch (cause) {
    state = "failed";
    error = cause;
  } finally {
    reader.close();
  }
  const { registry, mode, isDryRun } = options;
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const summary = { registry, mode, dry_run: isDryRun, state, ...counts, seconds, report: report ?? null };
  return state === "failed" ? { summary, error } : { summary };
}

async function transfer(run: {
  readonly options: ImportOptions;
  readonly prepared: Prepared;
  readonly counts: { rows: number; created: number; amended: number; unchanged: number; refused: number };
  readonly refusals: ReturnType<typeof createRefusalReport>;
}): Promise<void> {
  const { options, prepared, counts, refusals } = run;
  const { client, map, bound, reader, isRepeatable } = prepared;
  const { registry, mode, isDryRun, signal } = options;
  const progress = options.createProgress(isDryRun ? "checking" : "importing");
  const reading = options.createProgress("reading");

  const settle = (rows: number): void => {
    counts.rows += rows;
    progress.update(counts.rows, estimateRows(reader.position));
  };
  const onRefusal = (refusal: Refusal): Promise<void> => {
    counts.refused++;
    refusals.add(refusal);
    settle(1);
    return refusals.drained();
  };
  const onOutcome = (record: OutgoingRecord, outcome: RowOutcome): void => {
    if (outcome.outcome === "refused") {
      for (const line of record.lines) {
        counts.refused++;
        refusals.add(describeRefusal(line, outcome));
      }
    } else counts[outcome.outcome]++;
    settle(record.lines.length);
  };

  const rows = watchReading({ reader, signal, progress: bound.key.length > 0 ? reading : undefined });
  const groups = groupRows({
    rows,
    bound,
    isGrouping: isGrouping(map),
    fileBytes: reader.position.bytesTotal,
    ...(options.memoryBytesMax !== undefined && { memoryBytesMax: options.memoryBytesMax }),
    onRefusal,
  });
  const lookup = createReferenceLookup({ clientFor: createClients(client, options.nodes), signal });
  const sender = createBatchSender({ client, registry, mode, isDryRun, isRepeatable, signal, onOutcome });
  try {
    for await (const record of buildRecords({ groups, bound, lookup, onRefusal })) {
      // Also where the reading was cut short: the groups that come then may lack rows.
      if (signal.aborted) break;
      await sender.add(record);
      await refusals.drained();
    }
    if (!signal.aborted) await sender.finish();
  } finally {
    await sender.stop();
    reading.end();
    progress.end();
  }
}

/** Reads the map, the definition and the file's header, and checks them against each other. Sends nothing. */
async function prepareImport(options: ImportOptions): Promise<Prepared> {
  const { registry, url, token, filePath, mapPath, signal } = options;
  const map = parseImportMap(await readMapFile(mapPath));
  checkNodes(map, options.nodes);
  for (const path of [filePath, mapPath]) {
    if (options.reportPath !== undefined && resolve(path) === resolve(options.reportPath)) {
      throw new AttestryError("import_file_invalid", `the report would overwrite ${path}`);
    }
  }
  const client = createNodeClient({ baseUrl: url, token });
  const definition = await client.getJson(`/registries/${encodeURIComponent(registry)}`, { signal });
  if (!isJsonObject(definition) || !isJsonObject(definition.schema)) {
    throw new AttestryError(
      "peer_response_invalid",
      `${client.baseUrl} answered without the definition of ${registry}`,
    );
  }
  checkMapTargets(map, definition.schema);
  const isRepeatable = hasUniqueKey(definition, definition.schema);
  if (options.mode === "upsert" && (!isRepeatable || map.key === undefined)) {
    const lack = isRepeatable ? 'the map has no "key"' : `${registry} has no unique field`;
    throw mapInvalid(`--mode upsert needs to know which record a row is about, but ${lack}`, []);
  }
  if (!isRepeatable) options.warn(`${registry} has no unique field: importing a file twice makes every record twice`);
  const reader = await openRows(filePath);
  try {
    return { client, map, bound: bindMap(map, reader.findColumn), reader, isRepeatable };
  } catch (error) {
    reader.close();
    throw error;
  }
}

async function readMapFile(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > IMPORT_MAP_BYTES_MAX) throw mapInvalid(`${path} has more than ${IMPORT_MAP_BYTES_MAX} bytes`, []);
    bytes = await readFile(path);
  } catch (cause) {
    if (cause instanceof AttestryError) throw cause;
    throw new AttestryError("import_map_invalid", `${path} cannot be read`, { cause });
  }
  return decodeUtf8(bytes);
}

/** A node given for a registry that the map does not refer to is a misspelling, and for one at several nodes ambiguous. */
function checkNodes(map: ImportMap, nodes: ReadonlyMap<string, string>): void {
  const references = map.fields.flatMap(({ reference }) => reference ?? []);
  for (const name of nodes.keys()) {
    const meant = new Set(references.filter(({ registry }) => registry === name).map(({ node }) => node));
    if (meant.size === 1) continue;
    const problem = meant.size === 0 ? "does not refer to it" : "refers to it at several nodes";
    throw mapInvalid(`--node ${name}=… is given, but the map ${problem}`, []);
  }
}

function hasUniqueKey(definition: JsonObject, schema: JsonObject): boolean {
  const { access } = definition;
  if (access !== "public" && access !== "members" && access !== "consent") {
    throw new AttestryError("peer_response_invalid", "the definition does not say who may read its records");
  }
  return isJsonObject(definition.identifier) || collectAnnotations(schema, access).uniqueKeys.length > 0;
}

function createClients(own: NodeClient, nodes: ReadonlyMap<string, string>) {
  const clients = new Map([[own.baseUrl, own]]);
  return ({ registry, node }: { readonly registry: string; readonly node: string | undefined }): NodeClient => {
    const baseUrl = parseNodeUrl(nodes.get(registry) ?? node ?? own.baseUrl);
    const client = clients.get(baseUrl) ?? createNodeClient({ baseUrl });
    clients.set(baseUrl, client);
    return client;
  };
}

async function* watchReading(options: {
  readonly reader: RowReader;
  readonly signal: AbortSignal;
  readonly progress: Progress | undefined;
}): AsyncGenerator<ReadRow> {
  const { reader, signal, progress } = options;
  for await (const row of reader.rows) {
    if (signal.aborted) break;
    progress?.update(reader.position.rowsRead, estimateRows(reader.position));
    yield row;
  }
  progress?.end();
}

/** Rows of the whole file, by the bytes of those that were read; unknown while all bytes are read and not all rows. */
function estimateRows({ isAtEnd, rowsRead, bytesRead, bytesTotal }: ReadPosition): number | undefined {
  if (isAtEnd) return rowsRead;
  return bytesRead > 0 && bytesRead < bytesTotal ? Math.round((rowsRead * bytesTotal) / bytesRead) : undefined;
}

/** A node's refusal in the report's form: fields as dotted paths, the first of them named, all of them in the reason. */
function describeRefusal(line: number, outcome: RowOutcome): Refusal {
  const details = (outcome.details ?? []).map(({ field, message }) => ({
    field: field.replace(/^\//, "").replaceAll("/", "."),
    message,
  }));
  const faults = details.map(({ field, message }) => `${field} ${message}`).join("; ");
  const message = outcome.message ?? "refused without a reason";
  return {
    line,
    field: details[0]?.field ?? "",
    code: outcome.code ?? "record_invalid",
    reason: faults === "" ? message : `${message}: ${faults}`,
  };
}
