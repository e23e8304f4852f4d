// `attestry federation mark` as an operator runs it: a node that is its own anchor issues itself a mark, carries it, checks it and takes it back.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { silentLogger } from "../../src/logger.ts";
import { openCluster } from "../../src/storage/cluster.ts";
import { ensureBuilt, startServing } from "../built-program.ts";
import { freePort } from "../free-port.ts";
import { callAttestry } from "../warm-program.ts";

const TYPE = "https://marks.example/citizen-portal";

let directory: string;
let entity: string;
let serving: ChildProcess | undefined;
let cluster: Awaited<ReturnType<typeof openCluster>> | undefined;

async function serve(): Promise<void> {
  if (serving) {
    serving.removeAllListeners("exit");
    const gone = once(serving, "exit");
    serving.kill("SIGTERM");
    await gone;
  }
  serving = await startServing("--data", directory);
}

async function readConfiguration(): Promise<JsonObject> {
  const text = await (await fetch(`${entity}/.well-known/openid-federation`)).text();
  return JSON.parse(Buffer.from(text.split(".")[1]!, "base64url").toString()) as JsonObject;
}

async function mark(command: string, ...args: string[]): Promise<JsonObject> {
  return JSON.parse(
    await callAttestry("federation", "mark", command, "--data", directory, "--json", ...args),
  ) as JsonObject;
}

beforeAll(async () => {
  await ensureBuilt();
  directory = mkdtempSync(join(tmpdir(), "attestry-mark-"));
  entity = `http://127.0.0.1:${await freePort()}`;
  await callAttestry(
    "init",
    ...["--data", directory, "--node", "anchor"],
    ...["--entity", entity, "--organization", "Anchor", "--development"],
  );
  cluster = await openCluster({ directory, logger: silentLogger });
  await serve();
  const { jwks } = await readConfiguration();
  const folder = join(directory, "nodes", "anchor");
  const file = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as JsonObject;
  writeFileSync(join(folder, "anchors.json"), JSON.stringify([{ entity, jwks, registry_types: [] }]));
  const changed = { ...file, anchors: "anchors.json", trust_mark_issuers: { [TYPE]: [entity] } };
  writeFileSync(join(folder, "config.json"), JSON.stringify(changed));
  await serve();
}, 180_000);

afterAll(async () => {
  serving?.removeAllListeners("exit");
  serving?.kill("SIGKILL");
  await cluster?.release();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, 60_000);

describe("attestry federation mark", () => {
  test("issues, carries, checks, revokes and drops a mark", { timeout: 120_000 }, async () => {
    const issued = await mark("issue", entity, "--type", TYPE, "--expires", "30d");
    expect(issued).toMatchObject({ subject: entity, type: TYPE });
    const file = join(directory, "mark.jwt");
    writeFileSync(file, `${String(issued.trust_mark)}\n`);
    expect(await mark("add", file)).toEqual({ entity, type: TYPE, issuer: entity });
    expect((await readConfiguration()).trust_marks).toEqual([{ trust_mark_type: TYPE, trust_mark: issued.trust_mark }]);
    expect(await mark("check", entity)).toMatchObject({
      entity,
      anchor: entity,
      marks: [{ type: TYPE, issuer: entity }],
      refused: [],
    });
    expect(await mark("list")).toMatchObject({
      issued: [{ subject: entity, type: TYPE, status: "active" }],
      carried: [{ type: TYPE, trust_mark: issued.trust_mark }],
    });

    expect(await mark("revoke", entity, "--type", TYPE, "--reason", "closed")).toMatchObject({ revoked: 1 });
    expect(await mark("list")).toMatchObject({ issued: [{ status: "revoked", reason: "closed" }] });
    const body = new URLSearchParams({ trust_mark: String(issued.trust_mark) });
    const status = await (await fetch(`${entity}/federation/trust-mark-status`, { method: "POST", body })).text();
    expect(JSON.parse(Buffer.from(status.split(".")[1]!, "base64url").toString())).toMatchObject({ status: "revoked" });
    expect(await mark("drop", "--type", TYPE)).toEqual({ type: TYPE, dropped: 1 });
    expect(await readConfiguration()).not.toHaveProperty("trust_marks");
  });

  test("makes a delegation for another issuer", async () => {
    const { delegation } = await mark("delegate", "https://issuer.example.org", "--type", TYPE);
    const [header, claims] = String(delegation)
      .split(".")
      .map((part) => Buffer.from(part, "base64url").toString());
    expect(JSON.parse(header!)).toMatchObject({ typ: "trust-mark-delegation+jwt" });
    expect(JSON.parse(claims!)).toMatchObject({
      iss: entity,
      sub: "https://issuer.example.org",
      trust_mark_type: TYPE,
    });
  });

  test("refuses an entity that is none, and a mark that is not there", async () => {
    await expect(mark("issue", "nobody", "--type", TYPE)).rejects.toThrow(/entity identifier/);
    await expect(mark("revoke", "https://a.example", "--type", TYPE, "--reason", "x")).rejects.toThrow(
      /knows no such trust mark/,
    );
    await expect(mark("add", "a.b.c")).rejects.toThrow(/trust mark/);
  });
});
