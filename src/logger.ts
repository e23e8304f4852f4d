// Named loggers on standard error; redacts tokens, keys and record contents. Nothing personal may be logged, this is the second fence.
import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";
import type { LogLevel } from "./config.ts";
import { AttestryError } from "./errors.ts";

export type Logger = Pick<PinoLogger, "debug" | "info" | "warn" | "error">;

const SECRET_FIELDS = [
  "authorization",
  "token",
  "passphrase",
  "password",
  "secret",
  "seed",
  "url",
  "data",
  "disclosures",
];

/**
 * An error as it is logged. The message of one of ours holds nothing personal; that of any other may quote what was being read or
 * stored, as those of JSON.parse and of PostgreSQL do, so that only its kind and its place are told.
 */
export function describeFault(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: "not an Error" };
  const { code, constraint_name: constraint, table_name: table } = error as { [name: string]: unknown } & Error;
  const told = Object.entries({ code, constraint, table }).filter(([, value]) => typeof value === "string");
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    ...Object.fromEntries(told),
    ...(error instanceof AttestryError && { message: error.message }),
    stack: frames.map((line) => line.trim()),
    ...(error.cause instanceof Error && { cause: describeFault(error.cause) }),
  };
}

/** One JSON object per line on standard error, so that `--json` output on standard output stays clean. `destination`: elsewhere. */
export function createLogger(options: { name: string; level: LogLevel; destination?: DestinationStream }): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[redacted]" },
      base: {},
      serializers: { err: describeFault },
    },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

export const silentLogger: Logger = pino({ level: "silent" });
