// Runs imports against test nodes as the command does, without its terminal. Test code only.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ImportOptions, type ImportResult, runImport } from "../src/cli/import/import-run.ts";
import type { Role } from "../src/identity/caller.ts";
import type { TestNode } from "./node-fixture.ts";

/** A directory for the files of one test file; the caller removes it. */
export function createImportDirectory(): string {
  return mkdtempSync(join(tmpdir(), "attestry-import-test-"));
}

export function writeIn(directory: string, name: string, content: string | Uint8Array | object): string {
  const path = join(directory, name);
  const isRaw = typeof content === "string" || content instanceof Uint8Array;
  writeFileSync(path, isRaw ? content : JSON.stringify(content));
  return path;
}

export interface TestImport extends Partial<Omit<ImportOptions, "nodes">> {
  readonly registry: string;
  readonly filePath: string;
  readonly mapPath: string | undefined;
  readonly nodes?: Readonly<Record<string, string>>;
  readonly role?: Role;
}

/** Imports into `node` with a registrar's token; warnings and progress are dropped. */
export async function importInto(node: TestNode, options: TestImport): Promise<ImportResult> {
  return runImport({
    url: node.entity,
    token: await node.token(options.role ?? "registrar"),
    mode: "create",
    isDryRun: false,
    reportPath: undefined,
    signal: new AbortController().signal,
    createProgress: () => ({ update: () => undefined, end: () => undefined }),
    warn: () => undefined,
    ...options,
    nodes: new Map(Object.entries(options.nodes ?? {})),
  });
}
