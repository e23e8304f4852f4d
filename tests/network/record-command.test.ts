// `attestry record` against a running node: each subcommand does over the command line what its request does over HTTP.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { recordCommand } from "../../src/cli/record.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

let node: TestNode;
let directory: string;
let tokenFile: string;

beforeAll(async () => {
  node = await startTestNode();
  directory = mkdtempSync(join(tmpdir(), "attestry-record-"));
  tokenFile = join(directory, "token");
  writeFileSync(tokenFile, await node.token("registrar"), { mode: 0o600 });
  expect((await node.publish(definition("wells"))).status).toBe(201);
});

afterAll(async () => {
  await node?.close();
  rmSync(directory, { recursive: true, force: true });
});

afterEach(() => vi.restoreAllMocks());

function file(content: Json): string {
  const path = join(directory, "body.json");
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** Runs the command as the program would; gives what it printed. */
async function run(...parameters: string[]): Promise<string> {
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  await recordCommand().parseAsync([...parameters, "--token-file", tokenFile], { from: "user" });
  vi.restoreAllMocks();
  return printed;
}

const runJson = async (...parameters: string[]) => JSON.parse(await run(...parameters, "--json")) as JsonObject;

let codes = 0;
const createWell = () =>
  runJson("create", "wells", file({ data: { code: `R${codes++}`, name: "Well" } }), "--url", node.entity);

describe("attestry record", () => {
  it("creates, amends and walks a record through its states", async () => {
    const created = await createWell();
    expect(created).toMatchObject({ version: 1, state: "active" });
    const url = String(created.href);
    const amended = await runJson("amend", url, file({ data: { name: "Deep well" } }), "--note", "measured");
    expect(amended).toMatchObject({ version: 2, data: { name: "Deep well" } });
    expect(await runJson("suspend", url, "--reason", "dispute", "--effective", "2020-01-01")).toMatchObject({
      state: "suspended",
    });
    expect(await runJson("reinstate", url)).toMatchObject({ state: "active" });
    expect(await runJson("end", url, "--instrument", "Order 3")).toMatchObject({ state: "ended" });
    expect(await runJson("erase", url, "--reason", "order", "--instrument", "Order 4")).toMatchObject({
      state: "erased",
    });
    expect(await runJson("revoke", String((await createWell()).href))).toMatchObject({ state: "revoked" });
  });

  it("says in a line what it did, and where the successors are", async () => {
    const url = String((await createWell()).href);
    const printed = await run("replace", url, file({ by: [{ data: { code: `R${codes++}`, name: "New" } }] }));
    expect(printed).toMatch(/^replaced: http\S+, version 1, replaced\n {2}replaced by http\S+\n$/);
  });

  it("says whether an amendment changed anything", async () => {
    const url = String((await createWell()).href);
    const deeper = file({ data: { name: "Deeper" } });
    expect(await run("amend", url, deeper)).toMatch(/^amended: http\S+, version 2, active, log index \d+\n$/);
    expect(await run("amend", url, deeper)).toMatch(/^unchanged: http\S+, version 2, active, log index \d+\n$/);
  });

  it("names a file that cannot be read, and one that is no JSON", async () => {
    const url = String((await createWell()).href);
    const missing = join(directory, "missing.json");
    await expect(run("amend", url, missing)).rejects.toMatchObject({
      code: "request_invalid",
      message: `${missing} cannot be read: there is no such file`,
    });
    const torn = join(directory, "torn.json");
    writeFileSync(torn, '{"data"');
    await expect(run("amend", url, torn)).rejects.toMatchObject({
      code: "json_invalid",
      message: expect.stringContaining(torn),
    });
  });

  it("gives the node's refusal as it stands, and sends a token to no address that is no record", async () => {
    const url = String((await createWell()).href);
    const refused = { code: "state_conflict", message: expect.stringContaining("only a suspended one") };
    await expect(run("reinstate", url)).rejects.toMatchObject(refused);
    await expect(run("end", "https://example.org/else")).rejects.toMatchObject({ code: "request_invalid" });
  });
});
