// Whole nodes for tests: real databases, real HTTP on loopback, in this process. Test code only.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NodeConfigFile, parseNodeConfig } from "../src/config.ts";
import type { Json, JsonObject } from "../src/crypto/json.ts";
import type { AnchorPin } from "../src/federation/trust-chain.ts";
import { type Listener, type ListenTimeouts, listenAll } from "../src/http/listener.ts";
import type { Role } from "../src/identity/caller.ts";
import { silentLogger } from "../src/logger.ts";
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
  token(role: Role, options?: { registries?: string[]; seconds?: number }): Promise<string>;
  /** A request below the node's base URL over real HTTP. */
  request(
    method: string,
    path: string,
    options?: { token?: string | undefined; json?: Json; body?: string | Uint8Array; headers?: Record<string, string> },
  ): Promise<Answer>;
  publish(definition: JsonObject): Promise<Answer>;
  close(): Promise<void>;
}

/** Starts a node. `path` is its base path, such as "/lgd". */
export async function startTestNode(
  options: {
    path?: string;
    superiors?: readonly string[];
    anchors?: readonly AnchorPin[];
    clock?: () => number;
    timeouts?: ListenTimeouts;
    /** Further members of the config file. */
    config?: (entity: string) => Partial<NodeConfigFile>;
  } = {},
): Promise<TestNode> {
  const port = await freePort();
  const entity = `http://127.0.0.1:${port}${options.path ?? ""}`;
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
      ...(options.superiors && { superiors: [...options.superiors] }),
      ...options.config?.(entity),
    },
  });
  const secrets = parseSecrets(generateSecrets());
  const database = await createTestDatabase();
  const common = { config, secrets, database: database.database, logger: silentLogger };
  await initializeNode(common);
  const node = createNode({ ...common, ...(options.clock && { clock: options.clock }) });
  const listeners: Listener[] = await listenAll([node], options.timeouts);

  async function request(
    ...[method, path, { token, json, body, headers } = {}]: Parameters<TestNode["request"]>
  ): Promise<Answer> {
    const response = await fetch(`${entity}${path}`, {
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

  const token: TestNode["token"] = (role, { registries, seconds = 3_600 } = {}) =>
    node.identity.createToken({ name: `Test ${role}`, role, registries, expiresAt: currentSeconds() + seconds });

  return {
    node,
    entity,
    secrets,
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
    async close() {
      await Promise.all(listeners.map((listener) => listener.close()));
      await node.close();
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
