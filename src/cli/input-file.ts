// Reads the small files that a command is given, whole. A fault names the file; what stands in it never shows in an error.
import { readFileSync } from "node:fs";
import { type Json, parseJson } from "../crypto/json.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";

const STDIN = 0;

/** The text of a file, or of standard input for `-`. Throws `code` where it cannot be read. */
export function readInputText(file: string, code: ErrorCode): string {
  try {
    return readFileSync(file === "-" ? STDIN : file, "utf8");
  } catch (cause) {
    throw new AttestryError(code, `${nameOf(file)} cannot be read: ${describeFault(cause)}`, { cause });
  }
}

/** A file as strict JSON; throws as both of the others. */
export function readInputJson(file: string, code: ErrorCode): Json {
  return parseInputJson(file, readInputText(file, code));
}

/** Strict JSON of a file that was read; throws `json_*`. */
export function parseInputJson(file: string, text: string): Json {
  try {
    return parseJson(text);
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    throw new AttestryError(error.code, `${nameOf(file)}: ${error.message}`, { details: error.details, cause: error });
  }
}

function nameOf(file: string): string {
  return file === "-" ? "standard input" : file;
}

function describeFault(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "it is a directory";
  if (code === "EACCES") return "permission is denied";
  return code ?? "unknown fault";
}
