// Brings the rows of one key together, however far apart they stand, in bounded memory. Knows keys, and no other cell.
import { createReadStream } from "node:fs";
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { decodeBase64, encodeBase64 } from "../../crypto/base64.ts";
import { decodeUtf8, encodeUtf8, sha256 } from "../../crypto/hash.ts";
import type { Json } from "../../crypto/json.ts";
import { randomBytes } from "../../crypto/random.ts";
import { seal, unseal } from "../../crypto/seal.ts";
import { IMPORT_BATCH_BYTES, IMPORT_BATCH_ROWS, IMPORT_MEMORY_BYTES_MAX, IMPORT_PARTITIONS_MAX } from "../../limits.ts";
import type { FileRow, Refusal } from "../../records/bulk/import-row.ts";
import type { ReadRow } from "./row-reader.ts";

/** What says which record a row is about. */
export interface RowKey {
  /** Its columns or fields, for people. */
  readonly label: string;
  /** Whether a row without it is refused; if not, it stands for itself. */
  readonly isRequired: boolean;
  /** The text that rows about the same record share, or undefined where there is none. */
  read(row: FileRow): string | undefined;
}

export interface GroupOptions {
  readonly rows: AsyncIterable<ReadRow>;
  /** Without one, every row stands for itself. */
  readonly key: RowKey | undefined;
  /** Whether rows of one key are one record; if not, all but the first are refused. */
  readonly isGrouping: boolean;
  readonly fileBytes: number;
  /** Larger files go through temporary files, and lose the order of their rows. */
  readonly memoryBytesMax?: number;
  readonly onRefusal: (refusal: Refusal) => void | Promise<void>;
}

const WRITE_CHARS = 16_384;
const PARTITION_KEY_BYTES = 32;

/** The rows of each record, in the order of the file where it fits into memory. */
export async function* groupRows(options: GroupOptions): AsyncGenerator<readonly FileRow[]> {
  const { key, fileBytes, memoryBytesMax = IMPORT_MEMORY_BYTES_MAX } = options;
  if (key === undefined) yield* readSingly(options);
  else if (fileBytes <= memoryBytesMax) yield* gatherByKey(readSingleRows(options), { ...options, key });
  else yield* groupInPartitions({ ...options, key }, Math.ceil(fileBytes / memoryBytesMax) + 1);
}

/** Groups that are built and sent together. */
export interface RowBatch {
  /** Counts from 0; the same file under the same options always has the same batches. */
  readonly number: number;
  readonly groups: readonly (readonly FileRow[])[];
}

/** So many groups that their references are asked for together, and no more than memory and one request should hold. */
export async function* batchGroups(groups: AsyncIterable<readonly FileRow[]>): AsyncGenerator<RowBatch> {
  let batch: (readonly FileRow[])[] = [];
  let chars = 0;
  let number = 0;
  for await (const group of groups) {
    batch.push(group);
    for (const { cells } of group) chars += estimateChars(cells);
    if (batch.length < IMPORT_BATCH_ROWS && chars < IMPORT_BATCH_BYTES) continue;
    yield { number: number++, groups: batch };
    batch = [];
    chars = 0;
  }
  if (batch.length > 0) yield { number, groups: batch };
}

/** About how long a row's text is. Depends on the row alone. */
function estimateChars(cells: Json): number {
  if (typeof cells === "string") return cells.length;
  if (typeof cells !== "object" || cells === null) return 8;
  let chars = 2;
  for (const [name, value] of Object.entries(cells)) chars += name.length + estimateChars(value);
  return chars;
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

type KeyedOptions = GroupOptions & { readonly key: RowKey };

async function* gatherByKey(rows: AsyncIterable<FileRow>, options: KeyedOptions): AsyncGenerator<readonly FileRow[]> {
  const { key, isGrouping, onRefusal } = options;
  const groups = new Map<string, FileRow[]>();
  for await (const row of rows) {
    // Keys are canonical JSON, so that a line's number is the key of no row.
    const text = key.read(row) ?? (key.isRequired ? undefined : `line ${row.line}`);
    const group = text === undefined ? undefined : groups.get(text);
    if (text === undefined) {
      await onRefusal({ line: row.line, field: "", code: "record_invalid", reason: `the key is empty (${key.label})` });
    } else if (group === undefined) groups.set(text, [row]);
    else if (isGrouping) group.push(row);
    else {
      const reason = `line ${group[0]!.line} has the same key (${key.label})`;
      await onRefusal({ line: row.line, field: "", code: "value_not_unique", reason });
    }
  }
  yield* groups.values();
}

/** Rows of one key land in the same partition, and one partition at a time is gathered in memory. */
async function* groupInPartitions(options: KeyedOptions, wanted: number): AsyncGenerator<readonly FileRow[]> {
  const count = Math.min(wanted, IMPORT_PARTITIONS_MAX);
  // The rows may be personal. mkdtemp makes a directory that only this user may enter, and what is in it is sealed by a key that is
  // nowhere else: files that a process leaves behind that was killed are nobody's to read.
  const key = randomBytes(PARTITION_KEY_BYTES);
  const directory = await mkdtemp(join(tmpdir(), "attestry-import-"));
  try {
    const paths = Array.from({ length: count }, (_, at) => join(directory, `${at}.ndjson`));
    await writePartitions(options, { paths, key });
    for (const path of paths) {
      yield* gatherByKey(readPartition(path, key), options);
      await rm(path);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function writePartitions(
  options: KeyedOptions,
  { paths, key }: { paths: readonly string[]; key: Uint8Array },
): Promise<void> {
  const handles: FileHandle[] = [];
  const pending = paths.map(() => "");
  const flush = async (at: number): Promise<void> => {
    const sealed = seal({ key, aad: paths[at]!, plaintext: encodeUtf8(pending[at]!) });
    await handles[at]!.appendFile(`${encodeBase64(sealed)}\n`);
    pending[at] = "";
  };
  try {
    for (const path of paths) handles.push(await open(path, "wx", 0o600));
    for await (const row of readSingleRows(options)) {
      const digest = sha256(options.key.read(row) ?? "");
      const at = new DataView(digest.buffer, digest.byteOffset).getUint32(0) % paths.length;
      pending[at] += `${JSON.stringify([row.line, row.cells])}\n`;
      if (pending[at]!.length >= WRITE_CHARS) await flush(at);
    }
    for (const at of paths.keys()) await flush(at);
  } finally {
    for (const handle of handles) await handle.close();
  }
}

async function* readPartition(path: string, key: Uint8Array): AsyncGenerator<FileRow> {
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const rows = decodeUtf8(unseal({ key, aad: path, sealed: decodeBase64(text) })).split("\n");
    for (const row of rows.filter((one) => one !== "")) {
      const [line, cells] = JSON.parse(row) as [number, FileRow["cells"]];
      yield { line, cells };
    }
  }
}
