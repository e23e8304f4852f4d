// The whole directory of India's districts and sub-districts imported again as it changes: what changed is amended, what is gone is named, and no more.
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { createImportDirectory, importInto, type TestImport } from "../import-fixture.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";

const data = new URL("../../../shared/data/lgd/", import.meta.url).pathname;
const fixtures = new URL("../lgd/", import.meta.url).pathname;
const hasData = existsSync(data);
if (!hasData) console.log(`skipped: ${data} is not there, so the real directory is not imported`);

const IMPORT_MS = 300_000;
const CHANGED = 50;
const GONE = 7;
const REGISTRIES = ["states", "districts", "subdistricts"] as const;

/** A choice that is the same in every run: every so many rows, from an odd place on. */
function choose(rows: readonly string[][], count: number, offset: number): number[] {
  const step = Math.floor(rows.length / count);
  return Array.from({ length: count }, (_, at) => offset + at * step);
}

const quote = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe.skipIf(!hasData)("the directory, imported again", () => {
  const directory = createImportDirectory();
  let node: TestNode;
  let header: string[];
  let rows: string[][];

  async function importFile(registry: string, file: string, options: Partial<TestImport> = {}) {
    const mapPath = join(fixtures, "maps", `${registry}.json`);
    const filePath = join(directory, file);
    const { summary, error } = await importInto(node, { registry, filePath, mapPath, ...options });
    if (error !== undefined) throw error;
    return summary;
  }

  function writeRows(name: string, content: readonly string[][]): void {
    const lines = [header, ...content].map((cells) => `${cells.map(quote).join(",")}\n`);
    writeFileSync(join(directory, name), lines.join(""));
  }

  const column = (name: string): number => header.findIndex((cell) => cell.trim() === name);
  const codesOf = (numbers: readonly number[]): string[] =>
    numbers.map((at) => rows[at]![column("Sub-district Code")]!.trim()).sort();

  /** Codes of the records that have so many versions. */
  async function codesAtVersion(version: number): Promise<string[]> {
    const { text } = await node.request("GET", "/registries/subdistricts/records:export");
    const records = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { record: JsonObject; data: JsonObject });
    return records.flatMap(({ record, data }) => (record.version === version ? [String(data.code)] : [])).sort();
  }

  beforeAll(async () => {
    const anchor = await startTestNode();
    node = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin([...REGISTRIES])], path: "/lgd" });
    const { close } = node;
    node = { ...node, close: () => close().then(() => anchor.close()) };
    await anchor.node.federation.acceptSubordinate({ entity: node.entity, registryTypes: [...REGISTRIES] });
    for (const name of REGISTRIES) {
      const definition = JSON.parse(readFileSync(join(fixtures, "definitions", `${name}.json`), "utf8")) as JsonObject;
      expect((await node.publish(definition)).status).toBe(201);
      copyFileSync(join(data, `${name}.csv`), join(directory, `${name}.csv`));
      await importFile(name, `${name}.csv`);
    }
    // What the job of the node's first minute would add to the log, whose size is counted here.
    await node.node.chainArchive.archive();
    [header, ...rows] = parse(readFileSync(join(data, "subdistricts.csv")), { bom: true }) as [string[], ...string[][]];
  }, IMPORT_MS);

  afterAll(async () => {
    await node?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it("amends exactly the 50 sub-districts whose rows changed", { timeout: IMPORT_MS }, async () => {
    const chosen = choose(rows, CHANGED, 11);
    const name = column("Sub-district Name");
    const changed = rows.map((cells, at) =>
      chosen.includes(at) ? cells.map((cell, i) => (i === name ? `${cell.trim()} (renamed)` : cell)) : cells,
    );
    writeRows("changed.csv", changed);
    const summary = await importFile("subdistricts", "changed.csv", { mode: "upsert" });
    const unchanged = rows.length - CHANGED;
    expect(summary).toMatchObject({ rows: rows.length, created: 0, amended: CHANGED, unchanged, refused: 0 });
    expect(await codesAtVersion(2)).toEqual(codesOf(chosen));
    rows = changed;
  });

  it("names exactly the 7 sub-districts whose rows are gone, and changes none", { timeout: IMPORT_MS }, async () => {
    const gone = choose(rows, GONE, 101);
    writeRows(
      "shorter.csv",
      rows.filter((_, at) => !gone.includes(at)),
    );
    const size = async () => (await node.request("GET", "/log/records/checkpoint")).text.split("\n")[1];
    const before = await size();
    const summary = await importFile("subdistricts", "shorter.csv", { mode: "sync" });
    const report = join(directory, "shorter.csv.missing.ndjson");
    expect(summary).toMatchObject({ amended: 0, created: 0, refused: 0, missing: { count: GONE, report, settled: 0 } });
    expect(await size()).toBe(before);
    const missing = readFileSync(report, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { keys: JsonObject; href: string });
    expect(missing.map(({ keys }) => String(keys.code)).sort()).toEqual(codesOf(gone));

    const onMissing = { operation: "revoke", reason: "abolished", instrument: "S.O. 1(E)" } as const;
    const preview = await importFile("subdistricts", "shorter.csv", { mode: "sync", onMissing, isDryRun: true });
    expect(preview.missing).toMatchObject({ count: GONE, settled: 0, withheld: null });
    expect(await size()).toBe(before);
    const done = await importFile("subdistricts", "shorter.csv", { mode: "sync", onMissing });
    expect(done.missing).toMatchObject({ count: GONE, settled: GONE, refused: 0 });
    expect(Number(await size())).toBe(Number(before) + GONE);
    const after = await importFile("subdistricts", "shorter.csv", { mode: "sync" });
    expect(after.missing).toMatchObject({ count: 0, report: null });
  });
});
