// One input of a verifying command, from its text to its verdict. What cannot be read or fetched is undecided, and never stops the others.
import { open, stat } from "node:fs/promises";
import { decodeUtf8 } from "../../crypto/hash.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import { EVIDENCE_FILE_BYTES_MAX } from "../../limits.ts";
import type { Verdict } from "../../verification/report.ts";
import { formatJsonLine } from "../terminal.ts";
import { type Asked, type CheckRecord, describeFailure, type Failure, type RecordCheck } from "./record-check.ts";

/** `text` is there already, or stands in the file. */
export interface TextInput {
  /** How people know it: a file's path, with its line where it has several. */
  readonly name: string;
  readonly text?: string;
  readonly path?: string;
}

/** What became of one input. `error`: it could not be had, so nothing was judged. */
export type InputCheck = { readonly input: string } & (
  | RecordCheck
  | { readonly verdict: "undecided"; readonly error: Failure }
);

async function readWhole(path: string): Promise<string> {
  const file = await open(path);
  try {
    // A file may grow while it is read, and a device never ends.
    const stats = await file.stat();
    const size = stats.isFile() ? Math.min(stats.size, EVIDENCE_FILE_BYTES_MAX) : EVIDENCE_FILE_BYTES_MAX;
    const bytes = Buffer.alloc(size + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) break;
    }
    if (length > EVIDENCE_FILE_BYTES_MAX)
      throw new AttestryError(
        "evidence_invalid",
        `longer than ${EVIDENCE_FILE_BYTES_MAX} bytes; that is no evidence file`,
      );
    return decodeUtf8(bytes.subarray(0, length));
  } finally {
    await file.close();
  }
}

const READ_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a directory; give --batch DIR for all files in it",
  EACCES: "permission is denied",
};

/** Throws `evidence_invalid`, `encoding_invalid`, and `request_invalid` where the system does not hand the file over. */
export async function readEvidenceFile(path: string): Promise<string> {
  try {
    return await readWhole(path);
  } catch (cause) {
    if (isAttestryError(cause)) throw cause;
    const { code = "unknown fault" } = cause as NodeJS.ErrnoException;
    throw new AttestryError("request_invalid", `${path} cannot be read: ${READ_FAULTS[code] ?? code}`, { cause });
  }
}

export function isJsonFile(path: string): boolean {
  return /\.json$/i.test(path);
}

export function undecided(input: string, error: Failure): InputCheck {
  return { input, verdict: "undecided", error };
}

/** Judges what `read` gives; a text that is no evidence is invalid, one that could not be had undecided. */
export async function checkInput(
  input: string,
  read: () => Promise<string>,
  { check, ...asked }: Asked & { readonly check: CheckRecord },
): Promise<InputCheck> {
  let text: string;
  try {
    text = await read();
  } catch (error) {
    const failure = describeFailure(error);
    if (failure.code !== "evidence_invalid" && failure.code !== "encoding_invalid") return undecided(input, failure);
    // Judged as an empty file is, so that it has a report; what was wrong with it stands beside that.
    return { input, ...(await check("", asked)), unreadable: failure };
  }
  return { input, ...(await check(text, asked)) };
}

/** Something else than a file, such as a pipe, for which whoever found it in a directory would wait for ever. */
export async function isSpecialFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && !stats.isFile();
}

async function readFoundFile(path: string): Promise<string> {
  if (await isSpecialFile(path)) throw new AttestryError("request_invalid", `${path} cannot be read: it is no file`);
  return readEvidenceFile(path);
}

export function checkTextInput({ name, text, path }: TextInput, check: CheckRecord): Promise<InputCheck> {
  // A line of several is JSON, or the file would not be one of lines.
  return checkInput(name, async () => text ?? readFoundFile(path!), {
    check,
    isJson: text !== undefined || isJsonFile(name),
  });
}

/** For programs: without the text that was judged, which they have. */
export function formatCheck(found: InputCheck): string {
  return formatJsonLine({ ...found, judgedText: undefined });
}

const SEVERITY: readonly Verdict[] = ["valid", "undecided", "invalid"];

export function worstOf(verdicts: Iterable<Verdict>): Verdict {
  let worst = 0;
  for (const verdict of verdicts) worst = Math.max(worst, SEVERITY.indexOf(verdict));
  return SEVERITY[worst]!;
}
