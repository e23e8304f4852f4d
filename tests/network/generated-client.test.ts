// A client that a stranger generates from the document: it compiles, knows the registry's fields, and works against a real node.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { generateSource } from "oazapfts";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

const GENERATE_MS = 180_000;
const TSC = join(createRequire(import.meta.url).resolve("typescript/package.json"), "..", "bin", "tsc");

// What the stranger writes. The lines that must not compile show that the types are those of the registry.
const PROGRAM = `
import { defaults, wellsAmendRecord, wellsCreateRecord, wellsGetRecord, wellsListRecords } from "./client.ts";

export async function run(baseUrl: string, token: string) {
  defaults.baseUrl = baseUrl;
  defaults.headers = { authorization: "Bearer " + token };
  const created = await wellsCreateRecord({ data: { code: "W-1", name: "Mill well", depth: 12, kind: "dug" } });
  if (created.status !== 201) throw new Error(JSON.stringify(created));
  const rid: string = created.data.rid;
  const depth: number | undefined = created.data.data.depth;
  const change = { data: { depth: null, name: "Old mill well" } };
  const amended = await wellsAmendRecord(rid, created.headers.get("etag") ?? "", change);
  const read = await wellsGetRecord(rid);
  const found = await wellsListRecords({ code: "W-1" });
  const refused = await wellsCreateRecord({ data: { code: "W-1", name: "Again" } });
  return {
    rid,
    depth,
    amended: amended.status === 200 ? amended.data : undefined,
    read: read.status === 200 ? read.data : undefined,
    found: found.status === 200 ? found.data.records.length : 0,
    refused: refused.status === 409 ? refused.data.code : undefined,
  };
}

export function mustNotCompile() {
  // @ts-expect-error a well has a name
  void wellsCreateRecord({ data: { code: "W-2" } });
  // @ts-expect-error a depth is a number
  void wellsCreateRecord({ data: { code: "W-2", name: "n", depth: "deep" } });
  // @ts-expect-error wells are dug or bored
  void wellsCreateRecord({ data: { code: "W-2", name: "n", kind: "found" } });
  // @ts-expect-error a name is not taken away
  void wellsAmendRecord("rid", "etag", { data: { name: null } });
}
`;

let node: TestNode;
let folder: string;

beforeAll(async () => {
  node = await startTestNode({ path: "/water" });
  const properties: JsonObject = { depth: { type: "number" }, kind: { enum: ["dug", "bored"] } };
  expect((await node.publish(definition("wells", { properties }))).status).toBe(201);
  folder = mkdtempSync(join(tmpdir(), "attestry-client-"));
});

afterAll(async () => {
  await node?.close();
  rmSync(folder, { recursive: true, force: true });
});

it("creates, amends, reads and finds a record, with the registry's own types", { timeout: GENERATE_MS }, async () => {
  const { text } = await node.request("GET", "/openapi.json");
  writeFileSync(join(folder, "openapi.json"), text);
  writeFileSync(join(folder, "client.ts"), await generateSource(join(folder, "openapi.json")));
  // The client needs its library at hand.
  symlinkSync(new URL("../../node_modules", import.meta.url), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  writeFileSync(join(folder, "program.ts"), PROGRAM);
  const options = "--strict --target es2022 --module nodenext --lib es2023,dom,dom.iterable --types";
  const rewriting = "--rewriteRelativeImportExtensions --outDir";
  const flags = [...options.split(" "), "", ...rewriting.split(" "), join(folder, "built")];
  const told = runCompiler([...flags, join(folder, "program.ts")]);
  expect(told).toBe("");
  const { run } = (await import(/* @vite-ignore */ pathToFileURL(join(folder, "built", "program.js")).href)) as {
    run(baseUrl: string, token: string): Promise<JsonObject>;
  };
  const outcome = await run(node.entity, await node.token("registrar"));
  expect(outcome).toMatchObject({ depth: 12, found: 1, refused: "value_not_unique" });
  expect(outcome.amended).toMatchObject({ rid: outcome.rid, version: 2, state: "active" });
  expect((outcome.amended as JsonObject).data).toEqual({ code: "W-1", name: "Old mill well", kind: "dug" });
  expect(outcome.read).toMatchObject({ version: 2, data: { name: "Old mill well" } });
});

/** What the compiler has to say, nothing if all is well. */
function runCompiler(flags: readonly string[]): string {
  try {
    return execFileSync(process.execPath, [TSC, ...flags], { cwd: folder, encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout: string }).stdout);
  }
}
