// How commands answer: lines for people, or one JSON object for programs, on standard output; errors on standard error.
import { type AttestryError, isAttestryError } from "../errors.ts";

/** What a program that calls us can tell apart. */
export const EXIT = { ok: 0, failed: 1, partly: 2, usage: 64 } as const;

export function printResult(options: { json: boolean | undefined; value: unknown; lines: readonly string[] }): void {
  process.stdout.write(
    options.json ? `${JSON.stringify(options.value)}\n` : options.lines.map((line) => `${line}\n`).join(""),
  );
}

/** Prints an error with all its details; gives the exit code. */
export function printError(error: unknown, json: boolean): number {
  if (!isAttestryError(error)) {
    process.stderr.write(
      `attestry failed by a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.failed;
  }
  process.stderr.write(
    json
      ? `${JSON.stringify({ error: error.code, message: error.message, details: error.details })}\n`
      : formatError(error),
  );
  return EXIT.failed;
}

function formatError(error: AttestryError): string {
  const details = error.details.map(({ field, message }) => `  ${field}: ${message}\n`).join("");
  return `error: ${error.message} [${error.code}]\n${details}`;
}
