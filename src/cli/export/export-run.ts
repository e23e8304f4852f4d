// One export from node to file: part after part into a temporary file, which takes its name when it is whole. Interprets no record.
import { closeSync, fsyncSync, ftruncateSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { isAttestryError } from "../../errors.ts";
import { EXPORT_COMMAND_PAGE_RECORDS, NODE_CALL_ATTEMPTS_MAX, NODE_RETRY_DELAY_MS } from "../../limits.ts";
import type { NodeClient } from "../node-client.ts";
import type { Progress } from "../terminal.ts";

export interface ExportRunOptions {
  readonly client: NodeClient;
  readonly registry: string;
  /** Of the request, beside what this adds to ask for parts. */
  readonly query: Readonly<Record<string, string>>;
  readonly outPath: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly partRecords?: number;
}

export interface ExportResult {
  readonly state: "done" | "interrupted";
  /** Written to the file. */
  readonly bytes: number;
  /** Entries of the log that it is as of. */
  readonly log_size: number | null;
  readonly parts: number;
}

/**
 * Writes the export to `outPath`. A part that breaks off is asked for again, as of the same size of the log; whatever ends the
 * export before it is whole leaves no file of that name behind, nor changes one that was there.
 */
export async function runExport(options: ExportRunOptions): Promise<ExportResult> {
  const { outPath, signal, progress, partRecords = EXPORT_COMMAND_PAGE_RECORDS } = options;
  const draft = `${outPath}.part`;
  // What is exported may be personal: for the user alone.
  const file = openSync(draft, "w", 0o600);
  let bytes = 0;
  let size: string | undefined;
  let after: string | undefined;
  let parts = 0;
  let isWhole = false;
  try {
    while (!signal.aborted) {
      const query = {
        ...options.query,
        limit: String(partRecords),
        ...(after !== undefined && { after }),
        ...(size !== undefined && { size }),
      };
      const part = await fetchPart(options, query, (written, chunk) => {
        writeAll(file, chunk, bytes + written);
        progress.update(bytes + written + chunk.length, undefined);
      });
      bytes += part.bytes;
      ftruncateSync(file, bytes);
      parts++;
      size = part.headers.get("attestry-log-size") ?? undefined;
      after = part.headers.get("attestry-next") ?? undefined;
      if (after !== undefined && size !== undefined) continue;
      isWhole = true;
      break;
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
    progress.end();
    if (isWhole) renameSync(draft, outPath);
    else rmSync(draft, { force: true });
  }
  const logSize = size === undefined ? null : Number(size);
  return { state: isWhole ? "done" : "interrupted", bytes, log_size: logSize, parts };
}

async function fetchPart(
  { client, registry, signal }: ExportRunOptions,
  query: Readonly<Record<string, string>>,
  onChunk: (written: number, chunk: Uint8Array) => void,
): Promise<{ bytes: number; headers: Headers }> {
  for (let count = 1; ; count++) {
    try {
      const path = `/registries/${encodeURIComponent(registry)}/records:export`;
      const { headers, chunks } = await client.stream({ path, query, signal });
      let bytes = 0;
      for await (const chunk of chunks) {
        onChunk(bytes, chunk);
        bytes += chunk.length;
      }
      return { bytes, headers };
    } catch (error) {
      const isPassing =
        isAttestryError(error) && ["peer_unreachable", "peer_timeout", "database_unavailable"].includes(error.code);
      if (!isPassing || count >= NODE_CALL_ATTEMPTS_MAX || signal.aborted) throw error;
      await sleep(NODE_RETRY_DELAY_MS * 2 ** count, undefined, { signal }).catch(() => undefined);
    }
  }
}

function writeAll(file: number, chunk: Uint8Array, position: number): void {
  for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at, chunk.length - at, position + at);
}
