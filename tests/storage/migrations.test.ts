// Migrations from scratch folders; the real ones are applied by every test that uses createTestDatabase.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { applyMigrations, checkMigrations } from "../../src/storage/migrations.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

let test: TestDatabase;
let folder: string;
beforeEach(async () => {
  test = await createTestDatabase();
  await test.database.sql`DROP TABLE attestry_migrations`;
  folder = mkdtempSync(join(tmpdir(), "attestry-migrations-"));
});
afterEach(async () => {
  await test.drop();
  rmSync(folder, { recursive: true, force: true });
});

function writeMigrations(migrations: Record<string, string>): void {
  mkdirSync(join(folder, "meta"), { recursive: true });
  for (const [name, text] of Object.entries(migrations)) writeFileSync(join(folder, `${name}.sql`), text);
  const entries = Object.keys(migrations).map((tag, idx) => ({ idx, tag }));
  writeFileSync(join(folder, "meta", "_journal.json"), JSON.stringify({ entries }));
}

const FIRST = 'CREATE TABLE "one" (n int);\n--> statement-breakpoint\nCREATE INDEX one_n ON one (n);';

it("takes a folder without migrations for a finished one", async () => {
  expect(await applyMigrations(test.database, folder)).toEqual([]);
  await expect(checkMigrations(test.database, folder)).resolves.toBeUndefined();
});

it("applies what is pending in order and names it, once", async () => {
  writeMigrations({ "0000_first": FIRST });
  await expect(checkMigrations(test.database, folder)).rejects.toMatchObject({
    code: "migration_pending",
    message: expect.stringContaining("0000_first"),
  });
  expect(await applyMigrations(test.database, folder)).toEqual(["0000_first"]);
  writeMigrations({ "0000_first": FIRST, "0001_second": "ALTER TABLE one ADD COLUMN m int;" });
  expect(await applyMigrations(test.database, folder)).toEqual(["0001_second"]);
  expect(await applyMigrations(test.database, folder)).toEqual([]);
  await expect(checkMigrations(test.database, folder)).resolves.toBeUndefined();
});

it("applies each one once when several processes begin together", async () => {
  writeMigrations({ "0000_first": FIRST });
  const applied = await Promise.all([1, 2, 3, 4].map(() => applyMigrations(test.database, folder)));
  expect(applied.flat()).toEqual(["0000_first"]);
});

it("applies nothing when one of them fails, and names that one", async () => {
  writeMigrations({ "0000_first": FIRST, "0001_wrong": "CREATE TABLE two (n int); SELECT nonsense;" });
  await expect(applyMigrations(test.database, folder)).rejects.toThrow("migration 0001_wrong:");
  expect(await test.database.sql`SELECT to_regclass('one') AS one, to_regclass('two') AS two`).toEqual([
    { one: null, two: null },
  ]);
});

it("refuses a database with another history", async () => {
  writeMigrations({ "0000_first": FIRST, "0001_second": "ALTER TABLE one ADD COLUMN m int;" });
  await applyMigrations(test.database, folder);

  writeMigrations({ "0000_first": FIRST });
  await expect(checkMigrations(test.database, folder)).rejects.toThrow(/does not know \(0001_second\)/);

  writeMigrations({ "0000_first": `${FIRST} `, "0001_second": "ALTER TABLE one ADD COLUMN m int;" });
  await expect(applyMigrations(test.database, folder)).rejects.toMatchObject({
    code: "migration_unknown",
    message: expect.stringContaining("changed after the database applied them (0000_first)"),
  });

  writeMigrations({
    "0000_first": FIRST,
    "0000_late": "SELECT 1;",
    "0001_second": "ALTER TABLE one ADD COLUMN m int;",
  });
  await expect(applyMigrations(test.database, folder)).rejects.toThrow(/inserted before .*0000_late/);
});
