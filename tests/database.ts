// A fresh, migrated database per call, on real PostgreSQL. Test code only.
import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { silentLogger } from "../src/logger.ts";
import { openCluster } from "../src/storage/cluster.ts";
import { connectDatabase, createDatabaseIfMissing, type Database } from "../src/storage/database.ts";
import { applyMigrations } from "../src/storage/migrations.ts";

export interface TestDatabase {
  /** With the password; good for `connectDatabase` and for child processes. */
  readonly url: string;
  readonly database: Database;
  /** Closes `database` and removes the database, whoever else still is connected. */
  drop(): Promise<void>;
}

type DatabaseUrl = (database: string) => string;

// Any number: several test files may need the template at the same time, and one of them makes it.
const TEMPLATE_LOCK = 0x7465_7374;

let databaseUrl: Promise<DatabaseUrl> | undefined;

function namedOnServer(serverUrl: string): DatabaseUrl {
  return (database) => {
    const url = new URL(serverUrl);
    url.pathname = `/${database}`;
    return url.href;
  };
}

async function migrateTemplate(url: DatabaseUrl, template: string): Promise<void> {
  const draft = `${template}_draft`;
  await createDatabaseIfMissing({ url: url(draft) });
  const database = connectDatabase({ url: url(draft), poolMax: 1 });
  try {
    await applyMigrations(database);
  } finally {
    await database.close();
  }
}

/** The way to the run's server, once the migrated template exists there. */
async function prepareServer(): Promise<DatabaseUrl> {
  const { directory, url: serverUrl, prefix } = inject("databaseServer");
  // Never released: the server lives until tests/global-setup.ts stops it after the last file.
  const url =
    serverUrl === "" ? (await openCluster({ directory, logger: silentLogger })).url : namedOnServer(serverUrl);
  const template = `${prefix}template`;
  const server = connectDatabase({ url: url("postgres"), poolMax: 1 });
  try {
    await server.sql`SELECT pg_advisory_lock(${TEMPLATE_LOCK})`;
    const [found] = await server.sql`SELECT 1 FROM pg_database WHERE datname = ${template}`;
    if (found === undefined) {
      await migrateTemplate(url, template);
      await server.sql`ALTER DATABASE ${server.sql(`${template}_draft`)} RENAME TO ${server.sql(template)}`;
    }
  } finally {
    await server.close(); // gives the lock back
  }
  return url;
}

/** Makes a database with all migrations applied, for this test alone: on DATABASE_URL where it is set, else on the embedded server. */
export async function createTestDatabase(): Promise<TestDatabase> {
  databaseUrl ??= prepareServer();
  const url = await databaseUrl;
  const { prefix } = inject("databaseServer");
  const name = `${prefix}${randomBytes(6).toString("hex")}`;
  const onServer = async (statement: (sql: Database["sql"]) => PromiseLike<unknown>) => {
    const server = connectDatabase({ url: url("postgres"), poolMax: 1 });
    try {
      await statement(server.sql);
    } finally {
      await server.close();
    }
  };
  await onServer((sql) => sql`CREATE DATABASE ${sql(name)} TEMPLATE ${sql(`${prefix}template`)}`);
  const database = connectDatabase({ url: url(name) });
  return {
    url: url(name),
    database,
    async drop() {
      await database.close();
      await onServer((sql) => sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`);
    },
  };
}
