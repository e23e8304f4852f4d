// The journal of an import, beside its file: which batches are settled, and how. It makes an import that was cut short go on where it was. Holds no cell.

import { createHash, randomUUID } from "node:crypto";
import { createReadStream, existsSync, fsyncSync, openSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { isJsonObject, type Json, type JsonObject, parseJson } from "../../crypto/json.ts";
import { AttestryError } from "../../errors.ts";
import { IDEMPOTENCY_SECONDS } from "../../limits.ts";
import type { Refusal } from "../../records/bulk/import-row.ts";

/** What became of one batch. Records are counted by created, amended and unchanged, rows by rows and refusals. */
export interface BatchResult {
  readonly rows: number;
  readonly created: number;
  readonly amended: number;
  readonly unchanged: number;
  readonly proposed: number;
  readonly refusals: readonly Refusal[];
}

/** What an import is: the same journal is for the same answers to all of it. */
export interface ImportBinding extends Readonly<Record<string, Json>> {
  readonly node: string;
  readonly registry: string;
  readonly mode: string;
  /** SHA-256 of the file and of the map. */
  readonly file: string;
  readonly map: string | null;
  /** What else decides how the file's rows are grouped into batches. */
  readonly layout: Json;
}

export interface ImportJournal {
  /** Names the import to the node, so that no row is written twice. */
  readonly id: string;
  /** When an earlier run of it began. */
  readonly resumedFrom: string | undefined;
  /** What a batch of an earlier run became. */
  settledBefore(batch: number): BatchResult | undefined;
  settle(batch: number, result: BatchResult): void;
  /** How many records were found missing, once the file that names them is whole. */
  missing: number | undefined;
  markMissing(count: number): void;
  /** The import is done: there is nothing to go on with. */
  remove(): void;
}

const FORM = 2;

/** SHA-256 of a file's bytes, hexadecimal. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** A journal that is nowhere: of a dry run, or where none can be written. */
export function createVolatileJournal(): ImportJournal {
  return {
    id: randomUUID(),
    resumedFrom: undefined,
    settledBefore: () => undefined,
    settle: () => undefined,
    missing: undefined,
    markMissing: () => undefined,
    remove: () => undefined,
  };
}

/**
 * Opens the journal at `path`, going on with what is in it where it is of the same import. Where the file, map or mode changed meanwhile,
 * the import starts anew, which is safe only where records are found by a unique value (`isUnique`): without one it throws
 * `import_file_invalid`, as for a journal of another registry or node.
 */
export async function openJournal(options: {
  readonly path: string;
  readonly binding: ImportBinding;
  readonly isUnique: boolean;
  readonly now: number;
  readonly warn: (text: string) => void;
}): Promise<ImportJournal> {
  const { path, binding, isUnique, now, warn } = options;
  const found = existsSync(path) ? await readJournal(path) : undefined;
  const changed = found && Object.keys(binding).filter((name) => !isSame(found.head[name], binding[name]));
  if (found && changed!.length === 0) {
    checkAge({ path, isUnique, now });
    return writeTo(path, found);
  }
  if (found) {
    const what = changed!.join(", ");
    if (!isUnique || changed!.some((name) => name === "node" || name === "registry")) {
      throw new AttestryError(
        "import_file_invalid",
        `${path} is of an import that did not end and differs in: ${what}; run that one to its end, or remove the journal to give it up${isUnique ? "" : ". Rows of it that are in would then be imported a second time"}`,
      );
    }
    warn(
      `${what} changed since this import was cut short, so it begins anew; what is in counts as unchanged or amended`,
    );
    rmSync(path);
  }
  const head = { form: FORM, id: randomUUID(), started_at: new Date(now * 1_000).toISOString(), ...binding };
  const journal = { head, settled: new Map<number, BatchResult>(), missing: undefined, isNew: true };
  try {
    return writeTo(path, journal);
  } catch {
    warn(`${path} cannot be written: should this import be cut short, it cannot go on where it was`);
    return createVolatileJournal();
  }
}

interface StoredJournal {
  readonly head: JsonObject;
  readonly settled: ReadonlyMap<number, BatchResult>;
  readonly missing: number | undefined;
  readonly isNew?: boolean;
}

/** Undefined where not even the first line was written whole. A last line that is not whole is cut off. */
async function readJournal(path: string): Promise<StoredJournal | undefined> {
  const settled = new Map<number, BatchResult>();
  let head: JsonObject | undefined;
  let missing: number | undefined;
  let bytes = 0;
  const { size } = statSync(path);
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    const end = bytes + Buffer.byteLength(text) + 1;
    if (end > size) break;
    bytes = end;
    const line = parseJson(text);
    if (!isJsonObject(line)) throw new AttestryError("import_file_invalid", `${path} is no journal of an import`);
    if (head === undefined) head = line;
    else if (typeof line.batch === "number") settled.set(line.batch, line as unknown as BatchResult);
    else if (typeof line.missing === "number") missing = line.missing;
  }
  if (head === undefined) {
    rmSync(path);
    return undefined;
  }
  if (head.form !== FORM || typeof head.id !== "string") {
    throw new AttestryError("import_file_invalid", `${path} is no journal of this version of the program`);
  }
  truncateSync(path, bytes);
  return { head, settled, missing };
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The node remembers for so long which rows it wrote; what was under way at the cut can be told from then on by unique values only. */
function checkAge({ path, isUnique, now }: { path: string; isUnique: boolean; now: number }): void {
  const ageSeconds = now - statSync(path).mtimeMs / 1_000;
  if (isUnique || ageSeconds < IDEMPOTENCY_SECONDS * 0.9) return;
  throw new AttestryError(
    "import_file_invalid",
    `${path} was last written more than ${Math.floor(ageSeconds / 3_600)} hours ago, and the node no longer knows which rows of the last batches are in; the registry has no unique field to find them by. Compare with an export, import the rest as a file of its own, and remove the journal`,
  );
}

function writeTo(path: string, stored: StoredJournal): ImportJournal {
  const { head, settled } = stored;
  const file = openSync(path, "a", 0o600);
  // On disk before the node is asked to go on: a batch that is settled here is never sent again.
  const append = (line: JsonObject): void => {
    writeSync(file, `${JSON.stringify(line)}\n`);
    fsyncSync(file);
  };
  if (stored.isNew) append(head);
  let missing = stored.missing;
  return {
    id: String(head.id),
    resumedFrom: stored.isNew ? undefined : String(head.started_at),
    settledBefore: (batch) => settled.get(batch),
    settle: (batch, result) => append({ batch, ...result, refusals: result.refusals.map((one) => ({ ...one })) }),
    get missing() {
      return missing;
    },
    markMissing(count) {
      missing = count;
      append({ missing: count });
    },
    remove: () => rmSync(path, { force: true }),
  };
}
