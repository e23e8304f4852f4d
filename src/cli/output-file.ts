// Writes a file that a command was told to write: whole, or not at all. Reads nothing.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { AttestryError } from "../errors.ts";

/** An earlier file of that name stays as it is until the new one is whole. Throws `request_invalid` where it cannot be written. */
export function writeOutputFile(path: string, text: string): void {
  const draft = `${path}.part`;
  let file: number | undefined;
  try {
    file = openSync(draft, "w", 0o600);
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    file = undefined;
    renameSync(draft, path);
  } catch (cause) {
    if (file !== undefined) closeSync(file);
    rmSync(draft, { force: true });
    const { code = "unknown fault" } = cause as NodeJS.ErrnoException;
    throw new AttestryError("request_invalid", `${path} cannot be written: ${code}`, { cause });
  }
}
