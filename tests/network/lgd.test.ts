// The real directory of India's local governments on a federation: imported on two nodes, referred to across them.
import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { createImportDirectory, importInto, type TestImport } from "../import-fixture.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";

const data = new URL("../../../shared/data/lgd/", import.meta.url).pathname;
const fixtures = new URL("../lgd/", import.meta.url).pathname;
const hasData = existsSync(data);
if (!hasData) console.log(`skipped: ${data} is not there, so the real directory is not imported`);

const IMPORT_MS = 300_000;
const readDefinition = (name: string): JsonObject =>
  JSON.parse(readFileSync(join(fixtures, "definitions", `${name}.json`), "utf8")) as JsonObject;

describe.skipIf(!hasData)("the Local Government Directory", () => {
  const directory = createImportDirectory();
  let anchor: TestNode;
  let lgd: TestNode;
  let rural: TestNode;
  const nodes: TestNode[] = [];

  async function start(options: Parameters<typeof startTestNode>[0]): Promise<TestNode> {
    const node = await startTestNode(options);
    nodes.push(node);
    return node;
  }

  /** Imports one of the published files, from a copy beside which reports may be written. */
  async function importFile(node: TestNode, registry: string, file: string, options: Partial<TestImport> = {}) {
    const filePath = join(directory, file);
    copyFileSync(join(data, file), filePath);
    const mapPath = join(fixtures, "maps", `${registry}.json`);
    const { summary, error } = await importInto(node, { registry, filePath, mapPath, ...options });
    if (error !== undefined) throw error;
    return summary;
  }

  const statesElsewhere = () => ({ nodes: { states: lgd.entity } });
  const elsewhere = () => ({ nodes: { states: lgd.entity, districts: lgd.entity } });
  const created = (count: number) => ({
    rows: count,
    created: count,
    amended: 0,
    unchanged: 0,
    proposed: 0,
    refused: 0,
    report: null,
  });

  async function findByCode(node: TestNode, registry: string, code: string): Promise<JsonObject> {
    const answer = await node.request("GET", `/registries/${registry}/records?code=${code}`);
    const [record] = answer.body.records as JsonObject[];
    if (!record) throw new Error(`${registry} has no ${code}`);
    return record;
  }

  beforeAll(async () => {
    anchor = await start({});
    const types = ["states", "districts", "subdistricts", "blocks", "towns"];
    const member = { superiors: [anchor.entity], anchors: [anchor.pin(types)] };
    lgd = await start({ ...member, path: "/lgd" });
    rural = await start({ ...member, path: "/rural" });
    const { acceptSubordinate } = anchor.node.federation;
    await acceptSubordinate({ entity: lgd.entity, registryTypes: ["states", "districts", "subdistricts"] });
    await acceptSubordinate({ entity: rural.entity, registryTypes: ["blocks", "towns"] });
    for (const [node, names] of [
      [lgd, ["states", "districts", "subdistricts"]],
      [rural, ["blocks", "blocks-of-one-district", "towns"]],
    ] as const) {
      for (const name of names) expect((await node.publish(readDefinition(name))).status).toBe(201);
    }
  });

  afterAll(async () => {
    for (const node of nodes.reverse()) await node.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it("has 36 states, 763 districts and 6,921 sub-districts, each referring to the one above it", {
    timeout: IMPORT_MS,
  }, async () => {
    expect(await importFile(lgd, "states", "states.csv")).toMatchObject(created(36));
    expect(await importFile(lgd, "districts", "districts.csv")).toMatchObject(created(763));
    expect(await importFile(lgd, "subdistricts", "subdistricts.csv")).toMatchObject(created(6_921));
    const state = await findByCode(lgd, "states", "35");
    expect(state.data).toMatchObject({ name: "ANDAMAN AND NICOBAR ISLANDS", kind: "union territory" });
    const district = await findByCode(lgd, "districts", "603");
    expect(district.data).toMatchObject({ name: "NICOBARS", state: state.href });
  });

  it("has 4,814 towns on another node than their states", { timeout: IMPORT_MS }, async () => {
    expect(await importFile(rural, "towns", "urban-local-bodies.csv", statesElsewhere())).toMatchObject(created(4_814));
    const town = await findByCode(rural, "towns", "253098");
    expect(town.data).toMatchObject({ name: "Port Blair", state: (await findByCode(lgd, "states", "35")).href });
  });

  it("has 7,223 blocks in 7,233 rows, ten of them in two districts", { timeout: IMPORT_MS }, async () => {
    const summary = await importFile(rural, "blocks", "blocks.csv", elsewhere());
    expect(summary).toMatchObject({ rows: 7_233, created: 7_223, refused: 0, report: null });
    const twice = ["2494", "2504", "6553", "2550", "2552", "2553", "2556", "2636", "2558", "2561"];
    const blocks = await Promise.all(twice.map((code) => findByCode(rural, "blocks", code)));
    for (const block of blocks) expect((block.data as JsonObject).districts).toHaveLength(2);
    const bajali = await findByCode(lgd, "districts", "739");
    const baksa = await findByCode(lgd, "districts", "616");
    expect(blocks[0]!.data).toMatchObject({ name: "GOBARDHANA", districts: [bajali.href, baksa.href] });
    expect((await findByCode(rural, "blocks", "6498")).data).toMatchObject({ name: "CAMPBELL BAY" });
  });

  it("names ten rows under a map with one district a block", { timeout: IMPORT_MS }, async () => {
    const reportPath = join(directory, "one-district.ndjson");
    const registry = "blocks-of-one-district";
    const summary = await importFile(rural, registry, "blocks.csv", { ...elsewhere(), reportPath });
    expect(summary).toMatchObject({ rows: 7_233, created: 7_223, refused: 10, report: reportPath });
    const refusals = readFileSync(reportPath, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as JsonObject);
    expect(refusals.map(({ line }) => line)).toEqual([799, 844, 950, 951, 953, 956, 959, 962, 964, 1033]);
    expect(refusals[0]).toEqual({
      line: 799,
      field: "",
      code: "value_not_unique",
      reason: "line 795 has the same key (Block Code)",
    });
  });

  it("changes nothing when it is imported again, even where existing records may be amended", {
    timeout: IMPORT_MS,
  }, async () => {
    const nothing = { created: 0, amended: 0, refused: 0 };
    const size = async () => (await rural.request("GET", "/log/records/checkpoint")).text.split("\n")[1];
    const before = await size();
    const blocks = await importFile(rural, "blocks", "blocks.csv", elsewhere());
    expect(blocks).toMatchObject({ ...nothing, rows: 7_233, unchanged: 7_223 });
    const towns = await importFile(rural, "towns", "urban-local-bodies.csv", { ...statesElsewhere(), mode: "upsert" });
    expect(towns).toMatchObject({ ...nothing, rows: 4_814, unchanged: 4_814 });
    expect(await size()).toBe(before);
  });

  it("has 1,000 blocks resolved and verified by a third node, with their districts and states on the second", {
    timeout: IMPORT_MS,
  }, async () => {
    const agency = await start({ anchors: [anchor.pin(["states", "districts", "blocks"])] });
    const references: string[] = [];
    for (let cursor = ""; references.length < 1_000; ) {
      const page = await rural.request("GET", `/registries/blocks/records?limit=500${cursor}`);
      references.push(...(page.body.records as JsonObject[]).map(({ href }) => href as string));
      cursor = `&cursor=${String(page.body.next)}`;
    }
    const token = await agency.token("reader");
    const answer = await agency.request("POST", "/resolve", {
      token,
      json: { references, follow: [["districts", "state"]] },
    });
    expect(answer.status, answer.text.slice(0, 500)).toBe(200);
    const resolved = answer.body.references as JsonObject[];
    expect(resolved).toHaveLength(1_000);
    const records = Object.values(answer.body.records as Record<string, JsonObject>);
    expect(records.filter(({ outcome }) => outcome !== "verified")).toEqual([]);
    const count = (type: string) => records.filter((record) => record.type === type).length;
    expect(count("blocks")).toBe(1_000);
    expect(count("districts")).toBeGreaterThan(50);
    expect(count("states")).toBeGreaterThan(1);
    expect(answer.body.homes).toEqual([
      { entity: rural.entity, requests: 1, records: 1_000 },
      { entity: lgd.entity, requests: 2, records: count("districts") + count("states") },
    ]);
    // Nothing of the others' records is kept: the agency holds its own key set in its log, and no record.
    const kept = await agency.database.database.sql<{ count: number }[]>`select count(*) as count from record_version`;
    expect(kept[0]!.count).toBe(0);
  });
});
