// The connection and its types, on real PostgreSQL.
import { bigint, customType, jsonb, pgTable, text, timestamp } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  checkConnection,
  connectDatabase,
  createDatabaseIfMissing,
  isConnectionLost,
} from "../../src/storage/database.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { freePort } from "../free-port.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

describe("the connection", () => {
  it("gives int8 as a number and refuses one that a number cannot hold, then works on", async () => {
    const { sql } = test.database;
    expect(await sql`SELECT 9007199254740991::int8 AS n, ARRAY[1, 2]::int8[] AS many`).toEqual([
      { n: 9007199254740991, many: [1, 2] },
    ]);
    await expect(sql`SELECT 9007199254740993::int8 AS n`).rejects.toThrow("not a safe integer");
    expect(await sql`SELECT ${5}::int8 + 1 AS n`).toEqual([{ n: 6 }]);
  });

  it("takes JSON as an object and as text, and gives it parsed", async () => {
    const { sql } = test.database;
    const [row] = await sql`SELECT ${sql.json({ a: [1] })} AS object, ${'{"b":2}'}::jsonb AS text`;
    expect(row).toEqual({ object: { a: [1] }, text: { b: 2 } });
  });

  it("is UTC and stores UTF-8 in code point order", async () => {
    const { sql } = test.database;
    expect(await sql`SHOW TimeZone`).toEqual([{ TimeZone: "UTC" }]);
    expect(await sql`SELECT x FROM unnest(ARRAY['é', 'Z', 'a', 'प']) AS x ORDER BY x`).toEqual(
      ["Z", "a", "é", "प"].map((x) => ({ x })),
    );
  });

  it("fails every waiting query soon where nothing listens, by an error that says so", {
    timeout: 20_000,
  }, async () => {
    const away = connectDatabase({ url: `postgres://u:p@127.0.0.1:${await freePort()}/d`, poolMax: 4 });
    const began = Date.now();
    const failures = await Promise.all(Array.from({ length: 60 }, () => away.sql`SELECT 1`.catch((error) => error)));
    expect(failures.every(isConnectionLost)).toBe(true);
    // With the driver's own pauses between attempts it takes more than a minute.
    expect(Date.now() - began).toBeLessThan(10_000);
    await away.close();
    expect(isConnectionLost(await test.database.sql`SELECT 1 / 0`.catch((error) => error))).toBe(false);
  });

  it("is the same pool for drizzle", async () => {
    const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
    const table = pgTable("kinds", {
      name: text().primaryKey(),
      count: bigint({ mode: "number" }),
      at: timestamp({ withTimezone: true }),
      body: jsonb().$type<{ a: number }>(),
      bytes: bytea(),
    });
    const { sql, orm } = test.database;
    await sql`CREATE TABLE kinds (name text PRIMARY KEY, count int8, at timestamptz, body jsonb, bytes bytea)`;
    const row = {
      name: "x",
      count: 2 ** 40,
      at: new Date(1_700_000_000_000),
      body: { a: 1 },
      bytes: Buffer.from([0, 255]),
    };
    await orm.insert(table).values(row);
    expect(await orm.select().from(table)).toEqual([row]);
    expect(await sql`SELECT body->>'a' AS a FROM kinds`).toEqual([{ a: "1" }]);
  });

  it("closes twice without harm", async () => {
    const database = connectDatabase({ url: test.url });
    await database.sql`SELECT 1`;
    await database.close();
    await expect(database.close()).resolves.toBeUndefined();
    await expect(database.sql`SELECT 1`).rejects.toThrow();
  });
});

describe("creating a database", () => {
  it("tells whether it was missing, also when several ask at once", async () => {
    const url = `${test.url}_new-'"name`;
    const made = await Promise.all([1, 2, 3].map(() => createDatabaseIfMissing({ url })));
    expect(made).toContain(true);
    expect(await createDatabaseIfMissing({ url })).toBe(false);
  });

  it("reports a server that is not there, a wrong password and a missing database, without the password", async () => {
    const nowhere = new URL(test.url);
    nowhere.port = "1";
    const refused = new URL(test.url);
    refused.password = "geheim";
    const absent = new URL(test.url);
    absent.pathname = "/absent";
    for (const [url, code] of [
      [nowhere, "database_unavailable"],
      [refused, "database_permission"],
      [absent, "database_unavailable"],
    ] as const) {
      const error = await checkConnection(url.href).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({ code });
      expect(String(error)).not.toContain(url.password);
    }
    await expect(checkConnection(test.url)).resolves.toBeUndefined();
    await expect(createDatabaseIfMissing({ url: nowhere.href })).rejects.toMatchObject({
      code: "database_unavailable",
    });
  });
});
