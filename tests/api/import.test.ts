// The bulk route on one node: what becomes of each row, and that one bad row holds up no other.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

let node: TestNode;
let registrar: string;

async function importRows(rows: readonly unknown[], query = ""): Promise<JsonObject[]> {
  const answer = await node.request("POST", `/registries/wells/records:import${query}`, {
    token: registrar,
    headers: { "content-type": "application/x-ndjson" },
    body: rows.map((row) => `${typeof row === "string" ? row : JSON.stringify(row)}\n`).join(""),
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject);
}

const row = (code: string, name = "Well") => ({ data: { code, name } });
const told = (outcomes: JsonObject[]) => outcomes.map(({ outcome, code }) => (code === undefined ? outcome : code));

beforeAll(async () => {
  node = await startTestNode();
  registrar = await node.token("registrar");
  expect((await node.publish(definition("wells"))).status).toBe(201);
});

afterAll(async () => node?.close());

describe("an import", () => {
  it("answers each row for itself, in order", async () => {
    const outcomes = await importRows([row("1"), "{broken", { data: { code: "2" } }, row("1", "again"), row("3")]);
    expect(told(outcomes)).toEqual(["created", "json_invalid", "record_invalid", "value_not_unique", "created"]);
  });

  it("changes nothing the second time, and amends only where it is told to", async () => {
    await importRows([row("10")]);
    expect(told(await importRows([row("10"), row("10", "Spring")]))).toEqual(["unchanged", "value_not_unique"]);
    expect(told(await importRows([row("10", "Spring")]))).toEqual(["value_not_unique"]);
    expect(told(await importRows([row("10", "Spring")], "?mode=upsert"))).toEqual(["amended"]);
  });

  it("only foretells in a dry run", async () => {
    expect(told(await importRows([row("20")], "?dryRun=true"))).toEqual(["created"]);
    expect(told(await importRows([row("20")]))).toEqual(["created"]);
  });

  it("does not take a revoked record for the row that it says", async () => {
    const [created] = await importRows([row("30")]);
    await node.request("POST", `/registries/wells/records/${String(created!.rid)}/revoke`, {
      token: registrar,
      json: {},
    });
    for (const mode of ["create", "upsert"])
      expect(told(await importRows([row("30")], `?mode=${mode}`))).toEqual(["state_conflict"]);
  });
});
