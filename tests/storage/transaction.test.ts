// A transaction whose connection dies: nothing is written, nothing runs outside it, the process lives.
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { connectDatabase, type Database, type Transaction } from "../../src/storage/database.ts";
import { runTransaction } from "../../src/storage/transaction.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

let test: TestDatabase;
let database: Database;

beforeAll(async () => {
  test = await createTestDatabase();
  await test.database.sql`create table written (value integer)`;
});
afterAll(() => test.drop());

beforeEach(async () => {
  await test.database.sql`truncate written`;
  database = connectDatabase({ url: test.url, poolMax: 1 });
  // postgres.js 3.4.9 takes the query that a killed session left for one still running: a plain end() waits for ever.
  return () => database.sql.end({ timeout: 0 });
});

async function kill(tx: Transaction): Promise<void> {
  const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`;
  await test.database.sql`select pg_terminate_backend(${row!.pid})`;
}

async function countWritten(): Promise<number> {
  const [row] = await test.database.sql<{ count: number }[]>`select count(*) as count from written`;
  return row!.count;
}

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it("commits what the body wrote and gives what it gave", async () => {
  const result = await runTransaction(database, async (tx) => {
    await tx`insert into written values (1)`;
    return ["an", "array"];
  });
  expect(result).toEqual(["an", "array"]);
  expect(await countWritten()).toBe(1);
});

it("rolls back and passes on what the body throws", async () => {
  const failing = runTransaction(database, async (tx) => {
    await tx`insert into written values (1)`;
    throw new TypeError("a bug");
  });
  await expect(failing).rejects.toThrow("a bug");
  expect(await countWritten()).toBe(0);
});

it("rejects when the session is ended, whatever the body does then, and runs none of it", async () => {
  const lost = runTransaction(database, async (tx) => {
    await tx`insert into written values (1)`;
    await kill(tx);
    await wait(100);
    await tx`insert into written values (2)`;
  });
  await expect(lost).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  await wait(200);
  expect(await countWritten()).toBe(0);
});

it("does not commit when the session is ended while the body awaits something else", async () => {
  const lost = runTransaction(database, async (tx) => {
    await tx`insert into written values (1)`;
    await kill(tx);
    await wait(100);
  });
  await expect(lost).rejects.toMatchObject({ code: "CONNECTION_CLOSED" });
  expect(await countWritten()).toBe(0);
  await wait(200);
  await runTransaction(database, (tx) => tx`insert into written values (1)`);
  expect(await countWritten()).toBe(1);
});

it("refuses a query that comes after the end", async () => {
  let kept: Transaction | undefined;
  await runTransaction(database, async (tx) => {
    kept = tx;
  });
  expect(() => kept!`insert into written values (1)`).toThrow(
    expect.objectContaining({ code: "database_unavailable" }),
  );
  expect(await countWritten()).toBe(0);
});

it("runs nothing that a part of the body asks for after another part has failed", async () => {
  let late: Promise<unknown> | undefined;
  const failing = runTransaction(database, async (tx) => {
    late = wait(50).then(() => tx`insert into written values (1)`);
    await Promise.all([late, tx`select 1 / 0`]);
  });
  await expect(failing).rejects.toMatchObject({ code: "22012" });
  await expect(late).rejects.toMatchObject({ code: "database_unavailable" });
  expect(await countWritten()).toBe(0);
});

it("works on the same pool after its only session was ended", async () => {
  await runTransaction(database, async (tx) => {
    await kill(tx);
    await tx`select pg_sleep(1)`;
  }).catch(() => {});
  await runTransaction(database, (tx) => tx`insert into written values (1)`);
  expect(await countWritten()).toBe(1);
});
