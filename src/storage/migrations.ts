// Brings a database to the schema this program was built for, or says what is missing. Knows no table but its own.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AttestryError } from "../errors.ts";
import type { Database, Sql, Transaction } from "./database.ts";

// The same two steps up from src/storage and from dist/storage.
const MIGRATIONS_FOLDER = fileURLToPath(new URL("../../drizzle", import.meta.url));
// Any number, the same for every process: who holds it migrates, the others wait and then find nothing to do.
const MIGRATION_LOCK = 0x6174_7465;

interface Migration {
  readonly name: string;
  readonly statements: string;
  readonly hash: string;
}

/** The migrations in the order drizzle-kit made them; none where its journal does not exist yet. */
function readMigrations(folder: string): Migration[] {
  const journalPath = `${folder}/meta/_journal.json`;
  if (!existsSync(journalPath)) return [];
  const journal = JSON.parse(readFileSync(journalPath, "utf8")) as { entries: { idx: number; tag: string }[] };
  return [...journal.entries]
    .sort((a, b) => a.idx - b.idx)
    .map(({ tag }) => {
      const statements = readFileSync(`${folder}/${tag}.sql`, "utf8");
      return { name: tag, statements, hash: createHash("sha256").update(statements).digest("hex") };
    });
}

async function readApplied(sql: Sql | Transaction): Promise<Map<string, string>> {
  const [table] = await sql<{ exists: boolean }[]>`SELECT to_regclass('attestry_migrations') IS NOT NULL AS exists`;
  if (!table?.exists) return new Map();
  const rows = await sql<{ name: string; hash: string }[]>`SELECT name, hash FROM attestry_migrations`;
  return new Map(rows.map(({ name, hash }) => [name, hash]));
}

/** What is still to be applied. Throws `migration_unknown` where the database and this program have no common history. */
function findPending(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): Migration[] {
  const known = new Map(migrations.map(({ name, hash }) => [name, hash]));
  const newer = [...applied.keys()].filter((name) => !known.has(name));
  if (newer.length > 0) {
    throw new AttestryError(
      "migration_unknown",
      `the database has migrations that this program does not know (${newer.join(", ")}); start the newer program that applied them`,
    );
  }
  const changed = [...applied].filter(([name, hash]) => known.get(name) !== hash).map(([name]) => name);
  if (changed.length > 0) {
    throw new AttestryError(
      "migration_unknown",
      `migrations were changed after the database applied them (${changed.join(", ")}); put their files back and add a new migration`,
    );
  }
  const pending = migrations.filter(({ name }) => !applied.has(name));
  const lastApplied = migrations.findLastIndex(({ name }) => applied.has(name));
  const skipped = pending.filter((migration) => migrations.indexOf(migration) < lastApplied).map(({ name }) => name);
  if (skipped.length > 0) {
    throw new AttestryError(
      "migration_unknown",
      `migrations were inserted before ones that the database already applied (${skipped.join(", ")}); make them anew with npm run db:generate`,
    );
  }
  return pending;
}

/**
 * Applies what is pending, all of it or nothing, one process at a time; gives the names applied, in order.
 * Throws `migration_unknown`; a statement that fails throws the driver's error with the migration's name in front.
 */
export async function applyMigrations(database: Database, folder: string = MIGRATIONS_FOLDER): Promise<string[]> {
  const migrations = readMigrations(folder);
  const names = await database.sql.begin(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    await tx`CREATE TABLE IF NOT EXISTS attestry_migrations (
      name text PRIMARY KEY, hash text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`;
    const pending = findPending(migrations, await readApplied(tx));
    for (const { name, statements, hash } of pending) {
      try {
        await tx.unsafe(statements).simple();
      } catch (cause) {
        throw new Error(`migration ${name}: ${(cause as Error).message}`, { cause });
      }
      await tx`INSERT INTO attestry_migrations (name, hash) VALUES (${name}, ${hash})`;
    }
    return pending.map(({ name }) => name);
  });
  return names;
}

/** Throws `migration_pending` naming what the database lacks, `migration_unknown` where it is not of this program's history. */
export async function checkMigrations(database: Database, folder: string = MIGRATIONS_FOLDER): Promise<void> {
  const pending = findPending(readMigrations(folder), await readApplied(database.sql));
  if (pending.length > 0) {
    throw new AttestryError(
      "migration_pending",
      `the database lacks ${pending.length} migrations: ${pending.map(({ name }) => name).join(", ")}; apply them with: attestry init`,
    );
  }
}
