// The inputs of a batch, one after the other in a stable order, read no further ahead than they are asked for. Judges nothing.
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { decodeUtf8 } from "../../crypto/hash.ts";
import { AttestryError } from "../../errors.ts";
import { EVIDENCE_FILE_BYTES_MAX, VERIFY_BATCH_FILES_MAX } from "../../limits.ts";
import { isSpecialFile, type TextInput } from "./input-check.ts";

const LINES = /\.(ndjson|jsonl)$/i;
const NEWLINE = 0x0a;

export interface BatchItems {
  readonly items: AsyncIterable<TextInput>;
  /** Undefined where files with many lines make it unknown. */
  readonly total: number | undefined;
}

async function listFiles(directory: string, below: string): Promise<string[]> {
  const entries = await readdir(join(directory, below), { withFileTypes: true });
  // By code units, so that the order is the same on every machine.
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const files: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await listFiles(directory, path)));
    else files.push(path);
    if (files.length > VERIFY_BATCH_FILES_MAX)
      throw new AttestryError(
        "too_many_items",
        `more than ${VERIFY_BATCH_FILES_MAX} files; verify them in several directories`,
      );
  }
  return files;
}

/** Lines of a file as they stand; of one that is too long only its beginning, which is no evidence either. */
async function* readLines(path: string, name: string): AsyncGenerator<TextInput> {
  let parts: Buffer[] = [];
  let length = 0;
  let line = 1;
  const take = (): TextInput | undefined => {
    const bytes = Buffer.concat(parts);
    parts = [];
    length = 0;
    const input = { name: `${name}:${line++}`, text: readText(bytes) };
    return input.text.trim() === "" ? undefined : input;
  };
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      if (length <= EVIDENCE_FILE_BYTES_MAX) parts.push(chunk.subarray(from, at));
      const input = take();
      if (input) yield input;
      from = at + 1;
    }
    // Beyond the limit the line is refused anyway, so its rest is not kept.
    if (length <= EVIDENCE_FILE_BYTES_MAX) parts.push(chunk.subarray(from));
    length += chunk.length - from;
  }
  const last = take();
  if (last) yield last;
}

function readText(bytes: Buffer): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    return "not well-formed UTF-8";
  }
}

async function* readItems(directory: string, files: readonly string[]): AsyncGenerator<TextInput> {
  for (const name of files) {
    const path = join(directory, name);
    if (!LINES.test(name) || (await isSpecialFile(path))) {
      yield { name, path };
      continue;
    }
    try {
      yield* readLines(path, name);
    } catch {
      // Whoever opens it again finds out why it cannot be read, and says so as of any other file.
      yield { name, path };
    }
  }
}

/** Every file in a directory and below; names that begin with a dot are left out. Throws `request_invalid` where there is none. */
export async function listBatchItems(directory: string): Promise<BatchItems> {
  const files = await listFiles(directory, "").catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof AttestryError) throw cause;
    throw new AttestryError("request_invalid", `${directory} cannot be read as a directory: ${cause.code}`, { cause });
  });
  if (files.length === 0) throw new AttestryError("request_invalid", `${directory} holds no files`);
  const isCountable = !files.some((name) => LINES.test(name));
  return { items: readItems(directory, files), total: isCountable ? files.length : undefined };
}
