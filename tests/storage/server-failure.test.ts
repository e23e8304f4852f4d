// Each way in which PostgreSQL ends gets its own code, from what it really prints.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { describeFailure } from "../../src/storage/server-failure.ts";

const folder = mkdtempSync(join(tmpdir(), "attestry-failure-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const place = {
  dataFolder: "/data",
  logPath: join(folder, "server.log"),
  account: { name: "user postgres", prefix: [] },
};
const EARLIER = 'FATAL:  could not create lock file "postmaster.pid": Permission denied\n';

it.each([
  [
    "database_port_in_use",
    'LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\nFATAL:  could not create any TCP/IP sockets',
    "port 5433 ",
  ],
  ["database_in_use", "FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use", "/data"],
  [
    "database_binary_missing",
    "postgres: error while loading shared libraries: libicuuc.so.60: cannot open shared object file",
    "npm rebuild",
  ],
  ["database_binary_missing", "unshare: failed to execute /x/postgres: No such file or directory", "npm rebuild"],
  ["database_permission", 'FATAL:  data directory "/data" has wrong ownership', "user postgres may not use /data"],
  ["database_unavailable", "FATAL:  database files are incompatible with server", "incompatible"],
])("reports %s", (code, output, hint) => {
  writeFileSync(place.logPath, EARLIER + output);
  const error = describeFailure(place, { program: "postgres", end: { code: 1 }, logStart: EARLIER.length, port: 5433 });
  expect(error.code).toBe(code);
  expect(error.message).toContain(hint);
});

it("reports a program that cannot be started at all", () => {
  const error = describeFailure(place, {
    program: "initdb",
    end: { code: null, error: new Error("spawn ENOENT") },
    logStart: 0,
  });
  expect(error).toMatchObject({
    code: "database_binary_missing",
    message: expect.stringContaining("initdb cannot be started"),
  });
});
