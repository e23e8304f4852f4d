// Whole nodes for tests: real databases, real HTTP on loopback, in this process. Test code only.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type NodeConfigFile, parseNodeConfig } from "../src/config.ts";
import type { Json, JsonObject } from "../src/crypto/json.ts";
import type { HttpClient } from "../src/federation/http-client.ts";
import type { AnchorPin } from "../src/federation/trust-chain.ts";
import { type Listener, type ListenTimeouts, listenAll } from "../src/http/listener.ts";
import type { Role } from "../src/identity/caller.ts";
import { type Logger, silentLogger } from "../src/logger.ts";
import { createNode, currentSeconds, initializeNode, type Node } from "../src/node.ts";
import { generateSecrets, parseSecrets, type Secrets } from "../src/secrets.ts";
import { createTestDatabase, type TestDatabase } from "./database.ts";
import { freePort } from "./free-port.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON, an empty object where it is none. */
  readonly body: JsonObject;
}

export interface TestNode {
  readonly node: Node;
  readonly entity: string;
  readonly secrets: Secrets;
  readonly database: TestDatabase;
  /** How others pin this node as their anchor. */
  pin(registryTypes: readonly string[]): AnchorPin;
  token(
    role: Role,
    options?: { name?: string; registries?: string[]; claims?: Record<string, string[]>; seconds?: number },
  ): Promise<string>;
  /** A request below the node's base URL over real HTTP. */
  request(
    method: string,
    path: string,
    options?: { token?: string | undefined; json?: Json; body?: string | Uint8Array; headers?: Record<string, string> },
  ): Promise<Answer>;
  publish(definition: JsonObject): Promise<Answer>;
  /** Stops the node and keeps its database. */
  stop(): Promise<void>;
  /** Stops it and starts it again at the same address on the same database, with what `change` makes of its unlocked key file. */
  restart(change?: (unlocked: JsonObject) => JsonObject): Promise<void>;
  close(): Promise<void>;
}

/** All that run, so that whoever is vouched for now need not wait for its own job to find out. */
const runningNodes = new Set<Node>();

function renewAtOnce(node: Node): Node {
  const { federation } = node;
  return {
    ...node,
    federation: {
      ...federation,
      async acceptSubordinate(terms) {
        const accepted = await federation.acceptSubordinate(terms);
        await Promise.allSettled([...runningNodes].map((one) => one.ownChain.renew()));
        return accepted;
      },
    },
  };
}

/** Starts a node. `path` is its base path, such as "/lgd"; `origin` its public address where that is a proxy's, such as "https://127.0.0.1:8443". */
export async function startTestNode(
  options: {
    path?: string;
    origin?: string;
    superiors?: readonly string[];
    anchors?: readonly AnchorPin[];
    clock?: () => number;
    timeouts?: ListenTimeouts;
    port?: number;
    /** A node that was stopped and goes on here, at another address: its keys, its database. */
    moved?: TestNode;
    httpClient?: HttpClient;
    /** Where its log goes; nowhere without it. */
    logger?: Logger;
    /** Further members of the config file. */
    config?: (entity: string) => Partial<NodeConfigFile>;
  } = {},
): Promise<TestNode> {
  const port = options.port ?? (await freePort());
  const ownBase = `http://127.0.0.1:${port}${options.path ?? ""}`;
  const entity = options.origin === undefined ? ownBase : `${options.origin}${options.path ?? ""}`;
  const directory = mkdtempSync(join(tmpdir(), "attestry-node-"));
  const anchors = options.anchors ?? [];
  writeFileSync(join(directory, "anchors.json"), JSON.stringify(anchors));
  const config = parseNodeConfig({
    name: "test",
    directory,
    file: {
      entity,
      organization_name: `Department at ${port}`,
      listen: { host: "127.0.0.1", port },
      database: "unused",
      development: true,
      anchors: "anchors.json",
      ...(options.moved && { formerly: [options.moved.entity] }),
      ...(options.superiors && { superiors: [...options.superiors] }),
      ...options.config?.(entity),
    },
  });
  let unlocked = generateSecrets();
  let secrets = options.moved?.secrets ?? parseSecrets(unlocked, options.clock?.());
  const database = options.moved?.database ?? (await createTestDatabase());
  const common = { config, database: database.database, logger: options.logger ?? silentLogger };
  await initializeNode({ ...common, secrets });
  const { clock, httpClient } = options;
  const start = async () => {
    const started = renewAtOnce(
      createNode({ ...common, secrets, ...(clock && { clock }), ...(httpClient && { httpClient }) }),
    );
    runningNodes.add(started);
    return { node: started, listeners: await listenAll([started], options.timeouts) };
  };
  let running: { node: Node; listeners: Listener[] } | undefined = await start();
  let known = running.node;
  const stop = async () => {
    const { node, listeners } = running ?? { node: undefined, listeners: [] };
    running = undefined;
    if (node) runningNodes.delete(node);
    await Promise.all(listeners.map((listener) => listener.close()));
    await node?.close();
  };

  async function request(
    ...[method, path, { token, json, body, headers } = {}]: Parameters<TestNode["request"]>
  ): Promise<Answer> {
    const response = await fetch(`${ownBase}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined ? { body: JSON.stringify(json) } : body !== undefined && { body: body as BodyInit }),
    });
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").includes("json") && !text.includes("\n{");
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: isJson && text !== "" ? (JSON.parse(text) as JsonObject) : {},
    };
  }

  const token: TestNode["token"] = (role, { name = `Test ${role}`, registries, claims, seconds = 3_600 } = {}) =>
    known.identity.createToken({
      name,
      role,
      registries,
      claims,
      expiresAt: currentSeconds() + seconds,
    });

  return {
    get node() {
      return known;
    },
    entity,
    get secrets() {
      return secrets;
    },
    database,
    pin: (registryTypes) => ({
      entity,
      jwks: { keys: [secrets.signers.federation.publicKey.jwk] },
      registry_types: registryTypes,
    }),
    token,
    request,
    publish: async (definition) =>
      request("PUT", `/registries/${String(definition.name)}`, { token: await token("operator"), json: definition }),
    stop,
    async restart(change) {
      await stop();
      unlocked = change?.(unlocked) ?? unlocked;
      secrets = parseSecrets(unlocked, options.clock?.());
      running = await start();
      known = running.node;
      // Callers learn that their kept connections are gone.
      await sleep(50);
      // As its job does within the first second; a node that nobody vouches for goes without.
      await known.ownChain.renew().catch(() => undefined);
    },
    async close() {
      await stop();
      await database.drop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A definition with an own code and a name, and whatever else is given. */
export function definition(
  name: string,
  options: { properties?: JsonObject; required?: string[]; access?: string; members?: JsonObject } = {},
): JsonObject {
  return {
    name,
    type: name,
    title: { en: name },
    access: options.access ?? "public",
    display: "{name}",
    schema: {
      type: "object",
      additionalProperties: false,
      required: ["code", "name", ...(options.required ?? [])],
      properties: {
        code: { type: "string", "x-unique": true, "x-personal": false },
        name: { type: "string" },
        ...options.properties,
      },
    },
    ...options.members,
  };
}
