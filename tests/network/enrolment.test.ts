// Becoming a subordinate with the built program, as two operators do it: apply, look, decide, ask what became of it; and after the loss of a key.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { parseAnchorPins } from "../../src/federation/anchor-pins.ts";
import { createChainService } from "../../src/federation/chain-service.ts";
import { createHttpClient } from "../../src/federation/http-client.ts";
import type { VerifiedChain } from "../../src/federation/trust-chain.ts";
import { ensureBuilt, startServing } from "../built-program.ts";
import { freePort } from "../free-port.ts";
import { callProgram, type Outcome } from "../warm-program.ts";

const COMMAND_MS = 120_000;
const directory = mkdtempSync(join(tmpdir(), "attestry-enrolment-"));
const anchors = join(directory, "pins.json");
const serving = new Map<string, ChildProcess>();
const entities = { land: "", lgd: "", rural: "" };

async function run(...args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await callProgram([...args, "--data", directory]);
  return { code, stdout: stdout.trim(), stderr: stderr.trim() };
}

const federation = (node: string, ...args: string[]) => run("federation", ...args, "--node", node);

async function federationJson(node: string, ...args: string[]): Promise<JsonObject> {
  const { stdout, stderr } = await federation(node, ...args, "--json");
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout) as JsonObject;
}

async function failureOf(node: string, ...args: string[]): Promise<[number, unknown]> {
  const { code, stderr } = await federation(node, ...args, "--json");
  return [code, (JSON.parse(stderr) as { error: JsonObject }).error.code];
}

async function init(node: string, entity: string, ...args: string[]): Promise<void> {
  const organization = `Department of ${node}`;
  const outcome = await run(
    "init",
    "--node",
    node,
    "--entity",
    entity,
    "--organization",
    organization,
    "--development",
    ...args,
  );
  expect(outcome.code, outcome.stderr).toBe(0);
}

async function start(node: string): Promise<void> {
  serving.set(node, await startServing("--data", directory, "--node", node));
}

async function stop(node: string): Promise<void> {
  const child = serving.get(node);
  serving.delete(node);
  if (!child || child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

const configOf = (node: string) =>
  JSON.parse(readFileSync(join(directory, "nodes", node, "config.json"), "utf8")) as { superiors?: string[] };

/** As somebody who pins the superior sees it, and has not looked before. */
async function findChain(entity: string): Promise<VerifiedChain> {
  const httpClient = createHttpClient({ development: true, allowedPrivateHosts: [] });
  const pins = parseAnchorPins(JSON.parse(readFileSync(anchors, "utf8")));
  const clock = () => Math.floor(Date.now() / 1_000);
  try {
    return await createChainService({ anchors: pins, httpClient, clock, allowLoopbackHttp: true }).getChain(entity);
  } finally {
    httpClient.close();
  }
}

beforeAll(async () => {
  await ensureBuilt();
  for (const name of ["land", "lgd", "rural"] as const) entities[name] = `http://127.0.0.1:${await freePort()}`;
  await init("land", entities.land);
  const [pin] = JSON.parse(readFileSync(join(directory, "nodes/land/anchor-pin.json"), "utf8")) as JsonObject[];
  writeFileSync(anchors, JSON.stringify([{ ...pin, registry_types: ["districts", "blocks"] }]));
  await start("land");
  await init("lgd", entities.lgd, "--anchors", anchors);
  await init("rural", entities.rural, "--anchors", anchors);
}, COMMAND_MS);

afterAll(async () => {
  for (const node of ["rural", "rural-again", "lgd", "land"]) await stop(node);
  rmSync(directory, { recursive: true, force: true });
}, COMMAND_MS);

describe("joining", () => {
  it("takes its change to the configuration back where nobody takes the application", {
    timeout: COMMAND_MS,
  }, async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    expect(await failureOf("lgd", "join", nobody)).toEqual([1, "peer_unreachable"]);
    expect(await failureOf("lgd", "join", "land.example.org")).toEqual([1, "entity_identifier_invalid"]);
    expect(await failureOf("lgd", "join", entities.land, "--code", "wrong")).toEqual([1, "enrolment_refused"]);
    expect(await failureOf("lgd", "join", entities.land, "--status")).toEqual([1, "enrolment_unknown"]);
    expect(configOf("lgd").superiors).toBeUndefined();
  });

  it("waits for the operator, who sees who it is and accepts; then a chain leads to it", {
    timeout: COMMAND_MS,
  }, async () => {
    const joined = await federation("lgd", "join", `${entities.land}/`);
    expect(joined.code, joined.stderr).toBe(0);
    expect(joined.stdout).toContain("its operator decides");
    expect(joined.stdout).toContain("restart the node");
    expect(configOf("lgd").superiors).toEqual([entities.land]);
    expect(await federationJson("lgd", "join", entities.land, "--status")).toMatchObject({ state: "pending" });
    await start("lgd");

    const { applications } = (await federationJson("land", "pending")) as { applications: JsonObject[] };
    expect(applications).toEqual([
      {
        entity: entities.lgd,
        organization_name: "Department of lgd",
        registry_types: [],
        state: "pending",
        key: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        replaces_key: false,
        applied_at: expect.any(String),
      },
    ]);
    // What the operator of the applicant reads out is what the superior's sees.
    expect(joined.stdout).toContain(String(applications[0]!.key));
    expect((await federation("land", "pending")).stdout).toContain("Department of lgd");
    await expect(findChain(entities.lgd)).rejects.toMatchObject({ code: "chain_not_found" });

    const accepted = await federation("land", "accept", entities.lgd, "--types", "districts");
    expect(accepted.stdout, accepted.stderr).toBe(`${entities.land} now vouches for ${entities.lgd}, for: districts`);
    expect((await federation("land", "pending")).stdout).toBe("Nobody has applied.");
    const status = await federation("lgd", "join", entities.land, "--status");
    expect(status.stdout).toBe(`${entities.land} vouches for this node, for: districts`);
    const chain = await findChain(entities.lgd);
    expect([chain.anchor, chain.entity]).toEqual([entities.land, entities.lgd]);
  });

  it("tells who was refused why, and lets it apply again", { timeout: COMMAND_MS }, async () => {
    expect((await federationJson("rural", "join", entities.land)).state).toBe("pending");
    expect(await failureOf("land", "refuse", entities.rural, "--reason", " ")).toEqual([1, "request_invalid"]);
    const refused = await federation("land", "refuse", entities.rural, "--reason", "no such department");
    expect(refused.code, refused.stderr).toBe(0);
    const told = await federation("rural", "join", entities.land, "--status");
    expect([told.code, told.stdout]).toEqual([2, `${entities.land} refused: no such department`]);
    expect(await failureOf("land", "refuse", entities.rural, "--reason", "again")).toEqual([1, "enrolment_unknown"]);
    expect((await federationJson("rural", "join", entities.land)).state).toBe("pending");
  });

  it("by a one-time code needs no operator, and by the same code nobody a second time", {
    timeout: COMMAND_MS,
  }, async () => {
    const made = await federation("land", "code", "--entity", entities.rural, "--types", "blocks", "--expires", "1h");
    expect(made.stderr).toContain("shown this once");
    const joined = await federation("rural", "join", entities.land, "--code", made.stdout);
    expect(joined.stdout, joined.stderr).toBe(`${entities.land} vouches for this node, for: blocks`);
    await start("rural");
    expect((await findChain(entities.rural)).entity).toBe(entities.rural);
    expect(await failureOf("rural", "join", entities.land, "--code", made.stdout)).toEqual([1, "enrolment_refused"]);
    expect(configOf("rural").superiors).toEqual([entities.land]);
  });
});

describe("after the loss of its key a node", () => {
  beforeAll(async () => {
    await stop("rural");
    await init("rural-again", entities.rural, "--anchors", anchors, "--superior", entities.land);
    await start("rural-again");
  }, COMMAND_MS);

  it("is believed by nobody, and a code does not help it", { timeout: COMMAND_MS }, async () => {
    await expect(findChain(entities.rural)).rejects.toMatchObject({ code: "chain_not_found" });
    const { stdout: code } = await federation("land", "code", "--entity", entities.rural, "--types", "blocks");
    const { stderr } = await federation("rural-again", "join", entities.land, "--code", code);
    expect(stderr).toContain("subordinate_key_changed");
  });

  it("applies anew, and is accepted only by an operator who says that its key is replaced", {
    timeout: COMMAND_MS,
  }, async () => {
    expect((await federationJson("rural-again", "join", entities.land)).state).toBe("pending");
    const { applications } = (await federationJson("land", "pending")) as { applications: JsonObject[] };
    const keys = applications.filter(({ state }) => state === "pending").map((one) => [one.replaces_key, one.key]);
    // The application before the code was never decided: it is there still, with the old key.
    expect(keys.map(([replaces]) => replaces).sort()).toEqual([false, true]);
    const key = String(keys.find(([replaces]) => replaces === true)![1]);
    const accept = ["accept", entities.rural, "--types", "blocks"];
    expect(await failureOf("land", ...accept)).toEqual([1, "subordinate_key_changed"]);
    expect(await failureOf("land", ...accept, "--key", "another")).toEqual([1, "enrolment_key_unconfirmed"]);
    const accepted = await federation("land", ...accept, "--replace-key", "--key", key);
    expect(accepted.code, accepted.stderr).toBe(0);
    const chain = await findChain(entities.rural);
    expect([chain.entity, chain.registryTypes]).toEqual([entities.rural, []]);
  });
});

describe("whoever has not applied", () => {
  it("is accepted by its own configuration, another key again only where it is said", {
    timeout: COMMAND_MS,
  }, async () => {
    const removed = await federation("land", "remove", entities.lgd);
    expect(removed.code, removed.stderr).toBe(0);
    await expect(findChain(entities.lgd)).rejects.toMatchObject({ code: "chain_not_found" });
    const accept = ["accept", entities.lgd, "--types", "districts"];
    expect((await federation("land", ...accept)).code).toBe(0);
    await stop("lgd");
    await init("lgd-again", entities.lgd, "--anchors", anchors, "--superior", entities.land);
    await start("lgd-again");
    expect(await failureOf("land", ...accept)).toEqual([1, "subordinate_key_changed"]);
    expect((await federation("land", ...accept, "--replace-key")).code).toBe(0);
    expect((await findChain(entities.lgd)).entity).toBe(entities.lgd);
    await stop("lgd-again");
  });
});
