// Brings the rows of one key together, however far apart they stand, in bounded memory. Knows keys, and no other cell.
import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { sha256 } from "../../crypto/hash.ts";
import { IMPORT_MEMORY_BYTES_MAX, IMPORT_PARTITIONS_MAX } from "../../limits.ts";
import { type BoundMap, type FileRow, type Refusal, readKey } from "../../records/import-row.ts";
import type { ReadRow } from "./row-reader.ts";

export interface GroupOptions {
  readonly rows: AsyncIterable<ReadRow>;
  readonly bound: BoundMap;
  /** Whether rows of one key are one record; if not, all but the first are refused. */
  readonly isGrouping: boolean;
  readonly fileBytes: number;
  /** Larger files go through temporary files, and lose the order of their rows. */
  readonly memoryBytesMax?: number;
  readonly onRefusal: (refusal: Refusal) => void | Promise<void>;
}

const WRITE_CHARS = 16_384;

/** The rows of each record, in the order of the file where it fits into memory. */
export async function* groupRows(options: GroupOptions): AsyncGenerator<readonly FileRow[]> {
  const { bound, fileBytes, memoryBytesMax = IMPORT_MEMORY_BYTES_MAX } = options;
  if (bound.key.length === 0) yield* readSingly(options);
  else if (fileBytes <= memoryBytesMax) yield* gatherByKey(readSingleRows(options), options);
  else yield* groupInPartitions(options, Math.ceil(fileBytes / memoryBytesMax) + 1);
}

async function* readSingly(options: GroupOptions): AsyncGenerator<readonly FileRow[]> {
  for await (const row of readSingleRows(options)) yield [row];
}

async function* readSingleRows({ rows, onRefusal }: GroupOptions): AsyncGenerator<FileRow> {
  for await (const row of rows) {
    if ("cells" in row) yield row;
    else await onRefusal(row);
  }
}

async function* gatherByKey(rows: AsyncIterable<FileRow>, options: GroupOptions): AsyncGenerator<readonly FileRow[]> {
  const { bound, isGrouping, onRefusal } = options;
  const groups = new Map<string, FileRow[]>();
  const keyLabel = bound.key.map(({ label }) => label).join(", ");
  for await (const row of rows) {
    const key = readKey(bound, row.cells);
    const group = key === undefined ? undefined : groups.get(key);
    if (key === undefined) {
      await onRefusal({ line: row.line, field: "", code: "record_invalid", reason: `the key is empty (${keyLabel})` });
    } else if (group === undefined) groups.set(key, [row]);
    else if (isGrouping) group.push(row);
    else {
      const reason = `line ${group[0]!.line} has the same key (${keyLabel})`;
      await onRefusal({ line: row.line, field: "", code: "value_not_unique", reason });
    }
  }
  yield* groups.values();
}

/** Rows of one key land in the same partition, and one partition at a time is gathered in memory. */
async function* groupInPartitions(options: GroupOptions, wanted: number): AsyncGenerator<readonly FileRow[]> {
  const count = Math.min(wanted, IMPORT_PARTITIONS_MAX);
  // mkdtemp makes a directory that only this user may enter: the rows may be personal.
  const directory = await mkdtemp(join(tmpdir(), "attestry-import-"));
  try {
    const paths = Array.from({ length: count }, (_, at) => join(directory, `${at}.ndjson`));
    await writePartitions(options, paths);
    for (const path of paths) {
      yield* gatherByKey(readPartition(path), options);
      await rm(path);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writePartitions(options: GroupOptions, paths: readonly string[]): Promise<void> {
  const handles: FileHandle[] = [];
  const pending = paths.map(() => "");
  const flush = async (at: number): Promise<void> => {
    await handles[at]!.appendFile(pending[at]!);
    pending[at] = "";
  };
  try {
    for (const path of paths) handles.push(await open(path, "wx", 0o600));
    for await (const row of readSingleRows(options)) {
      const digest = sha256(readKey(options.bound, row.cells) ?? "");
      const at = new DataView(digest.buffer, digest.byteOffset).getUint32(0) % paths.length;
      pending[at] += `${JSON.stringify([row.line, row.cells])}\n`;
      if (pending[at]!.length >= WRITE_CHARS) await flush(at);
    }
    for (const at of paths.keys()) await flush(at);
  } finally {
    for (const handle of handles) await handle.close();
  }
}

async function* readPartition(path: string): AsyncGenerator<FileRow> {
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const [line, cells] = JSON.parse(text) as [number, FileRow["cells"]];
    yield { line, cells };
  }
}
