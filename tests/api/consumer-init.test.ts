// `attestry init --consumer`: makes a node that keeps no registries and says what is left to do; never turns one that is there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { initCommand } from "../../src/cli/init.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { settledCode } from "../caught-code.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

let directory: string;
let database: TestDatabase;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "attestry-init-"));
  database = await createTestDatabase();
  vi.stubEnv("DATABASE_URL", database.url);
}, 60_000);

afterEach(() => vi.restoreAllMocks());

afterAll(async () => {
  vi.unstubAllEnvs();
  await database?.drop();
  rmSync(directory, { recursive: true, force: true });
});

/** What the command prints. */
async function init(...args: string[]): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  await initCommand().parseAsync(["--data", directory, ...args], { from: "user" });
  return written.join("");
}

const configOf = (node: string): JsonObject =>
  JSON.parse(readFileSync(join(directory, "nodes", node, "config.json"), "utf8")) as JsonObject;

const ENTITY = ["--entity", "https://agency.example", "--organization", "Loans Agency"];

describe("attestry init --consumer", () => {
  it("makes the node and says, step by step, what is left until a clerk can check a record", async () => {
    const printed = await init("--node", "agency", "--consumer", ...ENTITY);
    const steps = printed.split("\n").filter((line) => /^ {2}\d\. /.test(line));
    const expected = [
      /anchors\.json/,
      /federation join .* --node agency$/,
      /sign_in/,
      /attestry serve/,
      /\/console\/check$/,
    ];
    expect(steps).toHaveLength(expected.length);
    for (const [at, step] of steps.entries()) expect(step).toMatch(expected[at]!);
    expect(printed).toContain("Recovery kit");
    expect(printed).not.toContain("pin this node as trust anchor");
    expect(configOf("agency")).toMatchObject({ consumer: true, entity: "https://agency.example" });
  });

  it("leaves the node what it is when it runs again, and turns none that keeps registries", async () => {
    const before = configOf("agency");
    const again = JSON.parse(await init("--node", "agency", "--json")) as JsonObject;
    expect(again).toMatchObject({ created: false, consumer: true });
    expect(configOf("agency")).toEqual(before);
    const { consumer: _, ...keeper } = before;
    writeFileSync(join(directory, "nodes", "agency", "config.json"), JSON.stringify(keeper));
    expect(await settledCode(init("--node", "agency", "--consumer"))).toBe("node_exists");
    expect(configOf("agency")).toEqual(keeper);
  });
});
