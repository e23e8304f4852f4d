// `attestry token` and `attestry session` as an operator runs them beside a node that serves: who has access, and how it ends.
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
import { callAttestry } from "../warm-program.ts";

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
