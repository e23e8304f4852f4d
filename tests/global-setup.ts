// One place for the databases of a whole test run, and its end, and a browser for its pages. Starts nothing: the first test that needs a database does.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { connectDatabase } from "../src/storage/database.ts";
import { findServer, stopServer } from "../src/storage/server.ts";
import { unpackChromium } from "./pages/bundled-chromium.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** `url` is empty where the run has an embedded cluster of its own in `directory`. */
    databaseServer: { directory: string; url: string; prefix: string };
  }
}

async function dropDatabases(options: { url: string; prefix: string }): Promise<void> {
  const server = connectDatabase({ url: options.url, poolMax: 1 });
  try {
    const rows = await server.sql<{ name: string }[]>`
      SELECT datname AS name FROM pg_database WHERE starts_with(datname, ${options.prefix})`;
    for (const { name } of rows) await server.sql`DROP DATABASE IF EXISTS ${server.sql(name)} WITH (FORCE)`;
  } finally {
    await server.close();
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await unpackChromium();
  const directory = mkdtempSync(join(tmpdir(), "attestry-test-"));
  const url = process.env.DATABASE_URL ?? "";
  const prefix = `attestry_test_${randomBytes(4).toString("hex")}_`;
  project.provide("databaseServer", { directory, url, prefix });
  return async () => {
    if (url !== "") await dropDatabases({ url, prefix });
    // Test files leave their leases behind on purpose, or each would stop the server under the next.
    const server = findServer(join(directory, "postgres", "data"));
    if (server !== undefined) await stopServer(server);
    rmSync(directory, { recursive: true, force: true });
  };
}
