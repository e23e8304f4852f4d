// The connection to one database, embedded or not: one pool, seen as postgres.js and as drizzle. Knows no table.
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { AttestryError } from "../errors.ts";
import {
  DATABASE_BOUNDED_CONNECTIONS_MAX,
  DATABASE_BOUNDED_STATEMENT_MS,
  DATABASE_CLOSE_TIMEOUT_SECONDS,
  DATABASE_CONNECT_TIMEOUT_SECONDS,
  DATABASE_POOL_CONNECTIONS_DEFAULT,
  DATABASE_RECONNECT_SECONDS_MAX,
} from "../limits.ts";

/** int8 arrives as a number, see `connectDatabase`. */
type Types = { bigint: number };
export type Sql = postgres.Sql<Types>;
export type Transaction = postgres.TransactionSql<Types>;

export interface Database {
  readonly sql: Sql;
  /**
   * A pool of its own for what callers decide how much work it is: statements end after DATABASE_BOUNDED_STATEMENT_MS
   * (`isStatementTimeout`), and however many come, they take no connection away from anything else.
   */
  readonly bounded: Sql;
  readonly orm: PostgresJsDatabase;
  /** Waits for running queries, then closes every connection. Safe to call again. */
  close(): Promise<void>;
}

const INT8 = 20;
const JSON_TYPES = [114, 3802];

function parseInt8(text: string): number {
  const value = Number(text);
  // Counts, indices and times stay below 2^53 by design: more is a bug, and rounding would hide it.
  if (!Number.isSafeInteger(value)) throw new RangeError(`the int8 ${text} is not a safe integer`);
  return value;
}

function maintenanceUrl(url: string): string {
  const other = new URL(url);
  other.pathname = "/postgres";
  return other.href;
}

function databaseName(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

/** Where a URL points to, fit for a message: without user and password. */
function describeUrl(url: string): string {
  const { hostname, port } = new URL(url);
  return `database "${databaseName(url)}" at ${hostname}:${port || 5432}`;
}

function openPool(url: string, poolMax: number, settings: Readonly<Record<string, string>> = {}): Sql {
  return postgres(url, {
    max: poolMax,
    connect_timeout: DATABASE_CONNECT_TIMEOUT_SECONDS,
    // postgres.js would wait up to 20 s, and each attempt answers one waiting query: callers would hang long after the server is back.
    backoff: (retries: number) => Math.min(3 ** retries / 100, DATABASE_RECONNECT_SECONDS_MAX),
    onnotice: () => {},
    connection: { application_name: "attestry", TimeZone: "UTC", ...settings },
    types: { bigint: { to: INT8, from: [INT8], serialize: (value: number) => String(value), parse: parseInt8 } },
  });
}

/**
 * A pool of at most `poolMax` connections, opened when first used. `url`: `postgres://user:password@host:port/database`.
 *
 * What `sql` gives and takes: int8 as a number (above 2^53 a RangeError); dates and timestamps as text, because drizzle on the
 * same pool parses them itself; json and jsonb come parsed, and are given as an object, or as a string that is JSON text.
 */
export function connectDatabase(options: { url: string; poolMax?: number | undefined }): Database {
  const poolMax = options.poolMax ?? DATABASE_POOL_CONNECTIONS_DEFAULT;
  const sql = openPool(options.url, poolMax);
  const bounded = openPool(options.url, Math.min(poolMax, DATABASE_BOUNDED_CONNECTIONS_MAX), {
    statement_timeout: String(DATABASE_BOUNDED_STATEMENT_MS),
  });
  const orm = drizzle(sql);
  // drizzle hands over JSON text and replaces the pool's serializers with ones that take nothing else.
  for (const type of JSON_TYPES) {
    sql.options.serializers[type] = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  }
  let closed: Promise<void> | undefined;
  return {
    sql,
    bounded,
    orm,
    close() {
      // Without a limit it waits forever for a session that the server ended (postgres.js 3.4.9).
      closed ??= Promise.all([sql, bounded].map((pool) => pool.end({ timeout: DATABASE_CLOSE_TIMEOUT_SECONDS }))).then(
        () => undefined,
      );
      return closed;
    },
  };
}

// SQLSTATE 57014 query_canceled
const STATEMENT_CANCELED = "57014";

/** Whether a query through `bounded` failed because it took longer than it was allowed to. */
export function isStatementTimeout(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === STATEMENT_CANCELED;
}

// SQLSTATE 08 connection, 53300 too many of them, 57P0x shut down; the others are postgres.js's and Node's own names.
const CONNECTION_LOST =
  /^(ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOSTUNREACH|CONNECT_TIMEOUT|CONNECTION_[A-Z_]+|08\d{3}|53300|57P0\d)$/;

/** Whether a query failed because the database is away, not because of what was asked. drizzle wraps the driver's error. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return (typeof code === "string" && CONNECTION_LOST.test(code)) || isConnectionLost(error.cause);
}

/** Maps what a connection can fail with; anything else is not this function's to explain and comes back as it is. */
function explainConnectionError(error: unknown, url: string): unknown {
  const code = (error as { code?: string }).code;
  const where = describeUrl(url);
  if (code === "28P01" || code === "28000" || code === "42501") {
    return new AttestryError(
      "database_permission",
      `${where} refuses this user (${code}); check user and password of the URL`,
      { cause: error },
    );
  }
  if (code === "3D000") {
    return new AttestryError("database_unavailable", `${where} does not exist; make it with: attestry init`, {
      cause: error,
    });
  }
  if (code !== undefined && /^(E[A-Z]+|CONNECT_TIMEOUT|CONNECTION_[A-Z]+|08\d{3}|53300|57P0\d)$/.test(code)) {
    return new AttestryError("database_unavailable", `${where} cannot be reached (${code}); is the server running?`, {
      cause: error,
    });
  }
  return error;
}

async function withConnection<Result>(url: string, work: (sql: Sql) => Promise<Result>): Promise<Result> {
  const sql = openPool(url, 1);
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

/** Throws `database_unavailable` or `database_permission`, naming the server but no password, unless the database answers. */
export async function checkConnection(url: string): Promise<void> {
  try {
    await withConnection(url, (sql) => sql`SELECT 1`);
  } catch (error) {
    throw explainConnectionError(error, url);
  }
}

/** Makes the database that the URL names; true if it was missing. Throws `database_unavailable`, `database_permission`. */
export async function createDatabaseIfMissing(options: { url: string }): Promise<boolean> {
  const { url } = options;
  try {
    // Asking for the database itself first: a user who may use it need not be one who may see the others.
    await withConnection(url, (sql) => sql`SELECT 1`);
    return false;
  } catch (error) {
    if ((error as { code?: string }).code !== "3D000") throw explainConnectionError(error, url);
  }
  try {
    return await withConnection(maintenanceUrl(url), async (sql) => {
      await sql`CREATE DATABASE ${sql(databaseName(url))} TEMPLATE template0 ENCODING 'UTF8'`;
      return true;
    });
  } catch (error) {
    // 42P04 duplicate_database; 23505 where two processes make it at the same moment.
    const code = (error as { code?: string }).code;
    if (code === "42P04" || code === "23505") return false;
    throw explainConnectionError(error, url);
  }
}
