// Named loggers on standard error; redacts tokens, keys and record contents. Nothing personal may be logged, this is the second fence.
import { type Logger as PinoLogger, pino } from "pino";
import type { LogLevel } from "./config.ts";

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

/** One JSON object per line on standard error, so that `--json` output on standard output stays clean. */
export function createLogger(options: { name: string; level: LogLevel }): Logger {
  return pino(
    {
      name: options.name,
      level: options.level,
      redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]), censor: "[redacted]" },
      base: {},
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

export const silentLogger: Logger = pino({ level: "silent" });
