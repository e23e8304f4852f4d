// `attestry token`, `attestry session` and `attestry log audit` as an operator runs them beside a node that serves: who has access, how it ends, and whether all that was read is in the log.
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { BEARER_CACHE_SECONDS } from "../../src/limits.ts";
import { createBrowserJar } from "../browser-jar.ts";
import { ensureBuilt, startServing } from "../built-program.ts";
import { freePort } from "../free-port.ts";
import { definition } from "../node-fixture.ts";
import { startTestProvider, type TestProvider } from "../oidc-provider.ts";
import { callAttestry, callProgram } from "../warm-program.ts";

let directory: string;
let entity: string;
let provider: TestProvider;
let serving: ChildProcess | undefined;

async function run(...args: string[]): Promise<JsonObject> {
  return JSON.parse(await callAttestry(...args, "--data", directory, "--json")) as JsonObject;
}

async function publish(token: unknown): Promise<number> {
  const response = await fetch(`${entity}/registries/wells`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(definition("wells")),
  });
  return response.status;
}

beforeAll(async () => {
  await ensureBuilt();
  directory = mkdtempSync(join(tmpdir(), "attestry-people-"));
  entity = `http://127.0.0.1:${await freePort()}`;
  await callAttestry(
    "init",
    ...["--data", directory, "--node", "water"],
    ...["--entity", entity, "--organization", "Water", "--development"],
  );
  provider = await startTestProvider({
    accounts: { omar: { name: "Omar Khan", groups: ["it"] } },
    pageClients: [{ id: "pages", secret: "a+secret/of:the%client", redirectUris: [`${entity}/sign-in/callback`] }],
  });
  const folder = join(directory, "nodes", "water");
  writeFileSync(join(folder, "client-secret"), "a+secret/of:the%client\n", { mode: 0o600 });
  const file = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")) as JsonObject;
  const issuer = {
    issuer: provider.issuer,
    roles_claim: "groups",
    roles: [{ value: "it", role: "operator" }],
    client: { id: "pages", secret_file: "client-secret" },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify({ ...file, sign_in: { issuers: [issuer] } }));
  serving = await startServing("--data", directory);
}, 180_000);

afterAll(async () => {
  serving?.removeAllListeners("exit");
  serving?.kill("SIGKILL");
  await provider?.stop();
  if (directory) rmSync(directory, { recursive: true, force: true });
}, 60_000);

describe("attestry token", () => {
  test("makes, lists and revokes tokens of this node; the running node then refuses them", {
    timeout: 120_000,
  }, async () => {
    const made = await run("token", "create", "--role", "operator", "--name", "First steps");
    const service = await run(
      "token",
      "--role",
      "reader",
      "--name",
      "Report",
      "--registry",
      "wells",
      "--expires",
      "30d",
    );
    expect(await publish(made.token)).toBe(201);
    const { tokens } = (await run("token", "list")) as { tokens: JsonObject[] };
    // Two of one second have no order.
    tokens.sort((a, b) => String(b.name).localeCompare(String(a.name)));
    expect(tokens).toEqual([
      expect.objectContaining({
        name: "Report",
        role: "reader",
        registries: ["wells"],
        made_by: "this node",
        revoked_at: null,
      }),
      expect.objectContaining({ name: "First steps", role: "operator", registries: null, made_by: "this node" }),
    ]);
    expect(JSON.stringify(tokens)).not.toContain(String(service.token).slice(21));
    const { id } = tokens[1]!;
    expect(await run("token", "revoke", String(id))).toEqual({ id, revoked: true });
    await sleep((BEARER_CACHE_SECONDS + 1) * 1_000);
    expect(await publish(made.token)).toBe(401);
    await expect(run("token", "revoke", String(id))).rejects.toThrow(/token_unknown/);
  });
});

describe("attestry session", () => {
  test("lists who is signed in by a client with a secret, and ends that at once", { timeout: 120_000 }, async () => {
    expect(await run("session", "list")).toEqual({ sessions: [] });
    const browser = createBrowserJar();
    const asked = await browser.visit(`${entity}/sign-in/start?${new URLSearchParams({ issuer: provider.issuer })}`);
    const page = await browser.visit(asked.url, { form: { account: "omar" } });
    expect([page.status, page.url], page.text).toEqual([200, `${entity}/console`]);
    const { sessions } = (await run("session", "list")) as { sessions: JsonObject[] };
    expect(sessions).toEqual([
      expect.objectContaining({ name: "Omar Khan", issuer: provider.issuer, role: "operator" }),
    ]);
    const id = String(sessions[0]!.id);
    expect(await run("session", "end", id)).toEqual({ id, ended: true });
    expect((await browser.request("GET", `${entity}/console`)).status).toBe(303);
    await expect(run("session", "end", id)).rejects.toThrow(/session_unknown/);
  });
});

describe("attestry log audit", () => {
  const send = async (method: string, path: string, token: unknown, body?: JsonObject) => {
    const response = await fetch(`${entity}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
    return (await response.json()) as JsonObject;
  };
  const audit = async (...args: string[]) => {
    const { code, stdout } = await callProgram(["log", "audit", ...args, "--json"]);
    return [code, stdout.trim() === "" ? {} : (JSON.parse(stdout) as JsonObject)] as const;
  };

  test("holds both logs against the database beside a node that serves, and the access log from outside, also for one person", {
    timeout: 120_000,
  }, async () => {
    const { token: operator } = await run("token", "create", "--role", "operator", "--name", "Publisher");
    const { token } = await run("token", "create", "--role", "registrar", "--name", "Clerk");
    await send("PUT", "/registries/people", operator, definition("people", { access: "consent" }));
    const data = { code: "P-1", name: "Meera" };
    const { rid } = await send("POST", "/registries/people/records", token, { data });
    await send("GET", `/registries/people/records/${String(rid)}`, token);
    const state = join(directory, "audited.json");
    const here = ["--local", "--data", directory, "--state", state];
    expect(await audit(...here)).toMatchObject([0, { ok: true, events: { events: 1, people: 1, problems: [] } }]);
    const kept = JSON.parse(readFileSync(state, "utf8")) as Record<string, string>;
    // A checkpoint of another log is none of this one's past.
    writeFileSync(state, JSON.stringify({ ...kept, access: kept.records! }));
    expect(await audit(...here)).toMatchObject([1, { ok: false, records: { ok: true }, access: { ok: false } }]);

    expect(await audit(entity, "--log", "access")).toMatchObject([0, { ok: true, operations: { read: 1 } }]);
    const file = join(directory, "person.json");
    const readings = { node: entity, size: 1, keys: [], readings: [] as JsonObject[] };
    writeFileSync(file, JSON.stringify({ access_log: readings }));
    expect(await audit(entity, "--person", file)).toMatchObject([0, { ok: true, person: { ok: true } }]);
    readings.readings.push({ subject: "nobody", index: 0, event: "e30.e30.AA", salt: "A".repeat(43) });
    writeFileSync(file, JSON.stringify(readings));
    expect(await audit(entity, "--person", file)).toMatchObject([
      1,
      { ok: true, person: { ok: false, problems: [{ code: "event_changed", index: 0 }] } },
    ]);
    for (const wrong of [[entity, "--local"], [], [entity, "--log", "other"]])
      expect((await audit(...wrong))[0]).toBe(1);
  });
});
