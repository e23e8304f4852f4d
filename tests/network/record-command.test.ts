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

  it("holds a record, lifts the hold, erases one version, and says what backups hold", async () => {
    const url = String((await createWell()).href);
    await run("amend", url, file({ data: { name: "Wrong" } }));
    await run("amend", url, file({ data: { name: "Right" } }));
    const ground = ["--instrument", "Order 5"];
    const held = await run("hold", url, "--case", "C 7", "--until", "2099-12-31", ...ground);
    expect(held).toMatch(/^held: http\S+\n {2}stands: C 7, until 2099-12-31 \(Order 5\)\n$/);
    const why = ["--reason", "wrong", ...ground];
    await expect(run("erase", url, ...why)).rejects.toMatchObject({ code: "record_held" });
    await expect(run("release", url, "--case", "C 7", ...ground)).rejects.toMatchObject({ code: "permission_denied" });
    const registrar = tokenFile;
    tokenFile = join(directory, "approver");
    writeFileSync(tokenFile, await node.token("approver"), { mode: 0o600 });
    expect(await run("release", url, "--case", "C 7", ...ground)).toMatch(/^lifted: http\S+\n {2}over: C 7/);
    tokenFile = registrar;
    expect(await run("erase", url, "--of-version", "2", ...why)).toMatch(
      /^erased: http\S+, version 2, erased, log index \d+\n {2}backups: for how long .*keep_days.*\n {2}readable there: .*keys\.json/,
    );
    expect(await runJson("erase", url, ...why)).toMatchObject({ state: "erased", backups: { stated: false } });
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
